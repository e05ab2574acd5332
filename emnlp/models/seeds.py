"""Seeds: items that clusters start from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emnlp.blocks import Array
from emnlp.corpus.points import Points
from emnlp.plusplus import far_apart


def seeds(points: Points, n: int, rng: np.random.Generator | None, spread: bool = True) -> Array:
    """Return `n` items, (n, D), distinct ones as far as there are so many.

    Parameters
    ----------
    points : Points
    n : int
    rng : Generator or None
        None takes the item farthest from the mean of all, and then, over and over, the one farthest from those taken.
    spread : bool
        k-means++ (Arthur & Vassilvitskii 2007): each next item is drawn with a chance proportional to its squared
        distance from the nearest of those before. Of a few draws the one that leaves the smallest sum of squares is
        taken, the greedy variant of the same paper. Otherwise all items are drawn alike.

    Examples
    --------
    >>> seeds(Points([[0.0], [1.0], [8.0], [9.0]]), 2, None)
    array([[0.],
           [9.]])
    """
    masses = points.masses
    if rng is not None and not spread:
        scarce = int((masses > 0).sum()) < n
        return points.values[rng.choice(len(points), n, replace=scarce, p=masses / masses.sum())]
    batches, tries = points.batches(), 1 if rng is None else 2 + int(np.log(n))

    def squares(point: Array) -> Array:
        differences = (batch.values - point for batch in batches)
        return np.concatenate([np.einsum("nd,nd->n", each, each) for each in differences])

    def distances(items: Sequence[int]) -> Array:
        return np.stack([squares(points.values[item]) for item in items], axis=1)

    def draw(weights: Array) -> list[int]:
        if rng is None:
            return [int(weights.argmax())]
        totals = np.cumsum(weights if weights.any() else masses)  # every item may be taken already
        places = np.searchsorted(totals, rng.random(tries) * totals[-1], "right")
        return np.minimum(places, len(points) - 1).tolist()

    first = draw(masses * squares(points.mean) if rng is None else masses)[0]
    return points.values[far_apart(n, first, distances, lambda nearest: draw(masses * nearest), masses)]
