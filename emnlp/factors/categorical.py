"""The categorical factor: normalised expected counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.backoff import Backoff, Coarse
from emnlp.factors.base import Factor, Guarantee, Indices

TINY = np.finfo(np.float64).tiny
"""What a probability of 0, of an earlier model's, counts as beside pseudo-counts, until the first M-step."""


@dataclass(frozen=True)
class Categorical(Factor):
    """A table of probabilities, by maximum likelihood or MAP.

    M-step: ``theta[c, o] = (e[c, o] + alpha - 1) / sum over o' of (e[c, o'] + alpha - 1)``. The parameters are theta
    itself. A condition without counts gets the constant ``1 / space``. Pseudo-counts of a prior, see `informed`, add to
    the counts, and their log-probability to the objective: so a prior of many counts holds a row where it is.

    Parameters
    ----------
    alpha : float
        Of the symmetric Dirichlet prior: 1 is maximum likelihood, above 1 smooths (2 adds one to every count).
    backoff : Backoff, optional
        Adds pseudo-counts that a coarser table, estimated from the same counts, predicts.

    Raises
    ------
    InputError
        If `alpha` is below 1: the mode of such a prior lies on the border; use `Dirichlet` for sparse priors.

    Examples
    --------
    >>> from emnlp.support import Support
    >>> coin = Categorical(alpha=2.0).bind(Support.dense(1, 2))
    >>> coin.maximize(np.array([1.0, 5.0]), coin.start())
    array([0.25, 0.75])
    """

    takes_priors: ClassVar[bool] = True
    by_slot: ClassVar[bool] = True

    alpha: float = 1.0
    backoff: Backoff | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.alpha < np.inf:
            raise InputError(f"Categorical(alpha={self.alpha}): alpha has to be at least 1; for less, use Dirichlet")

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return a constant or random theta, with pseudo-counts one that leans to them: the constant's weight is 1."""
        if rng is None:
            constant = self.support.spread(1 / self.support.space)
            if self.pseudo is None:
                return constant
            theta: Array = (constant + self.pseudo) / self.support.spread(1 + self.support.sum(self.pseudo))
            return theta
        draws = rng.standard_exponential(len(self.support))
        return self.support.normalise(draws if self.pseudo is None else draws + self.pseudo)

    def accepts(self, params: Array) -> bool:
        """Return whether no probability is negative, and every row sums to more than 0 and to 1 at most."""
        totals = self.support.sum(params)[self.support.sizes > 0]
        return bool((params >= 0).all() and (totals > 0).all() and (totals <= 1 + 1e-6).all())

    def adopt(self, params: Array) -> Array:
        """Return the rows normalised."""
        return self.support.normalise(params)

    def theta(self, params: Array) -> Array:  # noqa: D102
        return params

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        if self.alpha == 1 and self.by_row:
            return self.support.normalise(counts)
        smoothed = counts + (self.alpha - 1)
        if self.backoff is not None:
            self._coarse.add(counts, smoothed)
        if self.pseudo is not None:
            smoothed += self.pseudo
        return self.support.normalise(smoothed)

    @property
    def by_row(self) -> bool:
        """Whether there are no pseudo-counts that differ from slot to slot."""
        return self.backoff is None and self.pseudo is None

    def theta_at(self, counts: Array, totals: Array, conditions: Indices, rows: Indices) -> Array:  # noqa: D102
        more = self.alpha - 1
        totals = totals + more * self.support.sizes[conditions]
        some = totals > 0
        constant = np.where(some, 0.0, 1 / self.support.space[conditions])
        theta: Array = (counts + more) * np.divide(1.0, totals, out=np.zeros_like(totals), where=some)[rows]
        return theta if some.all() else theta + constant[rows]

    @cached_property
    def _coarse(self) -> Coarse:
        assert self.backoff is not None
        return Coarse(self.support, self.backoff)

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """Pseudo-counts that move with the counts promise nothing."""
        return "monotone" if self.backoff is None else "none"

    def penalty(self, params: Array) -> float:
        """Return the log density of the prior, without its constant: ``sum of (alpha - 1 + pseudo) * log theta``."""
        density = 0.0 if self.alpha == 1 else float((self.alpha - 1) * np.log(params).sum())
        if self.pseudo is not None:
            used = self.pseudo > 0
            density += float(self.pseudo[used] @ np.log(np.maximum(params[used], TINY)))
        return density
