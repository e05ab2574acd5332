"""Direct gradient ascent of the penalised marginal likelihood: an E-step an evaluation, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.errors import InputError
from emnlp.inference.vectors import add_scaled, difference, dot, moved
from emnlp.learners.base import Learner, Step

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model

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
        step, change = difference(after.x, before.x), difference(before.gradient, after.gradient)
        product, square = dot(step, change), dot(change, change)
        usable = 0 < square < np.inf  # neither too small nor too large for float32
        if not (usable and product > 1e-6 * np.sqrt(dot(step, step) * square)):
            return self
        steps, changes, products = (*self.steps, step), (*self.changes, change), (*self.products, product)
        return Memory(steps[-size:], changes[-size:], products[-size:])

    def lbfgs(self, gradient: Array) -> Array:
        """Return the direction of L-BFGS (Nocedal 1980): the gradient by the inverse Hessian that the steps suggest."""
        direction, past = gradient.astype(np.float32), list(zip(self.steps, self.changes, self.products))
        weights = []
        for step, change, product in reversed(past):
            weights.append(dot(step, direction) / product)
            add_scaled(-weights[-1], change, direction)
        if past:
            direction *= self.products[-1] / dot(self.changes[-1], self.changes[-1])
        for (step, change, product), weight in zip(past, reversed(weights)):
            add_scaled(weight - dot(change, direction) / product, step, direction)
        return direction.astype(np.float64)

    def conjugate(self, gradient: Array) -> Array:
        """Return the direction of conjugate gradients (Hestenes & Stiefel 1952, as Hager & Zhang 2005 correct it)."""
        if not self.steps:
            return gradient
        step, change = self.steps[-1].astype(np.float64), self.changes[-1].astype(np.float64)
        along = self.products[-1]
        beta = (dot(change, gradient) - 2 * dot(step, gradient) * dot(change, change) / along) / along
        return moved(gradient, -beta, step)


@dataclass(frozen=True)
class DirectGradient(Learner):
    """Climb the penalised log-likelihood itself; it never falls. For models whose every factor has a gradient.

    The gradient is that of the M-step at the expected counts of the E-step (Salakhutdinov, Roweis & Ghahramani 2003):
    one evaluation is one E-step, and a step that the line search takes at once needs no other. Where EM crawls, because
    much is hidden, or the M-step is not closed, this is quicker, and for feature-rich taggers it ends better
    (Berg-Kirkpatrick et al. 2010); on plain tables with little hidden, use `EM`.

    Parameters
    ----------
    direction : {"lbfgs", "cg"}
        L-BFGS, or conjugate gradients, which remember one step.
    memory : int
        Steps that L-BFGS remembers.
    refresh_at : tuple of int
        After so many steps the factors are refreshed: a new round of a regulariser begins, and the objective may fall.
        A round that ends sooner, because there is no way up, hands over to the next at once.

    Raises
    ------
    InputError
        If a factor has no gradient; the message names it.
    """

    direction: Literal["lbfgs", "cg"] = "lbfgs"
    memory: int = 6
    refresh_at: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        given = self.refresh_at
        if not (isinstance(given, Iterable) and all(isinstance(each, Integral) and each >= 0 for each in given)):
            raise InputError(f"DirectGradient(refresh_at={given!r}): expected numbers of steps, such as (20, 40)")
        object.__setattr__(self, "refresh_at", tuple(given))
        if self.direction not in ("lbfgs", "cg"):
            raise InputError(f"DirectGradient(direction={self.direction!r}): expected 'lbfgs' or 'cg'")
        if not (isinstance(self.memory, Integral) and self.memory >= 1):
            raise InputError(f"DirectGradient(memory={self.memory!r}): it has to remember 1 step at least")

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """The line search takes no step down."""
        return "none" if self.refresh_at else "monotone"

    def iterate(self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine) -> Iterator[Step]:
        """Yield the first parameters, then those after each line search, until there is no way up."""

        def evaluate(x: Array) -> Point:
            at = params.like(x)
            theta = model.theta(at)
            counts, loglik = engine.expect(model, theta, batches)
            gradient = model.gradient(counts, at, theta).flat
            return Point(x, loglik + model.penalty(at), gradient, counts)

        point, memory, done, due = evaluate(params.flat), Memory(), 0, sorted(set(self.refresh_at))
        while True:
            yield Step(params.like(point.x), point.value, memory)
            found = None
            if done not in due:
                found, memory = self._onwards(evaluate, point, memory)
            while found is None and due:  # a round is over
                point, due = refreshed(model, params.like(point.x), point), due[1:]
                found, memory = self._onwards(evaluate, point, Memory())
            if found is None:
                yield Step(params.like(point.x), point.value, memory, f"converged: no way up after {done} steps")
                return
            memory, point, done = memory.then(point, found, self.memory), found, done + 1

    def _onwards(self, evaluate: Callable[[Array], Point], point: Point, memory: Memory) -> tuple[Point | None, Memory]:
        """Return a better point, and the memory that led there: where it misleads, none, and the gradient itself."""
        found = self._climb(evaluate, point, memory)
        if found is None and memory.steps:
            memory = Memory()
            found = self._climb(evaluate, point, memory)
        return found, memory

    def _climb(self, evaluate: Callable[[Array], Point], point: Point, memory: Memory) -> Point | None:
        """Return a better point, along the direction that the memory suggests."""
        direction = memory.lbfgs(point.gradient) if self.direction == "lbfgs" else memory.conjugate(point.gradient)
        if self.direction == "cg" and memory.steps:
            step = memory.steps[-1]
            scale = np.sqrt(dot(step, step) / max(dot(direction, direction), 1e-300))
        else:
            scale = 1.0 if memory.steps else min(1.0, 1.0 / max(np.sqrt(dot(point.gradient, point.gradient)), 1e-300))
        return line_search(evaluate, point, direction, scale, exact=self.direction == "cg")


def line_search(
    evaluate: Callable[[Array], Point], point: Point, direction: Array, length: float, exact: bool = False
) -> Point | None:
    """Return a point along a direction that meets the Wolfe conditions, or the best found, or None if none is up.

    The weak conditions, or, if `exact`, the strong ones of a tenth of the slope, which conjugate gradients need. As in
    Lewis & Overton (2013), but where slopes suggest a length, between a tenth and nine, it is tried, not the middle.
    """
    slope = dot(point.gradient, direction)
    if not 0 < slope < np.inf:
        return None
    low, high, best = (0.0, slope), (np.inf, np.nan), None
    for _ in range(TRIES):
        found = evaluate(moved(point.x, length, direction))
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
            high, length = here, _between(low, here)
            if best is None and length * slope < ROUNDING * abs(point.value):
                return None
        if best is not None and high[0] - low[0] < 1e-3 * high[0] < np.inf:
            return best
    return best


def _between(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Return a length between two, given with their slopes: where a parabola is flat."""
    share = low[1] / (low[1] - high[1]) if -np.inf < high[1] < 0 else 0.5
    return low[0] + min(max(share, 0.1), 0.9) * (high[0] - low[0])


def _beyond(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Return a length beyond two: where a parabola is flat, if that is 2 to 10 times as far."""
    flat = high[0] + high[1] * (high[0] - low[0]) / (low[1] - high[1]) if high[1] < low[1] else np.inf
    return min(max(flat, 2 * high[0]), 10 * high[0])


def refreshed(model: Model, params: Blocks, point: Point) -> Point:
    """Begin a new round of the factors' regularisers; return the same point under the new objective."""
    assert point.counts is not None
    old = model.penalty(params)
    model.refresh(point.counts, params)
    gradient = model.gradient(point.counts, params, model.theta(params)).flat
    return Point(point.x, point.value - old + model.penalty(params), gradient, point.counts)
