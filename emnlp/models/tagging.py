"""Hidden Markov models for tagging: part-of-speech induction, with no tags, some, or all of them given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.classes import word_classes
from emnlp.corpus.tagged import Tagged
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Categorical, Factor
from emnlp.factors.base import Guarantee
from emnlp.inference import markov
from emnlp.inference.matmul import padded
from emnlp.learners import Trace
from emnlp.model import Model
from emnlp.models.heldout import perplexity
from emnlp.models.sentences import Sentences
from emnlp.models.tagger import Tagger
from emnlp.support import Support

LOWEST = {"float64": 1e-100, "float32": 1e-18}
"""What a probability of 0 is to the kernels: unseen text may need it; too small to matter beside another."""

FIRM = 0.9
"""The share of a word's tokens that its class gets where word classes are the start."""


@dataclass(kw_only=True, repr=False)
class HMM(Tagger):
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

    initial: Factor = field(default_factory=Categorical)
    transition: Factor = field(default_factory=Categorical)
    emission: Factor = field(default_factory=Categorical)
    ends: bool = True
    init: Literal["auto", "random", "classes", "constant"] = "auto"
    decoding: Literal["posterior", "viterbi"] = "posterior"
    dtype: Literal["float64", "float32"] = "float64"
    random_state: int | None = 0

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {
        **Tagger.kinds, "initial": (Factor,), "transition": (Factor,), "emission": (Factor,)
    }  # fmt: skip

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """In single precision, the objective wavers where it no longer rises."""
        return "monotone" if self.dtype == "float64" else "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        choices = {"init": ("auto", "random", "classes", "constant"), "decoding": ("posterior", "viterbi"),
                   "dtype": tuple(LOWEST)}  # fmt: skip
        for name, values in choices.items():
            if getattr(self, name) not in values:
                raise InputError(f"HMM({name}={getattr(self, name)!r}): expected {' or '.join(map(repr, values))}")

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        states, words = self.states_.words, self.vocabulary_.words
        n_states, n_words = len(states), len(words)
        following = [*states, *[None] * self.ends]
        conditions = np.tile(np.arange(n_states, dtype=np.int32), n_words)
        outcomes = np.repeat(np.arange(n_words, dtype=np.int32), n_states)  # word by word, as the kernels read it
        return {
            "initial": Support.dense(1, n_states, ([None], states)),
            "transition": Support.dense(n_states, len(following), (states, following)),
            "emission": Support.pairs(conditions, outcomes, n_states, n_words, (states, words)),
        }

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

    # The E-step and its relatives

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials: rows padded to whole vectors, one more for unknown words, zeros replaced by `LOWEST`.

        In float32, the rows of emissions are divided by their greatest, `scale`.
        """
        n_states = len(self.states_)
        transition = theta["transition"].reshape(n_states, -1)
        words = theta["emission"].reshape(-1, n_states)
        rare = self.frequencies_ == self.frequencies_.min()
        final = transition[:, -1] if self.ends else np.ones(n_states)
        tables = {"initial": theta["initial"], "transition": transition[:, :n_states], "final": final}
        emissions = self._emissions(np.concatenate([words, words[rare].mean(axis=0, keepdims=True)]))
        return Blocks({name: self._rows(table) for name, table in tables.items()} | emissions)

    def _rows(self, table: Array) -> Any:
        n_states, dtype = len(self.states_), np.dtype(self.dtype)
        found = np.zeros((*table.shape[:-1], padded(n_states, dtype)), dtype)
        np.maximum(table, LOWEST[self.dtype], out=found[..., :n_states], casting="same_kind")
        return found

    def _emissions(self, table: Array) -> dict[str, Any]:
        scale = np.ones(len(table))
        if self.dtype == "float32":
            scale = np.maximum(table.max(axis=1), LOWEST["float64"])
            table = table / scale[:, None]
        return {"emission": self._rows(table), "scale": scale}

    def ready(self, data: Any, normalised: bool = False) -> tuple[Any, Blocks, Sequence[Any]]:
        """Return the corpus, the potentials and the batches; of unseen words, too, if the emission knows features."""
        corpus, potentials, batches = super().ready(data, normalised)
        words = self.unseen(corpus)
        found = self.factors_["emission"].unseen(self.params_["emission"], words) if words else None
        if found is None:
            return corpus, potentials, batches
        more = self._emissions(found)
        both = {name: np.concatenate([potentials[name][: len(self.vocabulary_)], rows]) for name, rows in more.items()}
        return corpus, Blocks(dict(potentials) | both), batches

    def collect(self, counts: Blocks) -> Blocks:  # noqa: D102
        n_states = len(self.states_)
        transition = counts["transition"][:, :n_states]
        if self.ends:
            transition = np.column_stack([transition, counts["final"][:n_states]])
        emission = counts["emission"][: len(self.vocabulary_), :n_states]
        return Blocks(
            {"initial": counts["initial"][:n_states], "transition": transition.ravel(), "emission": emission.ravel()}
        )

    def _arguments(self, batch: Sentences, potentials: Blocks) -> tuple[Any, ...]:
        """Return what every kernel reads."""
        emission = potentials["emission"]
        masks = np.zeros((len(batch.masks), emission.shape[1]), emission.dtype)
        masks[:, : len(self.states_)] = batch.masks
        tables = (potentials[name] for name in ("initial", "final", "transition", "emission", "scale"))
        words = np.minimum(batch.words, len(emission) - 1)  # an unseen word has the last row, or one of its own
        return batch.starts, words, batch.sets, masks, *tables

    def expect(self, batch: Sentences, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        into = (counts[name] for name in ("initial", "final", "transition", "emission"))
        return float(markov.expect(*self._arguments(batch, potentials), batch.weights, *into))

    def likelihood(self, batch: Sentences, potentials: Blocks) -> float:  # noqa: D102
        return float(batch.weights @ markov.forward(*self._arguments(batch, potentials))[3])

    def posterior(self, batch: Sentences, potentials: Blocks) -> Iterator[Array]:
        """Yield P(state | sentence) of the tokens of each line, (L, K)."""
        posteriors = markov.posteriors(*self._arguments(batch, potentials))
        return batch.items(posteriors[: len(batch.words), : len(self.states_)])

    def decode(self, batch: Sentences, potentials: Blocks) -> NDArray[np.int32]:
        """Return the best state of each token of the batch, as `decoding` says, (N,)."""
        arguments = self._arguments(batch, potentials)
        if self.decoding == "viterbi":
            return markov.best_paths(*arguments)
        posteriors = markov.posteriors(*arguments)
        return posteriors[: len(batch.words), : len(self.states_)].argmax(axis=1).astype(np.int32)

    def count(self, batch: Sentences, latent: NDArray[np.int32], counts: Blocks) -> None:  # noqa: D102
        n_states = len(self.states_)
        initial, transition, emission = counts["initial"], counts["transition"], counts["emission"]
        transition, emission = transition.reshape(n_states, -1), emission.reshape(-1, n_states)
        for weight, words, states in zip(batch.weights, batch.each(batch.words), batch.each(latent)):
            initial[states[0]] += weight
            np.add.at(transition, (states[:-1], states[1:]), weight)
            np.add.at(emission, (words, states), weight)
            if self.ends:
                transition[states[-1], -1] += weight

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
