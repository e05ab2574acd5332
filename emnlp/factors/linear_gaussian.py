"""The linear-Gaussian factor: a regression of an output on an input, from their expected moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.base import Factor

FORMS = ("full", "diagonal", "spherical")
Given = float | tuple[float, ...] | tuple[tuple[float, ...], ...]
"""A number, a vector or a matrix that a factor holds, as a model file can."""


class Frame(NamedTuple):
    """What a linear-Gaussian factor is bound to: how many inputs it has, and where its outputs lie.

    Parameters
    ----------
    n_inputs : int
    origin : (D,)
        What is taken off the outputs before their moments are: the closer to their mean, the fewer digits get lost.
    scale : (D,)
        Variances that are typical of the outputs; the unit of a ridge.
    """

    n_inputs: int
    origin: Array
    scale: Array


class Parts(NamedTuple):
    """The parameters of a linear-Gaussian factor: weights (D, P), offset (D,) and covariance (D, D)."""

    weights: Array
    offset: Array
    covariance: Array


@dataclass(frozen=True)
class LinearGaussian(Factor):
    """A Gaussian whose mean is linear in an input u: ``P(y | u) = N(y; W u + b, S)``.

    The parameters are the matrix ``[W, b, S]``, (D, P + 1 + D). The counts are the moments ``sum of E[s s']`` of
    ``s = (u, 1, y - origin)``, (P + 1 + D, P + 1 + D), which hold n, the sums and the sums of products of u and y.
    M-step: ``[W, b] = M_yv M_vv^-1``, v being ``(u, 1)``; ``S = (E[(y - W u - b) (y - W u - b)'] + ridge) / n``.

    What is given stays as it is; the rest is learned. One without inputs is a plain Gaussian.

    Parameters
    ----------
    weights, offset : number, sequence or array, optional
        Given W and b; a number stands for that multiple of the identity, or for each entry. None learns them.
    covariance : {"full", "diagonal", "spherical"}, number or array
        The form of a learned S, or a given one, which has to be positive definite.
    ridge : float
        Is added to the diagonal of the scatter, in units of the outputs' variances. That is the mode under a prior of
        density ``exp(-ridge tr(S^-1) / 2)``, so EM stays monotone in the penalised objective, and S positive definite.
        0 is maximum likelihood: a noiseless output then ends with an error.

    Raises
    ------
    InputError
        If the ridge is negative, or what is given is no array of numbers, or not of the right form.

    Examples
    --------
    >>> line = LinearGaussian(ridge=0.0).bind(Frame(1, np.zeros(1), np.ones(1)))
    >>> s = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 3.5], [2.0, 1.0, 4.5]])  # u, 1, y
    >>> line.parts(line.maximize(s.T @ s, line.start()))
    Parts(weights=array([[1.75]]), offset=array([1.25]), covariance=array([[0.125]]))
    """

    weights: Any = None
    offset: Any = None
    covariance: Any = "full"
    ridge: float = 1e-6

    def __post_init__(self) -> None:
        if not 0 <= self.ridge < np.inf:
            raise InputError(f"LinearGaussian(ridge={self.ridge}): a ridge is a number from 0")
        if isinstance(self.covariance, str) and self.covariance not in FORMS:
            raise InputError(f"LinearGaussian(covariance={self.covariance!r}): expected one of {', '.join(FORMS)}")
        for name in ("weights", "offset", "covariance"):
            value = getattr(self, name)
            if value is not None and not (name == "covariance" and isinstance(value, str)):
                object.__setattr__(self, name, _held(name, value))

    @property
    def frame(self) -> Frame:
        """What the factor is bound to."""
        assert isinstance(self.bound_to, Frame), "bind the factor to a frame first"
        return self.bound_to

    @property
    def learns_covariance(self) -> bool:
        """Whether the covariance is learned."""
        return isinstance(self.covariance, str)

    def bind(self, support: Any) -> Self:
        """Return a copy that also holds its frame.

        Raises
        ------
        InputError
            If what is given has not the shape that the frame asks for, or a covariance is not positive definite.
        """
        bound = super().bind(support)
        bound.adopt(bound.start())
        return bound

    def parts(self, params: Array) -> Parts:
        """Return weights, offset and covariance."""
        n = self.frame.n_inputs
        return Parts(params[:, :n], params[:, n], params[:, n + 1 :])

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return weights like the identity, the origin and the scale; with `rng`, other weights."""
        n, origin, scale = self.frame
        weights = np.eye(len(origin), n)
        if rng is not None:
            weights += rng.standard_normal(weights.shape)
        return self.adopt(np.column_stack([weights, origin, np.diag(scale)]))

    def adopt(self, params: Array) -> Array:
        """Return the parameters with those in place that are given, and the covariance of the factor's form."""
        weights, offset, covariance = self.parts(params)
        size = len(offset)
        weights = self._given("weights", weights, lambda number: number * np.eye(*weights.shape))
        offset = self._given("offset", offset, lambda number: np.full(size, number))
        if self.learns_covariance:
            covariance = self._formed(covariance)
        else:
            covariance = self._given("covariance", covariance, lambda number: number * np.eye(size))
            if not _positive(covariance):
                raise InputError("covariance: what is given has to be symmetric and positive definite")
        return np.column_stack([weights, offset, covariance])

    def _given(self, name: str, learned: Array, of_number: Callable[[float], Array]) -> Array:
        value = getattr(self, name)
        if value is None:
            return learned
        array: Array = of_number(value) if isinstance(value, float) else np.array(value, np.float64)
        if array.shape != learned.shape:
            raise InputError(f"{name}: what is given has the shape {array.shape}; expected {learned.shape}")
        return array

    def _formed(self, scatter: Array) -> Array:
        """Return the diagonal, its mean, or all of a matrix."""
        if self.covariance == "full":
            return (scatter + scatter.T) / 2
        diagonal = np.diag(scatter)
        return np.diag(diagonal if self.covariance == "diagonal" else np.full_like(diagonal, diagonal.mean()))

    def accepts(self, params: Array) -> bool:
        """Return whether the covariance is symmetric and positive definite."""
        return _positive(self.parts(params).covariance)

    def theta(self, params: Array) -> Array:
        """Return ``[W, b - origin, S]``."""
        theta = params.copy()
        theta[:, self.frame.n_inputs] -= self.frame.origin
        return theta

    def tempered(self, theta: Array, power: float) -> Array:
        """Refuse: a power of a density is none.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError("AnnealedEM flattens no linear-Gaussian factor; use EM(), from several starts by n_init")

    def maximize(self, counts: Array, params: Array) -> Array:
        """M-step; where nothing was counted, the parameters stay."""
        n_inputs, origin, scale = self.frame
        n = counts[n_inputs, n_inputs]
        if n <= 0:
            return params
        weights, offset = self._regression(counts, self.adopt(params))
        new = np.column_stack([weights, offset + origin, self.parts(params).covariance])
        if self.learns_covariance:
            scatter = self._scatter(counts, new)
            new[:, n_inputs + 1 :] = self._formed(scatter + self.ridge * np.diag(scale)) / n
        return new

    def _regression(self, counts: Array, params: Array) -> tuple[Array, Array]:
        """Return the best weights, and the best offset from the origin; what is given of them stays."""
        p, (weights, offset, _) = self.frame.n_inputs, self.parts(self.theta(params))
        inputs, outputs = counts[:p, :p], counts[p + 1 :, :p]
        mean_input, mean_output = counts[p, :p] / counts[p, p], counts[p, p + 1 :] / counts[p, p]
        if self.weights is None and p:
            centre = offset if self.offset is not None else mean_output
            outputs = outputs - np.outer(centre, counts[p, :p])
            if self.offset is None:
                inputs = inputs - np.outer(mean_input, counts[p, :p])
            weights = _solved(inputs, outputs)
        return weights, offset if self.offset is not None else mean_output - weights @ mean_input

    def _scatter(self, counts: Array, params: Array) -> Array:
        """Return ``sum of E[(y - W u - b) (y - W u - b)']``."""
        residual, size = -self.theta(params), len(params)
        residual[:, -size:] = np.eye(size)
        return residual @ counts @ residual.T

    def expected_log_likelihood(self, counts: Array, params: Array) -> float:
        """Return ``sum of E[log P(y | u)]`` in nats: ``-(n log |2 pi S| + tr(S^-1 scatter)) / 2``."""
        covariance, n = self.parts(params).covariance, counts[self.frame.n_inputs, self.frame.n_inputs]
        logdet = np.linalg.slogdet(2 * np.pi * covariance)[1]
        return float(-(n * logdet + np.trace(np.linalg.solve(covariance, self._scatter(counts, params)))) / 2)

    def penalty(self, params: Array) -> float:
        """Return the log density of the prior that the ridge is, ``-ridge tr(S^-1 scale) / 2``."""
        if self.ridge == 0 or not self.learns_covariance:
            return 0.0
        return float(-self.ridge * np.diag(np.linalg.inv(self.parts(params).covariance)) @ self.frame.scale / 2)


def _held(name: str, value: Any) -> Given:
    """Return a number or nested tuples of numbers."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.isfinite(array).all() or array.ndim > 2:
        raise InputError(f"LinearGaussian({name}={value!r}): expected a number, or an array of finite numbers")
    if array.ndim == 2:
        return tuple(map(tuple, array.tolist()))
    return tuple(array.tolist()) if array.ndim else float(array)


def _solved(inputs: Array, outputs: Array) -> Array:
    """Return ``outputs inputs^-1`` of a matrix of second moments; the least of its like if there is no inverse."""
    units = np.sqrt(np.maximum(np.diag(inputs), 1e-300))
    found = np.linalg.lstsq(inputs / np.outer(units, units), (outputs / units).T, rcond=None)[0]
    return np.asarray(found.T / units, np.float64)


def _positive(covariance: Array) -> bool:
    """Return whether a matrix is symmetric and positive definite."""
    if not np.allclose(covariance, covariance.T, rtol=1e-8, atol=0):
        return False
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return False
    return True
