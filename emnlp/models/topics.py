"""What topic models share: documents as mixtures of topics, their proportions, held-out perplexity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.corpus.documents import Documents
from emnlp.corpus.text import Vocabulary
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.inference import topics
from emnlp.inference.matmul import padded
from emnlp.model import Model
from emnlp.models.bags import BagModel, Bags
from emnlp.support import Support

LOWEST = 1e-100
"""What a probability of 0 is to the kernels: unseen text may need it."""


@dataclass(kw_only=True, repr=False)
class TopicModel(BagModel):
    """Documents as mixtures of topics: each token is drawn from one of K distributions over words.

    A subclass says where the proportions of a document come from: `proportions` finds those of new ones.
    """

    n_topics: int = field(kw_only=False)
    word: Factor
    random_state: int | None = 0

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**Model.kinds, "word": (Factor,)}
    kept: ClassVar[tuple[str, ...]] = ("vocabulary_", "names_", "frequencies_")
    named_by: ClassVar[str] = "names_"
    names_: Vocabulary = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.n_topics, int | np.integer) and 1 <= self.n_topics <= 100_000):
            raise InputError(f"{type(self).__name__}({self.n_topics!r}): expected a number of topics, from 1")

    def supports(self, corpus: Documents) -> dict[str, Support]:  # noqa: D102
        self._learn_words(corpus)
        self.names_ = Vocabulary([str(k) for k in range(self.n_topics)])
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        return {"word": self._by_word(self.names_.words)}

    def first(self, corpus: Any, batches: Sequence[Any], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters: topics next to equal, of counts 1 with a deviation of 0.1; the rest constant.

        Topics that differ more keep what they happen to have, and the objective ends lower.
        """
        params = {name: factor.start(None) for name, factor in self.factors_.items()}
        if rng is not None:
            word = self.factors_["word"]
            params["word"] = word.maximize(rng.gamma(100.0, 0.01, len(word.support)), params["word"])
        return Blocks(params)

    def padded(self, rows: Array) -> Array:
        """Return rows of K numbers as the kernels read them: none below `LOWEST`, padded with zeros."""
        rows = rows.reshape(-1, self.n_topics)
        found = np.zeros((len(rows), padded(self.n_topics, np.float64)))
        np.maximum(rows, LOWEST, out=found[:, : self.n_topics])
        return found

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials: a row of K numbers for each document and each word, padded."""
        return Blocks({name: self.padded(table) for name, table in theta.items()})

    def collect(self, counts: Blocks) -> Blocks:  # noqa: D102
        return Blocks({name: table[:, : self.n_topics].ravel() for name, table in counts.items()})

    # The topics of tokens

    def mixed(self, batch: Bags, potentials: Blocks) -> Array:
        """Return the proportions of topics that the E-step gives each document of a batch, (N, P), to scale."""
        raise NotImplementedError

    def shares(self, batch: Bags, potentials: Blocks) -> Array:
        """Return P(topic | token) of the tokens of each entry, (M, K)."""
        joint = self.mixed(batch, potentials)[batch.rows] * potentials["word"][batch.words]
        joint = joint[:, : self.n_topics]
        return joint / joint.sum(axis=1, keepdims=True)

    def posterior(self, batch: Bags, potentials: Blocks) -> Iterator[Array]:
        """Yield P(topic | token) for each document, a row for each of its different words, (m, K)."""
        return iter(np.split(self.shares(batch, potentials), batch.starts[1:-1]))

    def decode(self, batch: Bags, potentials: Blocks) -> Array:
        """Return how many tokens of each entry have which topic, (M, K): all of them the most probable one."""
        best = np.zeros((len(batch.words), self.n_topics))
        best[np.arange(len(best)), self.shares(batch, potentials).argmax(axis=1)] = batch.times
        return best

    def count(self, batch: Bags, latent: Array, counts: Blocks) -> None:
        """Add the counts of `latent`, (M, K): how many tokens of each entry have which topic."""
        scaled = latent * batch.weights[batch.rows, None]
        np.add.at(counts["word"].reshape(-1, self.n_topics), batch.words, scaled)
        if "topic" in counts:
            np.add.at(counts["topic"].reshape(-1, self.n_topics), batch.items[batch.rows], scaled)

    # What users call

    def proportions(self, corpus: Documents) -> Array:
        """Return the proportions of topics of documents of known words, (N, K)."""
        raise NotImplementedError

    def held_out(self, corpus: Documents) -> float:
        """Return the log-likelihood, or its bound, of documents of known words, in nats."""
        raise NotImplementedError

    def word_probabilities(self) -> Array:  # noqa: D102
        return self.probabilities()["word"].reshape(-1, self.n_topics).T

    @property
    def topics_(self) -> Array:
        """P(word | topic), (K, V), words as in `vocabulary_`."""
        return self.word_probabilities()

    def known(self, corpus: Any) -> Documents:
        """Return documents without the words that training lacks."""
        self.check_fitted()
        return self.corpus(corpus, fitted=True).within(self.vocabulary_)

    def unseen_tokens(self, corpus: Any) -> float:
        """Return how many tokens of documents are words that training lacks: every other method leaves them out."""
        corpus = self.corpus(corpus, fitted=True)
        return float(corpus.counts.sum() - self.known(corpus).counts.sum())

    def transform(self, corpus: Any) -> Array:
        """Return the proportions of topics of each document, (N, K); without a known word, those of the prior."""
        return self.proportions(self.known(corpus))

    def predict_proba(self, corpus: Any) -> Array:
        """Return the proportions of topics of each document, (N, K)."""
        return self.transform(corpus)

    def predict(self, corpus: Any) -> NDArray[np.int64]:
        """Return the topic that has most of each document, (N,)."""
        return self.transform(corpus).argmax(axis=1)

    def score(self, corpus: Any) -> float:
        """Return the mean log-likelihood of a document, in nats; see `perplexity` for what it is of new ones."""
        corpus = self.known(corpus)
        self._tokens(corpus)
        return self.held_out(corpus) / len(corpus)

    def perplexity(self, corpus: Any) -> float:
        """Return exp of the mean surprise, in nats, of a known word of documents whose proportions are fitted to them.

        It tells models of a kind apart; `completion_perplexity` says how well the words that follow are told.

        Raises
        ------
        InputError
            If no word of the documents is known.
        """
        corpus = self.known(corpus)
        return float(np.exp(min(-self.held_out(corpus) / self._tokens(corpus), 700.0)))

    def completion_perplexity(self, corpus: Any) -> float:
        """Return exp of the mean surprise of a known word in one half of documents, given the other half.

        Every other token, by the order of the vocabulary, tells the proportions of its document, from which the rest is
        drawn: the probability of a word is ``sum over k of proportion[k] * topics_[k, w]``.

        Raises
        ------
        InputError
            If no word is left in the second half.
        """
        corpus = self.known(corpus)
        self._tokens(corpus)
        seen, rest = halves(corpus)
        if not len(rest.ids):
            raise InputError(
                f"{seen.name}: no document of it has two tokens of known words, to tell one from the other"
            )
        tokens, potentials = self._tokens(rest), self.prepare(Blocks({"word": self.probabilities()["word"]}))
        rows = self.padded(self.proportions(seen))

        def loglik(batch: Bags) -> float:
            here = rows[batch.items]
            arguments = (*batch.arrays, batch.weights, here, potentials["word"], np.empty_like(here), np.empty((0, 0)))
            return float(topics.expect(*arguments).sum())

        return float(np.exp(-sum(engine(self.n_jobs).map(loglik, self.index(rest))) / tokens))

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        self._recall(arrays, prefix)
        if len(self.names_) != self.n_topics:
            raise ValueError("names_")


def halves(corpus: Documents) -> tuple[Documents, Documents]:
    """Return the tokens of each document at even places, in the order of the vocabulary, and the others.

    Examples
    --------
    >>> even, odd = halves(Documents.from_tokens([["a", "a", "a", "b", "c"], ["c"]]))
    >>> [even[k] for k in range(2)], [odd[k] for k in range(2)]
    ([{'a': 2.0, 'c': 1.0}, {'c': 1.0}], [{'a': 1.0, 'b': 1.0}, {}])
    """
    ends = np.cumsum(corpus.counts)
    before = np.concatenate([[0.0], ends])[corpus.starts[:-1]]  # the tokens of earlier documents
    ends = ends - before[corpus.rows]
    even = np.clip(np.ceil(ends / 2) - np.ceil((ends - corpus.counts) / 2), 0, corpus.counts)
    return _having(corpus, even), _having(corpus, corpus.counts - even)


def _having(corpus: Documents, counts: Array) -> Documents:
    used = counts > 0
    starts = np.searchsorted(corpus.rows[used], np.arange(len(corpus) + 1)).astype(np.int64)
    return replace(corpus, starts=starts, ids=corpus.ids[used], counts=counts[used])
