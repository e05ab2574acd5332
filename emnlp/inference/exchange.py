"""The exchange algorithm for word classes: take each word out of its class and put it where the likelihood gains most.

Classes are ``0 .. K - 1``; class K holds the sentence boundary alone (id V) and never moves. ``joint[0, c, h]`` is how
often class c stands before class h, ``joint[1]`` its transpose: whichever side of a word a neighbour stands on, the
counts that change lie in the row of the neighbour's class. ``logs`` is n log n of `joint`. The likelihood is
``sum joint[0] log joint[0] - 2 sum sizes log sizes`` and what no move changes.
"""

import numpy as np
from numba import njit

from emnlp.inference.index import invert

_TABLE = 1 << 22  # n log n is looked up for counts below this, 32 MB
_ROUNDING = 1e-12  # of N log N: a gain below this is none


def with_boundaries(starts, ids, boundary):
    """Return all tokens of a text with a boundary before each sentence and at the end, (N + n + 1,) int32."""
    n = starts.size - 1
    stream = np.full(ids.size + n + 1, boundary, np.int32)
    stream[np.arange(ids.size) + np.repeat(np.arange(1, n + 1), np.diff(starts))] = ids
    return stream


def class_bigrams(stream, classes, K):
    """Count the bigrams of classes below K and the boundary, (K + 1, K + 1) int64; `classes` is (V,)."""
    found = np.append(classes, K).astype(np.int64)[stream]
    return np.bincount(found[:-1] * (K + 1) + found[1:], minlength=(K + 1) ** 2).reshape(K + 1, K + 1)


def _n_log_n(counts):
    return counts * np.log(np.maximum(counts, 1))


def log_likelihood(joint, frequencies):
    """Return ``sum N(g, h) log N(g, h) / N(g)`` and ``sum N(w) log N(w) / N(c(w))``; a boundary's class is certain."""
    sizes = _n_log_n(joint.sum(1))
    return float(_n_log_n(joint).sum() - sizes.sum() - sizes[:-1].sum() + _n_log_n(frequencies).sum())


def bigrams(starts, ids, n):
    """List the bigrams of a text of `n` word types.

    Parameters
    ----------
    starts : (n_sentences + 1,) int64
    ids : (N,) int32

    Returns
    -------
    stream : (N + n_sentences + 1,) int32
        As `with_boundaries` returns it.
    frequencies : (n,) int64
    left, right : tuple
        The neighbours of each word before and after it, as `neighbours` returns them.
    """
    stream = with_boundaries(starts, ids, n)
    starts, order = invert(stream, n + 1)
    left, right = (neighbours(starts[:-1], order, np.roll(stream, by), n) for by in (1, -1))
    return stream, np.diff(starts[:-1]), left, right


def climb(text, classes, waves, max_iter, heats, rng, tick):
    """Improve classes by sweeps in random order: hot ones, then plain ones until nothing moves.

    Parameters
    ----------
    text : tuple
        As `bigrams` returns it.
    classes : (V + 1,) int32
        Changed in place; the last is that of the boundary, K.
    waves : list of (M,) int64
        The words to visit; when a wave's words have settled, those of the next are visited.
    max_iter : int
        Plain sweeps at most, a wave.
    heats : sequence of float
        The hot sweeps, all in the first wave.
    tick : callable
        Called after each sweep.

    Returns
    -------
    list of float
        The log-likelihood before and after each plain sweep.
    """
    stream, frequencies, left, right = text
    joint = class_bigrams(stream, classes[:-1], int(classes[-1]))
    both, total = np.stack([joint, joint.T]), stream.size - 1
    state = (both, _n_log_n(both), joint.sum(1))
    table, least = _n_log_n(np.arange(min(total + 1, _TABLE))), _ROUNDING * float(_n_log_n(total))

    def visit(words, heat):
        moved, _ = sweep(
            rng.permutation(words), frequencies, left, right, classes, state, table, least, float(heat), rng
        )
        tick()
        return moved

    for heat in heats:
        visit(waves[0], heat)
    trace = [log_likelihood(both[0], frequencies)]
    for words in waves:
        for _ in range(max_iter):
            moved = visit(words, 0)
            trace.append(log_likelihood(both[0], frequencies))
            if not moved:
                break
    return trace


@njit(nogil=True, cache=True)
def neighbours(starts, order, beside, n):
    """Count the distinct neighbours of each word on one side; a stamp array, no sort and no hash.

    Parameters
    ----------
    starts, order : (n + 1,) int64, (N,) int32
        The positions of each word, as `index.invert` lists them.
    beside : (N,) int32
        The id beside each position, `n` for the boundary.

    Returns
    -------
    rows : (n + 1,) int64
    words, counts : (M,) int32, (M,) int64
        The neighbours of word w, other than w, are those from ``rows[w]``, in order of first occurrence.
    own : (n,) int64
        How often each word stands beside itself.
    """
    rows, own = np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
    stamp, slot_of = np.full(n + 1, -1, np.int32), np.empty(n + 1, np.int64)
    words, counts = np.empty(order.size, np.int32), np.zeros(order.size, np.int64)
    slot = 0
    for w in range(n):
        for k in range(starts[w], starts[w + 1]):
            o = beside[order[k]]
            if o == w:
                own[w] += 1
                continue
            if stamp[o] != w:
                stamp[o], slot_of[o], words[slot] = w, slot, o
                slot += 1
            counts[slot_of[o]] += 1
        rows[w + 1] = slot
    return rows, words[:slot].copy(), counts[:slot].copy(), own


