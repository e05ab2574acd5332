"""How the jump factor of the HMM aligner lies in memory: by words and buckets, or as a table for each i' and I."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.text import Text
from emnlp.factors import Bucketed, Factor
from emnlp.inference.index import spots
from emnlp.jumps import Jumps
from emnlp.support import Support

Ints = NDArray[np.int32]

TABLE_LONGEST = 100
"""A jump factor that is a table has none for longer sentences: jumps are uniform there."""


def frequent(text: Text, n: int) -> Ints:
    """Return a class for each word type: 1 .. n for the most frequent ones, 0 for all others."""
    classes = np.zeros(len(text.vocabulary), np.int32)
    if n > 0:
        best = np.argsort(-text.counts(), kind="stable")[:n]
        classes[best] = np.arange(1, len(best) + 1)
    return classes


class States:
    """What the kernels know of a jump factor; see `inference.chain` for the layout of weights and scales."""

    @staticmethod
    def of(factor: Factor, classes: Ints, longest: int) -> States:
        """Return the layout that suits a factor; `classes` are those of the word types of the training text."""
        if isinstance(factor, Bucketed):
            return ByBucket(int(classes.max(initial=0)), factor.width)
        return ByTable(min(longest, TABLE_LONGEST))

    def support(self, source: Iterable[Text] = (), classes: Ints | None = None) -> Any:
        """Return the factor's support, for the parts of a text; without text, that of a model which is only applied."""
        raise NotImplementedError

    def places(self, source: Text, classes: Ints, support: Any) -> tuple[Ints, Ints]:
        """Return the class and row of each state; `classes` are those of the text's word types."""
        raise NotImplementedError

    def prepare(self, theta: Array) -> tuple[Array, Array]:
        """Return weights and scales."""
        raise NotImplementedError

    def collect(self, weights: Array, scales: Array) -> Array:
        """Return the factor's counts: the adjoint of `prepare`."""
        raise NotImplementedError

    def slots(self, klass: Ints, row: Ints, m: Ints, i: Ints, n_source: Ints) -> Ints:
        """Return which counts jumps from m to i add to; i is 1 + `n_source` at the end."""
        raise NotImplementedError


@dataclass(frozen=True)
class ByBucket(States):
    """Weights of a `Bucketed` factor: class 0 for rare words, 1 .. `n_words`, and the start's."""

    n_words: int
    width: int

    def _rows(self, source: Text, classes: Ints) -> tuple[Ints, Ints, Ints]:
        rows: tuple[Ints, Ints, Ints] = spots(source.starts, classes[source.ids], self.n_words + 1)
        return rows

    def support(self, source: Iterable[Text] = (), classes: Ints | None = None) -> Jumps:  # noqa: D102
        shape = self.n_words + 2, self.width
        if classes is None:
            return Jumps.none(*shape)
        parts = [Jumps.of(*shape, *self._rows(part, classes)) for part in source]
        rows = ([getattr(part, side) for part in parts] for side in ("classes", "lefts", "rights"))
        return parts[0] if len(parts) == 1 else Jumps.of(*shape, *map(np.concatenate, rows))

    def places(self, source: Text, classes: Ints, support: Jumps) -> tuple[Ints, Ints]:  # noqa: D102
        rows = self._rows(source, classes)
        return rows[0], support.find(*rows)

    def prepare(self, theta: Array) -> tuple[Array, Array]:  # noqa: D102
        n_classes, columns = self.n_words + 2, 3 * self.width + 1
        return theta[: n_classes * columns].reshape(n_classes, columns), theta[n_classes * columns :]

    def collect(self, weights: Array, scales: Array) -> Array:  # noqa: D102
        return np.concatenate([weights.ravel(), scales])

    def slots(self, klass: Ints, row: Ints, m: Ints, i: Ints, n_source: Ints) -> Ints:  # noqa: D102
        columns = 3 * self.width + 1
        jump = self.width + np.clip(i - m, -self.width, self.width)
        column = np.where(i > n_source, self.width + jump, jump)
        return np.concatenate([klass * columns + column, (self.n_words + 2) * columns + row])


@dataclass(frozen=True)
class ByTable(States):
    """A table P(i | i', I) for any factor: row (I, i') is a class of its own, and its jumps are never clipped."""

    longest: int

    @cached_property
    def _shapes(self) -> tuple[Ints, Ints]:
        """I and i' of each row."""
        lengths = np.arange(1, self.longest + 1, dtype=np.int32)
        sizes = lengths + 1
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.repeat(lengths, sizes), (np.arange(len(first)) - first).astype(np.int32)

    @cached_property
    def _cells(self) -> tuple[Support, Ints]:
        """The support, and the column of each slot."""
        lengths, m = self._shapes
        support = Support.ragged(lengths + 1)
        i = support.outcomes + 1
        end = i > lengths[support.conditions]
        return support, (1 + end) * self.longest + np.minimum(i - m[support.conditions], self.longest)

    def support(self, source: Iterable[Text] = (), classes: Ints | None = None) -> Support:  # noqa: D102
        return self._cells[0]

    def places(self, source: Text, classes: Ints, support: Support) -> tuple[Ints, Ints]:  # noqa: D102
        _, lefts, rights = spots(source.starts, source.ids, 0)
        lengths = lefts + 1 + rights
        known = lengths <= self.longest
        rows = np.where(known, (lengths - 1) * (lengths + 2) // 2 + lefts + 1, support.n_conditions)
        return rows.astype(np.int32), np.where(known, 0, -1).astype(np.int32)

    def prepare(self, theta: Array) -> tuple[Array, Array]:
        """Return the table by columns, a row of ones for longer sentences, and 1, the scale of the others."""
        support, columns = self._cells
        weights = np.zeros((support.n_conditions + 1, 3 * self.longest + 1))
        weights[support.conditions, columns] = theta
        weights[-1] = 1
        return weights, np.ones(1)

    def collect(self, weights: Array, scales: Array) -> Array:  # noqa: D102
        support, columns = self._cells
        counts: Array = weights[support.conditions, columns]
        return counts

    def slots(self, klass: Ints, row: Ints, m: Ints, i: Ints, n_source: Ints) -> Ints:  # noqa: D102
        known = row >= 0
        slots: Ints = self._cells[0].starts[klass[known]] + i[known] - 1
        return slots
