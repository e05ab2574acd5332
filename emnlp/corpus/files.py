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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from emnlp.errors import InputError

_STREAM = "-"
_UNFINISHED: set[Path] = set()


def _zstd(path: str) -> Any:
    try:
        from compression import zstd  # Python >= 3.14
    except ImportError:
        try:
            import zstandard as zstd
        except ImportError:
            raise InputError(f"{path}: .zst files need the zstandard package: pip install 'emnlp[zst]'") from None
    return zstd


def _unpack_zstd(path: str, content: bytes) -> bytes:
    """Decompress all frames; EOFError if the last one is cut off."""
    decompressor = getattr(zstd := _zstd(path), "ZstdDecompressor")  # noqa: B009 (the same name in both packages)
    pieces = []
    while content:
        frame = decompressor() if hasattr(zstd, "ZstdFile") else decompressor().decompressobj()
        pieces.append(frame.decompress(content))
        if not frame.eof:
            raise EOFError("the last frame is cut off")
        content = frame.unused_data
    return b"".join(pieces)


def _unpack(path: str, content: bytes) -> bytes:
    unpackers: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.decompress,
        ".bz2": bz2.decompress,
        ".xz": lzma.decompress,
        ".zst": lambda data: _unpack_zstd(path, data),
    }
    suffix = Path(path).suffix
    if suffix not in unpackers:
        return content
    try:
        if not content:
            raise EOFError("it is empty")
        return unpackers[suffix](content)
    except InputError:
        raise
    except (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise InputError(f"{path}: not a whole {suffix} file ({error}); is it truncated?") from None
    except Exception as error:  # zstandard's own error type, which cannot be named without importing it
        if type(error).__name__ != "ZstdError":
            raise
        raise InputError(f"{path}: not a whole {suffix} file ({error}); is it truncated?") from None


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
        if sys.stdin is None:
            raise InputError("standard input is closed")
        return sys.stdin.buffer.read()
    try:
        content = Path(name).read_bytes()
    except (OSError, ValueError) as error:
        packed = [name + suffix for suffix in (".gz", ".bz2", ".xz", ".zst") if os.path.exists(name + suffix)]
        hint = f"; did you mean {packed[0]}?" if packed and isinstance(error, FileNotFoundError) else ""
        raise InputError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error}){hint}") from None
    return _unpack(name, content)


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a whole UTF-8 file; a byte-order mark is dropped, a bad byte or NUL is an error that names its line.

    Raises
    ------
    InputError
        As `read_bytes`, and for invalid UTF-8 or a NUL byte.
    """
    return decode(read_bytes(path), display_name(path))


def decode(content: bytes, name: str, first: int = 1) -> str:
    """Decode UTF-8 text; errors name `name` and the line, `first` being the number of the first one.

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
        line = content.count(b"\n", 0, at) + first
        raise InputError(f"{name}:{line}: a NUL byte: a binary or UTF-16 file? convert it with iconv -t utf-8")
    try:
        return content.decode("utf-8").removeprefix("\ufeff" if first == 1 else "")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + first
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
        if sys.stdout is None:
            raise InputError("standard output is closed")
        yield sys.stdout
        sys.stdout.flush()
        return
    name = os.fspath(path)
    with (
        _replacing(path) as part,
        io.BufferedWriter(_Named(part, name)) as plain,
        _packed(plain, name) as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as stream,
    ):
        yield stream


class _Named(io.FileIO):
    """A file whose errors have the name that the user gave it, however many files are being written."""

    def __init__(self, part: Path, shown: str) -> None:
        super().__init__(part, "wb")
        self._shown = shown

    def write(self, content: Any) -> int:
        """Write bytes."""
        with _naming(self._shown):
            return super().write(content)


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Raise an InputError for what goes wrong in writing; that a reader has gone is nobody's mistake."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{name}: cannot be written ({error.strerror or error})") from None


@contextlib.contextmanager
def _packed(plain: Any, path: str) -> Iterator[Any]:
    suffix = Path(path).suffix
    if suffix == ".gz":  # no time stamp and no name inside, so that the same content gives the same bytes
        with gzip.GzipFile("", "wb", 6, plain, mtime=0) as raw:
            yield raw
    elif suffix in (".bz2", ".xz"):
        with bz2.open(plain, "wb") if suffix == ".bz2" else lzma.open(plain, "wb") as raw:
            yield raw
    elif suffix == ".zst":
        with _zstd(path).open(plain, "wb") as raw:
            yield raw
    else:
        yield plain


def _place(path: str | os.PathLike[str]) -> Path:
    """Return where a path leads to; refuses a folder, and a path in a folder that cannot be written."""
    target = Path(os.fspath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        place = target.resolve()
        if not is_special(place):
            with tempfile.TemporaryFile(dir=place.parent):
                pass
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise InputError(f"{target}: cannot be written ({getattr(error, 'strerror', None) or error})") from None
    return place


def is_special(path: Path) -> bool:
    """Return whether a path is a device, a pipe or the like: written in place, never replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise `InputError` if a file cannot be written there: better now than after an hour of training."""
    _place(path)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the same folder and rename it onto `path` when the block ends well.

    Special files (``/dev/null``, a pipe) are given as they are. The block does nothing but write: all that goes wrong
    with files in it is put down to `path`.

    Raises
    ------
    InputError
        If `path` cannot be written.
    """
    with _replacing(path) as part, _naming(os.fspath(path)):
        yield part


@contextlib.contextmanager
def _replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    place = _place(path)
    if is_special(place):
        yield place
        return
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:50]}.")
    os.close(handle)
    part = Path(name)
    _UNFINISHED.add(part)
    try:
        yield part
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(place)
    finally:
        discard(part)


def discard(*parts: Path) -> None:
    """Remove unfinished files: those given, or all."""
    for part in parts or tuple(_UNFINISHED):
        part.unlink(missing_ok=True)
        _UNFINISHED.discard(part)
