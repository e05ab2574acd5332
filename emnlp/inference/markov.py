"""Hidden Markov models: scaled forward-backward in matrix products over many sentences at once, Viterbi, sampling.

A batch holds sentences from the longest to the shortest, *time-major*: ``starts[t]`` is where the tokens at position t
begin, one of each sentence that is so long, and sentence r stands at ``starts[t] + r``. So a step of the recursion is
one matrix product, whatever the lengths are. The arguments of most kernels:

========================  ===========================================================================================
starts                    (T + 1,) int64; the sentences at position t number ``starts[t + 1] - starts[t]``, ever fewer
words                     (N,) int32, rows of `emission`
sets, masks               (N,) int32 and (M, P): what the emission row of a token is multiplied by; M = 1 is no masks
initial, final            (P,): P(state | start), P(end | state); `final` is 1 where sentences have no end
transition                (K, P): P(state j | state i) at [i, j]
emission                  (V, P): P(word | state), each row over ``scale[word]``
scale                     (V,): what emission rows were divided by
========================  ===========================================================================================

P is K padded to whole vectors; what pads is 0. Probabilities are scaled per position (Rabiner 1989).
"""

import numpy as np
from numba import njit

from emnlp.inference.matmul import PAD, add_outer, multiply

_SUMS = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _weigh(rows, m, emission, word, masks, which):
    """Multiply a row by that of its emissions, and by its mask; scale it to sum to 1; return the sum before."""
    width, total = rows.shape[1], rows[0, 0] * 0
    for k in range(width):
        rows[m, k] *= emission[word, k]
        total += rows[m, k]
    if masks.shape[0] > 1:
        total *= 0
        for k in range(width):
            rows[m, k] *= masks[which, k]
            total += rows[m, k]
    if total > 0:
        inverse = 1 / total
        for k in range(width):
            rows[m, k] *= inverse
    return total


@njit(nogil=True, cache=True, fastmath=_SUMS)
def _dot(rows, m, b):
    total = b[0] * 0
    for k in range(b.size):
        total += rows[m, k] * b[k]
    return total


@njit(nogil=True, cache=True)
def forward(starts, words, sets, masks, initial, final, transition, emission, scale):
    """Run the forward recursion.

    Returns
    -------
    alpha : (N + PAD, P)
        P(state | words up to here), by token.
    totals : (N,)
        What each token's row was divided by.
    ends : (R,)
        P(end | words) of each sentence.
    logliks : (R,) float64
        The log-likelihood of each sentence, in nats.
    """
    n_sentences, width = starts[1], transition.shape[1]
    alpha = np.empty((words.size + PAD, width), emission.dtype)
    totals = np.empty(words.size, emission.dtype)
    ends = np.empty(n_sentences, emission.dtype)
    logliks = np.zeros(n_sentences)
    for t in range(starts.size - 1):
        first, rows = starts[t], starts[t + 1] - starts[t]
        if t == 0:
            for r in range(rows):
                for k in range(width):
                    alpha[r, k] = initial[k]
        else:
            multiply(alpha, starts[t - 1], rows, transition, alpha, first)
        longer = starts[t + 2] - starts[t + 1] if t + 2 < starts.size else 0
        for r in range(rows):
            m = first + r
            totals[m] = _weigh(alpha, m, emission, words[m], masks, sets[m])
            logliks[r] += np.log(np.float64(totals[m]) * scale[words[m]])
            if r >= longer:
                ends[r] = _dot(alpha, m, final)
                logliks[r] += np.log(np.float64(ends[r]))
    return alpha, totals, ends, logliks


@njit(nogil=True, cache=True)
def _smooth(alpha, m, beta, ahead, r, emission, word, masks, which, inverse):
    """Turn a row of alpha into posteriors, and write what the next product reads: emissions times beta, scaled."""
    for k in range(alpha.shape[1]):
        ahead[r, k] = beta[r, k] * emission[word, k] * inverse
        alpha[m, k] *= beta[r, k]
    if masks.shape[0] > 1:
        for k in range(alpha.shape[1]):
            if masks[which, k] == 0:  # rather than a product: in single precision, what it replaces may be infinite
                ahead[r, k] = 0


@njit(nogil=True, cache=True)
def backward(starts, words, sets, masks, weights, final, transition, emission, alpha, totals, ends, counts, last):
    """Run the backward recursion on what `forward` returned, and turn `alpha` into posteriors.

    Parameters
    ----------
    weights : (R,)
        How often each sentence counts: its posteriors sum to it.
    alpha : (N + PAD, P)
        Overwritten: weight * P(state | the whole sentence), by token.
    counts : (P, P)
        To which is added what the transition matrix has to be multiplied by to become expected counts.
    last : (P,)
        To which the posteriors of last tokens are added.
    """
    n_sentences, width = starts[1], alpha.shape[1]
    beta = np.zeros((n_sentences + PAD, width), emission.dtype)
    ahead = np.zeros((n_sentences + PAD, width), emission.dtype)
    reverse = np.zeros(transition.shape, transition.dtype)  # row j: to state j
    for i in range(transition.shape[0]):
        for j in range(transition.shape[0]):
            reverse[j, i] = transition[i, j]
    longer = 0
    for t in range(starts.size - 2, -1, -1):
        first, rows = starts[t], starts[t + 1] - starts[t]
        if longer:
            add_outer(alpha, first, longer, ahead, 0, counts)
            multiply(ahead, 0, longer, reverse, beta, 0)
        for r in range(longer, rows):
            share = weights[r] / ends[r] if ends[r] > 0 else 0 * ends[r]
            for k in range(width):
                beta[r, k] = share * final[k]
        for r in range(rows):
            m = first + r
            inverse = 1 / totals[m] if totals[m] > 0 else 0 * totals[m]
            _smooth(alpha, m, beta, ahead, r, emission, words[m], masks, sets[m], inverse)
            if r >= longer:
                for k in range(width):
                    last[k] += alpha[m, k]
        longer = rows


