"""Jumps: what a log-linear jump factor covers, without ever listing it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emnlp.inference.index import distinct, find, hashed, packed

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Jumps:
    """The rows of a jump distribution: from a position of some class, with some words before and after it.

    The outcomes of a row are its ``left + 1 + right`` positions, and the end. A jump by d positions has the weight in
    column ``width + d`` of its class, d clipped to ``-width .. width``; the end, d positions on, that in column
    ``2 * width + d``, d from 1, clipped likewise. Every row ``(class, left, right)`` that occurs in a corpus is listed
    once; its outcomes never are, so a lexicalised jump costs next to nothing.

    Parameters
    ----------
    n_classes, width : int
    classes, lefts, rights : (R,) int32
        `lefts` is -1 at the start of a sentence.
    """

    n_classes: int
    width: int
    classes: Ints
    lefts: Ints
    rights: Ints

    @classmethod
    def of(cls, n_classes: int, width: int, classes: Ints, lefts: Ints, rights: Ints) -> Jumps:
        """Cover the rows that occur, (N,)."""
        keys = distinct(packed(classes, lefts, rights))
        parts = (keys >> 32, (keys >> 16 & 0xFFFF) - 1, keys & 0xFFFF)
        return cls(n_classes, width, *(part.astype(np.int32) for part in parts))

    @classmethod
    def none(cls, n_classes: int, width: int) -> Jumps:
        """Cover no row: what a model needs that is only applied."""
        return cls(n_classes, width, *(np.empty(0, np.int32) for _ in range(3)))

    @property
    def shape(self) -> tuple[int, int]:
        """Classes and columns."""
        return self.n_classes, 3 * self.width + 1

    @property
    def n_weights(self) -> int:
        """The number of weights; in theta and in counts, those of the rows come after them."""
        return self.n_classes * (3 * self.width + 1)

    def __len__(self) -> int:
        return self.n_weights + len(self.classes)

    @cached_property
    def _table(self) -> tuple[Ints, NDArray[np.int64]]:
        keys = packed(self.classes, self.lefts, self.rights)
        return hashed(keys), keys

    def find(self, classes: Ints, lefts: Ints, rights: Ints) -> Ints:
        """Return the number of each row, -1 for one that is not covered."""
        rows: Ints = find(*self._table, packed(classes, lefts, rights))
        return rows
