"""Mixtures of Gaussians: clusters of vectors, round or drawn out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.corpus.points import ROWS, Items, Points
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Categorical, Factor
from emnlp.factors.gaussian import Gaussian, Space
from emnlp.inference import gaussians
from emnlp.learners import Trace
from emnlp.model import Model
from emnlp.models.seeds import seeds
from emnlp.support import Support


@dataclass(kw_only=True, repr=False)
class GaussianMixture(Model):
    """A mixture of normal distributions over vectors: the rows of an array, or of `Points`, which may have weights.

    Story of an item: draw its component; then draw the item from that component's normal distribution.

    =========  =========  =========  =============
    factor     condition  outcome    default
    =========  =========  =========  =============
    component  (one)      component  Categorical()
    density    component  vector     Gaussian()
    =========  =========  =========  =============

    Parameters
    ----------
    n_components : int
        K.
    component : Factor
    density : Gaussian
        Says what covariances look like: ``Gaussian("tied")``.
    init : {"kmeans++", "random"}
        Where the means start. Either way K items are drawn, the next one more likely the farther it is from those
        before, or all alike; each component starts at the mean of the items nearest to its own, and all of them with
        the same weight and the average covariance around these means.
    means_init : (K, D), optional
        The first means, in place of `init`. For the first weights and covariances, too, see `given`.
    random_state : int or None
        Seed of the start; None draws nothing: the first item is the one farthest from the mean of all, the next the
        farthest from those before.

    Attributes
    ----------
    weights_, means_, covariances_ : (K,), (K, D), (K, D, D)
        The covariances are whole matrices, whatever the kind.
    centre_ : (D,)
        The mean of the training items: moments and parameters are about it, so no digits are lost far from the origin.

    References
    ----------
    Dempster, Laird & Rubin (1977), section 4.3; Arthur & Vassilvitskii (2007), "k-means++: The Advantages of Careful
    Seeding".

    Examples
    --------
    >>> x = np.random.default_rng(0).normal([[0, 0]] * 90 + [[5, 5]] * 10)
    >>> model = GaussianMixture(2, max_iter=20).fit(x)
    >>> model.weights_.round(2), model.means_.round(0) + 0.0
    (array([0.9, 0.1]), array([[0., 0.], [5., 5.]]))
    >>> model.predict([[1, 0], [4, 6]])
    array([0, 1])
    """

    n_components: int = field(default=1, kw_only=False)
    component: Factor = field(default_factory=Categorical)
    density: Gaussian = field(default_factory=Gaussian)
    init: Literal["kmeans++", "random"] = "kmeans++"
    means_init: Any = None
    random_state: int | None = 0

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**Model.kinds, "component": (Factor,), "density": (Gaussian,)}
    kept: ClassVar[tuple[str, ...]] = ("shape_", "centre_")
    shape_: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    centre_: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        name, n = type(self).__name__, self.n_components
        if not isinstance(n, int | np.integer) or n < 1:
            raise InputError(f"{name}({n!r}): the number of components is a whole number from 1")
        if self.init not in ("kmeans++", "random"):
            raise InputError(f"{name}(init={self.init!r}): expected 'kmeans++' or 'random', or give means_init")
        if self.means_init is not None:
            means = Points(self.means_init).values
            if len(means) != n:
                raise InputError(f"{name}: means_init has {len(means)} rows for {n} components")
            self.means_init = tuple(map(tuple, means.tolist()))

    @classmethod
    def given(cls, weights: Any, means: Any, covariances: Any, **settings: Any) -> Self:
        """Return the mixture that has these parameters, as if it were fitted: to draw from, or to start from.

        Weights, (K,), are normalised; means are (K, D), covariances (K, D, D); settings are the constructor's. It is an
        InputError if the shapes do not fit, or a covariance has no inverse.

        Examples
        --------
        >>> narrow = GaussianMixture.given([1, 3], [[0.0], [4.0]], [[[1.0]], [[0.25]]])
        >>> narrow.weights_, float(narrow.score_samples([[4.0]])[0].round(4))
        (array([0.25, 0.75]), -0.5134)
        """
        points = Points(means, weights)
        n, d = points.values.shape
        matrices = np.asarray(covariances, np.float64)
        if matrices.shape != (n, d, d) or not np.allclose(matrices, matrices.swapaxes(1, 2), rtol=1e-6, atol=0):
            raise InputError(f"covariances: expected {n} symmetric matrices, {(n, d, d)}, not {matrices.shape}")
        model = cls(n, **settings)
        model.shape_ = np.array([n, d], np.int64)
        model.centre_ = points.mean
        model._hold({name: factor.bind(model.rebuilt()[name]) for name, factor in model.unbound().items()})
        density = model._density.packed(points.values - model.centre_, matrices)
        if not model._density.accepts(density):
            raise InputError("covariances: one of them is singular, or not finite")
        params = Blocks({"component": model.factors_["component"].adopt(points.masses), "density": density})
        model.restore(model.factors_, params, Trace(reason="given"))
        return model

    def corpus(self, data: Any, fitted: bool = False) -> Points:
        """Accept `Points`, or anything that NumPy makes an array of, a row an item."""
        points = data if isinstance(data, Points) else Points(data)
        if fitted and points.n_dimensions != self.shape_[1]:
            raise InputError(f"the items have {points.n_dimensions} dimensions, but the model knows {self.shape_[1]}")
        return points

    def supports(self, corpus: Points) -> dict[str, Any]:  # noqa: D102
        if self.means_init is not None and len(self.means_init[0]) != corpus.n_dimensions:
            raise InputError(f"means_init has {len(self.means_init[0])} columns, the items {corpus.n_dimensions}")
        self.shape_ = np.array([self.n_components, corpus.n_dimensions], np.int64)
        self.centre_ = corpus.mean
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        n, n_dimensions = self.shape_.tolist()
        return {"component": Support.dense(1, n), "density": Space(n, n_dimensions)}

    def index(self, corpus: Points, batch_size: int | None = None) -> Sequence[Items]:
        """Return batches of `batch_size` items: views, not copies."""
        return corpus.batches(batch_size or ROWS)

    @property
    def _density(self) -> Gaussian:
        return cast(Gaussian, self.factors_["density"])

    # Where a fit starts

    def first(self, corpus: Points, batches: Sequence[Items], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters; see `init`."""
        start, factor, given = super().first(corpus, batches, None), self._density, self.means_init
        chosen = seeds(corpus, int(self.shape_[0]), rng, self.init == "kmeans++") if given is None else np.array(given)
        near = factor.packed(chosen - self.centre_, factor.covariances(start["density"]))
        potentials = self.prepare(Blocks(dict(start) | {"density": factor.theta(near)}))
        counts = potentials.zeros()
        for batch in batches:
            self.count(batch, self.decode(batch, potentials), counts)
        density = factor.maximize(counts["density"], near)
        pooled = np.average(factor.covariances(density), axis=0, weights=counts["density"][:, 0])
        means = factor.means(density) if given is None else chosen - self.centre_
        density = factor.packed(means, np.broadcast_to(pooled, (len(means), *pooled.shape)))
        return Blocks(dict(start) | {"density": density})

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Take over the means and covariances of a mixture of as many components, and its weights if of the same kind.

        Covariances may be of another kind.
        """
        if not isinstance(start, GaussianMixture) or not np.array_equal(start.shape_, self.shape_):
            n, n_dimensions = self.shape_.tolist()
            raise InputError(f"start: expected a GaussianMixture of {n} components in {n_dimensions} dimensions")
        found = {"density": self._density.packed(start.means_ - self.centre_, start.covariances_)}
        if start.factors_["component"] == self.factors_["component"]:
            found["component"] = start.params_["component"]
        return found

    # The E-step and its relatives

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials: weights become logs."""
        with np.errstate(divide="ignore"):
            return Blocks({"component": np.log(theta["component"]), "density": theta["density"]})

    def _posteriors(self, batch: Items, potentials: Blocks) -> tuple[Array, Array]:
        """Return P(component | item), (n, K), and log P(item), (n,)."""
        found: tuple[Array, Array] = gaussians.posteriors(batch.values, self.centre_, *potentials.values())
        return found

    def expect(self, batch: Items, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        moments = np.zeros_like(counts["density"])
        loglik = gaussians.expect(batch.values, batch.weights, self.centre_, *potentials.values(), moments)
        self._add(moments, counts)
        return float(loglik)

    def _add(self, moments: Array, counts: Blocks) -> None:
        counts["density"][:] += moments
        counts["component"][:] += moments[:, 0]

    def likelihood(self, batch: Items, potentials: Blocks) -> float:  # noqa: D102
        return float(batch.weights @ self._posteriors(batch, potentials)[1])

    def posterior(self, batch: Items, potentials: Blocks) -> Iterator[Array]:
        """Yield P(component | item), (K,), of each item."""
        return iter(self._posteriors(batch, potentials)[0])

    def decode(self, batch: Items, potentials: Blocks) -> NDArray[np.int64]:
        """Return the best component of each item, (n,)."""
        return self._posteriors(batch, potentials)[0].argmax(axis=1)

    def count(self, batch: Items, latent: NDArray[np.int64], counts: Blocks) -> None:  # noqa: D102
        shares = np.zeros((len(batch), int(self.shape_[0])))
        shares[np.arange(len(batch)), latent] = batch.weights
        moments = np.zeros_like(counts["density"])
        gaussians.add_moments(batch.values, shares, self.centre_, moments)
        self._add(moments, counts)

    # What users call

    @property
    def weights_(self) -> Array:
        """P(component), (K,)."""
        return self.probabilities()["component"]

    @property
    def means_(self) -> Array:
        """The mean of each component, (K, D)."""
        self.check_fitted()
        return self._density.means(self.params_["density"]) + self.centre_

    @property
    def covariances_(self) -> Array:
        """The covariance of each component, (K, D, D)."""
        self.check_fitted()
        return self._density.covariances(self.params_["density"])

    def _map(self, corpus: Any, function: Callable[[Items, Blocks], Array], normalised: bool) -> Array:
        """Return what a function says of each item."""
        _, potentials, batches = self.ready(corpus, normalised)
        return np.concatenate(list(engine(self.n_jobs).map(lambda batch: function(batch, potentials), batches)))

    def predict(self, corpus: Any) -> NDArray[np.int64]:
        """Return the best component of each item, (N,)."""
        return self._map(corpus, self.decode, False)  # type: ignore[arg-type, return-value]

    def predict_proba(self, corpus: Any) -> Array:
        """Return P(component | item) of each item, (N, K)."""
        return self._map(corpus, lambda *each: self._posteriors(*each)[0], False)

    def score_samples(self, corpus: Any) -> Array:
        """Return the log-likelihood of each item, in nats, (N,)."""
        return self._map(corpus, lambda *each: self._posteriors(*each)[1], True)

    def score(self, corpus: Any) -> float:
        """Return the mean log-likelihood of an item, in nats; of weighted items, the weighted mean."""
        self.check_fitted()
        points = self.corpus(corpus, fitted=True)
        return float(np.average(self.score_samples(points), weights=points.weights))

    def bic(self, corpus: Any) -> float:
        """Return the Bayesian information criterion (Schwarz 1978) of a corpus: the lower, the better."""
        points = self.corpus(corpus)
        return float(self.n_parameters * np.log(points.weight) - 2 * points.weight * self.score(points))

    def aic(self, corpus: Any) -> float:
        """Return Akaike's information criterion (1974) of a corpus: the lower, the better."""
        points = self.corpus(corpus)
        return 2 * (self.n_parameters - points.weight * self.score(points))

    @property
    def n_parameters(self) -> int:
        """How many numbers are free: weights, means and covariances."""
        self.check_fitted()
        return int(self._density.n_parameters + self.shape_[0] - 1)

    def sample(self, n: int = 1, seed: int = 0) -> tuple[Array, NDArray[np.int64]]:
        """Draw items, (n, D), and return their components, too, (n,)."""
        means, weights, rng = self.means_, self.weights_, np.random.default_rng(seed)
        latent = rng.choice(len(weights), n, p=weights / weights.sum())
        noise = rng.standard_normal((n, means.shape[1]))
        lower = np.linalg.cholesky(self.covariances_)
        return means[latent] + np.einsum("nij,nj->ni", lower[latent], noise), latent

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        self.shape_, self.centre_ = arrays[f"kept/{prefix}shape_"], arrays[f"kept/{prefix}centre_"]
        shape = self.shape_
        if shape.dtype != np.int64 or shape.shape != (2,) or shape.min() < 1 or shape[0] != self.n_components:
            raise ValueError("shape_")
        if self.centre_.dtype != np.float64 or self.centre_.shape != (shape[1],) or not np.isfinite(self.centre_).all():
            raise ValueError("centre_")
