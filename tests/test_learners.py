"""Learners beside EM: what each of them guarantees, and plain references for what it does."""

import numpy as np
import pytest
from reference import dot, enumerate_item, expect, latents
from zoo import CHAIN, EXAMPLE, EXAMPLES, ROWS

from emnlp import (
    EM,
    HMM,
    IBM1,
    Agreement,
    AnnealedEM,
    Categorical,
    Chain,
    DirectGradient,
    Dirichlet,
    GaussianMixture,
    HardEM,
    IncrementalEM,
    InputError,
    Logistic,
    StepwiseEM,
    load,
)
from emnlp.engines import Serial, Threads
from emnlp.learners import Learner
from emnlp.models.consensus import LabelMixture

NAMES = [
    "IBM1-categorical-uniform", "IBM1-dirichlet-null-learned", "IBM2-map-logistic", "IBM2-fast-align",
    "Aligner-IBM2-mixed", "IBM1-backoff", "HMMAligner-dirichlet-jump-smoothed", "HMMAligner-backoff",
    "HMM-3-classes", "HMM-tags", "HMM-categorical-dirichlet-dirichlet-text", "HMM-features", "Aligner-HMM",
]  # fmt: skip
SAMPLE = {name: ROWS[name] for name in NAMES if name in ROWS}
rows = pytest.mark.parametrize("row", SAMPLE.values(), ids=SAMPLE.keys())
LEARNERS = {
    "hard": HardEM(),
    "annealed": AnnealedEM(start=0.4, every=1),
    "stepwise": StepwiseEM(batch_size=3),
    "replacing": StepwiseEM(batch_size=3, replace=1.5),
    "incremental": IncrementalEM(parts=3, batch_size=3),
    "chain": [EM(2), HardEM(2), EM()],
}
learners = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS.keys())
PAIRS = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch"), ("a small house", "ein haus")]
PAIRS = [(source.split(), target.split()) for source, target in PAIRS]


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_the_sample_is_of_the_zoo():
    assert len(SAMPLE) >= 12


@rows
@learners
def test_each_learner_learns_and_keeps_what_it_declares(row, learner):
    model = row.model(random_state=3, max_iter=6, learner=learner).fit(row.example)
    assert len(model.trace_) == 7
    promised = row.monotone and not isinstance(learner, list | AnnealedEM | StepwiseEM)
    assert model.learner.promises(model) == promised
    if promised:
        trace = np.array(model.trace_.objective)
        assert (np.diff(trace) >= -1e-9 * np.abs(trace[:-1])).all()
    first = row.model(random_state=3, max_iter=0, learner=learner).fit(row.example)
    assert model.trace_[-1] > first.trace_[0]


@rows
@learners
def test_the_last_objective_is_that_of_the_last_parameters(row, learner):
    """Of hard EM, the best latent structures'; of all others, plain EM's."""
    model = row.model(random_state=3, max_iter=5, learner=learner).fit(row.small)
    batches, theta = model.index(row.small, 1), model.theta(model.params_)
    if isinstance(learner, HardEM):
        value = 0.0
        for batch in batches:
            logs = []
            for latent in latents(model, batch):
                counts = theta.zeros()
                model.count(batch, latent, counts)
                logs.append(dot(counts, theta))
            value += max(logs)
    else:
        value = sum(enumerate_item(model, theta, batch)[0] for batch in batches)
    assert model.trace_[-1] == pytest.approx(value + model.penalty(model.params_), rel=1e-9)


@rows
def test_hard_counts_are_those_of_the_best_structures(row):
    model = row.model(random_state=1, max_iter=0).fit(row.small)
    theta, batches = model.theta(model.params_), model.index(row.small, 1)
    expected = theta.zeros()
    for batch in batches:
        each = []
        for latent in latents(model, batch):
            counts = theta.zeros()
            model.count(batch, latent, counts)
            each.append((dot(counts, theta), counts))
        expected += max(each, key=lambda pair: pair[0])[1]
    found = Serial().count(model, theta, batches)
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
    assert same(found, Threads(2).count(model, theta, batches))
    value = model.expected_log_likelihood(found, model.params_)
    assert value == pytest.approx(dot(expected, theta), rel=1e-12)


