"""Batches of sentences, time-major, as the kernels in `inference.markov` read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array

MOST = 64  # sentences of a batch: products of fewer rows are slower, more of them leave the cache
TOKENS = 4096


@dataclass(frozen=True, eq=False)
class Sentences:
    """A batch of distinct sentences, from the longest to the shortest, and the lines of the corpus that they stand for.

    Parameters
    ----------
    starts : (T + 1,) int64
        Where the tokens at position t begin.
    words, sets : (N,) int32
        The word of each token, and its row of `masks`.
    masks : (M, K) bool
        The states that a token may have; row 0 allows all.
    weights : (R,) float64
        How many lines each sentence stands for.
    lines, rows : (n,) int64
        The lines of the corpus, and the sentence of each.
    """

    starts: NDArray[np.int64]
    words: NDArray[np.int32]
    sets: NDArray[np.int32]
    masks: NDArray[np.bool_]
    weights: Array
    lines: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each sentence, (R,)."""
        active = np.diff(self.starts)  # ever fewer
        return np.searchsorted(-active, -np.arange(len(self.weights)), "left")

    def each(self, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield what a time-major array has for each sentence, in order of position."""
        starts = self.starts[:-1]
        for r, length in enumerate(self.lengths.tolist()):
            yield values[starts[:length] + r]

    def items(self, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield what a time-major array has for each line: equal ones have each their own."""
        starts, lengths = self.starts[:-1], self.lengths.tolist()
        return (values[starts[: lengths[r]] + r] for r in self.rows.tolist())

    def copies(self, several: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Yield what time-major arrays have for each line, each line of a sentence from another one."""
        found, used = [list(self.each(values)) for values in several], [0] * len(self.weights)
        for r in self.rows.tolist():
            yield found[used[r]][r]
            used[r] += 1


def batches_of(
    starts: NDArray[np.int64],
    words: NDArray[np.int32],
    sets: NDArray[np.int32],
    masks: NDArray[np.bool_],
    batch_size: int | None = None,
) -> list[Sentences]:
    """Return batches of the sentences that have words; equal sentences of a corpus become one that counts for all.

    Parameters
    ----------
    starts : (n + 1,) int64
        The tokens of sentence k are those from ``starts[k]`` up to ``starts[k + 1]``.
    words, sets : (N,) int32
    masks : (M, K) bool
    batch_size : int, optional
        The number of tokens to aim at; 1 is a sentence a batch.
    """
    lengths = np.diff(starts)
    first, groups = distinct(starts, words, sets if len(masks) > 1 else None)
    order = np.argsort(-lengths[first], kind="stable")  # of the groups: long sentences first
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = first[order]
    usable = np.flatnonzero(lengths > 0)
    usable = usable[np.argsort(place[groups[usable]], kind="stable")]
    ranks = place[groups[usable]]
    found, a = [], 0
    n_distinct = int(ranks[-1]) + 1 if len(ranks) else 0
    while a < n_distinct:
        b = min(n_distinct, a + max(1, min(MOST, (batch_size or TOKENS) // int(lengths[first[a]]))))
        here = slice(*np.searchsorted(ranks, [a, b]))
        sentences = first[a:b]
        active = (lengths[sentences] > np.arange(lengths[sentences[0]])[:, None]).sum(axis=1)
        bounds = np.concatenate([[0], np.cumsum(active)])
        times = np.repeat(np.arange(len(active)), active)
        tokens = starts[sentences[np.arange(bounds[-1]) - bounds[times]]] + times
        weights = np.bincount(ranks[here] - a).astype(np.float64)
        rows = ranks[here] - a
        found.append(Sentences(bounds, words[tokens], sets[tokens], masks, weights, usable[here], rows))
        a = b
    return found


def distinct(
    starts: NDArray[np.int64], words: NDArray[np.int32], sets: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first sentence of each group of equal ones, and the group of each sentence.

    Examples
    --------
    >>> distinct(np.array([0, 1, 3, 4]), np.array([7, 8, 9, 7], np.int32))
    (array([0, 1]), array([0, 1, 0]))
    """
    tokens = words[:, None] if sets is None else np.stack([words, sets], 1)
    data, size = np.ascontiguousarray(tokens).tobytes(), tokens.itemsize * tokens.shape[1]
    bounds: Sequence[int] = (starts * size).tolist()
    numbers: dict[bytes, int] = {}
    groups = np.array([numbers.setdefault(data[a:b], len(numbers)) for a, b in zip(bounds, bounds[1:])], np.int64)
    first = np.full(len(numbers), len(groups), np.int64)
    np.minimum.at(first, groups, np.arange(len(groups)))
    return first, groups
