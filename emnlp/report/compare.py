"""Several models of one text side by side: each is trained, timed and scored with the same seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any

from emnlp.errors import InputError, NumericalError
from emnlp.learners import Step
from emnlp.model import Model
from emnlp.report.comparison import Comparison, Run, Scores

Watch = Callable[[Any, int, Step], None]


@dataclass(frozen=True)
class Variant:
    """A way to model a text.

    Parameters
    ----------
    name : str
    make : callable
        From a seed to an unfitted model, or to a callable that is given the corpus and a `Watch`, trains, and returns a
        fitted model; it calls the watch with a model that is being fitted, the number of M-steps done, and the step.
    """

    name: str
    make: Callable[[int], Any]


@dataclass(frozen=True)
class Task:
    """What all variants share.

    Parameters
    ----------
    corpus
        What the models learn from.
    n_tokens : int
        By which objectives are divided.
    score : callable, optional
        From a fitted model to scores by name; the first is the one that learning curves show.
    perplexity : callable, optional
        From a fitted model to its perplexity on held-out text.
    every : int
        Learning curves have a score after every so many M-steps.
    sample : optional
        A small corpus, on which each variant is trained first: compiling code is not counted.
    """

    corpus: Any
    n_tokens: int
    score: Callable[[Any], Scores] | None = None
    perplexity: Callable[[Any], float] | None = None
    every: int = 10
    sample: Any = None


def compare(
    variants: Sequence[Variant],
    seeds: Iterable[int],
    task: Task,
    after: Callable[[Run], None] | None = None,
    about: dict[str, Any] | None = None,
) -> Comparison:
    """Train each variant with each seed, one after the other; a run that fails numerically does not stop the others.

    Parameters
    ----------
    variants : sequence of Variant
    seeds : iterable of int
    task : Task
    after : callable, optional
        Called with each run.
    about : dict, optional
        What the comparison says of the corpus and the settings.

    Examples
    --------
    >>> from functools import partial
    >>> from emnlp import HMM, Text
    >>> text = Text.from_tokens(["the dog sleeps".split(), "a cat sleeps".split()])
    >>> make = {n: (lambda seed, n=n: HMM(n, max_iter=3, random_state=seed)) for n in (1, 2)}
    >>> found = compare([Variant(f"{n} states", each) for n, each in make.items()], [0], Task(text, len(text.ids)))
    >>> [(run.variant, len(run.curve)) for run in found.runs]
    [('1 states', 4), ('2 states', 4)]
    """
    if task.sample is not None:
        for variant in variants:
            with suppress(InputError, NumericalError):
                _train(variant.make(0), task.sample, lambda model, done, step: None, short=True)
    runs = []
    for seed in seeds:
        for variant in variants:  # in turns: what else the machine does meets all alike
            runs.append(measured(variant, seed, task))
            if after is not None:
                after(runs[-1])
    return Comparison(tuple(runs), about or {})


def measured(variant: Variant, seed: int, task: Task) -> Run:
    """Train a variant and measure what came of it; scores and pictures take no training time."""
    clock, curve = Clock(), []

    def watch(model: Model, done: int, step: Step) -> None:
        clock.stop()
        if step.objective is not None:
            objective = (step.objective + model.regulariser(step.params)) / task.n_tokens
            scored = task.score is not None and done % task.every == 0
            curve.append((clock.cpu, objective, _first(task, _as_fitted(model, step)) if scored else None))
        clock.start()

    clock.start()
    try:
        model = _train(variant.make(seed), task.corpus, watch)
        clock.stop()
        objective = (model.trace_[-1] + model.regulariser(model.params_)) / task.n_tokens
        if not isfinite(objective):
            raise NumericalError(f"the objective is {objective}")
    except NumericalError as error:
        return Run(variant.name, seed, cpu=clock.cpu, wall=clock.wall, error=str(error) or type(error).__name__)
    scores = task.score(model) if task.score else {}
    last = (clock.cpu if not curve else curve[-1][0], objective, next(iter(scores.values()), None))
    return Run(
        variant.name, seed, scores, objective,
        loglik=model.score(task.corpus) * model.trace_.n_items / task.n_tokens,
        perplexity=task.perplexity(model) if task.perplexity else None,
        cpu=clock.cpu, wall=clock.wall, curve=(*curve[:-1], last),
    )  # fmt: skip


class Clock:
    """A stopwatch of CPU seconds, of all threads, and wall seconds."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0
        self._begin: tuple[float, float] | None = None

    def start(self) -> None:
        """Go on."""
        self._begin = time.process_time(), time.perf_counter()

    def stop(self) -> None:
        """Stop; what passes until `start` is not counted."""
        if self._begin is not None:
            self.cpu += time.process_time() - self._begin[0]
            self.wall += time.perf_counter() - self._begin[1]
            self._begin = None


def _train(made: Any, corpus: Any, watch: Watch, short: bool = False) -> Any:
    if not isinstance(made, Model):
        return made(corpus, watch)
    if short:
        made.max_iter = 1
    return made.fit(corpus, callback=lambda done, step: watch(made, done, step))


def _as_fitted(model: Model, step: Step) -> Model:
    """Return what a model would be if its fit ended with this step."""
    twin = model.twin()
    twin.restore(model.factors_, step.params, model.trace_)
    return twin


def _first(task: Task, model: Model) -> float | None:
    return next(iter(task.score(model).values()), None) if task.score else None
