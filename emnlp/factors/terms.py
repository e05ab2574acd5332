"""Terms of linear scores: features and their weights, on a table of outcomes and conditions, or on slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from emnlp.blocks import Array
from emnlp.features import WordFeature
from emnlp.inference.columns import add_weights, rows_of, sum_by_column

Label = tuple[str | None, str]


@dataclass(frozen=True, eq=False)
class TableTerm:
    """Weights W (b, a) and scores ``B W A'`` of a table; A is None where it is the identity.

    Parameters
    ----------
    outcomes : csr_array (O, b)
    conditions : array (C, a) or None
    n_conditions : int
    labels : (sequence of str or None, sequence of str)
        What the conditions' features and the outcomes' features are called.
    read : WordFeature
        The feature of outcomes.
    """

    outcomes: csr_array
    conditions: Array | None
    n_conditions: int
    labels: tuple[Sequence[str | None], Sequence[str]]
    read: WordFeature

    @cached_property
    def _transposed(self) -> csr_array:
        return self.outcomes.T.tocsr()

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of W."""
        width = self.n_conditions if self.conditions is None else self.conditions.shape[1]
        return self.outcomes.shape[1], width

    @property
    def n_weights(self) -> int:
        """The number of weights."""
        return self.shape[0] * self.shape[1]

    def scores(self, weights: Array) -> Array:
        """Return the scores of the table, (O, C)."""
        found = self.outcomes @ weights.reshape(self.shape)
        return found if self.conditions is None else found @ self.conditions.T

    def of_others(self, weights: Array, words: Sequence[str]) -> Array:
        """Return the scores of outcomes that the table lacks, (n, C): those features count that it knows."""
        columns = self.read.columns(words).named(self.labels[1])
        return replace(self, outcomes=columns.matrix).scores(weights)

    def gradient(self, slopes: Array, found: Array) -> None:
        """Write into `found` the derivative by the weights, from that by the scores (O, C): the adjoint of `scores`."""
        table = self._transposed @ (slopes if self.conditions is None else slopes @ self.conditions)
        found[:] = table.ravel()

    def label(self, k: int) -> Label:
        """Return what weight k is of: condition (None if of all) and outcome feature."""
        b, a = divmod(k, self.shape[1])
        return self.labels[0][a], self.labels[1][b]

    def of(self, condition: int) -> NDArray[np.int64]:
        """Return the weights that may count for a condition."""
        rows, width = self.shape
        a = [condition] if self.conditions is None else np.flatnonzero(self.conditions[condition])
        return (np.arange(rows)[:, None] * width + np.asarray(a)).ravel()

    def fires(self, condition: int, outcome: int) -> list[tuple[int, float]]:
        """Return the weights that count in a pair's score, and how much."""
        row = self.outcomes[[outcome]].tocsr()
        a = np.eye(1, self.n_conditions, condition)[0] if self.conditions is None else self.conditions[condition]
        return [(int(b) * self.shape[1] + int(k), float(x * a[k]))
                for b, x in zip(row.indices, row.data) for k in np.flatnonzero(a)]  # fmt: skip


@dataclass(frozen=True, eq=False)
class SlotTerm:
    """Weights (F,) of a sparse matrix over the slots, (S, F)."""

    matrix: csr_array
    names: Sequence[Label]

    @cached_property
    def each(self) -> bool:
        """Whether the features are an indicator a slot, in their order."""
        n = len(self.names)
        one = self.matrix.shape == (n, n) and np.array_equal(self.matrix.indices, np.arange(n, dtype=np.int32))
        return one and self._indicators

    @cached_property
    def _indicators(self) -> bool:
        return bool((self.matrix.data == 1).all())

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        """The slot of each entry of the matrix."""
        rows: NDArray[np.int32] = rows_of(self.matrix.indptr, self.matrix.nnz)
        return rows

    @property
    def n_weights(self) -> int:
        """The number of weights."""
        return int(self.matrix.shape[1])

    def add_scores(self, weights: Array, scores: Array) -> None:
        """Add the scores of the slots, (S,)."""
        if self.each:
            scores += weights
        elif self._indicators:
            add_weights(self._rows, self.matrix.indices, weights, scores)
        else:
            scores += self.matrix @ weights

    def gradient(self, slopes: Array, found: Array) -> None:
        """Write into `found` the derivative by the weights, from that by the scores (S,)."""
        if self.each:
            if not np.may_share_memory(found, slopes):
                found[:] = slopes
        elif self._indicators:
            sum_by_column(self._rows, self.matrix.indices, slopes, found)
        else:
            found[:] = self.matrix.T @ slopes

    def label(self, k: int) -> Label:
        """Return what weight k is of."""
        return self.names[k]

    def fires(self, slot: int) -> list[tuple[int, float]]:
        """Return the weights that count in a slot's score, and how much."""
        row = slice(*self.matrix.indptr[slot : slot + 2])
        return list(zip(self.matrix.indices[row].tolist(), self.matrix.data[row].tolist()))
