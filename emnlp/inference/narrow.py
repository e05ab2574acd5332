"""A few slots of a large table: number them anew, read them, and add into the table."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def renumbered(values):
    """Number distinct values in the order of their first occurrence: a hash table, so that no work grows with them.

    Parameters
    ----------
    values : (N,) int32, from 0

    Returns
    -------
    found : (m,) int32
        The distinct values.
    numbers : (N,) int32
        ``found[numbers]`` are the values.
    """
    size = 16
    while size < 2 * values.size:
        size *= 2
    mask, table = size - 1, np.full(size, -1, np.int32)
    found, numbers = np.empty(values.size, np.int32), np.empty(values.size, np.int32)
    n = 0
    for k in range(values.size):
        value = values[k]
        place = np.int64((np.uint64(value) * np.uint64(11400714819323198485)) >> np.uint64(20)) & mask
        while table[place] >= 0 and found[table[place]] != value:
            place = (place + 1) & mask
        if table[place] < 0:
            table[place], found[n] = n, value
            n += 1
        numbers[k] = table[place]
    return found[:n].copy(), numbers


@njit(nogil=True, cache=True)
def read_at(table, totals, slots, conditions):
    """Read some slots of a table, and the sums of their rows.

    Parameters
    ----------
    table : (S,) float64
    totals : (C,) float64
        The sum of each row.
    slots : (m,) int32
    conditions : (S,) int32
        The row of each slot of the table.

    Returns
    -------
    values : (m,) float64
    sums : (r,) float64
    found : (r,) int32
        The rows that these slots are in, in the order of their first occurrence.
    rows : (m,) int32
        The place of each slot's row among these.
    """
    place, found = np.full(totals.size, -1, np.int32), np.empty(totals.size, np.int32)
    values, rows = np.empty(slots.size), np.empty(slots.size, np.int32)
    r = 0
    for k in range(slots.size):
        values[k] = table[slots[k]]
        c = conditions[slots[k]]
        if place[c] < 0:
            place[c], found[r] = r, c
            r += 1
        rows[k] = place[c]
    return values, totals[found[:r]], found[:r].copy(), rows


@njit(nogil=True, cache=True)
def add_at(table, totals, slots, conditions, factor, values):
    """Add ``factor * values``, (m,), to slots of a table, which stay 0 at least, and to row sums; else as `read_at`."""
    for k in range(slots.size):
        before = table[slots[k]]
        table[slots[k]] = max(before + factor * values[k], 0.0)
        totals[conditions[slots[k]]] += table[slots[k]] - before
