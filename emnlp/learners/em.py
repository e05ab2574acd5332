"""Expectation maximisation (Dempster, Laird & Rubin 1977)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emnlp.blocks import Blocks
from emnlp.learners.base import Scoring, Step, rounds

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


@dataclass(frozen=True)
class Alternating(Scoring):
    """E-step, M-step, E-step, M-step, each over the whole corpus: the loop. A subclass says what its E-step is."""

    def e_step(
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int
    ) -> tuple[Blocks, float]:
        """Return the counts after so many M-steps, and the objective of the parameters that they were made with."""
        raise NotImplementedError

    def renew(self, model: Model, params: Blocks, counts: Blocks, done: int) -> None:
        """Renew what stays fixed within a round of M-steps; nothing, by default."""

    def iterate(  # noqa: D102
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        counts: Blocks | None = state
        for k in range(done, self.limit(model.max_iter)):
            if counts is None:
                counts, objective = self.e_step(model, params, batches, engine, k)
                yield Step(params, objective, counts)
            self.renew(model, params, counts, k)
            params = model.maximize(counts, params)
            counts = state = None  # on a large lexicon, not to live through the next E-step
        yield self.end(model, params, batches, engine)


@dataclass(frozen=True)
class EM(Alternating):
    """Batch EM: the objective never falls. Not for corpora of which a part already tells most: there, go online.

    Parameters
    ----------
    steps : int, optional
        As for every `Learner`.
    score_last : bool
        Score the last parameters, too, which takes another pass over the corpus; otherwise the trace is one shorter.
    refresh_at : tuple of int
        After so many M-steps the factors are refreshed: a new round of a regulariser begins. The objective may fall.
    """

    steps: int | None = None
    refresh_at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "refresh_at", rounds(self, self.refresh_at))

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """The objective of one round never falls."""
        return "none" if self.refresh_at else "monotone"

    def settled(self, done: int) -> bool:  # noqa: D102
        return done > 1 + max(self.refresh_at, default=-1)

    def e_step(  # noqa: D102
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int
    ) -> tuple[Blocks, float]:
        counts, loglik = engine.expect(model, model.theta(params), batches)
        return counts, loglik + model.penalty(params)

    def renew(self, model: Model, params: Blocks, counts: Blocks, done: int) -> None:  # noqa: D102
        if done in self.refresh_at:
            model.refresh(counts, params)
