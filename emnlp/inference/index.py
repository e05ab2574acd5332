"""Which pairs of types occur together, and the slot of every pair of tokens: an inverted index and a stamp array.

No sort and no hash: the tokens of one condition type are visited together, and ``stamp[o]`` says whether the outcome
type `o` has its slot already. A *cell* is a pair of token positions of one sentence pair; the cells of sentence pair k
are ``cells[k] + i * J + j``, a *slot* is a pair of types.
"""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def invert(ids, n):
    """List the positions of each id: counting sort.

    Parameters
    ----------
    ids : (N,) int32, each in ``0 .. n - 1``

    Returns
    -------
    starts : (n + 1,) int64
    order : (N,) int32
        ``ids[order[starts[c] : starts[c + 1]]]`` are all `c`, positions ascending.
    """
    starts = np.zeros(n + 1, np.int64)
    for c in ids:
        starts[c + 1] += 1
    for c in range(n):
        starts[c + 1] += starts[c]
    place = starts[:-1].copy()
    order = np.empty(ids.size, np.int32)
    for p in range(ids.size):
        order[place[ids[p]]] = p
        place[ids[p]] += 1
    return starts, order


@njit(nogil=True, cache=True)
def number(at, part, stamp, slot_of, heads, runs, conditions, outcomes, slots):
    """Give a slot to every pair of types that occurs together in a part of a bitext, and to every cell its slot.

    A type's slots lie in *runs*: those that a part added. What it has is looked at once a part, and its cells then.

    Parameters
    ----------
    at : (type, slot, run)
        From which condition type, with which free slot and run to go on.
    part : tuple
        ``(starts, order, pair_of, source_starts, target_starts, target, cells)``: `invert` of the source ids, the pair
        of each source token; all numbered from the part's own first pair, token and cell.
    stamp, slot_of : (n_target,) int32
        ``slot_of[o]`` is the slot of outcome o with condition ``stamp[o]``.
    heads : (n_source,) int32
        The last run of each condition type, -1 for none.
    runs : (R, 3) int32
        The first slot of each run, its end, and the run before it of the same type, or -1.
    conditions, outcomes : int32
        By slot.
    slots : (cells,) int32
        Filled.

    Returns
    -------
    (type, slot, run) as `at`: where there may be no more room in `outcomes` or `runs`, or n_source at the end.
    """
    c, slot, n_runs = at
    starts, order, pair_of, source_starts, target_starts, target, cells = part
    for c in range(c, heads.size):  # noqa: B020
        if starts[c] == starts[c + 1]:
            continue
        need = 0
        for n in range(starts[c], starts[c + 1]):
            need += target_starts[pair_of[order[n]] + 1] - target_starts[pair_of[order[n]]]
        if slot + min(need, stamp.size) > outcomes.size or n_runs == runs.shape[0]:
            return c, slot, n_runs
        run = heads[c]
        while run >= 0:
            for s in range(runs[run, 0], runs[run, 1]):
                stamp[outcomes[s]], slot_of[outcomes[s]] = c, s
            run = runs[run, 2]
        first = slot
        for n in range(starts[c], starts[c + 1]):
            p = order[n]
            k = pair_of[p]
            t = target_starts[k]
            size = target_starts[k + 1] - t
            cell = cells[k] + (p - source_starts[k]) * size
            for j in range(size):
                o = target[t + j]
                if stamp[o] != c:
                    stamp[o], slot_of[o] = c, slot
                    conditions[slot], outcomes[slot] = c, o
                    slot += 1
                slots[cell + j] = slot_of[o]
        if slot > first:
            runs[n_runs, 0], runs[n_runs, 1], runs[n_runs, 2] = first, slot, heads[c]
            heads[c] = n_runs
            n_runs += 1
    return heads.size, slot, n_runs


@njit(nogil=True, cache=True)
def sorted_rows(conditions, outcomes, n_conditions, n_outcomes):
    """List slots row by row, the outcomes of a row ascending: two counting sorts.

    Returns
    -------
    starts : (n_conditions + 1,) int64
    order : (S,) int32
        The slots of condition c are ``order[starts[c] : starts[c + 1]]``.
    """
    by_outcome = invert(outcomes, n_outcomes)[1]
    starts, places = invert(conditions[by_outcome], n_conditions)
    return starts, by_outcome[places]


@njit(nogil=True, cache=True)
def look_up(starts, order, outcomes, conditions, wanted, missing, unknown):
    """Find the slots of pairs of types in a lexicon, by bisection: no work grows with the lexicon, or with a long row.

    Parameters
    ----------
    starts, order
        As `sorted_rows` returns them.
    outcomes : (S,) int32
        By slot.
    conditions, wanted : (N,) int32
        The types of each pair, -1 where the lexicon does not have them.
    missing, unknown : int
        What to return for a pair that the lexicon lacks, and for any pair of a condition that it lacks.

    Returns
    -------
    (N,) int32
    """
    found = np.empty(conditions.size, np.int32)
    for n in range(conditions.size):
        c, o = conditions[n], wanted[n]
        if c < 0:
            found[n] = unknown
            continue
        low, high = starts[c], starts[c + 1]
        while low < high:
            middle = (low + high) // 2
            if outcomes[order[middle]] < o:
                low = middle + 1
            else:
                high = middle
        there = o >= 0 and low < starts[c + 1] and outcomes[order[low]] == o
        found[n] = order[low] if there else missing
    return found


