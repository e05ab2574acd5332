"""What holds for every factor in every slot of every model."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import agreement_item, climbed, derivative, enumerate_item, expect, row_totals, symmetric_item
from zoo import ROWS, project

from emnlp import (
    HMM,
    LDA,
    PLSA,
    Agreement,
    Aligner,
    Bitext,
    Categorical,
    Dirichlet,
    Documents,
    Jump,
    Logistic,
    NaiveBayesMixture,
    load,
)
from emnlp.blocks import Blocks
from emnlp.engines import Serial, Threads

EXAMPLES = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
TABLES = {name: row for name, row in ROWS.items() if not row.moments}
AGREEMENTS = {name: row for name, row in ROWS.items() if isinstance(row.model(), Agreement)}
LIKELIHOODS = {name: row for name, row in TABLES.items() if name not in AGREEMENTS and not isinstance(row.model(), LDA)}
tables = pytest.mark.parametrize("row", TABLES.values(), ids=TABLES.keys())
agreements = pytest.mark.parametrize("row", AGREEMENTS.values(), ids=AGREEMENTS.keys())
likelihoods = pytest.mark.parametrize("row", LIKELIHOODS.values(), ids=LIKELIHOODS.keys())  # counts belong to one


def started(row, corpus, seed=1):
    """A model with random parameters."""
    return row.model(random_state=seed, max_iter=0).fit(corpus)


def n_usable(corpus):
    """How many items of a corpus have something to learn from."""
    if isinstance(corpus, Bitext):
        return corpus.usable.sum()
    if isinstance(corpus, Documents):
        return len(corpus)
    return sum(len(sentence) > 0 for sentence in corpus)


def normalised(model):
    """Return some normalised theta: what the oracle's log P(x, z) needs no less than the model."""
    return model.theta(model.params_)


@likelihoods
@EXAMPLES
@given(data=st.data())
def test_expect_equals_enumeration(row, data):
    corpus = data.draw(row.corpora())
    model = started(row, corpus, data.draw(st.integers(0, 99)))
    theta, batches = normalised(model), model.index(corpus, 1)
    counts, loglik = expect(model, theta, batches)
    items = [enumerate_item(model, theta, batch) for batch in batches]
    assert loglik == pytest.approx(sum(each for each, *_ in items), rel=1e-10, abs=1e-10)
    for name in theta:
        np.testing.assert_allclose(counts[name], sum(each[1][name] for each in items), rtol=1e-9, atol=1e-12)
    assert len(batches) == n_usable(corpus)


@agreements
@EXAMPLES
@given(data=st.data())
def test_expect_equals_products_of_enumerated_posteriors(row, data):
    """Three E-steps, each from the duals of the one before; and the likelihood under the last ones."""
    corpus = data.draw(row.corpora())
    model = started(row, corpus, data.draw(st.integers(0, 99)))
    theta, batches = normalised(model), model.index(corpus, 1)
    exactly = {"rtol": 1e-9, "atol": 1e-12} if model.rounds == 0 else {"rtol": 1e-6, "atol": 1e-6}  # they are float32
    duals = [np.zeros(batch.sizes[0], np.float32) for batch in batches]
    for _ in range(3):
        plain = sum(model.likelihood(batch, model.prepare(theta)) for batch in batches)
        counts, loglik = expect(model, theta, batches)
        items = [agreement_item(model, theta, *each) for each in zip(batches, duals)]
        np.testing.assert_allclose(loglik, sum(value for value, *_ in items), **exactly)
        assert plain == pytest.approx(loglik, rel=1e-12, abs=1e-12)
        for name in theta:
            np.testing.assert_allclose(counts[name], sum(each[1][name] for each in items), **exactly)
        duals = [climbed(model, each, links) for each, (*_, links) in zip(duals, items)]


