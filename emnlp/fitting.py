"""The one loop of the package: take a learner's steps, watch them, and know when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from emnlp.blocks import Blocks
from emnlp.engines import engine
from emnlp.errors import NumericalError
from emnlp.learners import Step, Trace

if TYPE_CHECKING:
    from emnlp.model import Model


def run(
    model: Model,
    params: Blocks,
    batches: Sequence[Any],
    callback: Callable[[int, Step], None] | None = None,
    title: str = "",
) -> Blocks:
    """Improve parameters until ``max_iter`` or ``tol`` says stop; fills the model's trace.

    `title` is what the progress bar has beside the model's name.

    Returns
    -------
    Blocks
        The last parameters.

    Raises
    ------
    NumericalError
        If the objective becomes NaN or infinite, or falls where the learner and the factors declare that it cannot.
    """
    trace, begin = model.trace_, time.perf_counter()
    monotone = model.learner.promises(model)
    limit = model.learner.limit(model.max_iter)
    quiet = None if model.verbose else True  # None: silent unless standard error is a terminal
    with tqdm(total=limit, desc=type(model).__name__ + title, unit="it", disable=quiet) as bar:
        steps = model.learner.iterate(model, params, batches, engine(model.n_jobs))
        del params  # the first ones need not live through the fit
        for done, step in enumerate(steps):
            if step.ended:
                trace.reason = step.ended
                return step.params
            if step.objective is not None:
                _check(step, step.objective, trace.objective, monotone)
                trace.objective.append(step.objective)
                trace.seconds.append(time.perf_counter() - begin)
            if callback is not None:
                callback(done, step)
            if step.objective is None:
                trace.reason = f"max_iter: {done} M-steps done, the last not scored"
                return step.params
            bar.set_postfix_str(f"{step.objective / trace.n_items:.4f} nats an item")
            trace.reason = _reason(model, trace, limit)
            if trace.reason:
                return step.params
            bar.update()
            del step  # its parameters need not live through the next E-step
    raise AssertionError("a learner goes on until it is stopped")


def _reason(model: Model, trace: Trace, limit: int) -> str:
    """Return why to stop now, or nothing; `limit` is the number of M-steps that there are at most."""
    done, tol = len(trace) - 1, model.tol
    if done >= limit:
        return f"{'steps' if limit < model.max_iter else 'max_iter'}: {limit} M-steps done"
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
