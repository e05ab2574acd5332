"""Back-off: pseudo-counts for a table from a coarser one, estimated from the same expected counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.inference.index import coarsen, invert
from emnlp.inference.rows import sum_rows
from emnlp.storage import Saved
from emnlp.support import Support

CHUNK = 1 << 16
"""So many slots at a time: of a large lexicon, memory has no room for more numbers by slot than there have to be."""


@dataclass(frozen=True)
class Classing(Saved):
    """A way to sort names into classes; a subclass defines `key`."""

    def key(self, name: str) -> str:
        """Return the class of a name."""
        raise NotImplementedError

    def classes(self, names: Sequence[str | None]) -> tuple[NDArray[np.int32], int]:
        """Return the class of each name, and how many there are; None (NULL) is a class of its own."""
        numbers: dict[str | None, int] = {}
        found = [numbers.setdefault(None if name is None else self.key(name), len(numbers)) for name in names]
        return np.array(found, np.int32), len(numbers)


@dataclass(frozen=True)
class Prefix(Classing):
    """Words that begin alike, without regard to case and accents, are a class: a stemmer for many languages.

    Examples
    --------
    >>> Prefix(4).key("Élevé"), Prefix(4).key("elevation"), Prefix(4).key("a")
    ('elev', 'elev', 'a')
    """

    letters: int = 4

    def key(self, name: str) -> str:  # noqa: D102
        plain = unicodedata.normalize("NFD", name.lower())
        return "".join(letter for letter in plain if not unicodedata.combining(letter))[: self.letters]


@dataclass(frozen=True)
class Backoff(Saved):
    """Where the pseudo-counts of a table come from: ``strength * q(o | c)``, from classes of conditions and outcomes.

    ``q(o | c) = p(class of o | class of c) * p(o | class of o)``, where the first is estimated from the same expected
    counts, summed over classes, and the second from the totals of outcomes, plus `smoothing`. So a rare word translates
    like its relatives. Since the prior moves with the counts, EM with it is monotone in nothing.

    Parameters
    ----------
    strength : float
        Pseudo-counts a condition.
    conditions, outcomes : Classing
    smoothing : float

    Examples
    --------
    >>> from emnlp.factors import Categorical
    >>> names = (["walk", "walks"], ["geh", "gehen", "und"])
    >>> table = Categorical(backoff=Backoff(conditions=Prefix(4), outcomes=Prefix(3))).bind(Support.dense(2, 3, names))
    >>> table.maximize(np.array([8.0, 8, 0, 0, 0, 0]), table.start()).round(2)
    array([0.5, 0.5, 0. , 0.5, 0.5, 0. ])
    """

    strength: float = 20.0
    conditions: Classing = field(default_factory=Prefix)
    outcomes: Classing = field(default_factory=Prefix)
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        if not (self.strength > 0 and self.smoothing > 0):
            raise InputError(f"{self!r}: strength and smoothing have to be above 0; for no back-off, give None")


class Coarse:
    """The coarser table over a support."""

    def __init__(self, support: Support, backoff: Backoff) -> None:
        if support.names is None:
            raise InputError("a back-off sorts words, but this factor's conditions and outcomes have no names")
        self.support, self.backoff = support, backoff
        condition_class, n_conditions = backoff.conditions.classes(support.names[0])
        self.outcome_class, self.n_classes = backoff.outcomes.classes(support.names[1])
        classes = np.empty(len(support), np.int32)
        for part in _chunks(len(support)):
            classes[part] = condition_class[support.conditions[part]]
        starts, order = invert(classes, n_conditions)
        for part in _chunks(len(support)):
            classes[part] = self.outcome_class[support.outcomes[part]]
        self.slots, self.coarse_conditions = coarsen(starts, order, classes, self.n_classes)
        self.n_conditions = n_conditions

    def add(self, counts: Array, sums: Array) -> None:
        """Add the pseudo-counts, ``strength * q(o | c)``, that follow from expected counts to `sums`; both are (S,)."""
        slots, outcomes = self.slots, self.support.outcomes
        coarse = sum_rows(slots, counts, len(self.coarse_conditions))
        totals = sum_rows(self.coarse_conditions, coarse, self.n_conditions)
        totals[totals == 0] = 1.0
        scales = self.backoff.strength / totals
        for part in _chunks(len(coarse)):
            coarse[part] *= scales[self.coarse_conditions[part]]
        by_outcome = sum_rows(outcomes, counts, self.support.n_outcomes) + self.backoff.smoothing
        within = by_outcome / sum_rows(self.outcome_class, by_outcome, self.n_classes)[self.outcome_class]
        for part in _chunks(len(sums)):
            sums[part] += coarse[slots[part]] * within[outcomes[part]]


def _chunks(n: int) -> Iterator[slice]:
    return (slice(first, first + CHUNK) for first in range(0, n, CHUNK))