@likelihoods
def test_counts_are_the_derivative_of_the_log_likelihood(row):
    corpus = row.small
    model = started(row, corpus)
    theta, batches = normalised(model), model.index(corpus)
    counts, _ = expect(model, theta, batches)
    for name in theta:
        for slot in range(0, len(theta[name]), 1 + len(theta[name]) // 12):
            slope = derivative(model, theta, batches, name, slot)
            assert counts[name][slot] == pytest.approx(slope, rel=1e-5, abs=1e-6), (name, slot)


@tables
def test_posterior_and_decode_equal_enumeration(row):
    corpus = row.small
    model = started(row, corpus)
    theta = normalised(model)
    potentials = model.prepare(theta)
    for batch in model.index(corpus, 1):
        (posterior,) = model.posterior(batch, potentials)
        if isinstance(model, Agreement):
            links = symmetric_item(model, theta, batch)
            exactly = {"rtol": 1e-9, "atol": 1e-12} if model.rounds == 0 else {"atol": 1e-6}  # duals are float32
            np.testing.assert_allclose(posterior**2, links["forward"] * links["reverse"], **exactly)
            assert model.decode(batch, potentials).tolist() == (posterior > model.threshold).ravel().tolist()
        if isinstance(model, Aligner | LDA):
            continue  # its posterior combines the parts', which have their own rows; LDA's is not exact
        _, _, items = enumerate_item(model, theta, batch)
        posterior = posterior.T if isinstance(model, HMM) else posterior
        posterior = posterior[:, None] if posterior.ndim == 1 else posterior
        oracle = np.zeros_like(posterior)
        for latent, p in items:
            if isinstance(model, PLSA):
                oracle += p * latent / batch.times[:, None]  # of each of its tokens
            else:
                oracle[latent, np.arange(len(latent))] += p
        np.testing.assert_allclose(posterior, oracle, rtol=1e-9, atol=1e-12)
        if isinstance(model, HMM) and model.decoding == "posterior":
            decoded = oracle[model.decode(batch, potentials), np.arange(oracle.shape[1])]
            np.testing.assert_allclose(decoded, oracle.max(axis=0), rtol=1e-9)
            continue
        best = max(p for _, p in items)
        decoded = model.decode(batch, potentials)
        assert next(p for latent, p in items if np.array_equal(latent, decoded)) == pytest.approx(best)


@rows
@EXAMPLES
@given(data=st.data())
def test_the_declared_guarantee_is_kept(row, data):
    corpus = data.draw(row.corpora(3))
    seed = data.draw(st.none() | st.integers(0, 99))
    model = row.model(random_state=seed, max_iter=8).fit(corpus)
    assert model.learner.promises(model) == row.monotone
    if not row.monotone:
        return
    rises = np.diff(model.trace_.objective)
    assert (rises >= -1e-9 * np.abs(model.trace_.objective[:-1]) - 1e-12).all()
    assert len(model.trace_) == 9 or model.trace_.reason.startswith("converged")


@tables
def test_theta_is_a_distribution(row):
    model = row.model(max_iter=3).fit(row.example)
    for name, probabilities in model.probabilities().items():
        totals = row_totals(model.factors_[name], probabilities)
        theta = row_totals(model.factors_[name], model.theta(model.params_)[name])
        if name.endswith("lexical") and not isinstance(model.factors_[name], Categorical | Dirichlet):
            assert (totals <= 1 + 1e-12).all()  # spread over all words: a lexicon lists only some of them
        else:
            np.testing.assert_allclose(totals, 1, rtol=1e-12)
        assert (theta <= 1 + 1e-12).all()


@tables
def test_the_maximization_step_is_a_maximum(row):
    """No nearby parameters are better for the same expected counts: F(Q, theta) with Q fixed."""
    model = row.model(random_state=3, max_iter=2).fit(row.example)
    counts, _ = expect(model, model.theta(model.params_), model.index(row.example))
    best = model.maximize(counts, model.params_)
    rng = np.random.default_rng(0)

    def bound(name, params):
        factor = model.factors_[name]
        theta = factor.theta(params)
        used = counts[name] > 0
        return counts[name][used] @ np.log(theta[used]) + factor.penalty(params)

    for name, params in best.items():
        factor = model.factors_[name]
        if factor.guarantee != "monotone":
            continue  # not a maximum of this; what it is, test_jumps.py and test_backoff.py know
        if isinstance(factor, Jump | Logistic):  # some steps towards the maximum
            assert bound(name, params) >= bound(name, model.params_[name]) - 1e-12 * abs(bound(name, params))
            more = {"sweeps": 2000} if isinstance(factor, Jump) else {"steps": 2000}
            params = replace(factor, **more).maximize(counts[name], params)
        top = bound(name, params)
        for _ in range(5 if params.size else 0):
            nearby = project(factor, params * np.exp(0.01 * rng.standard_normal(params.size)))
            assert bound(name, nearby) <= top + 1e-12 * abs(top)


@rows
def test_the_same_bits_on_any_engine_and_after_loading(row, tmp_path):
    model = row.model(random_state=2, max_iter=3).fit(row.example)
    theta = model.theta(model.params_)
    one, loglik = Serial().expect(model, theta, model.index(row.example, 2))
    for n in (2, 3):
        other, value = Threads(n).expect(model, theta, model.index(row.example, 2))  # batches anew: they may hold duals
        assert value == loglik
        assert all(np.array_equal(one[name], other[name]) for name in one)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == model
    assert again.trace_ == model.trace_
    assert all(np.array_equal(again.params_[name], model.params_[name]) for name in model.params_)
    for one, other in zip(again.predict(row.example), model.predict(row.example), strict=True):
        assert np.array_equal(one, other)
    assert again.score(row.example) == model.score(row.example)


@likelihoods
def test_collect_is_the_adjoint_of_prepare(row):
    """Moving log theta moves the log potentials; counts of either kind agree on what that is worth."""
    model = started(row, row.example)
    theta, step = model.theta(model.params_), 1e-6
    potentials = model.prepare(theta)
    rng = np.random.default_rng(0)
    arrays = {name: rng.random(array.shape) for name, array in potentials.items()}
    for prefix, part in {"": model, **{f"{name}.": part for name, part in model.models.items()}}.items():
        if f"{prefix}prior" in arrays:  # what only text unseen in training reads is not counted
            arrays[f"{prefix}prior"][part._positions.bases[-1] :] = 0
    if isinstance(model, HMM):
        arrays["emission"][len(model.vocabulary_) :] = 0
    logs = isinstance(model, NaiveBayesMixture)  # its potentials are logarithms
    if logs:
        arrays["base"] += 1  # a document without a word is a document
        del arrays["budget"]
    if isinstance(model, PLSA):
        arrays = {name: array * (np.arange(array.shape[1]) < model.n_topics) for name, array in arrays.items()}
    counts = model.collect(Blocks(arrays))
    for name in theta:
        direction = rng.standard_normal(theta[name].shape)
        moved = model.prepare(Blocks(dict(theta.items()) | {name: theta[name] * np.exp(step * direction)}))
        change = 0.0
        for key in arrays:
            potential = potentials[key]
            if logs:
                change += float((arrays[key] * (moved[key] - potential)).sum())
                continue
            used = potential > 0  # what pads a row is 0
            change += float((arrays[key][used] * np.log(moved[key][used] / potential[used])).sum())
        assert counts[name] @ direction == pytest.approx(change / step, rel=1e-4, abs=1e-5)
