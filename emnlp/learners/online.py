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

M_STEPS = 32
"""At least so many a pass have the blocks that are small beside a lexicon, if there are as many batches."""


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
        a batch costs grows with the batch, and the other factors have an M-step some 32 times a pass; elsewhere an
        M-step costs as much as the model has slots.
    warm : bool
        Whether the first pass is one of batch EM, for counts to begin with. Without, those of the first batch are the
        first ones, and what it lacks has probability 0 for the next ones, unless there is a `head_start`: good enough
        for `Dirichlet` factors, which gain a pass.
    head_start : float
        So many counts in each row of a table (`Categorical`, `Dirichlet`), as the first parameters have them, are put
        beside the first ones, as if they were the first batch's; they decay like these. So tables by maximum likelihood
        can do without a warm pass: 10 or so.
    replace : float
        Above 0, batches are remembered: from the second time on that a batch is seen, nothing fades, and its counts
        are replaced: by the new ones, incremental EM after a stepwise pass, for 1, and for up to 2 by what lies beyond,
        ``max(old + replace (new - old), (2 - replace) new)`` (over-relaxation): a lexicon gains most with 1.5 or so.
        Memory holds the counts of all batches, 12 bytes a number; the batches' order is the same in each pass.
    exact : bool
        Score the parameters after each pass, which takes another pass.
    score_last : bool
        Score the last parameters, too.

    References
    ----------
    Liang & Klein (2009), Online EM for unsupervised models; Cappé & Moulines (2009), On-line expectation-maximization
    algorithm for latent data models; Hoffman, Blei & Bach (2010), Online learning for latent Dirichlet allocation. For
    `replace`: Chen, Zhu, Teh & Zhang (2018), Stochastic expectation maximization with variance reduction;
    Salakhutdinov & Roweis (2003), Adaptive overrelaxed bound optimization methods.

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
    replace: float = field(default=0.0, kw_only=True)
    exact: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.5 < self.power <= 1:
            raise self.wrong("power", "a number above 0.5, up to 1")
        if not 1 <= self.offset < np.inf:
            raise self.wrong("offset", "a number from 1")
        if not 0 <= self.head_start < np.inf:
            raise self.wrong("head_start", "a number of counts, from 0")
        if not 0 <= self.replace < 2:
            raise self.wrong("replace", "0 for not, 1 for an exchange, or more, below 2")
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
        n_items, every = sum(map(len, batches)), max(1, len(batches) // M_STEPS)
        for k in range(first, n):
            seen = 0.0
            if self.replace and len(running.seen) == len(batches):
                running.gather(self._share(running.k - 1) * len(batches) / running.scale)
                params = running.maximize(model, params, {})
            for turn, (b, part) in enumerate(self._parts(model, batches, k), start=1):
                size, (part, slots) = sum(map(len, part)), model.narrowed(part)
                counts, loglik = engine.expect(model, running.theta(model, params, slots), part)
                share, weight = self._share(running.k), n_items / size
                if b in running.seen:
                    running.replace(model, b, n_items, self.replace, counts, slots)
                elif len(running.stored):
                    running.blend(model, share, weight, counts, slots)
                else:
                    running.begin(model, params, weight, counts, slots, self.head_start)
                    share = 1.0
                if self.replace and b is not None and not running.whole:
                    running.keep(b, size, share * weight, counts, slots)
                del counts
                if not slots or turn % every == 0 or turn == len(batches):
                    params = running.maximize(model, params, slots)
                seen += loglik
            params = running.end_pass(model, params)
            if not self.exact:
                yield Step(params, seen + model.penalty(params), running)
            elif k + 1 < n:
                yield Step(params, self.score(model, params, batches, engine), running)
        yield self.end(model, params, batches, engine, running)

    def _share(self, k: int) -> float:
        """Return what the k-th batch counts for, from 0, when it is blended in."""
        return (k + self.offset) ** -self.power if k >= 0 else 1.0

    def _parts(self, model: Model, batches: Sequence[Any], done: int) -> Iterator[tuple[int | None, Sequence[Any]]]:
        """Yield what a pass learns from at a time, in order: the number of a batch, and it; or None, and all."""
        if done == 0 and self.warm:
            yield None, batches
            return
        order, seed = np.arange(len(batches)), model.random_state
        if seed is not None:
            order = np.random.default_rng([seed, 0 if self.replace else done]).permutation(order)
        for b in order.tolist():
            yield b, [batches[b]]
