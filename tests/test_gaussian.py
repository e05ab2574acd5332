"""Mixtures of Gaussians, held to scikit-learn's, to SciPy's densities, and to the definitions."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture as Peer

from emnlp import AnnealedEM, Categorical, Dirichlet, HardEM, InputError, NumericalError, StepwiseEM, load
from emnlp.blocks import Blocks
from emnlp.corpus.points import Points
from emnlp.engines import Serial, Threads
from emnlp.factors.gaussian import KINDS, Gaussian, Space
from emnlp.inference import gaussians
from emnlp.models.gaussian import GaussianMixture
from emnlp.models.seeds import seeds

kinds = pytest.mark.parametrize("kind", KINDS)
PEER = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}


def clouds(n=300, n_dimensions=3, n_components=3, seed=0, away=0.0):
    """Items around some means, with correlations."""
    rng = np.random.default_rng(seed)
    latent = rng.integers(0, n_components, n)
    scales = rng.standard_normal((n_components, n_dimensions, n_dimensions))
    noise = np.einsum("nij,nj->ni", scales[latent], rng.standard_normal((n, n_dimensions)))
    return noise + 3 * rng.standard_normal((n_components, n_dimensions))[latent] + away


def start(x, kind, n_components=3, seed=1):
    """Weights, means and covariances of a kind."""
    rng, d = np.random.default_rng(seed), x.shape[1]
    noise = rng.standard_normal((n_components, d, d))
    covariances = np.eye(d) + 0.3 * noise @ noise.swapaxes(1, 2)
    factor = Gaussian(kind).bind(Space(n_components, d))
    weights, means = rng.dirichlet(np.full(n_components, 5.0)), x[rng.choice(len(x), n_components, replace=False)]
    return weights, means, factor.covariances(factor.packed(means, covariances))


def peer(x, kind, first, n_iter, ridge):
    """Scikit-learn's mixture after some iterations."""
    weights, means, covariances = first
    precisions = np.linalg.inv(covariances)
    shaped = {"full": precisions, "tied": precisions[0], "diagonal": np.diagonal(precisions, axis1=1, axis2=2),
              "spherical": precisions[:, 0, 0]}[kind]  # fmt: skip
    model = Peer(len(weights), covariance_type=PEER[kind], reg_covar=ridge, tol=0, max_iter=n_iter,
                 weights_init=weights, means_init=means, precisions_init=shaped)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it did not converge
        return model.fit(x)


def squared(kind, covariances, shape):
    """Scikit-learn's covariances as matrices, (K, D, D)."""
    if kind == "spherical":
        return covariances[:, None, None] * np.eye(shape[1])
    if kind == "diagonal":
        return covariances[:, :, None] * np.eye(shape[1])
    return np.broadcast_to(covariances, (shape[0], shape[1], shape[1]))


def oracle(model, x):
    """Joint log densities by SciPy, (N, K)."""
    each = zip(model.weights_, model.means_, model.covariances_)
    return np.stack([np.log(w) + multivariate_normal(m, c).logpdf(x).reshape(-1) for w, m, c in each], axis=1)