def test_hard_em_takes_the_best_path_where_decoding_does_not():
    differing = 0
    for seed in range(10):
        model = HMM(2, random_state=seed, max_iter=0).fit(EXAMPLES["text"])
        for batch in model.index(EXAMPLES["text"], 1):
            potentials = model.prepare(model.theta(model.params_))
            best = enumerate_item(model, model.theta(model.params_), batch)[2]
            states = max(best, key=lambda pair: pair[1])[0]
            assert model.best(batch, potentials).tolist() == states.tolist()
            differing += model.decode(batch, potentials).tolist() != states.tolist()
    assert differing > 0


def test_hard_em_survives_zeros_and_ends():
    model = HMM(3, random_state=4, learner=HardEM(), max_iter=30, decoding="posterior").fit(EXAMPLES["text"])
    assert (model.params_["emission"] == 0).any()
    assert np.isfinite(model.trace_.objective).all()
    assert model.trace_[-1] == model.trace_[-2]
    uniform = IBM1(learner=HardEM(), max_iter=3).fit(EXAMPLE)
    assert np.isfinite(uniform.trace_.objective).all()


def test_hard_em_of_labels():
    labels = [[0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0]]
    model = LabelMixture(learner=HardEM()).fit(labels)
    parts = [[row for row, k in zip(labels, model.predict(labels)) if k == component] for component in (0, 1)]
    by_hand = sum(len(part) * np.log(len(part) / len(labels)) for part in parts)
    for part in parts:
        for column in np.array(part).T:
            by_hand += sum(np.log((column == label).mean()) for label in column)
    assert model.trace_[-1] == pytest.approx(by_hand)


def test_what_has_no_posterior_of_its_own_is_refused():
    for learner in (HardEM(), IncrementalEM(), [EM(1), HardEM()]):
        with pytest.raises(InputError, match="Agreement"):
            Agreement(forward=CHAIN(), reverse=CHAIN(), learner=learner).fit(EXAMPLE)
    with pytest.raises(InputError, match='by="power"'):
        IBM1(learner=AnnealedEM(by="length")).fit(EXAMPLE)
    for learner in (StepwiseEM(), AnnealedEM()):
        assert np.isfinite(Agreement(forward=CHAIN(), reverse=CHAIN(), learner=learner).fit(EXAMPLE).trace_[-1])


# Annealing


@rows
def test_the_free_energy_is_that_of_enumeration(row):
    model = row.model(random_state=3, max_iter=0).fit(row.small)
    theta, batches, beta = model.theta(model.params_), model.index(row.small, 1), 0.3
    counts, loglik = expect(model, model.tempered(theta, beta), batches)
    expected, free = theta.zeros(), 0.0
    for batch in batches:
        found = []
        for latent in latents(model, batch):
            one = theta.zeros()
            model.count(batch, latent, one)
            found.append((one, dot(one, theta)))
        logs = np.array([log for _, log in found])
        shares = np.exp(beta * (logs - logs.max()))
        free += logs.max() + np.log(shares.sum()) / beta
        shares /= shares.sum()
        for (one, _), share in zip(found, shares):
            expected += share * one
    assert loglik / beta == pytest.approx(free, rel=1e-9)
    for name in counts:
        np.testing.assert_allclose(counts[name], expected[name], rtol=1e-8, atol=1e-11)
    annealed = row.model(random_state=3, max_iter=1, learner=AnnealedEM(start=beta)).fit(row.small)
    assert annealed.trace_[0] == pytest.approx(free + model.penalty(model.params_), rel=1e-9)


