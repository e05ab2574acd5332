"""The factors of jumps: what their sums are over, and that the M-step climbs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import column, row_totals

from emnlp import Bitext, Categorical, Dirichlet, Fixed, HMMAligner, InputError, Jump, PooledJump
from emnlp.inference.chain import normalisers, pressures, row_sum
from emnlp.jumps import Jumps

EXAMPLES = settings(max_examples=40, deadline=None)
spots = st.tuples(st.integers(0, 2), st.integers(-1, 14), st.integers(0, 14)).filter(lambda row: row[1] + row[2] >= 0)
rows = st.lists(spots, min_size=1, max_size=12, unique=True)
widths = st.sampled_from([1, 2, 5, 10])


def jumps_of(rows, width):
    return Jumps.of(3, width, *(np.array(part, np.int32) for part in zip(*rows, strict=True)))


def columns_of(jumps):
    """The column of every outcome, row by row: the positions, and the end."""
    for klass, left, right in zip(jumps.classes.tolist(), jumps.lefts.tolist(), jumps.rights.tolist(), strict=True):
        m, n = left + 1, left + 1 + right
        yield klass, [column(jumps.width, m, i, n) for i in range(1, n + 2)]


@EXAMPLES
@given(rows=rows, width=widths, seed=st.integers(0, 99))
def test_sums_are_those_over_all_outcomes(rows, width, seed):
    jumps, rng = jumps_of(rows, width), np.random.default_rng(seed)
    v, mass = rng.gamma(1, size=jumps.shape), rng.gamma(1, size=len(rows))
    table = (jumps.classes, jumps.lefts, jumps.rights)
    totals, pressure = [], np.zeros(jumps.shape)
    for (klass, columns), share in zip(columns_of(jumps), mass, strict=True):
        totals.append(sum(v[klass, each] for each in columns))
        for each in columns:
            pressure[klass, each] += share
    found = normalisers(v, *table)
    np.testing.assert_allclose(found, totals, rtol=1e-12)
    assert [row_sum(v[c], left, right, width) for c, left, right in zip(*table, strict=True)] == found.tolist()
    np.testing.assert_allclose(pressures(mass, jumps.shape, *table), pressure, rtol=1e-12, atol=1e-15)


@EXAMPLES
@given(rows=rows, repeats=st.integers(1, 3))
def test_every_row_is_listed_once_and_found(rows, repeats):
    jumps = jumps_of(rows * repeats, 4)
    assert sorted(zip(jumps.classes, jumps.lefts, jumps.rights, strict=True)) == sorted(rows)
    found = jumps.find(*(np.array(part, np.int32) for part in zip(*rows, (1, 15, 15), strict=True)))
    assert found.tolist() == [*range(len(rows)), -1]
    assert Jumps.none(3, 4).find(*(np.zeros(2, np.int32),) * 3).tolist() == [-1, -1]


def counted(factor, seed):
    """Counts such as an E-step has: so many jumps of each row, to its outcomes."""
    rng, jumps = np.random.default_rng(seed), factor.jumps
    by_class, mass = np.zeros(jumps.shape), np.zeros(len(jumps.classes))
    for r, (klass, columns) in enumerate(columns_of(jumps)):
        for each in columns:
            count = rng.gamma(0.3) * rng.choice([0.01, 1, 10])
            by_class[klass, each] += count
            mass[r] += count
    return np.concatenate([by_class.ravel(), mass])


def objective(factor, counts, params):
    return counts @ np.log(factor.theta(params)) + factor.penalty(params)


jump_factors = st.builds(
    Jump, words=st.just(1), width=widths, strength=st.sampled_from([0.1, 1.0, 30.0]),
    smoothing=st.sampled_from([0.1, 1.0, 30.0]), sweeps=st.sampled_from([1, 3]),
)  # fmt: skip


@EXAMPLES
@given(factor=jump_factors, rows=rows, seed=st.integers(0, 99))
def test_the_distribution_and_its_gradient(factor, rows, seed):
    """d objective / d log v is the jumps, less what their rows expect; of a factor of v, the sum, and the prior's."""
    factor = factor.bind(jumps_of(rows, factor.width))
    counts, params = counted(factor, seed), factor.start(np.random.default_rng(seed))
    np.testing.assert_allclose(row_totals(factor, factor.theta(params)), 1, rtol=1e-12)
    n = factor.jumps.n_weights
    v, scales = np.split(factor.theta(params), [n])
    expected = np.zeros(factor.jumps.shape)
    for (klass, columns), scale, mass in zip(columns_of(factor.jumps), scales, counts[n:], strict=True):
        for each in columns:
            expected[klass, each] += mass * scale * v.reshape(expected.shape)[klass, each]
    surplus = counts[:n].reshape(expected.shape) - expected
    slope = np.concatenate([surplus.sum(0), surplus.ravel()])
    prior = np.where(np.arange(len(params)) < factor.jumps.shape[1], factor.smoothing, factor.strength)
    slope += prior * (1 - params)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        direction, h = rng.standard_normal(params.size), 1e-5
        ways = [objective(factor, counts, params * np.exp(sign * h * direction)) for sign in (1, -1)]
        assert (ways[0] - ways[1]) / (2 * h) == pytest.approx(slope @ direction, rel=1e-5, abs=1e-4)


