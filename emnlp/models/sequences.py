"""Batches of series, and what is learned of the states of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.series import Series
from emnlp.factors.linear_gaussian import Parts

ROWS = 8192
"""Rows that a batch may have; a longer sequence is a batch of its own."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """A batch of sequences: ``starts``, rows about the origin, what of each row is there, and these patterns."""

    starts: NDArray[np.int64]
    rows: Array
    kinds: NDArray[np.int32]
    masks: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def kernel(self) -> tuple[Any, ...]:
        """What the kernels read."""
        return self.starts, self.rows, self.kinds, self.masks

    @property
    def seen(self) -> tuple[Any, ...]:
        """Which pattern each row has, and the patterns: what is there of a row, or nothing."""
        return self.kinds, np.repeat(self.masks.any(axis=1, keepdims=True), self.masks.shape[1], axis=1)


class Smoothed(NamedTuple):
    """The states given the data: means (N, K), covariances (N, K, K), those with the next state, and log P of each."""

    means: Array
    covariances: Array
    crossed: Array
    logliks: Array


def batches_of(series: Series, origin: Array, size: int | None) -> list[Sequences]:
    """Return batches of so many sequences, or of as many as have `ROWS` rows, about an origin; without empty ones."""
    found, a, starts = [], 0, np.unique(series.starts)
    while a < len(starts) - 1:
        b = a + 1
        while b < len(starts) - 1 and (b - a < size if size else starts[b + 1] - starts[a] <= ROWS):
            b += 1
        rows = series.rows[starts[a] : starts[b]] - origin
        found.append(Sequences(starts[a : b + 1] - starts[a], rows, *_patterns(rows)))
        a = b
    return found


def _patterns(rows: Array) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return which pattern each row has, and the patterns of what is there."""
    seen = ~np.isnan(rows)
    if seen.all():
        return np.zeros(len(rows), np.int32), seen[:1]
    masks, kinds = np.unique(seen, axis=0, return_inverse=True)
    return kinds.reshape(-1).astype(np.int32), masks


def drawn(
    initial: Parts, dynamics: Parts, observation: Parts, length: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return a sequence of so many observations, and its states."""
    width, size = observation.weights.shape
    noise = rng.standard_normal((length, size)) @ np.linalg.cholesky(dynamics.covariance).T
    states = noise + dynamics.offset
    for t in range(length):
        if t == 0:
            states[t] = initial.offset + np.linalg.cholesky(initial.covariance) @ rng.standard_normal(size)
        else:
            states[t] += dynamics.weights @ states[t - 1]
    noise = rng.standard_normal((length, width)) @ np.linalg.cholesky(observation.covariance).T
    return states @ observation.weights.T + observation.offset + noise, states
