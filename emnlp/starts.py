"""Where a fit starts: the factors' own first parameters, and what another fitted model knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from emnlp.blocks import Array, Blocks
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.support import Support

if TYPE_CHECKING:
    from emnlp.model import Model


def first(model: Model, corpus: Any, batches: Sequence[Any], seed: int | None, start: Model | None) -> Blocks:
    """Return the first parameters of a fit: random by a seed, or constant; those that `start` knows are taken over.

    Factors of the same kinds inherit parameters; one of another kind on the same slots learns from an E-step.

    Raises
    ------
    InputError
        If there is nothing to take over.
    """
    params = model.first(corpus, batches, None if seed is None else np.random.default_rng(seed))
    if start is None:
        return params
    found: dict[str, Array] = {}
    problem = None
    try:
        found = model.inherit(start, params)
    except InputError as error:
        problem = error
    params = Blocks(dict(params) | found)
    taught = _taught(model, start, params, batches, [name for name in params if name not in found])
    if problem is not None and not taught:
        raise problem
    return Blocks(dict(params) | taught)


def _taught(
    model: Model, start: Model, params: Blocks, batches: Sequence[Any], names: Sequence[str]
) -> dict[str, Array]:
    """Return the parameters of factors whose kind differs from the start's: an M-step from one E-step by its theta."""
    others = {name: start.factors_[name] for name in names if name in start.factors_ and params[name].size}
    others = {name: each for name, each in others.items() if _on_the_same_slots(each, model.factors_[name])}
    if not others:
        return {}
    theirs = {name: each.theta(start.params_[name]) for name, each in others.items()}
    counts, _ = engine(model.n_jobs).expect(model, Blocks(dict(model.theta(params)) | theirs), batches)
    return {name: model.factors_[name].maximize(counts[name], params[name]) for name in others}


def _on_the_same_slots(one: Factor, other: Factor) -> bool:
    a, b = one.bound_to, other.bound_to
    if not isinstance(a, Support) or not isinstance(b, Support) or type(one) is type(other) or len(a) != len(b):
        return False
    if not (np.array_equal(a.conditions, b.conditions) and np.array_equal(a.outcomes, b.outcomes)):
        return False
    names = [None if each.names is None else [list(side) for side in each.names] for each in (a, b)]
    return names[0] == names[1]