@EXAMPLES
@given(factor=jump_factors, rows=rows, seed=st.integers(0, 99))
def test_a_sweep_is_the_maximum_of_the_surrogate_and_never_falls(factor, rows, seed):
    """``log Z <= log Z0 + Z / Z0 - 1``, where Z is linear in the common weights, and then in those by class."""
    factor = factor.bind(jumps_of(rows, factor.width))
    counts, params = counted(factor, seed), factor.start(np.random.default_rng(seed))
    n, size = factor.jumps.n_weights, factor.jumps.shape[1]

    def surrogate(at, before):
        z, z0 = 1 / factor.theta(at)[n:], 1 / factor.theta(before)[n:]
        logs = counts[:n] @ np.log(factor.theta(at)[:n])
        return logs - counts[n:] @ (np.log(z0) + z / z0 - 1) + factor.penalty(at)

    once = replace(factor, sweeps=1)
    after = once.maximize(counts, params)
    between = np.concatenate([after[:size], params[size:]])
    rng = np.random.default_rng(seed)
    for before, best, own in ((params, between, slice(0, size)), (between, after, slice(size, None))):
        top = surrogate(best, before)
        assert surrogate(best, before) <= objective(factor, counts, best) + 1e-9 * abs(top)
        assert surrogate(before, before) == pytest.approx(objective(factor, counts, before))
        for _ in range(3):
            nearby = best.copy()
            nearby[own] *= np.exp(0.05 * rng.standard_normal(nearby[own].size))
            assert surrogate(nearby, before) <= top + 1e-10 * abs(top)
    values = [objective(factor, counts, params)]
    for _ in range(6):
        params = factor.maximize(counts, params)
        values.append(objective(factor, counts, params))
    assert (np.diff(values) >= -1e-10 * abs(values[0])).all()
    assert factor.accepts(params)


def test_many_sweeps_find_the_maximum():
    factor = Jump(words=1, width=2, sweeps=5000).bind(jumps_of([(0, 1, 1), (0, 3, 0), (1, 0, 4), (2, -1, 5)], 2))
    counts = counted(factor, 1)
    params = factor.maximize(counts, factor.start())
    h, slopes = 1e-4, []
    for direction in np.eye(params.size):
        ways = [objective(factor, counts, params * np.exp(sign * h * direction)) for sign in (1, -1)]
        slopes.append((ways[0] - ways[1]) / (2 * h))
    np.testing.assert_allclose(slopes, 0, atol=1e-5)


def test_the_pooled_table_is_the_counts():
    factor = PooledJump(width=2, smoothing=0.25).bind(jumps_of([(0, 1, 1), (0, 3, 0), (2, -1, 5)], 2))
    counts = counted(factor, 1)
    assert factor.maximize(counts, factor.start()).tolist() == (counts[: factor.jumps.n_weights] + 0.25).tolist()
    assert factor.guarantee == "none"


pairs = st.tuples(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=40),
    st.lists(st.sampled_from("vwxyz"), min_size=1, max_size=40),
)


@settings(max_examples=15, deadline=None)
@given(
    bitext=st.lists(pairs, min_size=1, max_size=4).map(Bitext.from_pairs),
    factor=jump_factors,
    lexical=st.sampled_from([Categorical(), Dirichlet(0.1)]),
    null=st.sampled_from([Fixed(0.0), Categorical(), Dirichlet(2.0)]),
    seed=st.none() | st.integers(0, 99),
)
def test_the_objective_never_falls_on_sentences_of_any_length(bitext, factor, lexical, null, seed):
    model = HMMAligner(lexical=lexical, jump=factor, null=null, beam=0.0, random_state=seed, max_iter=10).fit(bitext)
    assert model.learner.promises(model)
    rises = np.diff(model.trace_.objective)
    assert (rises >= -1e-9 * np.abs(model.trace_.objective[:-1]) - 1e-12).all()
    np.testing.assert_allclose(row_totals(model.factors_["jump"], model.probabilities()["jump"]), 1, rtol=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [{"words": -1}, {"sweeps": 0}, {"width": 0}, {"width": 1001}, {"strength": 0}, {"smoothing": float("nan")}],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError, match="Jump"):
        Jump(**wrong)
