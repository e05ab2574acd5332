"""The HMM aligner against its generative story, told in dictionaries."""

import copy
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import column, expect, hmm, log_path
from stories import classes_of, letters, rows_of, story

from emnlp import Bitext, Categorical, Dirichlet, Fixed, HMMAligner, Jump, PooledJump, Uniform, load
from emnlp.blocks import Blocks
from emnlp.models import states

EXAMPLES = settings(max_examples=15, deadline=None)
JUMPS = {
    "words": Jump(words=2, width=2),
    "narrow": Jump(words=0, width=1),
    "lexical": Jump(words=100, width=10),
    "pooled": PooledJump(width=3),
    "table": Categorical(),
    "bayes": Dirichlet(0.3),
    "uniform": Uniform(),
}
NULLS = {"fixed": Fixed(0.3), "none": Fixed(0.0), "learned": Categorical()}


def sentences(words, longest):
    return st.lists(st.sampled_from(words), min_size=1, max_size=longest)


def bitexts(longest=7, size=4, words="abc", others="xyz"):
    pair = st.tuples(sentences(words, longest), sentences(others, longest))
    return st.lists(pair, min_size=1, max_size=size).map(Bitext.from_pairs)


def fitted(bitext, jump="words", null="fixed", seed=0, **more):
    more = {"random_state": seed, "max_iter": 0, "beam": 0.0} | more
    return HMMAligner(jump=JUMPS[jump], null=NULLS[null], **more).fit(bitext)


def check(model, bitext, other):
    """Posteriors, likelihoods, best paths and expected jumps on `other` are those of the story."""
    potentials = model.prepare(model.theta(model.params_))
    posteriors = model.predict_proba(other)
    for batch, posterior, (source, target) in zip(model.index(other, 1), posteriors, other, strict=True):
        told = story(model, bitext, source, target)
        loglik, oracle, jumps, best = hmm(*told)
        np.testing.assert_allclose(posterior, oracle, rtol=1e-9, atol=1e-12)
        assert model.likelihood(batch, potentials) == pytest.approx(loglik, rel=1e-10, abs=1e-10)
        path = model.decode(batch, potentials).tolist()
        assert log_path(*told, path) == pytest.approx(best, rel=1e-10, abs=1e-10)
        counts = potentials.zeros()
        assert model.expect(batch, potentials, counts) == pytest.approx(loglik, rel=1e-10, abs=1e-10)
        check_counts(model, bitext, batch, source, counts, oracle, jumps)


def check_counts(model, bitext, batch, source, counts, oracle, jumps):
    n = len(source)
    np.testing.assert_allclose(counts["null"], [oracle[1:].sum(), oracle[0].sum()], rtol=1e-9, atol=1e-12)
    by_row = [sum(p for (k, _), p in jumps.items() if k == m) for m in range(n + 1)]
    if isinstance(model.jump, Jump | PooledJump):
        expected, known = np.zeros(counts["jump"].shape), model.factors_["jump"].jumps
        classes = classes_of(model, bitext, source)
        for (m, i), p in jumps.items():
            expected[classes[m], column(model.jump.width, m, i, n)] += p
        np.testing.assert_allclose(counts["jump"], expected, rtol=1e-9, atol=1e-12)
        rows = list(zip(known.classes.tolist(), known.lefts.tolist(), known.rights.tolist()))
        assert len(set(rows)) == len(rows)
        masses = np.zeros(len(rows))
        for m, klass in enumerate(classes):
            if (klass, m - 1, n - m) in rows:
                masses[rows.index((klass, m - 1, n - m))] += by_row[m]
        np.testing.assert_allclose(counts["scale"], masses, rtol=1e-9, atol=1e-12)
    else:
        found = model.collect(counts)["jump"]
        first, expected = sum((each + 1) ** 2 for each in range(1, n)), np.zeros(len(found))
        for (m, i), p in jumps.items() if first < len(found) else ():
            expected[first + m * (n + 1) + i - 1] += p
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


kinds = pytest.mark.parametrize("jump", JUMPS)
nulls = pytest.mark.parametrize("null", NULLS)


@kinds
@nulls
@EXAMPLES
@given(bitext=bitexts(), seed=st.none() | st.integers(0, 99))
def test_the_story_of_the_training_text(jump, null, bitext, seed):
    check(fitted(bitext, jump, null, seed), bitext, bitext)


@kinds
@EXAMPLES
@given(bitext=bitexts(3), other=bitexts(9, 2, "abcdef", "xyzwvf"), null=st.sampled_from(list(NULLS)))
def test_the_story_of_another_text(jump, bitext, other, null):
    """Lengths and words that training has not, one of them spelt alike on both sides."""
    check(fitted(bitext, jump, null, 3), bitext, other)


@pytest.mark.parametrize("jump", ["table", "uniform"])
def test_no_table_for_the_longest_sentences(jump, monkeypatch):
    monkeypatch.setattr(states, "TABLE_LONGEST", 2)
    bitext = letters(("abcab", "xyz"), ("ab", "yx"), ("b", "x"), ("abc", "zx"))
    model = fitted(bitext, jump, max_iter=3)
    check(model, bitext, bitext)
    assert len(model.params_["jump"]) == (0 if jump == "uniform" else 4 + 9)


