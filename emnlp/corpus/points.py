"""Points: vectors of real numbers, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError

LARGEST = 1e100
"""Sums of squares of greater numbers overflow."""

ROWS = 4096
"""Items of a batch."""


@dataclass(frozen=True, eq=False)
class Items:
    """A batch: some rows of a corpus, (n, D), and how much each counts, (n,)."""

    values: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Points:
    """Items that are vectors, one a row.

    Parameters
    ----------
    values : (N, D)
        An array, or anything that NumPy makes one of.
    weights : (N,), optional
        How much each item counts, such as how often it was seen; 1 by default.

    Raises
    ------
    InputError
        If they are not numbers, not two-dimensional, empty, NaN, infinite or beyond 1e100, or the weights do not fit.

    Examples
    --------
    >>> points = Points([[1, 2], [3, 4], [5, 6]], weights=[1, 1, 0.5])
    >>> points, points.weight
    (Points(3 of 2 dimensions), 2.5)
    """

    values: Array
    weights: Array | None = None

    def __post_init__(self) -> None:
        values = _numbers("the items", self.values)
        if values.ndim != 2 or not values.size:
            wanted = "an array with a row for each item and a column for each dimension"
            hint = "; x.reshape(-1, 1) makes one of numbers" if values.ndim == 1 and values.size else ""
            raise InputError(f"expected {wanted}, not one of shape {values.shape}{hint}")
        bad = np.argwhere(~(np.abs(values) <= LARGEST))
        if len(bad):
            row, column = bad[0]
            raise InputError(
                f"row {row}, column {column} is {values[row, column]}; leave out or fill in what is missing or "
                f"infinite, and scale what is beyond {LARGEST:g}"
            )
        object.__setattr__(self, "values", values)
        if self.weights is not None:
            object.__setattr__(self, "weights", _weights(self.weights, len(values)))

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Points({len(self)} of {self.n_dimensions} dimensions)"

    @property
    def n_dimensions(self) -> int:
        """The number of columns."""
        return int(self.values.shape[1])

    @property
    def masses(self) -> Array:
        """The weights, (N,), 1 if there are none."""
        return np.ones(len(self)) if self.weights is None else self.weights

    @property
    def mean(self) -> Array:
        """The weighted mean of the items, (D,)."""
        return np.average(self.values, axis=0, weights=self.weights)

    def batches(self, size: int = ROWS) -> list[Items]:
        """Return the items in batches: views, not copies."""
        masses, starts = self.masses, range(0, len(self), size)
        return [Items(self.values[a : a + size], masses[a : a + size]) for a in starts]

    @property
    def weight(self) -> float:
        """The sum of the weights."""
        return float(len(self)) if self.weights is None else float(self.weights.sum())


def _numbers(what: str, given: Any) -> Array:
    """Return real numbers as a float64 array whose rows lie one after the other."""
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biufO":
            raise ValueError(f"they are of type {array.dtype}")
        return np.ascontiguousarray(array, np.float64) if array.ndim else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{what}: expected an array of real numbers ({error})") from None


def _weights(given: Any, n: int) -> Array:
    weights = _numbers("weights", given)
    if weights.shape != (n,):
        raise InputError(f"weights: expected a number for each of {n} items, not an array of shape {weights.shape}")
    bad = np.flatnonzero(~((weights >= 0) & (weights <= LARGEST)))
    if len(bad):
        raise InputError(f"weights: that of item {bad[0]} is {weights[bad[0]]}; they are numbers from 0")
    if not weights.any():
        raise InputError("weights: all are 0; there is nothing to learn from")
    return weights
