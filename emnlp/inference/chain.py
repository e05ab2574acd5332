"""Posteriors of chains: scaled forward-backward, Viterbi, and the HMM word aligner's potentials for them.

A chain has `n` states and J steps. A step either *moves*, by ``transitions[m, i] * emit[j, i]``, or *stays* in its
state with weight ``stay[j]`` (the aligner's NULL; 0 where a model has no such thing). State 0 is where every chain
starts, and ``end[m]`` is the weight of ending in m. Every alpha is scaled to sum to 1: logs are taken of scales only.

The aligner: state m of a sentence pair is the source position last aligned to, m = 0 before any; its arguments are

first, last, pairs, slots, null, words
    As in `inference.mixture`.
places : tuple
    ``(classes, rows)``, int32 by state: those of pair k begin at ``source_starts[k] + k`` and are I + 1. The class says
    which row of `jumps` a state reads, `rows` where ``1 / Z`` stands in `scales`; -1 has it computed.
jumps : (C, 3 * width + 1) float64
    The weight of a jump by d positions, d clipped to ``-width .. width``, in column ``width + d``; of the end that
    lies d positions on, in column ``2 * width + d``, d from 1, clipped likewise.
scales : (R,) float64
share : (2,) float64
    The probabilities of a word and of NULL.
tilt : float64
    By cell, a factor on the emission; none of size 0.
beam : float
    States whose share of the forward probability is not above it are dropped at that step.
"""

import numpy as np
from numba import njit

_FAST = {"reassoc", "contract", "nsz"}  # sums in any order: vectors; the order is the same in every call


@njit(nogil=True, cache=True, fastmath=_FAST)
def _forward(n_steps, n, transitions, emit, stay, end, beam, alpha, moved, active, n_active, scales):
    """Fill alpha, (J + 1, n), what moved into each state, (J, n), and the scales; return the log-likelihood.

    States whose share of alpha is not above `beam` are dropped; ``active[j, : n_active[j]]`` are those that are left.
    Row j of alpha is scaled when it is read, by ``scales[j]``.
    """
    for i in range(n):
        alpha[0, i] = 0
    alpha[0, 0] = scales[0] = 1
    active[0, 0], n_active[0] = 0, 1
    loglik, product = 0.0, 1.0
    for j in range(n_steps):
        scale, m = scales[j], active[j, 0]
        weight = alpha[j, m] * scale
        for i in range(n):
            moved[j, i] = weight * transitions[m, i]
        for a in range(1, n_active[j]):
            m = active[j, a]
            weight = alpha[j, m] * scale
            for i in range(n):
                moved[j, i] += weight * transitions[m, i]
        total, stayed = 0.0, stay[j] * scale
        for i in range(n):
            moved[j, i] *= emit[j, i]
            alpha[j + 1, i] = moved[j, i] + stayed * alpha[j, i]
            total += alpha[j + 1, i]
        least, size, kept = beam * total, 0, 0.0
        for i in range(n):  # no branch: what is dropped is written over
            weight = alpha[j + 1, i]
            above = weight > least
            active[j + 1, size] = i
            size += above
            weight = weight if above else 0.0
            alpha[j + 1, i] = weight
            kept += weight
        n_active[j + 1] = size
        scales[j + 1] = 1 / kept
        product *= kept
        if product < 1e-100:
            loglik += np.log(product)
            product = 1.0
    total = 0.0
    for a in range(n_active[n_steps]):
        total += alpha[n_steps, active[n_steps, a]] * end[active[n_steps, a]]
    total *= scales[n_steps]
    scales[n_steps + 1] = 1 / total
    return loglik + np.log(product) + np.log(total)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _backward(
    n_steps, n, transitions, emit, stay, end, alpha, moved, active, n_active, scales, wide, at, nulls, counting, crossed
):
    """Turn `moved` into P(moved into i at j), and fill P(stayed at j), from ``nulls[at]`` on.

    If `counting`, ``transitions * crossed``, (n, n), are the expected transitions.
    """
    for m in range(n):
        wide[0, m] = end[m] * scales[n_steps + 1] if alpha[n_steps, m] > 0 else 0.0  # beta
    if counting:
        for m in range(n):
            for i in range(n):
                crossed[m, i] = 0
    for j in range(n_steps - 1, -1, -1):
        scale, before, stayed = scales[j + 1], scales[j], 0.0
        for b in range(n_active[j + 1]):
            i = active[j + 1, b]
            wide[1, b] = emit[j, i] * wide[0, i] * scale  # what moving into i leads to
        for i in range(n):
            moved[j, i] *= wide[0, i] * scale
        for a in range(n_active[j]):
            m = active[j, a]
            total, weight = 0.0, alpha[j, m] * before
            stayed += weight * wide[0, m]
            for b in range(n_active[j + 1]):
                total += transitions[m, active[j + 1, b]] * wide[1, b]
            if counting:
                for b in range(n_active[j + 1]):
                    crossed[m, active[j + 1, b]] += weight * wide[1, b]
            wide[2, a] = total + stay[j] * scale * wide[0, m]
        nulls[at + j] = stayed * stay[j] * scale
        for b in range(n_active[j + 1]):
            wide[0, active[j + 1, b]] = 0
        for a in range(n_active[j]):
            wide[0, active[j, a]] = wide[2, a]


