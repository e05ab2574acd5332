"""Long vectors, in one pass and one thread each: an optimiser's inner products and sums."""

import numpy as np
from numba import njit

_SUMS = {"reassoc", "contract", "nsz"}
_BLOCK = 4096
"""What a sum in float32 adds up before float64 does; blocks are slices, whose loops LLVM makes vectors of."""


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _product(a, b):
    """Return the inner product of two blocks, which are not empty."""
    part = a[0] * 0
    for k in range(a.size):
        part += a[k] * b[k]
    return part


@njit(nogil=True, cache=True)
def dot(a, b):
    """Return the inner product of two vectors; float32 ones are summed in float64, block by block."""
    total = 0.0
    for first in range(0, a.size, _BLOCK):
        total += _product(a[first : first + _BLOCK], b[first : first + _BLOCK])
    return total


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _add(factor, a, b):
    for k in range(a.size):
        b[k] += factor * a[k]


@njit(nogil=True, cache=True)
def add_scaled(scale, a, b, c):
    """Add ``scale * a`` to `b` in place; return the inner product of `c` and what `b` is then."""
    factor = np.empty(1, b.dtype)
    factor[0] = scale
    total = 0.0
    for first in range(0, a.size, _BLOCK):
        block = b[first : first + _BLOCK]
        _add(factor[0], a[first : first + _BLOCK], block)
        total += _product(c[first : first + _BLOCK], block)
    return total


@njit(nogil=True, cache=True)
def moved(x, length, direction, found):
    """Return ``x + length * direction``, written into `found`."""
    for k in range(x.size):
        found[k] = x[k] + length * direction[k]
    return found


@njit(nogil=True, cache=True)
def moved_by(x, lengths, units, found):
    """Write ``x + lengths * units`` into `found`."""
    for k in range(x.size):
        found[k] = x[k] + lengths[k] * units[k]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def shrink(gradient, weights, units, kappa):
    """Make `gradient` that of weights in units, with a prior ``-kappa |w|^2``, in place; return ``|w|^2``."""
    total = 0.0
    for k in range(weights.size):
        gradient[k] = (gradient[k] - 2 * kappa * weights[k]) * units[k]
        total += weights[k] * weights[k]
    return total


@njit(nogil=True, cache=True)
def _subtract(a, b, found):
    for k in range(found.size):
        found[k] = a[k] - b[k]


@njit(nogil=True, cache=True)
def differences(a, b, c, d, step, change):
    """Write ``b - a`` and ``d - c`` in float32 into `step` and `change`; return their inner products.

    Returns
    -------
    float
        Of `step` with itself, of both, and of `change` with itself.
    """
    one, both, other = 0.0, 0.0, 0.0
    for first in range(0, a.size, _BLOCK):
        end = first + _BLOCK
        x, y = step[first:end], change[first:end]
        _subtract(b[first:end], a[first:end], x)
        _subtract(d[first:end], c[first:end], y)
        one += _product(x, x)
        both += _product(x, y)
        other += _product(y, y)
    return one, both, other
