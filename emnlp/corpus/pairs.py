"""The usable pairs of a bitext, indexed: which words occur together, and the slot of every pair of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.cooccurrences import Cooccurrences
from emnlp.corpus.text import Text
from emnlp.scratch import kept, ranges

PART = 1 << 25
"""A bitext is indexed so many cells at a time. The numbers of slots depend on it: it is the same for any memory."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """The usable sentence pairs of a bitext, indexed once for every model and for both directions.

    Cell ``cells[k] + i * J + j`` (for a transposed index ``cells[k] + j * I + i``) is source token i with target token
    j of pair k; ``slots``, which may be `OnDisk`, gives its slot in the shared lexicon, whose slot s is source type
    ``conditions[s]`` with target type ``outcomes[s]``; a slot past the last one is that of all pairs of types that
    `Bitext.prune` dropped.
    `sources` and `targets` are these lists, with all source types, or all target types, before them.
    """

    lines: NDArray[np.int64]
    source: Text
    target: Text
    cells: NDArray[np.int64]
    slots: NDArray[np.int32]
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    transposed: bool = False
    made: dict[bool, Any] = field(default_factory=dict, repr=False)
    """What models make of the lists, `transposed` or not: held here, so that all of them share it."""

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def conditions(self) -> NDArray[np.int32]:
        """The source type of each slot, (S,)."""
        return self.sources[len(self.source.vocabulary) :]

    @property
    def outcomes(self) -> NDArray[np.int32]:
        """The target type of each slot, (S,)."""
        return self.targets[len(self.target.vocabulary) :]

    def transpose(self) -> Pairs:
        """Swap source and target; cells and slots stay where they are."""
        return replace(
            self, source=self.target, target=self.source, sources=self.targets, targets=self.sources,
            transposed=not self.transposed,
        )  # fmt: skip

    @classmethod
    def of(cls, lines: NDArray[np.int64], source: Text, target: Text) -> Pairs:
        """Index texts whose sentences all have words; `lines` is where they stand in the bitext.

        Raises
        ------
        OverflowError
            If there are more pairs of types than an int32 can number.
        """
        cells = np.concatenate([[0], np.cumsum(source.lengths * target.lengths)])
        seen = Cooccurrences(len(source.vocabulary), len(target.vocabulary))
        parts = ((source.part(a, b), target.part(a, b)) for a, b in ranges(cells, PART))
        found = (seen.add(one.starts, one.ids, other.starts, other.ids) for one, other in parts)
        slots = kept(found, np.int32, source.folder, int(cells[-1]))
        return cls(lines, source, target, cells, slots, *seen.lists())

    def parts(self) -> Iterator[Pairs]:
        """Yield the pairs in parts that memory has room for; what is in memory, in one part."""
        if self.source.folder is None:
            yield self
            return
        for a, b in ranges(self.cells, PART):
            texts = self.source.part(a, b), self.target.part(a, b)
            cells = self.cells[a : b + 1] - self.cells[a]
            slots = self.slots[int(self.cells[a]) : int(self.cells[b])]
            yield replace(self, lines=self.lines[a:b], source=texts[0], target=texts[1], cells=cells, slots=slots)

    def renumbered(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return another number for the slot of each cell, by slot."""
        cells = (numbers[part.slots] for part in self.parts())
        return kept(cells, np.int32, self.source.folder, int(self.cells[-1]))

    def moved(self, source: Text, target: Text) -> Pairs:
        """Return the same pairs where these texts are: the same ones, moved to a folder or into memory."""
        slots = kept((part.slots for part in self.parts()), np.int32, source.folder, int(self.cells[-1]))
        return replace(self, source=source, target=target, slots=slots)

    def pruned(self, wanted: NDArray[np.bool_]) -> Pairs:
        """Return the same pairs with those slots alone that are wanted, (S,)."""
        numbers = np.cumsum(wanted, dtype=np.int32) - np.int32(1)
        numbers[~wanted] = wanted.sum()
        slots = self.renumbered(np.append(numbers, wanted.sum(dtype=np.int32)))  # at the end: dropped before
        sizes = len(self.source.vocabulary), len(self.target.vocabulary)
        sources, targets = (
            np.concatenate([each[:size], each[size:][wanted]])
            for each, size in zip((self.sources, self.targets), sizes)
        )
        return replace(self, slots=slots, sources=sources, targets=targets, made={})