@kinds
@pytest.mark.parametrize(("away", "ridge", "n_dimensions"), [(0, 1e-6, 3), (0, 0.1, 1), (1e4, 0, 5), (0, 1e-3, 9)])
def test_equal_to_scikit_learn_from_the_same_start(kind, away, ridge, n_dimensions):
    x, n_iter = clouds(500, n_dimensions, away=away), 12
    first = start(x, kind)
    model = GaussianMixture(3, density=Gaussian(kind, ridge=ridge), max_iter=n_iter)
    model.fit(x, start=GaussianMixture.given(*first))
    theirs = peer(x, kind, first, n_iter, ridge)
    np.testing.assert_allclose(model.weights_, theirs.weights_, rtol=1e-6)
    np.testing.assert_allclose(model.means_, theirs.means_, rtol=1e-6, atol=1e-6)
    matrices = squared(kind, theirs.covariances_, (3, n_dimensions))
    np.testing.assert_allclose(model.covariances_, matrices, rtol=1e-6, atol=1e-6)
    assert model.trace_[n_iter - 1] / len(x) == pytest.approx(theirs.lower_bound_, rel=1e-6)
    assert model.score(x) == pytest.approx(theirs.score(x), rel=1e-6)
    np.testing.assert_allclose(model.score_samples(x), theirs.score_samples(x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(x), theirs.predict_proba(x), atol=1e-6)
    assert (model.predict(x) == theirs.predict(x)).all()
    assert model.bic(x) == pytest.approx(theirs.bic(x), rel=1e-6)
    assert model.aic(x) == pytest.approx(theirs.aic(x), rel=1e-6)


@kinds
@pytest.mark.parametrize("n_dimensions", [1, 2, 4, 7, 8, 17])
@pytest.mark.parametrize("n_components", [1, 5])
def test_densities_and_moments_equal_the_definitions(kind, n_dimensions, n_components):
    x = clouds(431, n_dimensions, n_components)  # not whole blocks
    weights = np.random.default_rng(2).exponential(size=len(x))
    model = GaussianMixture(n_components, density=Gaussian(kind), max_iter=2).fit(x)
    logs = oracle(model, x)
    logliks = logsumexp(logs, axis=1)
    shares = np.exp(logs - logliks[:, None])
    np.testing.assert_allclose(model.score_samples(x), logliks, rtol=1e-9)
    np.testing.assert_allclose(model.predict_proba(x), shares, atol=1e-9)
    potentials, counts = model.potentials(), None
    for batch in model.index(Points(x, weights), 100):
        counts = counts or potentials.zeros()
        model.expect(batch, potentials, counts)
    mine, theirs = shares * weights[:, None], x - model.centre_
    rows, columns = model.factors_["density"].pairs
    np.testing.assert_allclose(counts["component"], mine.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(counts["density"][:, 1 : 1 + n_dimensions], mine.T @ theirs, rtol=1e-9, atol=1e-9)
    products = np.einsum("nk,nf->kf", mine, theirs[:, rows] * theirs[:, columns])
    np.testing.assert_allclose(counts["density"][:, 1 + n_dimensions :], products, rtol=1e-9, atol=1e-9)


@kinds
def test_counts_are_the_derivative_of_the_log_likelihood(kind):
    """By log weights; and by the parameters of the densities, as the expected log density's is (Fisher's identity)."""
    x, step = clouds(80), 1e-6
    model = GaussianMixture(3, density=Gaussian(kind), max_iter=1).fit(x)
    theta, batches, factor = model.theta(model.params_), model.index(model.corpus(x)), model.factors_["density"]
    counts, _ = Serial().expect(model, theta, batches)

    def loglik(**changed):
        return Serial().likelihood(model, Blocks(dict(theta) | changed), batches)

    for k in range(3):
        moved = [theta["component"] * np.exp(sign * step * (np.arange(3) == k)) for sign in (1, -1)]
        slope = (loglik(component=moved[0]) - loglik(component=moved[1])) / (2 * step)
        assert counts["component"][k] == pytest.approx(slope, rel=1e-5)
    rng, params = np.random.default_rng(0), model.params_["density"]
    for _ in range(5):
        direction = factor.packed(*(rng.standard_normal(each.shape) for each in (model.means_, model.covariances_)))
        ends = [params + sign * step * direction for sign in (1, -1)]
        slope = np.subtract(*(loglik(density=factor.theta(each)) for each in ends)) / (2 * step)
        fisher = np.subtract(*(factor.expected_log_likelihood(counts["density"], each) for each in ends)) / (2 * step)
        assert slope == pytest.approx(fisher, rel=1e-4, abs=1e-4)


@kinds
def test_expected_log_likelihood_is_that_of_a_hard_assignment(kind):
    x = clouds(60)
    model = GaussianMixture(3, density=Gaussian(kind), max_iter=3).fit(x)
    (batch,), latent = model.index(model.corpus(x)), model.predict(x)
    counts = model.potentials().zeros()
    model.count(batch, latent, counts)
    found = sum(each.expected_log_likelihood(counts[name], model.params_[name])
                for name, each in model.factors_.items() if name == "density")  # fmt: skip
    found += counts["component"] @ np.log(model.weights_)
    assert found == pytest.approx(oracle(model, x)[np.arange(60), latent].sum(), rel=1e-10)


@kinds
def test_a_density_is_raised_to_a_power(kind):
    x = clouds(50)
    model = GaussianMixture(3, density=Gaussian(kind), max_iter=2).fit(x)
    theta = dict(model.theta(model.params_))
    theta["density"] = model.factors_["density"].tempered(theta["density"], 0.3)
    shares, _ = gaussians.posteriors(x, model.centre_, *model.prepare(Blocks(theta)).values())
    logs = np.log(model.weights_) + 0.3 * (oracle(model, x) - np.log(model.weights_))
    np.testing.assert_allclose(shares, np.exp(logs - logsumexp(logs, axis=1, keepdims=True)), atol=1e-10)


@kinds
def test_the_maximization_step_is_a_maximum(kind):
    model = GaussianMixture(3, density=Gaussian(kind, ridge=0), max_iter=2).fit(clouds())
    counts, _ = Serial().expect(model, model.theta(model.params_), model.index(model.corpus(clouds())))
    factor, rng = model.factors_["density"], np.random.default_rng(0)
    best = factor.maximize(counts["density"], model.params_["density"])
    top = factor.expected_log_likelihood(counts["density"], best)
    for _ in range(20):
        nearby = best * np.exp(0.001 * rng.standard_normal(best.shape))
        nearby = factor.packed(factor.means(nearby), factor.covariances(nearby))
        assert factor.expected_log_likelihood(counts["density"], nearby) < top


@kinds
@pytest.mark.parametrize("component", [Categorical(), Dirichlet(0.5)], ids=["ml", "vb"])
@pytest.mark.parametrize("init", ["kmeans++", "random"])
def test_the_objective_never_falls_without_a_ridge(kind, component, init):
    model = GaussianMixture(4, component=component, density=Gaussian(kind, ridge=0), init=init, max_iter=40)
    model.fit(clouds(200, 2))
    assert model.learner.promises(model)
    assert (np.diff(model.trace_.objective) >= -1e-9 * np.abs(model.trace_.objective[:-1])).all()
    assert model.trace_[-1] > model.trace_[0]
    assert not GaussianMixture(4).learner.promises(GaussianMixture(4, max_iter=0).fit(clouds()))


@kinds
def test_the_same_bits_at_any_number_of_threads_and_after_loading(kind, tmp_path):
    x = clouds(20_000, 4)
    one, two, three = (GaussianMixture(3, density=Gaussian(kind), max_iter=3, n_jobs=n).fit(x) for n in (1, 2, 3))
    for other in (two, three):
        assert other.trace_ == one.trace_
        assert all(np.array_equal(one.params_[name], other.params_[name]) for name in one.params_)
        assert np.array_equal(one.predict_proba(x), other.predict_proba(x))
    theta = one.theta(one.params_)
    counts = [each.expect(one, theta, one.index(one.corpus(x), 777))[0] for each in (Serial(), Threads(2))]
    assert all(np.array_equal(counts[0][name], counts[1][name]) for name in counts[0])
    one.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == one
    assert again.trace_ == one.trace_
    assert np.array_equal(again.predict_proba(x), one.predict_proba(x))
    assert again.score(x) == one.score(x)
    assert np.array_equal(
        again.fit(x, start=again).means_, GaussianMixture.load(tmp_path / "model").fit(x, start=one).means_
    )


@kinds
def test_other_learners(kind):
    """Hard EM never falls and ends at whole counts; annealing, and parts of the data, end where EM does."""
    means = [[50, 50], [55, 50], [50, 56]]
    x, density = GaussianMixture.given([1, 2, 3], means, [np.eye(2)] * 3).sample(2000)[0], Gaussian(kind, ridge=0)
    model = GaussianMixture(3, density=density, learner=HardEM(), max_iter=30).fit(x)
    assert model.learner.promises(model)
    logs = oracle(model, x)
    assert model.trace_[-1] == pytest.approx(logs.max(axis=1).sum(), rel=1e-9)
    np.testing.assert_allclose(np.bincount(model.predict(x)) / 2000, model.weights_, rtol=1e-12)
    plain = GaussianMixture(3, density=density, max_iter=100).fit(x).score(x)
    for learner in (AnnealedEM(start=0.5), StepwiseEM()):
        found = GaussianMixture(3, density=Gaussian(kind), learner=learner, max_iter=100).fit(x)
        assert found.score(x) == pytest.approx(plain, abs=1e-3)


def test_weights_are_repetitions():
    x = clouds(60)
    weights = np.random.default_rng(0).integers(0, 4, 60)
    means = x[:3]
    one = GaussianMixture(3, means_init=means, max_iter=5).fit(Points(x, weights))
    other = GaussianMixture(3, means_init=means, max_iter=5).fit(np.repeat(x, weights, axis=0))
    np.testing.assert_allclose(one.means_, other.means_, rtol=1e-9)
    np.testing.assert_allclose(one.covariances_, other.covariances_, rtol=1e-9, atol=1e-12)
    assert one.trace_[-1] == pytest.approx(other.trace_[-1])
    assert one.score(Points(x, weights)) == pytest.approx(other.score(np.repeat(x, weights, axis=0)))
    assert one.bic(Points(x, weights)) == pytest.approx(other.bic(np.repeat(x, weights, axis=0)))


def test_nothing_is_lost_far_from_the_origin():
    x = np.round(clouds(400) * 1024) / 1024  # exact after the shift
    near, far = (GaussianMixture(3, means_init=x[:3] + away, max_iter=10).fit(x + away) for away in (0.0, 2.0**30))
    np.testing.assert_allclose(far.covariances_, near.covariances_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(far.means_ - 2.0**30, near.means_, atol=1e-5)
    assert far.trace_[-1] == pytest.approx(near.trace_[-1], rel=1e-10)


def test_starts():
    x = clouds(200, 2, 4)
    assert np.array_equal(GaussianMixture(4, means_init=x[:4], max_iter=0).fit(x).means_.round(12), x[:4].round(12))
    for init in ("kmeans++", "random"):
        one, two, other = (GaussianMixture(4, init=init, random_state=s, max_iter=0).fit(x).means_ for s in (0, 0, 1))
        assert np.array_equal(one, two)
        assert not np.array_equal(one, other)
    first = GaussianMixture(4, max_iter=0).fit(x)
    np.testing.assert_allclose(first.covariances_, first.covariances_[[0] * 4])
    assert np.array_equal(first.weights_, [0.25] * 4)
    assert len(np.unique(seeds(Points(x), 200, np.random.default_rng(0)), axis=0)) == 200  # each item once
    assert len(np.unique(seeds(Points(x), 200, np.random.default_rng(0), False), axis=0)) == 200
    best = GaussianMixture(4, n_init=5, max_iter=20).fit(x)
    assert best.trace_[-1] == max(best.trace_.restarts.values()) > min(best.trace_.restarts.values())


def test_a_fit_starts_from_another_of_another_kind():
    x = clouds(200, 2)
    round_ones = GaussianMixture(3, density=Gaussian("spherical"), max_iter=10).fit(x)
    model = GaussianMixture(3, max_iter=0).fit(x + 5, start=round_ones)  # another centre, the same means
    np.testing.assert_allclose(model.means_, round_ones.means_)
    np.testing.assert_allclose(model.covariances_, round_ones.covariances_)
    np.testing.assert_allclose(model.weights_, round_ones.weights_)
    for other, data in ((GaussianMixture(2, max_iter=0).fit(x), x), (round_ones, x[:, :1])):
        with pytest.raises(InputError, match="expected a GaussianMixture of 3 components"):
            GaussianMixture(3).fit(data, start=other)


def test_samples_are_of_the_distribution():
    model = GaussianMixture.given([1, 3], [[0, 0], [9, 9]], [np.eye(2), [[2, 1], [1, 1]]])
    x, latent = model.sample(20_000, seed=1)
    assert latent.mean() == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(x[latent == 1].mean(axis=0), 9, atol=0.05)
    np.testing.assert_allclose(np.cov(x[latent == 1].T), [[2, 1], [1, 1]], atol=0.1)
    assert (model.predict(x) == latent).mean() > 0.999
    again = GaussianMixture(2, max_iter=20).fit(x)
    np.testing.assert_allclose(sorted(again.weights_), [0.25, 0.75], atol=0.02)


@kinds
@settings(max_examples=25, deadline=None)
@given(
    x=arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 3)),
                    elements=st.sampled_from([0.0, 1.0, -2.5, 1e-8, 1e4, 1e100])),
    n_components=st.integers(1, 8), seed=st.none() | st.integers(0, 9), init=st.sampled_from(["kmeans++", "random"]),
)  # fmt: skip
def test_degenerate_data_never_makes_nan(kind, x, n_components, seed, init):
    """Constant columns, duplicates, fewer items than components, absurd scales: finite, or an error that says why."""
    model = GaussianMixture(n_components, density=Gaussian(kind), init=init, random_state=seed, max_iter=5)
    try:
        model.fit(x)
    except NumericalError:
        if np.ptp(x) < 1e3:  # else the ridge is lost beside it
            raise
        return
    assert np.isfinite(model.params_.flat).all()
    assert np.isfinite(model.trace_.objective).all()
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1)
    assert np.isfinite(model.score(x))
    far = np.full((1, x.shape[1]), 1e100)
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)


