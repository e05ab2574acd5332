"""Incremental EM: the counts are kept part by part, and replaced part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from emnlp.blocks import Blocks
from emnlp.learners.base import Scoring, Step, check_climbs, check_size
from emnlp.storage import packable

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


@packable
@dataclass
class Kept:
    """Where `IncrementalEM` stands: of each part its counts, log P, and ``counts . log theta`` when they were made.

    It goes on changing as the learner goes on: what is to be kept of it has to be copied, or written, before.
    """

    counts: list[Blocks] = field(default_factory=list)
    logliks: list[float] = field(default_factory=list)
    fits: list[float] = field(default_factory=list)
    head: Blocks | None = None

    def look_ahead(self) -> None:
        """Begin a pass: until they are replaced, a part's counts are summed with those of all parts after it.

        So the sum of all parts is made of sums alone; where counts were subtracted, zeros would not stay zeros.
        """
        for p in reversed(range(len(self.counts) - 1)):
            self.counts[p] += self.counts[p + 1]
        self.head = None

    @property
    def total(self) -> Blocks:
        """The sum over all parts, at the end of a pass."""
        assert self.head is not None
        return self.head

    def replace(self, p: int, counts: Blocks, loglik: float, fit: float) -> Blocks:
        """Replace the counts of the next part; return the sum over all parts that have any."""
        if self.head is None:
            self.head = counts.copy()
        else:
            self.head += counts
        if p == len(self.counts):
            self.counts, self.logliks, self.fits = [*self.counts, counts], [*self.logliks, loglik], [*self.fits, fit]
        else:
            self.counts[p], self.logliks[p], self.fits[p] = counts, loglik, fit
        return self.head + self.counts[p + 1] if p + 1 < len(self.counts) else self.head


@dataclass(frozen=True)
class IncrementalEM(Scoring):
    """Incremental EM: an M-step after each part of the corpus. Its bound never falls; not where memory is short.

    The expected counts are kept part by part. The E-step of one part replaces that part's, and the M-step uses the sum:
    news of a part is used at once, and nothing old is forgotten. The first pass, alone, has one M-step, at its end. The
    objective is the bound of Neal and Hinton, ``F = sum over parts of (log P - counts . log theta)``, each with the
    theta of its own E-step, ``+ counts . log theta + penalty``, before the last M-step of a pass; it never falls, and
    the penalised log-likelihood, which the last entry of the trace is, lies above. With one part it is batch EM.
    ``max_iter`` counts passes.

    Parameters
    ----------
    steps : int, optional
        As for every `Learner`; they are passes here.
    parts : int
        At most so many, of neighbouring batches; memory holds the expected counts ``parts + 3`` times.
    batch_size : int, optional
        As the model's `index` counts it: a part has one batch at least.
    score_last : bool
        Score the last parameters, too, which takes another pass over the corpus.

    Raises
    ------
    InputError
        If there is no such bound for a model, as for an `Agreement`.

    References
    ----------
    Neal & Hinton (1998), A view of the EM algorithm that justifies incremental, sparse, and other variants.

    Examples
    --------
    >>> from emnlp import HMM
    >>> text = [s.split() for s in ["the dog sleeps", "a cat sleeps", "the cat sees a dog", "a dog sees the cat"]]
    >>> model = HMM(3, random_state=1, learner=IncrementalEM(parts=2, batch_size=5), max_iter=20).fit(text)
    >>> model.trace_[-1] > HMM(3, random_state=1, max_iter=3).fit(text).trace_[-1]
    True
    """

    guarantee: ClassVar[Guarantee] = "monotone"

    steps: int | None = None
    parts: int = field(default=16, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.parts, Integral) and self.parts >= 1):
            raise self.wrong("parts", "a whole number from 1")
        check_size(self)

    def iterate(  # noqa: D102
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        check_climbs(self, model)
        edges = np.linspace(0, len(batches), min(self.parts, len(batches)) + 1).astype(int).tolist()
        parts = [batches[a:b] for a, b in zip(edges, edges[1:])]
        kept, resumed = (Kept(), False) if state is None else (state, True)
        for k in range(done, self.limit(model.max_iter)):
            if not resumed:
                kept.look_ahead()
                for p, part in enumerate(parts):
                    counts, loglik = engine.expect(model, model.theta(params), part)
                    total = kept.replace(p, counts, loglik, model.expected_log_likelihood(counts, params))
                    del counts
                    if p + 1 < len(parts) and k > 0:
                        params = model.maximize(total, params)
                bound = sum(kept.logliks) + (model.expected_log_likelihood(total, params) - sum(kept.fits))
                yield Step(params, bound + model.penalty(params), kept)
                del total
            params, resumed = model.maximize(kept.total, params), False
        yield self.end(model, params, batches, engine, kept)
