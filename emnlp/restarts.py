"""Restarts: run a model from several random starts and keep the best by its objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from emnlp.blocks import Blocks
from emnlp.errors import InputError
from emnlp.fitting import run
from emnlp.learners import Step, Trace

if TYPE_CHECKING:
    from emnlp.factors import Factor
    from emnlp.model import Model


def search(
    model: Model,
    first: Callable[[int | None], Blocks],
    batches: Sequence[Any],
    callback: Callable[[int, Step], None] | None = None,
) -> Blocks:
    """Fit from ``n_init`` starts, of the seeds ``random_state``, ``random_state + 1``, ...; fills the model's trace.

    With ``n_probes``, so many starts are run for one M-step, and the best of them are run on: the objective after one
    iteration tells much of the last one (Tran 2016).

    Returns
    -------
    Blocks
        The parameters of the run with the best objective, without what a regulariser of its last round takes off.

    Raises
    ------
    InputError
        If there are to be several starts, but no seed.
    """
    seed = model.random_state
    if max(model.n_init, model.n_probes) <= 1:
        return run(model, first(seed), batches, callback)
    if seed is None:
        raise InputError("several starts are random ones; give the seed of the first, random_state=0")
    seeds = list(range(seed, seed + max(model.n_init, model.n_probes)))
    factors = model.factors_
    if model.n_probes > model.n_init:
        probed = {each: _probe(model, factors, first(each), batches) for each in seeds}
        seeds = sorted(seeds, key=lambda each: (-probed[each], each))[: model.n_init]
    best: tuple[float, Blocks, Trace, Mapping[str, Factor]] | None = None
    restarts: dict[int, float] = {}
    for k, each in enumerate(seeds):
        _reset(model, factors, batches)
        params = run(model, first(each), batches, callback, f" {k + 1}/{len(seeds)}")
        restarts[each] = objective = model.trace_[-1] + model.regulariser(params)
        if best is None or objective > best[0]:
            best = objective, params, model.trace_, model.factors_
    assert best is not None
    _, params, model.trace_, held = best
    model._hold(held)
    model.trace_.restarts = restarts
    return params


def _probe(model: Model, factors: Mapping[str, Factor], params: Blocks, batches: Sequence[Any]) -> float:
    """Return the objective after one M-step."""
    probe = copy(model)
    _reset(probe, factors, batches)
    probe.max_iter, probe.tol, probe.verbose = 1, 0.0, 0
    params = run(probe, params, batches)
    return probe.trace_[-1] + probe.regulariser(params)


def _reset(model: Model, factors: Mapping[str, Factor], batches: Sequence[Any]) -> None:
    """Drop what another start left: its trace, the rounds of its factors, and what its E-steps keep with batches."""
    model.trace_ = Trace(n_items=model.trace_.n_items)
    model._hold(factors)
    for batch in batches:
        getattr(batch, "local", {}).clear()
