"""Where the alignment prior P(i | ...) of IBM models 1 and 2 lies in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

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
        return Support(conditions[keep].astype(np.int32), outcomes[keep].astype(np.int32), space, longest)

    def find(self, sizes: Ints) -> Ints:
        """Return the base of each pair of lengths, (n,), -1 for a shape that has no table."""
        sizes = sizes if self.step else np.stack([sizes[:, 0], np.ones_like(sizes[:, 0])], 1)
        scale = 1 + max(int(self.shapes.max(initial=0)), int(sizes.max(initial=0)))
        keys, wanted = self.shapes @ [scale, 1], sizes @ [scale, 1]
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[at] == wanted, self.bases[at], -1)
