"""Logistic factors against plain Python: scores by the names of features, gradients, M-steps, pressures, files."""

import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_features import PAIRS, WORDS
from reference import expect
from zoo import EXAMPLE, EXAMPLES, ROWS

from emnlp import HMM, IBM1, IBM2, Aligner, Bitext, Categorical, Fixed, HMMAligner, InputError, Logistic, Uniform, load
from emnlp.factors.linear import Crossed, SlotTerm, Tied
from emnlp.factors.pressure import Pressure
from emnlp.features import (
    Binned,
    Capital,
    Constant,
    Feature,
    LengthRatio,
    PairFeature,
    Prefixes,
    SameSpelling,
    Shape,
    SharedPrefix,
    Slot,
    Suffixes,
    Word,
)
from emnlp.inference.rows import fit_rows, less_expected, open_softmax_rows
from emnlp.models.lexicon import lexical_support
from emnlp.storage import build, describe
from emnlp.support import Support

MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
LEFT, RIGHT = ["ab", None, "Ba", "acb"], ["ab", "abc", "B", None, "Ab", "cba", "bc"]


def of_slots(slots):
    """A support of these slots of the table, row by row, and of no other."""
    return Support.pairs(*np.divmod(slots, len(RIGHT)), len(LEFT), len(RIGHT), (LEFT, RIGHT))


ALL = np.arange(len(LEFT) * len(RIGHT))
SHUFFLED = np.random.default_rng(5).permutation(ALL)
SUPPORTS = {
    "by condition": Support.dense(len(LEFT), len(RIGHT), (LEFT, RIGHT)),
    "by outcome": of_slots(ALL.reshape(len(LEFT), -1).T.ravel()),
    "shuffled": of_slots(SHUFFLED),
    "sparse": of_slots(SHUFFLED[:11]),  # some conditions and outcomes may have no slot at all
    "ragged": Support.ragged([3, 1, 0, 6], (LEFT, RIGHT[:6])),
    "lexical": lexical_support(Bitext.from_pairs([(["ab", "Ba"], ["ab", "B"]), (["Ba", "c"], ["abc", "B"])]).pairs),
    "one outcome": Support.dense(len(LEFT), 1, (LEFT, ["ab"])),
    "one slot": Support.dense(1, 1, (["ab"], ["b"])),
}
TERMS = [
    Word(), Suffixes(3), Shape(), Constant(),
    Tied(Prefixes(2)), Tied(Capital()), Tied(Word()), Crossed(Capital(), Suffixes(3)), Crossed(Prefixes(2), Word()),
    Crossed(Constant(), Prefixes(2)), Slot(), SameSpelling(), SharedPrefix(3), LengthRatio(2),
]  # fmt: skip
names = st.sampled_from(list(SUPPORTS))
terms = st.lists(st.sampled_from(TERMS), min_size=1, max_size=5)
seeds = st.integers(0, 10_000)


# What fires, by definition


def on_word(feature, word):
    """The names of what fires on a word."""
    if isinstance(feature, Constant):
        return {"constant"}
    return set() if word is None else WORDS[feature](word)


def fired(term, left, right):
    """The labels of the weights of a pair."""
    if isinstance(term, Slot):
        return {(None, f"slot={left or 'NULL'}|{right or 'NULL'}")}
    if isinstance(term, PairFeature):
        return {(None, name) for name in PAIRS[term](left, right)} if None not in (left, right) else set()
    if isinstance(term, Tied):
        return {(None, name) for name in on_word(term.feature, right)}
    if isinstance(term, Crossed):
        return {(a, b) for a in on_word(term.condition, left) for b in on_word(term.outcome, right)}
    return {(left, name) for name in on_word(term, right)}


