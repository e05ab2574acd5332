"""Hard EM, or Viterbi training: only the best latent structures count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from emnlp.blocks import Blocks
from emnlp.learners.base import Step, check_climbs
from emnlp.learners.em import Alternating

if TYPE_CHECKING:
    from emnlp.engines import Engine
    from emnlp.factors.base import Guarantee
    from emnlp.model import Model


@dataclass(frozen=True)
class HardEM(Alternating):
    """Hard EM: ``log max over z of P(x, z | theta)``, penalised, never falls. Not from a uniform start, which ties.

    The E-step takes the best z of each item in place of all of them by their posteriors, so that the counts are whole
    numbers, and tables become sparse at once: what has no count is at the floor that kernels have in place of 0. Where
    many z are equally good, which one is taken is an accident; give it the parameters that some steps of EM have found,
    as in ``learner=[EM(3), HardEM()]``. It ends after few steps, often at worse parameters than EM's.

    Parameters
    ----------
    steps : int, optional
        As for every `Learner`.
    score_last : bool
        Score the last parameters, too, which takes another pass over the corpus.

    Raises
    ------
    InputError
        If the counts of a model are not those of one latent structure, as of an `Agreement`.

    References
    ----------
    Juang & Rabiner (1990), The segmental k-means algorithm for estimating parameters of hidden Markov models;
    Spitkovsky, Alshawi, Jurafsky & Manning (2010), Viterbi training improves unsupervised dependency parsing.

    Examples
    --------
    >>> from emnlp import EM, IBM1
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> pairs = [(s.split(), t.split()) for s, t in pairs]
    >>> model = IBM1(learner=[EM(3), HardEM()]).fit(pairs)
    >>> model.translations("book", n=1)
    [('buch', 1.0)]
    """

    guarantee: ClassVar[Guarantee] = "monotone"

    steps: int | None = None

    def iterate(  # noqa: D102
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int = 0, state: Any = None
    ) -> Iterator[Step]:
        check_climbs(self, model)
        return super().iterate(model, params, batches, engine, done, state)

    def e_step(
        self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine, done: int
    ) -> tuple[Blocks, float]:
        """Return the counts of the best latent structures, and their penalised log-probability."""
        counts = engine.count(model, model.theta(params), batches)
        return counts, model.expected_log_likelihood(counts, params) + model.penalty(params)

    def score(self, model: Model, params: Blocks, batches: Sequence[Any], engine: Engine) -> float:  # noqa: D102
        return self.e_step(model, params, batches, engine, 0)[1]
