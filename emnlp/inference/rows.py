"""Sums, normalisation and softmax by row, where the rows of a table are listed by the condition of each slot."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def sum_rows(conditions, x, n):
    """Return the sum of `x` over the slots of each of the `n` conditions, (n,)."""
    totals = np.zeros(n)
    for s in range(x.size):
        totals[conditions[s]] += x[s]
    return totals


@njit(nogil=True, cache=True)
def normalise_rows(conditions, x, space):
    """Divide by the row sums; a row that sums to 0 becomes ``1 / space``."""
    totals = sum_rows(conditions, x, space.size)
    theta = np.empty(x.size)
    for s in range(x.size):
        c = conditions[s]
        theta[s] = x[s] / totals[c] if totals[c] > 0 else 1 / space[c]
    return theta


@njit(nogil=True, cache=True)
def softmax_rows(conditions, x, n):
    """Return ``exp(x) / sum exp(x)`` by row, safe for large `x`."""
    top = np.full(n, -np.inf)
    for s in range(x.size):
        top[conditions[s]] = max(top[conditions[s]], x[s])
    theta = np.empty(x.size)
    for s in range(x.size):
        theta[s] = np.exp(x[s] - top[conditions[s]])
    totals = sum_rows(conditions, theta, n)
    for s in range(x.size):
        theta[s] /= totals[conditions[s]]
    return theta


@njit(nogil=True, cache=True)
def open_softmax_rows(conditions, x, others):
    """Return ``exp(x) / (sum exp(x) + others)`` by row: so many more outcomes have x = 0; safe for large `x`."""
    top = np.zeros(others.size)
    for s in range(x.size):
        top[conditions[s]] = max(top[conditions[s]], x[s])
    theta = np.empty(x.size)
    for s in range(x.size):
        theta[s] = np.exp(x[s] - top[conditions[s]])
    totals = sum_rows(conditions, theta, others.size)
    for c in range(others.size):
        totals[c] += others[c] * np.exp(-top[c])
    for s in range(x.size):
        theta[s] /= totals[conditions[s]]
    return theta
