"""Restarts: run a model from several random starts and keep the best by its objective, or by held-out text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from emnlp import starts
from emnlp.blocks import Blocks
from emnlp.checkpoint import Checkpoint, renewed, rounds
from emnlp.engines import Engine, Serial, engine
from emnlp.errors import InputError
from emnlp.fitting import HeldOut, Place, run
from emnlp.learners import Step, Trace
from emnlp.storage import packable

if TYPE_CHECKING:
    from emnlp.factors import Factor
    from emnlp.model import Model


@packable
@dataclass
class Found:
    """What the run from a start has found: what it is compared by, parameters, trace, what rounds have renewed."""

    value: float
    params: Blocks
    trace: Trace
    rounds: dict[str, dict[str, Any]]


@packable
@dataclass
class Standing:
    """Where a fit stands: by seed, the values of probes and of finished runs; the best run, and the one at work."""

    probed: dict[int | None, float] = field(default_factory=dict)
    done: dict[int | None, float] = field(default_factory=dict)
    best: Found | None = None
    place: Place | None = None

    def add(self, seed: int | None, found: Found) -> None:
        """Put a finished run beside the others."""
        self.done[seed], self.place = found.value, None
        if self.best is None or found.value > self.best.value:
            self.best = found


@dataclass
class Search:
    """A fit from ``n_init`` starts, of the seeds ``random_state``, ``random_state + 1``, ...

    With ``n_probes``, so many starts are run for one M-step, and the best of them are run on: the objective after one
    iteration tells much of the last one (Tran 2016).

    With several threads, several starts run side by side, each in one thread, and with the same bits as one after the
    other; not where E-steps leave something with the batches, or a callback or a checkpoint wants an order.

    Parameters
    ----------
    model : Model
    corpus
    batches : sequence
        Of the corpus.
    start : Model, optional
        What a run begins from beside its seed. Where there is but one run, the search lets go of it then.
    callback : callable, optional
    held_out : HeldOut, optional
        The run is kept that this text likes best.
    checkpoint : Checkpoint, optional
    """

    model: Model
    corpus: Any
    batches: Sequence[Any]
    start: Model | None = None
    callback: Callable[[int, Step], None] | None = None
    held_out: HeldOut | None = None
    checkpoint: Checkpoint | None = None
    factors: dict[str, Factor] = field(default_factory=dict, init=False)
    standing: Standing = field(default_factory=Standing, init=False)

    def best(self) -> Blocks:
        """Fill the model's trace, and return the parameters of the run with the best objective.

        A regulariser is left out of the comparison: rounds differ in it.

        Raises
        ------
        InputError
            If there are to be several starts, but no seed; or the checkpoint does not fit.
        """
        self.factors = self.model.factors_
        if self.checkpoint is not None:
            self.standing = self._found(self.checkpoint) or self.standing
        seeds = self.seeds
        if self.model.n_probes > self.model.n_init:
            probed = self.standing.probed
            for seed, value in self._each(self._probe, [seed for seed in seeds if seed not in probed]):
                probed[seed] = value
            seeds = sorted(seeds, key=lambda seed: (-probed[seed], seed))[: self.model.n_init]
        for seed, found in self._each(self._attempt, [seed for seed in seeds if seed not in self.standing.done]):
            self.standing.add(seed, found)
            if self.checkpoint is not None:
                self.checkpoint.write(self.standing)
        best = self.standing.best
        assert best is not None
        self.model._hold(renewed(self.factors, best.rounds))
        self.model.trace_ = best.trace
        self.model.trace_.restarts = {k: self.standing.done[k] for k in seeds if k is not None and len(self.seeds) > 1}
        return best.params

    @cached_property
    def seeds(self) -> list[int | None]:
        """The seeds of all starts."""
        first, n = self.model.random_state, max(self.model.n_init, self.model.n_probes)
        if n > 1 and first is None:
            raise InputError("several starts are random ones; give the seed of the first, random_state=0")
        return [None] if first is None else list(range(first, first + n))

    @cached_property
    def workers(self) -> Engine:
        """Where starts run."""
        ordered = self.callback is not None or self.checkpoint is not None
        alone = len(self.seeds) == 1 or ordered or self.model.keeps_local
        return Serial() if alone else engine(self.model.n_jobs)

    def _each(self, function: Callable[[int | None], Any], seeds: Sequence[int | None]) -> Any:
        """Yield each seed and what the function returns of it, in order."""
        quiet = None if self.model.verbose and self.workers != Serial() else True  # a start alone has its own bar
        results = zip(seeds, self.workers.map(function, seeds))
        return tqdm(results, type(self.model).__name__, len(seeds), unit="start", disable=quiet)

    def _fresh(self) -> Model:
        """Return the model, or where starts run side by side, one of the same kind, without what another start left."""
        model = self.model
        if self.workers != Serial():
            model = model.twin()
            model.n_jobs, model.verbose = 1, 0
        model.trace_ = Trace(n_items=model.trace_.n_items)
        model._hold(self.factors)
        for batch in self.batches:
            getattr(batch, "local", {}).clear()
        return model

    def _first(self, model: Model, seed: int | None) -> Blocks:
        return starts.first(model, self.corpus, self.batches, seed, self.start)

    def _probe(self, seed: int | None) -> float:
        """Return the objective after one M-step."""
        probe = self._fresh().twin()
        probe.max_iter, probe.tol, probe.verbose = 1, 0.0, 0
        params = run(probe, self._first(probe, seed), self.batches)
        return probe.trace_[-1] + probe.regulariser(params)

    def _attempt(self, seed: int | None) -> Found:
        """Run from a start, or from where the checkpoint found it."""
        model, held_out = self._fresh(), replace(self.held_out) if self.held_out else None
        place, self.standing.place = [self.standing.place], None
        first = [self._first(model, seed) if place[0] is None else None]  # popped: it need not live through the run
        if len(self.seeds) == 1:
            self.start = None  # nor need what it is made of
        title = f" {len(self.standing.done) + 1}/{self.model.n_init}" if len(self.seeds) > 1 else ""
        save = self._save if self.checkpoint else None
        params = run(
            model, first.pop(), self.batches, self.callback, title, held_out=held_out, place=place.pop(), save=save
        )
        value = max(model.trace_.held_out) if held_out else model.trace_[-1] + model.regulariser(params)
        return Found(value, params, model.trace_, rounds(self.factors, model.factors_))

    def _found(self, checkpoint: Checkpoint) -> Standing | None:
        """Return what the checkpoint holds, if there is one that fits; say so."""
        found: Standing | None = checkpoint.read()
        if found is not None and self.model.verbose:
            tqdm.write(f"emnlp: going on from {os.fspath(checkpoint.path)}", file=sys.stderr)
        return found

    def _save(self, place: Place) -> None:
        if self.checkpoint is not None and place.done % self.checkpoint.every == 0:
            self.checkpoint.write(replace(self.standing, place=place))