@njit(nogil=True, cache=True)
def _place(table, keys, key):
    """Return where a key stands in an open-addressing table of numbers of `keys`, or where it would."""
    mask = table.size - 1
    place = np.int64((np.uint64(key) * np.uint64(11400714819323198485)) >> np.uint64(20)) & mask
    while table[place] >= 0 and keys[table[place]] != key:
        place = (place + 1) & mask
    return place


@njit(nogil=True, cache=True)
def hashed(keys):
    """Return an open-addressing table of the numbers of distinct keys, at most half full."""
    size = 16
    while size < 2 * keys.size:
        size *= 2
    table = np.full(size, -1, np.int32)
    for k in range(keys.size):
        table[_place(table, keys, keys[k])] = k
    return table


@njit(nogil=True, cache=True)
def find(table, keys, wanted):
    """Return the number of each wanted key, -1 for one that is not among `keys`; `table` is that of `hashed`."""
    found = np.empty(wanted.size, np.int32)
    for n in range(wanted.size):
        found[n] = table[_place(table, keys, wanted[n])]
    return found


@njit(nogil=True, cache=True)
def distinct(values):
    """Return the distinct values, in the order of their first occurrence."""
    keys = np.empty(1 << 10, np.int64)
    n = 0
    table = hashed(keys[:0])
    for value in values:
        place = _place(table, keys, value)
        if table[place] < 0:
            if 2 * (n + 1) > table.size:
                if n == keys.size:
                    longer = np.empty(2 * n, np.int64)
                    longer[:n] = keys
                    keys = longer
                larger = np.full(2 * table.size, -1, np.int32)
                for k in range(n):
                    larger[_place(larger, keys, keys[k])] = k
                table = larger
                place = _place(table, keys, value)
            if n == keys.size:
                longer = np.empty(2 * n, np.int64)
                longer[:n] = keys
                keys = longer
            keys[n], table[place] = value, n
            n += 1
    return keys[:n].copy()


@njit(nogil=True, cache=True)
def coarsen(starts, order, outcomes, n):
    """Number the pairs of condition class and outcome class.

    Parameters
    ----------
    starts, order
        The slots by condition class: those of class c are ``order[starts[c] : starts[c + 1]]``.
    outcomes : (S,) int32
        The outcome class of each slot, below `n`.

    Returns
    -------
    slots : (S,) int32
        The number of each slot's pair of classes.
    conditions : int32
        The condition class of each pair.
    """
    slots = np.empty(order.size, np.int32)
    stamp, slot_of = np.full(n, -1, np.int32), np.empty(n, np.int32)
    conditions = np.empty(order.size, np.int32)
    size = 0
    for c in range(starts.size - 1):
        for k in range(starts[c], starts[c + 1]):
            slot = order[k]
            o = outcomes[slot]
            if stamp[o] != c:
                stamp[o], slot_of[o], conditions[size] = c, size, c
                size += 1
            slots[slot] = slot_of[o]
    return slots, conditions[:size].copy()


@njit(nogil=True, cache=True)
def spots(starts, classes, start):
    """List the states of an aligner's chain: before each sentence, and at each of its tokens.

    Parameters
    ----------
    starts : (n + 1,) int64
    classes : (N,) int32
        The class of each token.
    start : int
        The class of the state before a sentence.

    Returns
    -------
    classes, lefts, rights : (N + n,) int32
        The class of each state and the number of words before and after it; -1 before the start.
    """
    size = classes.size + starts.size - 1
    found, lefts, rights = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    for k in range(starts.size - 1):
        n = starts[k + 1] - starts[k]
        for m in range(n + 1):
            at = starts[k] + k + m
            found[at] = classes[starts[k] + m - 1] if m > 0 else start
            lefts[at], rights[at] = m - 1, n - m
    return found, lefts, rights


@njit(nogil=True, cache=True)
def members(starts):
    """Return the sentence of each token, and its place there; both (N,) int64.

    Parameters
    ----------
    starts : (n + 1,) int64
        Sentence k has the tokens ``starts[k] .. starts[k + 1] - 1``, from 0 on.
    """
    sentences, places = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.int64)
    for k in range(starts.size - 1):
        for t in range(starts[k], starts[k + 1]):
            sentences[t], places[t] = k, t - starts[k]
    return sentences, places


@njit(nogil=True, cache=True)
def packed(classes, lefts, rights):
    """Return one key a state: class, words before it (plus 1) and after it."""
    keys = np.empty(classes.size, np.int64)
    for k in range(keys.size):
        keys[k] = (np.int64(classes[k]) << 32) + (np.int64(lefts[k] + 1) << 16) + rights[k]
    return keys
