"""Long vectors, in one pass and one thread each: an optimiser's inner products and sums."""

import numpy as np
from numba import njit

_SUMS = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True, fastmath=_SUMS)
def dot(a, b):
    """Return the inner product of two vectors; float32 ones are summed in float64, block by block."""
    total = 0.0
    for first in range(0, a.size, 4096):
        part = a[first] * 0
        for k in range(first, min(first + 4096, a.size)):
            part += a[k] * b[k]
        total += part
    return total


@njit(nogil=True, cache=True, fastmath=_SUMS)
def add_scaled(scale, a, b):
    """Add ``scale * a`` to `b` in place."""
    factor = np.empty(1, b.dtype)
    factor[0] = scale
    for k in range(a.size):
        b[k] += factor[0] * a[k]


@njit(nogil=True, cache=True)
def moved(x, length, direction):
    """Return ``x + length * direction``."""
    found = np.empty(x.size)
    for k in range(x.size):
        found[k] = x[k] + length * direction[k]
    return found


@njit(nogil=True, cache=True)
def difference(a, b):
    """Return ``a - b`` in float32."""
    found = np.empty(a.size, np.float32)
    for k in range(a.size):
        found[k] = a[k] - b[k]
    return found