def plain(support, term, min_count):
    """For each slot the labels that are left after the cut; rare is what few slots have, or few outcomes of a table."""
    pairs = [(support.names[0][c], support.names[1][o]) for c, o in zip(support.conditions, support.outcomes)]
    rows = [fired(term, *pair) for pair in pairs]
    if support.layout is None or isinstance(term, PairFeature):
        counts = Counter(label for row in rows for label in row)
        return [{label for label in row if counts[label] >= min_count} for row in rows]
    read = term.outcome if isinstance(term, Crossed) else term.feature if isinstance(term, Tied) else term
    counts = Counter(name for word in support.names[1] for name in on_word(read, word))
    return [{label for label in row if counts[label[1]] >= min_count} for row in rows]


@MANY
@given(names, terms, st.integers(1, 3), seeds)
def test_scores_are_sums_of_the_weights_that_fire(name, features, min_count, seed):
    support = SUPPORTS[name]
    factor = Logistic(tuple(features), min_count=min_count).bind(support)
    linear, rng = factor.linear, np.random.default_rng(seed)
    weights = factor.start(rng) * 100
    expected = np.zeros(len(support))
    for term, part, a, b in zip(features, linear.parts, linear.bounds, linear.bounds[1:]):
        labels = [linear.label(k) for k in range(a, b)]
        by_label, rows = dict(zip(labels, weights[a:b], strict=True)), plain(support, term, min_count)
        assert len(by_label) == len(labels)
        assert set(labels) == {label for row in rows for label in row}
        expected += [sum(by_label[label] for label in row) for row in rows]
        for slot, (c, o) in enumerate(zip(support.conditions, support.outcomes)):
            found = part.fires(slot) if isinstance(part, SlotTerm) else part.fires(c, o)
            assert sum(weights[a + k] * value for k, value in found) == pytest.approx(
                sum(by_label[label] for label in rows[slot]), abs=1e-12
            )
    np.testing.assert_allclose(linear.scores(weights), expected, rtol=1e-12, atol=1e-12)
    x = rng.standard_normal(len(support))
    assert linear.scores(weights) @ x == pytest.approx(weights @ linear.gradient(x), rel=1e-11, abs=1e-11)


def test_what_is_cut_is_counted():
    support = SUPPORTS["by condition"]  # of the suffixes of words, b, c and bc fire on two words or more
    factor = Logistic((Suffixes(3), Slot()), min_count=2).bind(support)
    linear = factor.linear
    suffixes = Counter(name for word in RIGHT for name in on_word(Suffixes(3), word))
    kept = {name for name, n in suffixes.items() if n >= 2}
    assert {linear.label(k)[1] for k in range(linear.n_weights)} == kept
    assert factor.dropped == len(suffixes) - len(kept) + len(support)
    assert linear.n_weights == len(LEFT) * len(kept)


