"""Symmetrisation: one set of links from the links, or the posteriors, of two directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.links import Links
from emnlp.errors import InputError

HEURISTICS = ("intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and")
"""Methods that combine the best links of the two directions."""

POSTERIOR = ("product", "product-grow", "mean")
"""Methods that combine the two posteriors: their geometric or arithmetic mean, above a threshold; ``product-grow`` adds
neighbours, as grow-diag does, that either direction alone puts above it."""

METHODS = HEURISTICS + POSTERIOR


def symmetrize(forward: Links, reverse: Links, method: str = "grow-diag-final-and") -> Links:
    """Combine the links of two directions.

    Parameters
    ----------
    forward, reverse : Links
        Both source first.
    method : str
        ``intersection``, ``union``, ``grow-diag`` (intersection, then neighbours in the union that align a word without
        link), ``grow-diag-final`` (then links of either direction that align a word without link) or
        ``grow-diag-final-and`` (then only those where neither word has a link); Koehn, Och & Marcu 2003.

    Returns
    -------
    Links
        Sorted by source position, then target position.

    Raises
    ------
    InputError
        If the two differ in their number of sentence pairs, or the method is not one of these.

    Examples
    --------
    >>> one, other = Links.from_lists([[(0, 0), (1, 1)]]), Links.from_lists([[(0, 0), (1, 2)]])
    >>> symmetrize(one, other, "intersection")[0], symmetrize(one, other, "grow-diag")[0]
    ([(0, 0)], [(0, 0), (1, 1), (1, 2)])
    """
    if method not in HEURISTICS:
        needs = " needs posteriors: use Aligner(symmetrize=...)" if method in POSTERIOR else " is not known"
        raise InputError(f"symmetrize: {method!r}{needs}; here: {', '.join(HEURISTICS)}")
    if len(forward) != len(reverse):
        raise InputError(f"symmetrize: {len(forward)} sentence pairs forward, {len(reverse)} reverse")
    sizes = np.maximum(_sizes(forward), _sizes(reverse))
    return links(sizes, combine(sizes, _points(forward, sizes), _points(reverse, sizes), method))


def combine(
    sizes: NDArray[np.int64], forward: NDArray[np.uint8], reverse: NDArray[np.uint8], method: str
) -> NDArray[np.uint8]:
    """Combine 0/1 cells, source-major, pair after pair; `sizes` (n, 2) are the lengths of each pair."""
    from emnlp.inference.symmetric import symmetrise

    if method not in HEURISTICS:
        raise InputError(f"symmetrize: {method!r} is not known; choose from {', '.join(METHODS)}")
    points = np.zeros_like(forward)
    symmetrise(sizes, forward, reverse, HEURISTICS.index(method), points)
    return points


def links(sizes: NDArray[np.int64], points: NDArray[np.uint8]) -> Links:
    """Return the marked cells as links."""
    from emnlp.inference.symmetric import links_of

    numbers, source, target = links_of(sizes, points)
    return Links(np.concatenate([[0], np.cumsum(numbers)]), source, target)


def _sizes(each: Links) -> NDArray[np.int64]:
    sizes = np.zeros((len(each), 2), np.int64)
    pair = np.repeat(np.arange(len(each)), np.diff(each.starts))
    np.maximum.at(sizes[:, 0], pair, each.source + 1)
    np.maximum.at(sizes[:, 1], pair, each.target + 1)
    return sizes


def _points(each: Links, sizes: NDArray[np.int64]) -> NDArray[np.uint8]:
    cells = np.concatenate([[0], np.cumsum(sizes.prod(1))])
    pair = np.repeat(np.arange(len(each)), np.diff(each.starts))
    points = np.zeros(cells[-1], np.uint8)
    points[cells[pair] + each.source.astype(np.int64) * sizes[pair, 1] + each.target] = 1
    return points
