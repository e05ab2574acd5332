"""Scores of a clustering against gold classes: many-to-one, one-to-one, V-measure, NMI, variation of information."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp import __version__
from emnlp.corpus.documents import Documents
from emnlp.errors import InputError
from emnlp.metrics.contingency import Contingency, Label, counted

_MEANS: dict[str, Callable[[float, float], float]] = {
    "arithmetic": lambda a, b: (a + b) / 2,
    "geometric": lambda a, b: math.sqrt(a * b),
    "min": min,
    "max": max,
}


@dataclass(frozen=True)
class ClusteringScores:
    """The table of clusters and gold classes, and the rates that follow from it; made by `clustering_scores`.

    Only documents that have a gold class count, and only clusters and classes that such a document has. What maps
    clusters to classes is always taken from the scored documents themselves. Rates are never NaN; in the degenerate
    cases they are

    =============================  ===  =======  ===  ===  =======  ==================
    case                           M-1  1-1      H    C    V, NMI   VI
    =============================  ===  =======  ===  ===  =======  ==================
    a cluster for each class       1    1        1    1    1        0
    one cluster, several classes   p    p        0    1    0        entropy of classes
    several clusters, one class    1    q        1    0    0        entropy of clusters
    one cluster, one class         1    1        1    1    1        0
    =============================  ===  =======  ===  ===  =======  ==================

    where p is the share of the most frequent class, and q that of the largest cluster. `many_to_one` (also called
    purity) and `homogeneity` rise with the number of clusters: compare them between clusterings that have as many.

    Parameters
    ----------
    table : Contingency
        How often each cluster meets each class.
    n_without_gold : int
        Documents left out because they have no gold class.
    gold, lines : str
        The gold file, and the documents scored (such as ``1::8``).

    References
    ----------
    Rosenberg & Hirschberg (2007), "V-Measure: A Conditional Entropy-Based External Cluster Evaluation Measure",
    EMNLP-CoNLL; Strehl & Ghosh (2002), "Cluster Ensembles", JMLR: NMI, with the geometric mean.

    Examples
    --------
    >>> scores = clustering_scores([0, 1, 1, 2], ["sport", "news", "news", "news"])
    >>> scores.many_to_one, scores.one_to_one, round(scores.v_measure, 4), round(scores.nmi(), 4)
    (1.0, 0.75, 0.702, 0.702)
    """

    table: Contingency
    n_without_gold: int = 0
    gold: str = "<gold>"
    lines: str = "all"

    @property
    def n_clusters(self) -> int:
        """Number of clusters that occur."""
        return len(self.table.clusters)

    @property
    def n_classes(self) -> int:
        """Number of gold classes that occur."""
        return len(self.table.tags)

    @property
    def n_documents(self) -> int:
        """Number of scored documents."""
        return self.table.n_tokens

    @property
    def many_to_one(self) -> float:
        """The share of documents that are right when each cluster stands for its most frequent class."""
        return self._share(self.table.many_to_one)

    @property
    def one_to_one(self) -> float:
        """The share of documents that are right under the best one-to-one mapping; a cluster left over is wrong."""
        return self._share(self.table.one_to_one)

    @property
    def accuracy(self) -> float | None:
        """The share of documents whose label is the class; None unless half of the labels are names of classes.

        For a model that knows them. A number, also one that is a string, is not a name.
        """
        names = [isinstance(tag, str) and not tag.isdecimal() for tag in self.table.tags]
        place = {tag: at for at, tag in enumerate(self.table.tags) if names[at]}
        same = np.array([place.get(cluster, -1) for cluster in self.table.clusters])
        if 2 * np.count_nonzero(same >= 0) < len(same):
            return None
        return self._share(same[self.table.cells[:, 0]] == self.table.cells[:, 1])

    @property
    def homogeneity(self) -> float:
        """1 - H(class | cluster) / H(class); 1 if there is one class."""
        return _share_known(self.table.entropy_given(0), self.table.entropy(1))

    @property
    def completeness(self) -> float:
        """1 - H(cluster | class) / H(cluster); 1 if there is one cluster."""
        return _share_known(self.table.entropy_given(1), self.table.entropy(0))

    @property
    def v_measure(self) -> float:
        """Harmonic mean of `homogeneity` and `completeness`, 0 if both are 0."""
        total = self.homogeneity + self.completeness
        return 2 * self.homogeneity * self.completeness / total if total else 0.0

    @property
    def variation_of_information(self) -> float:
        """H(class | cluster) + H(cluster | class), in bits; 0 is best."""
        return self.table.entropy_given(0) + self.table.entropy_given(1)

    def nmi(self, mean: str = "arithmetic") -> float:
        """Return the normalised mutual information: I(cluster; class) by a mean of the two entropies.

        Parameters
        ----------
        mean : {"arithmetic", "geometric", "min", "max"}
            With ``arithmetic``, scikit-learn's default, it equals `v_measure`; earlier papers often have ``geometric``.

        Raises
        ------
        InputError
            If there is no such mean.
        """
        if mean not in _MEANS:
            raise InputError(f"no mean {mean!r} of entropies; give one of {', '.join(_MEANS)}")
        entropies = self.table.entropy(0), self.table.entropy(1)
        if not any(entropies):
            return 1.0
        whole = _MEANS[mean](*entropies)
        return min(1.0, self.table.mutual_information / whole) if whole else 0.0

    def mapping(self, one_to_one: bool = False) -> dict[Label, Label]:
        """Return the gold class of each cluster: its most frequent one, of several the first by name.

        With `one_to_one`, return the mapping that makes most documents right, without the clusters left over.
        """
        return self.table.mapping(self.table.one_to_one if one_to_one else self.table.many_to_one)

    def rates(self) -> dict[str, float]:
        """Return the rates by short name: from 0 to 1, but VI in bits; Acc only if there is an accuracy."""
        rates = {
            "M-1": self.many_to_one, "1-1": self.one_to_one, "V": self.v_measure, "NMI": self.nmi(),
            "VI": self.variation_of_information, "H": self.homogeneity, "C": self.completeness,
        }  # fmt: skip
        return rates if self.accuracy is None else rates | {"Acc": self.accuracy}

    def facts(self) -> dict[str, Any]:
        """Return what a reader needs to get the rates again, by short name."""
        return {
            "clusters": self.n_clusters, "classes": self.n_classes, "documents": self.n_documents,
            "without gold": self.n_without_gold, "gold": PurePath(self.gold).name, "lines": self.lines,
            "emnlp": __version__,
        }  # fmt: skip

    def signature(self) -> str:
        """Return one line for a paper or a log: the rates in %, VI in bits, and what is needed to get them again.

        Examples
        --------
        >>> clustering_scores([0, 1, 1], ["sport", "news", "news"]).signature()  # doctest: +ELLIPSIS
        'M-1 100.00 | 1-1 100.00 | V 100.00 | NMI 100.00 | VI 0.00 bits | H 100.00 | C 100.00 | clusters 2 | classes 2
        | documents 3 | without gold 0 | gold <gold> | lines all | emnlp ...'
        """
        parts = [f"{name} {rate:.2f} bits" if name == "VI" else f"{name} {100 * rate:.2f}"
                 for name, rate in self.rates().items()]  # fmt: skip
        return " | ".join(parts + [f"{name} {fact}" for name, fact in self.facts().items() if fact != ""])

    def __str__(self) -> str:
        return self.signature()

    def _share(self, cells: NDArray[np.int64] | NDArray[np.bool_]) -> float:
        return int(self.table.cells[cells, 2].sum()) / self.table.n_tokens


def clustering_scores(
    predicted: Any, gold: Any, *, gold_name: str | None = None, lines: str = "all"
) -> ClusteringScores:
    """Score clusters of documents, or the classes of a semi-supervised model, against gold classes.

    Parameters
    ----------
    predicted : (N,) array or list of labels
        All integers or all strings.
    gold : Documents, (N,) array or list of labels
        A document whose gold is -1 or None is left out and counted.
    gold_name, lines : str, optional
        What the signature says of the gold.

    Returns
    -------
    ClusteringScores

    Raises
    ------
    InputError
        If the lengths differ, a document that has gold has no label, no document has gold, or a label is neither an
        integer nor a string.

    Examples
    --------
    >>> documents = Documents.from_tokens([["goal"], ["vote"], ["match"]], labels=["sport", None, "sport"])
    >>> scores = clustering_scores([1, 0, 1], documents)
    >>> scores.one_to_one, scores.n_documents, scores.n_without_gold
    (1.0, 2, 1)
    """
    if isinstance(gold, Documents):
        gold_name, gold = gold_name or gold.name, gold.names()
    name = gold_name or "<gold>"
    found, classes = _listed(predicted, "predicted"), _listed(gold, name)
    if len(found) != len(classes):
        raise InputError(f"{len(found)} labels found, but {len(classes)} documents in {name}; give each document one")
    table = counted(found, classes, name, "document", "class", lambda number: f"document {number}")
    return ClusteringScores(table, len(found) - table.n_tokens, name, lines)


def _listed(labels: Any, what: str) -> Any:
    if not is_sequence(labels):
        raise InputError(f"{what}: expected labels, one a document, not {labels!r}")
    return labels if isinstance(labels, np.ndarray) and labels.dtype != object else list(labels)


def is_sequence(labels: Any) -> bool:
    """Return whether something is a list of labels or the like, and not one label."""
    return isinstance(labels, Iterable) and not isinstance(labels, (str, bytes)) and getattr(labels, "ndim", 1) > 0


def _share_known(left: float, whole: float) -> float:
    """Return 1 - left / whole, and 1 if there is nothing to know; rounding does not take it below 0."""
    return max(0.0, 1 - left / whole) if whole else 1.0
