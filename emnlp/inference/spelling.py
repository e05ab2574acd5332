"""How alike two words are spelt, for many pairs of types: bit-parallel edit distance, common beginnings and ends.

A *side* is all words of one vocabulary, as ``(characters, starts, there)``: the characters of word w, each a number
below the size of the alphabet, are ``characters[starts[w] : starts[w + 1]]``; where ``there[w]`` is False, there is no
word (NULL).
"""

import numpy as np
from numba import njit

_ONE, _HIGH = np.uint64(1), np.uint64(63)
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(nogil=True, cache=True)
def _mark(table, characters, begin, end, blocks, on):
    """Set where each character stands in a word, or clear it: bit p % 64 of ``table[character * blocks + p // 64]``."""
    for p in range(end - begin):
        place = characters[begin + p] * blocks + (p >> 6)
        table[place] = table[place] | (_ONE << np.uint64(p & 63)) if on else np.uint64(0)


@njit(nogil=True, cache=True)
def _distance(table, m, blocks, ups, downs, characters, begin, end):
    """Return the edit distance of a marked word of `m` characters to another one, 64 rows of the table at a time.

    Bit p of block b of `ups` (`downs`) says that the distance grows (falls) by 1 from row ``64 * b + p`` to the next,
    in the column of the character read last (Myers 1999; in the form of Hyyro 2003).
    """
    distance = m
    ups[:blocks], downs[:blocks] = _FULL, 0
    last = _ONE << np.uint64((m - 1) & 63)
    for p in range(begin, end):
        place = characters[p] * blocks
        grows, falls = _ONE, np.uint64(0)  # of the row above: the first row of the table counts the columns
        for b in range(blocks):
            up, down, equal = ups[b], downs[b], table[place + b]
            across = equal | down
            equal |= falls
            along = (((equal & up) + up) ^ up) | equal
            plus, minus = down | ~(along | up), up & along
            if b == blocks - 1:
                distance += np.int64((plus & last) != 0) - np.int64((minus & last) != 0)
            carries = plus >> _HIGH, minus >> _HIGH
            plus, minus = (plus << _ONE) | grows, (minus << _ONE) | falls
            ups[b], downs[b] = minus | ~(across | plus), plus & across
            grows, falls = carries
    return distance


@njit(nogil=True, cache=True)
def _marks(characters, begin, end):
    """Return which characters there are, each as one of 64 bits."""
    found = np.uint64(0)
    for p in range(begin, end):
        found |= _ONE << np.uint64(characters[p] & 63)
    return found


@njit(nogil=True, cache=True)
def _ones(x):
    """Return how many bits are set."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def edit_distance_bins(starts, order, outcomes, source, target, size, most, edges, below):
    """Put each pair of types into a bin of its edit distance divided by the longer length.

    A character that the other word lacks costs one step, at least, and so does one more: few pairs are alike enough for
    the first bins, and of the others no more is read.

    Parameters
    ----------
    starts : (C + 1,) int64
    order : (S,) int32
        The slots of condition c are ``order[starts[c] : starts[c + 1]]``; the table of a condition is made once.
    outcomes : (S,) int32
    source, target : side
        The words of the conditions and of the outcomes.
    size : int
        Of the alphabet.
    most : int
        So many characters of a word are read.
    edges : (B - 1,) float64, ascending
        Bin b begins at ``edges[b - 1]``.
    below : float
        Pairs whose share is not below it are in no bin.

    Returns
    -------
    (S,) int32
        -1 where either word is missing, or the share is not below `below`.
    """
    source_characters, source_starts, source_there = source
    characters, target_starts, target_there = target
    longest = 1
    for c in range(starts.size - 1):
        longest = max(longest, min(most, source_starts[c + 1] - source_starts[c]))
    most_blocks = (longest + 63) >> 6
    table = np.zeros(size * most_blocks, np.uint64)
    ups, downs = np.empty(most_blocks, np.uint64), np.empty(most_blocks, np.uint64)
    bins = np.full(order.size, -1, np.int32)
    marks = np.empty(target_starts.size - 1, np.uint64)
    for o in range(marks.size):
        marks[o] = _marks(characters, target_starts[o], min(target_starts[o] + most, target_starts[o + 1]))
    for c in range(starts.size - 1):
        if not source_there[c] or starts[c] == starts[c + 1]:
            continue
        m = min(most, source_starts[c + 1] - source_starts[c])
        blocks = (m + 63) >> 6
        _mark(table, source_characters, source_starts[c], source_starts[c] + m, blocks, True)
        mine = _marks(source_characters, source_starts[c], source_starts[c] + m)
        for k in range(starts[c], starts[c + 1]):
            slot = order[k]
            o = outcomes[slot]
            if not target_there[o]:
                continue
            begin = target_starts[o]
            n = min(most, target_starts[o + 1] - begin)
            least = max(abs(m - n), _ones(mine & ~marks[o]), _ones(marks[o] & ~mine))
            if least / max(m, n, 1) >= below:
                continue
            distance = n if m == 0 else _distance(table, m, blocks, ups, downs, characters, begin, begin + n)
            share = distance / max(m, n, 1)
            if share >= below:
                continue
            b = 0
            while b < edges.size and share >= edges[b]:
                b += 1
            bins[slot] = b
        _mark(table, source_characters, source_starts[c], source_starts[c] + m, blocks, False)
    return bins


@njit(nogil=True, cache=True)
def shared(conditions, outcomes, source, target, most, at_end):
    """Count the characters that the two words of each pair have in common at their beginning, or at their end.

    Parameters
    ----------
    conditions, outcomes : (S,) int32
    source, target : side
    most : int
        Where to stop counting.
    at_end : bool

    Returns
    -------
    (S,) int32
        0 where either word is missing.
    """
    source_characters, source_starts, source_there = source
    target_characters, target_starts, target_there = target
    found = np.zeros(conditions.size, np.int32)
    for slot in range(conditions.size):
        c, o = conditions[slot], outcomes[slot]
        if not (source_there[c] and target_there[o]):
            continue
        n = min(most, source_starts[c + 1] - source_starts[c], target_starts[o + 1] - target_starts[o])
        if at_end:
            a, b, step = source_starts[c + 1] - 1, target_starts[o + 1] - 1, -1
        else:
            a, b, step = source_starts[c], target_starts[o], 1
        same = 0
        while same < n and source_characters[a] == target_characters[b]:
            same += 1
            a += step
            b += step
        found[slot] = same
    return found
