"""Out of core: arrays that grow with a corpus lie in files, and only the part that is being used is in memory."""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import partial
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from emnlp.errors import InputError

Folder: TypeAlias = str | os.PathLike[str] | None
"""Where files go; None keeps everything in memory."""


class OnDisk:
    """A one-dimensional array in a file: a slice of it is mapped into memory for as long as somebody holds it.

    It is read like a NumPy array, and only ever appended to. A slice is a private copy: what is written into it stays
    there. The file has no name, so that nothing is left of it however the process ends.

    Parameters
    ----------
    folder : path-like
    dtype : dtype

    Raises
    ------
    InputError
        If the folder cannot be written, or is full.

    Examples
    --------
    >>> array = OnDisk(tempfile.gettempdir(), np.int32)
    >>> array.append(np.arange(5, dtype=np.int32))
    >>> len(array), array[1:3], np.asarray(array).sum()
    (5, array([1, 2], dtype=int32), np.int64(10))
    """

    def __init__(self, folder: str | os.PathLike[str], dtype: DTypeLike) -> None:
        self.folder, self.dtype = folder, np.dtype(dtype)
        self._size, self._lock = 0, threading.Lock()
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (closed with this object)
        except OSError as error:
            raise self._problem(error) from None
        weakref.finalize(self, self._file.close)

    def _problem(self, error: OSError) -> InputError:
        why = error.strerror or error
        return InputError(f"{os.fspath(self.folder)}: no room for scratch files ({why}); give another scratch folder")

    def append(self, values: NDArray[Any]) -> None:
        """Add values at the end."""
        self.write(values, self.extend(len(values)))

    def extend(self, n: int) -> int:
        """Make the array longer by `n` values, to be written later; return where they begin. Threads may call it."""
        with self._lock:
            self._size += n
            return self._size - n

    def write(self, values: NDArray[Any], at: int) -> None:
        """Write values in place of those from `at` on. Threads may call it."""
        left = np.ascontiguousarray(values, self.dtype).data.cast("B")
        with self._lock:
            try:
                self._file.seek(at * self.dtype.itemsize)
                while left:
                    left = left[self._file.write(left) :]
            except OSError as error:
                raise self._problem(error) from None

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if isinstance(key, slice):
            first, end, step = key.indices(len(self))
            if step == 1:
                return self._mapped(first, end)
        found: NDArray[Any] = np.asarray(self)[key]
        return found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self._mapped(0, len(self)).astype(dtype or self.dtype, copy=bool(copy))

    def _mapped(self, first: int, end: int) -> NDArray[Any]:
        size = self.dtype.itemsize
        if end <= first:
            return np.empty(0, self.dtype)
        start = first * size // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        pages = mmap.mmap(self._file.fileno(), end * size - start, access=mmap.ACCESS_COPY, offset=start)
        return np.frombuffer(pages, self.dtype, end - first, first * size - start)


class Left(MutableMapping[str, NDArray[Any]]):
    """What an E-step leaves for the next one on the same batch: a dict of one-dimensional arrays, in a file.

    Parameters
    ----------
    file : OnDisk
        Of bytes; all batches share it.
    """

    def __init__(self, file: OnDisk) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int, np.dtype[Any]]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        first, end, dtype = self._places[name]
        return self._file[first:end].view(dtype)

    def __setitem__(self, name: str, values: NDArray[Any]) -> None:
        first, end, dtype = self._places.get(name, (0, 0, values.dtype))
        if name not in self._places or (end - first, dtype) != (values.nbytes, values.dtype):
            first = self._file.extend(-(-values.nbytes // 16) * 16)  # any type stays aligned
            self._places[name] = first, first + values.nbytes, values.dtype
        self._file.write(values.view(np.uint8), first)

    def __delitem__(self, name: str) -> None:
        del self._places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def locals_in(folder: Folder) -> Callable[[], MutableMapping[str, Any]]:
    """Return what makes the places where E-steps leave something: dicts, or `Left` in one file in a folder."""
    return dict if folder is None else partial(Left, OnDisk(folder, np.uint8))


def folder_of(array: Any) -> Folder:
    """Return the folder of an array on disk, None for one in memory."""
    return array.folder if isinstance(array, OnDisk) else None


def kept(pieces: Iterable[NDArray[Any]], dtype: DTypeLike, folder: Folder, size: int | None = None) -> NDArray[Any]:
    """Put pieces together: in memory, or in a file in a folder; an `OnDisk` is read as the array it stands for.

    If the `size` of the whole is known, memory need not hold all pieces and the whole at once.
    """
    if folder is not None:
        array = OnDisk(folder, dtype)
        for piece in pieces:
            array.append(piece)
        return cast("NDArray[Any]", array)
    if size is None:
        listed = [np.asarray(piece, dtype) for piece in pieces]
        return listed[0] if len(listed) == 1 else np.concatenate([np.empty(0, dtype), *listed])
    whole, end = np.empty(size, dtype), 0
    for piece in pieces:
        whole[end : end + len(piece)] = piece
        end += len(piece)
    return whole


def columns(rows: Iterable[tuple[NDArray[Any], ...]], dtype: DTypeLike, folder: Folder) -> tuple[NDArray[Any], ...]:
    """Put pieces of several arrays together, piece by piece of all of them; see `kept`."""
    if folder is None:
        return tuple(kept(pieces, dtype, None) for pieces in zip(*rows))
    arrays: list[OnDisk] = []
    for row in rows:
        arrays = arrays or [OnDisk(folder, dtype) for _ in row]
        for array, piece in zip(arrays, row):
            array.append(piece)
    return cast("tuple[NDArray[Any], ...]", tuple(arrays))


def ranges(starts: NDArray[np.int64], room: int) -> list[tuple[int, int]]:
    """Cut items, of which item k has what lies from ``starts[k]`` to ``starts[k + 1]``, into runs of about `room`.

    Examples
    --------
    >>> ranges(np.array([0, 2, 4, 5, 9]), 4)
    [(0, 2), (2, 4)]
    """
    edges = np.arange(0, starts[-1], room)
    bounds = np.append(np.unique(np.searchsorted(starts[:-1], edges)), len(starts) - 1).tolist()
    return [(a, b) for a, b in zip(bounds, bounds[1:]) if a < b]