@rows
def test_the_free_energy_rises_while_beta_stands_still(row):
    learner = AnnealedEM(start=0.2, growth=2, every=5)
    trace = np.array(row.model(random_state=5, max_iter=20, learner=learner).fit(row.example).trace_.objective)
    assert [learner.level(k) for k in (0, 4, 5, 10, 14, 15, 99)] == [0.2, 0.2, 0.4, 0.8, 0.8, 1, 1]
    assert learner.n_steps == 15
    for first in range(0, 20, 5):
        rises = np.diff(trace[first : first + 5])
        assert not row.monotone or (rises >= -1e-9 * np.abs(trace[first])).all()
    drops = [trace[k] < trace[k - 1] for k in (5, 10, 15)]
    assert any(drops)  # a sharper E-step has less entropy


def test_annealing_ends_as_em_and_stops_only_there():
    learner = AnnealedEM(start=0.2, growth=2, every=5)
    text = EXAMPLES["text"]
    model = HMM(2, random_state=5, learner=learner, max_iter=500, tol=1e-2).fit(text)
    assert len(model.trace_) > learner.n_steps + 1
    assert model.trace_.reason.startswith("tol")
    assert [learner.settled(k) for k in (1, 15, 16)] == [False, False, True]
    until = HMM(2, random_state=5, learner=learner, max_iter=15).fit(text)
    plain = HMM(2, max_iter=4, init="constant").fit(text, start=until)
    longer = HMM(2, random_state=5, learner=learner, max_iter=19).fit(text)
    np.testing.assert_allclose(longer.trace_[15:], plain.trace_.objective, rtol=1e-12)


def test_annealing_by_length_asks_the_model():
    levels = []

    class Spy(LabelMixture):
        def shortened(self, theta, words):
            levels.append(words)
            return theta

    learner = AnnealedEM(by="length", growth=2, every=2, until=30)
    labels = [[0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0]]
    found = Spy(learner=learner, max_iter=10).fit(labels)
    assert levels == [5, 5, 10, 10, 20, 20]
    assert list(found.trace_) == list(LabelMixture(max_iter=10).fit(labels).trace_)


# A part at a time


def plain_stepwise(pairs, passes, power, offset, replace=0.0):
    """Return t(target | source) after stepwise EM of Model 1, a pair a batch, and what each pass saw: dictionaries."""
    vocabulary, t, k, seen = {f for _, target in pairs for f in target}, None, 0, []

    def e_step(source, target):
        counts, loglik = {}, 0.0
        for f in target:
            weights = {i: 1 / len(vocabulary) if t is None else t[e, f] for i, e in enumerate([None, *source])}
            loglik += np.log(sum(weights.values()) / len(weights))
            for i, e in enumerate([None, *source]):
                counts[e, f] = counts.get((e, f), 0) + weights[i] / sum(weights.values())
        return counts, loglik

    def m_step():
        totals = {}
        for (e, _), count in mean.items():
            totals[e] = totals.get(e, 0) + count
        return {(e, f): count / totals[e] for (e, f), count in mean.items()}

    def blend():
        for b in weights:
            weights[b] *= 1 - eta
        kept[b_now], weights[b_now] = counts, eta * n
        return {key: (1 - eta) * mean[key] + eta * n * counts.get(key, 0) for key in mean}

    def exchange():
        old = kept[b_now]
        beyond = {key: old[key] + replace * (counts[key] - old[key]) for key in old}
        kept[b_now] = {key: max(beyond[key], (2 - replace) * counts[key]) for key in old}
        weights[b_now] = 1.0
        return weighted()

    def weighted():
        scale = n / sum(weights.values())
        return {key: scale * sum(weights[b] * kept[b].get(key, 0) for b in kept) for key in mean}

    n, kept, weights = len(pairs), {}, {}
    found = [e_step(*pair) for pair in pairs]
    mean, seen = {}, [sum(loglik for _, loglik in found)]
    for counts, _ in found:
        for key, count in counts.items():
            mean[key] = mean.get(key, 0) + count
    t = m_step()
    for done in range(1, passes):
        seen.append(0.0)
        if replace and done == 2:
            weights = {b: min(1.0, weight / weights[n - 1]) for b, weight in weights.items()}
            mean = weighted()
            t = m_step()
        for b_now, pair in enumerate(pairs):  # noqa: B007 (read in blend and exchange)
            eta, (counts, loglik) = (k + offset) ** -power, e_step(*pair)
            mean, k = (exchange(), k) if replace and done > 1 else (blend(), k + 1)
            t, seen[-1] = m_step(), seen[-1] + loglik
    return t, seen


