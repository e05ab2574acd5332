"""Sentence pairs from a stream, as they come: what is there is read, and nobody waits for more."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Iterator
from typing import Any, BinaryIO

from emnlp.corpus.bitext import Bitext, separator_of
from emnlp.errors import InputError

ROOM = 1 << 20
"""A batch has about this many bytes at most."""


def arriving(stream: BinaryIO, room: int = ROOM) -> Iterator[list[bytes]]:
    """Yield the lines of a stream, without their ends, in batches: all whole lines that are there, one at least.

    Examples
    --------
    >>> import io
    >>> list(arriving(io.BytesIO(b"one, two, three"), room=4)), list(arriving(io.BytesIO(b"a")))
    ([[b'one, two, three']], [[b'a']])
    """
    _widen(stream)
    rest, more = b"", True
    while more:
        pieces = [rest]
        while (piece := stream.read1(room)) and sum(map(len, pieces)) < room and _waiting(stream):  # type: ignore[attr-defined]
            pieces.append(piece)
        pieces.append(piece)
        more = bool(piece)
        *lines, rest = b"".join(pieces).split(b"\n")
        if lines:
            yield lines
    if rest:
        yield [rest]


def _widen(stream: BinaryIO) -> None:
    """Let a pipe hold a whole batch, where the system can do that: a larger one keeps more threads busy."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import fcntl

        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, ROOM)


def _waiting(stream: BinaryIO) -> bool:
    """Return whether a read would return at once; False where that cannot be told."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def bitexts(stream: BinaryIO, name: str, **options: Any) -> Iterator[Bitext]:
    """Yield the pairs of a stream of ``source ||| target`` or ``source TAB target`` lines in batches, as they arrive.

    Parameters
    ----------
    stream : binary file
    name : str
        What errors call it.
    **options
        Of `Bitext.from_bytes`.

    Raises
    ------
    InputError
        If a line is bad; the message names it, and the lines before it have been yielded.
    """
    first, separator = 1, None
    for lines in arriving(stream):
        separator = separator or separator_of(lines)
        yield from _parsed(lines, name, first, options | {"separator": separator})
        first += len(lines)


def _parsed(lines: list[bytes], name: str, first: int, options: dict[str, Any]) -> Iterator[Bitext]:
    try:
        yield Bitext.from_bytes(b"\n".join(lines) + b"\n", name, first=first, **options)
        return
    except InputError:
        if len(lines) == 1:
            raise
    half = len(lines) // 2
    yield from _parsed(lines[:half], name, first, options)
    yield from _parsed(lines[half:], name, first + half, options)
