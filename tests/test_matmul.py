"""Products of small matrices, held to NumPy's at any size, type and place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from emnlp.inference.matmul import PAD, TILE_ROWS, TILE_VECTORS, add_outer, lanes_of, multiply, padded

EXAMPLES = settings(max_examples=60, deadline=None)
DIGITS = {"float64": 1e-14, "float32": 1e-6}
dtypes = pytest.mark.parametrize("dtype", DIGITS)
sizes = st.integers(1, 130)
offsets = st.integers(0, 9)


def table(rng, above, rows, n, dtype, below=PAD):
    """A matrix of `n` numbers a row, padded with 0, amid rows of NaN that nothing may depend on."""
    found = np.full((above + rows + below, padded(n, dtype)), np.nan, dtype)
    found[above : above + rows] = 0
    found[above : above + rows, :n] = rng.standard_normal((rows, n))
    return found


def check(found, a, b, dtype, before=0.0):
    """Compare with ``before + a @ b``, as exactly as a sum of products can be."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    slack = DIGITS[dtype] * (1 + len(b)) * (np.abs(a) @ np.abs(b) + np.abs(before)) + 1e-300
    assert (np.abs(found - (before + a @ b)) <= slack).all()  # False for NaN


@dtypes
@EXAMPLES
@given(rows=st.integers(0, 130), n=sizes, more=offsets, first=offsets, out_first=offsets, seed=st.integers(0, 9))
def test_multiply(dtype, rows, n, more, first, out_first, seed):
    rng = np.random.default_rng(seed)
    a, b = table(rng, first, rows, n, dtype), table(rng, 0, n, n, dtype, 0)
    a[first : first + rows, n:] = np.nan  # ignored: only as many columns are read as b has rows
    out = np.full((out_first + rows + PAD + more, a.shape[1]), 7, dtype)
    multiply(a, first, rows, b, out, out_first)
    found = out[out_first : out_first + rows]
    check(found[:, :n], a[first : first + rows, :n], b[:, :n], dtype)
    assert (found[:, n:] == 0).all()
    assert (out[:out_first] == 7).all()
    written = -(-rows // TILE_ROWS) * TILE_ROWS
    assert (out[out_first + written :] == 7).all()


@dtypes
@EXAMPLES
@given(rows=st.integers(0, 130), n=sizes, first=offsets, b_first=offsets, seed=st.integers(0, 9))
def test_add_outer(dtype, rows, n, first, b_first, seed):
    rng = np.random.default_rng(seed)
    a, b = table(rng, first, rows, n, dtype), table(rng, b_first, rows, n, dtype)
    before = table(rng, 0, n, n, dtype, padded(n, dtype) - n)
    before[n:] = 0
    out = before.copy()
    add_outer(a, first, rows, b, b_first, out)
    check(out[:n, :n], a[first : first + rows, :n].T, b[b_first : b_first + rows, :n], dtype, before[:n, :n])
    assert (out[n:] == 0).all()
    assert (out[:, n:] == 0).all()


@dtypes
@EXAMPLES
@given(n=sizes, rows=st.lists(st.integers(1, 20), min_size=2, max_size=5), seed=st.integers(0, 9))
def test_a_chain_within_one_table(dtype, n, rows, seed):
    """As the forward recursion does it: each product is written behind the rows that it reads, ever fewer."""
    rng, rows = np.random.default_rng(seed), sorted(rows, reverse=True)
    b = table(rng, 0, n, n, dtype, 0)
    chain = table(rng, 0, rows[0], n, dtype, sum(rows[1:]) + PAD)
    starts = np.cumsum([0, *rows])
    for t, size in enumerate(rows[1:]):
        multiply(chain, int(starts[t]), size, b, chain, int(starts[t + 1]))
        before, after = (chain[starts[k] : starts[k] + size, :n] for k in (t, t + 1))
        check(after, before, b[:, :n], dtype)
    assert np.isfinite(chain[: starts[-1]]).all()


@dtypes
@pytest.mark.parametrize("n", [1, 7, 45, 100])
def test_the_bits_of_a_row_do_not_depend_on_its_place(dtype, n):
    rng = np.random.default_rng(n)
    a, b = table(rng, 0, 11, n, dtype), table(rng, 0, n, n, dtype, 0)
    together, alone = np.empty_like(a), np.empty_like(a)
    multiply(a, 0, 11, b, together, 0)
    for r in range(11):
        multiply(np.roll(a, 3 - r, axis=0), 3, 1, b, alone, 2)
        assert (alone[2] == together[r]).all()


@dtypes
def test_infinities_stay_in_their_row(dtype):
    rng = np.random.default_rng(0)
    a, b = table(rng, 0, 6, 9, dtype), table(rng, 0, 9, 9, dtype, 0)
    a[2], out = np.inf, np.empty_like(a)
    multiply(a, 0, 6, b, out, 0)
    assert np.isfinite(out[:6]).all(axis=1).tolist() == [True, True, False, True, True, True]


@njit
def _lanes(array):
    return lanes_of(array)


@dtypes
def test_rows_are_whole_vectors(dtype):
    lanes = lanes_of(dtype)
    assert _lanes(np.zeros(1, dtype)) == lanes
    assert lanes_of(np.float32) == 2 * lanes_of(np.float64)
    assert lanes % TILE_ROWS == 0  # add_outer writes whole tiles of a table that is as high as it is wide
    widths = [padded(n, dtype) for n in range(4 * TILE_VECTORS * lanes)]
    assert all(width % lanes == 0 and n <= width < n + lanes for n, width in enumerate(widths))