@njit(nogil=True, cache=True)
def _column(d, width):
    return width + min(max(d, -width), width)


@njit(nogil=True, cache=True)
def row_sum(weights, left, right, width):
    """Return Z: the weights of all jumps from a position with `left` words before it and `right` after it, and the end.

    `left` is -1 at the start, which is no position: there is no staying where one is.
    """
    before, after = 0.0, 0.0
    for d in range(1, min(left, width) + 1):
        before += weights[width - d]
    for d in range(1, min(right, width) + 1):
        after += weights[width + d]
    z = weights[2 * width + min(right + 1, width)] + before + after
    z += max(left - width, 0) * weights[0] + max(right - width, 0) * weights[2 * width]
    return z + weights[width] if left >= 0 else z


@njit(nogil=True, cache=True)
def _transitions(base, n_source, places, jumps, scales, transitions, end):
    """Fill the transition probabilities of one pair, and those to the end."""
    classes, rows = places
    width = (jumps.shape[1] - 1) // 3
    n = n_source + 1
    for m in range(n):
        weights = jumps[classes[base + m]]
        row = rows[base + m]
        scale = scales[row] if row >= 0 else 1 / row_sum(weights, m - 1, n_source - m, width)
        transitions[m, 0] = 0
        low, high = max(1, m - width), min(n, m + width + 1)
        for i in range(1, low):
            transitions[m, i] = weights[0] * scale
        for i in range(low, high):
            transitions[m, i] = weights[width + i - m] * scale
        for i in range(high, n):
            transitions[m, i] = weights[2 * width] * scale
        end[m] = weights[2 * width + min(n - m, width)] * scale


@njit(nogil=True, cache=True)
def _count_transitions(base, n_source, places, transitions, end, crossed, last, jump_counts, row_counts):
    """Add the expected transitions of one pair by class and column, and how often each row was left."""
    classes, rows = places
    width = (jump_counts.shape[1] - 1) // 3
    n = n_source + 1
    for m in range(n):
        counts = jump_counts[classes[base + m]]
        final = last[m] * end[m]
        counts[2 * width + min(n - m, width)] += final
        low, high = max(1, m - width), min(n, m + width + 1)
        before, after = 0.0, 0.0
        for i in range(1, low):
            before += transitions[m, i] * crossed[m, i]
        for i in range(low, high):
            count = transitions[m, i] * crossed[m, i]
            counts[width + i - m] += count
            final += count
        for i in range(high, n):
            after += transitions[m, i] * crossed[m, i]
        counts[0] += before
        counts[2 * width] += after
        if rows[base + m] >= 0:
            row_counts[rows[base + m]] += before + final + after


