"""Checkpoints: where a fit stands as a file, so that one that was killed can go on, and end with the same bits."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape, glob
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from emnlp import storage
from emnlp.corpus.files import check_writable
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.factors.pressure import Pressure
from emnlp.modelfile import DAMAGE
from emnlp.support import Support

if TYPE_CHECKING:
    from emnlp.model import Model

storage.packable(Pressure)


@dataclass
class Checkpoint:
    """The file of a fit that can go on; it is replaced as a whole, by a file that is written beside it.

    Parameters
    ----------
    path : path-like
    every : int
        Write after so many M-steps.
    marks : dict
        What the fit belongs to: a file with other marks is refused. See `marks`.

    Raises
    ------
    InputError
        If no file can be written there, or `every` is not a number of steps.
    """

    path: str | os.PathLike[str]
    every: int
    marks: dict[str, Any]

    def __post_init__(self) -> None:
        if not (isinstance(self.every, int | np.integer) and self.every >= 1):
            raise InputError(f"every is {self.every!r}; a checkpoint is written after so many M-steps, from 1")
        self._place = Path(self.path).resolve()
        if self._place.exists() and not self._place.is_file():
            raise InputError(f"{os.fspath(self.path)}: not a plain file; a checkpoint needs one")
        check_writable(self.path)

    def read(self) -> Any:
        """Return what was written last, or None if there is no file.

        Raises
        ------
        InputError
            If the file is no checkpoint, or damaged, or belongs to another fit.
        """
        name, again = os.fspath(self.path), "delete it to begin anew, or give another path"
        if not self._place.exists():
            return None
        try:
            header, arrays = storage.read(name)
            content = header["checkpoint"]
            if digest(json.dumps(content), sorted(arrays.items())) != header["digest"]:
                raise ValueError("its content is not what was written")
            self._check(content["marks"])
            return storage.unpack(content["standing"], arrays)
        except InputError as error:
            raise InputError(f"{name}: {str(error).removeprefix(f'{name}: ')}; {again}") from None
        except DAMAGE as error:
            raise InputError(f"{name}: not a checkpoint, or a damaged one ({error}); {again}") from None

    def _check(self, theirs: Mapping[str, Any]) -> None:
        """Raise an InputError if the file belongs to another fit."""
        for name, mark in json.loads(json.dumps(self.marks)).items():
            if theirs[name] == mark:
                continue
            if name == "emnlp":
                raise InputError(f"a checkpoint of emnlp {theirs[name]}, and this is {mark}")
            if name == "model" and theirs[name]["is"] == mark["is"]:
                field = next(each for each in mark if theirs[name].get(each) != mark[each])
                was, now = theirs[name].get(field), mark[field]
                how = "was another" if isinstance(was, dict) else f"was {was}, and is {now}"
                raise InputError(f"a checkpoint of another fit: {field} {how}")
            raise InputError(f"a checkpoint of another fit: its {name} was another")

    def write(self, standing: Any) -> None:
        """Write where the fit stands: killed on the way, the file is still the one before."""
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        content = {"marks": self.marks, "standing": storage.pack(standing, arrays)}
        header = {"checkpoint": content, "digest": digest(json.dumps(content), sorted(arrays.items()))}
        part = self._place.with_name(f"{self._place.name}.part")  # one killed before is overwritten
        try:
            storage.fill(part, header, arrays)
            with open(part, "rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(self._place)
        except OSError as error:
            raise InputError(f"{os.fspath(self.path)}: cannot be written ({error.strerror or error})") from None
        finally:
            part.unlink(missing_ok=True)


def part(path: str | os.PathLike[str], k: int, n: int) -> str:
    """Return the file of the k-th of n fits that share a checkpoint.

    Examples
    --------
    >>> part("fit", 0, 1), part("fit", 0, 2)
    ('fit', 'fit.1')
    """
    return os.fspath(path) if n == 1 else f"{os.fspath(path)}.{k + 1}"


def parts(path: str | os.PathLike[str], n: int) -> list[str]:
    """Return the files of n fits that share a checkpoint, see `part`.

    Raises
    ------
    InputError
        If another number of fits has left a file of that checkpoint, which these would never read.
    """
    found, name = [part(path, k, n) for k in range(n)], os.fspath(path)
    ours = re.compile(re.escape(name) + r"(\.[0-9]+)?")
    for other in sorted(glob(escape(name) + "*")):
        if ours.fullmatch(other) and other not in found and _is_checkpoint(other):
            what = "left by a training of another number of models, not of this one's"
            raise InputError(f"{other}: a checkpoint {what} {n}; delete it, or give another path")
    return found


def _is_checkpoint(path: str) -> bool:
    try:
        with safe_open(path, framework="numpy") as stream:
            return "checkpoint" in json.loads((stream.metadata() or {}).get("emnlp", "{}"))
    except (SafetensorError, OSError, ValueError, TypeError):
        return False


def marks(model: Model, corpus: Any, batches: Sequence[Any], start: Model | None, held_out: Any) -> dict[str, Any]:
    """Return what tells a fit from others: version and settings, and digests of all that it learns from."""
    from emnlp import __version__

    bound = {name: factor.bound_to for name, factor in model.factors_.items()}
    slots = {name: [each.conditions, each.outcomes] for name, each in bound.items() if isinstance(each, Support)}
    return {
        "emnlp": __version__,
        "model": storage.describe(model),
        "corpus": digest(corpus, [len(batch) for batch in batches], slots),
        "prior": digest({name: factor.pseudo for name, factor in model.factors_.items()}),
        "start": None if start is None else digest(storage.describe(start), start.params_),
        "held-out text": None if held_out is None else digest(held_out),
    }


def digest(*values: Any) -> str:
    """Return a digest of arrays, strings and numbers, in sequences, mappings and dataclasses.

    The fields of dataclasses that are called `name`, or begin with an underscore, do not matter.

    Examples
    --------
    >>> digest([1, "a"], np.zeros(2)) == digest([1, "a"], np.zeros(2)), digest([1]) == digest([2])
    (True, False)
    """
    found = blake2b(digest_size=16)
    for value in values:
        _feed(found, value)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if hasattr(value, "__array__") and not isinstance(value, np.generic) and value.dtype != object:  # a file, perhaps
        array = np.asarray(value, order="C")
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.data)
    elif isinstance(value, str | bytes | int | float | np.generic | type(None)):
        found.update(f"{value!r};".encode("utf-8", "surrogatepass"))
    elif isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        found.update(f"{len(value)} words".encode() + "\0".join(value).encode("utf-8", "surrogatepass"))
    elif dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value) if each.init]
        _feed(found, {each: getattr(value, each) for each in names if each != "name" and each[0] != "_"})
    elif isinstance(value, Mapping):
        _feed(found, [each for pair in value.items() for each in pair])
    elif isinstance(value, Sequence | np.ndarray):
        found.update(f"{len(value)} items".encode())
        for item in value:
            _feed(found, item)
    else:
        _feed(found, vars(value))


def rounds(bound: Mapping[str, Factor], now: Mapping[str, Factor]) -> dict[str, dict[str, Any]]:
    """Return what the rounds of a fit have renewed in factors since they were bound."""
    renewed: dict[str, dict[str, Any]] = {}
    for name, factor in now.items():
        values = {each.name: getattr(factor, each.name) for each in dataclasses.fields(factor)}
        values = {key: value for key, value in values.items() if value is not getattr(bound[name], key)}
        renewed |= {name: values} if values else {}
    return renewed


def renewed(bound: Mapping[str, Factor], rounds: Mapping[str, Mapping[str, Any]]) -> dict[str, Factor]:
    """Return factors as bound, but for what `rounds` found renewed."""
    return {name: dataclasses.replace(each, **rounds[name]) if name in rounds else each for name, each in bound.items()}
