"""Inner products and sums of long vectors, against NumPy and exact sums."""

import math

import numpy as np
import pytest

from emnlp.inference.vectors import add_scaled, difference, dot, moved


@pytest.mark.parametrize("size", [0, 1, 7, 4095, 4096, 4097, 100_003])
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-12), (np.float32, 1e-5)], ids=str)
def test_vectors_of_any_size(size, dtype, error):
    rng = np.random.default_rng(size)
    a, b = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    exact = math.fsum(float(x) * float(y) for x, y in zip(a, b))
    assert dot(a, b) == pytest.approx(exact, abs=error * max(1.0, math.fsum(np.abs(a.astype(float) * b))))
    assert dot(a, b) == dot(a.copy(), b.copy())
    target = b.copy()
    add_scaled(-2.5, a, target)
    np.testing.assert_allclose(target, b - 2.5 * a, rtol=error, atol=error)
    assert target.dtype == dtype
    x, direction = a.astype(np.float64), b.astype(np.float64)
    np.testing.assert_array_equal(moved(x, 1e-3, direction), x + 1e-3 * direction)
    found = difference(x, direction)
    np.testing.assert_array_equal(found, (x - direction).astype(np.float32))
    assert found.dtype == np.float32


def test_single_precision_does_not_lose_small_terms():
    """A sum in float32 would stop at 2 ** 24 ones."""
    ones = np.ones(2**24 + 2**20, np.float32)
    assert dot(ones, ones) == len(ones)


def test_what_is_not_a_number_is_seen():
    for bad in (np.nan, np.inf, -np.inf):
        x = np.ones(5000)
        x[4500] = bad
        assert not np.isfinite(dot(x, np.ones(5000)))