@njit(nogil=True, cache=True)
def count_rows(words, rows, counts):
    """Add row m of `rows` to ``counts[words[m]]``, for each token m."""
    for m in range(words.size):
        w = words[m]
        for k in range(counts.shape[1]):
            counts[w, k] += rows[m, k]


@njit(nogil=True, cache=True)
def expect(
    starts, words, sets, masks, initial, final, transition, emission, scale, weights,
    initial_counts, final_counts, transition_counts, emission_counts,
):  # fmt: skip
    """E-step: add the expected counts of a batch to the last four arguments; return the log-likelihood in nats."""
    alpha, totals, ends, logliks = forward(starts, words, sets, masks, initial, final, transition, emission, scale)
    pairs = np.zeros((alpha.shape[1], alpha.shape[1]), alpha.dtype)
    last = np.zeros(alpha.shape[1], alpha.dtype)
    backward(starts, words, sets, masks, weights, final, transition, emission, alpha, totals, ends, pairs, last)
    count_rows(words, alpha, emission_counts)
    for r in range(starts[1]):
        for k in range(alpha.shape[1]):
            initial_counts[k] += alpha[r, k]
    for i in range(transition.shape[0]):
        for j in range(transition.shape[1]):
            transition_counts[i, j] += pairs[i, j] * transition[i, j]
    loglik = 0.0
    for k in range(last.size):
        final_counts[k] += last[k]
    for r in range(weights.size):
        loglik += weights[r] * logliks[r]
    return loglik


@njit(nogil=True, cache=True)
def posteriors(starts, words, sets, masks, initial, final, transition, emission, scale):
    """Return P(state | sentence) of each token, (N + PAD, P)."""
    alpha, totals, ends, _ = forward(starts, words, sets, masks, initial, final, transition, emission, scale)
    pairs = np.zeros((alpha.shape[1], alpha.shape[1]), alpha.dtype)
    last, weights = np.zeros(alpha.shape[1], alpha.dtype), np.ones(starts[1], alpha.dtype)
    backward(starts, words, sets, masks, weights, final, transition, emission, alpha, totals, ends, pairs, last)
    return alpha


@njit(nogil=True, cache=True)
def best_paths(starts, words, sets, masks, initial, final, transition, emission, scale):
    """Viterbi: return the most probable state of each token given the others, (N,) int32; of ties, the first."""
    n_states, width = transition.shape
    paths = np.zeros(words.size, np.int32)
    length = starts.size - 1
    came = np.zeros((length, n_states), np.int32)
    best = np.zeros((2, width), emission.dtype)
    for r in range(starts[1]):
        while starts[length] - starts[length - 1] <= r:
            length -= 1
        for t in range(length):
            here = t % 2
            if t == 0:
                best[here] = initial
            else:
                _step(best, here, transition, came, t)
            m = starts[t] + r
            _weigh(best, here, emission, words[m], masks, sets[m])
        state = np.argmax((best[(length - 1) % 2] * final)[:n_states])
        for t in range(length - 1, -1, -1):
            paths[starts[t] + r] = state
            state = came[t, state]
    return paths


@njit(nogil=True, cache=True)
def _step(best, here, transition, came, t):
    """Write the best way to each state, and the state that it comes from."""
    n_states = transition.shape[0]
    for j in range(n_states):
        best[here, j] = -1
    for i in range(n_states):
        weight = best[1 - here, i]
        for j in range(n_states):
            value = weight * transition[i, j]
            if value > best[here, j]:
                best[here, j] = value
                came[t, j] = i


@njit(nogil=True, cache=True)
def draw_paths(starts, words, sets, masks, initial, final, transition, emission, scale, uniforms):
    """Draw the states of each sentence from their posterior: forward filtering, backward sampling, (N,) int32."""
    alpha, _, _, _ = forward(starts, words, sets, masks, initial, final, transition, emission, scale)
    n_states = transition.shape[0]
    paths, weights = np.zeros(words.size, np.int32), np.empty(n_states)
    for t in range(starts.size - 2, -1, -1):
        longer = starts[t + 2] - starts[t + 1] if t + 2 < starts.size else 0
        for r in range(starts[t + 1] - starts[t]):
            m, total = starts[t] + r, 0.0
            for k in range(n_states):
                ahead = transition[k, paths[starts[t + 1] + r]] if r < longer else final[k]
                weights[k] = alpha[m, k] * ahead
                total += weights[k]
            rest, k = uniforms[m] * total, 0
            while k < n_states - 1 and rest >= weights[k]:
                rest -= weights[k]
                k += 1
            paths[m] = k
    return paths
