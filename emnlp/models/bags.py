"""What models of documents share: words, batches of documents, top words, perplexity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.documents import Documents
from emnlp.corpus.text import Text, Vocabulary
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.model import Model
from emnlp.support import Support

SIZE = 256
"""Documents of a batch."""


@dataclass(frozen=True, eq=False)
class Bags:
    """A batch of documents: `words`, (M,), and how often, `times`, (M,), are those of document d from ``starts[d]``.

    `labels`, `weights` and `items`, (N,), are the component of each document, -1 if it is not known, what the document
    counts for, and its number in the corpus; `local` holds what an E-step leaves for the next one on the same batch.
    """

    starts: NDArray[np.int64]
    words: NDArray[np.int32]
    times: Array
    labels: NDArray[np.int64]
    weights: Array
    items: NDArray[np.int64]
    local: dict[str, Any] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def arrays(self) -> tuple[Any, Any, Any]:
        """What every kernel reads."""
        return self.starts, self.words, self.times

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The document of each entry, (M,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


@dataclass(kw_only=True, repr=False)
class BagModel(Model):
    """A model of bags of words whose components, or topics, are distributions over words."""

    vocabulary_: Vocabulary = field(init=False, repr=False, compare=False)
    frequencies_: Array = field(init=False, repr=False, compare=False)

    named_by: ClassVar[str] = ""
    """The attribute that has the names of the components."""

    def corpus(self, data: Any, fitted: bool = False) -> Documents:
        """Accept `Documents`, token lists, a `Text` (a document a line), or counts, (N, V): an array or sparse matrix.

        A fitted model reads words alone: labels are hidden.
        """
        if isinstance(data, Text):
            data = Documents.from_text(data)
        elif hasattr(data, "shape"):
            data = Documents.from_matrix(data)
        elif isinstance(data, Iterable) and not isinstance(data, str | bytes | Documents):
            data = Documents.from_tokens(data)
        if not isinstance(data, Documents):
            raise InputError("expected Documents, a Text, token lists, or counts, (documents, words)")
        return data.hidden() if fitted else data

    def _learn_words(self, corpus: Documents) -> None:
        known = np.bincount(corpus.ids, corpus.counts, len(corpus.vocabulary)).astype(np.float64)
        if not known.any():
            raise InputError(f"{corpus.name}: nothing to learn from: there is no word in it")
        if corpus.weights is not None and not corpus.lengths @ corpus.weights:
            raise InputError(f"{corpus.name}: nothing to learn from: documents with words have weight 0")
        used = np.flatnonzero(known)
        self.vocabulary_ = Vocabulary([corpus.vocabulary.words[k] for k in used.tolist()])
        self.frequencies_ = known[used]

    def _by_word(self, names: Sequence[str]) -> Support:
        """Return the support of words given components, word by word, as the kernels read it."""
        n, n_words = len(names), len(self.vocabulary_)
        conditions = np.tile(np.arange(n, dtype=np.int32), n_words)
        outcomes = np.repeat(np.arange(n_words, dtype=np.int32), n)
        return Support.pairs(conditions, outcomes, n, n_words, (names, self.vocabulary_.words))

    def index(self, corpus: Documents, batch_size: int | None = None) -> Sequence[Bags]:
        """Return batches of `batch_size` documents, of words that the model knows."""
        names = getattr(self, self.named_by)
        corpus, labels = corpus.within(self.vocabulary_), np.append(names.ids(corpus.classes), -1)[corpus.labels]
        weights = np.ones(len(corpus)) if corpus.weights is None else corpus.weights
        found, size = [], batch_size or SIZE
        for a in range(0, len(corpus), size):
            items = np.arange(a, min(a + size, len(corpus)))
            here = slice(corpus.starts[a], corpus.starts[items[-1] + 1])
            starts = corpus.starts[a : items[-1] + 2] - corpus.starts[a]
            found.append(Bags(starts, corpus.ids[here], corpus.counts[here], labels[items], weights[items], items))
        return found

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the first parameters that a model of the same words and components gives."""
        for name in ("vocabulary_", self.named_by):
            theirs = getattr(start, name, None)
            if theirs is None or list(theirs) != list(getattr(self, name)):
                raise InputError("start: expected a fitted model of the same words and the same components")
        return super().inherit(start, arrays)

    # What users call

    def word_probabilities(self) -> Array:
        """Return P(word | component), (K, V)."""
        raise NotImplementedError

    def top_words(
        self, n: int = 10, by: Literal["contrast", "probability"] = "contrast"
    ) -> list[list[tuple[str, float]]]:
        """Return the words that stand out in each component, and their probabilities.

        Parameters
        ----------
        n : int
            Words of each.
        by : {"contrast", "probability"}
            ``probability`` is P(word | component); ``contrast`` is that times log P(word | component) / P(word), the
            word's part in how far the component is from the corpus: words frequent everywhere have little.
        """
        if by not in ("contrast", "probability"):
            raise InputError(f"by={by!r}: expected 'contrast' or 'probability'")
        table = self.word_probabilities()
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-300)
        if by == "contrast":
            overall = self.frequencies_ / self.frequencies_.sum()
            shares = shares * np.log(np.maximum(shares, 1e-300) / overall)
        best = np.argsort(-shares, axis=1, kind="stable")[:, :n]
        words = self.vocabulary_.words
        return [[(words[v], float(row[v])) for v in chosen.tolist()] for row, chosen in zip(table, best)]

    def score(self, corpus: Any) -> float:
        """Return the mean log-likelihood of a document, in nats, under the normalised probabilities.

        Raises
        ------
        InputError
            If no word of the documents is known.
        """
        self.check_fitted()
        self._tokens(self.corpus(corpus, fitted=True).within(self.vocabulary_))
        return super().score(corpus)

    def _tokens(self, corpus: Documents) -> float:
        """Return how many tokens documents of known words have, by their weights."""
        tokens = float(corpus.lengths.sum() if corpus.weights is None else corpus.lengths @ corpus.weights)
        if not tokens:
            raise InputError(f"{corpus.name}: no word of it is known; is this the text that the model is meant for?")
        return tokens

    def perplexity(self, corpus: Any) -> float:
        """Return exp of the mean surprise, in nats, of a known word of documents, under the normalised probabilities.

        Raises
        ------
        InputError
            If no word of the documents is known.
        """
        corpus = self.corpus(corpus, fitted=True).within(self.vocabulary_)
        tokens = self._tokens(corpus)
        loglik = engine(self.n_jobs).likelihood(self, self.probabilities(), self.index(corpus))
        return float(np.exp(-loglik / tokens))

    def _recall(self, arrays: Mapping[str, Any], prefix: str) -> None:
        for name in ("vocabulary_", self.named_by):
            key = f"kept/{prefix}{name}"
            setattr(self, name, Vocabulary.from_arrays(arrays[f"{key}.bytes"], arrays[f"{key}.offsets"]))
        self.frequencies_ = arrays[f"kept/{prefix}frequencies_"]
        right = self.frequencies_.dtype == np.float64 and self.frequencies_.shape == (len(self.vocabulary_),)
        if not right or not len(self.vocabulary_) or not (self.frequencies_ > 0).all():
            raise ValueError("frequencies_")
