"""Small dense matrices: Cholesky roots, triangular systems and products, in plain loops that need no BLAS."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def cholesky(a, size, root):
    """Write the lower root of the leading block of `a`; return its log determinant, NaN where there is no root."""
    logdet = 0.0
    root[:] = 0
    for j in range(size):
        for i in range(j, size):
            total = a[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            if i > j:
                root[i, j] = total / root[j, j]
            elif total > 0:
                root[j, j] = np.sqrt(total)
                logdet += np.log(total)
            else:
                root[:] = np.nan
                return np.nan
    return logdet


@njit(nogil=True, cache=True)
def solve(root, size, b):
    """Replace the first `size` rows of b by ``root^-1 b``."""
    for i in range(size):
        for k in range(i):
            for c in range(b.shape[1]):
                b[i, c] -= root[i, k] * b[k, c]
        for c in range(b.shape[1]):
            b[i, c] /= root[i, i]


@njit(nogil=True, cache=True)
def solve_transposed(root, size, b):
    """Replace the first `size` rows of b by ``root'^-1 b``."""
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            for c in range(b.shape[1]):
                b[i, c] -= root[k, i] * b[k, c]
        for c in range(b.shape[1]):
            b[i, c] /= root[i, i]


@njit(nogil=True, cache=True)
def times(a, b):
    """Return ``a b``."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(b.shape[0]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]
    return out


@njit(nogil=True, cache=True)
def between(a, s):
    """Return ``a s a'``, symmetric to the last bit."""
    half, n = times(a, s), a.shape[0]
    out = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(a.shape[1]):
                total += half[i, k] * a[j, k]
            out[i, j] = out[j, i] = total
    return out
