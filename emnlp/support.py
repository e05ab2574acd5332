"""Support: which (condition, outcome) pairs a factor covers, and the slot of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.inference.index import invert
from emnlp.inference.rows import normalise_rows, open_softmax_rows, softmax_rows, sum_rows

Names = tuple[Sequence[str | None], Sequence[str | None]]
Features = Mapping[str, Callable[[], Array]]


@dataclass(frozen=True, eq=False)
class Support:
    """The pairs that a discrete factor covers: slot s is ``(conditions[s], outcomes[s])``.

    Slots may stand in any order, so the same slots also serve the other direction (`transpose`) and no table is ever
    permuted. `starts` and `order` list them row by row.

    Parameters
    ----------
    conditions, outcomes : (S,) int32
    space : (C,) int64
        The number of outcomes that a condition can have, listed here or not: a lexicon lists co-occurring words only,
        yet each of its conditions could emit any word. A factor's constant start is ``1 / space``.
    n_outcomes : int
    names : pair of sequences of str, optional
        What the conditions and the outcomes are called.
    features : mapping of str to function, optional
        Real numbers that a factor may know of each slot: a function returns them, (S,), so that a feature costs nothing
        until a factor wants it. Not saved.

    Examples
    --------
    >>> coins = Support.dense(2, 2, names=(["fair", "bent"], ["head", "tail"]))
    >>> coins.normalise(np.array([1.0, 3.0, 0.0, 0.0]))  # a row without counts is uniform
    array([0.25, 0.75, 0.5 , 0.5 ])
    >>> coins.slot(1, 0), coins.transpose().slot(0, 1)
    (2, 2)
    """

    conditions: NDArray[np.int32]
    outcomes: NDArray[np.int32]
    space: NDArray[np.int64]
    n_outcomes: int
    names: Names | None = None
    features: Features = field(default_factory=dict)

    @classmethod
    def dense(cls, n_conditions: int, n_outcomes: int, names: Names | None = None) -> Support:
        """Cover every outcome of every condition."""
        conditions = np.repeat(np.arange(n_conditions, dtype=np.int32), n_outcomes)
        outcomes = np.tile(np.arange(n_outcomes, dtype=np.int32), n_conditions)
        return cls(conditions, outcomes, np.full(n_conditions, n_outcomes, np.int64), n_outcomes, names)

    @classmethod
    def pairs(
        cls, conditions: ArrayLike, outcomes: ArrayLike, n_conditions: int, n_outcomes: int, names: Names | None = None
    ) -> Support:
        """Cover the pairs listed, each once; any other outcome is possible but never counted."""
        space = np.full(n_conditions, n_outcomes, np.int64)
        return cls(np.asarray(conditions, np.int32), np.asarray(outcomes, np.int32), space, n_outcomes, names)

    @classmethod
    def ragged(cls, sizes: ArrayLike, names: Names | None = None) -> Support:
        """Cover outcomes ``0 .. sizes[c] - 1`` of each condition `c`."""
        space = np.asarray(sizes, np.int64)
        conditions = np.repeat(np.arange(len(space), dtype=np.int32), space)
        first = np.repeat(np.cumsum(space) - space, space)
        outcomes = (np.arange(len(conditions)) - first).astype(np.int32)
        return cls(conditions, outcomes, space, int(space.max(initial=0)), names)

    def __len__(self) -> int:
        return len(self.conditions)

    def having(self, **features: Callable[[], Array]) -> Support:
        """Return a copy with more features."""
        return replace(self, features={**self.features, **features})

    def feature(self, name: str) -> Array:
        """Return what a feature says of each slot, (S,).

        Raises
        ------
        InputError
            If the support does not have it, or not for each slot.

        Examples
        --------
        >>> Support.dense(1, 2).having(length=lambda: np.array([1.0, 4.0])).feature("length")
        array([1., 4.])
        """
        if name not in self.features:
            raise InputError(f"no feature {name!r} here; this support has {', '.join(self.features) or 'none'}")
        values = np.asarray(self.features[name](), np.float64)
        if values.shape != (len(self),):
            raise InputError(f"feature {name!r}: expected a number for each of {len(self)} slots, not {values.shape}")
        return values

    @property
    def n_conditions(self) -> int:
        """The number of conditions, with or without slots."""
        return len(self.space)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """The number of slots of each condition, (C,)."""
        return np.bincount(self.conditions, minlength=self.n_conditions)

    @cached_property
    def _rows(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        starts, order = invert(self.conditions, self.n_conditions)
        return starts, order

    @property
    def starts(self) -> NDArray[np.int64]:
        """Row by row: the slots of condition c are ``order[starts[c] : starts[c + 1]]``, (C + 1,)."""
        return self._rows[0]

    @property
    def order(self) -> NDArray[np.int32]:
        """The slots row by row, (S,); see `starts`."""
        return self._rows[1]

    def row(self, condition: int) -> NDArray[np.int32]:
        """Return the slots of one condition."""
        return self.order[self.starts[condition] : self.starts[condition + 1]]

    def slot(self, condition: int, outcome: int) -> int:
        """Return the slot of a pair, -1 if it is not covered."""
        row = self.row(condition)
        found = row[self.outcomes[row] == outcome]
        return int(found[0]) if len(found) else -1

    def sum(self, x: Array) -> Array:
        """Sum over the outcomes of each condition: (S,) to (C,)."""
        totals: Array = sum_rows(self.conditions, x, self.n_conditions)
        return totals

    def spread(self, totals: Array) -> Array:
        """Give each slot the value of its condition: (C,) to (S,)."""
        return totals[self.conditions]

    def normalise(self, x: Array) -> Array:
        """Divide by the row sums; a row that sums to 0 becomes the constant ``1 / space``."""
        theta: Array = normalise_rows(self.conditions, x, self.space)
        return theta

    @cached_property
    def layout(self) -> str | None:
        """``condition`` or ``outcome`` if every pair has a slot, in that order: row by row, or column by column."""
        n = self.n_conditions
        if len(self) != n * self.n_outcomes or not len(self):
            return None
        by_condition = divmod(np.arange(len(self)), self.n_outcomes)
        if np.array_equal(self.conditions, by_condition[0]) and np.array_equal(self.outcomes, by_condition[1]):
            return "condition"
        by_outcome = divmod(np.arange(len(self)), n)
        if np.array_equal(self.outcomes, by_outcome[0]) and np.array_equal(self.conditions, by_outcome[1]):
            return "outcome"
        return None

    def table(self, x: Array) -> Array:
        """Return a view of slots as a table, (O, C), of a support that has a `layout`."""
        if self.layout == "condition":
            return x.reshape(self.n_conditions, -1).T
        assert self.layout == "outcome", "not a table"
        return x.reshape(-1, self.n_conditions)

    def softmax(self, x: Array, others: Array | None = None) -> Array:
        """Return ``exp(x)`` normalised by row; with `others`, (C,), so many more outcomes of each row have x = 0."""
        if others is not None:
            open_theta: Array = open_softmax_rows(self.conditions, x, others)
            return open_theta
        if self.layout is not None:
            found = np.empty(len(self))
            grid, table = self.table(x), self.table(found)
            np.exp(grid - grid.max(axis=0), out=table)
            table /= table.sum(axis=0)
            return found
        theta: Array = softmax_rows(self.conditions, x, self.n_conditions)
        return theta

    def transpose(self) -> Support:
        """Swap conditions and outcomes; the slots stay where they are."""
        names = None if self.names is None else (self.names[1], self.names[0])
        flipped = Support.pairs(self.outcomes, self.conditions, self.n_outcomes, self.n_conditions, names)
        return flipped.having(**self.features)
