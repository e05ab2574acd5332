"""The E-step of topic models: each token of a document is drawn from one topic, by document and topic proportions.

The arguments, the same in every function:

=============  ======================================================================================================
starts         (N + 1,) int64; the entries of document d are those from ``starts[d]`` up to ``starts[d + 1]``
ids, times     (M,) int32 and float64: the word of each entry, and how often the document has it
scales         (N,): what a document counts for
words          (V, P): ``beta[w, k]``, what topic k has for word w, above 0
=============  ======================================================================================================

P is K padded to whole vectors; what pads is 0. A row of `words` is read as one, twice in a pass while it is at hand:
for ``z = sum over k of t[k] * beta[w, k]``, t a document's proportions, and for ``n / z * beta[w, k]``, summed over its
entries, which times ``t[k]`` is the expected count of topic k.
"""

import math

import numpy as np
from numba import njit

_SUMS = {"reassoc", "contract", "nsz"}
_HALF_LOG_2_PI = 0.9189385332046727418
SHIFT = 8.0
"""From here on, the asymptotic series of the gamma function and its relatives are good to the last digits."""
LOWEST = -230.0


@njit(nogil=True, cache=True, error_model="numpy")
def _shifted(x):
    """Return P = ``x (x + 1) .. (x + 7)``, its derivative over itself, and digamma(x + 8) - log(x + 8).

    P is a product in ``u = x (x + 7)``: its factors pair off, as ``(x + 1) (x + 6) = u + 6``.
    """
    u, y = x * (x + 7), 1 / (x + SHIFT)
    one, other, s = u * (u + 6), (u + 10) * (u + 12), y * y
    slope = (2 * x + 7) * ((2 * u + 6) * other + one * (2 * u + 22)) / (one * other)
    series = 1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))
    return one * other, slope, -0.5 * y - s * series


@njit(nogil=True, cache=True, error_model="numpy")
def digamma(x):
    """Return the derivative of log gamma at x, above 0 and up to 1e30."""
    _, slope, rest = _shifted(x)
    return math.log(x + SHIFT) + rest - slope


@njit(nogil=True, cache=True)
def log_gamma(x):
    """Return the logarithm of the gamma function at x, above 0 and up to 1e30."""
    product, _, _ = _shifted(x)
    y = x + SHIFT
    s = 1 / (y * y)
    series = 1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360 - s / 156)))))
    return (y - 0.5) * math.log(y) - y + _HALF_LOG_2_PI + series / y - math.log(product)


@njit(nogil=True, cache=True, error_model="numpy")
def exp_digamma(x, out):
    """Fill ``exp(digamma(x))`` of an array, which needs no logarithm; no less than 1e-100 or so."""
    for k in range(x.size):
        _, slope, rest = _shifted(x[k])
        out[k] = max(rest - slope, LOWEST)
    for k in range(x.size):
        out[k] = (x[k] + SHIFT) * math.exp(out[k])


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _explain(first, last, ids, times, t, words, ratios, sums):
    """Fill ``n / z`` of the entries from `first` to `last`, and ``sum over them of n / z * beta[w, k]``."""
    sums[:] = 0
    full = last - (last - first) % 4
    for e in range(first, full, 4):  # four at a time: they share what is read and written of `t` and `sums`
        a, b, c, d = words[ids[e]], words[ids[e + 1]], words[ids[e + 2]], words[ids[e + 3]]
        p = q = r = s = 0.0
        for k in range(t.size):
            p += t[k] * a[k]
            q += t[k] * b[k]
            r += t[k] * c[k]
            s += t[k] * d[k]
        p, q, r, s = times[e] / p, times[e + 1] / q, times[e + 2] / r, times[e + 3] / s
        at = e - first
        ratios[at], ratios[at + 1], ratios[at + 2], ratios[at + 3] = p, q, r, s
        for k in range(t.size):
            sums[k] += (p * a[k] + q * b[k]) + (r * c[k] + s * d[k])
    for e in range(full, last):
        row, z = words[ids[e]], 0.0
        for k in range(t.size):
            z += t[k] * row[k]
        ratios[e - first] = times[e] / z
        for k in range(t.size):
            sums[k] += ratios[e - first] * row[k]


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _count(first, last, ids, scale, t, words, ratios, word_counts):
    """Add the expected counts of topics and words, of the entries of one document; none of 0 rows are wanted."""
    if word_counts.shape[0] == 0:
        return
    scaled = t * scale
    for e in range(first, last):
        row, into, ratio = words[ids[e]], word_counts[ids[e]], ratios[e - first]
        for k in range(t.size):
            into[k] += ratio * scaled[k] * row[k]


