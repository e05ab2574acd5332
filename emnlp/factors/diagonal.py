"""The diagonal factor: source positions near the diagonal of the sentence pair, by one learned parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.base import Factor, Guarantee

DISTANCE, LAGGED = "diagonal", "diagonal_lagged"
"""The features that a support has to have: how far each slot is from the diagonal, and from that of the word before."""


@dataclass(frozen=True)
class Diagonal(Factor):
    """A log-linear prior of source positions with one feature: the distance from the diagonal.

    With positions counted from 1, source position i of I and target position j of J:

        ``theta[i | j, I, J] = exp(-tension * |i / I - j / J|) / sum over i' of exp(-tension * |i' / I - j / J|)``

    M-step: the expected log-likelihood is concave in the tension, and its slope is the distance that theta expects less
    the one that was counted; Newton's method finds where it is 0, or the end of `bounds` where it points beyond. The
    parameter is the tension, (1,). It holds for sentences of any lengths, those unseen in training, too.

    NULL has no distance: it needs a factor of its own, as in
    ``IBM2(lexical=Dirichlet(0.01), position=Diagonal(), null=Fixed(0.08))``.

    Given time, the likelihood wants more tension than is good for the links. The program fast_align counts the distance
    of target word j as that of word j - 1, ``|i / I - (j - 1) / J|``, where its theta has j. That is more distance
    than there is, and so less tension. `lagged` does the same: no maximum of anything, so the objective may fall, but
    better links.

    Parameters
    ----------
    tension : float
        The first one: 0 is uniform, and the higher, the nearer to the diagonal.
    bounds : (float, float)
        What the tension may become; twice the same number learns nothing.
    lagged : bool
        Whether the distances counted are those of the target word before.

    Raises
    ------
    InputError
        If `tension` does not lie within `bounds`, or these are not ascending numbers from 0; when bound, if the support
        does not tell the distances.

    References
    ----------
    Dyer, Chahuneau & Smith (2013), A simple, fast, and effective reparameterization of IBM Model 2.

    Examples
    --------
    >>> from emnlp.support import Support
    >>> support = Support.dense(1, 3).having(diagonal=lambda: np.array([0.0, 0.5, 1.0]))
    >>> factor = Diagonal().bind(support)
    >>> factor.theta(factor.start()).round(2)
    array([0.87, 0.12, 0.02])
    >>> factor.maximize(np.array([4.0, 2.0, 1.0]), factor.start()).round(4)  # each half as often as the one before
    array([1.3863])
    """

    portable: ClassVar[bool] = True

    tension: float = 4.0
    bounds: Sequence[float] = (0.1, 14.0)
    lagged: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "bounds", tuple(float(bound) for bound in self.bounds))
        if len(self.bounds) != 2 or not 0 <= self.bounds[0] <= self.tension <= self.bounds[1] <= 500:
            raise InputError(
                f"{self!r}: expected a tension within its bounds, and bounds from 0 to 500, such as (0.1, 14)"
            )
        if self.bound_to is not None and DISTANCE not in self.support.features:
            raise InputError(
                f"{self!r} is a prior of source positions given j, I and J, with NULL apart: "
                "use it as IBM2(position=Diagonal(), null=Fixed(0.08))"
            )

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """Distances other than theta's promise nothing."""
        return "none" if self.lagged else "monotone"

    @cached_property
    def _distances(self) -> Array:
        return self.support.feature(DISTANCE)

    @cached_property
    def _counted(self) -> Array:
        return self.support.feature(LAGGED) if self.lagged else self._distances

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return the first tension; with `rng`, it times a random factor."""
        factor = 1.0 if rng is None else np.exp(0.3 * rng.standard_normal())
        return self.adopt(np.array([self.tension * factor]))

    def accepts(self, params: Array) -> bool:
        """Return whether the tension lies within its bounds."""
        return bool(self.bounds[0] <= params[0] <= self.bounds[1])

    def adopt(self, params: Array) -> Array:
        """Return the tension, brought within the bounds."""
        return np.clip(params, self.bounds[0], self.bounds[1])

    def theta(self, params: Array) -> Array:  # noqa: D102
        return self.support.normalise(self._weights(params[0]))

    def _weights(self, tension: float) -> Array:
        """Return theta before it is normalised: distances are 1 at most, so nothing underflows."""
        weights = self._distances * -tension
        return np.exp(weights, out=weights)

    def slope(self, counts: Array, params: Array) -> Array:
        """Return the derivative of ``sum of counts * log theta`` by the tension, (1,)."""
        return np.array([self._slopes(self.support.sum(counts), float(counts @ self._distances), params[0])[0]])

    def _slopes(self, mass: Array, distance: float, tension: float) -> tuple[float, float]:
        """Return first and second derivative, given the counts by condition and the distance counted in all."""
        weights = self._weights(tension)
        totals = [self.support.sum(weights)]
        for _ in range(2):
            weights *= self._distances
            totals.append(self.support.sum(weights))
        mean, square = totals[1] / totals[0], totals[2] / totals[0]
        return float(mass @ mean) - distance, -float(mass @ (square - mean**2))

    def maximize(self, counts: Array, params: Array) -> Array:
        """Climb by Newton's steps, halving the interval known to hold the maximum where a step leaves it."""
        mass, distance = self.support.sum(counts), float(counts @ self._counted)
        tension, (low, high), tested = float(params[0]), self.bounds, [False, False]
        if low == high or not mass.any():
            return params
        for _ in range(100):
            slope, curvature = self._slopes(mass, distance, tension)
            if tension == (high if slope > 0 else low) or curvature >= 0 or slope == 0:
                break
            low, high = (tension, high) if slope > 0 else (low, tension)
            tested[slope < 0] = True
            step = tension - slope / curvature
            new = min(max(step, low), high)
            if new != step and tested[slope > 0]:
                new = (low + high) / 2
            done = abs(new - tension) <= 1e-7 * tension  # the error after a step is that before it, squared
            tension = new
            if done:
                break
        return np.array([tension])
