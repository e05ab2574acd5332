"""EM that learns from a part of the corpus at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emnlp.blocks import Blocks
from emnlp.learners.base import Scoring, Step, check_size
from emnlp.storage import packable

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.model import Model


@packable
@dataclass
class Running:
    """Where `StepwiseEM` stands: the counts are ``scale * stored``, and `k` batches have been blended in.

    It goes on changing as the learner goes on: what is to be kept of it has to be copied, or written, before.
    """

    stored: Blocks = field(default_factory=lambda: Blocks({}))
    scale: float = 1.0
    k: int = 0

    def blend(self, share: float, weight: float, counts: Blocks) -> None:
        """Let the counts be a share of `weight` times new ones, and for the rest what they were: one number's work."""
        self.scale *= 1 - share
        if self.scale < 1e-200:  # before it, and what is stored with it, leave the range of numbers
            for array in self.stored.values():
                array *= self.scale
            self.scale = 1.0
        self.stored += (share * weight / self.scale) * counts
        self.k += 1

    @property
    def counts(self) -> Blocks:
        """The counts."""
        return self.scale * self.stored


@dataclass(frozen=True)
class StepwiseEM(Scoring):
    """Stepwise, or online, EM: an M-step after each batch. Guarantees nothing; not for a corpus of a few batches.

    After the E-step of each batch, of n of the N items, ``counts = (1 - eta) counts + eta (N / n) (those of the
    batch)``, with ``eta = (k + offset) ** -power`` for the k-th batch that is blended in, from 0. A few passes do what
    batch EM needs many for. With `Dirichlet` factors it is stochastic variational inference.

    ``max_iter`` counts passes. ``trace_[k]`` is the objective that pass k + 1 saw on its way, each batch at the
    parameters of its turn, which costs nothing; the last entry is exact. The order of the batches is drawn anew for
    each pass from the model's `random_state`; if that is None, it is theirs.

    Parameters
    ----------
    steps : int, optional
        As for every `Learner`; they are passes here.
    power : float
        Above 0.5 and up to 1: the higher, the sooner the counts settle.
    offset : float
        From 1: the higher, the less a pass's first batches count for.
    batch_size : int, optional
        As the model's `index` counts it: cells of word pairs for aligners, tokens for taggers. An M-step costs as much
        as the model has slots, so that small batches and large lexicons do not go together.
    warm : bool
        Whether the first pass is one of batch EM, for counts to begin with. Without, those of the first batch are the
        first ones, and what it lacks has probability 0 for the next ones: good enough for `Dirichlet` factors, which
        gain a pass, but not for tables by maximum likelihood.
    exact : bool
        Score the parameters after each pass, which takes another pass.
    score_last : bool
        Score the last parameters, too.

    References
    ----------
    Liang & Klein (2009), Online EM for unsupervised models; Cappé & Moulines (2009), On-line expectation-maximization
    algorithm for latent data models; Hoffman, Blei & Bach (2010), Online learning for latent Dirichlet allocation.

    Examples
    --------
    >>> from emnlp import HMM
    >>> text = [s.split() for s in ["the dog sleeps", "a cat sleeps", "the cat sees a dog", "a dog sees the cat"]]
    >>> model = HMM(3, random_state=1, learner=StepwiseEM(batch_size=5), max_iter=3).fit(text)
    >>> len(model.trace_)
    4
    """

    steps: int | None = None
    power: float = field(default=0.7, kw_only=True)
    offset: float = field(default=2, kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    warm: bool = field(default=True, kw_only=True)
    exact: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.5 < self.power <= 1:
            raise self.wrong("power", "a number above 0.5, up to 1")
        if not 1 <= self.offset < np.inf:
            raise self.wrong("offset", "a number from 1")
        check_size(self)

    def settled(self, done: int) -> bool:
        """Return whether there are two objectives of the same kind."""
        return done > 1

    def iterate(  # noqa: D102
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        n, running, first = self.limit(model.max_iter), state, done + 1 - self.exact  # the pass to go on with
        if state is None:
            running, first = Running(), 0
            if self.exact and n > 0:
                yield Step(params, self.score(model, params, batches, engine), running)
        for k in range(first, n):
            seen = 0.0
            for part in self._parts(model, batches, k):
                counts, loglik = engine.expect(model, model.theta(params), part)
                weight = sum(map(len, batches)) / sum(map(len, part))
                if not len(running.stored):
                    running.stored = weight * counts
                else:
                    running.blend((running.k + self.offset) ** -self.power, weight, counts)
                del counts
                params = model.maximize(running.counts, params)
                seen += loglik
            if not self.exact:
                yield Step(params, seen + model.penalty(params), running)
            elif k + 1 < n:
                yield Step(params, self.score(model, params, batches, engine), running)
        yield self.end(model, params, batches, engine, running)

    def _parts(self, model: Model, batches: Sequence[Any], done: int) -> list[Sequence[Any]]:
        """Return what a pass learns from at a time, in order."""
        if done == 0 and self.warm:
            return [batches]
        seed, n = model.random_state, len(batches)
        order = range(n) if seed is None else np.random.default_rng([seed, done]).permutation(n)
        return [[batches[b]] for b in order]
