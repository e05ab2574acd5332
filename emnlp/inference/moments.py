"""The moments that the M-step of a linear dynamical system reads. The arguments are those of `kalman`."""

import numpy as np
from numba import njit

from emnlp.inference.dense import between, solve, solve_transposed, times
from emnlp.inference.kalman import parts, whiten


@njit(nogil=True, cache=True)
def _missing(mask, loadings, covariance, there, root, whitened, by_state, by_rest, left):
    """Write how what is missing of an observation depends on the state and on the rest of it.

    With o for what is there, ``E[x | z, x_o] = C z + d + B (x_o - C_o z - d_o)``, B being ``R_mo R_oo^-1``. Writes
    ``C - B C_o`` (D, K), B (D, n) and the covariance that is left, (D, D); all 0 in the rows of what is there.
    """
    n, _ = whiten(mask, loadings, covariance, there, root, whitened)
    width = mask.size
    shared = np.zeros((n, width))
    for i in range(n):
        for d in range(width):
            shared[i, d] = 0.0 if mask[d] else covariance[there[i], d]
    solve(root, n, shared)
    for d in range(width):
        for e in range(width):
            left[d, e] = 0.0 if mask[d] or mask[e] else covariance[d, e]
            for i in range(n):
                left[d, e] -= shared[i, d] * shared[i, e]
    solve_transposed(root, n, shared)
    for d in range(width):
        by_state[d] = loadings[d] * (1 - mask[d])
        for i in range(n):
            by_rest[d, i] = shared[i, d]
            by_state[d] -= shared[i, d] * loadings[there[i]]
    return n


@njit(nogil=True, cache=True)
def fill(x, kinds, masks, observation, means):
    """Write the expectation of what is missing into x, given the means of the states, (N, K)."""
    size, width = means.shape[1], x.shape[1]
    loadings, shift, covariance = parts(observation, size)
    there, root, whitened = np.empty(width, np.int64), np.empty((width, width)), np.empty((width, size))
    by_state, by_rest, left = np.empty((width, size)), np.empty((width, width)), np.empty((width, width))
    kind, n = -1, 0
    for t in range(x.shape[0]):
        if masks[kinds[t]].all():
            continue
        if kinds[t] != kind:
            kind = kinds[t]
            n = _missing(masks[kind], loadings, covariance, there, root, whitened, by_state, by_rest, left)
        for d in range(width):
            if not masks[kind, d]:
                x[t, d] = shift[d]
                for k in range(size):
                    x[t, d] += by_state[d, k] * means[t, k]
                for i in range(n):
                    x[t, d] += by_rest[d, i] * (x[t, there[i]] - shift[there[i]])


@njit(nogil=True, cache=True)
def _add_outer(s, square):
    for i in range(s.size):
        for j in range(s.size):
            square[i, j] += s[i] * s[j]


@njit(nogil=True, cache=True)
def _add_block(block, square, row, column):
    for i in range(block.shape[0]):
        for j in range(block.shape[1]):
            square[row + i, column + j] += block[i, j]


@njit(nogil=True, cache=True)
def moments(starts, x, kinds, masks, observation, means, smoothed, crossed, of_first, of_steps, of_seen):
    """Add the expected moments of states and observations (Shumway & Stoffer 1982; Ghahramani & Hinton 1996).

    A row of which nothing is there says nothing of the observation; of one that is partly there, the rest is filled XX

    Parameters
    ----------
    of_first : (1 + K, 1 + K)
        To which ``E[s s']`` of ``s = (1, z)`` is added, of the first states.
    of_steps : (2K + 1, 2K + 1)
        Likewise, of ``s = (z, 1, z')``, z' following z.
    of_seen : (K + 1 + D, K + 1 + D)
        Likewise, of ``s = (z, 1, x)``.
    """
    size, width = means.shape[1], x.shape[1]
    loadings, _, covariance = parts(observation, size)
    there, root, whitened = np.empty(width, np.int64), np.empty((width, width)), np.empty((width, size))
    by_state, by_rest, left = np.empty((width, size)), np.empty((width, width)), np.empty((width, width))
    first, step, seen = np.ones(1 + size), np.ones(2 * size + 1), np.ones(size + 1 + width)
    kind = -1
    for s in range(starts.size - 1):
        for t in range(starts[s], starts[s + 1]):
            if t == starts[s]:
                first[1:] = means[t]
                _add_outer(first, of_first)
                _add_block(smoothed[t], of_first, 1, 1)
            else:
                step[:size], step[size + 1 :] = means[t - 1], means[t]
                _add_outer(step, of_steps)
                _add_block(smoothed[t - 1], of_steps, 0, 0)
                _add_block(smoothed[t], of_steps, size + 1, size + 1)
                _add_block(crossed[t - 1], of_steps, size + 1, 0)
                _add_block(crossed[t - 1].T, of_steps, 0, size + 1)
            if not masks[kinds[t]].any():
                continue
            seen[:size], seen[size + 1 :] = means[t], x[t]
            _add_outer(seen, of_seen)
            _add_block(smoothed[t], of_seen, 0, 0)
            if masks[kinds[t]].all():
                continue
            if kinds[t] != kind:
                kind = kinds[t]
                _missing(masks[kind], loadings, covariance, there, root, whitened, by_state, by_rest, left)
            shared = times(by_state, smoothed[t])
            _add_block(shared, of_seen, size + 1, 0)
            _add_block(shared.T, of_seen, 0, size + 1)
            _add_block(between(by_state, smoothed[t]) + left, of_seen, size + 1, size + 1)
