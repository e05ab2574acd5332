"""Where mixtures of documents start: a first share of each document in each component."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.documents import Documents
from emnlp.spherical import seeds, spherical_kmeans, unit_rows

STARTS = ("spherical", "documents", "random")


def first_shares(
    init: str, documents: Documents, labels: NDArray[np.int64], n: int, rng: np.random.Generator | None
) -> Array:
    """Return the first shares, (N, K); rows of documents that tell nothing yet are 0.

    Documents with labels tell all of their components. Components without any, and all where there are no labels, start
    from the others as `init` says.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    shares = np.zeros((len(documents), n))
    known = np.flatnonzero(labels >= 0)
    shares[known, labels[known]] = 1.0
    free = np.flatnonzero(shares.sum(axis=0) == 0)
    others = np.flatnonzero(labels < 0)
    if len(free) and len(others):
        shares[np.ix_(others, free)] = _shares(init, documents.select(others), len(free), rng)
    return shares


def _shares(init: str, documents: Documents, n: int, rng: np.random.Generator) -> Array:
    shares = np.zeros((len(documents), n))
    if init == "random":
        shares = rng.standard_exponential(shares.shape)
        return shares / shares.sum(axis=1, keepdims=True)
    rows = unit_rows(documents)
    if init == "documents":
        shares[seeds(rows, n, rng), np.arange(n)] = 1.0
    else:
        shares[np.arange(len(documents)), spherical_kmeans(rows, n, rng)[0]] = 1.0
    return shares
