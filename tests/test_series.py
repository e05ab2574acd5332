"""Linear dynamical systems against the dense joint Gaussian of all states and observations, and pykalman."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pykalman import KalmanFilter
from scipy.stats import multivariate_normal

from emnlp import LinearDynamicalSystem, LinearGaussian
from emnlp.blocks import Blocks
from emnlp.engines import Serial

EXAMPLES = settings(max_examples=25, deadline=None)
PLAIN = {
    "initial": LinearGaussian(ridge=0),
    "dynamics": LinearGaussian(ridge=0),
    "observation": LinearGaussian(ridge=0),
}
FACTORS = {
    "plain": PLAIN,
    "default": {},
    "diagonal": {
        "dynamics": LinearGaussian(covariance="diagonal"),
        "observation": LinearGaussian(covariance="diagonal"),
    },
    "spherical": {name: LinearGaussian(covariance="spherical", ridge=0.1) for name in PLAIN},
    "walk": {"dynamics": LinearGaussian(weights=1.0, offset=0.0), "observation": LinearGaussian(offset=0.0)},
    "fixed": {
        "initial": LinearGaussian(offset=0.0, covariance=1.0),
        "dynamics": LinearGaussian([[0.5, 0.2], [0.1, 0.6]], [0.0, 1.0], [[1.0, 0.2], [0.2, 1.0]]),
        "observation": LinearGaussian(weights=[[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]]),
    },
    "offset": {"dynamics": LinearGaussian(weights=0.5), "observation": LinearGaussian(offset=[1.0, 2.0, 3.0])},
}
every_factor = pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS.keys())


def covariance(n, rng):
    root = rng.standard_normal((n, n))
    return root @ root.T / n + 0.3 * np.eye(n)


def system(n_states, width, rng, **settings):
    """A system with random parameters."""
    turn = rng.standard_normal((n_states, n_states))
    turn *= 0.9 / np.abs(np.linalg.eigvals(turn)).max()
    initial = rng.standard_normal(n_states), covariance(n_states, rng)
    dynamics = turn, rng.standard_normal(n_states), covariance(n_states, rng)
    observation = rng.standard_normal((width, n_states)), rng.standard_normal(width), covariance(width, rng)
    return LinearDynamicalSystem.given(initial, dynamics, observation, **settings)


def holey(model, lengths, rng, share=0.3):
    """Sequences drawn from a model, without single numbers, and a whole row."""
    arrays = [model.sample(length, seed=k)[0] for k, length in enumerate(lengths)]
    for each in arrays:
        each[rng.random(each.shape) < share] = np.nan
        each[len(each) // 2] = np.nan if share else each[len(each) // 2]
    return arrays


def joint(model, length):
    """Mean and covariance of all states and observations of a sequence, states first."""
    (_, first, spread), (A, b, Q), (C, d, R) = (model.parameters(name) for name in PLAIN)
    k = len(first)
    mean, cov = np.zeros(k * length), np.zeros((k * length, k * length))
    for t in range(length):
        now, past = slice(k * t, k * t + k), slice(0, k * t)
        last = slice(k * t - k, k * t)
        mean[now] = A @ mean[last] + b if t else first
        cov[now, past] = A @ cov[last, past] if t else 0
        cov[past, now] = cov[now, past].T
        cov[now, now] = A @ cov[last, last] @ A.T + Q if t else spread
    lift = np.kron(np.eye(length), C)
    cross = cov @ lift.T
    whole = np.block([[cov, cross], [cross.T, lift @ cross + np.kron(np.eye(length), R)]])
    return np.concatenate([mean, lift @ mean + np.tile(d, length)]), whole


def conditioned(model, rows):
    """Log density of what is there of a sequence, and mean and covariance of all, given that."""
    mean, cov = joint(model, len(rows))
    there = np.flatnonzero(np.concatenate([np.zeros(len(mean) - rows.size, bool), ~np.isnan(rows).ravel()]))
    if not len(there):
        return 0.0, mean, cov
    value = rows.ravel()[~np.isnan(rows).ravel()]
    inner = cov[np.ix_(there, there)]
    gain = np.linalg.solve(inner, cov[there]).T
    loglik = multivariate_normal(mean[there], inner).logpdf(value)
    return loglik, mean + gain @ (value - mean[there]), cov - gain @ cov[there]


def dense_moments(model, arrays):
    """The expected moments of each factor, from the dense posterior."""
    k, width = model.n_states, len(model.origin_)
    sizes = {"initial": k + 1, "dynamics": 2 * k + 1, "observation": k + 1 + width}
    found = {name: np.zeros((size, size)) for name, size in sizes.items()}
    for rows in arrays:
        _, mean, cov = conditioned(model, rows)
        for t in range(len(rows)):
            z, x = np.arange(k * t, k * t + k), len(rows) * k + np.arange(width * t, width * t + width)
            places = {"initial": [z[:0], z]} if t == 0 else {"dynamics": [z - k, z]}
            places |= {"observation": [z, x]} if not np.isnan(rows[t]).all() else {}
            for name, (inputs, outputs) in places.items():
                at = np.concatenate([inputs, outputs])
                origin = model.origin_ if name == "observation" else np.zeros(k)
                centred = mean[at] - np.concatenate([np.zeros(len(inputs)), origin])
                found[name] += np.outer(*2 * (np.insert(centred, len(inputs), 1.0),))
                block = np.insert(np.insert(cov[np.ix_(at, at)], len(inputs), 0, axis=0), len(inputs), 0, axis=1)
                found[name] += block
    return found


def expected(model, corpus):
    """Moments and log-likelihood of a series, by the model."""
    return Serial().expect(model, model.theta(model.params_), model.index(model.corpus(corpus)))


cases = given(
    seed=st.integers(0, 999),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    share=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
)


@EXAMPLES
@cases
def test_everything_equals_the_dense_joint_gaussian(seed, sizes, lengths, share):
    rng = np.random.default_rng(seed)
    model = system(*sizes, rng)
    arrays = holey(model, lengths, rng, share)
    counts, loglik = expected(model, arrays)
    items = [conditioned(model, rows) for rows in arrays]
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(loglik, sum(item[0] for item in items), **close)
    for name, moments in dense_moments(model, arrays).items():
        np.testing.assert_allclose(counts[name], moments, err_msg=name, **close)
    means, covariances = model.smooth(arrays)
    filtered = model.filter(arrays)
    imputed, k = model.impute(arrays), model.n_states
    ahead = model.forecast(arrays, 2)
    for n, rows in enumerate(arrays):
        _, mean, cov = items[n]
        np.testing.assert_allclose(means[n].ravel(), mean[: means[n].size], **close)
        np.testing.assert_allclose(imputed[n].ravel(), mean[means[n].size :], **close)
        for t in range(len(rows)):
            now = slice(k * t, k * t + k)
            np.testing.assert_allclose(covariances[n][t], cov[now, now], **close)
            _, mean_then, cov_then = conditioned(model, rows[: t + 1])
            np.testing.assert_allclose(filtered[0][n][t], mean_then[now], **close)
            np.testing.assert_allclose(filtered[1][n][t], cov_then[now, now], **close)
        _, mean, cov = conditioned(model, np.vstack([rows, np.full((2, rows.shape[1]), np.nan)]))
        for step, width in ((0, rows.shape[1]), (1, rows.shape[1])):
            now = slice(len(mean) - (2 - step) * width, len(mean) - (1 - step) * width)
            np.testing.assert_allclose(ahead[0][n][step], mean[now], **close)
            np.testing.assert_allclose(ahead[1][n][step], cov[now, now], **close)


def test_one_step_of_em_equals_regressions_on_dense_moments():
    rng = np.random.default_rng(4)
    start = system(2, 3, rng)
    arrays = holey(start, [9, 6], rng)
    model = LinearDynamicalSystem(2, max_iter=1, **PLAIN).fit(arrays, start=start)
    start.origin_ = np.zeros(3)  # moments as they are
    for name, moments in dense_moments(start, arrays).items():
        p = len(moments) - len(model.parameters(name).offset)
        W = np.linalg.solve(moments[:p, :p], moments[:p, p:]).T
        S = (moments[p:, p:] - W @ moments[:p, p:]) / moments[p - 1, p - 1]
        np.testing.assert_allclose(model.params_[name], np.column_stack([W, S]), rtol=1e-9, atol=1e-10)


PEER = {
    "initial": ("initial_state_mean", "initial_state_covariance"),
    "dynamics": ("transition_matrices", "transition_offsets", "transition_covariance"),
    "observation": ("observation_matrices", "observation_offsets", "observation_covariance"),
}


@pytest.mark.parametrize("offsets", [False, True], ids=["all-but-offsets", "offsets"])
def test_filter_smoother_and_em_equal_those_of_pykalman(offsets):
    """Of everything but offsets, and of offsets alone: pykalman learns them one after the other, not jointly."""
    rng = np.random.default_rng(1)
    start = system(3, 4, rng)
    (rows,) = holey(start, [80], rng, 0.0)
    rows[[10, 11, 12, 40, 79]] = np.nan
    parts = {name: [each for each in start.parameters(name) if each.size] for name in PLAIN}
    given_, factors = {k: v for name in PLAIN for k, v in zip(PEER[name], parts[name])}, {}
    for name in PLAIN:
        weights, offset, noise = start.parameters(name)
        factors[name] = LinearGaussian(weights, covariance=noise) if offsets else LinearGaussian(offset=offset, ridge=0)
    factors["initial"] = LinearGaussian(offset=parts["initial"][0], covariance=parts["initial"][1])
    if not offsets:
        factors["initial"] = LinearGaussian(ridge=0)
    peer, masked = KalmanFilter(**given_), np.ma.masked_invalid(rows)
    assert start.score(rows) == pytest.approx(peer.loglikelihood(masked), rel=1e-12)
    for ours, theirs in zip(start.smooth(rows) + start.filter(rows), peer.smooth(masked) + peer.filter(masked)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)
    names = [each for names in PEER.values() for each in names if ("offsets" in each) == offsets]
    peer.em(masked, n_iter=3, em_vars=names)
    model = LinearDynamicalSystem(3, max_iter=3, **factors).fit(rows, start=start)
    for name, keys in PEER.items():
        ours = [each for each in model.parameters(name) if each.size]
        for one, key in zip(ours, keys):
            np.testing.assert_allclose(one, getattr(peer, key), rtol=1e-7, atol=1e-9, err_msg=key)
    assert model.score(rows) == pytest.approx(peer.loglikelihood(masked), rel=1e-10)


@every_factor
@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("seed", [None, 3])
def test_the_objective_never_falls(factors, share, seed):
    rng = np.random.default_rng(5)
    arrays = holey(system(2, 3, rng), [30, 1, 12], rng, share)
    model = LinearDynamicalSystem(2, random_state=seed, max_iter=40, **factors).fit(arrays)
    assert model.learner.promises(model)
    rises = np.diff(model.trace_.objective)
    assert (rises >= -1e-9 * np.abs(model.trace_.objective[:-1])).all()
    assert model.trace_[-1] > model.trace_[0]
    for name, factor in factors.items():
        held = factor.bind(model.rebuilt()[name]).adopt(model.params_[name])
        np.testing.assert_allclose(held, model.params_[name], rtol=1e-14)


@every_factor
def test_the_maximization_step_is_a_maximum(factors):
    rng = np.random.default_rng(6)
    arrays = holey(system(2, 3, rng), [30, 12], rng)
    model = LinearDynamicalSystem(2, max_iter=2, **factors).fit(arrays)
    counts, _ = expected(model, arrays)
    for name, params in model.maximize(counts, model.params_).items():
        factor = model.factors_[name]

        def bound(params, factor=factor, moments=counts[name]):
            return factor.expected_log_likelihood(moments, params) + factor.penalty(params)

        for _ in range(20):
            weights, offset, noise = factor.parts(params)
            root = np.eye(len(noise)) + 0.01 * rng.standard_normal(noise.shape)
            moved = [each + 0.01 * rng.standard_normal(each.shape) for each in (weights, offset)]
            nearby = factor.adopt(np.column_stack([*moved, root @ noise @ root.T]))
            assert bound(nearby) <= bound(params) + 1e-11 * abs(bound(params))


def test_moments_are_the_derivative_of_the_log_likelihood():
    """Fisher's identity, parameter by parameter; one off the diagonal of a covariance moves with its twin."""
    rng = np.random.default_rng(7)
    model = system(2, 3, rng)
    arrays = holey(model, [8, 5], rng)
    counts, _ = expected(model, arrays)
    for name, params in model.params_.items():
        factor, p = model.factors_[name], params.shape[1] - len(params)
        for i, j in np.ndindex(*params.shape):
            move = np.zeros(params.shape)
            move[i, j] = 1e-5
            if j >= p and j - p != i:
                move[j - p, p + i] = 1e-5
            ahead, behind = (
                (factor.expected_log_likelihood(counts[name], moved), expected(_at(model, name, moved), arrays)[1])
                for moved in (params + move, params - move)
            )
            assert (ahead[0] - behind[0]) == pytest.approx(ahead[1] - behind[1], rel=1e-5, abs=1e-10)


def _at(model, name, params):
    other = model.twin()
    other.params_ = Blocks(dict(model.params_) | {name: params})
    return other
