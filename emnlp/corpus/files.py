"""Open files by their suffix: plain, ``.gz``, ``.bz2``, ``.xz`` or ``.zst``; ``-`` is standard input or output."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from emnlp.errors import InputError

_STREAM = "-"


def _zstd(path: str, mode: str) -> IO[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # Python >= 3.14
    except ImportError:
        try:
            import zstandard as zstd
        except ImportError:
            raise InputError(
                f"{path}: reading .zst files needs the zstandard package: pip install 'emnlp[zst]'"
            ) from None
    stream: IO[bytes] = zstd.open(path, mode)
    return stream


def _gzip(path: str, mode: str) -> IO[bytes]:
    if mode == "wb":  # no time stamp and no name inside, so that the same content gives the same bytes
        return gzip.GzipFile("", "wb", 6, open(path, "wb"), mtime=0)  # type: ignore[return-value]
    return gzip.open(path, mode)  # type: ignore[return-value]


_OPENERS: dict[str, Any] = {".gz": _gzip, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _zstd}


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a whole file, decompressed by its suffix.

    Parameters
    ----------
    path : path-like or ``"-"``
        ``-`` reads standard input.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        If the file is missing, not readable, or not in the format that its suffix promises.
    """
    name = os.fspath(path)
    if name == _STREAM:
        return sys.stdin.buffer.read()
    try:
        with _OPENERS.get(Path(name).suffix, open)(name, "rb") as stream:
            content: bytes = stream.read()
            return content
    except InputError:
        raise
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name}: not a whole {Path(name).suffix} file ({error}); is it truncated?") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # zstandard's own error type, without importing it
        if type(error).__name__ in ("ZstdError", "zstd.ZstdError"):
            raise InputError(f"{name}: not a whole .zst file ({error}); is it truncated?") from None
        raise


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a whole UTF-8 file; a byte-order mark is dropped, a bad byte or NUL is an error that names its line.

    Raises
    ------
    InputError
        As `read_bytes`, and for invalid UTF-8 or a NUL byte.
    """
    return decode(read_bytes(path), display_name(path))


def decode(content: bytes, name: str) -> str:
    """Decode UTF-8 text; errors name `name` and the line.

    Examples
    --------
    >>> decode(b"maison bleue", "a.fr")
    'maison bleue'
    >>> decode(b"one" + bytes([10, 255]), "a.fr")
    Traceback (most recent call last):
        ...
    emnlp.errors.InputError: a.fr:2: not valid UTF-8 (byte 0xff); convert the file, for example with iconv -t utf-8
    """
    at = content.find(b"\0")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        raise InputError(f"{name}:{line}: a NUL byte: a binary or UTF-16 file? convert it with iconv -t utf-8")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name}:{line}: not valid UTF-8 (byte 0x{content[error.start]:02x}); "
            "convert the file, for example with iconv -t utf-8"
        ) from None


def display_name(path: str | os.PathLike[str]) -> str:
    """Return the name that messages use for a path: ``<stdin>`` for ``-``."""
    return "<stdin>" if os.fspath(path) == _STREAM else os.fspath(path)


@contextlib.contextmanager
def write_text(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Open a UTF-8 text file for writing, compressed by its suffix; ``-`` is standard output.

    The file appears whole or not at all: it is written beside its place and renamed when the block ends well.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if os.fspath(path) == _STREAM:
        yield sys.stdout
        sys.stdout.flush()
        return
    with replacing(path) as part:
        opener = _OPENERS.get(Path(os.fspath(path)).suffix, open)
        with opener(os.fspath(part), "wb") as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as stream:
            yield stream


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `InputError` if a file cannot be written there: better now than after an hour of training."""
    target = Path(os.fspath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        with tempfile.TemporaryFile(dir=target.resolve().parent):
            pass
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from None


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the same folder and rename it onto `path` when the block ends well.

    Special files (``/dev/null``, a pipe) are written directly.

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    target = Path(os.fspath(path))
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target
        return
    try:
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        handle, name = tempfile.mkstemp(dir=target.resolve().parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from None
    os.close(handle)
    part = Path(name)
    try:
        yield part
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(target.resolve())
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from None
    finally:
        part.unlink(missing_ok=True)
