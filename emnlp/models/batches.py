"""Batches of sentence pairs, and links back in the place of their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.bitext import Pairs
from emnlp.corpus.links import Links
from emnlp.inference.mixture import best_components


def batch_cells(total: int) -> int:
    """Return how many cells a batch should have: few, so that a cache holds what is computed of each, but not too few.

    Examples
    --------
    >>> batch_cells(10_000), batch_cells(1 << 30)
    (65536, 131072)
    """
    return min(1 << 17, max(1 << 16, total >> 5))


@dataclass(frozen=True, eq=False)
class Batch:
    """Sentence pairs ``first .. last - 1`` of an index, with the slots of their cells, NULL rows and priors.

    `slots` are lexical slots less the NULL row's; ``null_slots`` are those of the NULL row, (target tokens,); `places`
    tells the kernels of the model where the prior of each pair is.
    """

    pairs: Pairs
    first: int
    last: int
    slots: NDArray[np.int32]
    null_slots: NDArray[np.int32]
    places: tuple[Any, ...]

    def __len__(self) -> int:
        return self.last - self.first

    @property
    def lines(self) -> NDArray[np.int64]:
        """Where the pairs stand in the corpus, (n,)."""
        return self.pairs.lines[self.first : self.last]

    @property
    def kernel(self) -> tuple[Any, ...]:
        """The first arguments of the kernels in `inference`."""
        pairs = self.pairs
        flat = (pairs.source.starts, pairs.target.starts, self.null_slots, pairs.cells, pairs.transposed)
        return self.first, self.last, flat, self.slots, self.places

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The lengths (I, J) of each pair, (n, 2)."""
        here = slice(self.first, self.last)
        return np.stack([self.pairs.source.lengths[here], self.pairs.target.lengths[here]], 1)

    @property
    def target_lengths(self) -> NDArray[np.int64]:
        """The number of target tokens of each pair, (n,)."""
        return self.pairs.target.lengths[self.first : self.last]

    @property
    def cell_slots(self) -> NDArray[np.int32]:
        """The slots of the batch's own cells, (n_cells,)."""
        return self.slots[self.pairs.cells[self.first] : self.pairs.cells[self.last]]

    @cached_property
    def n_cells(self) -> int:
        """The number of pairs of tokens."""
        return int(self.pairs.cells[self.last] - self.pairs.cells[self.first])

    @cached_property
    def n_targets(self) -> int:
        """The number of target tokens."""
        return int(self.pairs.target.starts[self.last] - self.pairs.target.starts[self.first])

    def by_pair(self, by_cell: NDArray[Any], by_null: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield (I + 1, J) for each pair, NULL first, of values by cell and by target token."""
        cell, token = 0, 0
        for n_source, n_target in self.sizes.tolist():
            cells = by_cell[cell : cell + n_source * n_target]
            shape = (n_target, n_source) if self.pairs.transposed else (n_source, n_target)
            words = cells.reshape(shape).T if self.pairs.transposed else cells.reshape(shape)
            yield np.vstack([by_null[token : token + n_target], words])
            cell, token = cell + n_source * n_target, token + n_target


def most_probable(batch: Batch, by_cell: Array, by_null: Array) -> NDArray[np.int32]:
    """Return the most probable component of each target token, 0 for NULL, else 1 + the source position."""
    best = np.empty(batch.n_targets, np.int32)
    first, last, pairs, _, _ = batch.kernel
    best_components(first, last, pairs, by_cell, by_null, best)
    return best


@dataclass(frozen=True, eq=False)
class TwoWay:
    """The same sentence pairs, seen from both directions; a direction that is not modelled is absent.

    `local` holds what an E-step leaves for the next one on the same batch.
    """

    forward: Batch | None
    reverse: Batch | None
    local: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def any(self) -> Batch:
        """Either direction's batch."""
        batch = self.forward or self.reverse
        assert batch is not None
        return batch

    def __len__(self) -> int:
        return len(self.any)

    @property
    def lines(self) -> NDArray[np.int64]:
        """Where the pairs stand in the corpus, (n,)."""
        return self.any.lines

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The lengths (I, J) of each pair, (n, 2)."""
        return self.any.sizes if self.forward else self.any.sizes[:, ::-1].copy()

    def by_pair(self, cells: Array) -> Iterator[Array]:
        """Yield (I, J) for each pair, of values by cell, source-major."""
        at = 0
        for n_source, n_target in self.sizes.tolist():
            yield cells[at : at + n_source * n_target].reshape(n_source, n_target)
            at += n_source * n_target


def in_place(n: int, batches: Sequence[Any], found: Iterable[Links]) -> Links:
    """Put the links of batches where their lines stand; the other lines have none."""
    numbers = np.zeros(n, np.int64)
    pieces = [Links.from_lists([])]
    for batch, links in zip(batches, found):
        numbers[batch.lines] = np.diff(links.starts)
        pieces.append(links)
    starts = np.concatenate([[0], np.cumsum(numbers)])
    return Links(starts, *(np.concatenate([getattr(each, side) for each in pieces]) for side in ("source", "target")))
