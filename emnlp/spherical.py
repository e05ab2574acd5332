"""Spherical k-means of documents, and seeds far from each other: where mixtures start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.documents import Documents
from emnlp.plusplus import far_apart


def tfidf(documents: Documents, inverse: Array) -> Array:
    """Return ``(1 + log tf) * idf`` of each entry, (M,), each document scaled to a vector of length 1.

    Parameters
    ----------
    documents : Documents
    inverse : (V,) array
        The idf of each word, such as of `inverse_frequency`.
    """
    values = (1 + np.log(np.maximum(documents.counts, 1))) * inverse[documents.ids]
    norms = np.sqrt(np.bincount(documents.rows, values**2, len(documents)))
    unit: Array = values / np.maximum(norms, 1e-300)[documents.rows]
    return unit


def inverse_frequency(documents: Documents) -> Array:
    """Return ``log(N / df)`` of each word, (V,)."""
    inverse: Array = np.log(len(documents) / np.maximum(documents.document_frequency, 1))
    return inverse


def unit_rows(documents: Documents) -> Any:
    """Return the documents as unit vectors of `tfidf`, (N, V), sparse.

    A document without a word, or with only those that all documents have, is a row of zeros.

    Examples
    --------
    >>> unit_rows(Documents.from_tokens([["a", "b"], ["b", "c"]])).toarray()
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    rows = documents.matrix.copy()
    rows.data = tfidf(documents, inverse_frequency(documents))
    return rows


def seeds(rows: Any, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the numbers of `n` rows far from each other, by k-means++ (Arthur & Vassilvitskii 2007) on the sphere.

    Each is the best of some drawn with probability by 1 - cosine to the nearest one so far.
    """
    trials = 2 + int(np.log(n))

    def distances(items: Sequence[int]) -> Array:
        found: Array = np.maximum(1 - (rows @ rows[np.asarray(items)].T).toarray(), 0)
        return found

    def draw(nearest: Array) -> list[int]:
        total = nearest.sum()
        return rng.choice(rows.shape[0], trials, p=nearest / total if total > 0 else None).tolist()

    return np.array(far_apart(n, int(rng.integers(rows.shape[0])), distances, draw), np.int64)


def spherical_kmeans(
    rows: Any, n: int, rng: np.random.Generator, n_init: int = 5, max_iter: int = 50
) -> tuple[NDArray[np.int64], float]:
    """Cluster unit vectors by cosine (Dhillon & Modha 2001).

    Parameters
    ----------
    rows : (N, V) sparse array
        Of unit vectors, or zeros; see `unit_rows`.
    n : int
        The number of clusters.
    rng : numpy.random.Generator
    n_init : int
        Starts, of which the best by the objective is kept.
    max_iter : int

    Returns
    -------
    labels : (N,) int64
    objective : float
        The sum of the cosines between rows and the directions of their clusters: it never falls.

    Examples
    --------
    >>> documents = Documents.from_tokens([["a", "b"], ["a", "b", "c"], ["x", "y"], ["y", "x", "z"]])
    >>> labels, _ = spherical_kmeans(unit_rows(documents), 2, np.random.default_rng(0))
    >>> labels[0] == labels[1], labels[2] == labels[3], labels[0] == labels[2]
    (np.True_, np.True_, np.False_)
    """
    best = None
    for _ in range(n_init):
        found = _climb(rows, rows[seeds(rows, n, rng)].toarray(), max_iter)
        if best is None or found[1] > best[1]:
            best = found
    assert best is not None
    return best


def _climb(rows: Any, directions: Array, max_iter: int) -> tuple[NDArray[np.int64], float]:
    from scipy import sparse

    labels = np.full(rows.shape[0], -1)
    for _ in range(max_iter):
        cosines = rows @ directions.T
        new = cosines.argmax(axis=1)
        objective = float(cosines[np.arange(len(new)), new].sum())
        if (new == labels).all():
            break
        labels = new
        member = sparse.csr_array(
            (np.ones(len(labels)), (labels, np.arange(len(labels)))), (len(directions), len(labels))
        )
        sums = (member @ rows).toarray()
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        directions = np.where(norms > 0, sums / np.maximum(norms, 1e-300), directions)
    return labels, objective
