"""Which words of two languages occur together: one lexicon of pairs of types, built part by part of a bitext."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emnlp.inference.index import invert, number

Ints = NDArray[np.int32]


class Cooccurrences:
    """The pairs of types that occur together in a sentence pair, numbered as they come.

    Memory grows with the pairs of types, not with the parts; what is returned does not depend on `room`.

    Parameters
    ----------
    n_source, n_target : int
        The sizes of the vocabularies.
    room : int
        For so many pairs of types more, at least, is room made at a time.

    Examples
    --------
    >>> seen = Cooccurrences(2, 2)
    >>> ends, words = np.array([0, 2]), np.array([0, 1], np.int32)
    >>> seen.add(ends, words, ends, words), seen.add(ends, words[:2], np.array([0, 1]), words[1:])
    (array([0, 1, 2, 3], dtype=int32), array([1, 3], dtype=int32))
    >>> sources, targets = seen.lists()
    >>> sources[2:], targets[2:]
    (array([0, 0, 1, 1], dtype=int32), array([0, 1, 0, 1], dtype=int32))
    """

    def __init__(self, n_source: int, n_target: int, room: int = 1 << 22) -> None:
        self._sizes, self._room = (n_source, n_target), room
        self._sources, self._targets = np.arange(n_source, dtype=np.int32), np.arange(n_target, dtype=np.int32)
        self._stamp, self._slot_of = np.full(n_target, -1, np.int32), np.empty(n_target, np.int32)
        self._heads, self._runs = np.full(n_source, -1, np.int32), np.empty((0, 3), np.int32)
        self._n_slots, self._n_runs = 0, 0

    def add(
        self, source_starts: NDArray[np.int64], source: Ints, target_starts: NDArray[np.int64], target: Ints
    ) -> Ints:
        """Number the pairs of types of more sentence pairs; return the slot of each of their cells.

        Raises
        ------
        OverflowError
            If there are more pairs of types than an int32 can number.
        """
        n_source, n_target = self._sizes
        sizes = np.diff(source_starts)
        cells = np.concatenate([[0], np.cumsum(sizes * np.diff(target_starts))])
        pair_of = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        part = (*invert(source, n_source), pair_of, source_starts, target_starts, target, cells)
        slots, c = np.empty(cells[-1], np.int32), 0
        while c < n_source:
            lists = self._sources[n_source:], self._targets[n_target:]
            at = (c, self._n_slots, self._n_runs)
            stamps = self._stamp, self._slot_of, self._heads, self._runs
            c, self._n_slots, self._n_runs = number(at, part, *stamps, *lists, slots)
            del lists, stamps
            if c < n_source:
                self._grow()
        return slots

    def _grow(self) -> None:
        if self._n_runs == len(self._runs):
            self._runs = np.concatenate([self._runs, np.empty((len(self._heads) + self._n_runs // 4, 3), np.int32)])
            return
        size = self._n_slots + max(self._room, self._sizes[1], self._n_slots // 8)
        if size >= np.iinfo(np.int32).max:
            raise OverflowError("more than 2**31 distinct word pairs; train on fewer sentence pairs")
        self._resize(size)

    def _resize(self, n_slots: int) -> None:
        """Make room in place: large arrays are moved by the system's page tables, not copied."""
        for array, first in zip((self._sources, self._targets), self._sizes):
            array.resize(first + n_slots, refcheck=False)

    def lists(self) -> tuple[Ints, Ints]:
        """Return the source types themselves and then the source type of each slot; the same of the target types."""
        self._resize(self._n_slots)
        return self._sources, self._targets