@njit(nogil=True, cache=True)
def _surprise(first, last, times, ratios):
    """Return ``sum of n log z`` of the entries of one document, in nats."""
    total = 0.0
    for e in range(first, last):
        total += times[e] * math.log(times[e] / ratios[e - first])
    return total


@njit(nogil=True, cache=True)
def _widest(starts):
    """Return the number of entries of the longest document."""
    longest = 0
    for d in range(starts.size - 1):
        longest = max(longest, starts[d + 1] - starts[d])
    return longest


@njit(nogil=True, cache=True)
def expect(starts, ids, times, scales, topics, words, topic_counts, word_counts):
    """Add expected counts by document and topic, (N, P), and by word and topic, (V, P) or of 0 rows.

    `topics`, (N, P), has the proportions of each document.

    Returns
    -------
    logliks : (N,)
        ``scale * sum of n log z``, in nats.
    """
    ratios, sums, logliks = np.empty(_widest(starts)), np.empty(words.shape[1]), np.zeros(starts.size - 1)
    for d in range(starts.size - 1):
        first, last, t = starts[d], starts[d + 1], topics[d]
        _explain(first, last, ids, times, t, words, ratios, sums)
        topic_counts[d] += scales[d] * t * sums
        _count(first, last, ids, scales[d], t, words, ratios, word_counts)
        logliks[d] = scales[d] * _surprise(first, last, times, ratios)
    return logliks


@njit(nogil=True, cache=True)
def _divergence(alpha, gamma, t):
    """Return minus the divergence of Dirichlet(gamma) from Dirichlet(alpha), nats; fill E[log t] into `t`."""
    total, prior, value = 0.0, 0.0, 0.0
    for k in range(alpha.size):
        total += gamma[k]
        prior += alpha[k]
    offset = digamma(total)
    for k in range(alpha.size):
        t[k] = digamma(gamma[k]) - offset
        value += log_gamma(gamma[k]) - log_gamma(alpha[k]) + (alpha[k] - gamma[k]) * t[k]
    return value + log_gamma(prior) - log_gamma(total)


@njit(nogil=True, cache=True)
def expect_local(starts, ids, times, scales, alpha, words, n_steps, tolerance, gammas, word_counts):
    """Add the expected counts by word and topic of documents whose proportions are Dirichlet(alpha), by mean field.

    Each document climbs on its own: given q(z), ``gamma[k] = alpha[k] + expected count of topic k``; given gamma, q(z)
    is proportional to ``exp(E[log proportion of k]) * beta[w, k]``. It stops after `n_steps` of these, or when the mean
    absolute change of gamma is below `tolerance`. What is counted, and the bound, are of the last q(z) and the gamma
    before it; `gammas`, (N, K), the start, ends as that after it, so that another call climbs on.

    Returns
    -------
    bounds : (N,)
        ``scale * (sum of n log z - the divergence of the posterior proportions from the prior)``, in nats.
    """
    n_topics, width = alpha.size, words.shape[1]
    ratios, sums, t = np.empty(_widest(starts)), np.empty(width), np.zeros(width)
    logs, before, bounds = np.empty(n_topics), np.empty(n_topics), np.zeros(starts.size - 1)
    for d in range(starts.size - 1):
        first, last, gamma = starts[d], starts[d + 1], gammas[d]
        for _ in range(n_steps):
            exp_digamma(gamma, t)
            _explain(first, last, ids, times, t, words, ratios, sums)
            change = 0.0
            for k in range(n_topics):
                before[k] = gamma[k]
                gamma[k] = alpha[k] + t[k] * sums[k]
                change += abs(gamma[k] - before[k])
            if change < tolerance * n_topics:
                break
        _count(first, last, ids, scales[d], t, words, ratios, word_counts)
        n_tokens, total = times[first:last].sum(), before.sum()
        bound = _surprise(first, last, times, ratios) - n_tokens * digamma(total)
        bounds[d] = scales[d] * (bound + _divergence(alpha, before, logs))
    return bounds
