"""Gradient ascent of a smooth function of many numbers: L-BFGS, conjugate gradients, and their line search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.inference.vectors import add_scaled, differences, dot, moved

RISE, SLOPE = 1e-4, 0.9
"""Of the weak Wolfe conditions: how much of the promised rise a step brings, and how much flatter it gets."""

EXACT = 0.1
"""Of the strong Wolfe conditions: how flat it gets."""

TRIES = 30

ROUNDING = 1e-17
"""What share of the objective a rise cannot be seen beside."""

Single = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Point:
    """Where the climb stands: parameters as one vector, objective, gradient, and the expected counts there."""

    x: Array
    value: float
    gradient: Array
    counts: Blocks | None = None


@dataclass(frozen=True, eq=False)
class Memory:
    """The last steps and the changes of the gradient along them, oldest first: what L-BFGS and CG go by.

    They are float32: a direction needs no more digits, and reading them is what takes the time. `products` are those of
    each step and its change.
    """

    steps: tuple[Single, ...] = ()
    changes: tuple[Single, ...] = ()
    products: tuple[float, ...] = ()

    def then(self, before: Point, after: Point, size: int) -> Memory:
        """Return the memory after one more step; one along which the objective curves upwards is left out."""
        step, change = np.empty(len(after.x), np.float32), np.empty(len(after.x), np.float32)
        length, product, square = differences(before.x, after.x, after.gradient, before.gradient, step, change)
        usable = 0 < square < np.inf  # neither too small nor too large for float32
        if not (usable and product > 1e-6 * np.sqrt(length * square)):
            return self
        steps, changes, products = (*self.steps, step), (*self.changes, change), (*self.products, product)
        return Memory(steps[-size:], changes[-size:], products[-size:])

    def lbfgs(self, gradient: Array) -> Single:
        """Return the direction of L-BFGS (Nocedal 1980): the gradient by the inverse Hessian that the steps suggest."""
        direction, n = gradient.astype(np.float32), len(self.steps)
        if not n:
            return direction
        weights, along = np.zeros(n), dot(self.steps[-1], direction)
        for k in reversed(range(n)):
            weights[k] = along / self.products[k]
            along = add_scaled(-weights[k], self.changes[k], direction, self.steps[max(k - 1, 0)])
        direction *= self.products[-1] / dot(self.changes[-1], self.changes[-1])
        along = dot(self.changes[0], direction)
        for k in range(n):
            weight = weights[k] - along / self.products[k]
            along = add_scaled(weight, self.steps[k], direction, self.changes[min(k + 1, n - 1)])
        return direction

    def conjugate(self, gradient: Array) -> Array:
        """Return the direction of conjugate gradients (Hestenes & Stiefel 1952, as Hager & Zhang 2005 correct it)."""
        if not self.steps:
            return gradient
        step, change = self.steps[-1].astype(np.float64), self.changes[-1].astype(np.float64)
        along = self.products[-1]
        beta = (dot(change, gradient) - 2 * dot(step, gradient) * dot(change, change) / along) / along
        return moved(gradient, -beta, step, np.empty(len(gradient)))


def line_search(
    evaluate: Callable[[Array], Point], point: Point, direction: Array | Single, length: float, exact: bool = False
) -> Point | None:
    """Return a point along a direction that meets the Wolfe conditions, or the best found, or None if none is up.

    The weak conditions, or, if `exact`, the strong ones of a tenth of the slope, which conjugate gradients need. As in
    Lewis & Overton (2013), but where slopes suggest a length, between a tenth and nine, it is tried, not the middle; in
    the first half, where they suggested one that was too long.
    """
    slope = dot(point.gradient, direction)
    if not 0 < slope < np.inf:
        return None
    low, high, best, falls = (0.0, slope), (np.inf, np.nan), None, 0
    for _ in range(TRIES):
        found = evaluate(moved(point.x, length, direction, np.empty(len(point.x))))
        here = length, dot(found.gradient, direction)
        wanted = max(point.value + RISE * length * slope, np.nextafter(point.value, np.inf))
        if wanted <= found.value < np.inf:
            best = found if best is None or found.value > best.value else best
            if here[1] > (EXACT if exact else SLOPE) * slope:
                low, length = here, _between(here, high) if high[0] < np.inf else _beyond(low, here)
            elif not exact or here[1] >= -EXACT * slope:
                return found
            else:
                high, length = here, _between(low, here)
        else:
            falls += 1
            high, length = here, _between(low, here, 0.9 if falls == 1 else 0.5)
            if best is None and length * slope < ROUNDING * abs(point.value):
                return None
        if best is not None and high[0] - low[0] < 1e-3 * high[0] < np.inf:
            return best
    return best


def _between(low: tuple[float, float], high: tuple[float, float], most: float = 0.9) -> float:
    """Return a length between two, given with their slopes: where a parabola is flat, or at `most` of the way."""
    share = low[1] / (low[1] - high[1]) if -np.inf < high[1] < 0 else 0.5
    return low[0] + min(max(share, 0.1), most) * (high[0] - low[0])


def _beyond(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Return a length beyond two: where a parabola is flat, if that is 2 to 10 times as far."""
    flat = high[0] + high[1] * (high[0] - low[0]) / (low[1] - high[1]) if high[1] < low[1] else np.inf
    return min(max(flat, 2 * high[0]), 10 * high[0])


def climb(evaluate: Callable[[Array], Point], point: Point, steps: int, memory: int = 6, length: float = 1.0) -> Point:
    """Return where L-BFGS is after some steps, or sooner where there is no way up; never lower than it began.

    Parameters
    ----------
    evaluate : callable
        From a vector to its `Point`.
    point : Point
        Where to begin.
    steps : int
    memory : int
        Steps to remember.
    length : float
        Of the first step, in gradients.
    """
    past = Memory()
    for done in range(1, steps + 1):
        found = line_search(evaluate, point, past.lbfgs(point.gradient), 1.0 if past.steps else length)
        if found is None and past.steps:
            past = Memory()  # it misleads: try the gradient itself
            found = line_search(evaluate, point, point.gradient, length)
        if found is None:
            break
        past, point = past.then(point, found, memory) if done < steps else past, found
    return point
