"""Engines: where the batches of an E-step run. The result has the same bits on any of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from emnlp.blocks import Blocks
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.model import Model

In = TypeVar("In")
Out = TypeVar("Out")

LANE_BYTES = 1 << 27
MAX_LANES = 16
LANE_BATCHES = 16


def lanes(batches: Sequence[In], count_bytes: int) -> list[Sequence[In]]:
    """Deal batches to a few lanes, whose number depends on the corpus and the model size alone, never on the machine.

    A lane adds its batches in order into one accumulator, and the lanes are summed in order: so the sums have the same
    bits at any number of threads, and at most as many count blocks live as there are lanes: 2, or what fits 128 MiB. A
    lane of few batches would cost more than it saves: it has `LANE_BATCHES`, unless there are but 2.

    Examples
    --------
    >>> lanes("abcde", 1 << 26)
    ['ace', 'bd']
    """
    n = max(2, min(MAX_LANES, LANE_BYTES // max(count_bytes, 1), len(batches) // LANE_BATCHES))
    n = 1 << (n.bit_length() - 1)  # a power of two: 3 lanes on two processors would leave one idle half of the time
    return [lane for lane in (batches[first::n] for first in range(n)) if len(lane)]


class Engine:
    """Runs a function over batches; `expect` is the E-step of a whole corpus."""

    def map(self, function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        """Yield ``function(item)`` in the order of the items."""
        raise NotImplementedError

    def expect(self, model: Model, theta: Blocks, batches: Sequence[Any]) -> tuple[Blocks, float]:
        """Return the expected counts and the log-likelihood (nats) of all batches, of which there is at least one."""
        potentials = model.prepare(theta)
        del theta  # the caller's temporary: potentials are what the kernels read

        def add_up(lane: Sequence[Any]) -> tuple[Blocks, float]:
            counts = potentials.zeros()
            return counts, sum(model.expect(batch, potentials, counts) for batch in lane)

        total, loglik = self._summed(add_up, lanes(batches, potentials.nbytes))
        return model.collect(total), loglik

    def count(self, model: Model, theta: Blocks, batches: Sequence[Any]) -> Blocks:
        """Return the counts of the best latent structures of all batches, of which there is at least one."""
        potentials = model.prepare(theta)
        del theta

        def add_up(lane: Sequence[Any]) -> tuple[Blocks, float]:
            counts = model.collect(potentials.zeros())  # the factors' counts, all 0
            for batch in lane:
                model.count(batch, model.best(batch, potentials), counts)
            return counts, 0.0

        return self._summed(add_up, lanes(batches, potentials.nbytes))[0]

    def _summed(
        self, add_up: Callable[[Sequence[Any]], tuple[Blocks, float]], dealt: Sequence[Sequence[Any]]
    ) -> tuple[Blocks, float]:
        """Return the sums over the lanes of what `add_up` returns for each, lane after lane."""
        lane_sums = self.map(add_up, dealt)
        total, value = next(lane_sums)
        for counts, more in lane_sums:
            total += counts
            value += more
        return total, value

    def likelihood(self, model: Model, theta: Blocks, batches: Sequence[Any]) -> float:
        """Return the log-likelihood (nats) of all batches, without counts."""
        potentials = model.prepare(theta)
        del theta
        return sum(self.map(lambda batch: model.likelihood(batch, potentials), batches))


@dataclass(frozen=True)
class Serial(Engine):
    """One batch after the other, in the calling thread."""

    def map(self, function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:  # noqa: D102
        return map(function, items)


@dataclass(frozen=True)
class Threads(Engine):
    """Batches in threads: the kernels release the interpreter's lock.

    Parameters
    ----------
    n : int
        The number of threads.
    """

    n: int

    def map(self, function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:  # noqa: D102
        items = list(items)
        if len(items) < 2:  # a sentence pair takes less time than a thread
            yield from map(function, items)
            return
        with ThreadPoolExecutor(self.n) as pool:
            yield from pool.map(function, items)


def engine(n_jobs: int | None) -> Engine:
    """Return the engine for a number of threads; None is 1, and -1 is one a processor.

    Examples
    --------
    >>> engine(1), engine(2)
    (Serial(), Threads(n=2))
    """
    n = 1 if n_jobs is None else n_jobs if n_jobs > 0 else (os.cpu_count() or 1) + 1 + n_jobs
    if n_jobs == 0 or n < 1:
        raise InputError(f"n_jobs is {n_jobs}; give the number of threads, or -1 for one a processor")
    return Serial() if n == 1 else Threads(n)
