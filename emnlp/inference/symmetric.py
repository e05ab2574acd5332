"""Two directions made one: alignment points as 0/1 cells, source-major (``i * J + j``), one sentence pair at a time."""

import numpy as np
from numba import njit

INTERSECTION, UNION, GROW_DIAG, GROW_DIAG_FINAL, GROW_DIAG_FINAL_AND = range(5)


@njit(nogil=True, cache=True)
def _grow_diag(points, forward, reverse, n_source, n_target, source_done, target_done):
    """Add neighbours of points that are in the union and align a word that has no point yet, until none is left."""
    grown = True
    while grown:
        grown = False
        for i in range(n_source):
            for j in range(n_target):
                if points[i * n_target + j] == 0:
                    continue
                for step in range(8):
                    # left, up, right, down, then the diagonals
                    a = i + (-1, 0, 1, 0, -1, -1, 1, 1)[step]
                    b = j + (0, -1, 0, 1, -1, 1, -1, 1)[step]
                    if a < 0 or b < 0 or a >= n_source or b >= n_target:
                        continue
                    c = a * n_target + b
                    new = (source_done[a] == 0 or target_done[b] == 0) and points[c] == 0
                    if new and (forward[c] or reverse[c]):
                        points[c] = source_done[a] = target_done[b] = 1
                        grown = True


@njit(nogil=True, cache=True)
def _final(points, direction, n_source, n_target, source_done, target_done, both):
    """Add a direction's points of words that have none: of either word, or only where neither word has one."""
    for i in range(n_source):
        for j in range(n_target):
            c = i * n_target + j
            done = source_done[i] + target_done[j]
            if direction[c] and points[c] == 0 and (done == 0 or (done == 1 and not both)):
                points[c] = source_done[i] = target_done[j] = 1


@njit(nogil=True, cache=True)
def symmetrise(sizes, forward, reverse, method, points):
    """Combine two sets of alignment points (Och & Ney 2003; Koehn et al. 2003).

    Parameters
    ----------
    sizes : (n, 2) int64
        Source and target length of each sentence pair.
    forward, reverse : (cells,) uint8
        Pair after pair, each source-major.
    method : int
        One of this file's constants.
    points : (cells,) uint8
        Filled.
    """
    at = 0
    for k in range(sizes.shape[0]):
        n_source, n_target = sizes[k]
        here = slice(at, at + n_source * n_target)
        at += n_source * n_target
        one, other, out = forward[here], reverse[here], points[here]
        source_done, target_done = np.zeros(n_source, np.uint8), np.zeros(n_target, np.uint8)
        for i in range(n_source):
            for j in range(n_target):
                c = i * n_target + j
                out[c] = one[c] | other[c] if method == UNION else one[c] & other[c]
                if out[c]:
                    source_done[i] = target_done[j] = 1
        if method >= GROW_DIAG:
            _grow_diag(out, one, other, n_source, n_target, source_done, target_done)
        if method >= GROW_DIAG_FINAL:
            both = method == GROW_DIAG_FINAL_AND
            _final(out, one, n_source, n_target, source_done, target_done, both)
            _final(out, other, n_source, n_target, source_done, target_done, both)


@njit(nogil=True, cache=True)
def points_of(sizes, best, transposed, points):
    """Mark the cells of each target token's component (0 is NULL); `transposed` cells are those of the other side."""
    at, token = 0, 0
    for k in range(sizes.shape[0]):
        n_source, n_target = sizes[k]
        for j in range(n_target):
            i = best[token + j] - 1
            if i >= 0:
                points[at + (j * n_source + i if transposed else i * n_target + j)] = 1
        at += n_source * n_target
        token += n_target


@njit(nogil=True, cache=True)
def links_of(sizes, points):
    """List the marked cells: how many each pair has, (n,), and their source and target positions, by (i, j)."""
    numbers = np.zeros(sizes.shape[0], np.int64)
    total = np.int64(0)
    for point in points:
        total += point
    source, target = np.empty(total, np.int32), np.empty(total, np.int32)
    at, n = 0, 0
    for k in range(sizes.shape[0]):
        for i in range(sizes[k, 0]):
            for j in range(sizes[k, 1]):
                if points[at]:
                    source[n], target[n] = i, j
                    n += 1
                    numbers[k] += 1
                at += 1
    return numbers, source, target


@njit(nogil=True, cache=True)
def grow(sizes, candidates, points):
    """Add candidates next to points, diagonally too, that align a word without point: the growth of grow-diag."""
    at = 0
    for k in range(sizes.shape[0]):
        n_source, n_target = sizes[k]
        some, out = candidates[at : at + n_source * n_target], points[at : at + n_source * n_target]
        at += n_source * n_target
        source_done, target_done = np.zeros(n_source, np.uint8), np.zeros(n_target, np.uint8)
        for i in range(n_source):
            for j in range(n_target):
                if out[i * n_target + j]:
                    source_done[i] = target_done[j] = 1
        _grow_diag(out, some, some, n_source, n_target, source_done, target_done)


@njit(nogil=True, cache=True)
def climb(step, forward, reverse, duals):
    """One step of dual ascent towards equal posteriors, (cells,); without NULL, they may be out of reach: within 50."""
    for c in range(duals.size):
        duals[c] = min(max(duals[c] + step * (forward[c] - reverse[c]), -50.0), 50.0)


@njit(nogil=True, cache=True)
def tilts(duals, forward, reverse):
    """Fill ``exp(-duals)`` and ``exp(duals)``, (cells,): what the emissions of either direction are times."""
    for c in range(duals.size):
        dual = duals[c]
        if abs(dual) < 1e-5:  # most are
            forward[c], reverse[c] = 1 - dual, 1 + dual
        else:
            forward[c] = np.exp(-dual)
            reverse[c] = 1 / forward[c]
