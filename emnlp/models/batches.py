"""Batches of sentence pairs, and links back in the place of their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.bitext import Bitext, Pairs
from emnlp.corpus.links import Links


def batch_cells(total: int) -> int:
    """Return how many cells a batch should have: many, for the caches' sake, but enough batches for some threads.

    Examples
    --------
    >>> batch_cells(10_000), batch_cells(1 << 30)
    (65536, 1048576)
    """
    return min(1 << 20, max(1 << 16, total >> 5))


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


@dataclass(frozen=True)
class Posterior:
    """What an `Aligner` says of one sentence pair.

    `links` are ``(i, j, p)``; ``null_source[i]`` and ``null_target[j]`` are the probabilities that a word is a
    translation of nothing, by the reverse and the forward model; empty if that direction is not modelled.
    """

    line: int
    links: list[tuple[int, int, float]]
    null_source: list[float]
    null_target: list[float]


def link_posteriors(batch: TwoWay, links: Links, cells: Array, nulls: Mapping[str, Array]) -> Iterator[Posterior]:
    """Yield what to say of each pair of a batch: its links, with the values of their cells, source-major; its NULLs."""
    source, target = 0, 0
    for line, chosen, matrix in zip(batch.lines.tolist(), links, batch.by_pair(cells)):
        n_source, n_target = matrix.shape
        scored = [(i, j, float(matrix[i, j])) for i, j in chosen]
        null_source = nulls["reverse"][source : source + n_source].tolist() if "reverse" in nulls else []
        null_target = nulls["forward"][target : target + n_target].tolist() if "forward" in nulls else []
        yield Posterior(line, scored, null_source, null_target)
        source, target = source + n_source, target + n_target


def all_null(n_source: int, n_target: int) -> Array:
    """Return (I + 1, J) with all mass on NULL, as a read-only view: it may stand for a very long pair."""
    column = np.zeros((n_source + 1, 1))
    column[0] = 1
    return np.broadcast_to(column, (n_source + 1, n_target))


def no_link(n_source: int, n_target: int) -> Array:
    """Return (I, J) of zeros, as a read-only view."""
    return np.broadcast_to(0.0, (n_source, n_target))


def every_posterior(
    bitext: Bitext, batches: Sequence[Any], found: Iterable[Iterable[Array]], unusable: Callable[[int, int], Array]
) -> list[Array]:
    """Put the posteriors of batches where their lines stand; the other lines have that of an unusable pair."""
    by_line: dict[int, Array] = {}
    for batch, posteriors in zip(batches, found):
        by_line |= dict(zip(batch.lines.tolist(), posteriors))
    sizes = zip(bitext.source.lengths.tolist(), bitext.target.lengths.tolist())
    return [by_line[k] if k in by_line else unusable(*size) for k, size in enumerate(sizes)]


def in_place(n: int, batches: Sequence[Any], found: Iterable[Links]) -> Links:
    """Put the links of batches where their lines stand; the other lines have none."""
    numbers = np.zeros(n, np.int64)
    pieces = [Links.from_lists([])]
    for batch, links in zip(batches, found):
        numbers[batch.lines] = np.diff(links.starts)
        pieces.append(links)
    starts = np.concatenate([[0], np.cumsum(numbers)])
    return Links(starts, *(np.concatenate([getattr(each, side) for each in pieces]) for side in ("source", "target")))
