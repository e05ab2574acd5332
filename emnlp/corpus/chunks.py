"""Texts of any size: whole lines, some megabytes at a time."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from emnlp.corpus.files import read_bytes
from emnlp.errors import InputError

ROOM = 1 << 24
"""A chunk has about this many bytes."""


def chunks(path: str | os.PathLike[str], room: int = ROOM) -> Iterator[tuple[int, bytes]]:
    """Yield the number of the first line, from 1, and the whole lines of each part of a file, in order.

    Plain and ``.gz`` files are read as far as needed; standard input and other compressed files as a whole, at first.

    Raises
    ------
    InputError
        As `emnlp.corpus.files.read_bytes`.
    """
    first, rest = 1, b""
    for content in _pieces(path, room):
        rest += content
        end = rest.rfind(b"\n") + 1
        if end:
            yield first, rest[:end]
            first, rest = first + rest.count(b"\n", 0, end), rest[end:]
    if rest:
        yield first, rest


def _pieces(path: str | os.PathLike[str], room: int) -> Iterator[bytes]:
    name = os.fspath(path)
    if _is_large(name, room):
        yield from _stream(name, room)
        return
    content = read_bytes(path)
    for at in range(0, len(content), room):
        yield content[at : at + room]


def _is_large(name: str, room: int) -> bool:
    """Return whether a file is worth reading in pieces, and can be; what is wrong with others, `read_bytes` says."""
    try:
        return name != "-" and os.path.getsize(name) > room and Path(name).suffix not in (".bz2", ".xz", ".zst")
    except (OSError, ValueError):
        return False


def _stream(name: str, room: int) -> Iterator[bytes]:
    try:
        with gzip.open(name) if name.endswith(".gz") else open(name, "rb") as stream:
            while piece := stream.read(room):
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name}: not a whole .gz file ({error}); is it truncated?") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
