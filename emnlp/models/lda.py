"""Latent Dirichlet allocation by mean-field variational Bayes, in batch or online."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emnlp.blocks import Array, Blocks
from emnlp.corpus.documents import Documents
from emnlp.corpus.text import Vocabulary
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Dirichlet, Factor
from emnlp.factors.base import Guarantee
from emnlp.inference import topics
from emnlp.models.bags import Bags
from emnlp.models.topics import TopicModel

NO_COUNTS = np.empty((0, 0))


@dataclass(kw_only=True, repr=False)
class LDA(TopicModel):
    """Latent Dirichlet allocation: each document mixes K topics in proportions drawn from one Dirichlet distribution.

    Story of a document: draw its proportions from Dirichlet(alpha); then, for each token, its topic from them, and from
    the topic the word.

    ======  =========  =======  ==============
    factor  condition  outcome  default
    ======  =========  =======  ==============
    word    topic      word     Dirichlet(0.1)
    ======  =========  =======  ==============

    The proportions of a document are no parameters: their posterior, Dirichlet(gamma), is found within the E-step, by
    steps in turn with that of its tokens' topics, until gamma changes by less than `inner_tol` on average. The
    objective is the variational bound, ``sum over d of (sum over w of n(d, w) log z - KL(gamma || alpha))`` less the
    divergence of the topics. LDA is `PLSA` with Dirichlet factors: with ``inner_iter=1, fresh=0`` both are the same
    coordinate ascent. Other factors of words are as good: `Categorical` is the model of Blei, Ng & Jordan without
    smoothing.

    With ``learner=StepwiseEM(batch_size=256, ...)`` it is learned online (Hoffman, Blei & Bach 2010).

    Parameters
    ----------
    n_topics : int
    alpha : float or None
        The concentration of each topic in the prior of proportions; None is ``1 / n_topics``.
    word : Factor
    fresh : int
        In so many first passes, each document starts from equal proportions; then from where the last pass left it, so
        that the bound never falls and steps are saved. From the very first pass (0) this ends in poor optima: documents
        keep to the topics that they had when these were noise.
    inner_iter : int
        Steps for a document in a pass, at most.
    inner_tol : float
        The mean absolute change of gamma, in tokens, at which a document is done.
    random_state : int or None
        Seed of the first topics; None makes them equal, which only `start` can change.

    Attributes
    ----------
    vocabulary_ : Vocabulary
    topics_ : (K, V)
        P(word | topic), the posterior mean.

    References
    ----------
    Blei, Ng & Jordan (2003), "Latent Dirichlet Allocation", JMLR 3; Hoffman, Blei & Bach (2010), "Online Learning for
    Latent Dirichlet Allocation", NIPS.

    Examples
    --------
    >>> texts = ["goal match goal", "match goal team", "vote law vote", "law vote party", "team match"]
    >>> model = LDA(2, random_state=1).fit([text.split() for text in texts])
    >>> model.transform([["goal", "team", "match"], ["zebra"]]).max(axis=1).round(2)
    array([0.87, 0.5 ])
    """

    alpha: float | None = None
    word: Factor = field(default_factory=lambda: Dirichlet(0.1))
    fresh: int = 10
    inner_iter: int = 100
    inner_tol: float = 1e-3

    counts_climb: ClassVar[bool] = False  # the posterior is not exact
    keeps_local: ClassVar[bool] = True  # the proportions of documents

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha is not None and not 1e-10 <= self.alpha <= 1e10:
            raise InputError(f"alpha is {self.alpha}; it has to be above 0, from 1e-10 to 1e10; None is 1 / n_topics")
        if self.inner_iter < 1 or self.fresh < 0 or not self.inner_tol >= 0:
            given = f"inner_iter={self.inner_iter}, inner_tol={self.inner_tol}, fresh={self.fresh}"
            raise InputError(f"LDA({given}): a document takes 1 step at least, and nothing here is negative")

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """Where a document starts anew, it may end lower than the pass before."""
        return "none" if self.fresh else "monotone"

    @property
    def prior(self) -> Array:
        """Alpha, (K,)."""
        return np.full(self.n_topics, 1 / self.n_topics if self.alpha is None else self.alpha)

    def _climbed(self, batch: Bags, potentials: Blocks, word_counts: Array = NO_COUNTS) -> tuple[Array, Array]:
        """Return gamma after the steps of a pass, (N, K), and the bound of each document, (N,)."""
        if batch.local.get("passes", 0) < max(self.fresh, 1):
            gammas = np.ones((len(batch), self.n_topics))
        else:
            gammas = batch.local["gammas"].copy()
        steps = self.prior, potentials["word"], self.inner_iter, self.inner_tol
        bounds = topics.expect_local(*batch.arrays, batch.weights, *steps, gammas, word_counts)
        return gammas, bounds

    def expect(self, batch: Bags, potentials: Blocks, counts: Blocks) -> float:
        """Add the expected counts of words; return the documents' part of the bound."""
        gammas, bounds = self._climbed(batch, potentials, counts["word"])
        batch.local.update(gammas=gammas, passes=batch.local.get("passes", 0) + 1)
        return float(bounds.sum())

    def likelihood(self, batch: Bags, potentials: Blocks) -> float:
        """Return the documents' part of the bound."""
        return float(self._climbed(batch, potentials)[1].sum())

    def mixed(self, batch: Bags, potentials: Blocks) -> Array:  # noqa: D102
        from scipy.special import digamma

        gammas, _ = self._climbed(batch, potentials)
        return self.padded(np.exp(digamma(gammas)))

    # What users call

    def proportions(self, corpus: Documents) -> Array:
        """Return the posterior mean of the proportions of each document, (N, K)."""
        potentials = self.potentials()
        found = engine(self.n_jobs).map(lambda batch: self._climbed(batch, potentials)[0], self.index(corpus))
        gammas = np.concatenate([np.empty((0, self.n_topics)), *found])
        return gammas / gammas.sum(axis=1, keepdims=True)

    def held_out(self, corpus: Documents) -> float:
        """Return the bound of documents, in nats, under the posterior mean of the topics."""
        return engine(self.n_jobs).likelihood(self, self.probabilities(), self.index(corpus))

    def evidence_bound(self, corpus: Any) -> float:
        """Return the variational bound of log P(documents, topics), in nats: of training text, the objective.

        As scikit-learn and gensim have it: the documents' part is under ``exp E[log topics]``, and the divergence of
        the topics from their prior is taken off, once for these documents; their perplexity is
        ``exp(-bound / tokens)``.
        """
        batches = self.index(self.known(corpus))
        return engine(self.n_jobs).likelihood(self, self.theta(self.params_), batches) + self.penalty(self.params_)

    def sample(self, n: int = 1, length: int = 100, seed: int = 0) -> Documents:
        """Draw documents of so many tokens from the model, with the posterior mean of the topics."""
        rng, table = np.random.default_rng(seed), self.topics_
        counts = [rng.multinomial(length, rng.dirichlet(self.prior) @ table) for _ in range(n)]
        drawn = Documents.from_matrix(np.reshape(counts, (n, table.shape[1])), name="<sample>")
        return Documents(
            Vocabulary(self.vocabulary_.words), drawn.starts, drawn.ids, drawn.counts, drawn.classes, drawn.labels,
            name=drawn.name,
        )  # fmt: skip
