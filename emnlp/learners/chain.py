"""Several learners, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from emnlp.blocks import Blocks
from emnlp.errors import InputError
from emnlp.learners.base import Learner, Step, numbered
from emnlp.learners.hard import HardEM

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


@dataclass(frozen=True)
class Chain(Learner):
    """Learners that take turns, each for its own number of steps; promises what all of them do, if they climb the same.

    ``learner=[EM(3), HardEM()]`` means this: three M-steps of EM, and hard EM from there. ``trace_`` goes on from one
    to the next, and has at each handover the objective of the next one. `tol` only stops the last. Where one ends
    sooner than its steps, because there is no way up, the next one takes over at once.

    Parameters
    ----------
    learners : sequence of Learner
        All but the last need `steps`.

    Raises
    ------
    InputError
        If one of them but the last has no `steps`, or they ask for batches of different sizes.

    Examples
    --------
    >>> from emnlp import EM
    >>> Chain([EM(3), HardEM(2)]).limit(100)
    5
    """

    learners: Sequence[Learner] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "learners", tuple(self.learners))
        if not self.learners or not all(isinstance(each, Learner) for each in self.learners):
            raise self.wrong("learners", "learners, such as [EM(3), HardEM()]")
        for each in self.learners[:-1]:
            if each.steps is None:
                raise InputError(f"{each!r} would go on to the end, and no other learner take over; give its steps")
        if len(self._sizes) > 1:
            raise InputError(f"learners that take turns share their batches; batch_size is {sorted(self._sizes)}")

    @property
    def _sizes(self) -> set[int]:
        return {each.batch_size for each in self.learners if each.batch_size is not None}

    @property
    def batch_size(self) -> int | None:
        """The size of batches that one of the learners asks for."""
        return next(iter(self._sizes), None)

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """Hard EM's objective is less than that of another learner that hands over to it."""
        hard = [isinstance(each, HardEM) for each in self.learners]
        falls = any(second and not first for first, second in pairwise(hard))
        return "none" if falls or any(each.guarantee != "monotone" for each in self.learners) else "monotone"

    @property
    def _before(self) -> int:
        """How many M-steps there are before the last learner's."""
        return sum(each.steps or 0 for each in self.learners[:-1])

    def limit(self, max_iter: int) -> int:  # noqa: D102
        return super().limit(min(max_iter, self._before + self.learners[-1].limit(max_iter)))

    def settled(self, done: int) -> bool:  # noqa: D102
        return self.learners[-1].settled(done - self._before)

    def iterate(
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        """Yield the steps of each learner.

        `Step.state` is whose turn it is, the M-steps left at its beginning, those done since, and that learner's state.
        """
        why, ended = "steps: all learners had their turn", False
        if state is not None and state[-1] is None:  # the last one has nothing to go on with: it was at its end
            yield Step(params, None, state, why)
            return
        first, left, done, state = (0, self.limit(model.max_iter), 0, None) if state is None else state
        for turn, learner in list(enumerate(self.learners))[first:]:
            most = learner.limit(left)
            last = most == left or learner is self.learners[-1]
            begin = 0 if state is None else done + 1
            steps = learner.leg(max(most, 1), last).iterate(model, params, batches, engine, done, state)
            del params, state  # the first ones need not live through the turn
            for done, step in numbered(steps, begin):
                here = turn, left, done, step.state
                if not last and (step.ended or done == most):
                    params, ended = step.params, bool(step.ended)  # noqa: F841 (the next learner's)
                    left, done, state = left - done + ended, 0, None  # noqa: F841
                    break
                if done > 0 or not ended:  # these were the last one's, too
                    yield replace(step, state=here)
                if done == most:
                    yield Step(step.params, step.objective, here, why)
                del step, here
            if last:
                return