@njit(nogil=True, cache=True)
def _emissions(k, pairs, slots, null, words, share, tilt, offset, emit, stay):
    """Fill the weights of every word in every state, and those of staying: NULL's."""
    source_starts, target_starts, target, cells, transposed = pairs
    n_source = source_starts[k + 1] - source_starts[k]
    n_target = target_starts[k + 1] - target_starts[k]
    by_target, by_source = (n_source, 1) if transposed else (1, n_target)
    for j in range(n_target):
        stay[j] = share[1] * null[target[target_starts[k] + j]]
        emit[j, 0] = 0
        cell = cells[k] + j * by_target
        for i in range(n_source):
            emit[j, i + 1] = share[0] * words[slots[cell + i * by_source]]
        if tilt.size > 0:
            for i in range(n_source):
                emit[j, i + 1] *= tilt[cell - offset + i * by_source]


@njit(nogil=True, cache=True)
def _buffers(first, last, pairs):
    """Return room for the longest pair: what is (n, n), what is (J + 1, n), the same of int32, (J + 2), and (n)."""
    n, n_target = 0, 0
    for k in range(first, last):
        n = max(n, pairs[0][k + 1] - pairs[0][k] + 1)
        n_target = max(n_target, pairs[1][k + 1] - pairs[1][k])
    square, tall = np.empty((2, n, n)), np.empty((3, n_target + 1, n))
    lists, sizes = np.empty((n_target + 1, n), np.int32), np.empty(n_target + 1, np.int32)
    return square, tall, lists, sizes, np.empty((2, n_target + 2)), np.empty((4, n))


@njit(nogil=True, cache=True)
def expected_counts(
    first, last, pairs, slots, places, null, words, jumps, scales, share, tilt, beam, by_cell, by_null, logliks, counts
):
    """Fill P(i | j) by cell and P(NULL | j) by target token, unless empty, and the log-likelihood of each pair.

    `counts` are ``(null_counts, jump_counts, row_counts, share_counts)``, to add to; none are of size 0.
    """
    square, tall, active, n_active, long, wide = _buffers(first, last, pairs)
    transitions, crossed, emit, moved, alpha = square[0], square[1], tall[0], tall[1], tall[2]
    stay, scale, end, final = long[0], long[1], wide[3], wide[1]
    null_counts, jump_counts, row_counts, share_counts = counts
    counting, offset = jump_counts.size > 0, pairs[3][first]
    for k in range(first, last):
        n_source = pairs[0][k + 1] - pairs[0][k]
        n_target = pairs[1][k + 1] - pairs[1][k]
        n, token, base = n_source + 1, pairs[1][k], pairs[0][k] + k
        at, cell = token - pairs[1][first], pairs[3][k] - offset
        _transitions(base, n_source, places, jumps, scales, transitions, end)
        _emissions(k, pairs, slots, null, words, share, tilt, offset, emit, stay)
        logliks[k - first] = _forward(
            n_target, n, transitions, emit, stay, end, beam, alpha, moved, active, n_active, scale
        )
        if by_cell.size == 0:
            continue
        _backward(
            n_target, n, transitions, emit, stay, end, alpha, moved, active, n_active, scale, wide, at, by_null,
            counting, crossed
        )  # fmt: skip
        if pairs[4]:
            for j in range(n_target):
                for i in range(n_source):
                    by_cell[cell + j * n_source + i] = moved[j, i + 1]
        else:
            for i in range(n_source):
                for j in range(n_target):
                    by_cell[cell + i * n_target + j] = moved[j, i + 1]
        if counting:
            stayed = 0.0
            for j in range(n_target):
                null_counts[pairs[2][token + j]] += by_null[at + j]
                stayed += by_null[at + j]
            share_counts[0] += max(0.0, n_target - stayed)
            share_counts[1] += stayed
            for m in range(n):
                final[m] = alpha[n_target, m] * scale[n_target] * scale[n_target + 1]
            _count_transitions(base, n_source, places, transitions, end, crossed, final, jump_counts, row_counts)


