"""Learner: a frozen value that turns first parameters into better and better ones; and the trace of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

from emnlp.blocks import Blocks
from emnlp.errors import InputError
from emnlp.storage import Saved, packable

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


@dataclass(frozen=True)
class Step:
    """Where a learner stands: parameters, their objective (nats, all items), and what else it needs to go on.

    The objective may be None where a learner ends without scoring what it learned last. `ended` says why a learner can
    go no further than the step before, whose parameters it repeats. `held_out`, which learners leave to the loop, is
    the mean log-likelihood of a held-out item.
    """

    params: Blocks
    objective: float | None
    state: Any = None
    ended: str = ""
    held_out: float | None = None


def numbered(steps: Iterator[Step], first: int) -> Iterator[tuple[int, Step]]:
    """Yield each step with its number; unlike `enumerate`, keep none while the next one is made."""
    for step in steps:
        yield first, step
        del step
        first += 1


@dataclass(frozen=True)
class Learner(Saved):
    """How E-step and M-step alternate; its whole state is in the `Step` that it yields.

    Parameters
    ----------
    steps : int, optional
        Stop after so many M-steps, if ``max_iter`` allows as many; in a `Chain`, the next learner takes over.
    """

    steps: int | None = field(default=None, kw_only=True)

    guarantee: ClassVar[Guarantee] = "none"

    def __post_init__(self) -> None:
        if self.steps is not None and not (isinstance(self.steps, Integral) and self.steps >= 1):
            raise self.wrong("steps", "a number of M-steps, from 1")

    def wrong(self, name: str, expected: str) -> InputError:
        """Return the error that a setting is not what is expected."""
        return InputError(f"{type(self).__name__}({name}={getattr(self, name)!r}): expected {expected}")

    @property
    def batch_size(self) -> int | None:
        """The size of batches, as the model's `index` counts it; None leaves it to the model."""
        return None

    def iterate(
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        """Yield the first parameters with their objective, then those after each of ``model.max_iter`` M-steps.

        With the `state` of a `Step` that had these parameters after so many M-steps, `done`, yield those that follow:
        with the same bits as if there had been no break. The state may be changed on the way.
        """
        raise NotImplementedError

    def limit(self, max_iter: int) -> int:
        """Return how many M-steps there are at most."""
        return max_iter if self.steps is None else min(self.steps, max_iter)

    def settled(self, done: int) -> bool:
        """Return whether the objective after so many M-steps is of the same kind as that before: `tol` compares them.

        It is only so where the rest of the run has nothing new in store.
        """
        return done > 0

    def leg(self, steps: int, last: bool) -> Self:
        """Return the same learner for so many M-steps; if it is not the last one, another scores what it ends with."""
        return replace(self, steps=steps)

    def promises(self, model: Model) -> bool:
        """Return whether the objective cannot fall: this learner, the model and every factor declare it."""
        promises = (self.guarantee, model.guarantee, *(factor.guarantee for factor in model.factors_.values()))
        return all(each == "monotone" for each in promises)


@dataclass(frozen=True)
class Scoring(Learner):
    """A learner that takes another pass over the corpus to score the last parameters, or leaves it."""

    score_last: bool = field(default=True, kw_only=True)

    def leg(self, steps: int, last: bool) -> Self:  # noqa: D102
        return replace(self, steps=steps, score_last=self.score_last and last)

    def end(self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, state: Any = None) -> Step:
        """Return the last step: with the penalised log-likelihood, if it is wanted."""
        wanted = self.score_last or model.max_iter == 0
        return Step(params, self.score(model, params, batches, engine) if wanted else None, state)

    def score(self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine) -> float:
        """Return the objective of parameters: the penalised log-likelihood."""
        return engine.likelihood(model, model.theta(params), batches) + model.penalty(params)


def check_climbs(learner: Learner, model: Model) -> None:
    """Raise an InputError if the counts of a model's E-step are not those of its own posterior."""
    if not model.counts_climb:
        name, kind = type(learner).__name__, type(model).__name__
        raise InputError(f"{name}: the counts of {kind} are those of no posterior of its own; use EM()")


def check_size(learner: Learner) -> None:
    """Raise an InputError if a learner asks for batches of no size."""
    size = learner.batch_size
    if size is not None and not (isinstance(size, Integral) and size >= 1):
        raise learner.wrong("batch_size", "a whole number from 1")


def rounds(learner: Learner, given: Any) -> tuple[int, ...]:
    """Return the numbers of steps after which factors are refreshed, checked.

    Raises
    ------
    InputError
        If they are not whole numbers from 0.
    """
    listed = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else None
    if listed is None or not all(isinstance(each, Integral) and int(each) >= 0 for each in listed):
        name = type(learner).__name__
        raise InputError(f"{name}(refresh_at={given!r}): expected numbers of steps, such as (20, 40)")
    return listed


@packable
@dataclass
class Trace(Sequence[float]):
    """The objective of each iteration: ``trace[k]`` is that after k M-steps, in nats over the whole corpus.

    `restarts` has the last objective of each random start by its seed, if there were several; `held_out`, where text is
    held out, the mean log-likelihood of its items after each M-step, by which starts are compared then.

    Examples
    --------
    >>> trace = Trace([-9.0, -7.5], reason="max_iter reached", n_items=2)
    >>> trace[-1], len(trace), trace.reason
    (-7.5, 2, 'max_iter reached')
    """

    objective: list[float] = field(default_factory=list)
    reason: str = ""
    n_items: int = 0
    restarts: dict[int, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list, compare=False)
    held_out: list[float] = field(default_factory=list)

    @overload
    def __getitem__(self, k: int) -> float: ...
    @overload
    def __getitem__(self, k: slice) -> list[float]: ...
    def __getitem__(self, k: int | slice) -> float | list[float]:
        return self.objective[k]

    def __len__(self) -> int:
        return len(self.objective)
