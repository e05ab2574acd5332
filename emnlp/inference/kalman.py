"""Linear dynamical systems: Kalman filter, Rauch-Tung-Striebel smoother, and the moments that EM needs.

Sequences stand one after the other. The arguments of the kernels:

===========  ==========================================================================================================
starts       (n + 1,) int64; the rows of sequence s are those from ``starts[s]`` up to ``starts[s + 1]``
x            (N, D): observations; what is missing is never read
kinds        (N,) int32: which row of `masks` says what of an observation is there
masks        (M, D) bool
initial      (1 + K, 1 + K): its last K rows are ``[mean, covariance]`` of the first state
dynamics     (2K + 1, 2K + 1): its last K rows are ``[A, b, Q]``, ``z' ~ N(A z + b, Q)``
observation  (K + 1 + D, K + 1 + D): its last D rows are ``[C, d, R]``, ``x ~ N(C z + d, R)``
===========  ==========================================================================================================

A covariance does not depend on what was observed, only on what of it was there: so what the recursions know of
covariances is kept in a *record*, and ``slots[t]`` says which one holds at row t. Sequences that begin alike share
records; and where a covariance has come to rest, that is, its next differs by no more than a share `still` of its
deviations, the record repeats itself. A step is no expansion (Bougerol 1993), so n rows later that is off by no more
than n such shares. All is a sum of positive terms or a Cholesky root: no covariance can lose its sign.
"""

import numpy as np
from numba import njit

from emnlp.inference.dense import between, cholesky, solve, solve_transposed, times

LOG_2PI = float(np.log(2 * np.pi))


@njit(nogil=True, cache=True)
def _alike(a, b, scale, still):
    """Return whether no entry differs by more than a share `still` of the deviations of a covariance."""
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            if not abs(a[i, j] - b[i, j]) <= still * np.sqrt(scale[i, i] * scale[j, j]):
                return False
    return True


@njit(nogil=True, cache=True)
def parts(square, n_inputs):
    """Return weights, offset and covariance."""
    rows = square[n_inputs + 1 :]
    return rows[:, :n_inputs].copy(), rows[:, n_inputs].copy(), rows[:, n_inputs + 1 :].copy()


@njit(nogil=True, cache=True)
def whiten(mask, weights, covariance, there, root, whitened):
    """Make the noise of what is observed white.

    Writes the places of what is there, the root of its covariance, and ``root^-1 C``; returns how many there are, and
    the log determinant.
    """
    n = 0
    for d in range(mask.size):
        if mask[d]:
            there[n] = d
            whitened[n] = weights[d]
            n += 1
    inner = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            inner[i, j] = covariance[there[i], there[j]]
    logdet = cholesky(inner, n, root)
    solve(root, n, whitened)
    return n, logdet


@njit(nogil=True, cache=True)
def _update(predicted, whitened, n, root, gain, filtered):
    """Learn what an observation does to a state of covariance ``P = L L'``; return ``log |I + L' H L|``.

    ``H = C' R^-1 C``, and with ``M = I + L' H L`` the covariance becomes ``L M^-1 L'`` and the gain is ``M^-1 L'``.
    """
    size = predicted.shape[0]
    if np.isnan(cholesky(predicted, size, root)):
        return np.nan
    inner, m, m_root = times(whitened[:n], root), np.eye(size), np.empty((size, size))
    for d in range(n):
        for i in range(size):
            for j in range(size):
                m[i, j] += inner[d, i] * inner[d, j]
    logdet = cholesky(m, size, m_root)
    half = root.T.copy()
    solve(m_root, size, half)
    filtered[:] = times(half.T.copy(), half)
    gain[:] = half
    solve_transposed(m_root, size, gain)
    return logdet


@njit(nogil=True, cache=True)
def _grown(records):
    more = np.zeros((2 * records.shape[0], *records.shape[1:]))
    more[: records.shape[0]] = records
    return more


