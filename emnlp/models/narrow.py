"""Batches of sentence pairs that know of a lexicon their own word pairs alone: stepwise EM touches no others."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from emnlp.inference.narrow import renumbered
from emnlp.models.batches import Batch

Slots = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Narrow(Batch):
    """A batch whose word pairs are numbered anew: `numbers`, (n_cells,); NULL's row is as it was."""

    numbers: Slots

    @classmethod
    def of(cls, batch: Batch, numbers: Slots) -> Narrow:
        """Return a batch with other numbers."""
        return cls(**{each.name: getattr(batch, each.name) for each in fields(Batch)}, numbers=numbers)

    @property
    def cell_slots(self) -> Slots:
        """The numbers of the cells' slots, (n_cells,)."""
        return self.numbers


def own_slots(slots: Slots, n: int) -> tuple[Slots, Slots]:
    """Return the distinct ones of slots below `n`, and the number of each cell's among them.

    Slots from `n` on, those of word pairs that were dropped, are numbered past the last one.

    Examples
    --------
    >>> own_slots(np.array([7, 2, 9, 7], np.int32), 9)
    (array([7, 2], dtype=int32), array([0, 1, 2, 0], dtype=int32))
    """
    found, numbers = renumbered(slots)
    kept = found < n
    if not kept.all():
        places = np.where(kept, np.cumsum(kept, dtype=np.int32) - np.int32(1), np.int32(kept.sum()))
        found, numbers = found[kept], places[numbers]
    return found, numbers


def narrow(batch: Batch, words: int, n: int) -> tuple[Narrow, Slots]:
    """Return a batch of a lexicon of `n` slots with numbers of its own, and the slots that they number.

    These are NULL's row, of `words` target types, and after it the word pairs of the batch.
    """
    slots, numbers = own_slots(batch.cell_slots, n - words)
    numbered = Narrow.of(batch, numbers)
    return numbered, np.concatenate([np.arange(words, dtype=np.int32), slots + np.int32(words)])