@EXAMPLES
@given(bitext=bitexts(6, 1), seed=st.integers(0, 99))
def test_the_reference_is_the_sum_over_all_paths(bitext, seed):
    model = fitted(bitext[:1], "narrow", "learned", seed)
    source, target = bitext[0]
    source, target = source[:3], target[:4]
    told = story(model, bitext, source, target)
    loglik, posterior, jumps, best = hmm(*told)
    paths = itertools.product(range(len(source) + 1), repeat=len(target))
    found = {path: np.exp(log_path(*told, path)) for path in paths}
    total = sum(found.values())
    assert loglik == pytest.approx(np.log(total))
    assert best == pytest.approx(np.log(max(found.values())))
    for i, j in np.ndindex(posterior.shape):
        assert posterior[i, j] == pytest.approx(sum(p for path, p in found.items() if path[j] == i) / total)
    assert sum(jumps.values()) == pytest.approx(1 + posterior[1:].sum())


def test_rare_words_share_a_class_and_the_start_has_its_own():
    bitext = letters(("abacabad", "x"), ("ab", "y"))
    model = fitted(bitext)
    assert [model.classes_[model.source_vocabulary_.id(word)] for word in "abcd"] == [1, 2, 0, 0]
    assert model.factors_["jump"].jumps.n_classes == 4
    assert set(model.factors_["jump"].jumps.classes.tolist()) == {0, 1, 2, 3}
    assert fitted(bitext, "lexical").factors_["jump"].jumps.n_classes == 6  # as many as there are words


def test_em_learns_jumps_as_the_story_counts_them():
    """Two iterations of EM by the story: the lexicon, NULL, and the pooled table of jumps."""
    bitext = letters(("abcab", "xyzx"), ("bca", "yzxx"), ("cc", "z"), ("ab", "xyw"))
    model, again = fitted(bitext, "pooled", "learned", 5), fitted(bitext, "pooled", "learned", 5, max_iter=2)
    for _ in range(2):
        lexical, jumps = Counter(), np.full((2, 10), model.jump.smoothing)
        null = np.zeros(2)
        for source, target in bitext:
            _, posterior, moved, _ = hmm(*story(model, bitext, source, target))
            null += [posterior[1:].sum(), posterior[0].sum()]
            for (m, i), p in moved.items():
                jumps[int(m == 0), column(3, m, i, len(source))] += p
            for (i, e), (j, f) in itertools.product(enumerate([None, *source]), enumerate(target)):
                lexical[e, f] += posterior[i, j]
        totals, support, arrays = Counter(), model.factors_["lexical"].support, {}
        for (e, _), count in lexical.items():
            totals[e] += count
        names = [(support.names[0][c], support.names[1][o]) for c, o in zip(support.conditions, support.outcomes)]
        arrays = {"lexical": np.array([lexical[pair] / totals[pair[0]] for pair in names])}
        arrays |= {"jump": jumps.ravel(), "null": null / null.sum()}
        model.params_ = Blocks({name: arrays[name] for name in model.params_})
    for name in model.params_:
        np.testing.assert_allclose(again.params_[name], model.params_[name], rtol=1e-9, atol=1e-15)


# The beam


@pytest.fixture(scope="module")
def sample():
    folder = Path(__file__).parent.parent / "corpora/sample_en_fr"
    return Bitext.read(folder / "train.en", folder / "train.fr", lowercase=True)


@EXAMPLES
@given(bitext=bitexts(8, 2), seed=st.integers(0, 99), beam=st.sampled_from([1e-8, 1e-4, 1e-2, 0.1]), data=st.data())
def test_what_the_beam_drops_is_bounded(bitext, seed, beam, data):
    """At most ``beam`` of the forward probability a state and word, of which at most `ratio` times as much comes."""
    exact = fitted(bitext, data.draw(st.sampled_from(["words", "pooled", "uniform"])), "fixed", seed)
    rough = copy.copy(exact)
    rough.beam = beam
    potentials = exact.prepare(exact.theta(exact.params_))
    pairs = zip(exact.index(bitext, 1), exact.predict_proba(bitext), rough.predict_proba(bitext), bitext, strict=True)
    for batch, true, found, (source, target) in pairs:
        rows = rows_of(exact, bitext, source)
        ratio = max(max(row[i] for row in rows) / min(row[i] for row in rows) for i in rows[0])
        lost = min(1.0, len(target) * len(rows) * beam * ratio)
        assert abs(true - found).max() <= lost + 1e-12
        assert np.allclose(found.sum(0), 1, rtol=0, atol=1e-12)
        fall = exact.likelihood(batch, potentials) - rough.likelihood(batch, potentials)
        assert fall >= -1e-12
        assert lost == 1 or fall <= -np.log1p(-lost) + 1e-12


