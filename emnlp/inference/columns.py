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
def column_of_rows(starts, indices, data, n_columns):
    """Return the one column that fires in each row, `n_columns` where none does; empty if some row is not like that.

    Parameters
    ----------
    starts : (n + 1,) int
    indices, data : (nnz,) int32 and float64
    n_columns : int
    """
    found = np.full(starts.size - 1, n_columns, np.int32)
    for row in range(starts.size - 1):
        if starts[row + 1] > starts[row] + 1:
            return np.empty(0, np.int32)
        for k in range(starts[row], starts[row + 1]):
            if data[k] != 1:
                return np.empty(0, np.int32)
            found[row] = indices[k]
    return found


@njit(nogil=True, cache=True)
def add_weights(columns, weights, scores):
    """Add the weight of each row's column to its score."""
    for row in range(columns.size):
        if columns[row] < weights.size:
            scores[row] += weights[columns[row]]


@njit(nogil=True, cache=True)
def sum_by_column(columns, values, n_columns):
    """Return the sum of the values of each column's rows, (n_columns,)."""
    totals = np.zeros(n_columns)
    for row in range(columns.size):
        if columns[row] < n_columns:
            totals[columns[row]] += values[row]
    return totals
