"""A fitted model as a file: description, supports, parameters, what else the model keeps, trace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from emnlp import storage
from emnlp.blocks import Blocks
from emnlp.errors import InputError
from emnlp.learners import Trace
from emnlp.support import Support

if TYPE_CHECKING:
    from emnlp.model import Model

_SUPPORT = ("conditions", "outcomes", "space")
DAMAGE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError, RecursionError,
          NotImplementedError)  # fmt: skip
"""What a header or an array that was tampered with makes Python or NumPy raise."""


def write(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a fitted model."""
    arrays: dict[str, Any] = {f"params/{name}": params for name, params in model.params_.items()}
    stored = {name: factor.support for name, factor in model.factors_.items() if name not in model.rebuilt()}
    for name, support in stored.items():
        arrays |= {f"support/{name}/{key}": getattr(support, key) for key in _SUPPORT}
        arrays |= {f"feature/{name}/{key}": support.feature(key) for key in model.factors_[name].reads}
    sizes = {name: support.n_outcomes for name, support in stored.items()}
    trace = {"objective": model.trace_.objective, "reason": model.trace_.reason, "n_items": model.trace_.n_items}
    trace["restarts"] = sorted(model.trace_.restarts.items())
    trace |= {"held_out": model.trace_.held_out} if model.trace_.held_out else {}
    header = {"model": storage.describe(model), "n_outcomes": sizes, "trace": trace}
    storage.write(path, header, arrays | _kept(model))


def _kept(model: Model, prefix: str = "") -> dict[str, Any]:
    """Return the fitted attributes named in `kept`, the parts' too, as arrays ``kept/{prefix}{name}``."""
    arrays: dict[str, Any] = {}
    for name in model.kept:
        value = getattr(model, name)
        pieces = {"": value}
        if hasattr(value, "to_arrays"):  # a vocabulary
            pieces = dict(zip((".bytes", ".offsets"), value.to_arrays()))
        arrays |= {f"kept/{prefix}{name}{key}": np.atleast_1d(piece) for key, piece in pieces.items()}
    for name, part in model.models.items():
        arrays |= _kept(part, f"{prefix}{name}.")  # type: ignore[arg-type]
    return arrays


def read(path: str | os.PathLike[str], kind: type[Model]) -> Model:
    """Read a fitted model of a kind.

    Raises
    ------
    InputError
        If the file is missing, truncated, foreign, damaged, or holds another kind of model.
    """
    header, arrays = storage.read(path)
    try:
        model = storage.build(header["model"])
        if not isinstance(model, kind):
            raise InputError(f"the file holds a {type(model).__name__}, not a {kind.__name__}; try emnlp.load")
        _restore(model, header, arrays)
    except InputError as error:
        raise InputError(f"{os.fspath(path)}: {error}") from None
    except DAMAGE as error:
        raise InputError(f"{os.fspath(path)}: the model file is damaged ({error!r})") from None
    return model


def _restore(model: Model, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    model.recall(arrays)
    supports = {name: _support(arrays, name, size) for name, size in header["n_outcomes"].items()}
    supports = {name: model.named(name, support) for name, support in supports.items()} | model.rebuilt()
    factors = {name: factor.bind(supports[name]) for name, factor in model.unbound().items()}
    params = Blocks({name: arrays[f"params/{name}"] for name in factors})
    for name, factor in factors.items():
        right = arrays[f"params/{name}"].dtype == np.float64 and params[name].shape == factor.start().shape
        if not right or not np.isfinite(params[name]).all() or not factor.accepts(params[name]):
            raise ValueError(f"parameters of {name}")
    trace = header["trace"]
    restarts = {int(seed): float(objective) for seed, objective in trace.pop("restarts", ())}
    model.restore(factors, params, Trace(**trace, restarts=restarts))


def _support(arrays: Mapping[str, Any], name: str, n_outcomes: int) -> Support:
    """Rebuild a support, and check it: the kernels trust it."""
    conditions, outcomes, space = (arrays[f"support/{name}/{key}"] for key in _SUPPORT)
    right = conditions.dtype == outcomes.dtype == np.int32 and space.dtype == np.int64
    right = right and conditions.ndim == space.ndim == 1
    if not right or conditions.shape != outcomes.shape or (space < 1).any():
        raise ValueError(f"support of {name}")
    for ids, size in ((conditions, len(space)), (outcomes, n_outcomes)):
        if len(ids) and (ids.min() < 0 or ids.max() >= size):
            raise ValueError(f"support of {name}")
    support, prefix = Support(conditions, outcomes, space, n_outcomes), f"feature/{name}/"
    numbers = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
    return support.having(**{key: partial(_whole, array) for key, array in numbers.items()})


def _whole(array: Any) -> Any:
    return array