def test_the_beam_changes_no_link_of_the_sample(sample):
    for start, more in ((None, 5), (HMMAligner(beam=0.0).fit(sample), 0)):
        exact, rough = (HMMAligner(beam=beam, max_iter=more).fit(sample, start=start) for beam in (0.0, 1e-8))
        assert exact.predict(sample) == rough.predict(sample)
        for one, other in zip(exact.predict_proba(sample), rough.predict_proba(sample), strict=True):
            assert abs(one - other).max() < 1e-5
        assert exact.score(sample) == pytest.approx(rough.score(sample), abs=1e-6)


# Numbers at the edge


def extreme(model, seed):
    """Replace the parameters by others that they could have, as far as they may be from any text."""
    rng, arrays = np.random.default_rng(seed), {}
    for name, params in model.params_.items():
        factor = model.factors_[name]
        wild = 10.0 ** rng.uniform(-12, 12, params.size)
        if isinstance(factor, Categorical):
            wild[rng.random(params.size) < 0.3] = 0
            wild = factor.support.normalise(wild)
        elif isinstance(factor, Jump):
            wild = np.sqrt(wild)  # weights are products of two
        arrays[name] = wild
    model.params_ = Blocks(arrays)


def check_finite(model, bitext):
    for posterior, (source, target) in zip(model.predict_proba(bitext), bitext, strict=True):
        assert posterior.shape == (len(source) + 1, len(target))
        assert np.isfinite(posterior).all()
        assert posterior.min() >= 0
        assert posterior.max() <= 1 + 1e-9
        np.testing.assert_allclose(posterior.sum(0), 1, rtol=0, atol=1e-9)
    counts, _ = expect(model, model.theta(model.params_), model.index(bitext))
    assert np.isfinite(counts.flat).all()
    assert counts.flat.min() >= -1e-12
    assert np.isfinite(model.maximize(counts, model.params_).flat).all()
    assert len(model.predict(bitext)) == len(bitext)


@kinds
@EXAMPLES
@given(bitext=bitexts(12), other=bitexts(12, 2, "abcde", "xyzwv"), p0=st.sampled_from([0.0, 0.5, 1 - 1e-9]),
       seed=st.integers(0, 999))  # fmt: skip
def test_extreme_parameters(jump, bitext, other, p0, seed):
    model = HMMAligner(jump=JUMPS[jump], null=Fixed(p0), random_state=seed, max_iter=0).fit(bitext)
    extreme(model, seed)
    check_finite(model, bitext)
    check_finite(model, other)


LONG = [
    (["a"] * 200, ["x"]),
    (["a"], ["x"] * 200),
    (["a"] * 200, ["x"] * 200),
    ([f"s{k}" for k in range(200)], [f"t{k}" for k in range(200)]),
    (["a", "b"], ["y", "x"]),
]


@kinds
@pytest.mark.parametrize("p0", [0.0, 1e-12, 0.2, 1 - 1e-9, 1.0])
def test_the_longest_sentences(jump, p0):
    bitext = Bitext.from_pairs(LONG)
    model = HMMAligner(jump=JUMPS[jump], null=Fixed(p0), max_iter=2).fit(bitext)
    assert np.isfinite(model.trace_.objective).all()
    assert np.isfinite(model.score(bitext))
    check_finite(model, bitext)
    check_finite(HMMAligner(jump=JUMPS[jump], null=Fixed(p0)).fit(LONG[-1:]), bitext)


@pytest.mark.parametrize("null", NULLS)
def test_nothing_but_one_word(null):
    bitext = Bitext.from_pairs([(["a"] * n, ["x"] * m) for n, m in ((1, 1), (9, 2), (2, 9), (20, 20))])
    for beam in (0.0, 1e-8):
        model = HMMAligner(null=NULLS[null], beam=beam).fit(bitext)
        check_finite(model, bitext)
        assert model.learner.promises(model) is (beam == 0)


def test_the_likelihood_of_what_is_next_to_impossible():
    """Jumps that the table has never seen, to pairs that the lexicon has never seen, are improbable, not impossible."""
    model = HMMAligner(jump=Categorical(), null=Fixed(0.0)).fit(letters(("a", "x"), ("b", "y")))
    assert np.isfinite([model.score(letters(("a", target))) for target in ("xy", "yy", "yyy", "xyy", "xyyy")]).all()


def test_expected_counts_are_never_negative(tmp_path):
    """Else the probability of a word is -1e-16, and the model file is refused."""
    bitext = letters(("ab", "xyy"))
    for seed in range(30):
        model = HMMAligner(null=Categorical(), beam=0.0, random_state=seed, max_iter=40).fit(bitext)
        assert model.params_["null"].min() >= 0
        model.save(tmp_path / "model")
        load(tmp_path / "model")


@pytest.mark.parametrize("jump", [Uniform(), Jump()])
def test_a_beam_is_no_error(jump):
    """What the beam drops, more and more as EM converges, may make the objective fall by 1e-8."""
    for source in ("ab", "bc", "cbc"):
        for seed in (None, *range(20)):
            model = HMMAligner(jump=jump, null=Categorical(), random_state=seed, max_iter=60)
            model.fit(letters((source, "x")))
            model.fit(letters((source, "xx"), ("a", "yx")))
