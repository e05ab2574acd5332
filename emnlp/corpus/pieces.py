"""Pieces: sentence pairs too long for a model, cut into shorter ones, and what is found in them put together again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.bitext import LONGEST, Bitext
from emnlp.corpus.links import Links

Ints = NDArray[np.int64]

OFTEN = 10
"""Words that occur more often in a sentence are no landmarks of it."""

ASIDE = 0.1
"""A landmark is at most this share of a sentence away from the diagonal."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pairs of a bitext that are too long, each cut into consecutive pairs of at most `max_length` tokens a side.

    A pair is cut at proportional places: ``ceil(longest side / max_length)`` pieces with equal shares of either side.
    Where both sides have the same words, equally often and in the same order (names, numbers, full stops), shares are
    equal from one such landmark to the next; that may take a few pieces more.

    Parameters
    ----------
    bitext : Bitext
        The pieces; some may have an empty side.
    lines : (n,) int64
        Which pair each piece is of, ascending.
    firsts : (n, 2) int64
        Where in its pair each piece begins: source, target.

    Examples
    --------
    >>> bitext = Bitext.from_pairs([(["a"], ["x"]), (["a", "b", "c", "d", "e"], ["x", "y", "z"])], max_length=2)
    >>> pieces = Pieces.of(bitext)
    >>> pieces.lines, list(pieces.bitext)
    (array([1, 1, 1]), [(['a'], ['x']), (['b', 'c'], ['y']), (['d', 'e'], ['z'])])
    >>> found = Links.from_lists([[(0, 0)], [(0, 0), (1, 0)], [(1, 0)]])
    >>> pieces.into(Links.from_lists([[(0, 0)], []]), found)[1]
    [(0, 0), (1, 1), (2, 1), (4, 2)]
    """

    bitext: Bitext
    lines: Ints
    firsts: Ints

    @classmethod
    def of(cls, bitext: Bitext, max_length: int = LONGEST) -> Pieces:
        """Cut the pairs that have more than `max_length` tokens on a side, or more than the bitext's own limit."""
        bitext = bitext.limited(max_length)
        long = np.flatnonzero(bitext.too_long)
        source, target = bitext.source.select(long), bitext.target.select(long)
        twins = target.vocabulary.ids(source.vocabulary) if len(long) else np.empty(0, np.int32)
        edges = [
            _edges(twins[source.ids[a:b]], target.ids[c:d], bitext.max_length)
            for a, b, c, d in zip(source.starts, source.starts[1:], target.starts, target.starts[1:])
        ]
        firsts = np.concatenate([each[:-1] for each in edges] or [np.empty((0, 2), np.int64)])
        numbers = [len(each) - 1 for each in edges]
        starts = np.repeat(np.stack([source.starts[:-1], target.starts[:-1]], 1), numbers, 0) + firsts
        source = replace(source, starts=np.append(starts[:, 0], source.starts[-1]))
        target = replace(target, starts=np.append(starts[:, 1], target.starts[-1]))
        return cls(Bitext(source, target, bitext.max_length), np.repeat(long, numbers), firsts)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield (line, first source token, first target token) of each piece."""
        return zip(self.lines.tolist(), *self.firsts.T.tolist())

    def into(self, links: Links, found: Links) -> Links:
        """Return the links of all pairs: `links`, which have none where a pair is cut, with those `found` in pieces."""
        if not len(self):
            return links
        numbers = np.diff(found.starts)
        shifts = np.repeat(self.firsts, numbers, 0).astype(np.int32)
        line = np.concatenate([np.repeat(np.arange(len(links)), np.diff(links.starts)), np.repeat(self.lines, numbers)])
        order = np.argsort(line, kind="stable")
        source = np.concatenate([links.source, found.source + shifts[:, 0]])[order]
        target = np.concatenate([links.target, found.target + shifts[:, 1]])[order]
        starts = np.concatenate([[0], np.cumsum(np.bincount(line, minlength=len(links)))])
        return Links(starts, source, target)


def _edges(source: NDArray[np.int32], target: NDArray[np.int32], max_length: int) -> Ints:
    """Return where pieces begin and where the last one ends, (k + 1, 2); equal ids are the same word on both sides.

    The way from one corner to the other leads straight from landmark to landmark. A step on it moves one side by a
    token, and the other by one at most; cuts are equal numbers of steps apart.
    """
    corners = np.array([(0, 0), *_landmarks(source, target), (len(source), len(target))], np.int64)
    moves = np.diff(corners, axis=0)
    steps = moves.max(1)
    reached = np.concatenate([[0], np.cumsum(steps)])
    k = -(-reached[-1] // max_length)
    cuts = np.arange(k) * reached[-1] // k
    leg = np.searchsorted(reached, cuts, side="right") - 1
    into, size = (cuts - reached[leg])[:, None], steps[leg][:, None]
    places = corners[leg] + (2 * into * moves[leg] + size) // (2 * size)  # to the nearest token
    return np.concatenate([places, corners[-1:]])


def _landmarks(source: NDArray[np.int32], target: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Return (i, j), both ascending, of words that occur equally often in both sides: the longest chain of them."""
    points: list[tuple[int, int]] = []
    there = _places(target)
    for word, here in _places(source).items():
        if len(here) == len(there.get(word, ())) <= OFTEN:
            points += zip(here, there[word])
    ratio = len(target) / len(source)
    points = [(i, j) for i, j in points if i and j and abs(i * ratio - j) <= ASIDE * len(target)]
    return _chain(sorted(points))


def _places(words: NDArray[np.int32]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for n, word in enumerate(words.tolist()):
        if word >= 0:
            places.setdefault(word, []).append(n)
    return places


def _chain(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of points, which ascend in i, that ascends in j, too."""
    ends: list[int] = []  # the smallest j that ends a chain of each length
    last: list[int] = []  # and the point that does
    before: list[int] = []
    for n, (_, j) in enumerate(points):
        length = bisect_left(ends, j)
        if length == len(ends):
            ends.append(j)
            last.append(n)
        ends[length], last[length] = j, n
        before.append(last[length - 1] if length else -1)
    chain, n = [], last[-1] if last else -1
    while n >= 0:
        chain.append(points[n])
        n = before[n]
    return chain[::-1]
