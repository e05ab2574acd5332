"""Several models of one text side by side: scores, objective, perplexity and time over seeds, and their curves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from math import isfinite
from statistics import fmean, stdev
from typing import Any

from emnlp import __version__
from emnlp.errors import InputError, NumericalError
from emnlp.learners import Step
from emnlp.model import Model

Watch = Callable[[Any, int, Step], None]
Scores = dict[str, float]

NOT_SHARES = ("VI",)
"""Scores that are no shares: they are shown as they are, all others in %."""

_NOTES = {
    "objective": "objective: what is maximised, in nats a token: log-likelihood and prior (Dirichlet: a bound of it), "
    "a regulariser aside;\n  objectives under different priors are not comparable",
    "log-lik.": "log-lik.: of the training text, in nats a token, under the normalised probabilities",
    "perplexity": "perplexity: of the held-out sentences, a known word; words unseen in training are missing data",
}


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


@dataclass(frozen=True)
class Run:
    """What one variant did with one seed; of a run that failed, `error` says why.

    `objective` and `loglik` are nats a token. A point of `curve` is the CPU seconds of training so far, the objective,
    and a score or None.
    """

    variant: str
    seed: int
    scores: Scores = field(default_factory=dict)
    objective: float | None = None
    loglik: float | None = None
    perplexity: float | None = None
    cpu: float = 0.0
    wall: float = 0.0
    curve: tuple[tuple[float, float, float | None], ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Comparison:
    r"""The runs of a comparison.

    Parameters
    ----------
    runs : tuple of Run
    about : dict of str to str or int
        What was compared, such as the corpus and its size.

    Examples
    --------
    >>> runs = [Run("EM", 0, {"M-1": 0.5}, -7.0, -7.0, cpu=1), Run("EM", 1, {"M-1": 0.7}, -6.0, -6.0, cpu=3)]
    >>> print(*Comparison((*runs, Run("VB", 0, error="no luck"))).table()[:4], sep="\n")
                  M-1        objective         log-lik.      CPU s
    EM  60.00 (14.14)  -6.5000 (.7071)  -6.5000 (.7071)  2.0 (1.4)
    VB              -                -                -          -
    VB: 1 of 1 runs failed: no luck
    """

    runs: tuple[Run, ...]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def variants(self) -> list[str]:
        """The names of the variants, in order."""
        return list(dict.fromkeys(run.variant for run in self.runs))

    def of(self, variant: str) -> list[Run]:
        """Return the runs of a variant that did not fail."""
        return [run for run in self.runs if run.variant == variant and not run.error]

    def table(self) -> list[str]:
        """Return the lines of a table, a variant a line: mean, and standard deviation over seeds; notes follow."""
        names = list(dict.fromkeys(name for run in self.runs for name in run.scores))
        columns: dict[str, tuple[int, Callable[[Run], float | None]]] = {
            name: (2, lambda run, name=name: _shown(name, run.scores.get(name)))  # type: ignore[misc]
            for name in names
        }
        columns |= {"objective": (4, lambda run: run.objective), "log-lik.": (4, lambda run: run.loglik)}
        if any(run.perplexity is not None for run in self.runs):
            columns["perplexity"] = (1, lambda run: run.perplexity)
        columns["CPU s"] = (1, lambda run: run.cpu)
        rows = [["", *columns]]
        for variant in self.variants:
            runs = self.of(variant)
            rows.append([variant, *(_cell(map(value, runs), digits) for digits, value in columns.values())])
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [
            "  ".join(cell.rjust(w) if k else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths)))
            for row in rows
        ]
        about = [" | ".join(f"{name} {value}" for name, value in self.about.items()), ""] if self.about else []
        return [*about, *lines, *self._failures(), "", *self._notes(list(columns))]

    def _failures(self) -> list[str]:
        lines = []
        for variant in self.variants:
            errors = [run.error for run in self.runs if run.variant == variant]
            if any(errors):
                failed = f"{sum(map(bool, errors))} of {len(errors)} runs failed"
                lines.append(f"{variant}: {failed}: {next(filter(None, errors))}")
        return lines

    def _notes(self, columns: list[str]) -> list[str]:
        scores = [name for name in columns if name not in (*_NOTES, "CPU s")]
        units = [f"{name} in bits" if name in NOT_SHARES else f"{name} in %" for name in scores]
        spread = ["mean (standard deviation) over seeds"] if len({run.seed for run in self.runs}) > 1 else []
        first = "; ".join([*spread, ", ".join(units)] if units else spread)
        return [*[first] * bool(first), *(note for name, note in _NOTES.items() if name in columns)]

    def to_json(self) -> str:
        """Return all runs as JSON, scores from 0 to 1."""
        whole = {"emnlp": __version__, "about": self.about, "runs": [asdict(run) for run in self.runs]}
        return json.dumps(whole, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str, name: str = "<json>") -> Comparison:
        """Return the comparison of which this is the JSON; `name` is what messages call it.

        Raises
        ------
        InputError
            If it is not that of a comparison.
        """
        try:
            whole = json.loads(text)
            runs = [Run(**run | {"curve": tuple((a, b, c) for a, b, c in run["curve"])}) for run in whole["runs"]]
            return cls(tuple(runs), dict(whole["about"]))
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{name}: not a comparison that `emnlp compare --json` wrote ({error!r})") from None


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


def _shown(name: str, value: float | None) -> float | None:
    return value if value is None or name in NOT_SHARES else 100 * value


def _cell(values: Iterable[float | None], digits: int) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return "-"
    spread = f" ({stdev(found):.{digits}f})".replace("(0.", "(.") if len(found) > 1 else ""
    return f"{fmean(found):.{digits}f}{spread}"
