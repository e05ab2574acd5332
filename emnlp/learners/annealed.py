"""Deterministic annealing: an E-step that is vague at first, and sharper step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

from emnlp.blocks import Blocks
from emnlp.learners.em import Alternating

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.model import Model


@dataclass(frozen=True)
class AnnealedEM(Alternating):
    """EM whose first E-steps are flattened, to depend less on the start; guarantees nothing until the schedule ends.

    ``by="power"``: the E-step of step k reads ``P(x, z) ** beta``, with ``beta = start * growth ** (k // every)``. The
    objective is the free energy ``log(sum over z of P(x, z) ** beta) / beta``, plus the penalty: while beta stays the
    same it never falls. ``by="length"``, for mixtures of documents: a document counts for at most b words,
    ``P(z | x) ~ P(z) * P(x | z) ** min(1, b / length)``, with ``b = start * growth ** (k // every)``; the objective is
    the log-likelihood of what counts.

    When beta reaches 1, or b `until`, it goes on as plain EM: ``max_iter`` should be above the number of steps until
    then, `n_steps`. The last parameters are scored plainly in any case, and `tol` stops nothing before. Not for models
    whose start says what the components are, or that start uniform: annealing forgets the first, and a symmetric start
    stays symmetric at any beta.

    Parameters
    ----------
    steps : int, optional
        As for every `Learner`.
    start : float, optional
        The first beta, 0.1 by default; or b, 5 by default.
    growth : float
        Above 1.
    every : int
        How many M-steps there are at each beta, or b.
    by : {"power", "length"}
    until : float
        The b that counts as no limit.
    score_last : bool
        Score the last parameters, too, which takes another pass over the corpus.

    References
    ----------
    Ueda & Nakano (1998), Deterministic annealing EM algorithm; Smith & Eisner (2004), Annealing techniques for
    unsupervised statistical language learning.

    Examples
    --------
    >>> AnnealedEM(start=0.25, growth=2, every=3).n_steps
    6
    >>> from emnlp import HMM
    >>> text = [s.split() for s in ["the dog sleeps", "a cat sleeps", "the cat sees a dog", "a dog sees the cat"]]
    >>> model = HMM(3, learner=AnnealedEM(), max_iter=60).fit(text)
    >>> len(model.trace_)
    61
    """

    steps: int | None = None
    start: float | None = None
    growth: float = 1.5
    every: int = 3
    by: Literal["power", "length"] = "power"
    until: float = 2000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by not in ("power", "length"):
            raise self.wrong("by", "'power' or 'length'")
        if self.start is not None and not 0 < self.start <= self.top:
            raise self.wrong("start", f"a number above 0, up to {self.top}")
        if not 1 < self.growth < math.inf:
            raise self.wrong("growth", "a number above 1")
        if not (isinstance(self.every, Integral) and self.every >= 1):
            raise self.wrong("every", "a number of M-steps, from 1")
        if not 0 < self.until < math.inf:
            raise self.wrong("until", "a number of words")

    @property
    def top(self) -> float:
        """Where the schedule ends."""
        return 1.0 if self.by == "power" else float(self.until)

    @property
    def _first(self) -> float:
        return {"power": 0.1, "length": 5.0}[self.by] if self.start is None else float(self.start)

    @property
    def _n_levels(self) -> int:
        """How many levels there are below the top."""
        return max(0, math.ceil(math.log(self.top / self._first) / math.log(self.growth) - 1e-9))

    @property
    def n_steps(self) -> int:
        """How many M-steps there are before those of plain EM."""
        return self.every * self._n_levels

    def level(self, done: int) -> float:
        """Return beta, or b, after so many M-steps."""
        return self.top if done >= self.n_steps else self._first * self.growth ** (done // self.every)

    def settled(self, done: int) -> bool:  # noqa: D102
        return done > self.n_steps

    def e_step(  # noqa: D102
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int
    ) -> tuple[Blocks, float]:
        level = self.level(done)
        counts, loglik = engine.expect(model, self._flattened(model, model.theta(params), level), batches)
        scale = 1 / level if self.by == "power" else 1.0
        return counts, scale * loglik + model.penalty(params)

    def _flattened(self, model: Model, theta: Blocks, level: float) -> Blocks:
        """Return what the E-step reads at a beta, or b."""
        if level >= self.top:
            return theta
        return model.tempered(theta, level) if self.by == "power" else model.shortened(theta, level)