def test_a_component_without_items_stays_as_it_is():
    for kind in KINDS:
        factor = Gaussian(kind).bind(Space(2, 2))
        params = factor.packed([[1.0, 2.0], [3.0, 4.0]], 2 * np.stack([np.eye(2)] * 2))
        counts = np.zeros((2, 1 + 2 + len(factor.pairs[0])))
        assert np.array_equal(factor.maximize(counts, params), params)
        counts[0] = [2, 2, 0, *([2, 0, 2] if len(factor.pairs[0]) == 3 else [2, 2])]
        found = factor.maximize(counts, params)
        np.testing.assert_allclose(factor.means(found), [[1, 0], [3, 4]])
        if kind != "tied":
            assert np.array_equal(found[1], params[1])


def test_a_singular_covariance_is_an_error():
    with pytest.raises(NumericalError, match=r"component 0 is singular.*give a ridge above 0"):
        GaussianMixture(1, density=Gaussian(ridge=0)).fit([[1.0, 2.0], [1.0, 3.0]])
    with pytest.raises(NumericalError, match="singular"):
        GaussianMixture(3, density=Gaussian("diagonal", ridge=0), means_init=[[0], [1], [5]]).fit([[0], [1], [5.0]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1.0, 2.0], "reshape"),
        ([[]], "row for each item"),
        ([], "row for each item"),
        (3.0, "row for each item"),
        ([[[1.0]]], "row for each item"),
        ([[1.0], [np.nan]], "row 1, column 0 is nan"),
        ([[1.0, np.inf]], "row 0, column 1 is inf"),
        ([[1e101]], "scale"),
        ([["a"]], "real numbers"),
        ([[1j]], "real numbers"),
        ([[1.0], [1.0, 2.0]], "real numbers"),
        ([[10**400]], "real numbers"),
        (None, "real numbers|row for each item|nan"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        GaussianMixture(1).fit(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianMixture(0), "whole number from 1"),
        (lambda: GaussianMixture(2.5), "whole number from 1"),
        (lambda: GaussianMixture(2, init="best"), "kmeans"),
        (lambda: GaussianMixture(2, means_init=[[1.0]]), "1 rows for 2"),
        (lambda: GaussianMixture(1, means_init=[[1.0]]).fit([[1.0, 2.0]]), "means_init has 1 columns"),
        (lambda: GaussianMixture(2, density=Categorical()), "expected a Gaussian"),
        (lambda: Gaussian("oval"), "'spherical'"),
        (lambda: Gaussian(ridge=-1), "from 0"),
        (lambda: Gaussian(ridge=np.nan), "from 0"),
        (lambda: Points([[1.0]], [1.0, 2.0]), "for each of 1 items"),
        (lambda: Points([[1.0]], [-1.0]), "item 0 is -1.0"),
        (lambda: Points([[1.0]], [0.0]), "nothing to learn"),
        (lambda: GaussianMixture(1).fit([[1.0]]).predict([[1.0, 2.0]]), "model knows 1"),
        (lambda: GaussianMixture.given([1], [[0.0]], [[1.0]]), "symmetric"),
        (lambda: GaussianMixture.given([1], [[0.0, 0.0]], [[[1.0, 2.0], [2.0, 1.0]]]), "singular"),
        (lambda: GaussianMixture(1).means_, "not fitted"),
        (lambda: GaussianMixture(1).bic([[1.0]]), "not fitted"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
