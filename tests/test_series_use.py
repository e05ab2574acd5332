"""What users meet: forms of data, missing numbers, long and awkward series, files and errors."""

import numpy as np
import pytest
from test_series import FACTORS, PLAIN, expected, holey, joint, system

from emnlp import InputError, LinearDynamicalSystem, LinearGaussian, NumericalError, Series, load
from emnlp.blocks import Blocks
from emnlp.engines import Serial, Threads
from emnlp.learners import AnnealedEM, DirectGradient, HardEM, StepwiseEM
from emnlp.models import series as module


def waves(length, noise=0.3, seed=0):
    """Two noisy sinusoids seen through three columns."""
    t, rng = np.arange(length), np.random.default_rng(seed)
    states = np.column_stack([np.sin(0.2 * t), np.cos(0.2 * t)])
    return states @ np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]) + 5 + noise * rng.standard_normal((length, 3))


@pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS.keys())
def test_the_same_bits_on_any_engine_and_after_loading(factors, tmp_path):
    rng = np.random.default_rng(8)
    arrays = holey(system(2, 3, rng), [20, 5, 1, 13, 8], rng)
    fits = [LinearDynamicalSystem(2, max_iter=3, n_jobs=n, random_state=1, **factors).fit(arrays) for n in (1, 2, 3)]
    for other in fits[1:]:
        assert all(np.array_equal(fits[0].params_[name], other.params_[name]) for name in other.params_)
    model = fits[0]
    batches = model.index(model.corpus(arrays), 1)
    one, loglik = Serial().expect(model, model.theta(model.params_), batches)
    other, value = Threads(3).expect(model, model.theta(model.params_), batches)
    assert value == loglik == pytest.approx(expected(model, arrays)[1], rel=1e-12)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == model
    assert again.trace_ == model.trace_
    assert again.score(arrays) == model.score(arrays)
    for ours, theirs in zip(again.forecast(arrays, 3), model.forecast(arrays, 3)):
        np.testing.assert_array_equal(ours, theirs)
    resumed = LinearDynamicalSystem(2, max_iter=0, **factors).fit(arrays, start=again)
    assert resumed.score(arrays) == pytest.approx(model.score(arrays), rel=1e-12)


def test_batches_do_not_change_the_posterior():
    rng = np.random.default_rng(9)
    model = system(3, 2, rng)
    arrays = holey(model, [7, 1, 9, 4], rng)
    whole = model.smooth(arrays)
    for n, rows in enumerate(arrays):
        for one, all_ in zip(model.smooth(rows), whole):
            np.testing.assert_array_equal(one, all_[n])


@pytest.mark.parametrize("share", [0.0, 0.002])
def test_a_covariance_at_rest_is_that_of_the_whole_recursion(monkeypatch, share):
    rng = np.random.default_rng(10)
    model = system(4, 6, rng)
    rows = holey(model, [3000], rng, share) if share else [model.sample(3000)[0]]
    counts, loglik = expected(model, rows)
    slots = model._filtered(model.index(model.corpus(rows))[0], model.potentials())[1]
    assert slots.max() < (500 if share else 100)
    means, covariances = model.smooth(rows)
    monkeypatch.setattr(module, "STILL", -1.0)  # nothing rests
    plain, value = expected(model, rows)
    assert loglik == pytest.approx(value, rel=1e-13)
    for name in counts:
        np.testing.assert_allclose(counts[name], plain[name], rtol=1e-11, atol=1e-9)
    for ours, theirs in zip((means[0], covariances[0]), (each[0] for each in model.smooth(rows))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12)


def test_counts_of_known_states_make_the_joint_density():
    """`count` defines the model: log P(x, z) is counts times parameters."""
    model = system(2, 3, np.random.default_rng(11))
    rows, states = model.sample(5, seed=3)
    counts = model.potentials().zeros()
    (batch,) = model.index(model.corpus(rows))
    model.count(batch, (states, batch.rows), counts)
    mean, cov = joint(model, 5)
    away = np.concatenate([states.ravel(), rows.ravel()]) - mean
    log_density = -(away @ np.linalg.solve(cov, away) + np.linalg.slogdet(2 * np.pi * cov)[1]) / 2
    assert model.expected_log_likelihood(counts, model.params_) == pytest.approx(log_density, rel=1e-10)


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("n_states", [1, 2, 4, 7])
def test_the_default_start_leads_to_as_good_a_model_as_the_truth(n_states, seed):
    """More states than columns, too."""
    rows = waves(400)
    model = LinearDynamicalSystem(n_states, random_state=seed, max_iter=150).fit(rows)
    turn = [[np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), np.cos(0.2)]]
    truth = ([0, 1], 1e-6 * np.eye(2)), (turn, [0, 0], 1e-6 * np.eye(2))
    truth = LinearDynamicalSystem.given(*truth, ([[1, 0], [2, 1], [0, 3]], [5] * 3, 0.09 * np.eye(3)))
    assert (model.score(rows) > truth.score(rows) - 15) == (n_states > 1)


