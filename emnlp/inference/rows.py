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


@njit(nogil=True, cache=True)
def fit_rows(conditions, x, others, counts, totals):
    """Return the fit of a softmax to counts, and its derivative by `x`.

    Parameters
    ----------
    conditions : (S,) int32
    x, counts : (S,)
        Scores, and how often each outcome was seen.
    others : (C,)
        How many more outcomes of each row have x = 0; see `open_softmax_rows`.
    totals : (C,)
        The sum of the counts of each row.

    Returns
    -------
    fit : float
        ``sum of counts * log theta``.
    slopes : (S,)
        ``counts - totals * theta``.
    """
    top = np.where(others > 0, 0.0, -np.inf)
    for s in range(x.size):
        top[conditions[s]] = max(top[conditions[s]], x[s])
    slopes, sums = np.empty(x.size), np.zeros(others.size)
    for s in range(x.size):
        c = conditions[s]
        slopes[s] = np.exp(x[s] - top[c])
        sums[c] += slopes[s]
    logs, scales = np.zeros(others.size), np.zeros(others.size)
    for c in range(others.size):
        sums[c] += others[c] * np.exp(-top[c]) if others[c] > 0 else 0.0
        if sums[c] > 0:
            logs[c] = top[c] + np.log(sums[c])
            scales[c] = totals[c] / sums[c]
    fit = 0.0
    for s in range(x.size):
        c = conditions[s]
        fit += counts[s] * (x[s] - logs[c])
        slopes[s] = counts[s] - slopes[s] * scales[c]
    return fit, slopes
