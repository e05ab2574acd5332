"""Back-off: pseudo-counts for a table from a coarser one, estimated from the same expected counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.inference.index import coarsen, invert
from emnlp.storage import Saved
from emnlp.support import Support


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
        starts, order = invert(condition_class[support.conditions], n_conditions)
        outcomes = self.outcome_class[support.outcomes]
        self.slots, coarse_conditions = coarsen(starts, order, outcomes, self.n_classes)
        self.coarse_conditions, self.n_conditions = coarse_conditions, n_conditions

    def pseudo_counts(self, counts: Array) -> Array:
        """Return ``strength * q(o | c)``, (S,)."""
        smoothing = self.backoff.smoothing
        coarse = np.bincount(self.slots, counts, minlength=len(self.coarse_conditions))
        totals = np.bincount(self.coarse_conditions, coarse, minlength=self.n_conditions)
        totals[totals == 0] = 1.0
        coarse *= self.backoff.strength / totals[self.coarse_conditions]
        by_outcome = np.bincount(self.support.outcomes, counts, minlength=self.support.n_outcomes) + smoothing
        by_class = np.bincount(self.outcome_class, by_outcome, minlength=self.n_classes)
        within = by_outcome / by_class[self.outcome_class]
        pseudo: Array = coarse[self.slots] * within[self.support.outcomes]
        return pseudo