@njit(nogil=True, cache=True)
def _xlogx(table, n):
    """Return n log n, from a table as far as it goes."""
    return table[n] if n < table.size else n * np.log(n)


@njit(nogil=True, cache=True)
def _context(w, side, classes, sums, touched):
    """Add up the neighbours of a word by class; return how many distinct classes there are, listed in `touched`."""
    rows, words, counts, _ = side
    n = 0
    for k in range(rows[w], rows[w + 1]):
        c = classes[words[k]]
        if sums[c] == 0:
            touched[n] = c
            n += 1
        sums[c] += counts[k]
    return n


@njit(nogil=True, cache=True)
def _shift(g, sign, n, own, sums, touched, widths, state, table):
    """Put a word with its context into class `g` (sign 1), or take it out (sign -1)."""
    joint, logs, sizes = state
    sizes[g] += sign * n
    both = own
    for side in range(2):
        both += sums[side, g]
        for k in range(widths[side]):
            c = touched[side, k]
            if c != g:
                count = joint[side, c, g] + sign * sums[side, c]
                joint[side, c, g] = joint[1 - side, g, c] = count
                logs[side, c, g] = logs[1 - side, g, c] = _xlogx(table, count)
    count = joint[0, g, g] + sign * both
    joint[0, g, g] = joint[1, g, g] = count
    logs[0, g, g] = logs[1, g, g] = _xlogx(table, count)


@njit(nogil=True, cache=True)
def _gains(n, own, sums, touched, widths, state, table, gains):
    """Fill in what the likelihood gains when a word that is in no class joins each one, (K + 1,); the last is void."""
    joint, logs, sizes = state
    K = gains.size - 1
    gains[:] = 0
    for side in range(2):
        for k in range(widths[side]):
            c = touched[side, k]
            m, kept = sums[side, c], gains[c]
            before, log = joint[side, c], logs[side, c]
            for h in range(K):
                gains[h] += _xlogx(table, before[h] + m) - log[h]
            gains[c] = kept  # within a class both sides and the word itself meet in one count: below
    for h in range(K):
        both = joint[0, h, h] + sums[0, h] + sums[1, h] + own
        gains[h] += _xlogx(table, both) - logs[0, h, h]
        gains[h] -= 2 * (_xlogx(table, sizes[h] + n) - _xlogx(table, sizes[h]))


@njit(nogil=True, cache=True)
def _draw(gains, heat, rng, weights):
    """Draw a class with probability proportional to ``exp(gains / heat)``; `weights` is room for K numbers."""
    top, total = gains[:-1].max(), 0.0
    for h in range(weights.size):
        x = (gains[h] - top) / heat
        weights[h] = np.exp(x) if x > -40 else 0.0
        total += weights[h]
    left, drawn = rng.random() * total, 0
    for h in range(weights.size):
        if weights[h] > 0:
            left, drawn = left - weights[h], h
            if left < 0:
                break
    return drawn


@njit(nogil=True, cache=True)
def _better(gains, home, least):
    """Return the class with the highest gain, or `home` if it is as good up to a rounding error."""
    best = np.argmax(gains[:-1])
    return best if gains[best] > gains[home] + least else home


@njit(nogil=True, cache=True)
def sweep(words, frequencies, left, right, classes, state, table, least, heat, rng):
    """Take words out of their classes one by one, and put each where the likelihood is highest; on a tie it stays.

    Parameters
    ----------
    words : (M,) int64
        The words to visit, in this order.
    frequencies : (V,) int64
    left, right : tuple
        The neighbours of each word before and after it, from `neighbours`.
    classes : (V + 1,) int32
        Changed in place; the last is K, that of the boundary.
    state : tuple of (2, K + 1, K + 1) int64, (2, K + 1, K + 1) float64, (K + 1,) int64
        `joint`, `logs` and `sizes`, the tokens of each class; changed in place.
    table : float64
        n log n of the first few counts.
    least : float
        A gain that is not larger is a rounding error.
    heat : float
        If above 0, the class is drawn from ``exp(gain / heat)`` instead: simulated annealing.
    rng : numpy.random.Generator

    Returns
    -------
    moved : int
    gain : float
        What the moves gain in all, in nats.
    """
    K = state[2].size - 1
    sums, touched = np.zeros((2, K + 1), np.int64), np.empty((2, K + 1), np.int64)
    widths, gains, weights = np.empty(2, np.int64), np.empty(K + 1), np.empty(K)
    moved, gain = 0, 0.0
    for w in words:
        home, n, own = classes[w], frequencies[w], right[3][w]
        widths[0] = _context(w, left, classes, sums[0], touched[0])
        widths[1] = _context(w, right, classes, sums[1], touched[1])
        _shift(home, -1, n, own, sums, touched, widths, state, table)
        _gains(n, own, sums, touched, widths, state, table, gains)
        to = _draw(gains, heat, rng, weights) if heat > 0 else _better(gains, home, least)
        if to != home:
            classes[w] = to
            moved += 1
            gain += gains[to] - gains[home]
        _shift(to, 1, n, own, sums, touched, widths, state, table)
        for side in range(2):
            for k in range(widths[side]):
                sums[side, touched[side, k]] = 0
    return moved, gain
