"""Contingency tables: how often each cluster meets each gold tag, and what follows from that alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emnlp.errors import InputError

Label = int | str


class ClusterTags(NamedTuple):
    """The gold tags of one cluster; see `Contingency.confusion`.

    Parameters
    ----------
    cluster : int or str
    n_tokens : int
    share : float
        The share of all tokens that the cluster has.
    own_tag : int, str or None
        The tag that one-to-one gives it.
    tags : list of (tag, share)
        Its gold tags and their shares of its tokens, the most frequent first: the first is that of many-to-one.
    """

    cluster: Label
    n_tokens: int
    share: float
    own_tag: Label | None
    tags: list[tuple[Label, float]]


@dataclass(frozen=True, eq=False, repr=False)
class Contingency:
    """How many tokens each cluster and gold tag share; only those that a token has.

    Parameters
    ----------
    clusters, tags : tuple of int or str
        Their names, sorted.
    cells : (m, 3) int64
        A row for each cluster and tag that meet: their places in `clusters` and `tags`, and the number of tokens; by
        cluster, and then the most frequent tag first, of several the first by name.

    Examples
    --------
    >>> table = Contingency.of(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]), (7, 8, 9), ("DT", "NN"))
    >>> table.clusters, table.cells.tolist()
    ((7, 8), [[0, 0, 1], [1, 1, 2], [1, 0, 1]])
    >>> table.dense()
    array([[1, 0],
           [1, 2]])
    """

    clusters: tuple[Label, ...]
    tags: tuple[Label, ...]
    cells: NDArray[np.int64]

    @classmethod
    def of(
        cls, found: NDArray[np.int64], gold: NDArray[np.int64], clusters: Sequence[Label], tags: Sequence[Label]
    ) -> Contingency:
        """Count (N,) numbers of clusters and of tags, given the names of all; N is at least 1."""
        keys, counts = np.unique(found * len(tags) + gold, return_counts=True)
        (some, cluster), (others, tag) = (np.unique(side, return_inverse=True) for side in np.divmod(keys, len(tags)))
        order = np.lexsort((tag, -counts, cluster))
        cells = np.column_stack([cluster, tag, counts])[order].astype(np.int64)
        return cls(tuple(clusters[k] for k in some.tolist()), tuple(tags[k] for k in others.tolist()), cells)

    def __repr__(self) -> str:
        return f"Contingency({len(self.clusters):,} clusters, {len(self.tags):,} tags, {self.n_tokens:,} tokens)"

    @cached_property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return int(self.cells[:, 2].sum())

    def dense(self) -> NDArray[np.int64]:
        """Return the table, (clusters, tags)."""
        table = np.zeros((len(self.clusters), len(self.tags)), np.int64)
        table[self.cells[:, 0], self.cells[:, 1]] = self.cells[:, 2]
        return table

    @cached_property
    def many_to_one(self) -> NDArray[np.int64]:
        """The places in `cells` of each cluster's most frequent tag, (clusters,)."""
        return np.flatnonzero(np.diff(self.cells[:, 0], prepend=-1))

    @cached_property
    def one_to_one(self) -> NDArray[np.int64]:
        """The places in `cells` of the one-to-one mapping that has most tokens, sorted.

        A cluster or a tag without a partner, or whose partner it never meets, is left out.
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import min_weight_full_bipartite_matching

        sizes = len(self.clusters), len(self.tags)
        side = int(sizes[1] < sizes[0])  # rows are the smaller side
        n, m = sizes[side], sizes[1 - side]
        rows, columns, counts = self.cells[:, side], self.cells[:, 1 - side], self.cells[:, 2]
        # so that a row may stay alone, it has a column of its own; 1 is added to all weights, as 0 would be no edge
        alone = np.arange(n)
        weights = np.concatenate([counts + 1, np.ones(n, np.int64)]).astype(np.float64)
        places = np.concatenate([rows, alone]), np.concatenate([columns, m + alone])
        chosen = min_weight_full_bipartite_matching(csr_matrix((weights, places), shape=(n, m + n)), maximize=True)
        partner = np.empty(n, np.int64)
        partner[chosen[0]] = chosen[1]
        return np.flatnonzero(partner[rows] == columns)

    def mapping(self, cells: NDArray[np.int64]) -> dict[Label, Label]:
        """Return {cluster: tag} of some cells."""
        return {self.clusters[cluster]: self.tags[tag] for cluster, tag, _ in self.cells[cells].tolist()}

    def confusion(self) -> list[ClusterTags]:
        """Return the clusters with their gold tags, the largest cluster first.

        Examples
        --------
        >>> table = Contingency.of(np.array([0, 1, 1]), np.array([0, 1, 2]), "ab", ("DT", "NN", "VB"))
        >>> table.confusion()[0]
        ClusterTags(cluster='b', n_tokens=2, share=0.6666666666666666, own_tag='NN', tags=[('NN', 0.5), ('VB', 0.5)])
        """
        own = self.mapping(self.one_to_one)
        rows = []
        for part in np.split(self.cells, self.many_to_one[1:]):
            name, size = self.clusters[part[0, 0]], int(part[:, 2].sum())
            tags = [(self.tags[tag], count / size) for _, tag, count in part.tolist()]
            rows.append(ClusterTags(name, size, size / self.n_tokens, own.get(name), tags))
        return sorted(rows, key=lambda row: -row.n_tokens)

    def entropy(self, side: int) -> float:
        """Return the entropy, in bits, of the clusters (side 0) or of the tags (side 1)."""
        sizes = self._sizes(side)
        return float(sizes @ np.log2(self.n_tokens / sizes) / self.n_tokens)

    def entropy_given(self, side: int) -> float:
        """Return the entropy, in bits, of the tags given the cluster (side 0), or of the clusters given the tag."""
        counts = self.cells[:, 2]
        return float(counts @ np.log2(self._sizes(side)[self.cells[:, side]] / counts) / self.n_tokens)

    @property
    def mutual_information(self) -> float:
        """What clusters tell about tags, in bits."""
        return max(0.0, self.entropy(1) - self.entropy_given(0))

    def _sizes(self, side: int) -> NDArray[np.float64]:
        return np.bincount(self.cells[:, side], self.cells[:, 2]).astype(np.float64)


def counted(found: Any, gold: Any, gold_name: str, of: str, kind: str, place: Callable[[int], str]) -> Contingency:
    """Return the table of two lists of labels, without what has no gold.

    Parameters
    ----------
    found, gold : (N,) array or list of labels
    gold_name : str
        What messages call the gold.
    of, kind : str
        What messages call an item and its gold: ``token``, ``tag``.
    place : function
        From the number of an item to what messages call it.
    """
    (clusters, labels), (tags, golds) = numbered(found, "found"), numbered(gold, gold_name)
    scored = golds >= 0
    if not scored.any():
        raise InputError(f"{gold_name}: no {of} has a gold {kind}; there is nothing to score")
    missing = np.flatnonzero(scored & (labels < 0))
    if len(missing):
        raise InputError(f"{place(int(missing[0]))}: a gold {kind}, but no label found; label every {of}")
    return Contingency.of(labels[scored], golds[scored], clusters, tags)


def numbered(labels: Any, what: str) -> tuple[list[Label], NDArray[np.int64]]:
    """Return the distinct labels, sorted, and the (N,) number of each label in that list; -1 for None and for -1.

    Examples
    --------
    >>> numbered(["NN", None, "DT", "NN"], "gold")
    (['DT', 'NN'], array([ 1, -1,  0,  1]))
    >>> numbered([3.5], "gold")
    Traceback (most recent call last):
        ...
    emnlp.errors.InputError: gold: 3.5 is not a label; labels are all integers or all strings
    """
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu":
        values, codes = np.unique(labels, return_inverse=True)
        return _without_none(values.tolist(), codes.astype(np.int64))
    labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
    first = next((label for label in labels if label is not None), "")
    kind = str if isinstance(first, str) else (int, np.integer)
    if not all(issubclass(each, kind) for each in set(map(type, labels)) - {type(None)}):
        wrong = next(label for label in labels if label is not None and not isinstance(label, kind))
        raise InputError(f"{what}: {wrong!r} is not a label; labels are all integers or all strings")
    distinct = sorted(set(labels) - {None})
    number = {label: at for at, label in enumerate(distinct)}
    codes = np.fromiter((number.get(label, -1) for label in labels), np.int64, len(labels))
    return _without_none([str(name) if isinstance(name, str) else int(name) for name in distinct], codes)


def _without_none(names: list[Label], codes: NDArray[np.int64]) -> tuple[list[Label], NDArray[np.int64]]:
    """Take -1 out of sorted names, and number what stands for it -1."""
    if -1 not in names:
        return names, codes
    at = names.index(-1)
    codes = np.where(codes == at, -1, codes - (codes > at))
    return names[:at] + names[at + 1 :], codes
