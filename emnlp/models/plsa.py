"""Probabilistic latent semantic analysis: topics of documents, each with proportions of its own."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from emnlp.blocks import Array, Blocks
from emnlp.corpus.documents import Documents
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Categorical, Factor
from emnlp.fitting import run
from emnlp.inference import topics
from emnlp.learners import EM, Trace
from emnlp.models.bags import Bags
from emnlp.models.topics import TopicModel
from emnlp.support import Support


@dataclass(frozen=True)
class Given(Factor):
    """A table that stays as it is: the parameters are theta itself, and no M-step changes them."""

    def start(self, rng: np.random.Generator | None = None) -> Array:  # noqa: D102
        return self.support.spread(1 / self.support.space)

    def theta(self, params: Array) -> Array:  # noqa: D102
        return params

    def maximize(self, counts: Array, params: Array) -> Array:  # noqa: D102
        return params


@dataclass(kw_only=True, repr=False)
class PLSA(TopicModel):
    """Probabilistic latent semantic analysis: each document mixes K topics in proportions of its own.

    Story of a token of document d: draw its topic from the proportions of d; then, from the topic, the word.

    ======  =========  =======  =============
    factor  condition  outcome  default
    ======  =========  =======  =============
    topic   document   topic    Categorical()
    word    topic      word     Categorical()
    ======  =========  =======  =============

    So ``log P(corpus) = sum over entries of n(d, w) * log sum over z of topic[d, z] * word[z, w]``. With two
    `Dirichlet` factors this is mean-field variational Bayes, and the objective is the bound of `LDA`, which differs in
    that its documents have no parameters. A document's weight multiplies its counts.

    A new document is folded in: its row of `topic` is found by `fold_iter` steps of EM with the words fixed, from equal
    proportions; so its log-likelihood is that of proportions fitted to the very words that they explain.

    Parameters
    ----------
    n_topics : int
    topic, word : Factor
    fold_iter : int
        Steps of EM for the proportions of new documents.
    random_state : int or None
        Seed of the first topics; None makes them equal, which only `start` can change.

    Attributes
    ----------
    vocabulary_ : Vocabulary
    topics_ : (K, V)
        P(word | topic).
    proportions_ : (N, K)
        P(topic | document) of the training documents.

    References
    ----------
    Hofmann (1999), "Probabilistic Latent Semantic Indexing", SIGIR.

    Examples
    --------
    >>> texts = ["goal match goal", "match goal team", "vote law vote", "law vote party", "team match"]
    >>> model = PLSA(2).fit([text.split() for text in texts])
    >>> model.predict([["goal", "team"], ["vote", "zebra"]]) == model.predict([["match"], ["law"]])
    array([ True,  True])
    """

    topic: Factor = field(default_factory=Categorical)
    word: Factor = field(default_factory=Categorical)
    fold_iter: int = 50

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**TopicModel.kinds, "topic": (Factor,)}
    kept: ClassVar[tuple[str, ...]] = (*TopicModel.kept, "n_documents_")
    n_documents_: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fold_iter < 1:
            raise InputError(f"fold_iter is {self.fold_iter}; a new document takes 1 step of EM at least")

    def supports(self, corpus: Documents) -> dict[str, Support]:  # noqa: D102
        self.n_documents_ = len(corpus)
        return super().supports(corpus)

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        return {"topic": Support.dense(self.n_documents_, self.n_topics), **super().rebuilt()}

    def expect(self, batch: Bags, potentials: Blocks, counts: Blocks) -> float:
        """Add the expected counts of a batch: by document and topic, and by word and topic."""
        here = slice(batch.items[0], batch.items[-1] + 1)
        tables = potentials["topic"][here], potentials["word"], counts["topic"][here], counts["word"]
        return float(topics.expect(*batch.arrays, batch.weights, *tables).sum())

    def likelihood(self, batch: Bags, potentials: Blocks) -> float:  # noqa: D102
        rows = self.mixed(batch, potentials)
        arguments = (*batch.arrays, batch.weights, rows, potentials["word"], np.empty_like(rows), np.empty((0, 0)))
        return float(topics.expect(*arguments).sum())

    def mixed(self, batch: Bags, potentials: Blocks) -> Array:  # noqa: D102
        return potentials["topic"][batch.items]

    # New documents

    def folded(self, corpus: Documents) -> PLSA:
        """Return the model of other documents, of known words: their proportions, and this model's words."""
        other = copy(self)
        other.learner, other.max_iter, other.tol, other.verbose = EM(score_last=False), self.fold_iter, 0.0, 0
        other.n_documents_ = len(corpus)
        topic = self.topic.bind(Support.dense(len(corpus), self.n_topics))
        other._hold({"topic": topic, "word": Given().bind(self.factors_["word"].support)})
        words = self.factors_["word"].theta(self.params_["word"])
        other.trace_ = Trace(n_items=len(corpus))
        other._share(run(other, Blocks({"topic": topic.start(None), "word": words}), other.index(corpus)))
        return other

    def proportions(self, corpus: Documents) -> Array:  # noqa: D102
        return self.folded(corpus).proportions_ if len(corpus) else np.empty((0, self.n_topics))

    @property
    def proportions_(self) -> Array:
        """P(topic | document) of the training documents, (N, K)."""
        self.check_fitted()
        table: Array = self.factors_["topic"].probabilities(self.params_["topic"])
        return table.reshape(-1, self.n_topics)

    def held_out(self, corpus: Documents) -> float:  # noqa: D102
        theta = Blocks({"topic": self.proportions(corpus).ravel(), "word": self.probabilities()["word"]})
        return engine(self.n_jobs).likelihood(self, theta, self.index(corpus))

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        super().recall(arrays, prefix)
        self.n_documents_ = int(arrays[f"kept/{prefix}n_documents_"][0])
        if self.n_documents_ < 1:
            raise ValueError("n_documents_")
