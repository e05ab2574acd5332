"""The Dirichlet factor: variational Bayes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.base import Factor, Indices


@dataclass(frozen=True)
class Dirichlet(Factor):
    """A table of probabilities with a symmetric Dirichlet prior, by mean-field variational Bayes.

    M-step: the posterior pseudo-counts ``a[c, o] = alpha + e[c, o]`` are the parameters. E-step: theta is
    ``exp E[log theta] = exp(digamma(a[c, o]) - digamma(sum over o' of a[c, o']))``, which sums to less than 1: a small
    `alpha` wins over rare events, which is why it makes Model 1 less of a garbage collector (Riley & Gildea 2012). The
    objective is the evidence lower bound. The sample space of a condition is its support. Pseudo-counts of a prior, see
    `informed`, add to `alpha`.

    Parameters
    ----------
    alpha : float
        Above 0; below 1 prefers sparse rows.

    Examples
    --------
    >>> from emnlp.support import Support
    >>> coin = Dirichlet(alpha=0.5).bind(Support.dense(1, 2))
    >>> params = coin.maximize(np.array([1.0, 5.0]), coin.start())
    >>> params, coin.probabilities(params).round(3)
    (array([1.5, 5.5]), array([0.214, 0.786]))
    """

    takes_priors: ClassVar[bool] = True
    by_slot: ClassVar[bool] = True

    alpha: float = 0.01

    def __post_init__(self) -> None:
        if not 1e-300 <= self.alpha <= 1e10:  # beyond, digamma and gammaln lose all digits
            raise InputError(
                f"Dirichlet(alpha={self.alpha}): alpha has to be above 0, from 1e-300 to 1e10; "
                "for plain EM, use Categorical()"
            )

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return the pseudo-counts for which theta is one constant (rows of one outcome aside), or random ones.

        Those of a prior are added.
        """
        if rng is not None:
            first: Array = self.alpha + rng.standard_exponential(len(self.support))
        else:
            sizes, row_of = np.unique(self.support.sizes, return_inverse=True)
            level = -np.log(2.0 * sizes[-1]) if len(sizes) else 0.0
            first = self.support.spread(np.array([_constant(int(size), level) for size in sizes])[row_of])
        return first if self.pseudo is None else first + self.pseudo

    def accepts(self, params: Array) -> bool:
        """Return whether all pseudo-counts are above 0."""
        return bool((params > 0).all())

    def theta(self, params: Array) -> Array:  # noqa: D102
        theta: Array = np.exp(self._log_theta(params))
        return theta

    def _log_theta(self, params: Array) -> Array:
        from scipy.special import digamma  # here, as below: it is slow to import, and plain EM does without

        totals = self.support.sum(params)
        totals[totals == 0] = 1.0  # a condition without slots: nothing reads it
        log_theta: Array = digamma(params) - self.support.spread(digamma(totals))
        return log_theta

    def probabilities(self, params: Array) -> Array:
        """Return the posterior mean."""
        return self.support.normalise(params)

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        return self._prior + counts

    @property
    def by_row(self) -> bool:
        """Whether there are no pseudo-counts that differ from slot to slot."""
        return self.pseudo is None

    def theta_at(self, counts: Array, totals: Array, conditions: Indices, rows: Indices) -> Array:  # noqa: D102
        from scipy.special import digamma

        levels = digamma(self.alpha * self.support.sizes[conditions] + totals)
        theta: Array = np.exp(digamma(self.alpha + counts) - levels[rows])
        return theta

    @property
    def _prior(self) -> Array | float:
        return self.alpha if self.pseudo is None else self.alpha + self.pseudo

    def penalty(self, params: Array) -> float:
        """Return minus the Kullback-Leibler divergence of the posterior from the prior, in nats."""
        from scipy.special import gammaln

        sizes = self.support.sizes[self.support.sizes > 0]
        totals = self.support.sum(params)[self.support.sizes > 0]
        if self.pseudo is None:
            prior = gammaln(self.alpha * sizes).sum() - len(params) * gammaln(self.alpha)
        else:
            prior_totals = self.support.sum(self.alpha + self.pseudo)[self.support.sizes > 0]
            prior = gammaln(prior_totals).sum() - gammaln(self.alpha + self.pseudo).sum()
        posterior = gammaln(totals).sum() - gammaln(params).sum()
        return float(prior - posterior - (params - self._prior) @ self._log_theta(params))


def _constant(size: int, level: float) -> float:
    """Solve ``digamma(a) - digamma(size * a) = level`` for a; a row of one outcome has theta 1 whatever a is."""
    from scipy.optimize import brentq
    from scipy.special import digamma

    if size <= 1:
        return 1.0
    return float(brentq(lambda a: digamma(a) - digamma(size * a) - level, 1e-9, 1e9, xtol=1e-12))
