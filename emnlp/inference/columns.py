"""Sparse columns, compressed by row: where they fire, and how they stand side by side."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def place(cursor, starts, indices, data, first, all_indices, all_data):
    """Copy the rows of one matrix into those of a wider one, from column `first` on.

    Parameters
    ----------
    cursor : (n,) int64
        Where the next entry of each row of the wider matrix goes; moved on.
    starts : (n + 1,) int
    indices, data : (nnz,) int32 and float64
        The matrix, by rows.
    all_indices, all_data : int32 and float64
        The wider one.
    """
    for row in range(cursor.size):
        at = cursor[row]
        for k in range(starts[row], starts[row + 1]):
            all_indices[at] = indices[k] + first
            all_data[at] = data[k]
            at += 1
        cursor[row] = at


@njit(nogil=True, cache=True)
def one_a_row(columns):
    """Return the compressed rows of indicators, at most one a row: column ``columns[row]``, or none where that is -1.

    Returns
    -------
    starts : (n + 1,) int64
    indices : (nnz,) int32
    """
    starts = np.zeros(columns.size + 1, np.int64)
    for row in range(columns.size):
        starts[row + 1] = starts[row] + (columns[row] >= 0)
    indices = np.empty(starts[-1], np.int32)
    for row in range(columns.size):
        if columns[row] >= 0:
            indices[starts[row]] = columns[row]
    return starts, indices


@njit(nogil=True, cache=True)
def agree(conditions, outcomes, condition_keys, outcome_keys):
    """Return 0 where the condition and the outcome of a slot have the same key, -1 where they have not, or have none.

    Parameters
    ----------
    conditions, outcomes : (S,) int32
    condition_keys, outcome_keys : int32
        By type; -1 for none.

    Returns
    -------
    (S,) int32
    """
    found = np.empty(conditions.size, np.int32)
    for slot in range(conditions.size):
        key = condition_keys[conditions[slot]]
        found[slot] = 0 if key >= 0 and key == outcome_keys[outcomes[slot]] else -1
    return found


@njit(nogil=True, cache=True)
def number_pairs(class_starts, class_rows, starts, order, outcomes, classes, n):
    """Number the pairs of condition class and outcome class that slots have, class by class.

    Parameters
    ----------
    class_starts : (A + 1,) int64
    class_rows : (C,) int32
        The conditions of class a are ``class_rows[class_starts[a] : class_starts[a + 1]]``.
    starts, order
        The slots of condition c are ``order[starts[c] : starts[c + 1]]``.
    outcomes : (S,) int32
    classes : (O,) int32
        The class of each outcome, below `n`; -1 for none.

    Returns
    -------
    found : (S,) int32
        The number of each slot's pair, -1 for none.
    pairs : (P, 2) int32
        Both classes of each pair.
    counts : (P,) int32
        How many slots it has.
    """
    found = np.full(outcomes.size, -1, np.int32)
    pairs, counts = np.empty((outcomes.size, 2), np.int32), np.zeros(outcomes.size, np.int32)
    stamp, number = np.full(n, -1, np.int32), np.empty(n, np.int32)
    size = 0
    for a in range(class_starts.size - 1):
        for r in range(class_starts[a], class_starts[a + 1]):
            c = class_rows[r]
            for k in range(starts[c], starts[c + 1]):
                slot = order[k]
                b = classes[outcomes[slot]]
                if b < 0:
                    continue
                if stamp[b] != a:
                    stamp[b], number[b] = a, size
                    pairs[size, 0], pairs[size, 1] = a, b
                    size += 1
                found[slot] = number[b]
                counts[number[b]] += 1
    return found, pairs[:size].copy(), counts[:size].copy()


@njit(nogil=True, cache=True)
def drop_rare(found, counts, least):
    """Number anew, in place, what is counted so often at least; others become -1."""
    new, size = np.empty(counts.size, np.int32), 0
    for k in range(counts.size):
        new[k] = size if counts[k] >= least else -1
        size += counts[k] >= least
    for s in range(found.size):
        if found[s] >= 0:
            found[s] = new[found[s]]


@njit(nogil=True, cache=True)
def rows_of(starts, n_entries):
    """Return the row of each entry of compressed rows, (nnz,) int32."""
    rows = np.empty(n_entries, np.int32)
    for row in range(starts.size - 1):
        rows[starts[row] : starts[row + 1]] = row
    return rows


@njit(nogil=True, cache=True)
def add_weights(rows, columns, weights, scores):
    """Add to the score of each entry's row the weight of its column."""
    for k in range(rows.size):
        scores[rows[k]] += weights[columns[k]]


@njit(nogil=True, cache=True)
def sum_by_column(rows, columns, values, totals):
    """Make the total of each column the sum of the values of its entries' rows."""
    totals[:] = 0
    for k in range(rows.size):
        totals[columns[k]] += values[rows[k]]
