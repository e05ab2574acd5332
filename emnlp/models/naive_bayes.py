"""Mixtures of documents: naive Bayes whose classes are hidden, or known of some documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.corpus.documents import Documents
from emnlp.corpus.text import Vocabulary
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Categorical, Factor
from emnlp.inference import bags
from emnlp.model import Model
from emnlp.models.bags import BagModel, Bags
from emnlp.models.clusterstarts import STARTS, first_shares
from emnlp.spherical import inverse_frequency, tfidf
from emnlp.support import Support

LOWEST = 1e-100
"""What a probability of 0 is to the kernels: unseen text may need it."""

MOST = 10_000
"""Components: a table of words takes 8 bytes for each of them and word."""

Init = Literal["spherical", "documents", "random"]


@dataclass(kw_only=True, repr=False)
class NaiveBayesMixture(BagModel):
    """A mixture of K distributions over words: clusters of documents, or classes known of some of them.

    Story of a document: draw its component; then, from the component, each of its words (``multinomial``), or whether
    each word of the vocabulary is in it (``bernoulli``), independently.

    =========  ==================  ==================  =======================
    factor     condition           outcome             default
    =========  ==================  ==================  =======================
    component  (one)               component           Categorical()
    feature    component           word                Categorical(alpha=1.1)
    feature    word and component  absent or present   (of ``bernoulli``)
    =========  ==================  ==================  =======================

    Documents with a label belong to the component of its name, the others to any: so the same model is the naive-Bayes
    classifier (all labelled), a clustering (none), and what lies between (Nigam et al. 2000). Predictions never look at
    labels. `emnlp.models.clusterrecipes.clustering` makes the one that `emnlp cluster` trains.

    Parameters
    ----------
    n_components : int or None
        K; None is the number of classes of the corpus.
    kind : {"multinomial", "bernoulli"}
    component, feature : Factor
    unlabelled : float
        What a document without a label counts for beside one with a label, lambda of Nigam et al.
    init : {"spherical", "documents", "random"}
        The first components, where no document has a label: spherical k-means of tf-idf rows; random documents, far
        from each other; or random shares of all documents. The first ones need `random_state`, too.

    tfidf : float
        Above 0, of ``multinomial``: in place of its counts, a document has tf-idf weights, a vector of this length.
        Long documents then count no more than short ones, and posteriors are less certain: with few labels, 3 is much
        better than counts. 0 takes the counts as they are.

    Attributes
    ----------
    vocabulary_, components_ : Vocabulary
        Words, and the names of components: those of classes first, then numbers.

    Raises
    ------
    InputError
        If a setting is not one of these.

    References
    ----------
    Nigam, McCallum, Thrun & Mitchell (2000), "Text Classification from Labeled and Unlabeled Documents using EM".

    Examples
    --------
    >>> from emnlp import Documents
    >>> texts = ["goal match goal", "match goal team", "vote law vote", "law vote party", "team match"]
    >>> documents = Documents.from_tokens([text.split() for text in texts])
    >>> NaiveBayesMixture(2).fit(documents).predict(documents)
    array([1, 1, 0, 0, 1])
    >>> some = documents.labelled(["sport", None, None, "politics", None])
    >>> NaiveBayesMixture().fit(some).classify(documents)
    ['sport', 'sport', 'politics', 'politics', 'sport']
    """

    n_components: int | None = field(default=None, kw_only=False)
    kind: Literal["multinomial", "bernoulli"] = "multinomial"
    component: Factor = field(default_factory=Categorical)
    feature: Factor = field(default_factory=lambda: Categorical(alpha=1.1))
    unlabelled: float = 1.0
    init: Init = "spherical"
    tfidf: float = 0.0
    random_state: int | None = 0

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**Model.kinds, "component": (Factor,), "feature": (Factor,)}
    kept: ClassVar[tuple[str, ...]] = ("vocabulary_", "components_", "frequencies_", "inverse_")
    named_by: ClassVar[str] = "components_"
    components_: Vocabulary = field(init=False, repr=False, compare=False)
    inverse_: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_choice("kind", ("multinomial", "bernoulli"))
        self.check_choice("init", tuple(STARTS))
        n = self.n_components
        if n is not None and not (isinstance(n, int | np.integer) and 1 <= n <= MOST):
            raise InputError(f"NaiveBayesMixture({n!r}): expected a number of components, up to {MOST:,}, or None")
        if not 0 <= self.tfidf < np.inf or (self.tfidf and self.binary):
            raise InputError(f"tfidf is {self.tfidf}; expected the length of multinomial documents, or 0")
        if not 0 <= self.unlabelled < np.inf:
            raise InputError(f"unlabelled is {self.unlabelled}; a document cannot count for that")

    @property
    def binary(self) -> bool:
        """Whether only the presence of words counts."""
        return self.kind == "bernoulli"

    def supports(self, corpus: Documents) -> dict[str, Support]:  # noqa: D102
        self._learn_words(corpus)
        self.inverse_ = inverse_frequency(corpus.within(self.vocabulary_))
        labelled = corpus.labels >= 0
        names = corpus.classes.words if labelled.any() or self.n_components is None else []
        n = self.n_components or len(names)
        if not n:
            raise InputError("n_components=None is one a class, and the documents have no classes; give a number")
        if len(names) > n:
            raise InputError(f"the documents have {len(names)} classes, more than the {n} components; give more")
        taken = set(names)
        numbers = (str(k) for k in range(n + len(names)) if str(k) not in taken)
        self.components_ = Vocabulary([*names, *(next(numbers) for _ in range(n - len(names)))])
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        n, n_words = len(self.components_), len(self.vocabulary_)
        component = Support.dense(1, n, ([None], self.components_.words))
        if self.binary:
            return {"component": component, "feature": Support.dense(n_words * n, 2)}  # word by word
        return {"component": component, "feature": self._by_word(self.components_.words)}

    def index(self, corpus: Documents, batch_size: int | None = None) -> Sequence[Bags]:
        """Return batches of `batch_size` documents, of words that the model knows."""
        weights = np.ones(len(corpus)) if corpus.weights is None else corpus.weights
        corpus = corpus.weighted(np.where(corpus.labels < 0, weights * self.unlabelled, weights))
        corpus = corpus.within(self.vocabulary_)
        if self.binary:
            corpus = replace(corpus, counts=np.ones_like(corpus.counts))
        if self.tfidf:
            corpus = replace(corpus, counts=self.tfidf * tfidf(corpus, self.inverse_))
        return super().index(corpus, batch_size)

    # The E-step

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials, which are logarithms: (K,), (K,) and word by word (V, K); and the budget of words."""
        n, logs = len(self.components_), np.log(np.maximum(theta["feature"], LOWEST))
        if self.binary:
            absent, present = logs.reshape(-1, n, 2).transpose(2, 0, 1)
            base, feature = absent.sum(axis=0), present - absent
        else:
            base, feature = np.zeros(n), logs.reshape(-1, n)
        component = np.log(np.maximum(theta["component"], LOWEST))
        budget = theta.get("budget", np.array([np.inf]))
        return Blocks({"component": component, "base": base, "feature": feature, "budget": budget})

    def shortened(self, theta: Blocks, words: float) -> Blocks:
        """Return theta with which the evidence of a document counts for so many words at most."""
        return Blocks(dict(theta) | {"budget": np.array([float(words)])})

    def collect(self, counts: Blocks) -> Blocks:  # noqa: D102
        feature = counts["feature"]
        if self.binary:
            absent = np.maximum(counts["base"] - feature, 0.0)  # of documents without the word
            feature = np.stack([absent, feature], axis=2)
        return Blocks({"component": counts["component"], "feature": feature.ravel()})

    def _arguments(self, batch: Bags, potentials: Blocks) -> tuple[Any, ...]:
        tables = (potentials[name] for name in ("component", "base", "feature"))
        return (*tables, float(potentials["budget"][0]))

    def expect(self, batch: Bags, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        arguments = self._arguments(batch, potentials)
        into = (counts[name] for name in ("component", "base", "feature"))
        return bags.expect(*batch.arrays, batch.labels, batch.weights, *arguments, *into)

    def _posteriors(self, batch: Bags, potentials: Blocks) -> tuple[Array, Array]:
        return bags.posteriors(*batch.arrays, batch.labels, *self._arguments(batch, potentials))

    def likelihood(self, batch: Bags, potentials: Blocks) -> float:  # noqa: D102
        return float(batch.weights @ self._posteriors(batch, potentials)[1])

    def posterior(self, batch: Bags, potentials: Blocks) -> Iterator[Array]:
        """Yield P(component | document), (K,), of each."""
        return iter(self._posteriors(batch, potentials)[0])

    def decode(self, batch: Bags, potentials: Blocks) -> NDArray[np.int64]:
        """Return the best component of each document."""
        return self._posteriors(batch, potentials)[0].argmax(axis=1)

    def count(self, batch: Bags, latent: NDArray[np.int64], counts: Blocks) -> None:  # noqa: D102
        shares = np.zeros((len(batch), len(self.components_)))
        shares[np.arange(len(batch)), latent] = batch.weights
        for name, array in self._soft_counts([batch], shares).items():
            counts[name][:] += array

    def _soft_counts(self, batches: Sequence[Bags], shares: Array) -> Blocks:
        """Return the counts of documents that have these shares of the components, (N, K)."""
        n = shares.shape[1]
        counts = Blocks(
            {"component": np.zeros(n), "base": np.zeros(n), "feature": np.zeros((len(self.vocabulary_), n))}
        )
        ends = np.cumsum([len(batch) for batch in batches])
        for batch, here in zip(batches, np.split(shares, ends[:-1])):
            bags.count(*batch.arrays, here, *counts.values())
        return self.collect(counts)

    # Starts

    def first(self, corpus: Documents, batches: Sequence[Any], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters: an M-step from the documents with labels, or as `init` says."""
        params = super().first(corpus, batches, None)
        labels = np.concatenate([batch.labels for batch in batches])
        shares = first_shares(self.init, corpus.within(self.vocabulary_), labels, len(self.components_), rng)
        weights = np.concatenate([batch.weights for batch in batches])
        return self.maximize(self._soft_counts(batches, shares * weights[:, None]), params)

    # What users call

    def predict(self, corpus: Any) -> NDArray[np.int64]:
        """Return the best component of each document, (N,)."""
        return self.predict_proba(corpus).argmax(axis=1)

    def predict_proba(self, corpus: Any) -> Array:
        """Return the responsibilities, P(component | document), (N, K); one without a known word has the prior's."""
        corpus, potentials, batches = self.ready(corpus)
        found = engine(self.n_jobs).map(lambda batch: self._posteriors(batch, potentials)[0], batches)
        return np.concatenate([np.empty((0, len(self.components_))), *found])

    def classify(self, corpus: Any) -> list[str]:
        """Return the name of the best component of each document."""
        return [self.components_.words[k] for k in self.predict(corpus).tolist()]

    def word_probabilities(self) -> Array:
        """Return P(word | component), (K, V); of ``bernoulli``, that it is in a document."""
        self.check_fitted()
        table = self.probabilities()["feature"]
        if self.binary:
            table = table[1::2]
        return table.reshape(len(self.vocabulary_), -1).T

    def perplexity(self, corpus: Any) -> float:  # noqa: D102
        if self.tfidf or self.binary:
            raise InputError("perplexity is of words and their counts; this model reads documents in another way")
        return super().perplexity(corpus)

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        self._recall(arrays, prefix)
        self.inverse_ = arrays[f"kept/{prefix}inverse_"]
        if self.inverse_.dtype != np.float64 or self.inverse_.shape != (len(self.vocabulary_),):
            raise ValueError("inverse_")
        if self.n_components not in (None, len(set(self.components_))):
            raise ValueError("components_")
