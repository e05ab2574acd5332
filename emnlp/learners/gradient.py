"""Direct gradient ascent of the penalised marginal likelihood: an E-step an evaluation, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emnlp.ascent import Memory, Point, line_search
from emnlp.blocks import Array, Blocks
from emnlp.errors import InputError
from emnlp.factors.base import Factor
from emnlp.inference.vectors import dot
from emnlp.learners.base import Learner, Step, rounds
from emnlp.storage import packable

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


packable(Point)
packable(Memory)


@packable
@dataclass(frozen=True, eq=False)
class Climb:
    """Where `DirectGradient` stands: the point, what it remembers, and after how many steps rounds are due."""

    point: Point
    memory: Memory
    due: tuple[int, ...]


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
        super().__post_init__()
        object.__setattr__(self, "refresh_at", rounds(self, self.refresh_at))
        if self.direction not in ("lbfgs", "cg"):
            raise InputError(f"DirectGradient(direction={self.direction!r}): expected 'lbfgs' or 'cg'")
        if not (isinstance(self.memory, Integral) and self.memory >= 1):
            raise InputError(f"DirectGradient(memory={self.memory!r}): it has to remember 1 step at least")

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """The line search takes no step down."""
        return "none" if self.refresh_at else "monotone"

    def settled(self, done: int) -> bool:  # noqa: D102
        return done > 1 + max(self.refresh_at, default=-1)

    def iterate(
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        """Yield the first parameters, then those after each line search, until there is no way up."""
        _check(model)

        def evaluate(x: Array) -> Point:
            at = params.like(x)
            theta = model.theta(at)
            counts, loglik = engine.expect(model, theta, batches)
            gradient = model.gradient(counts, at, theta).flat
            return Point(x, loglik + model.penalty(at), gradient, counts)

        climb = state or Climb(evaluate(params.flat), Memory(), tuple(sorted(set(self.refresh_at))))
        while True:
            if climb is not state:
                yield Step(params.like(climb.point.x), climb.point.value, climb)
            (point, memory, due), found = (climb.point, climb.memory, climb.due), None
            if done not in due:
                found, memory = self._onwards(evaluate, point, memory)
            while found is None and due:  # a round is over
                point, due = refreshed(model, params.like(point.x), point), due[1:]
                found, memory = self._onwards(evaluate, point, Memory())
            if found is None:
                yield Step(params.like(point.x), point.value, climb, f"converged: no way up after {done} steps")
                return
            climb, done = Climb(found, memory.then(point, found, self.memory), due), done + 1

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


def _check(model: Model) -> None:
    """Raise an InputError if the objective of a model has no gradient, or one of its factors."""
    if not model.counts_climb:
        kind = type(model).__name__
        raise InputError(f"DirectGradient: the counts of {kind} are not the gradient of its objective; use EM()")
    for name, factor in model.factors_.items():
        if type(factor).gradient is Factor.gradient:
            raise InputError(
                f"DirectGradient: the factor {name!r}, {factor!r}, has no gradient to climb; "
                "use Logistic() in its place, or learner=EM()"
            )


def refreshed(model: Model, params: Blocks, point: Point) -> Point:
    """Begin a new round of the factors' regularisers; return the same point under the new objective."""
    assert point.counts is not None
    old = model.penalty(params)
    model.refresh(point.counts, params)
    gradient = model.gradient(point.counts, params, model.theta(params)).flat
    return Point(point.x, point.value - old + model.penalty(params), gradient, point.counts)
