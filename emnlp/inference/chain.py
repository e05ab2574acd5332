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
    By cell, a factor on the emission; none of size 0. The time that a tilted pair takes grows with the number of its
    cells whose factor is not 0.
beam : float
    States whose share of the forward probability is not above it are dropped at that step.
"""

import numpy as np
from numba import njit

_FAST = {"reassoc", "contract", "nsz"}  # sums in any order: vectors; the order is the same in every call


@njit(nogil=True, cache=True, fastmath=_FAST)
def _forward(transitions, emit, stay, end, beam, targets, alpha, moved, active, scales):
    """Fill alpha, (J + 1, n), what moved into each state, (J, n), and the scales; return the log-likelihood.

    ``targets = (lists, sizes)``: step j can move into ``lists[j, : sizes[j]]``. States whose alpha is not above `beam`
    are dropped; ``active = (lists, sizes)`` are those that are left, with J + 1 rows.
    """
    n_steps, n = emit.shape
    (targets, n_targets), (active, n_active) = targets, active
    alpha[0] = 0
    alpha[0, 0] = 1
    active[0, 0], n_active[0] = 0, 1
    loglik, product = 0.0, 1.0
    for j in range(n_steps):
        for i in range(n):
            moved[j, i] = 0
        if n_targets[j] == n - 1:  # every state: row by row
            for a in range(n_active[j]):
                m = active[j, a]
                weight = alpha[j, m]
                for i in range(n):
                    moved[j, i] += weight * transitions[m, i]
        else:
            for b in range(n_targets[j]):
                i = targets[j, b]
                weight = 0.0
                for a in range(n_active[j]):
                    weight += alpha[j, active[j, a]] * transitions[active[j, a], i]
                moved[j, i] = weight
        total = 0.0
        for i in range(n):
            moved[j, i] *= emit[j, i]
            alpha[j + 1, i] = moved[j, i] + stay[j] * alpha[j, i]
            total += alpha[j + 1, i]
        least, size, kept = beam * total, 0, 0.0
        for i in range(n):
            weight = alpha[j + 1, i]
            alpha[j + 1, i] = weight if weight > least else 0.0
            kept += alpha[j + 1, i]
        for i in range(n):  # no branch: what is dropped is written over
            active[j + 1, size] = i
            size += alpha[j + 1, i] > 0
        n_active[j + 1] = size
        scales[j] = 1 / kept
        product *= kept
        if product < 1e-200:
            loglik += np.log(product)
            product = 1.0
        for i in range(n):
            alpha[j + 1, i] *= scales[j]
    total = 0.0
    for m in range(n):
        total += alpha[n_steps, m] * end[m]
    scales[n_steps] = 1 / total
    return loglik + np.log(product) + np.log(total)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _backward(transitions, emit, stay, end, alpha, moved, active, scales, wide, nulls, crossed):
    """Turn `moved` into P(moved into i at j), for the states that were kept, and fill P(stayed at j).

    ``transitions * crossed``, (n, n), are the expected transitions, unless `crossed` is empty.
    """
    n_steps, n = emit.shape
    active, n_active = active
    beta, ahead = wide[0], wide[1]
    counting = crossed.size > 0
    for m in range(n):
        beta[m] = end[m] * scales[n_steps] if alpha[n_steps, m] > 0 else 0.0
    for j in range(n_steps - 1, -1, -1):
        scale, stayed = scales[j], 0.0
        for b in range(n_active[j + 1]):
            i = active[j + 1, b]
            ahead[b] = emit[j, i] * beta[i] * scale
        for i in range(n):
            moved[j, i] *= beta[i] * scale
        for a in range(n_active[j]):
            m = active[j, a]
            total, weight = 0.0, alpha[j, m]
            stayed += weight * beta[m]
            for b in range(n_active[j + 1]):
                total += transitions[m, active[j + 1, b]] * ahead[b]
            if counting:
                for b in range(n_active[j + 1]):
                    crossed[m, active[j + 1, b]] += weight * ahead[b]
            wide[2, m] = total + stay[j] * scale * beta[m]
        nulls[j] = stayed * stay[j] * scale
        for a in range(n_active[j + 1]):
            beta[active[j + 1, a]] = 0
        for a in range(n_active[j]):
            beta[active[j, a]] = wide[2, active[j, a]]


@njit(nogil=True, cache=True)
def _column(d, width):
    return width + min(max(d, -width), width)


@njit(nogil=True, cache=True)
def row_sum(weights, left, right, width):
    """Return Z: the weights of all jumps from a position with `left` words before it and `right` after it, and the end.

    `left` is -1 at the start, which is no position: there is no staying where one is.
    """
    total = weights[2 * width + min(right + 1, width)]
    if left >= 0:
        total += weights[width]
    for d in range(1, min(left, width) + 1):
        total += weights[width - d]
    for d in range(1, min(right, width) + 1):
        total += weights[width + d]
    return total + max(left - width, 0) * weights[0] + max(right - width, 0) * weights[2 * width]


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
def _emissions(k, pairs, slots, null, words, share, tilt, offset, emit, stay, targets, n_targets):
    """Fill the weights of every word in every state, those of staying (NULL's), and the states that a word can have."""
    source_starts, target_starts, target, cells, transposed = pairs
    n_source = source_starts[k + 1] - source_starts[k]
    n_target = target_starts[k + 1] - target_starts[k]
    by_target, by_source = (n_source, 1) if transposed else (1, n_target)
    for j in range(n_target):
        stay[j] = share[1] * null[target[target_starts[k] + j]]
        cell, size = cells[k] + j * by_target, 0
        if tilt.size == 0:
            emit[j, 0] = 0
            for i in range(n_source):
                emit[j, i + 1] = share[0] * words[slots[cell + i * by_source]]
                targets[j, i] = i + 1
            size = n_source
        else:
            for i in range(n_source + 1):
                emit[j, i] = 0
            for i in range(n_source):
                c = cell + i * by_source
                if tilt[c - offset] > 0:
                    emit[j, i + 1] = share[0] * words[slots[c]] * tilt[c - offset]
                    targets[j, size] = i + 1
                    size += 1
        n_targets[j] = size


@njit(nogil=True, cache=True)
def _buffers(first, last, pairs):
    """Return room for the longest pair: flat arrays for what is (n, n), and for what is (J + 1, n)."""
    widest, longest, largest = 0, 0, 0
    for k in range(first, last):
        n = pairs[0][k + 1] - pairs[0][k] + 1
        n_target = pairs[1][k + 1] - pairs[1][k]
        widest, longest, largest = max(widest, n), max(longest, n_target), max(largest, n * (n_target + 1))
    return np.empty((2, widest * widest)), np.empty((3, largest)), np.empty((2, longest + 1)), np.empty((4, widest))


@njit(nogil=True, cache=True)
def expected_counts(
    first, last, pairs, slots, places, null, words, jumps, scales, share, tilt, beam, by_cell, by_null, logliks, counts
):
    """Fill P(i | j) by cell and P(NULL | j) by target token and the log-likelihood of each pair.

    `counts` are ``(null_counts, jump_counts, row_counts, share_counts)``, to add to; none are of size 0.
    """
    square, tall, long, wide = _buffers(first, last, pairs)
    lists, numbers = np.empty((2, tall.shape[1]), np.int32), np.empty((2, long.shape[1]), np.int32)
    null_counts, jump_counts, row_counts, share_counts = counts
    counting = jump_counts.size > 0
    offset = pairs[3][first]
    for k in range(first, last):
        n_source = pairs[0][k + 1] - pairs[0][k]
        n_target = pairs[1][k + 1] - pairs[1][k]
        n, token = n_source + 1, pairs[1][k]
        base, at, cell = pairs[0][k] + k, token - pairs[1][first], pairs[3][k] - offset
        transitions = square[0, : n * n].reshape(n, n)
        crossed = square[1, : (n * n if counting else 0)].reshape(n if counting else 0, n)
        emit = tall[0, : n_target * n].reshape(n_target, n)
        moved = tall[1, : n_target * n].reshape(n_target, n)
        alpha = tall[2, : (n_target + 1) * n].reshape(n_target + 1, n)
        targets = lists[0, : n_target * n].reshape(n_target, n), numbers[0]
        active = lists[1, : (n_target + 1) * n].reshape(n_target + 1, n), numbers[1]
        stay, nulls, scale, end = long[0], by_null[at : at + n_target], long[1], wide[3]
        _transitions(base, n_source, places, jumps, scales, transitions, end)
        _emissions(k, pairs, slots, null, words, share, tilt, offset, emit, stay, *targets)
        logliks[k - first] = _forward(transitions, emit, stay, end, beam, targets, alpha, moved, active, scale)
        crossed[:] = 0
        _backward(transitions, emit, stay, end, alpha, moved, active, scale, wide, nulls, crossed)
        by_target, by_source = (n_source, 1) if pairs[4] else (1, n_target)
        by_cell[cell : cell + n_source * n_target] = 0
        for j in range(n_target):
            for b in range(targets[1][j]):
                i = targets[0][j, b]
                by_cell[cell + j * by_target + (i - 1) * by_source] = moved[j, i]
        if counting:
            for j in range(n_target):
                null_counts[pairs[2][token + j]] += nulls[j]
            stayed = nulls.sum()
            share_counts[0] += n_target - stayed
            share_counts[1] += stayed
            for m in range(n):
                wide[0, m] = alpha[n_target, m] * scale[n_target]
            _count_transitions(base, n_source, places, transitions, end, crossed, wide[0], jump_counts, row_counts)


@njit(nogil=True, cache=True)
def _viterbi(transitions, emit, stay, end, best, back, path):
    """Fill the best state of each step, -1 where the chain stays; ties go to staying, then to the smaller state."""
    n_steps, n = emit.shape
    best[0] = 0
    best[0, 0] = 1
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
    state, top = 0, -1.0
    for m in range(n):
        if best[n_steps, m] * end[m] > top:
            state, top = m, best[n_steps, m] * end[m]
    for j in range(n_steps - 1, -1, -1):
        path[j] = state if back[j, state] >= 0 else -1
        state = back[j, state] if back[j, state] >= 0 else state


@njit(nogil=True, cache=True)
def best_paths(first, last, pairs, slots, places, null, words, jumps, scales, share, tilt, best):
    """Fill the component of each target token in the most probable alignment of its sentence pair, 0 for NULL."""
    square, tall, long, wide = _buffers(first, last, pairs)
    largest = tall.shape[1]
    lists, sizes = np.empty((2, largest), np.int32), np.empty(long.shape[1], np.int32)
    for k in range(first, last):
        n_source = pairs[0][k + 1] - pairs[0][k]
        n_target = pairs[1][k + 1] - pairs[1][k]
        n, base, at = n_source + 1, pairs[0][k] + k, pairs[1][k] - pairs[1][first]
        transitions = square[0, : n * n].reshape(n, n)
        emit = tall[0, : n_target * n].reshape(n_target, n)
        delta = tall[1, : (n_target + 1) * n].reshape(n_target + 1, n)
        back = lists[0, : n_target * n].reshape(n_target, n)
        states = lists[1, : n_target * n].reshape(n_target, n)
        _transitions(base, n_source, places, jumps, scales, transitions, wide[3])
        _emissions(k, pairs, slots, null, words, share, tilt, pairs[3][first], emit, long[0], states, sizes)
        path = best[at : at + n_target]
        _viterbi(transitions, emit, long[0], wide[3, :n], delta, back, path)
        for j in range(n_target):
            path[j] = max(path[j], 0)


@njit(nogil=True, cache=True)
def normalisers(jumps, classes, lefts, rights):
    """Return Z of each row, (R,): see `row_sum`."""
    width = (jumps.shape[1] - 1) // 3
    z = np.empty(classes.size)
    for r in range(classes.size):
        z[r] = row_sum(jumps[classes[r]], lefts[r], rights[r], width)
    return z


@njit(nogil=True, cache=True)
def pressures(weights, shape, classes, lefts, rights):
    """Return by class and column the sum over rows of a row's weight times its outcomes in that column.

    With ``mass / Z`` for weights, that is what the log-likelihood loses, to first order, by a unit of a jump's weight.
    """
    totals = np.zeros(shape)
    width = (shape[1] - 1) // 3
    for r in range(classes.size):
        row, weight, left, right = totals[classes[r]], weights[r], lefts[r], rights[r]
        row[2 * width + min(right + 1, width)] += weight
        if left >= 0:
            row[width] += weight
        for d in range(1, min(left, width) + 1):
            row[width - d] += weight
        for d in range(1, min(right, width) + 1):
            row[width + d] += weight
        row[0] += weight * max(left - width, 0)
        row[2 * width] += weight * max(right - width, 0)
    return totals
