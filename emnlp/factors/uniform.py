"""Factors without parameters: uniform, and fixed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.base import Factor


@dataclass(frozen=True, kw_only=True)
class Uniform(Factor):
    """Every outcome of a condition is equally probable: ``theta[c, o] = 1 / space[c]``; nothing is learned.

    Examples
    --------
    >>> from emnlp.support import Support
    >>> Uniform().bind(Support.ragged([1, 2])).theta(np.empty(0))
    array([1. , 0.5, 0.5])
    """

    def start(self, rng: np.random.Generator | None = None) -> Array:  # noqa: D102
        return np.empty(0)

    def theta(self, params: Array) -> Array:  # noqa: D102
        return self.support.spread(1 / self.support.space)

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        return params

    def gradient(self, counts: Array, params: Array, theta: Array | None = None) -> Array:  # noqa: D102
        return np.empty(0)


@dataclass(frozen=True)
class Fixed(Factor):
    """The same given probabilities under every condition; nothing is learned.

    Parameters
    ----------
    p : float or sequence of float
        One for each outcome; a single number p stands for ``(1 - p, p)``, such as ``null=Fixed(0.08)``.

    Raises
    ------
    InputError
        If they are not probabilities that sum to 1, or, when bound, not as many as there are outcomes.

    Examples
    --------
    >>> from emnlp.support import Support
    >>> Fixed(0.25).bind(Support.dense(1, 2)).theta(np.empty(0))
    array([0.75, 0.25])
    """

    p: float | Sequence[float] = 0.5

    @property
    def row(self) -> Array:
        """The probabilities of one condition."""
        return np.array([1 - self.p, self.p] if isinstance(self.p, float) else self.p, np.float64)

    def __post_init__(self) -> None:
        plain = np.asarray(self.p, np.float64).tolist()  # equal to itself after a model file
        object.__setattr__(self, "p", tuple(plain) if isinstance(plain, list) else plain)
        if not (self.row >= 0).all() or abs(self.row.sum() - 1) > 1e-9:
            raise InputError(f"Fixed({self.p}): expected probabilities that sum to 1")
        if self.bound_to is not None and (self.support.sizes != len(self.row)).any():
            raise InputError(f"Fixed({self.p}): {len(self.row)} probabilities for {self.support.sizes.max()} outcomes")

    def start(self, rng: np.random.Generator | None = None) -> Array:  # noqa: D102
        return np.empty(0)

    def theta(self, params: Array) -> Array:  # noqa: D102
        return self.row[self.support.outcomes]

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        return params

    def gradient(self, counts: Array, params: Array, theta: Array | None = None) -> Array:  # noqa: D102
        return np.empty(0)
