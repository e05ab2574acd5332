"""Learner: a frozen value that turns first parameters into better and better ones; and the trace of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, overload

from emnlp.blocks import Blocks
from emnlp.errors import InputError
from emnlp.storage import Saved

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


@dataclass(frozen=True)
class Step:
    """Where a learner stands: parameters, their objective (nats, all items), and what else it needs to go on.

    The objective may be None where a learner ends without scoring what it learned last. `ended` says why a learner can
    go no further than the step before, whose parameters it repeats.
    """

    params: Blocks
    objective: float | None
    state: Any = None
    ended: str = ""


@dataclass(frozen=True)
class Learner(Saved):
    """How E-step and M-step alternate; its whole state is in the `Step` that it yields."""

    guarantee: ClassVar[Guarantee] = "none"

    def iterate(self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine) -> Iterator[Step]:
        """Yield the first parameters with their objective, then those after each of ``model.max_iter`` M-steps."""
        raise NotImplementedError

    def promises(self, model: Model) -> bool:
        """Return whether the objective cannot fall: this learner, the model and every factor declare it."""
        promises = (self.guarantee, model.guarantee, *(factor.guarantee for factor in model.factors_.values()))
        return all(each == "monotone" for each in promises)


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


@dataclass
class Trace(Sequence[float]):
    """The objective of each iteration: ``trace[k]`` is that after k M-steps, in nats over the whole corpus.

    `restarts` has the last objective of each random start by its seed, if there were several.

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

    @overload
    def __getitem__(self, k: int) -> float: ...
    @overload
    def __getitem__(self, k: slice) -> list[float]: ...
    def __getitem__(self, k: int | slice) -> float | list[float]:
        return self.objective[k]

    def __len__(self) -> int:
        return len(self.objective)
