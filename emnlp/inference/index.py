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
def _chunk(first, room, starts, order, pair_of, target_starts, n_target):
    """Return where a chunk of types that begins at `first` ends, and how many new slots it can need at most."""
    need = 0
    for c in range(first, starts.size - 1):
        row = 0
        for n in range(starts[c], starts[c + 1]):
            k = pair_of[order[n]]
            row += target_starts[k + 1] - target_starts[k]
        row = min(row, n_target)
        if c > first and need + row > room:
            return c, need
        need += row
    return starts.size - 1, need


@njit(nogil=True, cache=True)
def _number(first, last, base, starts, order, pair_of, sides, cells, stamp, slot_of, row_starts, outcomes, slots):
    """Give slots to the outcomes of the types ``first .. last - 1``; return the next free slot."""
    source_starts, target_starts, target = sides
    slot = base
    for c in range(first, last):
        for n in range(starts[c], starts[c + 1]):
            p = order[n]
            k = pair_of[p]
            t = target_starts[k]
            size = target_starts[k + 1] - t
            cell = cells[k] + (p - source_starts[k]) * size
            for j in range(size):
                o = target[t + j]
                if stamp[o] != c:
                    stamp[o] = c
                    slot_of[o] = slot
                    outcomes[slot - base] = o
                    slot += 1
                slots[cell + j] = slot_of[o]
        row_starts[c + 1] = slot
    return slot


def cooccurrences(source_starts, source, n_source, target_starts, target, n_target, cells, room=1 << 22):
    """Number the pairs of types that occur together in a sentence pair.

    Parameters
    ----------
    source_starts, target_starts : (n + 1,) int64
    source, target : int32
        Type ids, below `n_source` and `n_target`.
    cells : (n + 1,) int64
        The first cell of each sentence pair; pair k has I * J of them.
    room : int
        The outcomes are listed in chunks of about this many slots, so that memory follows the slots, not the cells.

    Returns
    -------
    row_starts : (n_source + 1,) int64
    outcomes : (S,) int32
        The slots of source type c are those from ``row_starts[c]``; their outcomes stand in order of first occurrence.
    slots : (cells,) int32
    """
    starts, order = invert(source, n_source)
    pair_of = np.repeat(np.arange(len(source_starts) - 1, dtype=np.int32), np.diff(source_starts))
    slots = np.empty(cells[-1], np.int32)
    stamp, slot_of = np.full(n_target, -1, np.int32), np.empty(n_target, np.int32)
    row_starts = np.zeros(n_source + 1, np.int64)
    pieces = [np.empty(0, np.int32)]
    first, slot = 0, 0
    while first < n_source:
        last, need = _chunk(first, room, starts, order, pair_of, target_starts, n_target)
        if slot + need >= np.iinfo(np.int32).max:
            raise OverflowError("more than 2**31 distinct word pairs; train on fewer sentence pairs")
        outcomes = np.empty(need, np.int32)
        sides = (source_starts, target_starts, target)
        end = _number(
            first, last, slot, starts, order, pair_of, sides, cells, stamp, slot_of, row_starts, outcomes, slots
        )
        pieces.append(outcomes[: end - slot].copy())
        first, slot = last, end
    return row_starts, np.concatenate(pieces), slots


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
def packed(classes, lefts, rights):
    """Return one key a state: class, words before it (plus 1) and after it."""
    keys = np.empty(classes.size, np.int64)
    for k in range(keys.size):
        keys[k] = (np.int64(classes[k]) << 32) + (np.int64(lefts[k] + 1) << 16) + rights[k]
    return keys
