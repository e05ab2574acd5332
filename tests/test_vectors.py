"""Inner products and sums of long vectors, against NumPy and exact sums."""

import math

import numpy as np
import pytest

from emnlp.inference.vectors import add_scaled, differences, dot, moved, moved_by, shrink


@pytest.mark.parametrize("size", [0, 1, 7, 4095, 4096, 4097, 100_003])
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-12), (np.float32, 1e-5)], ids=str)
def test_vectors_of_any_size(size, dtype, error):
    rng = np.random.default_rng(size)
    a, b = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    exact = math.fsum(float(x) * float(y) for x, y in zip(a, b))
    assert dot(a, b) == pytest.approx(exact, abs=error * max(1.0, math.fsum(np.abs(a.astype(float) * b))))
    assert dot(a, b) == dot(a.copy(), b.copy())
    target = b.copy()
    assert add_scaled(-2.5, a, target, a) == dot(a, target)
    np.testing.assert_allclose(target, b - 2.5 * a, rtol=error, atol=error)
    assert target.dtype == dtype
    x, direction = a.astype(np.float64), b.astype(np.float64)
    found, step, change = np.empty(size), np.empty(size, np.float32), np.empty(size, np.float32)
    np.testing.assert_array_equal(moved(x, 1e-3, b, found), x + 1e-3 * direction)
    moved_by(x, direction, x, found)
    np.testing.assert_array_equal(found, x + direction * x)
    products = differences(direction, x, x, 2 * direction, step, change)
    np.testing.assert_array_equal(step, (x - direction).astype(np.float32))
    np.testing.assert_array_equal(change, (2 * direction - x).astype(np.float32))
    assert products == (dot(step, step), dot(step, change), dot(change, change))


def test_a_shrunk_gradient():
    rng = np.random.default_rng(1)
    gradient, weights, units = (rng.standard_normal(4099) for _ in range(3))
    expected = (gradient - 2 * 0.3 * weights) * units
    assert shrink(gradient, weights, units, 0.3) == pytest.approx(weights @ weights, rel=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


def test_single_precision_does_not_lose_small_terms():
    """A sum in float32 would stop at 2 ** 24 ones."""
    ones = np.ones(2**24 + 2**20, np.float32)
    assert dot(ones, ones) == len(ones)


def test_what_is_not_a_number_is_seen():
    for bad in (np.nan, np.inf, -np.inf):
        x = np.ones(5000)
        x[4500] = bad
        assert not np.isfinite(dot(x, np.ones(5000)))
