"""The Gaussian factor: expected moments in place of expected counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError, NumericalError
from emnlp.factors.base import Factor, Guarantee

Ints = NDArray[np.intp]

KINDS = ("full", "tied", "diagonal", "spherical")

LEAST = 1e-100
"""A condition that fewer items than this belong to keeps its parameters."""


@dataclass(frozen=True)
class Space:
    """What a density covers: so many conditions, each with a distribution over vectors of so many dimensions."""

    n_conditions: int
    n_dimensions: int


@dataclass(frozen=True)
class Gaussian(Factor):
    """A normal distribution of vectors for each condition.

    Its counts are expected moments, a row a condition: ``n``, ``s = sum x``, ``S = sum x x'``, of which the lower
    triangle is kept, row by row, or the diagonal alone where the covariance has no more. M-step: ``mean = s / n`` and
    ``covariance = S / n - mean mean' + ridge I``; tied ones are averaged with weights n, spherical ones over
    dimensions. A condition that no item belongs to stays as it is. Parameters are means and covariances, laid out
    likewise. Theta is ``c``, ``b`` and ``W``: the log density of x is ``c - |b + W x| ** 2 / 2``.

    Moments are exact if x is not far from the origin, by the measure of its spread: a model takes the mean off first.

    Parameters
    ----------
    covariance : {"full", "tied", "diagonal", "spherical"}
        A matrix for each condition, one for all, one without correlations, or one variance in all directions.
    ridge : float
        Added to the variances, in the units of the data, so that no condition collapses onto a point. It is that of
        scikit-learn's ``reg_covar``, and no prior: what it takes off the likelihood depends on how many items belong to
        a condition. So the objective is sure to rise with ``ridge=0`` alone.

    Raises
    ------
    InputError
        If a parameter is out of range.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 3.0]])
    >>> counts = np.concatenate([[3], points.sum(0), (points.T @ points)[np.tril_indices(2)]])[None]
    >>> normal = Gaussian(ridge=0).bind(Space(1, 2))
    >>> best = normal.maximize(counts, normal.start())
    >>> normal.means(best), normal.covariances(best).round(2)
    (array([[2., 1.]]), array([[[2.67, 2.  ], [2.  , 2.  ]]]))
    """

    covariance: Literal["full", "tied", "diagonal", "spherical"] = "full"
    ridge: float = 1e-6

    def __post_init__(self) -> None:
        if self.covariance not in KINDS:
            raise InputError(f"Gaussian({self.covariance!r}): expected {', '.join(map(repr, KINDS))}")
        if not 0 <= self.ridge < np.inf:
            raise InputError(f"Gaussian(ridge={self.ridge}): a variance to add, from 0, please")

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """A ridge is not part of the objective."""
        return "none" if self.ridge else "monotone"

    def bind(self, support: Space) -> Gaussian:  # type: ignore[override]
        """Return a copy that also holds what it covers."""
        return super().bind(support)  # type: ignore[arg-type]

    @property
    def space(self) -> Space:
        """What the factor is bound to."""
        assert isinstance(self.bound_to, Space), "bind the factor to a Space first"
        return self.bound_to

    @property
    def n_parameters(self) -> int:
        """How many numbers are free."""
        n, d = self.space.n_conditions, self.space.n_dimensions
        free = {"full": n * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diagonal": n * d, "spherical": n}
        return n * d + free[self.covariance]

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """The pairs of dimensions whose products are kept."""
        n = self.space.n_dimensions
        return np.tril_indices(n) if self.covariance in ("full", "tied") else (np.arange(n), np.arange(n))

    def means(self, params: Array) -> Array:
        """Return the mean of each condition, (C, D)."""
        return params[:, : self.space.n_dimensions]

    def covariances(self, params: Array) -> Array:
        """Return the covariance matrix of each condition, (C, D, D)."""
        return self._symmetric(params[:, self.space.n_dimensions :])

    def packed(self, means: ArrayLike, covariances: ArrayLike) -> Array:
        """Return the parameters for these means, (C, D), and covariance matrices, (C, D, D), or those next to them."""
        rows, columns = self.pairs
        matrices = np.asarray(covariances, np.float64)
        if self.covariance == "tied":
            matrices = np.broadcast_to(matrices.mean(axis=0), matrices.shape)
        products = matrices[:, rows, columns]
        if self.covariance == "spherical":
            products = np.broadcast_to(products.mean(axis=1, keepdims=True), products.shape)
        return np.concatenate([np.asarray(means, np.float64), products], axis=1)

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return standard normal distributions, around the origin or, at random, around draws from one."""
        shape = self.space.n_conditions, self.space.n_dimensions
        means = np.zeros(shape) if rng is None else rng.standard_normal(shape)
        return self.packed(means, np.tile(np.eye(shape[1]), (shape[0], 1, 1)))

    def accepts(self, params: Array) -> bool:
        """Return whether every covariance has an inverse."""
        try:
            return bool(np.isfinite(self.theta(params)).all())
        except NumericalError:
            return False

    def theta(self, params: Array) -> Array:
        """Return ``c, b, W`` of each condition, (C, 1 + D + pairs).

        Raises
        ------
        NumericalError
            If a covariance is singular.
        """
        rows, columns = self.pairs
        n = self.space.n_dimensions
        whitening = self._whitening(self.covariances(params))
        logs = np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1) - n / 2 * np.log(2 * np.pi)
        offsets = -np.einsum("kji,ki->kj", whitening, self.means(params))
        return np.concatenate([logs[:, None], offsets, whitening[:, rows, columns]], axis=1)

    def _whitening(self, covariances: Array) -> Array:
        """Return W, lower triangular, such that ``W' W`` is the inverse of each covariance, (C, D, D)."""
        found = np.zeros_like(covariances)
        for k, matrix in enumerate(covariances):
            try:
                lower = np.linalg.cholesky(matrix)
            except np.linalg.LinAlgError:
                raise NumericalError(
                    f"the covariance of component {k} is singular: too few items, or distinct ones, belong to it; "
                    f"give a ridge above {self.ridge:g}, as in Gaussian(ridge=1e-3), or fewer components"
                ) from None
            for j in range(len(lower)):  # forward substitution
                found[k, j, : j + 1] = -lower[j, :j] @ found[k, :j, : j + 1]
                found[k, j, j] = 1.0
                found[k, j] /= lower[j, j]
        return found

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        n, rows, columns = self.space.n_dimensions, *self.pairs
        used = counts[:, :1] >= LEAST
        mass = np.where(used, counts[:, :1], 1.0)
        means = np.where(used, counts[:, 1 : 1 + n] / mass, self.means(params))
        variances = counts[:, 1 + n :] / mass - means[:, rows] * means[:, columns]
        variances[:, rows == columns] = np.maximum(variances[:, rows == columns], 0) + self.ridge
        if self.covariance == "tied" and used.any():
            variances[:] = (variances * mass)[used[:, 0]].sum(axis=0) / mass[used].sum()
            return np.concatenate([means, variances], axis=1)
        if self.covariance == "spherical":
            variances[:] = variances.mean(axis=1, keepdims=True)
        return np.concatenate([means, np.where(used, variances, params[:, n:])], axis=1)

    def expected_log_likelihood(self, counts: Array, params: Array) -> float:
        """Return the expected log density of the items whose expected moments are given, in nats."""
        n, theta = self.space.n_dimensions, self.theta(params)
        logs, offsets, scales = theta[:, 0], theta[:, 1 : 1 + n], self._lower(theta[:, 1 + n :])
        mass, sums, squares = counts[:, 0], counts[:, 1 : 1 + n], self._symmetric(counts[:, 1 + n :])
        distances = mass * (offsets**2).sum(axis=1) + 2 * np.einsum("kj,kji,ki->k", offsets, scales, sums)
        distances += np.einsum("kji,kil,kjl->k", scales, squares, scales)
        return float(mass @ logs - distances.sum() / 2)

    def tempered(self, theta: Array, power: float) -> Array:
        """Return what the E-step reads if the densities are raised to a power."""
        return np.concatenate([theta[:, :1] * power, theta[:, 1:] * np.sqrt(power)], axis=1)

    def _lower(self, packed: Array) -> Array:
        """Return lower triangular or diagonal matrices, (C, D, D)."""
        n = self.space.n_dimensions
        found = np.zeros((len(packed), n, n))
        found[:, self.pairs[0], self.pairs[1]] = packed
        return found

    def _symmetric(self, packed: Array) -> Array:
        """Return symmetric matrices, (C, D, D)."""
        found = self._lower(packed)
        found[:, self.pairs[1], self.pairs[0]] = packed
        return found