def test_missing_numbers_are_filled_in_and_forecast():
    rows = waves(300, noise=0.02)
    holes = rows.copy()
    holes[100:130] = np.nan
    holes[np.random.default_rng(2).random(rows.shape) < 0.2] = np.nan
    model = LinearDynamicalSystem(2, max_iter=200).fit(holes[:280])
    filled = model.impute(holes[:280])
    seen = ~np.isnan(holes[:280])
    np.testing.assert_array_equal(filled[seen], holes[:280][seen])
    assert np.abs(filled - rows[:280]).max() < 0.2
    means, covariances = model.forecast(holes[:280], 20)
    assert np.abs(means - rows[280:]).max() < 0.2
    assert (np.linalg.eigvalsh(covariances) > 0).all()
    assert (np.diff(np.trace(covariances, axis1=1, axis2=2)) > -1e-12).all()


def test_samples_have_the_moments_of_the_model():
    model = system(2, 3, np.random.default_rng(12))
    mean, cov = joint(model, 3)
    draws = np.array([np.concatenate([*map(np.ravel, model.sample(3, seed=k)[::-1])]) for k in range(4000)])
    deviations = np.sqrt(np.diag(cov))
    assert (np.abs(draws.mean(axis=0) - mean) < 5 * deviations / np.sqrt(4000)).all()
    assert (np.abs(np.cov(draws.T) - cov) < 0.15 * np.outer(deviations, deviations)).all()
    assert model.sample(0)[0].shape == (0, 3)


AWKWARD = {
    "one number": np.array([3.0]),
    "two rows": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "constant": np.full((50, 2), 7.0),
    "a constant column": np.column_stack([np.sin(np.arange(60)), np.full(60, 0.1)]),
    "equal columns": np.repeat(np.sin(np.arange(60))[:, None], 3, axis=1),
    "no noise": np.sin(0.3 * np.arange(200)),
    "far away": 1e8 + waves(200),
    "large": 1e90 * waves(100),
    "small": 1e-80 * waves(100),
    "scales": waves(100) * [1e-12, 1.0, 1e12],
    "a line": np.arange(300.0),
    "growth": 1.05 ** np.arange(200.0),
    "mostly missing": np.where(np.random.default_rng(0).random((200, 3)) < 0.95, np.nan, waves(200)),
    "seen once": np.array([np.nan] * 20 + [1.0] + [np.nan] * 20),
    "long": waves(50_000),
}


@pytest.mark.parametrize("rows", AWKWARD.values(), ids=AWKWARD.keys())
@pytest.mark.parametrize("n_states", [1, 3])
def test_awkward_series_never_end_in_nan(rows, n_states):
    model = LinearDynamicalSystem(n_states, max_iter=5 if len(rows) > 1000 else 60).fit(rows)
    assert all(np.isfinite(each).all() for each in model.params_.values())
    assert all(factor.accepts(model.params_[name]) for name, factor in model.factors_.items())
    means, covariances = model.smooth(rows)
    assert np.isfinite(means).all()
    assert (np.linalg.eigvalsh(covariances) > 0).all()
    assert np.isfinite(model.impute(rows)).all()
    assert np.isfinite(model.forecast(rows, 3)[1]).all()


def test_units_and_places_do_not_matter():
    rows = waves(200)
    near, far = (LinearDynamicalSystem(2, max_iter=30).fit(each) for each in (rows, 1e7 + 1e3 * rows))
    np.testing.assert_allclose(far.predict(1e7 + 1e3 * rows), near.predict(rows), rtol=1e-4, atol=1e-5)
    rises = [np.subtract(model.trace_[-1], model.trace_[0]) for model in (near, far)]
    assert rises[0] == pytest.approx(rises[1], rel=1e-5)


def test_data_come_in_many_forms():
    rows = waves(6)
    masked = np.ma.masked_array(rows, rows > 6)
    same = [rows, rows.tolist(), Series.of(rows)]
    assert all(np.array_equal(Series.of(each).rows, rows) and Series.of(each).single for each in same)
    lists = [[rows[:4], rows[4:]], [rows[:4].tolist(), rows[4:].tolist()], Series.of([rows[:4], rows[4:]])]
    assert all(Series.of(each).lengths.tolist() == [4, 2] and not Series.of(each).single for each in lists)
    assert Series.of(rows.reshape(2, 3, 3)).lengths.tolist() == [3, 3]
    assert Series.of(rows[:, 0]).rows.shape == (6, 1)
    assert Series.of([rows[:, 0], rows[:2, 0]]).lengths.tolist() == [6, 2]
    np.testing.assert_array_equal(np.isnan(Series.of(masked).rows), rows > 6)
    model = LinearDynamicalSystem(1, max_iter=2).fit([rows, np.empty((0, 3)), rows[:1]])
    assert [each.shape for each in model.predict([rows, np.empty((0, 3)), rows[:1]])] == [(6, 1), (0, 1), (1, 1)]
    assert model.trace_.n_items == 2
    assert [each.shape for each in model.forecast([rows, rows], 2)[1]] == [(2, 3, 3)] * 2
    assert model.forecast(rows, 2)[0].shape == (2, 3)


