"""EM that learns from a part of the corpus at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emnlp.blocks import Blocks
from emnlp.learners.base import Scoring, Step, check_size
from emnlp.learners.running import Running

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.model import Model


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
        As the model's `index` counts it: cells of word pairs for aligners, tokens for taggers, documents for mixtures.
        Where the model can tell the slots of a batch, as aligners with `Categorical` or `Dirichlet` lexicons can, what
        a batch costs grows with the batch; elsewhere an M-step costs as much as the model has slots.
    warm : bool
        Whether the first pass is one of batch EM, for counts to begin with. Without, those of the first batch are the
        first ones, and what it lacks has probability 0 for the next ones, unless there is a `head_start`: good enough
        for `Dirichlet` factors, which gain a pass.
    head_start : float
        So many counts in each row of a table (`Categorical`, `Dirichlet`), as the first parameters have them, are put
        beside the first ones, as if they were the first batch's; they decay like these. So tables by maximum likelihood
        can do without a warm pass: 10 or so.
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
    head_start: float = field(default=0.0, kw_only=True)
    exact: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.5 < self.power <= 1:
            raise self.wrong("power", "a number above 0.5, up to 1")
        if not 1 <= self.offset < np.inf:
            raise self.wrong("offset", "a number from 1")
        if not 0 <= self.head_start < np.inf:
            raise self.wrong("head_start", "a number of counts, from 0")
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
                weight = sum(map(len, batches)) / sum(map(len, part))
                part, slots = model.narrowed(part) if len(running.stored) else (part, {})
                counts, loglik = engine.expect(model, running.theta(model, params, slots), part)
                if len(running.stored):
                    running.blend(model, (running.k + self.offset) ** -self.power, weight, counts, slots)
                else:
                    running.begin(model, params, weight, counts, self.head_start)
                del counts
                params = running.maximize(model, params, slots)
                seen += loglik
            params = running.end_pass(model, params)
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