@pytest.mark.parametrize("replace", [0.0, 1.0, 1.7])
def test_stepwise_equals_a_plain_one(replace):
    learner = StepwiseEM(power=0.8, offset=3, batch_size=1, replace=replace)
    model = IBM1(learner=learner, max_iter=4).fit(PAIRS)
    t, seen = plain_stepwise(PAIRS, 4, 0.8, 3, replace)
    for (e, f), p in t.items():
        assert dict(model.translations(e))[f] == pytest.approx(p, rel=1e-9)
    np.testing.assert_allclose(model.trace_[:4], seen, rtol=1e-12)
    assert model.trace_[4] / len(PAIRS) == pytest.approx(model.score(PAIRS))


@pytest.mark.parametrize("replace", [1.0, 1.5])
@pytest.mark.parametrize("start", [{"warm": True}, {"warm": False, "head_start": 5.0}], ids=["warm", "cold"])
def test_replaced_counts_reach_what_em_reaches(replace, start):
    """Nothing of the first passes stays, and the counts are those of all items once."""
    learner, states = StepwiseEM(batch_size=3, replace=replace, **start), []
    model = IBM1(learner=learner, max_iter=300)
    model.fit(PAIRS, callback=lambda k, step: states.append(step.state.counts["lexical"].sum()))
    assert model.trace_[-1] == pytest.approx(IBM1(max_iter=3000).fit(PAIRS).trace_[-1], rel=1e-4)
    assert states[-1] == pytest.approx(sum(len(target) for _, target in PAIRS), rel=1e-6)


def test_moments_are_replaced_too():
    points = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[-4.0, 0.0], [4.0, 0.0]], 30, axis=0)
    model = GaussianMixture(2, random_state=0, max_iter=40, learner=StepwiseEM(batch_size=10, replace=1.5)).fit(points)
    batch = GaussianMixture(2, random_state=0, max_iter=40).fit(points)
    assert model.trace_[-1] == pytest.approx(batch.trace_[-1], rel=1e-6)


def test_stepwise_counts_stay_in_range():
    states = []
    learner = StepwiseEM(power=0.51, offset=1.0001, batch_size=1)
    model = HMM(2, random_state=0, learner=learner, max_iter=40, emission=Dirichlet(0.1))
    model.fit(EXAMPLES["text"], callback=lambda k, step: states.append(step.state.counts["initial"].sum()))
    np.testing.assert_allclose(states, len([each for each in EXAMPLES["text"] if len(each)]), rtol=1e-9)


def test_the_order_of_batches_is_drawn_anew_and_again():
    def fit(seed, **more):
        model = HMM(2, init="constant", random_state=seed, emission=Logistic(kappa=0.1), **more)
        return model.fit(EXAMPLES["text"])

    orders = []

    class Spy(LabelMixture):
        def expect(self, batch, potentials, counts):
            orders.append(int(batch.items[0]))
            return super().expect(batch, potentials, counts)

    labels = [[a, b] for a in range(4) for b in range(3)]
    for seed in (None, 1):
        orders.clear()
        Spy(learner=StepwiseEM(batch_size=1), max_iter=3, random_state=seed).fit(labels)
        passes = [orders[at : at + 12] for at in (12, 24)]  # the first is one of batch EM
        assert all(sorted(each) == list(range(12)) for each in passes)
        assert (passes[0] == passes[1] == list(range(12))) is (seed is None)
        assert (passes[0] == passes[1]) is (seed is None)
    learner = StepwiseEM(batch_size=1)
    one, again, other = (fit(seed, learner=learner, max_iter=4) for seed in (1, 1, 2))
    assert list(one.trace_) == list(again.trace_)
    assert list(one.trace_) != list(other.trace_)
    cold = fit(1, learner=StepwiseEM(batch_size=1, warm=False), max_iter=4)
    assert np.isfinite(cold.trace_.objective).all()
    exact = fit(1, learner=StepwiseEM(batch_size=1, exact=True), max_iter=4)
    assert same(exact.params_, one.params_)
    for k in range(5):
        assert exact.trace_[k] == fit(1, learner=learner, max_iter=k).trace_[-1]


