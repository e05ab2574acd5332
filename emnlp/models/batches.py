"""Batches of sentence pairs, and links back in the place of their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.links import Links
from emnlp.corpus.pairs import Pairs
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
class Places:
    """Where the kernels of a model find the prior of each sentence pair.

    The arrays have a place for each pair; or several, those of pair k from ``starts[k]`` on. `shared` follows them.
    """

    arrays: tuple[NDArray[Any], ...]
    starts: NDArray[np.int64] | None = None
    shared: tuple[Any, ...] = ()

    def of(self, first: int, last: int) -> tuple[Any, ...]:
        """Return the places of the pairs ``first .. last - 1``."""
        if self.starts is not None:
            first, last = int(self.starts[first]), int(self.starts[last])
        return *(array[first:last] for array in self.arrays), *self.shared


@dataclass(frozen=True, eq=False)
class Batch:
    """Sentence pairs ``first .. last - 1`` of an index, with the slots of their cells, NULL rows and priors.

    `slots` are lexical slots less the NULL row's, by cell; ``null_slots`` are those of the NULL row, (target tokens,).
    They are of the whole index, and may be `OnDisk`; what the batch hands out is its own part of them, numbered from
    its own first pair, token and cell.
    """

    pairs: Pairs
    first: int
    last: int
    slots: NDArray[np.int32]
    null_slots: NDArray[np.int32]
    all_places: Places

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
        all_starts = (pairs.source.starts, pairs.target.starts, pairs.cells)
        source, target, cells = (self._own(starts) for starts in all_starts)
        return 0, len(self), (source, target, self.null_rows, cells, pairs.transposed), self.cell_slots, self.places

    def _own(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        return starts[self.first : self.last + 1] - starts[self.first]

    @property
    def places(self) -> tuple[Any, ...]:
        """Where the kernels of the model find the prior of each pair."""
        return self.all_places.of(self.first, self.last)

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
        """The slots of the cells, (n_cells,)."""
        return self.slots[int(self.pairs.cells[self.first]) : int(self.pairs.cells[self.last])]

    @property
    def null_rows(self) -> NDArray[np.int32]:
        """The slots of NULL with each target token, (n_targets,)."""
        starts = self.pairs.target.starts
        return self.null_slots[int(starts[self.first]) : int(starts[self.last])]

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

    `local` holds what an E-step leaves for the next one on the same batch; of a corpus on disk, on disk.
    """

    forward: Batch | None
    reverse: Batch | None
    local: MutableMapping[str, Any] = field(default_factory=dict)

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
