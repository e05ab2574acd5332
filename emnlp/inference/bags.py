"""Kernels of mixtures of documents: scores of components, responsibilities, expected counts.

In all of them, entries ``starts[d] .. starts[d + 1]`` are the words of document d: `words`, (M,), how often, `times`,
(M,). `component`, (K,), is log P(k); `base`, (K,), what log P(x | k) has whatever the words; `feature`, (V, K), what
it has for each word. A document of more than `budget` words counts as one of so many. `labels` is -1 where the
component is not known.
"""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def _score(first, last, words, times, component, base, feature, budget, scores):
    """Fill in log P(k, x), (K,), of one document, whose evidence is cut to its budget."""
    length = 0.0
    scores[:] = base
    for e in range(first, last):
        row, n = feature[words[e]], times[e]
        length += n
        for k in range(len(scores)):
            scores[k] += n * row[k]
    power = 1.0 if length <= budget else budget / length
    for k in range(len(scores)):
        scores[k] = component[k] + power * scores[k]


@njit(nogil=True, cache=True)
def _normalise(scores):
    """Turn log P(k, x) into P(k | x) in place; return log P(x)."""
    top = scores[0]
    for k in range(1, len(scores)):
        top = max(top, scores[k])
    total = 0.0
    for k in range(len(scores)):
        scores[k] = np.exp(scores[k] - top) if scores[k] - top > -700 else 0.0
        total += scores[k]
    for k in range(len(scores)):
        scores[k] /= total
    return top + np.log(total)


@njit(nogil=True, cache=True)
def _fix(scores, label):
    """Put all on the component of a label; return its log P(k, x)."""
    value = scores[label]
    scores[:] = 0.0
    scores[label] = 1.0
    return value


@njit(nogil=True, cache=True)
def posteriors(starts, words, times, labels, component, base, feature, budget):
    """Return P(k | x), (N, K), and log P(x), (N,), of each document; of one with a label, log P(x, label)."""
    found = np.empty((len(starts) - 1, len(component)))
    logliks = np.empty(len(found))
    for d in range(len(found)):
        _score(starts[d], starts[d + 1], words, times, component, base, feature, budget, found[d])
        logliks[d] = _fix(found[d], labels[d]) if labels[d] >= 0 else _normalise(found[d])
    return found, logliks


@njit(nogil=True, cache=True)
def add_counts(first, last, words, times, shares, used, by_component, by_feature):
    """Add the counts of a document that has `shares`, (K,), of the components; `used` is room for (K,) numbers."""
    n_used = 0
    for k in range(len(shares)):
        if shares[k] > 0:
            by_component[k] += shares[k]
            used[n_used] = k
            n_used += 1
    few = 4 * n_used < len(shares)
    for e in range(first, last):
        row, n = by_feature[words[e]], times[e]
        if few:
            for u in range(n_used):
                row[used[u]] += n * shares[used[u]]
        else:
            for k in range(len(shares)):
                row[k] += n * shares[k]


@njit(nogil=True, cache=True)
def expect(starts, words, times, labels, weights, component, base, feature, budget, by_component, by_base, by_feature):
    """Add expected counts, each document's times its weight; return the weighted log-likelihood in nats."""
    scores, used = np.empty(len(component)), np.empty(len(component), np.int64)
    loglik = 0.0
    for d in range(len(starts) - 1):
        if weights[d] == 0:
            continue
        first, last = starts[d], starts[d + 1]
        _score(first, last, words, times, component, base, feature, budget, scores)
        loglik += weights[d] * (_fix(scores, labels[d]) if labels[d] >= 0 else _normalise(scores))
        for k in range(len(scores)):
            scores[k] *= weights[d]
        by_base += scores
        add_counts(first, last, words, times, scores, used, by_component, by_feature)
    return loglik


@njit(nogil=True, cache=True)
def count(starts, words, times, shares, by_component, by_base, by_feature):
    """Add the counts of documents that have `shares`, (N, K), of the components."""
    used = np.empty(shares.shape[1], np.int64)
    for d in range(len(starts) - 1):
        by_base += shares[d]
        add_counts(starts[d], starts[d + 1], words, times, shares[d], used, by_component, by_feature)