@rows
def test_incremental_em_of_one_part_is_em(row):
    fits = [row.model(random_state=2, max_iter=5, learner=each) for each in (EM(), IncrementalEM(parts=1))]
    one, other = (model.fit(row.example) for model in fits)
    assert list(one.trace_) == list(other.trace_)
    assert same(one.params_, other.params_)


def test_the_incremental_bound_by_hand():
    """Two parts: after two passes, the bound is that of each part's posterior under the theta that it was made with."""
    model = HMM(2, random_state=2, learner=IncrementalEM(parts=2, batch_size=1), max_iter=2).fit(EXAMPLES["text"])
    params = HMM(2, random_state=2, max_iter=0).fit(EXAMPLES["text"]).params_
    batches = model.index(EXAMPLES["text"], 1)
    middle = len(batches) // 2
    parts = [batches[:middle], batches[middle:]]
    total = sum((expect(model, model.theta(params), part)[0] for part in parts[1:]), params.zeros())
    old = expect(model, model.theta(params), parts[0])[0]
    one = model.maximize(old + total, params)
    first, loglik = expect(model, model.theta(one), parts[0])
    two = model.maximize(first + total, one)
    second, other = expect(model, model.theta(two), parts[1])
    bound = loglik - dot(first, one) + other - dot(second, two) + dot(first + second, two)
    assert model.trace_[1] == pytest.approx(bound, rel=1e-10)
    last = model.maximize(first + second, two)
    np.testing.assert_allclose(model.params_["emission"], last["emission"], rtol=1e-9)


# One after the other


def test_a_chain_is_one_fit_after_the_other():
    chain = IBM1(random_state=1, max_iter=6, learner=[EM(3), HardEM()]).fit(EXAMPLE)
    first = IBM1(random_state=1, max_iter=3).fit(EXAMPLE)
    second = IBM1(max_iter=3, learner=HardEM()).fit(EXAMPLE, start=first)
    assert list(chain.trace_) == list(first.trace_)[:3] + list(second.trace_)
    assert same(chain.params_, second.params_)
    turns = []
    chain.fit(EXAMPLE, callback=lambda k, step: turns.append(step.state[0]))
    assert turns == [0, 0, 0, 1, 1, 1, 1]


def test_a_chain_ends_where_it_should():
    def fit(*learner, **more):
        return IBM1(random_state=1, learner=learner, **more).fit(EXAMPLE).trace_

    assert len(fit(EM(3), HardEM(2))) == 6
    assert fit(EM(3), HardEM(2), max_iter=9).reason == "steps: 5 M-steps done"
    assert len(fit(EM(3))) == 4
    assert [len(fit(EM(3), HardEM(), max_iter=n)) for n in range(6)] == [1, 2, 3, 4, 5, 6]
    assert fit(EM(3), HardEM(), max_iter=3)[-1] == IBM1(random_state=1, max_iter=3).fit(EXAMPLE).trace_[-1]
    stopped = fit(EM(30), HardEM(), max_iter=500, tol=0.5)
    assert len(stopped) > 31
    assert stopped.reason.startswith("tol")
    unscored = fit(EM(3), EM(score_last=False), max_iter=5)
    assert len(unscored) == 5
    logistic = {"lexical": Logistic(kappa=0.1)}
    alone = IBM1(**logistic, max_iter=60, learner=DirectGradient()).fit(EXAMPLE).trace_
    assert len(alone) < 50
    early = IBM1(**logistic, max_iter=60, learner=[DirectGradient(steps=50), EM(2)]).fit(EXAMPLE).trace_
    assert len(early) == len(alone) + 2
    assert len(IBM1(**logistic, max_iter=60, learner=[DirectGradient(steps=50), EM()]).fit(EXAMPLE).trace_) == 61
    assert early.reason == "steps: all learners had their turn"
    rising = np.diff(early.objective)
    assert (rising >= -1e-9 * abs(early[0])).all()


