"""Model files: one safetensors file, arrays with a JSON header. Reading one never runs code.

A part of a model (a factor, a learner, a model) is a dataclass; the header names its class and its fields, and only
classes that are registered (every subclass of `Saved` that has been imported) are built from it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save, save_file

from emnlp.blocks import Blocks
from emnlp.corpus.files import is_special, replacing
from emnlp.errors import InputError

T = TypeVar("T")

FORMAT = 1
_SCALARS = (str, int, float, bool, type(None))
_PACKABLE: dict[str, type] = {}


class Saved:
    """Base of everything that a header can name."""

    registered: ClassVar[dict[str, type[Saved]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Saved.registered[cls.__name__] = cls

    def check_choice(self, name: str, values: Sequence[str]) -> None:
        """Raise an InputError unless a setting is one of some values."""
        if getattr(self, name) not in values:
            given = f"{type(self).__name__}({name}={getattr(self, name)!r})"
            raise InputError(f"{given}: expected {' or '.join(map(repr, values))}")


def describe(part: Any) -> Any:
    """Return a JSON value for a field: scalars and sequences as they are, a registered dataclass by name and fields."""
    if isinstance(part, Saved):
        assert dataclasses.is_dataclass(part)
        fields = [field for field in dataclasses.fields(part) if field.init and field.metadata.get("saved", True)]
        return {"is": type(part).__name__, **{field.name: describe(getattr(part, field.name)) for field in fields}}
    if isinstance(part, list | tuple):
        return [describe(item) for item in part]
    if isinstance(part, np.generic):
        return part.item()
    if isinstance(part, _SCALARS):
        return part
    raise InputError(f"cannot save {part!r}: a model file holds numbers, strings and registered parts only")


def build(description: Any) -> Any:
    """Rebuild what `describe` described.

    Raises
    ------
    InputError
        If it names a class that is not registered, or fields that the class does not have.
    """
    if isinstance(description, list):
        return tuple(build(item) for item in description)
    if not isinstance(description, dict):
        return description
    fields = dict(description)
    kind = Saved.registered.get(str(fields.pop("is", "")))
    if kind is None:
        raise InputError(
            f"a part of kind {description.get('is')!r} is not known; import the module that defines it first"
        )
    known = {field.name for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    if not set(fields) <= known:
        raise InputError(
            f"{kind.__name__} has no field {min(set(fields) - known)!r}; was the file written by a newer emnlp?"
        )
    try:
        return kind(**{name: build(value) for name, value in fields.items()})
    except (TypeError, AttributeError) as error:
        raise InputError(f"the fields of {kind.__name__} do not fit ({error})") from None


def packable(kind: type[T]) -> type[T]:
    """Let `pack` take a dataclass: what a learner needs to go on, say. A decorator."""
    _PACKABLE[kind.__name__] = kind
    return kind


def pack(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Return a JSON value for a tree of scalars, sequences, dictionaries, arrays, Blocks and `packable` dataclasses.

    Its arrays are put into `arrays`, and the tree has their names.

    Examples
    --------
    >>> arrays = {}
    >>> packed = pack({"k": 3, "rows": (np.ones(2), None)}, arrays)
    >>> unpack(packed, arrays)
    {'k': 3, 'rows': (array([1., 1.]), None)}
    """
    if isinstance(value, np.ndarray):
        arrays[name := f"a{len(arrays)}"] = value
        return {"array": name}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, list):
        return [pack(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [pack(item, arrays) for item in value]}
    if isinstance(value, Blocks):
        return {"blocks": pack(dict(value), arrays)}
    if isinstance(value, dict):
        return {"pairs": [[pack(key, arrays), pack(item, arrays)] for key, item in value.items()]}
    if type(value) is _PACKABLE.get(type(value).__name__):
        fields = [field.name for field in dataclasses.fields(value) if field.init]  # type: ignore[arg-type]
        return {"is": type(value).__name__, "fields": {name: pack(getattr(value, name), arrays) for name in fields}}
    raise InputError(f"cannot write {type(value).__name__} into a checkpoint; decorate it with emnlp.storage.packable")


def unpack(packed: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """Return the tree that `pack` made a JSON value of."""
    if isinstance(packed, list):
        return [unpack(item, arrays) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if "is" in packed:
        return _PACKABLE[packed["is"]](**{name: unpack(item, arrays) for name, item in packed["fields"].items()})
    ((kind, content),) = packed.items()
    if kind == "array":
        return arrays[content]
    if kind == "tuple":
        return tuple(unpack(item, arrays) for item in content)
    if kind == "blocks":
        return Blocks(unpack(content, arrays))
    return {unpack(key, arrays): unpack(item, arrays) for key, item in content}


def write(path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays and a JSON header as one file, whole or not at all."""
    with replacing(path) as part:
        fill(part, header, arrays)


def fill(path: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays and a JSON header into a file; OSError if that cannot be done."""
    tensors = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    metadata = {"emnlp": json.dumps({"format": FORMAT, **header})}
    try:
        if is_special(path):
            path.write_bytes(save(tensors, metadata))
        else:
            save_file(tensors, path, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from None


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Read what `write` wrote.

    Raises
    ------
    InputError
        If the file is missing, truncated, not a model file, or of a newer format.
    """
    name = os.fspath(path)
    try:
        if not Path(name).is_file():
            raise InputError(f"{name}: no such model file")
        with safe_open(name, framework="numpy") as stream:
            text = (stream.metadata() or {}).get("emnlp")
            if text is None:
                raise InputError(f"{name}: a safetensors file, but not a model of emnlp's")
            header = json.loads(text)
            arrays = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118
    except InputError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{name}: not a model file, or a truncated one ({error})") from None
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise InputError(f"{name}: the header of the model file is damaged")
    if header["format"] > FORMAT:
        raise InputError(
            f"{name}: model format {header['format']} is newer than this emnlp reads ({FORMAT}); upgrade emnlp"
        )
    return header, arrays
