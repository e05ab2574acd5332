"""Linear dynamical systems: what hidden Markov models are where the states are vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from emnlp.blocks import Array, Blocks
from emnlp.corpus.series import Series
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors.linear_gaussian import Frame, LinearGaussian, Parts
from emnlp.inference.kalman import backward, forward
from emnlp.inference.moments import fill, moments
from emnlp.learners import Trace
from emnlp.model import Model
from emnlp.models.sequences import Sequences, Smoothed, batches_of, drawn

STILL = 1e-15
"""A covariance that changes by no more than this share of its deviations has come to rest."""

KNOWN = 0.1
"""The variance of a state about the component of the data that a fit starts from; that has variance 1."""

FACTORS = ("initial", "dynamics", "observation")


@dataclass(kw_only=True, repr=False)
class LinearDynamicalSystem(Model):
    """A linear dynamical system, or state space model, with Gaussian noise.

    Story of a sequence: draw its first state, a vector of K numbers; from each state draw the next one, ``z' ~ N(A z +
    b, Q)``, and what is observed of it, D numbers, ``x ~ N(C z + d, R)``.

    ===========  ==========  ============  ===========================
    factor       condition   outcome       default
    ===========  ==========  ============  ===========================
    initial      (none)      first state   LinearGaussian()
    dynamics     state       next state    LinearGaussian(offset=0.0)
    observation  state       observation   LinearGaussian()
    ===========  ==========  ============  ===========================

    Inference is exact, by the Kalman filter and the smoother of Rauch, Tung and Striebel; missing observations, whole
    rows or single numbers, are integrated out. States are only known up to a linear map: compare what models predict,
    or give their parameters, such as ``dynamics=LinearGaussian(weights=1.0, offset=0.0)``, a random walk.

    Data are whatever `Series.of` accepts, with NaN for what is missing; methods return arrays for an array, and lists
    for a list. An item is a sequence: `score` is the mean log density of one.

    Parameters
    ----------
    n_states : int
        K, the length of a state.
    initial, dynamics, observation : LinearGaussian
    max_iter : int
        `learner`, `tol`, `n_jobs`, `random_state`, `n_init`, `verbose`, and the fitted `params_` and `trace_`: see
        `emnlp.model.Model`. Without a `start`, a fit begins with the principal components of the data; `random_state`
        mixes others into them.

    References
    ----------
    Kalman (1960), A new approach to linear filtering and prediction problems; Rauch, Tung & Striebel (1965), Maximum
    likelihood estimates of linear dynamic systems; Shumway & Stoffer (1982), An approach to time series smoothing and
    forecasting using the EM algorithm; Ghahramani & Hinton (1996), Parameter estimation for linear dynamical systems.

    Examples
    --------
    >>> wave = np.sin(0.3 * np.arange(60))
    >>> wave[20:25] = np.nan
    >>> model = LinearDynamicalSystem(2, max_iter=50).fit(wave)
    >>> model.impute(wave)[20:25, 0].round(2)
    array([-0.28,  0.02,  0.31,  0.58,  0.79])
    >>> np.sin(0.3 * np.arange(20, 25)).round(2)
    array([-0.28,  0.02,  0.31,  0.58,  0.79])
    """

    n_states: int = field(kw_only=False)
    initial: LinearGaussian = field(default_factory=LinearGaussian)
    dynamics: LinearGaussian = field(default_factory=lambda: LinearGaussian(offset=0.0))
    observation: LinearGaussian = field(default_factory=LinearGaussian)

    kinds: ClassVar[dict[str, tuple[type, ...]]] = Model.kinds | dict.fromkeys(FACTORS, (LinearGaussian,))
    kept: ClassVar[tuple[str, ...]] = ("origin_", "scale_")
    origin_: Array = field(init=False, repr=False, compare=False)
    scale_: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.n_states, int | np.integer) or self.n_states < 1:
            raise InputError(f"LinearDynamicalSystem({self.n_states!r}): the length of a state is a number from 1")

    @classmethod
    def given(
        cls,
        initial: Sequence[ArrayLike],
        dynamics: Sequence[ArrayLike],
        observation: Sequence[ArrayLike],
        /,
        **settings: Any,
    ) -> Self:
        """Return a model that is fitted already, to apply, or to start a fit from: ``fit(series, start=model)``.

        Parameters
        ----------
        initial : (mean, covariance)
        dynamics, observation : (weights, offset, covariance)
        settings
            Of the model.

        Raises
        ------
        InputError
            If the shapes do not fit together, or a covariance is not positive definite.

        Examples
        --------
        >>> walk = LinearDynamicalSystem.given(([0], [[1]]), ([[1]], [0], [[1]]), ([[1]], [0], [[1]]))
        >>> walk.forecast([1.0, 2.0, 3.0], 2)[1].ravel().round(3)
        array([2.615, 3.615])
        """
        model = cls(np.size(initial[0]), **settings)
        model.origin_ = np.zeros(len(np.atleast_1d(observation[0])))  # until the offset is checked
        model.scale_, params = np.ones(len(model.origin_)), {}
        blocks = {"initial": (None, *initial), "dynamics": dynamics, "observation": observation}
        for name, (weights, offset, noise) in blocks.items():
            try:
                params[name] = LinearGaussian(weights, offset, noise).bind(model.rebuilt()[name]).start()
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
        model.origin_ = params["observation"][:, model.n_states].copy()
        model._hold({name: factor.bind(model.rebuilt()[name]) for name, factor in model.unbound().items()})
        model._share(Blocks(params))
        model.trace_ = Trace(reason="given")
        return model

    def corpus(self, data: Any, fitted: bool = False) -> Series:
        """Accept what `Series.of` does."""
        series = Series.of(data)
        if fitted and series.rows.shape[1] != len(self.origin_):
            raise InputError(f"series: the model knows {len(self.origin_)} columns, not {series.rows.shape[1]}")
        return series

    def supports(self, corpus: Series) -> dict[str, Any]:  # noqa: D102
        self.origin_, self.scale_ = corpus.centre_and_scale()
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        zeros, ones = np.zeros(self.n_states), np.ones(self.n_states)
        frames = {"initial": Frame(0, zeros, ones), "dynamics": Frame(self.n_states, zeros, ones)}
        return frames | {"observation": Frame(self.n_states, self.origin_, self.scale_)}

    def index(self, corpus: Series, batch_size: int | None = None) -> Sequence[Sequences]:
        """Return batches of so many sequences; by default, of some thousands of rows."""
        return batches_of(corpus, self.origin_, batch_size)

    def first(self, corpus: Series, batches: Sequence[Sequences], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters: those of states that are principal components, known up to a variance."""
        states = corpus.components(self.n_states, rng)
        params = super().first(corpus, batches, rng)
        potentials, done = self.prepare(self.theta(params)), 0
        counts = potentials.zeros()
        unsure = np.tile(KNOWN * np.eye(self.n_states), (len(states), 1, 1))
        for batch in batches:
            some = slice(done, done + len(batch.rows))
            self._count(batch, states[some], np.nan_to_num(batch.rows), unsure[some], counts)
            done += len(batch.rows)
        return self.maximize(counts, params)

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return all parameters of another system of the same size; what is given here stays."""
        if not isinstance(start, LinearDynamicalSystem) or any(
            start.params_[name].shape != array.shape for name, array in arrays.items()
        ):
            raise InputError("start: expected a fitted LinearDynamicalSystem of as many states and columns")
        return {name: self.factors_[name].adopt(start.params_[name]) for name in arrays}

    # Inference

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials: ``[W, b, S]`` of each factor below zeros, as large as the moments."""
        return Blocks({name: np.pad(each, ((each.shape[1] - len(each), 0), (0, 0))) for name, each in theta.items()})

    def _filtered(self, batch: Sequences, potentials: Blocks) -> tuple[Array, ...]:
        found: tuple[Array, ...] = forward(*batch.kernel, *potentials.values(), STILL)
        return found

    def _smoothed(self, batch: Sequences, potentials: Blocks) -> Smoothed:
        means, slots, roots, filtered, logliks = self._filtered(batch, potentials)
        smoothed, crossed = np.empty((2, len(means), self.n_states, self.n_states))
        backward(batch.starts, potentials["dynamics"], means, slots, roots, filtered, STILL, smoothed, crossed)
        return Smoothed(means, smoothed, crossed, logliks)

    def expect(self, batch: Sequences, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        found, rows, observation = self._smoothed(batch, potentials), batch.rows.copy(), potentials["observation"]
        fill(rows, *batch.kernel[2:], observation, found.means)
        moments(batch.starts, rows, *batch.kernel[2:], observation, *found[:3], *counts.values())
        return float(found.logliks.sum())

    def likelihood(self, batch: Sequences, potentials: Blocks) -> float:  # noqa: D102
        return float(self._filtered(batch, potentials)[-1].sum())

    def posterior(self, batch: Sequences, potentials: Blocks) -> Iterator[Any]:
        """Yield means (T, K) and covariances (T, K, K) of the states of each sequence."""
        found, bounds = self._smoothed(batch, potentials), batch.starts.tolist()
        return ((found.means[a:b], found.covariances[a:b]) for a, b in zip(bounds, bounds[1:]))

    def decode(self, batch: Sequences, potentials: Blocks) -> tuple[Array, Array]:
        """Return the most probable states and observations: the means of the posterior, (N, K) and (N, D)."""
        means, rows = self._smoothed(batch, potentials).means, batch.rows.copy()
        fill(rows, *batch.kernel[2:], potentials["observation"], means)
        return means, rows

    def count(self, batch: Sequences, latent: tuple[Array, Array], counts: Blocks) -> None:
        """Add the moments of states and observations, as if they were known."""
        self._count(batch, *latent, np.zeros((len(batch.rows), self.n_states, self.n_states)), counts)

    def _count(self, batch: Sequences, states: Array, rows: Array, unsure: Array, counts: Blocks) -> None:
        known = states, unsure, np.zeros_like(unsure)  # nothing is missing: the potentials are not read
        moments(batch.starts, rows, *batch.seen, counts["observation"], *known, *counts.values())

    # What users ask

    def parameters(self, factor: str) -> Parts:
        """Return weights, offset and covariance of ``initial``, ``dynamics`` or ``observation``."""
        self.check_fitted()
        if factor not in self.factors_:
            raise InputError(f"no factor is called {factor!r}; this model has {', '.join(self.factors_)}")
        return self.factors_[factor].parts(self.params_[factor])  # type: ignore[attr-defined]  # all are linear

    def filter(self, corpus: Any) -> tuple[Any, Any]:
        """Return means (T, K) and covariances (T, K, K) of each state given the observations up to it."""

        def states(batch: Sequences, potentials: Blocks) -> tuple[Array, Array]:
            means, slots, _, covariances, _ = self._filtered(batch, potentials)
            return means, covariances[slots]

        return self._states(corpus, states)

    def smooth(self, corpus: Any) -> tuple[Any, Any]:
        """Return means (T, K) and covariances (T, K, K) of each state given its whole sequence."""
        return self._states(corpus, lambda batch, potentials: self._smoothed(batch, potentials)[:2])

    def _states(self, corpus: Any, states: Callable[[Sequences, Blocks], tuple[Array, Array]]) -> tuple[Any, Any]:
        series, potentials, batches = self.ready(corpus)
        found = [*engine(self.n_jobs).map(lambda batch: states(batch, potentials), batches)]
        none = np.empty((0, self.n_states)), np.empty((0, self.n_states, self.n_states))
        means, covariances = (np.concatenate(each) for each in zip(none, *found))
        return series.like(means), series.like(covariances)

    def predict(self, corpus: Any) -> Any:
        """Return the mean of each state given its whole sequence, (T, K)."""
        return self.smooth(corpus)[0]

    def predict_proba(self, corpus: Any) -> tuple[Any, Any]:
        """Return the posterior of each state: see `smooth`."""
        return self.smooth(corpus)

    def impute(self, corpus: Any) -> Any:
        """Return the observations, (T, D), with the expectation of what is missing given all the rest."""
        series, potentials, batches = self.ready(corpus)
        found = engine(self.n_jobs).map(lambda batch: self.decode(batch, potentials)[1], batches)
        rows = np.concatenate([np.empty((0, len(self.origin_))), *found]) + self.origin_
        return series.like(np.where(np.isnan(series.rows), rows, series.rows))

    def forecast(self, corpus: Any, steps: int) -> tuple[Any, Any]:
        """Return means (steps, D) and covariances (steps, D, D) of what will be observed after each sequence."""
        if not isinstance(steps, int | np.integer) or steps < 1:
            raise InputError(f"steps is {steps!r}; give the number of rows ahead, from 1")
        series = self.corpus(corpus, fitted=True)
        means, covariances = self.filter(series.extended(int(steps)))
        weights, offset, noise = self.parameters("observation")
        ahead = [each[-steps:] @ weights.T + offset for each in means]
        spread = [weights @ each[-steps:] @ weights.T + noise for each in covariances]
        return (ahead[0], spread[0]) if series.single else (ahead, spread)

    def sample(self, length: int, seed: int = 0) -> tuple[Array, Array]:
        """Draw a sequence: observations, (length, D), and states, (length, K).

        Raises
        ------
        InputError
            If the length is negative.
        """
        if length < 0:
            raise InputError(f"length is {length}; a sequence has rows from 0")
        initial, dynamics, observation = map(self.parameters, FACTORS)
        return drawn(initial, dynamics, observation, length, np.random.default_rng(seed))

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        self.origin_, self.scale_ = (arrays[f"kept/{prefix}{name}"] for name in self.kept)
        both = np.array([self.origin_, self.scale_])
        if both.dtype != np.float64 or both.ndim != 2 or not both.size or not np.isfinite(both).all():
            raise ValueError("origin_, scale_")
        if (self.scale_ <= 0).any():
            raise ValueError("scale_")
