"""Where the alignment prior P(i | ...) of IBM models 1 and 2 lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.models.lexicon import TINY
from emnlp.support import Support

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Positions:
    """Tables of ``P(i | condition)``, a table a shape (I, J): cell ``bases[shape] + i * J + j``, NULL being ``i = 0``.

    Model 2 has a table for every pair of lengths in the training text. Model 1 has the shapes (I, 1), I up to the
    largest length: its prior does not depend on j (``step`` 0).

    Parameters
    ----------
    shapes : (m, 2) int64
        Ascending.
    step : int
        1 if the prior depends on j.
    with_null : bool
        Whether NULL is one of the factor's outcomes; otherwise another factor decides on it.
    """

    shapes: Ints
    step: int
    with_null: bool

    @classmethod
    def by_length(cls, longest: int, with_null: bool = True) -> Positions:
        """P(i | I), as in Model 1."""
        lengths = np.arange(1, longest + 1)
        return cls(np.stack([lengths, np.ones_like(lengths)], 1), 0, with_null)

    @classmethod
    def by_shape(cls, sizes: Ints, with_null: bool = True) -> Positions:
        """P(i | j, I, J) for the pairs of lengths in `sizes`, (n, 2), as in Model 2."""
        return cls(np.unique(sizes, axis=0).astype(np.int64), 1, with_null)

    @cached_property
    def bases(self) -> Ints:
        """The first cell of each shape, and the end, (m + 1,)."""
        return np.concatenate([[0], np.cumsum((self.shapes[:, 0] + 1) * self.shapes[:, 1])])

    @cached_property
    def shape_of(self) -> Ints:
        """The shape of each cell."""
        return np.repeat(np.arange(len(self.shapes)), np.diff(self.bases))

    @cached_property
    def components(self) -> Ints:
        """The component i of each cell, 0 for NULL."""
        components: Ints = (np.arange(self.bases[-1]) - self.bases[self.shape_of]) // self.shapes[self.shape_of, 1]
        return components

    @cached_property
    def covered(self) -> NDArray[np.bool_]:
        """Which cells are outcomes of the position factor: all, or all but NULL."""
        return (self.components > 0) | self.with_null

    @cached_property
    def slots(self) -> Ints:
        """The slot of each cell that is an outcome of the position factor."""
        slots: Ints = np.cumsum(self.covered) - 1
        return slots

    def support(self) -> Support:
        """Return the position factor's support: its conditions are (shape, j), its outcomes i."""
        n_targets = self.shapes[:, 1]
        rows = np.cumsum(n_targets) - n_targets
        cell = np.arange(self.bases[-1]) - self.bases[self.shape_of]
        conditions = rows[self.shape_of] + cell % n_targets[self.shape_of]
        outcomes = self.components - (not self.with_null)
        space = np.repeat(self.shapes[:, 0] + self.with_null, n_targets)
        longest = int(self.shapes[:, 0].max(initial=1)) + self.with_null
        keep = self.covered
        support = Support(conditions[keep].astype(np.int32), outcomes[keep].astype(np.int32), space, longest)
        if not self.step or self.with_null:  # then there is no diagonal: no j, or no place for NULL
            return support
        return support.having(diagonal=self.distances, diagonal_lagged=partial(self.distances, 1))

    def distances(self, lag: int = 0) -> Array:
        """Return how far each slot is from the diagonal, ``|i / I - (j - lag) / J|``, i and j from 1.

        Examples
        --------
        >>> Positions.by_shape(np.array([[2, 4]]), with_null=False).distances().reshape(2, 4)
        array([[0.25, 0.  , 0.25, 0.5 ],
               [0.75, 0.5 , 0.25, 0.  ]])
        """
        shapes = self.shapes[self.shape_of]
        j = 1 - lag + (np.arange(self.bases[-1]) - self.bases[self.shape_of]) % shapes[:, 1]
        distances: Array = np.abs(self.components / shapes[:, 0] - j / shapes[:, 1])[self.covered]
        return distances

    def prior(self, theta: Array, word: float, null: float) -> Array:
        """Return the prior of each cell: that of the position factor times `word`, and `null` where NULL is apart."""
        prior = np.full(self.bases[-1], null)
        prior[self.covered] = theta * word
        return np.maximum(prior, TINY)

    def find(self, sizes: Ints) -> Ints:
        """Return the base of each pair of lengths, (n,), -1 for a shape that has no table."""
        sizes = sizes if self.step else np.stack([sizes[:, 0], np.ones_like(sizes[:, 0])], 1)
        scale = 1 + max(int(self.shapes.max(initial=0)), int(sizes.max(initial=0)))
        keys, wanted = self.shapes @ [scale, 1], sizes @ [scale, 1]
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, self.bases[at], -1)


class Foreign:
    """The prior of sentences whose lengths training has not seen, by a factor that knows one for any lengths.

    Parameters
    ----------
    positions : Positions
        All pairs of lengths of a text, seen or unseen.
    theta : Array
        The position factor's, on the support of these positions.
    """

    def __init__(self, positions: Positions, theta: Array) -> None:
        self._positions, self._theta = positions, theta
        self._made: dict[tuple[float, float], Array] = {}

    def prior(self, word: float, null: float) -> Array:
        """Return the prior of each cell; made once, for every batch of the text."""
        made = self._made.get((word, null))
        if made is None:
            made = self._positions.prior(self._theta, word, null)
            self._made = {(word, null): made}
        return made