@njit(nogil=True, cache=True)
def _viterbi(n_steps, n, transitions, emit, stay, end, best, back, path, at):
    """Fill the best state of each step, from ``path[at]`` on, 0 where the chain stays.

    Ties go to staying, then to the smaller state.
    """
    for i in range(n):
        best[0, i] = i == 0
    for j in range(n_steps):
        top = 0.0
        for i in range(n):
            best[j + 1, i], back[j, i] = stay[j] * best[j, i], -1
        for m in range(n):
            for i in range(n):
                weight = best[j, m] * transitions[m, i] * emit[j, i]
                if weight > best[j + 1, i]:
                    best[j + 1, i], back[j, i] = weight, m
        for i in range(n):
            top = max(top, best[j + 1, i])
        for i in range(n):
            best[j + 1, i] /= top
    state = 0
    for m in range(n):
        if best[n_steps, m] * end[m] > best[n_steps, state] * end[state]:
            state = m
    for j in range(n_steps - 1, -1, -1):
        path[at + j] = state if back[j, state] >= 0 else 0
        state = back[j, state] if back[j, state] >= 0 else state


@njit(nogil=True, cache=True)
def best_paths(first, last, pairs, slots, places, null, words, jumps, scales, share, tilt, best):
    """Fill the component of each target token in the most probable alignment of its sentence pair, 0 for NULL."""
    square, tall, back, _, long, wide = _buffers(first, last, pairs)
    transitions, emit, delta, stay, end = square[0], tall[0], tall[1], long[0], wide[3]
    for k in range(first, last):
        n_source = pairs[0][k + 1] - pairs[0][k]
        n_target = pairs[1][k + 1] - pairs[1][k]
        _transitions(pairs[0][k] + k, n_source, places, jumps, scales, transitions, end)
        _emissions(k, pairs, slots, null, words, share, tilt, pairs[3][first], emit, stay)
        at = pairs[1][k] - pairs[1][first]
        _viterbi(n_target, n_source + 1, transitions, emit, stay, end, delta, back, best, at)


@njit(nogil=True, cache=True)
def normalisers(jumps, classes, lefts, rights):
    """Return Z of each row, (R,), with the bits of `row_sum`: of sums over jumps by 1, 2, .. words to either side."""
    width = (jumps.shape[1] - 1) // 3
    before, after = np.zeros((jumps.shape[0], width + 1)), np.zeros((jumps.shape[0], width + 1))
    for c in range(jumps.shape[0]):
        for d in range(1, width + 1):
            before[c, d] = before[c, d - 1] + jumps[c, width - d]
            after[c, d] = after[c, d - 1] + jumps[c, width + d]
    z = np.empty(classes.size)
    for r in range(classes.size):
        c, left, right = classes[r], max(lefts[r], 0), rights[r]
        z[r] = jumps[c, 2 * width + min(right + 1, width)] + before[c, min(left, width)] + after[c, min(right, width)]
        z[r] += max(left - width, 0) * jumps[c, 0] + max(right - width, 0) * jumps[c, 2 * width]
        if lefts[r] >= 0:
            z[r] += jumps[c, width]
    return z


@njit(nogil=True, cache=True)
def pressures(weights, shape, classes, lefts, rights):
    """Return by class and column the sum over rows of a row's weight times its outcomes in that column.

    With ``mass / Z`` for weights, that is what the log-likelihood loses, to first order, by a unit of a jump's weight.
    Rows first add to the widest jump that they have room for, to either side; then wider jumps add to narrower ones.
    """
    totals = np.zeros(shape)
    width = (shape[1] - 1) // 3
    farther = np.zeros((2, shape[0]))
    for r in range(classes.size):
        c, weight, left, right = classes[r], weights[r], lefts[r], rights[r]
        totals[c, 2 * width + min(right + 1, width)] += weight
        if left >= 0:
            totals[c, width] += weight
        if left > 0:
            totals[c, width - min(left, width)] += weight
            farther[0, c] += weight * max(left - width, 0)
        if right > 0:
            totals[c, width + min(right, width)] += weight
            farther[1, c] += weight * max(right - width, 0)
    for c in range(shape[0]):
        for d in range(width - 1, 0, -1):
            totals[c, width - d] += totals[c, width - d - 1]
            totals[c, width + d] += totals[c, width + d + 1]
        totals[c, 0] += farther[0, c]
        totals[c, 2 * width] += farther[1, c]
    return totals
