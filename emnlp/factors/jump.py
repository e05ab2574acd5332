"""Factors of the HMM aligner's jumps: log-linear in the jump and in the word jumped from, and the textbook's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.base import Factor, Guarantee
from emnlp.inference.chain import normalisers, pressures
from emnlp.jumps import Jumps


@dataclass(frozen=True, kw_only=True)
class Bucketed(Factor):
    """A jump distribution by buckets: ``theta(i | i', c) = v[c, i - i'] / Z(i', c)``, Z being the sum over i.

    Theta is ``v`` by class and column and then ``1 / Z`` by row; the counts are the expected jumps by class and column
    and then how often each row was left. So ``counts . log theta`` is the expected log-probability, as for a table.
    """

    takes_priors: ClassVar[bool] = True

    width: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 1000:
            raise InputError(f"{type(self).__name__}(width={self.width}): the widest jump can be 1 to 1000 words")

    @property
    def n_words(self) -> int:
        """How many of the most frequent words are a class each."""
        return 0

    @property
    def jumps(self) -> Jumps:
        """The rows that the factor is bound to."""
        assert isinstance(self.bound_to, Jumps), "bind the factor to jumps first"
        return self.bound_to

    def weights(self, params: Array) -> Array:
        """Return v by class and column, (C, B)."""
        raise NotImplementedError

    def rows(self) -> tuple[Array, Array, Array]:
        """Return class, words before and words after, of each row."""
        return self.jumps.classes, self.jumps.lefts, self.jumps.rights  # type: ignore[return-value]

    def pseudo_counts(self, jumps: Mapping[int, float], rows: NDArray[np.int32]) -> Array:
        """Return pseudo-counts of jumps by so many positions, as made from the rows of a text, (N,): see `informed`.

        A jump counts as often as it has room in the text: what is too wide for most of its sentences would need an
        enormous weight to be frequent. Of the start and the end of a sentence a prior knows nothing of its own.
        """
        shares = np.bincount(rows, minlength=len(self.jumps.classes)) / len(rows)
        room = pressures(shares, self.jumps.shape, *self.rows()).sum(0)
        by_class = np.bincount(self.jumps.classes, shares, minlength=self.jumps.n_classes)
        columns = self.width + np.clip(np.array(list(jumps), np.int64), -self.width, self.width)
        by_column = np.bincount(columns, np.array(list(jumps.values()), np.float64), minlength=len(room))
        by_column *= np.minimum(room, 1)
        return np.concatenate([np.outer(by_class, by_column).ravel(), by_column.sum() * shares])

    def theta(self, params: Array) -> Array:  # noqa: D102
        weights = self.weights(params)
        return np.concatenate([weights.ravel(), 1 / normalisers(weights, *self.rows())])

    def accepts(self, params: Array) -> bool:
        """Return whether all weights are above 0."""
        return bool((params > 0).all())


@dataclass(frozen=True)
class Jump(Bucketed):
    """Log-linear jumps: a weight for the jump, and one for the jump and the word jumped from.

    ``v[c, b] = W[b] R[c, b]``, with Gamma priors of mode 1 on either: `smoothing` and `strength` pseudo-counts. M-step:
    iterative scaling, that is, coordinate ascent on the bound that ``log Z <= log Z0 + Z / Z0 - 1`` gives; so the
    penalised likelihood never falls. A table of jumps by their counts is another estimator, and a worse one: it
    forgets that jumps compete only within a sentence. Pseudo-jumps of a prior, see `informed`, are more jumps of the
    same text, made with the common weights `W` alone and never to the end.

    Parameters
    ----------
    words : int
        So many of the most frequent words of the language jumped in are a class each; the others share one. The start
        of a sentence is another class.
    width : int
        Longer jumps share a weight.
    strength, smoothing : float
        Pseudo-counts of the weights by class, and of those in common.
    sweeps : int
        Of the iterative scaling, an M-step.

    References
    ----------
    Och & Ney (2003), section 2.3.2, on jumps by word class; Darroch & Ratcliff (1972) on iterative scaling;
    Berg-Kirkpatrick et al. (2010) on log-linear factors.

    Examples
    --------
    >>> one = np.zeros(1, np.int32)
    >>> factor = Jump(words=0, width=2, smoothing=0.1).bind(Jumps(2, 2, one, one + 1, one + 1))
    >>> counts = np.zeros(len(factor.jumps))
    >>> counts[3], counts[-1] = 8, 8  # from the middle of three words, eight times one word on
    >>> weights = factor.weights(factor.maximize(counts, factor.start()))
    >>> bool(weights[0, 3] > 5 * weights[0, 1])
    True
    """

    words: int = 2000
    width: int = 20
    strength: float = 3.0
    smoothing: float = 1.0
    sweeps: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.words < 0 or self.sweeps < 1 or not (self.strength > 0 and self.smoothing > 0):
            raise InputError(f"{self!r}: words from 0, sweeps from 1, strength and smoothing above 0, please")

    @property
    def n_words(self) -> int:  # noqa: D102
        return self.words

    def _split(self, params: Array) -> tuple[Array, Array]:
        columns = self.jumps.shape[1]
        return params[:columns], params[columns:].reshape(self.jumps.shape)

    def weights(self, params: Array) -> Array:  # noqa: D102
        common, by_class = self._split(params)
        return common * by_class

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return weights of 1: all positions alike; those that pseudo-jumps ask for, if there are any."""
        size = self.jumps.n_weights + self.jumps.shape[1]
        params = np.ones(size) if rng is None else np.exp(0.3 * rng.standard_normal(size))
        for _ in range(0 if self.pseudo is None else 5):
            params = self.maximize(np.zeros(len(self.jumps)), params)
        return params

    @cached_property
    def _prior(self) -> tuple[Array, Array]:
        """The pseudo-jumps by column, and by row."""
        assert self.pseudo is not None
        by_class = self.pseudo[: self.jumps.n_weights].reshape(self.jumps.shape)
        return by_class.sum(0), self.pseudo[self.jumps.n_weights :]

    def _totals(self, common: Array) -> tuple[Array, tuple[Array, ...]]:
        """Return the total weight of the positions that each row leads to, if there were no classes, and these rows."""
        classes, lefts, rights = self.rows()
        rows = (np.zeros_like(classes), lefts, rights)
        return normalisers(self._within(common)[None], *rows), rows

    def _within(self, common: Array) -> Array:
        """Return what is not of the end, which has the last columns, 0 for the others."""
        return np.where(np.arange(len(common)) <= 2 * self.width, common, 0.0)

    def _pressure(self, common: Array) -> Array:
        """Return what a unit of each common weight costs the pseudo-jumps' log-probability."""
        totals, rows = self._totals(common)
        return self._within(pressures(self._prior[1] / totals, (1, len(common)), *rows)[0])

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        common, by_class = (part.copy() for part in self._split(params))
        jumps = counts[: self.jumps.n_weights].reshape(self.jumps.shape)
        mass = counts[self.jumps.n_weights :]
        more = 0.0 if self.pseudo is None else self._prior[0]

        def pressure() -> Array:
            weights = mass / normalisers(common * by_class, *self.rows())
            found: Array = pressures(weights, self.jumps.shape, *self.rows())
            return found

        for _ in range(self.sweeps):
            prior = 0.0 if self.pseudo is None else self._pressure(common)
            against = (pressure() * by_class).sum(0) + prior
            common = (jumps.sum(0) + more + self.smoothing) / (against + self.smoothing)
            by_class = (jumps + self.strength) / (pressure() * common + self.strength)
        return np.concatenate([common, by_class.ravel()])

    def penalty(self, params: Array) -> float:
        """Return the log density of the Gamma priors, 0 at their modes, and the pseudo-jumps' log-probability."""
        common, by_class = self._split(params)
        priors = ((self.smoothing, common), (self.strength, by_class))
        density = sum(pseudo * (np.log(weights) - weights + 1).sum() for pseudo, weights in priors)
        if self.pseudo is not None:
            jumps, mass = self._prior
            density += jumps @ np.log(common) - mass @ np.log(self._totals(common)[0])
        return float(density)


@dataclass(frozen=True)
class PooledJump(Bucketed):
    """The textbook's table of jumps: ``v[b]`` is the expected number of jumps b, over all sentences.

    A jump by as much as `width` is not clipped; longer ones are. Simple, and no maximum of anything: the objective may
    fall.

    Parameters
    ----------
    width : int
    smoothing : float
        Added to each number.

    References
    ----------
    Vogel, Ney & Tillmann (1996), HMM-based word alignment in statistical translation.
    """

    guarantee: ClassVar[Guarantee] = "none"

    width: int = 100
    smoothing: float = 0.1

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return weights of 1: all positions alike."""
        return np.ones(self.jumps.n_weights) if rng is None else np.exp(0.3 * rng.standard_normal(self.jumps.n_weights))

    def weights(self, params: Array) -> Array:  # noqa: D102
        return params.reshape(self.jumps.shape)

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        jumps = counts[: self.jumps.n_weights] + self.smoothing
        return jumps if self.pseudo is None else jumps + self.pseudo[: self.jumps.n_weights]
