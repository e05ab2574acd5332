"""The one loop of the package: take a learner's steps, watch them, and know when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from emnlp.blocks import Blocks
from emnlp.checkpoint import renewed, rounds
from emnlp.engines import engine
from emnlp.errors import InputError, NumericalError
from emnlp.factors import Factor
from emnlp.learners import Step, Trace
from emnlp.learners.base import numbered
from emnlp.storage import packable

if TYPE_CHECKING:
    from emnlp.model import Model


@dataclass
class HeldOut:
    """Text that is kept from learning: when its likelihood does not rise any more, learning stops.

    Parameters
    ----------
    corpus
        As the model reads it.
    patience : int
        Stop after so many M-steps without a rise.
    best : Blocks or None
        The parameters of the highest likelihood so far.
    """

    corpus: Any
    patience: int
    best: Blocks | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.patience, int | np.integer) and self.patience >= 1):
            raise InputError(f"patience is {self.patience!r}; it counts M-steps without a rise, from 1")

    def score(self, model: Model, params: Blocks) -> float:
        """Return the mean log-likelihood of an item; keep the parameters if it is the highest."""
        fitted = model.twin()
        fitted._share(params)
        value = fitted.score(self.corpus)
        if not np.isfinite(value):
            raise NumericalError(f"iteration {len(model.trace_.held_out)}: the log-likelihood held out is {value}")
        if value > max(model.trace_.held_out, default=-np.inf):
            self.best = params
        model.trace_.held_out.append(value)
        return value

    def reason(self, trace: Trace) -> str:
        """Return why to stop now, or nothing."""
        best = trace.held_out.index(max(trace.held_out))
        if len(trace.held_out) - 1 - best < self.patience:
            return ""
        return f"held_out: no rise in {self.patience} M-steps; the parameters after {best} M-steps are the best"


@packable
@dataclass
class Place:
    """Where a run stands after so many M-steps: all that it takes to go on from there to the same bits.

    `state` is the learner's; `rounds` are what factors hold fixed for a round, `local` what E-steps have left with
    batches, `best` the best parameters by held-out text.
    """

    done: int
    params: Blocks | None
    state: Any
    trace: Trace
    rounds: dict[str, dict[str, Any]]
    local: list[dict[str, Any]]
    best: Blocks | None = None

    def restore(self, model: Model, batches: Sequence[Any], held_out: HeldOut | None) -> tuple[Blocks, Any]:
        """Bring a model and its batches back to this place; return parameters and state, which it keeps no longer."""
        model.trace_ = self.trace
        model._hold(renewed(model.factors_, self.rounds))
        for batch, local in zip(batches, self.local):
            batch.local.update(local)
        if held_out is not None:
            held_out.best = self.best
        params, state = self.params, self.state
        self.params = self.state = None
        assert params is not None
        return params, state


def run(
    model: Model,
    params: Blocks | None,
    batches: Sequence[Any],
    callback: Callable[[int, Step], None] | None = None,
    title: str = "",
    *,
    held_out: HeldOut | None = None,
    place: Place | None = None,
    save: Callable[[Place], None] | None = None,
) -> Blocks:
    """Improve parameters until ``max_iter``, ``tol`` or `held_out` says stop; fills the model's trace.

    `title` is what the progress bar has beside the model's name. With a `place`, the run goes on from there, not from
    parameters; `save` is called with each place that it can go on from.

    Returns
    -------
    Blocks
        The last parameters, or the best by held-out text.

    Raises
    ------
    NumericalError
        If the objective becomes NaN or infinite, or falls where the learner and the factors declare that it cannot.
    """
    bound, first, state = model.factors_, 0, None
    if place is not None:
        first, (params, state) = place.done + 1, place.restore(model, batches, held_out)
    assert params is not None
    trace = model.trace_
    begin = time.perf_counter() - (trace.seconds[-1] if trace.seconds else 0.0)
    monotone = model.learner.promises(model)
    limit = model.learner.limit(model.max_iter)
    quiet = None if model.verbose else True  # None: silent unless standard error is a terminal
    with tqdm(total=limit, initial=first, desc=type(model).__name__ + title, unit="it", disable=quiet) as bar:
        steps = model.learner.iterate(model, params, batches, engine(model.n_jobs), max(first - 1, 0), state)
        del params, state  # the first ones need not live through the fit
        for done, step in numbered(steps, first):
            if not step.ended:
                if step.objective is not None:
                    _check(step, step.objective, trace.objective, monotone)
                    trace.objective.append(step.objective)
                    trace.seconds.append(time.perf_counter() - begin)
                    bar.set_postfix_str(f"{step.objective / trace.n_items:.4f} nats an item")
                if held_out is not None:
                    step = replace(step, held_out=held_out.score(model, step.params))
                if callback is not None:
                    callback(done, step)
            trace.reason = step.ended or _reason(model, trace, done, limit, held_out)
            if trace.reason:
                return step.params if held_out is None else held_out.best or step.params
            if save is not None:
                save(_place(model, batches, done, step, bound, held_out))
            bar.update()
            del step  # its parameters need not live through the next E-step
    raise AssertionError("a learner goes on until it is stopped")


def _place(
    model: Model, batches: Sequence[Any], done: int, step: Step, bound: Mapping[str, Factor], held_out: HeldOut | None
) -> Place:
    if step.state is None:
        raise InputError(f"{model.learner!r} cannot go on from a checkpoint: it puts no state into its steps")
    local = [dict(getattr(batch, "local", {})) for batch in batches]
    best = None if held_out is None else held_out.best
    renewed_ = rounds(bound, model.factors_)
    return Place(done, step.params, step.state, model.trace_, renewed_, local if any(local) else [], best)


def _reason(model: Model, trace: Trace, done: int, limit: int, held_out: HeldOut | None) -> str:
    """Return why to stop now, or nothing; `limit` is the number of M-steps that there are at most."""
    if len(trace) <= done:
        return f"max_iter: {done} M-steps done, the last not scored"
    if held_out is not None and (reason := held_out.reason(trace)):
        return reason
    if done >= limit:
        return f"{'steps' if limit < model.max_iter else 'max_iter'}: {limit} M-steps done"
    tol = model.tol
    if done > 0 and tol > 0 and model.learner.settled(done) and trace[-1] - trace[-2] < tol * trace.n_items:
        return f"tol: the objective rose by less than {tol} nats an item"
    return ""


def _check(step: Step, objective: float, before: Sequence[float], monotone: bool) -> None:
    if not np.isfinite(objective):
        bad = [name for name, params in step.params.items() if not np.isfinite(params).all()]
        what = f"the parameters of factor {bad[0]!r} are not finite" if bad else "an item has probability 0"
        raise NumericalError(f"iteration {len(before)}: the objective is {objective}; {what}")
    if before and monotone and objective < before[-1] - 1e-9 * max(1.0, abs(before[-1])):
        raise NumericalError(f"iteration {len(before)}: the objective fell from {before[-1]} to {objective}")
