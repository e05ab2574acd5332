"""Hidden Markov models for tagging: part-of-speech induction, with no tags, some, or all of them given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from emnlp.blocks import Array, Blocks
from emnlp.classes import word_classes
from emnlp.corpus.tagged import Tagged
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.inference import markov
from emnlp.learners import Trace
from emnlp.model import Model
from emnlp.models.heldout import perplexity
from emnlp.models.markov import MarkovTagger
from emnlp.models.sentences import Sentences

FIRM = 0.9
"""The share of a word's tokens that its class gets where word classes are the start."""


@dataclass(kw_only=True, repr=False)
class HMM(MarkovTagger):
    """A hidden Markov model: each token has a state, which depends on the state before.

    Story of a sentence: draw the first state; then, over and over, a word from the state, and from the state the next
    state, or the end of the sentence.

    ==========  =====================  =======================  =============
    factor      condition              outcome                  default
    ==========  =====================  =======================  =============
    initial     (one)                  state of the first word  Categorical()
    transition  state                  next state, or the end   Categorical()
    emission    state                  word                     Categorical()
    ==========  =====================  =======================  =============

    Text is all that it needs. A `Tagged` corpus tells the states of some tokens, or of all, and its dictionary those
    that a word may have: the same model learns from as much as there is.

    Parameters
    ----------
    n_states : int or None
        K; None is one a tag of a `Tagged` corpus. States beyond its tags have numbers for names.
    initial, transition, emission : Factor
    ends : bool
        Whether the end of a sentence is an outcome of the transition; otherwise a model of given lengths.
    init : {"auto", "random", "classes", "constant"}
        The first parameters: random; from the posteriors in which every token is of its word's class, see
        `emnlp.classes.word_classes`, with random noise; constant, which only tags can leave. ``auto`` is random, or
        constant where the corpus has tags or a dictionary.
    decoding : {"posterior", "viterbi"}
        What `predict` returns: the most probable state of each token, or the most probable sequence.
    dtype : {"float64", "float32"}
        What the E-step computes in; sums and parameters are float64.
    random_state : int or None
        Seed of the random start; None is ``init="constant"``.
    truecase : bool
        Whether to lower-case the first word of a sentence where the rest of the text does so, see
        `emnlp.corpus.truecase`.

    Attributes
    ----------
    vocabulary_ : Vocabulary
        The words.
    states_ : Vocabulary
        The names of the states: tags, then numbers.
    frequencies_ : (V,) int64
        How often each word occurs in the training text; `inner_`, elsewhere than at the beginning of a sentence. A word
        unseen there is emitted as its features say if they are of words alone (`Logistic`), or else as those seen once
        are, on average.

    References
    ----------
    Rabiner (1989), "A Tutorial on Hidden Markov Models and Selected Applications in Speech Recognition"; Merialdo
    (1994), "Tagging English Text with a Probabilistic Model", Computational Linguistics.

    Examples
    --------
    >>> text = [s.split() for s in ["the dog sleeps", "a cat sleeps", "the cat sees a dog", "a dog sees the cat"]]
    >>> model = HMM(3, random_state=1).fit(text)
    >>> a, b = model.predict(["the cat sleeps".split(), "a zebra sees the dog".split()])
    >>> a == b[:3], b[:2] == b[3:]
    (True, True)
    """

    init: Literal["auto", "random", "classes", "constant"] = "auto"
    random_state: int | None = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_choice("init", ("auto", "random", "classes", "constant"))

    def first(self, corpus: Tagged, batches: Sequence[Any], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters, as `init` says."""
        constrained = len(batches[0].masks) > 1
        if self.init == "constant" or (self.init == "auto" and constrained):
            rng = None
        params = super().first(corpus, batches, rng)
        if self.init != "classes":
            return params
        counts = Blocks({name: np.zeros(len(factor.support)) for name, factor in self.factors_.items()})
        classes = word_classes(self.cased(corpus.text).compact(), min(len(self.states_), len(self.vocabulary_))).classes
        for batch in batches:
            self.count(batch, classes[batch.words], counts)
        return self.maximize(Blocks({name: self._softened(name, each, rng) for name, each in counts.items()}), params)

    def _softened(self, name: str, counts: Array, rng: np.random.Generator | None) -> Array:
        """Share out some of the counts of each word, or of all states, among all; unevenly if there is a seed."""
        n_states = len(self.states_)
        even = np.full(len(counts), counts.sum() / len(counts))
        if name == "emission":
            even = np.repeat(self.frequencies_ / n_states, n_states)
        if rng is not None:
            even = even * rng.standard_exponential(len(counts))
        return FIRM * counts + (1 - FIRM) * even

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Take over factors of the same kinds from an `HMM` of the same states, each state and word by its name."""
        order = start.states_.ids(self.states_) if isinstance(start, HMM) else np.array([-1])
        if not isinstance(start, HMM) or len(start.states_) != len(order) or order.min() < 0:
            raise InputError(f"start: expected a fitted HMM that has the same {len(self.states_)} states")
        n, words = len(order), start.vocabulary_.ids(self.vocabulary_)
        following = np.append(order, np.full(int(self.ends), n))
        slots = {"initial": order, "transition": order[:, None] * len(following) + following,
                 "emission": words[:, None].astype(np.int64) * n + order}  # fmt: skip
        same = np.array_equal(order, np.arange(n)) and start.vocabulary_.words == self.vocabulary_.words
        found = {}
        for name, factor in self.factors_.items():
            old, theirs = start.factors_[name], start.params_[name]
            if name == "transition" and start.ends != self.ends:
                continue
            if same and old == factor and theirs.shape == arrays[name].shape:
                found[name] = theirs
            elif type(old) is type(factor) and old.by_slot and factor.by_slot:
                places = slots[name].ravel()
                found[name] = factor.adopt(np.where(places < 0, arrays[name], theirs[places]))
        if not found:
            raise InputError("start: that HMM has no table of the same kind as this model's")
        return found

    # What users call

    def fit_posteriors(self, corpus: Any, posteriors: Sequence[Array], m_steps: int = 20) -> Self:
        """Learn from given posteriors of the states in place of an E-step: neighbours count as independent.

        Parameters
        ----------
        corpus : Text, Tagged or list of token lists
        posteriors : sequence of (L, K)
            For each sentence, P(state) of each of its tokens; such as the consensus of several models.
        m_steps : int
            How often to maximise: once is enough where the M-step is closed.

        Returns
        -------
        self
            Its trace has the log-likelihood that it ends with.
        """
        corpus = self.corpus(corpus)
        if [len(each) for each in posteriors] != corpus.text.lengths.tolist():
            raise InputError("posteriors: expected a row for each token of each sentence")
        self.bound(corpus)
        shares = np.concatenate([np.zeros((0, len(self.states_))), *posteriors])
        counts = self._soft_counts(corpus, shares)
        params = Blocks({name: factor.start(None) for name, factor in self.factors_.items()})
        for _ in range(m_steps):
            params = self.maximize(counts, params)
        self._share(params)
        batches = self.index(corpus)
        loglik = engine(self.n_jobs).likelihood(self, self.theta(params), batches)
        self.trace_ = Trace([loglik + self.penalty(params)], "fitted to posteriors", sum(map(len, batches)))
        return self

    def _soft_counts(self, corpus: Tagged, shares: Array) -> Blocks:
        """Return the counts of tokens that have states with these probabilities, (N, K)."""
        text = self.cased(corpus.text)
        n_states, words = len(self.states_), self.vocabulary_.ids(text.vocabulary)[text.ids]
        used = text.lengths > 0
        first, last = text.starts[:-1][used], text.starts[1:][used] - 1
        inner = np.ones(len(words), bool)
        inner[last] = False  # what another token follows
        follows = np.flatnonzero(inner)
        transition = shares[follows].T @ shares[follows + 1]
        if self.ends:
            transition = np.column_stack([transition, shares[last].sum(axis=0)])
        emission = np.zeros((len(self.vocabulary_), n_states))
        np.add.at(emission, words, shares)
        return Blocks(
            {"initial": shares[first].sum(axis=0), "transition": transition.ravel(), "emission": emission.ravel()}
        )

    def perplexity(self, corpus: Any) -> float:
        """Return exp of the mean surprise, in nats, of a known word of a text, under the normalised probabilities.

        A word unseen in training is missing data: every state emits it with probability 1, and it is not counted. The
        end of each sentence is told, too, but not counted; what is impossible has probability 1e-100. Tags of a
        `Tagged` say which states are possible; give its ``text`` to leave them out.

        Raises
        ------
        InputError
            If no word of the text is known.

        Examples
        --------
        >>> model = HMM(1, ends=False).fit([["a", "b"], ["a", "c"]])
        >>> round(model.perplexity([["a", "a", "zebra"]]), 6)
        2.0
        """
        return perplexity(self, corpus)

    def draw(self, corpus: Any, seed: int = 0) -> list[list[int]]:
        """Draw the states of each sentence from their posterior (forward filtering, backward sampling)."""
        corpus, potentials, batches = self.ready(corpus)
        rng = np.random.default_rng(seed)

        def drawn(batch: Sentences) -> Iterator[Any]:
            arguments, several = self._arguments(batch, potentials), int(batch.weights.max())
            return batch.copies([markov.draw_paths(*arguments, rng.random(len(batch.words))) for _ in range(several)])

        found = [list(drawn(batch)) for batch in batches]
        return [states.tolist() for states in self._in_place(corpus, batches, found, np.empty(0, np.int32))]

    def sample(self, n: int = 1, length: int | None = None, seed: int = 0) -> Tagged:
        """Draw sentences and their states from the model.

        Parameters
        ----------
        n : int
            How many.
        length : int, optional
            Of each sentence; needed where the model has no end, and otherwise the longest that is possible.
        seed : int

        Raises
        ------
        InputError
            If the model has no end and `length` is not given.
        """
        if not self.ends and length is None:
            raise InputError("this model has no end of a sentence (ends=False); give a length")
        rng, tables, n_states = np.random.default_rng(seed), self.probabilities(), len(self.states_)
        transition = tables["transition"].reshape(n_states, -1).cumsum(axis=1)
        emission = tables["emission"].reshape(-1, n_states).T.cumsum(axis=1)
        initial, words, names = tables["initial"].cumsum(), self.vocabulary_.words, self.states_.words

        def one(row: Array) -> int:
            return int(min(np.searchsorted(row, rng.random() * row[-1], "right"), len(row) - 1))

        def sentence() -> Iterator[tuple[str, str]]:
            state, left = one(initial), np.inf if length is None else length
            while state < n_states and left > 0:
                yield words[one(emission[state])], names[state]
                state, left = one(transition[state]), left - 1

        sents = [list(sentence()) for _ in range(n)]
        return Tagged.from_sents(sents, lowercase=bool(self.lowercase_), name="<sample>")