@pytest.mark.parametrize("learner", [HardEM(), StepwiseEM()], ids=["hard", "stepwise"])
def test_other_learners_take_it(learner):
    arrays = [waves(60, seed=k) for k in range(4)]
    model = LinearDynamicalSystem(2, learner=learner, max_iter=10, n_jobs=1).fit(arrays)
    assert model.score(arrays) > LinearDynamicalSystem(2, max_iter=0).fit(arrays).score(arrays)


WRONG = {
    "infinite": (lambda: Series.of([[1.0, np.inf]]), "row 0, column 1 is inf"),
    "widths": (lambda: Series.of([np.zeros((2, 2)), np.zeros((2, 3))]), "one width"),
    "words": (lambda: Series.of([["a", "b"]]), "array of numbers"),
    "dimensions": (lambda: Series.of(np.zeros((2, 2, 2, 2))), "4 dimensions"),
    "column": (lambda: LinearDynamicalSystem(1).fit([[1.0, np.nan], [2.0, np.nan]]), "column 1 has no observation"),
    "empty": (lambda: LinearDynamicalSystem(1).fit(np.empty((0, 2))), "no observation"),
    "states": (lambda: LinearDynamicalSystem(0), "from 1"),
    "factor": (lambda: LinearDynamicalSystem(1, dynamics=3.0), "expected a LinearGaussian"),
    "ridge": (lambda: LinearGaussian(ridge=-1), "from 0"),
    "form": (lambda: LinearGaussian(covariance="round"), "full, diagonal"),
    "given": (lambda: LinearGaussian(weights="A"), "finite numbers"),
    "shape": (lambda: LinearDynamicalSystem(2, dynamics=LinearGaussian(np.eye(3))).fit(waves(9)), "shape"),
    "negative": (lambda: LinearDynamicalSystem(2, dynamics=LinearGaussian(covariance=-1)).fit(waves(9)), "definite"),
    "start": (lambda: LinearDynamicalSystem(2).fit(waves(9), start=LinearDynamicalSystem(1).fit(waves(9))), "start:"),
    "known": (lambda: LinearDynamicalSystem(1).fit(waves(9)).score([1.0, 2.0]), "knows 3 columns"),
    "steps": (lambda: LinearDynamicalSystem(1).fit(waves(9)).forecast(waves(9), 0), "from 1"),
    "length": (lambda: LinearDynamicalSystem(1).fit(waves(9)).sample(-1), "from 0"),
    "name": (lambda: LinearDynamicalSystem(1).fit(waves(9)).parameters("emission"), "initial, dynamics"),
    "unfitted": (lambda: LinearDynamicalSystem(1).smooth(waves(9)), "not fitted"),
    "gradient": (lambda: LinearDynamicalSystem(1, learner=DirectGradient()).fit(waves(9)), "gradient"),
    "annealing": (lambda: LinearDynamicalSystem(1, learner=AnnealedEM()).fit(waves(9)), "AnnealedEM"),
    "parts": (lambda: LinearDynamicalSystem.given(([0], [[1]]), ([[1]], [0], [[1]]), ([[1]], [0], [1])), "observation"),
    "ragged": (
        lambda: LinearDynamicalSystem.given(([0], [[1]]), ([[1], [1, 2]], 0, 1), (1, 0, 1)),
        "dynamics: .*weights",
    ),
    "sign": (lambda: LinearDynamicalSystem.given(([0], [[-1]]), ([[1]], [0], [[1]]), ([[1]], [0], [[1]])), "initial"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_without_a_ridge_a_noiseless_column_ends_with_an_error():
    with pytest.raises(NumericalError, match="objective"):
        LinearDynamicalSystem(1, max_iter=50, **PLAIN).fit(np.zeros((20, 2)))


def test_damaged_model_files_are_refused(tmp_path):
    model = LinearDynamicalSystem(2, max_iter=1).fit(waves(20))
    for name, damage in {"dynamics": -1.0, "observation": np.nan}.items():
        broken = model.twin()
        broken.params_ = Blocks(dict(model.params_) | {name: damage * model.params_[name]})
        broken.save(tmp_path / "model")
        with pytest.raises(InputError, match="damaged"):
            load(tmp_path / "model")
    model.scale_ = -model.scale_
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match="damaged"):
        load(tmp_path / "model")
