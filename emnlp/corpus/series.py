"""Series: sequences of observations, some of which may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError

MOST = 1e100
"""What an observation may be at most: its square, many times, is still a number."""


WINDOW, MOST_COLUMNS = 10, 100
"""Rows of a window, and how many numbers that may be: longer ones see through more noise."""

CHUNK = 8192
"""Windows of rows that are held at once."""


@dataclass(frozen=True, eq=False, repr=False)
class Series(Sequence[Array]):
    """Sequences of observations of D numbers each; a missing number is NaN.

    Parameters
    ----------
    starts : (n + 1,) int64
        The rows of sequence k are those from ``starts[k]`` up to ``starts[k + 1]``.
    rows : (N, D)
    single : bool
        Whether it was one array rather than a list of them; what models return has the same form.

    Examples
    --------
    >>> series = Series.of([np.zeros((3, 2)), np.ones((1, 2))])
    >>> len(series), series[1]
    (2, array([[1., 1.]]))
    >>> Series.of([1.0, np.nan, 3.0])
    Series(1 sequence, 3 x 1, 1 missing)
    """

    starts: NDArray[np.int64]
    rows: Array
    single: bool = False

    @classmethod
    def of(cls, data: Any) -> Series:
        """Make a series of what users have.

        Parameters
        ----------
        data : Series or array, or list of arrays
            One sequence, (T, D), or (T,) where D is 1; or several, each (T, D) or (T,), or stacked, (n, T, D). What a
            masked array masks is missing.

        Raises
        ------
        InputError
            If it is not numbers, the sequences differ in their width, or a number is infinite or beyond 1e100.
        """
        if isinstance(data, Series):
            return data
        several = _is_several(data)
        arrays = [_rows(each, f"sequence {k}") for k, each in enumerate(data)] if several else [_rows(data, "series")]
        widths = {each.shape[1] for each in arrays}
        if len(widths) != 1 or 0 in widths:
            raise InputError(f"series: expected sequences of one width, at least 1, not {sorted(widths) or 'none'}")
        starts = np.concatenate([[0], np.cumsum([len(each) for each in arrays])]).astype(np.int64)
        return cls(starts, np.concatenate(arrays), not several)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        return self.split(self.rows)[key]

    def __repr__(self) -> str:
        n, (rows, width), missing = len(self), self.rows.shape, int(np.isnan(self.rows).sum())
        lost = f", {missing:,} missing" if missing else ""
        return f"Series({n:,} sequence{'s' * (n != 1)}, {rows:,} x {width}{lost})"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of rows of each sequence."""
        return np.diff(self.starts)

    def split(self, flat: Array) -> list[Array]:
        """Return what belongs to each sequence of an array with as many rows as the series."""
        return [flat[a:b] for a, b in zip(self.starts.tolist(), self.starts[1:].tolist())]

    def like(self, flat: Array) -> Any:
        """Return an array with as many rows as the series in the form that the user's data had."""
        return flat if self.single else self.split(flat)

    def extended(self, steps: int) -> Series:
        """Return the series with so many missing rows after each sequence, as a list."""
        tail = np.full((steps, self.rows.shape[1]), np.nan)
        rows = np.concatenate([part for each in self.split(self.rows) for part in (each, tail)])
        return Series(self.starts + steps * np.arange(len(self.starts)), rows)

    def centre_and_scale(self) -> tuple[Array, Array]:
        """Return mean and variance of each column; the variance of a constant one is called 1.

        Raises
        ------
        InputError
            If nothing of a column was observed.
        """
        seen = ~np.isnan(self.rows)
        if not seen.any(axis=0).all():
            column = int(np.argmin(seen.any(axis=0)))
            raise InputError(f"series: column {column} has no observation; leave it out, or give some")
        mean = np.nanmean(self.rows, axis=0)
        variance = np.nanmean((self.rows - mean) ** 2, axis=0)
        return mean, np.where(variance > np.maximum(1e-20 * mean**2, 1e-200), variance, 1.0)

    def components(self, n: int, rng: np.random.Generator | None = None) -> Array:
        """Return n principal components, (N, n), of windows of `WINDOW` rows: each row with those after it.

        Columns count alike; what is missing, or after the end, counts as their mean. The components are independent,
        of variance 1, or 0 where the windows vary in fewer directions.

        Parameters
        ----------
        n : int
        rng : Generator, optional
            Mixes the others into the principal ones.
        """
        mean, scale = self.centre_and_scale()
        length = max(-(-n // len(mean)), min(WINDOW, MOST_COLUMNS // len(mean)), 1)
        rows = np.nan_to_num((self.rows - mean) / np.sqrt(scale))
        covariance = sum(each.T @ each for each in self._windows(rows, length)) / max(len(rows), 1)
        directions = np.linalg.eigh(covariance)[1][:, ::-1]
        mixed = np.eye(len(directions), n)
        if rng is not None:
            mixed += 0.5 * rng.standard_normal(mixed.shape)
        mixed = directions @ mixed
        variances, axes = np.linalg.eigh(mixed.T @ covariance @ mixed)
        used = variances > 1e-12 * max(variances[-1], 1e-300)
        mixed = mixed @ (axes * np.where(used, 1 / np.sqrt(np.where(used, variances, 1)), 0.0))
        return np.concatenate([each @ mixed for each in self._windows(rows, length)])

    def _windows(self, rows: Array, length: int) -> Iterator[Array]:
        """Yield windows of rows, (n, length * D), some thousands at a time."""
        ends = np.repeat(self.starts[1:], self.lengths)
        for a in range(0, len(rows), CHUNK):
            later = np.arange(a, min(a + CHUNK, len(rows)))[:, None] + np.arange(length)
            there = later < ends[a : a + CHUNK, None]
            yield np.where(there[:, :, None], rows[np.where(there, later, 0)], 0.0).reshape(len(later), -1)


def _is_several(data: Any) -> bool:
    """Return whether data holds sequences rather than the rows of one."""
    if isinstance(data, np.ndarray):
        return data.ndim == 3
    if not isinstance(data, list | tuple) or not data:
        return False
    if any(isinstance(each, np.ndarray) and each.ndim > 0 for each in data):
        return True
    return any(isinstance(row, Iterable) for each in data if isinstance(each, list | tuple) for row in each)


def _rows(data: Any, name: str) -> Array:
    """Return one sequence as an array (T, D)."""
    try:
        if isinstance(data, np.ma.MaskedArray):
            data = np.ma.filled(data.astype(np.float64), np.nan)
        rows = np.array(data, np.float64, order="C")  # kernels are compiled for one layout
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected an array of numbers, (T, D), with NaN for what is missing") from None
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2:
        raise InputError(f"{name}: expected an array (T, D), not one of {rows.ndim} dimensions")
    beyond = np.abs(rows) > MOST  # False for NaN
    if beyond.any():
        t, d = np.argwhere(beyond)[0]
        raise InputError(f"{name}: row {t}, column {d} is {rows[t, d]}; expected finite numbers, NaN for a missing one")
    return rows
