"""Sums, normalisation and softmax by row, where the rows of a table are listed by the condition of each slot."""

import numpy as np
from numba import njit

from emnlp.inference.vectors import dot

SAFE = 300.0
"""Scores nearer to 0 have exponentials, and sums of them, that are far from the ends of float64."""


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


def open_softmax_rows(conditions, x, others):
    """Return ``exp(x) / (sum exp(x) + others)`` by row: so many more outcomes have x = 0; safe for large `x`."""
    theta = x.copy()
    top = _lower(conditions, theta, others)
    np.exp(theta, out=theta)
    _share(conditions, theta, _others(top, others))
    return theta


def fit_rows(conditions, x, others, counts, totals):
    """Return the fit of a softmax to counts, and its derivative by `x`, which is written into `x`.

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
    top = _lower(conditions, x, others)
    fit = dot(counts, x)
    np.exp(x, out=x)
    return fit - _slopes(conditions, x, _others(top, others), counts, totals), x


def _lower(conditions, x, others):
    """Take off the scores of each row what makes their exponentials safe, in place; return it, (C,).

    NumPy takes exponentials of many numbers at a time, which is quicker than one by one in a kernel.
    """
    top = np.zeros(others.size)
    if not (x.min(initial=0.0) > -SAFE and x.max(initial=0.0) < SAFE):
        top[others == 0] = -np.inf
        _take_greatest(conditions, x, top)
    return top


def _others(top, others):
    """Return the sum of the exponentials of the outcomes that have no slot, (C,)."""
    return others * np.exp(-np.maximum(top, 0.0))  # a row that has others takes off 0 or more


@njit(nogil=True, cache=True)
def less_expected(conditions, counts, totals, theta):
    """Return ``counts - totals * theta``, (S,); `totals` are those of the conditions, (C,)."""
    slopes = np.empty(counts.size)
    for s in range(counts.size):
        slopes[s] = counts[s] - totals[conditions[s]] * theta[s]
    return slopes


@njit(nogil=True, cache=True)
def _take_greatest(conditions, x, top):
    for s in range(x.size):
        top[conditions[s]] = max(top[conditions[s]], x[s])
    for s in range(x.size):
        x[s] -= top[conditions[s]]


@njit(nogil=True, cache=True)
def _share(conditions, x, others):
    """Divide by the row sums and `others`, in place."""
    totals = others + sum_rows(conditions, x, others.size)
    for s in range(x.size):
        x[s] /= totals[conditions[s]]


@njit(nogil=True, cache=True)
def _slopes(conditions, x, others, counts, totals):
    """Make exponentials ``counts - totals * theta``, in place; return ``sum of totals * log normaliser``."""
    sums = others + sum_rows(conditions, x, others.size)
    scales, fit = np.zeros(sums.size), 0.0
    for c in range(sums.size):
        if sums[c] > 0:
            fit += totals[c] * np.log(sums[c])
            scales[c] = totals[c] / sums[c]
    for s in range(x.size):
        x[s] = counts[s] - x[s] * scales[conditions[s]]
    return fit
