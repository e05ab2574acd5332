"""Two directed aligners that are trained to agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emnlp.blocks import Array, Blocks
from emnlp.errors import InputError
from emnlp.factors.base import Guarantee
from emnlp.inference.mixture import count_words
from emnlp.inference.symmetric import tilt
from emnlp.models.aligner import Aligner
from emnlp.models.batches import TwoWay
from emnlp.models.directed import NO_TILT, DirectedAligner
from emnlp.models.hmm_aligner import HMMAligner

Cells = tuple[dict[str, Array], dict[str, Array], float]


@dataclass(kw_only=True, repr=False)
class Agreement(Aligner):
    """Two directed aligners, trained together: a word pair counts as far as both directions believe in it.

    The E-step multiplies the two posteriors, link by link: that product is what both lexicons count (Liang, Taskar &
    Klein 2006); what a direction has of its own, its jumps and NULL, it counts by its own posterior. With `rounds`, the
    posteriors are first made symmetric, sentence by sentence (posterior regularisation; Ganchev, Graca & Taskar 2008):
    lambda[i, j] is raised by the forward less the reverse posterior, and both chains are run anew with their emissions
    times exp(-lambda) and exp(lambda). Decoding uses the same posteriors.

    Neither is coordinate ascent on a likelihood: the objective, the sum of both log-likelihoods, may fall.

    Parameters
    ----------
    forward, reverse : DirectedAligner
    rounds : int
        Of posterior regularisation; 0 for none.
    least : float
        From one round to the next, links whose posterior is not above this are dropped.
    symmetrize, threshold, max_iter
        As for `Aligner`; ``product`` by default.

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

    guarantee: ClassVar[Guarantee] = "none"

    forward: DirectedAligner | None = field(default_factory=HMMAligner)
    reverse: DirectedAligner | None = field(default_factory=HMMAligner)
    symmetrize: str = "product"
    threshold: float = 0.4
    rounds: int = 2
    least: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.directions) < 2:
            raise InputError("Agreement: it takes two directions to agree; for one, use Aligner")
        if self.rounds < 0:
            raise InputError(f"rounds is {self.rounds}; it counts rounds of regularisation, from 0")

    def both(self, batch: TwoWay, potentials: Blocks, counts: Blocks | None = None) -> Cells:
        """Return each direction's P(link) by cell and P(NULL) by token, regularised, and the log-likelihood, plain.

        Counts of all but the shared lexicon are added to `counts`, if given.
        """
        gap, tilts, logliks = np.zeros(batch.any.n_cells), {"forward": NO_TILT, "reverse": NO_TILT}, []
        for last in (*[False] * self.rounds, True):
            cells, nulls = {}, {}
            for name, model in self.directions.items():
                part = None if counts is None or not last else counts.part(name)
                cells[name], nulls[name], loglik = model.posterior_cells(
                    getattr(batch, name), potentials.part(name), tilts[name], part
                )
                logliks.append(loglik.sum())
            if not last:
                tilts = {name: np.empty_like(gap) for name in tilts}
                tilt(cells["forward"], cells["reverse"], self.least, gap, tilts["forward"], tilts["reverse"])
        return cells, nulls, float(logliks[0] + logliks[1])

    def expect(self, batch: TwoWay, potentials: Blocks, counts: Blocks) -> float:
        """Count each word pair by the product of the posteriors; the reverse lexicon gets it in `collect`."""
        cells, _, loglik = self.both(batch, potentials, counts)
        assert batch.forward
        assert self.forward
        words = self.forward.tables(counts.part("forward"))[1]
        count_words(batch.forward.cell_slots, cells["forward"] * cells["reverse"], words)
        return loglik

    def collect(self, counts: Blocks) -> Blocks:  # noqa: D102
        one, other = (model.tables(counts.part(name))[1] for name, model in self.directions.items())
        other[:] = one
        return super().collect(counts)

    def posterior_cells(self, batch: TwoWay, potentials: Blocks) -> tuple[Array, dict[str, Array]]:  # noqa: D102
        cells, nulls, _ = self.both(batch, potentials)
        return self.combined(cells), nulls

    def best(self, batch: TwoWay, potentials: Blocks) -> dict[str, Any]:
        """Return each target token's most probable component in each direction, by the regularised posteriors."""
        cells, nulls, _ = self.both(batch, potentials)
        best = {}
        for name in self.directions:
            way = getattr(batch, name)
            columns = [posterior.argmax(0) for posterior in way.by_pair(cells[name], nulls[name])]
            best[name] = np.concatenate(columns).astype(np.int32)
        return best
