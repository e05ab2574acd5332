"""Why a logistic factor says what it says: its strongest features, of a condition, an outcome or a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.linear import LinearScores, SlotTerm
from emnlp.support import Support


@dataclass(frozen=True)
class Reason:
    """A feature with its weight.

    Parameters
    ----------
    feature : str
    condition : str or None
        The condition, or the feature of conditions, that the weight is of; None if it is of all.
    weight : float
        What it adds to the score: a score that is higher by 1 is a probability e times as high, before normalising.
    """

    feature: str
    condition: str | None
    weight: float

    def __str__(self) -> str:
        where = "" if self.condition is None else f" | {self.condition}"
        return f"{self.weight:+8.3f}  {self.feature}{where}"


def place(support: Support, side: int, name: str | None) -> int:
    """Return the id of a condition (side 0) or an outcome (side 1) by its name.

    Raises
    ------
    InputError
        If the support has no such name.
    """
    names = [] if support.names is None else support.names[side]
    for k, each in enumerate(names):
        if each == name:
            return k
    raise InputError(f"no {'outcome' if side else 'condition'} is called {name!r} here")


def of_pair(linear: LinearScores, params: Array, condition: int, outcome: int) -> list[Reason]:
    """Return the features that fire on a pair, the strongest first; a feature that fires more than once counts so."""
    found = []
    for part, first in zip(linear.parts, linear.bounds.tolist()):
        if isinstance(part, SlotTerm):
            slot = linear.support.slot(condition, outcome)
            fired = part.fires(slot) if slot >= 0 else []
        else:
            fired = part.fires(condition, outcome)
        for k, value in fired:
            name, feature = part.label(k)
            found.append(Reason(feature, name, float(value * params[first + k])))
    return sorted(found, key=lambda reason: -abs(reason.weight))


def of_condition(linear: LinearScores, params: Array, condition: int, n: int) -> list[Reason]:
    """Return the features with the greatest weights for a condition, among those that fire on its pairs."""
    found: list[Reason] = []
    for part, a, b in zip(linear.parts, linear.bounds.tolist(), linear.bounds[1:].tolist()):
        if isinstance(part, SlotTerm):
            fired = np.unique(part.matrix[linear.support.row(condition)].indices)
        else:
            fired = part.of(condition)
        best = fired[np.argsort(-params[a:b][fired], kind="stable")[:n]].tolist()
        found += [Reason(part.label(k)[1], part.label(k)[0], float(params[a + k])) for k in best]
    return sorted(found, key=lambda reason: -reason.weight)[:n]