@njit(nogil=True, cache=True)
def forward(starts, x, kinds, masks, initial, dynamics, observation, still):
    """Run the Kalman filter (Kalman 1960).

    Returns
    -------
    means : (N, K)
        Of each state given the observations up to it.
    slots : (N,) int32
        The record of each row.
    roots, covariances : (records, K, K)
        The Cholesky root of the covariance of the state given the observations before it, and that with its own, too.
    logliks : (n,)
        The log density of each sequence, in nats; NaN where a covariance is not positive definite.
    """
    size, width = initial.shape[0] - 1, x.shape[1]
    weights, offset, noise = parts(dynamics, size)
    loadings, shift, disturbance = parts(observation, size)
    _, first, spread = parts(initial, 0)
    means, slots, logliks = np.empty((x.shape[0], size)), np.empty(x.shape[0], np.int32), np.zeros(starts.size - 1)
    roots, gains, filtered = np.zeros((16, size, size)), np.zeros((16, size, size)), np.zeros((16, size, size))
    facts = np.zeros((16, 3))  # of each record: log determinant, kind, and the record that followed last
    there, root, whitened = np.empty(width, np.int64), np.empty((width, width)), np.empty((width, size))
    error, w, g = np.empty((width, 1)), np.empty(size), np.empty(size)
    n_records, head, kind, n, logdet = 0, -1, -1, 0, 0.0
    for s in range(starts.size - 1):
        before = -1
        for t in range(starts[s], starts[s + 1]):
            if kinds[t] != kind:
                kind = kinds[t]
                n, logdet = whiten(masks[kind], loadings, disturbance, there, root, whitened)
            record = head if before < 0 else int(facts[before, 2])
            if record < 0 or facts[record, 1] != kind:
                if n_records == roots.shape[0]:
                    roots, gains, filtered, facts = _grown(roots), _grown(gains), _grown(filtered), _grown(facts)
                record = n_records
                predicted = spread if before < 0 else between(weights, filtered[before]) + noise
                determinant = _update(predicted, whitened, n, roots[record], gains[record], filtered[record])
                facts[record, 0], facts[record, 1], facts[record, 2] = determinant, kind, -1
                if before < 0:
                    head = record
                elif facts[before, 1] == kind and _alike(roots[record], roots[before], predicted, still):
                    record = before
                if before >= 0:
                    facts[before, 2] = record
                n_records += record == n_records
            mean, square = means[t], 0.0
            for i in range(size):
                mean[i] = first[i] if before < 0 else offset[i]
                for j in range(size if before >= 0 else 0):
                    mean[i] += weights[i, j] * means[t - 1, j]
            if n:
                w[:] = 0
                for i in range(n):
                    error[i, 0] = x[t, there[i]] - shift[there[i]]
                solve(root, n, error)
                for i in range(n):
                    total = error[i, 0]
                    for j in range(size):
                        total -= whitened[i, j] * mean[j]
                    for j in range(size):
                        w[j] += whitened[i, j] * total
                for i in range(size):
                    g[i] = 0
                    for j in range(size):
                        g[i] += gains[record, i, j] * w[j]
                    square += g[i] * g[i]
                for i in range(size):
                    for j in range(i + 1):
                        mean[i] += roots[record, i, j] * g[j]
                for i in range(n):
                    total = error[i, 0]
                    for j in range(size):
                        total -= whitened[i, j] * mean[j]
                    square += total * total
            logliks[s] -= (n * LOG_2PI + logdet + facts[record, 0] + square) / 2
            slots[t] = before = record
    return means, slots, roots[:n_records], filtered[:n_records], logliks


@njit(nogil=True, cache=True)
def _look_back(weights, noise, filtered, root, back, rest):
    """Write the gain J of a step back, and the covariance of a state given the next state and what was before.

    ``J = P A' (A P A' + Q)^-1``; the covariance is ``(I - J A) P (I - J A)' + J Q J'``.
    """
    size = weights.shape[0]
    turned = times(weights, filtered)
    solve(root, size, turned)
    solve_transposed(root, size, turned)
    back[:] = turned.T
    away = np.eye(size) - times(back, weights)
    rest[:] = between(away, filtered) + between(back, noise)


@njit(nogil=True, cache=True)
def backward(starts, dynamics, means, slots, roots, filtered, still, smoothed, crossed):
    """Run the smoother (Rauch, Tung & Striebel 1965) on what `forward` returned.

    Parameters
    ----------
    means : (N, K)
        Overwritten: of each state given the whole sequence.
    smoothed : (N, K, K)
        Filled with the covariance of each state given the whole sequence.
    crossed : (N, K, K)
        Filled with the covariance of each state (columns) with the one after it (rows); 0 for the last.
    """
    size, n_records = means.shape[1], roots.shape[0]
    weights, offset, noise = parts(dynamics, size)
    back, rest = np.empty((n_records, size, size)), np.empty((n_records, size, size))
    partner, ahead = np.full(n_records, -1), np.empty(size)
    for s in range(starts.size - 1):
        resting = False
        for t in range(starts[s + 1] - 1, starts[s] - 1, -1):
            here = slots[t]
            if t == starts[s + 1] - 1:
                smoothed[t], crossed[t] = filtered[here], 0
                continue
            after = slots[t + 1]
            if partner[here] != after:
                _look_back(weights, noise, filtered[here], roots[after], back[here], rest[here])
                partner[here] = after
            if resting and here == after:
                smoothed[t], crossed[t] = smoothed[t + 1], crossed[t + 1]
            else:
                crossed[t] = times(smoothed[t + 1], back[here].T)
                smoothed[t] = between(back[here], smoothed[t + 1]) + rest[here]
                alike = here == after and t + 2 < starts[s + 1] and slots[t + 2] == here
                resting = alike and _alike(smoothed[t], smoothed[t + 1], smoothed[t], still)
            for i in range(size):
                ahead[i] = means[t + 1, i] - offset[i]
                for j in range(size):
                    ahead[i] -= weights[i, j] * means[t, j]
            for i in range(size):
                for j in range(size):
                    means[t, i] += back[here, i, j] * ahead[j]
