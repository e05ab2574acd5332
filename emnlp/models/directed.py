"""What the aligners of one direction share: the lexicon, the index of a bitext, and how links are read off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.corpus.bitext import LONGEST, Bitext
from emnlp.corpus.links import Links
from emnlp.corpus.pairs import Pairs
from emnlp.corpus.priors import Priors
from emnlp.corpus.text import Vocabulary
from emnlp.errors import InputError
from emnlp.factors import FLOOR, Bucketed, Categorical, Factor
from emnlp.inference import mixture
from emnlp.inference.index import members
from emnlp.inference.symmetric import points_of
from emnlp.learners import Trace
from emnlp.model import Model
from emnlp.models.batches import Batch, Places, batch_cells
from emnlp.models.lexicon import TINY, Conditions, Lexicon, lexical_support, unseen_potentials
from emnlp.models.narrow import narrow
from emnlp.models.parallel import BitextModel
from emnlp.scratch import ranges
from emnlp.support import Support
from emnlp.symmetrize import links

NO_TILT = np.empty(0)
"""Emissions as the lexicon has them."""


@dataclass(kw_only=True, repr=False)
class DirectedAligner(BitextModel):
    """A model of P(target | source) in which every target word comes from one source word, or from NULL.

    A subclass has a prior of alignments: factors, and the kernels of an inference over them.
    """

    lexical: Factor = field(default_factory=Categorical)
    max_iter: int = 5

    null_rows: ClassVar[int] = 1
    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**Model.kinds, "lexical": (Factor,)}
    kept: ClassVar[tuple[str, ...]] = ("source_vocabulary_", "target_vocabulary_", "max_length_", "lowercase_")
    source_vocabulary_: Vocabulary = field(init=False, repr=False, compare=False)
    target_vocabulary_: Vocabulary = field(init=False, repr=False, compare=False)
    max_length_: int = field(init=False, repr=False, compare=False)
    lowercase_: int = field(init=False, repr=False, compare=False)
    made: ClassVar[tuple[str, ...]] = (*Model.made, "_lexicon")

    def prior_supports(self, bitext: Bitext) -> dict[str, Any]:
        """Return the supports of the factors other than the lexicon; remembers what `places` will need of them."""
        raise NotImplementedError(f"{type(self).__name__} has to define prior_supports(bitext)")

    def places(self, pairs: Pairs) -> tuple[Any, ...]:
        """Return where the kernels of this model find the prior of each pair."""
        raise NotImplementedError(f"{type(self).__name__} has to define places(pairs)")

    # From text to slots

    def corpus(self, data: Any, fitted: bool = False) -> Bitext:
        """Accept a `Bitext`, a sequence of (source tokens, target tokens), or of NLTK's ``AlignedSent``.

        A fitted model that was trained on lower-cased text lower-cases tokens, and refuses a `Bitext` that is not.
        """
        if isinstance(data, Bitext):
            if fitted and bool(self.lowercase_) != data.lowercase:
                how = f"lowercase={bool(self.lowercase_)}"
                raise InputError(f"the model was trained on text read with {how}; read this text so, too")
            return data
        options: dict[str, Any] = {}
        if fitted:
            options = {"lowercase": bool(self.lowercase_), "max_length": self.max_length_}
        if isinstance(data, Iterable) and not isinstance(data, str | bytes):
            items = list(data)
            if items and all(hasattr(item, "mots") for item in items):
                return Bitext.from_aligned_sents(items, **options)
            if all(isinstance(item, tuple | list) and len(item) == 2 for item in items):
                return Bitext.from_pairs(items, **options)
        raise InputError("expected a Bitext, or a list of (source tokens, target tokens); Bitext.read reads files")

    def supports(self, corpus: Bitext) -> dict[str, Support]:  # noqa: D102
        pairs = corpus.pairs
        if not len(pairs):
            raise InputError("nothing to learn from: no sentence pair has words on both sides and is short enough")
        self.source_vocabulary_, self.target_vocabulary_ = pairs.source.vocabulary, pairs.target.vocabulary
        self.max_length_, self.lowercase_ = corpus.max_length, int(corpus.lowercase)
        return {"lexical": lexical_support(pairs), **self.prior_supports(corpus)}

    @property
    def lexicon(self) -> Lexicon:
        """The fitted lexicon: its word pairs, and their slots."""
        support, held = self.factors_["lexical"].support, self.__dict__.get("_lexicon")
        if held is None or held.support is not support:
            held = self._lexicon = Lexicon(support, self.source_vocabulary_, self.target_vocabulary_)
        return held

    def index(self, corpus: Bitext, batch_size: int | None = None) -> Sequence[Batch]:
        """Return batches of about `batch_size` cells; a pair that this model cannot take is in none."""
        pairs = corpus.limited(self.max_length_).pairs
        slots, null_slots = self.lexicon.slots_of(pairs)
        places, size = self.all_places(pairs), batch_size or batch_cells(int(pairs.cells[-1]))
        return [Batch(pairs, a, b, slots, null_slots, places) for a, b in ranges(pairs.cells, size)]

    def all_places(self, pairs: Pairs) -> Places:
        """Return the `places` of all pairs, to be read batch by batch; here, those of models with a place a pair."""
        bases, steps, *shared = self.places(pairs)
        return Places((bases, steps), shared=tuple(shared))

    def pseudo_counts(self, prior: Any, corpus: Bitext) -> dict[str, Array]:
        """Return the pseudo-counts of the lexicon, and of jumps if the model has weights for them.

        `prior` is a `Priors`, in lower case if the text is; of its entries, those whose words never occur together in
        the text have no slot.
        """
        if not isinstance(prior, Priors):
            raise InputError(f"prior: expected Priors, such as Priors.read reads from a file, not {prior!r}")
        prior = prior.lowered() if self.lowercase_ else prior
        found = {}
        found["lexical"], self.prior_found_ = self.lexicon.pseudo_counts(prior)
        jump = self.factors_.get("jump")
        if isinstance(jump, Bucketed) and prior.jumps:
            found["jump"] = jump.pseudo_counts(prior.jumps, self.places(corpus.pairs)[1])
        return found

    def narrowed(self, batches: Sequence[Batch]) -> tuple[Sequence[Batch], dict[str, NDArray[np.int32]]]:
        """Of a batch alone, return it with its own word pairs and NULL's row."""
        if len(batches) > 1 or not self.factors_["lexical"].by_row:
            return batches, {}
        words, n = len(self.target_vocabulary_), len(self.factors_["lexical"].support)
        batch, slots = narrow(batches[0], words, n)
        return [batch], {"lexical": slots}

    # Potentials

    def lexical_potentials(self, theta: Array) -> Array:
        """Return the lexicon as the kernels read it, with what text unseen in training reads at the end.

        A pair that the lexicon does not cover, or a target word unseen in training, reads `FLOOR`, from NULL
        `NULL_FLOOR`; a source word unseen in training emits every target word alike, ``1 / V``. Two words that are
        spelt alike, one of them unseen, read more: `SIMILAR` or `IDENTICAL`. What was learned reads `TINY` at least,
        so that it is above the floor, and every target word has a component.
        """
        potentials = np.concatenate([theta, unseen_potentials(len(self.target_vocabulary_))])
        np.maximum(potentials, TINY, out=potentials)
        potentials[len(theta)] = FLOOR
        return potentials

    def tables(self, blocks: Blocks) -> tuple[Array, Array]:
        """Return the NULL row and the shared lexicon, of potentials or counts."""
        lexical = blocks["lexical"]
        return lexical, lexical[len(self.target_vocabulary_) :]

    # The E-step and its relatives

    def posterior_cells(
        self, batch: Batch, potentials: Blocks, tilt: Array = NO_TILT, counts: Blocks | None = None
    ) -> tuple[Array, Array, Array]:
        """Return P(i | j) by cell, P(NULL | j) by target token, and the log-likelihood of each pair in nats.

        Parameters
        ----------
        tilt : (cells,) float64, optional
            Multiplies the lexical potential of each cell.
        counts : Blocks, optional
            Where to add the expected counts of all but the shared lexicon: of NULL's words, and of the prior.
        """
        raise NotImplementedError

    def logliks(self, batch: Batch, potentials: Blocks, tilt: Array = NO_TILT) -> Array:
        """Return the log-likelihood of each pair in nats."""
        return self.posterior_cells(batch, potentials, tilt)[2]

    def likelihood(self, batch: Batch, potentials: Blocks) -> float:  # noqa: D102
        return float(self.logliks(batch, potentials).sum())

    def expect(self, batch: Batch, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        cells, _, logliks = self.posterior_cells(batch, potentials, counts=counts)
        mixture.count_words(batch.cell_slots, cells, self.tables(counts)[1])
        return float(logliks.sum())

    def posterior(self, batch: Batch, potentials: Blocks) -> Iterator[Array]:
        """Yield P(component | target token), (I + 1, J), NULL first; the columns sum to 1."""
        return batch.by_pair(*self.posterior_cells(batch, potentials)[:2])

    def decode(self, batch: Batch, potentials: Blocks) -> NDArray[np.int32]:
        """Return the best component of each target token, pair after pair: 0 for NULL, else 1 + the source position."""
        raise NotImplementedError

    def links(self, batch: Batch, potentials: Blocks) -> Links:  # noqa: D102
        points = np.zeros(batch.n_cells, np.uint8)
        points_of(batch.sizes, self.decode(batch, potentials), False, points)
        return links(batch.sizes, points)

    def count_emissions(self, batch: Batch, latent: NDArray[np.int32], counts: Blocks) -> None:
        """Count each target word under its component."""
        _, _, (_, starts, null_rows, cells, transposed), slots, _ = batch.kernel
        pair, j = members(starts)
        n_source, n_target = batch.sizes[pair].T
        i = np.maximum(latent, 1) - 1
        cell = cells[pair] + (j * n_source + i if transposed else i * n_target + j)
        words = len(self.target_vocabulary_) + slots[cell]
        np.add.at(counts["lexical"], np.where(latent > 0, words, null_rows), 1.0)

    # What users call

    def translations(self, word: str | None, n: int = 10) -> list[tuple[str, float]]:
        """Return the most probable target words of a source word, None for NULL, with their probabilities.

        Raises
        ------
        InputError
            If the word does not occur in the training text.

        Examples
        --------
        >>> from emnlp import IBM1
        >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
        >>> model = IBM1(max_iter=20).fit([(s.split(), t.split()) for s, t in pairs])
        >>> [(target, round(p, 2)) for target, p in model.translations("book", 1)]
        [('buch', 1.0)]
        """
        self.check_fitted()
        word = word.lower() if word is not None and self.lowercase_ else word
        condition = 0 if word is None else 1 + self.source_vocabulary_.id(word)
        if word is not None and not condition:
            raise InputError(f"the word {word!r} does not occur in the source text of the training pairs")
        factor = self.factors_["lexical"]
        row = factor.support.row(condition)
        probabilities = factor.probabilities(self.params_["lexical"])[row]
        best = np.argsort(-probabilities, kind="stable")[:n]
        words = self.target_vocabulary_.words
        return [(words[factor.support.outcomes[row[k]]], float(probabilities[k])) for k in best]

    def entries(self, min_p: float = 1e-3, by: str = "prob") -> Iterator[tuple[str | None, str, float]]:
        """Yield source word (None for NULL), target word and probability, as `Lexicon.entries` orders them."""
        self.check_fitted()
        return self.lexicon.entries(self.factors_["lexical"].probabilities(self.params_["lexical"]), min_p, by)

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Take over what a model of the same direction, trained on any text, has of the same kinds of factors."""
        if not isinstance(start, DirectedAligner):
            raise InputError(f"start: expected a fitted aligner of one direction, not a {type(start).__name__}")
        kinds = {name: type(factor) for name, factor in start.factors_.items()}
        same = {name for name, factor in self.factors_.items() if kinds.get(name) is type(factor)}
        found = self.inherit_prior(start, same)
        if "lexical" in same:
            found["lexical"] = self._inherit_lexicon(start, arrays["lexical"])
        found = {
            name: params for name, params in found.items() if params.size > 0 and params.shape == arrays[name].shape
        }
        if not found:
            raise InputError(f"start: the {type(start).__name__} has no factor of the same kind as this model's")
        return found

    def inherit_prior(self, start: DirectedAligner, same: set[str]) -> dict[str, Array]:
        """Take over factors other than the lexicon; `same` are those of the same kind in both models."""
        return {name: start.params_[name] for name in same & {"null"}}

    def _inherit_lexicon(self, start: DirectedAligner, first: Array) -> Array:
        factor, theirs = self.factors_["lexical"], start.params_["lexical"]
        if len(theirs) != len(start.factors_["lexical"].support):
            return theirs  # parameters that are not one a slot
        if start.lexicon.support is self.lexicon.support:
            return theirs
        slots = start.lexicon.find(self.lexicon)
        params = np.where(slots < 0, first, theirs[slots])
        return factor.adopt(params) if (slots < 0).any() else params

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        names = {name: f"kept/{prefix}{name}" for name in self.kept}
        for name in ("source_vocabulary_", "target_vocabulary_"):
            words = Vocabulary.from_arrays(arrays[f"{names[name]}.bytes"], arrays[f"{names[name]}.offsets"])
            setattr(self, name, words)
        self.max_length_, self.lowercase_ = (int(arrays[names[name]][0]) for name in ("max_length_", "lowercase_"))
        if not 1 <= self.max_length_ <= LONGEST:
            raise ValueError("max_length_")

    def named(self, name: str, support: Support) -> Support:  # noqa: D102
        if name != "lexical":
            return super().named(name, support)
        words = Conditions(self.source_vocabulary_.words), self.target_vocabulary_.words
        if (support.n_conditions, support.n_outcomes) != tuple(map(len, words)):
            raise ValueError("the lexicon does not fit the vocabularies")
        return replace(support, names=words)

    def restore(self, factors: Mapping[str, Factor], params: Blocks, trace: Trace) -> None:  # noqa: D102
        super().restore(factors, params, trace)
        self.check_restored()

    def check_restored(self) -> None:
        """Raise ValueError if the factors do not fit the vocabularies."""
        if not self.lexicon.is_sound():
            raise ValueError("the lexicon does not fit the vocabularies")
