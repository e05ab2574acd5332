"""A mixture over columns of labels: what several labellings of the same items agree on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Categorical, Factor
from emnlp.model import Model
from emnlp.support import Support

ROWS = 8192
"""Distinct rows of a batch."""

FIRM = 0.9
"""The share of an item that starts in the component that its lead label names."""

TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Rows:
    """A batch of distinct rows of labels, (n, R), how many items each stands for, and which."""

    labels: NDArray[np.int64]
    weights: Array
    items: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.items)


@dataclass(kw_only=True, repr=False)
class LabelMixture(Model):
    """A mixture of categoricals over R labels an item: latent class analysis, such as the consensus of R taggers.

    Story of an item: draw its component; then, from the component, a label in each column, independently.

    =========  =================  ========  =============
    factor     condition          outcome   default
    =========  =================  ========  =============
    component  (one)              component Categorical()
    label      component, column  label     Categorical()
    =========  =================  ========  =============

    Parameters
    ----------
    n_components : int or None
        K; None is the number of labels.
    component, label : Factor
    lead : int
        The column whose labels the components start from, so that component k goes by what that column calls k.
    evidence : float
        What a label counts for, up to 1: ``P(row, k) ~ P(k) * product of P(label | k) ** evidence``. Less than 1 where
        columns err alike, as runs of one model do, and would be too sure together.

    References
    ----------
    Dawid & Skene (1979), "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm".

    Examples
    --------
    >>> labels = [[0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0]]  # the second swaps the names
    >>> LabelMixture().fit(labels).predict(labels)
    array([0, 0, 1, 1, 1, 0])
    """

    n_components: int | None = None
    component: Factor = field(default_factory=Categorical)
    label: Factor = field(default_factory=Categorical)
    lead: int = 0
    evidence: float = 1.0
    max_iter: int = 50

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**Model.kinds, "component": (Factor,), "label": (Factor,)}
    kept: ClassVar[tuple[str, ...]] = ("shape_",)
    shape_: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.evidence <= 1:
            raise InputError(f"evidence is {self.evidence}; a label counts for more than 0, and for 1 at most")

    def corpus(self, data: Any, fitted: bool = False) -> NDArray[np.int64]:
        """Accept an array or a list of rows, (N, R), of labels from 0."""
        labels = np.asarray(data)
        if labels.ndim != 2 or labels.dtype.kind not in "iu" or not labels.size or labels.min() < 0:
            raise InputError("expected labels, (items, columns): whole numbers from 0, one of each column an item")
        if fitted and (labels.shape[1] != self.shape_[1] or labels.max() >= self.shape_[2]):
            raise InputError(f"the model knows {self.shape_[1]} columns of labels from 0 to {self.shape_[2] - 1}")
        return labels.astype(np.int64)

    def supports(self, corpus: NDArray[np.int64]) -> dict[str, Support]:  # noqa: D102
        n_labels, columns = int(corpus.max()) + 1, corpus.shape[1]
        if not 0 <= self.lead < columns:
            raise InputError(f"lead is {self.lead}, but the columns are 0 to {columns - 1}")
        self.shape_ = np.array([self.n_components or n_labels, columns, n_labels], np.int64)
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        n, columns, n_labels = self.shape_.tolist()
        column, label, component = np.unravel_index(np.arange(columns * n_labels * n), (columns, n_labels, n))
        support = Support.pairs(component * columns + column, label, n * columns, n_labels)
        return {"component": Support.dense(1, n), "label": support}

    def index(self, corpus: NDArray[np.int64], batch_size: int | None = None) -> Sequence[Rows]:
        """Return batches of `batch_size` distinct rows."""
        labels, rows, counts = np.unique(corpus, axis=0, return_inverse=True, return_counts=True)
        rows = rows.reshape(-1)
        items, size = np.argsort(rows, kind="stable"), batch_size or ROWS
        found = []
        for a in range(0, len(labels), size):
            here = items[slice(*np.searchsorted(rows[items], [a, a + size]))]
            found.append(Rows(labels[a : a + size], counts[a : a + size].astype(np.float64), here, rows[here] - a))
        return found

    def first(self, corpus: Any, batches: Sequence[Any], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters: those of items that are mostly of the component that their lead label names."""
        n = int(self.shape_[0])
        counts = Blocks({name: np.zeros(len(factor.support)) for name, factor in self.factors_.items()})
        for batch in batches:
            soft = np.full((len(batch.labels), n), (1 - FIRM) / n)
            if rng is not None:
                soft *= rng.standard_exponential(soft.shape)
            soft[np.arange(len(soft)), batch.labels[:, self.lead] % n] += FIRM
            self._count(batch, soft * batch.weights[:, None], counts)
        return self.maximize(counts, super().first(corpus, batches, rng))

    def _responsibilities(self, batch: Rows, potentials: Blocks) -> tuple[Array, Array]:
        """Return P(component | row), (n, K), and log P(row), (n,)."""
        n, columns, n_labels = self.shape_.tolist()
        tables = np.log(np.maximum(potentials["label"], TINY)).reshape(columns, n_labels, n)
        told = sum(table[batch.labels[:, r]] for r, table in enumerate(tables))
        logs = np.log(np.maximum(potentials["component"], TINY)) + self.evidence * told
        top = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - top)
        totals = shares.sum(axis=1, keepdims=True)
        return shares / totals, (top + np.log(totals))[:, 0]

    def _count(self, batch: Rows, shares: Array, counts: Blocks) -> None:
        n, columns, n_labels = self.shape_.tolist()
        counts["component"][:] += shares.sum(axis=0)
        for r, table in enumerate(counts["label"].reshape(columns, n_labels, n)):
            np.add.at(table, batch.labels[:, r], self.evidence * shares)

    def expect(self, batch: Rows, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        shares, logliks = self._responsibilities(batch, potentials)
        self._count(batch, shares * batch.weights[:, None], counts)
        return float(batch.weights @ logliks)

    def posterior(self, batch: Rows, potentials: Blocks) -> Iterator[Array]:
        """Yield P(component | labels), (K,), of each item."""
        return iter(self._responsibilities(batch, potentials)[0][batch.rows])

    def decode(self, batch: Rows, potentials: Blocks) -> NDArray[np.int64]:
        """Return the best component of each distinct row."""
        return self._responsibilities(batch, potentials)[0].argmax(axis=1)

    def count(self, batch: Rows, latent: NDArray[np.int64], counts: Blocks) -> None:  # noqa: D102
        shares = np.zeros((len(latent), int(self.shape_[0])))
        shares[np.arange(len(latent)), latent] = batch.weights
        self._count(batch, shares, counts)

    def predict(self, corpus: Any) -> NDArray[np.int64]:
        """Return the best component of each item, (N,)."""
        return self.predict_proba(corpus).argmax(axis=1)

    def predict_proba(self, corpus: Any) -> Array:
        """Return P(component | labels) of each item, (N, K)."""
        corpus, potentials, batches = self.ready(corpus)
        found = np.empty((len(corpus), int(self.shape_[0])))
        shares = engine(self.n_jobs).map(lambda batch: self._responsibilities(batch, potentials)[0], batches)
        for batch, each in zip(batches, shares):
            found[batch.items] = each[batch.rows]
        return found

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        self.shape_ = arrays[f"kept/{prefix}shape_"]
        if self.shape_.dtype != np.int64 or self.shape_.shape != (3,) or self.shape_.min() < 1:
            raise ValueError("shape_")
