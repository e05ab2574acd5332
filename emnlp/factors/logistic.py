"""The logistic factor: probabilities from features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral, Real
from typing import Any, Self

import numpy as np

from emnlp.ascent import Point, climb
from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.base import Factor
from emnlp.factors.linear import Crossed, LinearScores, Term, Tied
from emnlp.factors.pressure import Pressure
from emnlp.factors.reasons import Reason, of_condition, of_pair, place
from emnlp.features import Binned, Feature, Slot
from emnlp.inference.rows import fit_rows, less_expected
from emnlp.inference.vectors import dot, moved_by, shrink
from emnlp.support import Support


@dataclass(frozen=True)
class Logistic(Factor):
    """Probabilities from features: ``theta[c, o] = exp(w . g(c, o)) / sum over o' of exp(w . g(c, o'))``.

    M-step: L-BFGS on ``sum of e[c, o] log theta[c, o] - kappa |w|^2``, from where the last one ended, for some steps: a
    generalised M-step never lowers the objective, and need not reach the top. The gradient is ``sum of e[c, o] (g(c, o)
    - sum over o' of theta[c, o'] g(c, o')) - 2 kappa w``; at the counts of an E-step it is that of the marginal
    likelihood, too, which `DirectGradient` climbs. The parameters are w.

    Parameters
    ----------
    features : tuple of features
        What fires on an outcome has a weight for each condition; in `Tied`, one for all conditions; in `Crossed`, one
        for each feature of the condition. Features of pairs have a weight each. By default, an indicator a slot, which
        is another parametrisation of `Categorical`.
    kappa : float or tuple of float
        Of the Gaussian prior, for all features or for each of them.
    entropy : float
        Weight of a pressure towards few conditions an outcome (one tag a word), see `Pressure`; it begins when a
        learner refreshes the factors.
    min_count : int
        Features that fire on fewer outcomes, or slots, are left out; `dropped` says how many.
    steps : int
        L-BFGS iterations of an M-step.
    open : bool
        Whether outcomes that the support does not list are possible, too, each with score 0, up to the size of the
        row's sample space. A lexicon lists the words that occur together with a word: if these alone shared its
        probability, rare words, of which few are listed, would win them all. A feature that fires on nearly every
        listed pair, but cannot on the others, undoes it.
    spread : float
        The standard deviation of random first weights; without a random generator they are 0.

    Raises
    ------
    InputError
        If a number is out of range, or there is not one kappa a feature.

    References
    ----------
    Berg-Kirkpatrick, Bouchard-Cote, DeNero & Klein (2010), "Painless Unsupervised Learning with Features", NAACL.

    Examples
    --------
    >>> from emnlp.features import Suffixes, Word
    >>> from emnlp.support import Support
    >>> words = Support.dense(1, 3, names=(["verb"], ["walks", "talks", "house"]))
    >>> verb = Logistic((Word(), Suffixes(1)), kappa=0.1).bind(words)
    >>> verb.theta(verb.maximize(np.array([9.0, 0.0, 0.0]), verb.start())).round(2)
    array([0.95, 0.03, 0.02])
    """

    features: tuple[Term, ...] = (Slot(),)
    kappa: float | tuple[float, ...] = 1.0
    entropy: float = 0.0
    min_count: int = 1
    steps: int = 10
    spread: float = 0.01
    open: bool = False
    pressure: Pressure | None = field(default=None, repr=False, compare=False, metadata={"saved": False})

    def __post_init__(self) -> None:
        features = self.features if isinstance(self.features, Sequence) else (self.features,)
        object.__setattr__(self, "features", tuple(features))
        kappas = self.kappa if isinstance(self.kappa, Sequence) else (self.kappa,)
        if isinstance(self.kappa, Sequence):
            object.__setattr__(self, "kappa", tuple(self.kappa))
        if not self.features or not all(isinstance(each, Feature | Tied | Crossed) for each in self.features):
            raise InputError(f"Logistic(features={self.features!r}): expected features, such as (Word(), Suffixes(3))")
        if isinstance(self.kappa, tuple) and len(self.kappa) != len(self.features):
            raise InputError(f"Logistic(kappa={self.kappa}): expected one number, or one for each feature")
        numbers = [*(("kappa", each) for each in kappas), ("entropy", self.entropy), ("spread", self.spread)]
        for name, value in numbers:
            if not (isinstance(value, Real) and 0 <= value < np.inf):
                raise InputError(f"Logistic({name}={value!r}): expected a number, neither negative nor infinite")
        if not all(isinstance(each, Integral) and each >= 1 for each in (self.steps, self.min_count)):
            raise InputError(
                f"Logistic(steps={self.steps!r}, min_count={self.min_count!r}): expected whole numbers, 1 or more"
            )

    def bind(self, support: Support) -> Self:  # noqa: D102
        return replace(self, bound_to=support, pseudo=None, pressure=None)

    @cached_property
    def linear(self) -> LinearScores:
        """The features of the support's slots."""
        return LinearScores.of(self.support, self.features, self.min_count)

    @property
    def dropped(self) -> int:
        """How many features were left out: those that fire on fewer outcomes of a table, or slots, than `min_count`.

        What could fire, but does not, such as a bin without a pair, counts as well.

        Examples
        --------
        >>> from emnlp.features import Suffixes
        >>> words = Support.dense(1, 3, names=(["verb"], ["walks", "talks", "house"]))
        >>> Logistic((Suffixes(2),), min_count=2).bind(words).dropped  # -e and -se
        2
        """
        return self.linear.dropped

    @cached_property
    def _kappas(self) -> Array | float:
        """The kappa of each weight."""
        if not isinstance(self.kappa, tuple):
            return self.kappa
        return np.repeat(self.kappa, np.diff(self.linear.bounds))

    @property
    def by_slot(self) -> bool:  # noqa: D102
        return self.features == (Slot(),) and self.min_count == 1

    @property
    def reads(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(dict.fromkeys(each.name for each in self.features if isinstance(each, Binned)))

    def start(self, rng: np.random.Generator | None = None) -> Array:  # noqa: D102
        if rng is None:
            return np.zeros(self.linear.n_weights)
        return self.spread * rng.standard_normal(self.linear.n_weights)

    def accepts(self, params: Array) -> bool:  # noqa: D102
        return bool(np.isfinite(params).all())

    def theta(self, params: Array) -> Array:  # noqa: D102
        scores = self.linear.scores(params)
        return self.support.softmax(scores, self._others) if self.open else self.support.softmax(scores)

    @cached_property
    def _others(self) -> Array:
        """How many outcomes of each condition are possible beside those that the support lists, (C,)."""
        others = np.maximum(self.support.space - self.support.sizes, 0)
        return others.astype(np.float64) if self.open else np.zeros(len(others))

    def unseen(self, params: Array, outcomes: Sequence[str]) -> Array | None:
        """Return what theta would be of outcomes that the support lacks, as if each were its only new one."""
        from scipy.special import logsumexp  # here: it is slow to import

        scores = self.linear.of_others(params, outcomes)
        if scores is None:
            return None
        known = self.support.table(self.linear.scores(params))
        return np.exp(scores - logsumexp(known, axis=0))

    def penalty(self, params: Array) -> float:
        """Return ``-kappa |w|^2``, and the pressure of a round."""
        return self._prior(params) - self.regulariser(params)

    def _prior(self, params: Array) -> float:
        if isinstance(self.kappa, tuple):
            return -float(dot(self._kappas * params, params))
        return -self.kappa * float(dot(params, params))

    def regulariser(self, params: Array) -> float:
        """Return what the pressure of a round takes off the objective, in nats."""
        return 0.0 if self.pressure is None else self.pressure.value(self.support, self.theta(params))

    def refresh(self, counts: Array, params: Array) -> Logistic:
        """Return the factor with a new round of `entropy`: the pressure by these counts."""
        if not self.entropy:
            return self
        made = ("linear", "_kappas", "_others")
        held: dict[str, Any] = {name: self.__dict__[name] for name in made if name in self.__dict__}
        fresh = replace(self, pressure=Pressure.of(self.support, counts, self.entropy))
        fresh.__dict__.update(held)
        return fresh

    def gradient(self, counts: Array, params: Array, theta: Array | None = None) -> Array:
        """Return the derivative of ``counts . log theta + penalty``; `theta` saves making it again."""
        theta = self.theta(params) if theta is None else theta
        if self.pressure is not None:
            counts = counts + self.pressure.pull(self.support, theta)
        found = self.linear.gradient(less_expected(self.support.conditions, counts, self.support.sum(counts), theta))
        found -= 2 * self._kappas * params
        return found

    def explain(
        self, params: Array, condition: str | None = None, outcome: str | None = None, n: int = 10
    ) -> list[Reason]:
        """Return the strongest features of a condition, or those of a pair; see `Model.explain`."""
        first = place(self.support, 0, condition)
        if outcome is None:
            return of_condition(self.linear, params, first, n)
        return of_pair(self.linear, params, first, place(self.support, 1, outcome))[:n]

    def maximize(self, counts: Array, params: Array) -> Array:
        """M-step: climb from the last parameters, each weight in units of how sharply the objective bends along it."""
        linear, conditions, totals = self.linear, self.support.conditions, self.support.sum(counts)
        moved = np.empty(len(params))  # written again and again

        def fitted(weights: Array) -> tuple[Array, float, Array]:
            gradient = np.empty(len(weights))
            scores = linear.scores(weights, linear.room(gradient))
            return gradient, *fit_rows(conditions, scores, self._others, counts, totals)

        def point(x: Array, weights: Array, gradient: Array, fit: float, slopes: Array) -> Point:
            if self.pressure is not None:
                theta = self.theta(weights)
                pull = self.pressure.pull(self.support, theta)
                slopes += pull - self.support.spread(self.support.sum(pull)) * theta
                fit -= self.pressure.value(self.support, theta)
            linear.gradient(slopes, gradient)
            return Point(x, fit - self._shrink(gradient, weights, units), gradient)

        def evaluate(x: Array) -> Point:
            moved_by(params, x, units, moved)
            return point(x, moved, *fitted(moved))

        gradient, fit, slopes = fitted(params)
        units = self._units(np.maximum(counts, counts - slopes))
        memory = min(max(4, self.steps // 10), 20)
        begin = point(np.zeros(len(params)), params, gradient, fit, slopes)
        top = climb(evaluate, begin, self.steps, memory, 1 / len(self.features))
        return params + top.x * units

    def _shrink(self, gradient: Array, weights: Array, units: Array) -> float:
        """Take the prior's part off a gradient, put it into units; return what the prior takes off the objective."""
        bounds = self.linear.bounds
        kappas = self.kappa if isinstance(self.kappa, tuple) else (self.kappa,) * len(self.features)
        parts = [slice(a, b) for a, b in zip(bounds, bounds[1:])]
        return sum(k * shrink(gradient[part], weights[part], units[part], k) for k, part in zip(kappas, parts))

    def _units(self, mass: Array) -> Array:
        """Return one over the root of about the second derivative by each weight; features are 0 or 1.

        `mass` is the greater of each slot's count and what is expected of it.
        """
        bends = np.maximum(self.linear.gradient(mass), 0) + 2 * self._kappas
        return 1 / np.sqrt(bends + max(1e-6 * float(bends.max(initial=0.0)), 1e-12))