def test_what_a_chain_promises():
    model = IBM1(max_iter=0).fit(EXAMPLE)
    assert Chain([EM(1), IncrementalEM(1), DirectGradient()]).promises(model)
    assert Chain([HardEM(1), EM()]).promises(model)
    assert Chain([HardEM(1), HardEM()]).promises(model)
    assert not Chain([EM(1), HardEM()]).promises(model)
    assert not Chain([AnnealedEM(1), EM()]).promises(model)
    chain = Chain([EM(4), StepwiseEM(batch_size=7)])
    assert (chain.batch_size, Chain([EM(1), EM()]).batch_size) == (7, None)
    assert [chain.settled(k) for k in (3, 4, 5, 6)] == [False, False, False, True]
    refreshed = Chain([EM(4), EM(refresh_at=(2,))])
    assert [refreshed.settled(k) for k in (5, 6, 7, 8)] == [False, False, False, True]


@learners
def test_the_same_bits_on_any_engine_and_after_loading(learner, tmp_path):
    for row in (SAMPLE["HMM-3-classes"], SAMPLE["Aligner-IBM2-mixed"]):
        fits = [row.model(random_state=1, max_iter=5, learner=learner, n_jobs=n).fit(row.example) for n in (1, 2, 3)]
        assert all(list(each.trace_) == list(fits[0].trace_) for each in fits)
        assert all(same(each.params_, fits[0].params_) for each in fits)
        fits[0].save(tmp_path / "model")
        again = load(tmp_path / "model")
        assert again == fits[0]
        assert again.learner == fits[0].learner
        assert list(again.fit(row.example).trace_) == list(fits[0].trace_)


def test_restarts_and_probes_work_with_all_learners():
    for learner in LEARNERS.values():
        model = HMM(2, random_state=0, n_init=2, n_probes=3, learner=learner, max_iter=4).fit(EXAMPLES["text"])
        assert model.trace_[-1] == max(model.trace_.restarts.values())


def test_wrong_settings_are_refused():
    wrong = [
        (EM, {"steps": 0}), (HardEM, {"steps": 1.5}), (AnnealedEM, {"start": 0}), (AnnealedEM, {"start": 1.1}),
        (AnnealedEM, {"growth": 1}), (AnnealedEM, {"every": 0}), (AnnealedEM, {"by": "words"}),
        (AnnealedEM, {"until": 0, "by": "length"}), (StepwiseEM, {"power": 0.5}), (StepwiseEM, {"offset": 0.5}),
        (StepwiseEM, {"batch_size": 0}), (StepwiseEM, {"replace": 2}), (StepwiseEM, {"replace": -1}),
        (IncrementalEM, {"parts": 0}), (IncrementalEM, {"batch_size": 2.5}),
        (Chain, {}), (Chain, {"learners": [EM]}), (Chain, {"learners": [EM(), HardEM()]}),
        (Chain, {"learners": [StepwiseEM(1, batch_size=2), IncrementalEM(batch_size=3)]}),
    ]  # fmt: skip
    for kind, settings in wrong:
        with pytest.raises(InputError):
            kind(**settings)
    with pytest.raises(InputError, match="learner"):
        IBM1(learner="EM")


def test_log_theta_of_what_has_no_count_is_nothing():
    model = IBM1(max_iter=0).fit(PAIRS)
    table = model.factors_["lexical"]
    theta = table.start().copy()
    theta[0] = 0
    counts = np.zeros(len(theta))
    assert table.expected_log_likelihood(counts, theta) == 0
    counts[1] = 2
    assert table.expected_log_likelihood(counts, theta) == pytest.approx(2 * np.log(theta[1]))
    counts[0] = 1
    assert np.isfinite(table.expected_log_likelihood(counts, theta))
    assert isinstance(table, Categorical)
    assert Learner().settled(1)
