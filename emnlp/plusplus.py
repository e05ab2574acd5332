"""k-means++ (Arthur & Vassilvitskii 2007), greedy, for any distance: items that clusters start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from emnlp.blocks import Array


def far_apart(
    n: int,
    first: int,
    distances: Callable[[Sequence[int]], Array],
    draw: Callable[[Array], Sequence[int]],
    masses: Array | None = None,
) -> list[int]:
    """Return the numbers of `n` items far from each other.

    Parameters
    ----------
    n : int
    first : int
        The first of them.
    distances : callable
        From some items to the distance of every item from each, (N, items).
    draw : callable
        From the distance of every item from the nearest one taken, (N,), to candidates: the one that leaves the
        smallest sum of distances is taken.
    masses : (N,) array, optional
        What each item counts for in that sum.

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 8.0, 9.0])
    >>> far_apart(2, 0, lambda items: (at[:, None] - at[items]) ** 2, lambda nearest: [int(nearest.argmax())])
    [0, 3]
    """
    found, nearest = [first], distances([first])[:, 0]
    while len(found) < n:
        items = draw(nearest)
        left = np.minimum(distances(items), nearest[:, None])
        best = int((left.sum(axis=0) if masses is None else masses @ left).argmin())
        found, nearest = [*found, int(items[best])], left[:, best]
    return found
