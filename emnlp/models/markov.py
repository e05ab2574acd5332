"""The E-step of hidden Markov models: from factors to potentials, and from potentials to expected counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.factors import Categorical, Factor
from emnlp.factors.base import Guarantee
from emnlp.inference import markov
from emnlp.inference.matmul import padded
from emnlp.models.sentences import Sentences
from emnlp.models.tagger import Tagger
from emnlp.support import Support

LOWEST = {"float64": 1e-100, "float32": 1e-18}
"""What a probability of 0 is to the kernels: unseen text may need it; too small to matter beside another."""


@dataclass(kw_only=True, repr=False)
class MarkovTagger(Tagger):
    """A chain of states that emit words: its factors, and forward-backward over them; `HMM` says the rest."""

    initial: Factor = field(default_factory=Categorical)
    transition: Factor = field(default_factory=Categorical)
    emission: Factor = field(default_factory=Categorical)
    ends: bool = True
    decoding: Literal["posterior", "viterbi"] = "posterior"
    dtype: Literal["float64", "float32"] = "float64"

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {
        **Tagger.kinds, "initial": (Factor,), "transition": (Factor,), "emission": (Factor,)
    }  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_choice("decoding", ("posterior", "viterbi"))
        self.check_choice("dtype", tuple(LOWEST))

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

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """In single precision, the objective wavers where it no longer rises."""
        return "monotone" if self.dtype == "float64" else "none"

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

    def best(self, batch: Sentences, potentials: Blocks) -> NDArray[np.int32]:
        """Return the states of the most probable paths (Viterbi), (N,)."""
        return markov.best_paths(*self._arguments(batch, potentials))

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
