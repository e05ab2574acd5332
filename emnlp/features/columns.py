"""Columns: which features fire where, as a sparse matrix with a name for each column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from emnlp.errors import InputError
from emnlp.inference.columns import one_a_row, place


@dataclass(frozen=True)
class Lazy(Sequence[str]):
    """Names that are made when they are read: a pair of words a slot would be millions of strings.

    Examples
    --------
    >>> squares = Lazy(lambda k: str(k * k), 4)
    >>> list(squares), squares[-1], squares[1:3]
    (['0', '1', '4', '9'], '9', ['1', '4'])
    """

    at: Callable[[int], str]
    size: int

    def __getitem__(self, k):  # type: ignore[no-untyped-def]
        found = range(self.size)[k]
        return [self.at(n) for n in found] if isinstance(k, slice) else self.at(found)

    def __len__(self) -> int:
        return self.size


@dataclass(frozen=True, eq=False, repr=False)
class Columns:
    """The features of n words or slots.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array, (n, F), float64
        Row r has what fires on word or slot r. Indices are int32.
    names : sequence of str
        What each column is called, (F,).

    Examples
    --------
    >>> from emnlp.features import Digit, Suffixes
    >>> words = ["walking", "sing", "1st"]
    >>> columns = stacked([Suffixes(2).columns(words), Digit().columns(words)])
    >>> list(columns.names)
    ['suffix=g', 'suffix=ng', 'suffix=t', 'suffix=st', 'digit']
    >>> columns.matrix.toarray().astype(int).tolist()
    [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
    >>> common, dropped = columns.cut(2)
    >>> list(common.names), dropped
    (['suffix=g', 'suffix=ng'], 3)
    """

    matrix: csr_array
    names: Sequence[str]

    def __post_init__(self) -> None:
        if self.matrix.shape[1] != len(self.names):
            raise InputError(f"{self.matrix.shape[1]} columns of features, but {len(self.names)} names for them")

    @classmethod
    def of(cls, rows: Iterable[Iterable[str]]) -> Columns:
        """Build from the names of what fires in each row; a column a name, in the order of first occurrence.

        Examples
        --------
        >>> Columns.of([["a"], [], ["b", "a", "b"]]).matrix.toarray().tolist()
        [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
        """
        numbers: dict[str, int] = {}
        indices: list[int] = []
        starts = [0]
        for fired in rows:
            indices += [numbers.setdefault(name, len(numbers)) for name in dict.fromkeys(fired)]
            starts.append(len(indices))
        matrix = _matrix(np.array(indices, np.int32), np.array(starts, np.int64), len(numbers))
        matrix.sort_indices()
        return cls(matrix, list(numbers))

    @classmethod
    def binned(cls, bins: NDArray[np.int32], names: Sequence[str]) -> Columns:
        """Build from one column a row, or none where that is -1.

        Examples
        --------
        >>> Columns.binned(np.array([1, -1, 0], np.int32), ["low", "high"]).matrix.toarray().tolist()
        [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
        """
        starts, indices = one_a_row(bins)
        return cls(_matrix(indices, starts, len(names)), names)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __repr__(self) -> str:
        return f"Columns({len(self):,} rows, {len(self.names):,} columns, {self.matrix.nnz:,} entries)"

    @property
    def counts(self) -> NDArray[np.int64]:
        """In how many rows each column fires, (F,)."""
        data, indices = self.matrix.data, self.matrix.indices
        return np.bincount(indices if data.all() else indices[data != 0], minlength=len(self.names))

    def cut(self, min_count: int) -> tuple[Columns, int]:
        """Drop the columns that fire in fewer rows; return the others, and how many were dropped."""
        kept = np.flatnonzero(self.counts >= min_count)
        if len(kept) == len(self.names):
            return self, 0
        return self._chosen(kept), len(self.names) - len(kept)

    def named(self, names: Sequence[str]) -> Columns:
        """Return the columns of these names, in this order; one that is not here fires nowhere.

        So the features of new words are laid out as those of the training words were.

        Examples
        --------
        >>> columns = Columns.of([["a"], ["b", "c"]]).named(["c", "z", "a"])
        >>> columns.matrix.toarray().tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        """
        numbers = {name: n for n, name in enumerate(names)}
        new = np.array([numbers.get(name, -1) for name in self.names], np.int64)
        known = np.flatnonzero(new >= 0)
        columns = self._chosen(known[np.argsort(new[known], kind="stable")]).matrix
        moved = np.sort(new[known]).astype(np.int32)[columns.indices]
        return Columns(_matrix(moved, columns.indptr, len(names), columns.data), names)

    def _chosen(self, kept: NDArray[np.int64]) -> Columns:
        names = self.names
        some = (
            [names[k] for k in kept.tolist()]
            if isinstance(names, list)
            else Lazy(partial(_nth, names, kept), len(kept))
        )
        matrix = self.matrix[:, kept]
        matrix.sort_indices()
        return Columns(_matrix(matrix.indices, matrix.indptr, len(kept), matrix.data), some)


def stacked(parts: Sequence[Columns], n_rows: int = 0) -> Columns:
    """Put columns of the same rows side by side.

    Parameters
    ----------
    parts : sequence of Columns
    n_rows : int
        How many rows there are if there are no parts.

    Raises
    ------
    InputError
        If the parts have not the same number of rows, or two columns have the same name.
    """
    sizes = {len(part) for part in parts} or {n_rows}
    if len(sizes) > 1:
        raise InputError(f"features of different numbers of words or slots: {sorted(sizes)}")
    _check_names([part.names for part in parts])
    if len(parts) == 1:
        return parts[0]
    starts = np.zeros(sizes.pop() + 1, np.int64)
    for part in parts:
        starts += part.matrix.indptr
    indices, data = np.empty(starts[-1], np.int32), np.empty(starts[-1])
    cursor, first = starts[:-1].copy(), 0
    for part in parts:
        matrix = part.matrix
        place(cursor, matrix.indptr, matrix.indices, matrix.data, np.int32(first), indices, data)
        first += len(part.names)
    return Columns(_matrix(indices, starts, first, data), _joined([part.names for part in parts]))


def _matrix(
    indices: NDArray[np.int32], starts: NDArray[np.int64], width: int, data: NDArray[np.float64] | None = None
) -> csr_array:
    """Return a matrix of compressed rows; entries are 1 if there is no `data`."""
    small = np.int32 if len(indices) < np.iinfo(np.int32).max else np.int64
    entries = np.ones(len(indices)) if data is None else data
    return csr_array((entries, indices.astype(small, copy=False), starts.astype(small)), shape=(len(starts) - 1, width))


def _nth(names: Sequence[str], kept: NDArray[np.int64], k: int) -> str:
    return names[int(kept[k])]


def _check_names(parts: list[Sequence[str]]) -> None:
    seen: set[str] = set()
    for names in parts:
        if isinstance(names, Lazy):
            continue
        for name in names:
            if name in seen:
                raise InputError(f"two features have a column {name!r}; give each feature once, the longest one")
            seen.add(name)


def _joined(parts: list[Sequence[str]]) -> Sequence[str]:
    if all(isinstance(names, list) for names in parts):
        return [name for names in parts for name in names]
    ends = np.cumsum([len(names) for names in parts])
    return Lazy(partial(_of_parts, parts, ends), int(ends[-1]))


def _of_parts(parts: list[Sequence[str]], ends: NDArray[np.int64], k: int) -> str:
    part = int(np.searchsorted(ends, k, side="right"))
    return parts[part][k - int(ends[part])]