@pytest.mark.parametrize("scale", [1.0, 50.0, 400.0, 1e5])
@pytest.mark.parametrize("others", [np.zeros(4), np.array([0.0, 3.0, 0.0, 1e6])], ids=["closed", "open"])
def test_fit_and_slopes_at_scores_of_any_size(scale, others):
    rng = np.random.default_rng(int(scale))
    conditions = np.array([0, 0, 1, 3, 1, 0, 3], np.int32)  # row 2 has no slot
    x, counts = scale * rng.standard_normal(7), rng.exponential(size=7)
    totals, logs = np.bincount(conditions, counts, 4), np.empty(7)
    for c in (0, 1, 3):
        row = conditions == c
        scores = np.append(x[row], [np.log(others[c])] if others[c] else [])
        top = scores.max()
        logs[row] = x[row] - top - np.log(np.exp(scores - top).sum())
    room = x.copy()
    fit, slopes = fit_rows(conditions, room, others, counts, totals)
    assert slopes is room
    assert fit == pytest.approx(counts @ logs, rel=1e-12)
    np.testing.assert_allclose(slopes, counts - totals[conditions] * np.exp(logs), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(open_softmax_rows(conditions, x, others), np.exp(logs), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(less_expected(conditions, counts, totals, np.exp(logs)), slopes, rtol=1e-9, atol=1e-12)


def test_slopes_may_lie_in_the_gradient():
    """With an indicator a slot, as the only term or beside others, and without one."""
    support, rng = SUPPORTS["sparse"], np.random.default_rng(3)
    for features in ((Slot(),), (Tied(Prefixes(2)), Slot()), (Shape(), SharedPrefix(3))):
        linear = Logistic(features).bind(support).linear
        slopes, gradient = rng.standard_normal(len(support)), np.full(linear.n_weights, np.nan)
        room = linear.room(gradient)
        room[:] = slopes
        assert np.may_share_memory(room, gradient) == (Slot() in features)
        np.testing.assert_array_equal(linear.gradient(room, gradient), linear.gradient(slopes))


# The objective of an M-step, by definition


def log_theta(factor, weights):
    """Log theta in the log domain, by condition."""
    support, scores = factor.support, factor.linear.scores(weights)
    found = np.empty(len(scores))
    for c in range(support.n_conditions):
        row = np.flatnonzero(support.conditions == c)
        if len(row):
            top = scores[row].max()
            found[row] = scores[row] - top - np.log(sum(np.exp(scores[row] - top)))
    return found


def entropy(support, theta, frequencies, shares):
    """Sum over the outcomes of their frequency times the entropy of the conditions that they come from."""
    total = 0.0
    for o, n in frequencies.items():
        joint = {c: shares[c] * p for c, other, p in zip(support.conditions, support.outcomes, theta) if other == o}
        mass = sum(joint.values())
        total -= n * sum(p / mass * np.log(p / mass) for p in joint.values() if p > 0)
    return total


def tallied(support, counts):
    """How often each outcome occurs, and each condition's share."""
    frequencies, shares = Counter(), Counter()
    for c, o, n in zip(support.conditions.tolist(), support.outcomes.tolist(), counts):
        frequencies[o] += n
        shares[c] += n / counts.sum()
    return frequencies, shares


def objective(factor, counts, weights, of_round=None):
    """Counts . log theta, less kappa |w|^2 term by term, less the entropies by the counts of the round."""
    logs, bounds = log_theta(factor, weights), factor.linear.bounds
    kappas = factor.kappa if isinstance(factor.kappa, tuple) else [factor.kappa] * len(factor.features)
    squares = [sum(w * w for w in weights[a:b]) for a, b in zip(bounds, bounds[1:])]
    value = sum(n * log for n, log in zip(counts, logs) if n > 0) - sum(k * s for k, s in zip(kappas, squares))
    if of_round is not None:
        value -= factor.entropy * entropy(factor.support, np.exp(logs), *tallied(factor.support, of_round))
    return value


def slopes(function, x, step=1e-5):
    """Central differences."""
    each = np.eye(len(x)) * step
    return np.array([(function(x + e) - function(x - e)) / (2 * step) for e in each])


@settings(MANY, max_examples=40)
@given(names, st.lists(st.sampled_from(TERMS), min_size=1, max_size=3), seeds, st.booleans(), st.booleans())
def test_the_gradient_is_the_difference_quotient(name, features, seed, several, pressed):
    support, rng = SUPPORTS[name], np.random.default_rng(seed)
    kappa = tuple(rng.random(len(features)) * 3) if several else 0.7
    factor = Logistic(tuple(features), kappa, entropy=1.5).bind(support)
    counts, of_round = rng.random((2, len(support))) ** 3 * 5
    counts[rng.random(len(support)) < 0.2] = 0
    weights = rng.standard_normal(factor.linear.n_weights)
    if pressed:
        factor = factor.refresh(of_round, weights)
    of_round = of_round if pressed else None
    value = objective(factor, counts, weights, of_round)
    theta = factor.theta(weights)
    np.testing.assert_allclose(np.log(theta), log_theta(factor, weights), rtol=1e-9, atol=1e-12)
    used = counts > 0
    assert counts[used] @ np.log(theta[used]) + factor.penalty(weights) == pytest.approx(value, rel=1e-12)
    gradient = factor.gradient(counts, weights)
    difference = slopes(lambda x: objective(factor, counts, x, of_round), weights)
    np.testing.assert_allclose(gradient, difference, rtol=1e-6, atol=1e-6 * max(1, np.abs(gradient).max(initial=0)))
    np.testing.assert_array_equal(gradient, factor.gradient(counts, weights, theta))


COUNTS = {
    "some": lambda rng, n: rng.random(n) ** 4 * 10,
    "huge": lambda rng, n: rng.random(n) ** 4 * 1e13,
    "tiny": lambda rng, n: rng.random(n) * 1e-13,
    "wide": lambda rng, n: np.exp(rng.uniform(-60, 20, n)),
    "none": lambda rng, n: np.zeros(n),
    "few": lambda rng, n: rng.random(n) * (rng.random(n) < 0.2),
}


@settings(MANY, max_examples=80)
@given(names, terms, st.sampled_from(list(COUNTS)), st.sampled_from([0.0, 1.0, 30.0, 1e3]), st.data())
def test_an_m_step_never_lowers_the_objective(name, features, kind, spread, data):
    support, rng = SUPPORTS[name], np.random.default_rng(data.draw(seeds))
    kappa, steps = data.draw(st.sampled_from([0.0, 0.1, 1e4])), data.draw(st.integers(1, 12))
    factor = Logistic(tuple(features), kappa, spread=spread, steps=steps, entropy=2.0).bind(support)
    counts, weights = COUNTS[kind](rng, len(support)), factor.start(rng)
    if data.draw(st.booleans()):
        factor = factor.refresh(COUNTS["some"](rng, len(support)), weights)

    def climbed(w):
        used = counts > 0
        return float(counts[used] @ log_theta(factor, w)[used]) + factor.penalty(w)

    best = weights
    for _ in range(3):
        before, best = climbed(best), factor.maximize(counts, best)
        assert np.isfinite(best).all()
        assert climbed(best) >= before - 1e-12 * abs(before)
        assert np.isfinite(factor.theta(best)).all()
    if kind == "none" and kappa == 0 and factor.pressure is None:
        np.testing.assert_array_equal(best, weights)


def test_an_m_step_climbs_from_where_theta_is_0():
    """Weights so far apart that theta underflows; log theta does not."""
    factor = Logistic(kappa=0.0, steps=2000).bind(Support.dense(1, 3))
    counts, far = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1e3, -1e3])
    assert (factor.theta(far) == 0).any()
    np.testing.assert_allclose(factor.theta(factor.maximize(counts, far)), counts / 6, atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_an_indicator_a_slot_is_a_table(name):
    """Categorical's theta after one M-step from the counts of an E-step, in every slot of every model."""
    row = ROWS[name]
    model = row.model(random_state=3, max_iter=1).fit(row.example)
    counts, _ = expect(model, model.theta(model.params_), model.index(row.example))
    tables = {key: each for key, each in model.factors_.items() if type(each) is Categorical and each.backoff is None}
    for key in tables:
        support = tables[key].support
        table = Categorical().bind(support)
        wanted, totals = table.maximize(counts[key], table.start()), support.sum(counts[key])[support.conditions]
        for features in [(Slot(),)] + [(Word(),)] * (support.names is not None):
            logistic = Logistic(features, kappa=0.0, steps=2000).bind(support)
            theta = logistic.theta(logistic.maximize(counts[key], logistic.start()))
            np.testing.assert_allclose(theta[totals > 0], wanted[totals > 0], atol=1e-5)
            np.testing.assert_allclose(theta[totals == 0], (1 / support.sizes[support.conditions])[totals == 0])


# Pressures


@MANY
@given(names, seeds)
def test_a_pressure_is_the_entropy_of_each_outcomes_conditions(name, seed):
    support, rng = SUPPORTS[name], np.random.default_rng(seed)
    counts, logs = rng.random(len(support)) ** 3, rng.standard_normal(len(support))
    counts[rng.random(len(support)) < 0.3] = 0
    counts[0] = 1
    pressure, tally = Pressure.of(support, counts, 2.5), tallied(support, counts)

    def value(logs):
        return 2.5 * entropy(support, np.exp(logs), *tally)

    assert pressure.value(support, np.exp(logs)) == pytest.approx(value(logs), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(pressure.pull(support, np.exp(logs)), -slopes(value, logs, 1e-4), rtol=1e-6, atol=1e-7)


def test_a_round_begins_with_a_refresh():
    support, rng = SUPPORTS["by outcome"], np.random.default_rng(1)
    factor = Logistic((Word(), Tied(Suffixes(3))), (1.0, 2.0), entropy=3.0).bind(support)
    counts, later, weights = rng.random(len(support)), rng.random(len(support)), factor.start(rng)
    assert factor.regulariser(weights) == 0
    one = factor.refresh(counts, weights)
    two = one.refresh(later, weights)
    for each, by in ((one, counts), (two, later)):
        lost = 3.0 * entropy(support, factor.theta(weights), *tallied(support, by))
        assert each.regulariser(weights) == pytest.approx(lost, rel=1e-12)
        assert factor.penalty(weights) - each.penalty(weights) == pytest.approx(lost, rel=1e-12)
        assert each.linear is factor.linear
        assert each == factor
    assert one.bind(support).regulariser(weights) == 0
    plain_one = Logistic().bind(support)
    assert plain_one.refresh(counts, plain_one.start()) is plain_one
    nothing = factor.refresh(np.zeros(len(support)), weights)
    assert nothing.regulariser(weights) == 0
    assert np.isfinite(nothing.maximize(counts, weights)).all()


# Files

SPELT = (Word(), Suffixes(2), Tied(Prefixes(2, lowercase=True)), Crossed(Constant(), Capital()), Slot())
RATIO = Binned("diagonal", (0.1, 0.3))
SAVED = {
    "hmm": (HMM(2, emission=Logistic(SPELT, (1.0, 0.5, 2.0, 0.1, 3.0), entropy=0.5, min_count=2)), "text"),
    "transition": (HMM(2, transition=Logistic((Word(), Tied(Word())))), "tagged"),
    "lexical": (IBM1(lexical=Logistic((SameSpelling(), LengthRatio(2), Slot(), Word()))), "bitext"),
    "jump": (HMMAligner(jump=Logistic(), lexical=Logistic((SharedPrefix(3),))), "bitext"),
    "two": (Aligner(forward=IBM1(lexical=Logistic((Suffixes(1),))), reverse=IBM1()), "bitext"),
    "diagonal": (IBM2(position=Logistic((RATIO,), spread=1.0), null=Fixed(0.2), random_state=1), "bitext"),
}


@pytest.mark.parametrize(("model", "family"), SAVED.values(), ids=SAVED)
def test_a_saved_factor_reads_the_same_features(model, family, tmp_path):
    corpus = EXAMPLES[family] if family != "bitext" else Bitext.from_pairs([*EXAMPLE, (["ab", "c"], ["ab", "zab"])])
    model.max_iter = 2
    model.fit(corpus)
    model.save(tmp_path / "model")
    for again in (load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert again == model
        for name, factor in model.factors_.items():
            if isinstance(factor, Logistic):
                other = again.factors_[name]
                some = range(0, factor.linear.n_weights, 1 + factor.linear.n_weights // 50)
                assert [other.linear.label(k) for k in some] == [factor.linear.label(k) for k in some]
            theta = again.factors_[name].theta(again.params_[name])
            assert np.array_equal(theta, factor.theta(model.params_[name]))
        assert again.predict(corpus) == model.predict(corpus)
        assert again.fit(corpus).trace_ == model.trace_


def test_a_factor_is_what_its_description_says():
    for factor in (Logistic(SPELT, np.float64(2)), Logistic([RATIO], [0.1], 2.0, 3, 7, 0.5), Logistic(Word())):
        assert build(describe(factor)) == factor
        assert hash(build(describe(factor))) == hash(factor)


# Errors

WRONG = [
    {"features": ()}, {"features": "Word"}, {"features": Word}, {"features": (Word(), "x")}, {"features": None},
    {"features": (Tied,)}, {"kappa": -1}, {"kappa": None}, {"kappa": "1"}, {"kappa": ()}, {"kappa": (1.0, 2.0)},
    {"kappa": (np.nan,)}, {"kappa": (np.inf,)}, {"kappa": np.nan}, {"kappa": np.array([1.0, 2.0])}, {"entropy": -1},
    {"entropy": np.nan}, {"entropy": "much"}, {"spread": -0.1}, {"spread": None}, {"steps": 0}, {"steps": 2.5},
    {"steps": np.nan}, {"min_count": 0}, {"min_count": None}, {"features": (Word(), Word()), "kappa": (1, np.nan)},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError, match=rf"Logistic\(.*{next(iter(wrong)) if len(wrong) == 1 else 'kappa'}"):
        Logistic(**wrong)


@pytest.mark.parametrize("features", [(Tied(Slot()),), (Tied("x"),), (Crossed(Slot(), Word()),), (Feature(),)], ids=str)
def test_features_in_the_wrong_place(features):
    for name in ("by condition", "sparse"):
        with pytest.raises(InputError, match="expected a feature of words"):
            Logistic(features).bind(SUPPORTS[name]).start()


def test_words_without_names():
    for term in (Word(), Tied(Word()), Crossed(Word(), Word())):
        for support in (Support.dense(2, 2), Support.ragged([1, 2])):
            with pytest.raises(InputError, match=r"no names.*Slot\(\)"):
                Logistic((term,)).bind(support).start()
    with pytest.raises(InputError, match="have no names; leave it out"):
        IBM2(position=Logistic((SameSpelling(),))).fit(EXAMPLE)
    with pytest.raises(InputError, match="no feature 'dice' here"):
        IBM1(lexical=Logistic((Binned("dice", (0.5,)),))).fit(EXAMPLE)
    with pytest.raises(InputError, match="learns from no prior"):
        replace(Logistic(), steps=3).informed(np.ones(1))
    assert isinstance(Uniform().refresh(np.ones(1), np.empty(0)), Uniform)


def test_an_open_row_leaves_probability_to_what_it_does_not_list():
    """As if the others were listed, with weights of 0 that nothing moves; in theta, fit, gradient and M-step."""
    rng = np.random.default_rng(0)
    lexicon = Support.pairs([0, 2, 0, 1], [3, 1, 4, 0], 3, 6)
    factor = Logistic(kappa=0.1, open=True).bind(lexicon)
    for spread in (1.0, 300.0):
        weights, counts = spread * rng.standard_normal(4), 5 * rng.random(4)
        scores = np.zeros((3, 6))
        scores[lexicon.conditions, lexicon.outcomes] = weights
        table = np.exp(scores - scores.max(axis=1, keepdims=True))
        whole = (table / table.sum(axis=1, keepdims=True))[lexicon.conditions, lexicon.outcomes]
        np.testing.assert_allclose(factor.theta(weights), whole, rtol=1e-12)
    weights = rng.standard_normal(4)

    def gain(w):
        return counts @ np.log(factor.theta(w)) + factor.penalty(w)

    slopes = [(gain(weights + step) - gain(weights - step)) / 2e-6 for step in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(factor.gradient(counts, weights), slopes, rtol=1e-6)
    best = replace(factor, steps=500).maximize(counts, weights)
    np.testing.assert_allclose(factor.gradient(counts, best), 0, atol=1e-6)
    assert (factor.support.sum(factor.theta(best)) < 1).all()
    closed = Logistic(kappa=0.1).bind(lexicon)
    np.testing.assert_allclose(closed.support.sum(closed.theta(weights))[lexicon.sizes > 0], 1)
