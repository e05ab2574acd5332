"""Two directed aligners that are trained to agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.errors import InputError
from emnlp.factors.base import Guarantee
from emnlp.inference.mixture import count_words
from emnlp.inference.symmetric import climb, tilts
from emnlp.models.aligner import Aligner
from emnlp.models.batches import TwoWay, most_probable
from emnlp.models.directed import NO_TILT, DirectedAligner
from emnlp.models.hmm_aligner import HMMAligner

Duals = NDArray[np.float32] | None
Cells = tuple[dict[str, Array], dict[str, Array], float]


@dataclass(kw_only=True, repr=False)
class Agreement(Aligner):
    """Two directed aligners, trained together: a word pair counts as far as both directions believe in it.

    The E-step multiplies the two posteriors, link by link: that product is what both lexicons count (Liang, Taskar &
    Klein 2006); what a direction has of its own, its jumps and NULL, it counts by its own posterior.

    With `rounds`, the posteriors are made symmetric besides (posterior regularisation; Ganchev, Graca & Taskar 2008):
    emissions are multiplied by exp(-lambda[i, j]) forward and exp(lambda[i, j]) reverse, and lambda is raised by `step`
    times the forward less the reverse posterior, sentence by sentence. In training, every E-step takes one such step,
    from where the one before ended: the duals, lambda, live with the batch, and an E-step costs no more than without
    them. Links are read off after `rounds` steps from 0, on any text alike.

    Neither is coordinate ascent on a likelihood. The objective, the sum of both directions' log-likelihoods under the
    duals (that is, less the divergence from symmetric posteriors), may fall.

    Parameters
    ----------
    forward, reverse : DirectedAligner
    rounds : int
        Of regularisation, to align; 0 for none, in training neither.
    step : float
        By how much the difference of the posteriors raises lambda.
    symmetrize, threshold, max_iter
        As for `Aligner`; ``product-grow`` by default.

    References
    ----------
    Liang, Taskar & Klein (2006), Alignment by agreement; Ganchev, Graca, Gillenwater & Taskar (2010), Posterior
    regularization for structured latent variable models.

    Examples
    --------
    >>> from emnlp import Bitext
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
    >>> start = Aligner().fit(bitext)
    >>> Agreement().fit(bitext, start=start).align(["a", "house"], ["ein", "haus"])
    [(0, 0), (1, 1)]
    """

    forward: DirectedAligner | None = field(default_factory=HMMAligner)
    reverse: DirectedAligner | None = field(default_factory=HMMAligner)
    symmetrize: str = "product-grow"
    threshold: float = 0.5
    rounds: int = 1
    step: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.directions) < 2:
            raise InputError("Agreement: it takes two directions to agree; for one, use Aligner")
        if self.rounds < 0:
            raise InputError(f"rounds is {self.rounds}; it counts rounds of regularisation, from 0")
        if not self.step > 0:
            raise InputError(f"step is {self.step}; it has to be above 0; for no regularisation, set rounds to 0")

    counts_climb: ClassVar[bool] = False
    keeps_local: ClassVar[bool] = True  # duals

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """Counts by a product of posteriors climb no likelihood."""
        return "none"

    def both(self, batch: TwoWay, potentials: Blocks, duals: Duals, counts: Blocks | None = None) -> Cells:
        """Return each direction's P(link) by cell, P(NULL) by token, and the log-likelihood, all under the duals.

        Counts of all but the shared lexicon are added to `counts`, if given.
        """
        cells, nulls, loglik = {}, {}, 0.0
        for (name, model), tilt in zip(self.directions.items(), _tilts(duals)):
            part = None if counts is None else counts.part(name)
            found = model.posterior_cells(getattr(batch, name), potentials.part(name), tilt, part)
            cells[name], nulls[name], loglik = found[0], found[1], loglik + float(found[2].sum())
        return cells, nulls, loglik

    def expect(self, batch: TwoWay, potentials: Blocks, counts: Blocks) -> float:
        """Count each word pair by the product of the posteriors; the reverse lexicon gets it in `collect`."""
        duals = batch.local.get("duals")
        cells, _, loglik = self.both(batch, potentials, duals, counts)
        if self.rounds > 0:
            duals = np.zeros(batch.any.n_cells, np.float32) if duals is None else duals
            climb(self.step, cells["forward"], cells["reverse"], duals)
            batch.local["duals"] = duals
        assert batch.forward
        assert self.forward
        words = self.forward.tables(counts.part("forward"))[1]
        count_words(batch.forward.cell_slots, cells["forward"] * cells["reverse"], words)
        return loglik

    def likelihood(self, batch: TwoWay, potentials: Blocks) -> float:  # noqa: D102
        each = zip(self.directions.items(), _tilts(batch.local.get("duals")))
        ways = (model.logliks(getattr(batch, name), potentials.part(name), tilt) for (name, model), tilt in each)
        return float(sum(logliks.sum() for logliks in ways))

    def symmetric(self, batch: TwoWay, potentials: Blocks) -> Cells:
        """Return what `both` does, after all rounds of regularisation: the posteriors that links are read off."""
        duals = None
        for _ in range(self.rounds):
            cells, _, _ = self.both(batch, potentials, duals)
            duals = np.zeros(batch.any.n_cells, np.float32) if duals is None else duals
            climb(self.step, cells["forward"], cells["reverse"], duals)
        return self.both(batch, potentials, duals)

    def collect(self, counts: Blocks) -> Blocks:  # noqa: D102
        one, other = (model.tables(counts.part(name))[1] for name, model in self.directions.items())
        other[:] = one
        return super().collect(counts)

    def posterior_cells(  # noqa: D102
        self, batch: TwoWay, potentials: Blocks
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        return self.symmetric(batch, potentials)[:2]

    def best(self, batch: TwoWay, potentials: Blocks) -> dict[str, Any]:
        """Return each target token's most probable component in each direction, by the regularised posteriors."""
        cells, nulls, _ = self.symmetric(batch, potentials)
        best = {}
        for name in self.directions:
            way = getattr(batch, name)
            best[name] = most_probable(way, cells[name], nulls[name])
        return best


def _tilts(duals: Duals) -> tuple[Array, Array]:
    if duals is None:
        return NO_TILT, NO_TILT
    forward, reverse = np.empty(len(duals)), np.empty(len(duals))
    tilts(duals, forward, reverse)
    return forward, reverse
