"""The HMM word aligner (Vogel, Ney & Tillmann 1996): a link depends on the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.pairs import Pairs
from emnlp.factors import Factor, Fixed, Jump
from emnlp.factors.base import Guarantee
from emnlp.inference import chain
from emnlp.models.batches import Batch, Places
from emnlp.models.directed import NO_TILT, DirectedAligner
from emnlp.models.lexicon import N_UNSEEN, TINY
from emnlp.models.states import States, frequent
from emnlp.scratch import columns
from emnlp.support import Support


@dataclass(kw_only=True, repr=False)
class HMMAligner(DirectedAligner):
    """The HMM word aligner.

    Given a source sentence of I words and the length J of its translation, the positions of the source words that the
    target words come from form a Markov chain: before each target word the chain decides between NULL, which leaves it
    where it is, and a word; then it jumps from its last source position i' to a source position i, and emits the target
    word from the source word there. It begins before the first word, i' = 0, and ends by a jump to I + 1.

    ======== ========================================== ============================ ===========
    factor   condition                                  outcome                      default
    ======== ========================================== ============================ ===========
    lexical  source word or NULL                        target word                  Categorical
    jump     source word at i' (or the start), i', I    i, or I + 1 after the last   Jump
    null     (none)                                     word, NULL                   Fixed(0.1)
    ======== ========================================== ============================ ===========

    Start it from Model 1: ``HMMAligner().fit(bitext, start=IBM1().fit(bitext))``.

    Parameters
    ----------
    lexical : Factor
    jump : Factor
        `Jump` is log-linear and knows words; `PooledJump` is the textbook's table; any other factor has a table of its
        own for each i' and I.
    null : Factor
        ``Categorical()`` learns it.
    beam : float
        A source position whose share of the forward probability is not above this is dropped at that target word; 0
        drops none. At the default, links do not change, and a third of the time is saved.
    max_iter : int
        5 by default. `learner`, `tol`, `n_jobs`, `random_state`, `verbose`, and the fitted `params_` and `trace_`: see
        `emnlp.model.Model`.

    References
    ----------
    Vogel, Ney & Tillmann (1996), HMM-based word alignment in statistical translation; Och & Ney (2003) on NULL.

    Examples
    --------
    >>> from emnlp import IBM1
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
    >>> model = HMMAligner().fit(bitext, start=IBM1().fit(bitext))
    >>> model.predict(bitext)[1]
    [(0, 0), (1, 1)]
    """

    jump: Factor = field(default_factory=Jump)
    null: Factor = field(default_factory=lambda: Fixed(0.1))
    beam: float = 1e-8

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {**DirectedAligner.kinds, "jump": (Factor,), "null": (Factor,)}
    kept: ClassVar[tuple[str, ...]] = (*DirectedAligner.kept, "classes_", "longest_")
    classes_: NDArray[np.int32] = field(init=False, repr=False, compare=False)
    longest_: int = field(init=False, repr=False, compare=False)

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """A beam loses some likelihood, now here, now there."""
        return "none" if self.beam > 0 else "monotone"

    def prior_supports(self, bitext: Bitext) -> dict[str, Any]:  # noqa: D102
        pairs = bitext.pairs
        source = pairs.source
        self.longest_ = int(source.lengths.max())
        self.classes_ = frequent(source, getattr(self.jump, "n_words", 0))
        self._states = States.of(self.jump, self.classes_, self.longest_)
        jump = self._states.support((part.source for part in pairs.parts()), self.classes_)
        return {"jump": jump, "null": Support.dense(1, 2)}

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        return {"jump": self._states.support(), "null": Support.dense(1, 2)}

    def places(self, pairs: Pairs) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return class and row of each state: before the sentence, and at each of its words."""
        known = self.source_vocabulary_.ids(pairs.source.vocabulary)
        classes = np.where(known < 0, np.int32(0), self.classes_[known])
        return self._states.places(pairs.source, classes, self.factors_["jump"].bound_to)

    def all_places(self, pairs: Pairs) -> Places:
        """Return the `places` of all pairs; a pair has one more than source words."""
        arrays = columns((self.places(part) for part in pairs.parts()), np.int32, pairs.source.folder)
        return Places(arrays, pairs.source.starts + np.arange(len(pairs) + 1))

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials: the lexicon, the weights of jumps, the scales of rows, and the share of NULL."""
        weights, scales = self._states.prepare(theta["jump"])
        arrays = {"jump": np.maximum(weights, TINY), "scale": scales, "null": theta["null"]}
        return Blocks({"lexical": self.lexical_potentials(theta["lexical"]), **arrays})

    def collect(self, counts: Blocks) -> Blocks:
        """Hand the kernels' counts back to the factors."""
        jump = self._states.collect(counts["jump"], counts["scale"])
        return Blocks({"lexical": counts["lexical"][:-N_UNSEEN], "jump": jump, "null": counts["null"]})

    def _tables(self, potentials: Blocks) -> tuple[Array, ...]:
        names = ("jump", "scale", "null")
        return *self.tables(potentials), *(potentials[name] for name in names)

    def logliks(self, batch: Batch, potentials: Blocks, tilt: Array = NO_TILT) -> Array:
        """Return the log-likelihood of each pair in nats: the forward pass alone."""
        logliks, none = np.empty(len(batch)), np.empty(0)
        tables = *self._tables(potentials), tilt, self.beam, none, none, logliks
        chain.expected_counts(*batch.kernel, *tables, (none, np.empty((0, 1)), none, none))
        return logliks

    def posterior_cells(  # noqa: D102
        self, batch: Batch, potentials: Blocks, tilt: Array = NO_TILT, counts: Blocks | None = None
    ) -> tuple[Array, Array, Array]:
        by_cell, by_null, logliks = np.empty(batch.n_cells), np.empty(batch.n_targets), np.empty(len(batch))
        none = (np.empty(0), np.empty((0, 1)), np.empty(0), np.empty(0))
        to_add = none
        if counts is not None:
            to_add = (self.tables(counts)[0], counts["jump"], counts["scale"], counts["null"])
        chain.expected_counts(
            *batch.kernel, *self._tables(potentials), tilt, self.beam, by_cell, by_null, logliks, to_add
        )
        return by_cell, by_null, logliks

    def decode(self, batch: Batch, potentials: Blocks) -> NDArray[np.int32]:
        """Return the components of the most probable alignment (Viterbi), 0 for NULL, pair after pair."""
        best = np.empty(batch.n_targets, np.int32)
        chain.best_paths(*batch.kernel, *self._tables(potentials), NO_TILT, best)
        return best

    def count(self, batch: Batch, latent: NDArray[np.int32], counts: Blocks) -> None:
        """Count each target word under its component; NULL or not; each jump, from the start and to the end, too."""
        self.count_emissions(batch, latent, counts)
        n_source, n_target = batch.sizes.T
        pair = np.repeat(np.arange(len(batch)), n_target + 1)
        path = np.insert(latent, np.cumsum(n_target), n_source + 1)  # each pair ends by a jump to I + 1
        pair, path = pair[path > 0], path[path > 0]  # NULL leaves the chain where it is
        before = np.where(np.roll(path > n_source[pair], 1), 0, np.roll(path, 1))  # 0 after an end: the next start
        states = np.cumsum(n_source + 1)[pair] - n_source[pair] - 1 + before
        klass, row = (each[states] for each in batch.places)
        np.add.at(counts["jump"], self._states.slots(klass, row, before, path, n_source[pair]), 1.0)
        np.add.at(counts["null"], np.where(latent > 0, 0, 1), 1.0)

    def inherit_prior(self, start: DirectedAligner, same: set[str]) -> dict[str, Array]:  # noqa: D102
        found = super().inherit_prior(start, same)
        alike = np.array_equal(getattr(start, "classes_", []), self.classes_)
        if "jump" in same and alike and getattr(start, "longest_", 0) == self.longest_:
            found["jump"] = start.params_["jump"]
        return found

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        super().recall(arrays, prefix)
        self.classes_, self.longest_ = arrays[f"kept/{prefix}classes_"], int(arrays[f"kept/{prefix}longest_"][0])
        n_words = getattr(self.jump, "n_words", 0)
        if self.classes_.dtype != np.int32 or self.classes_.shape != (len(self.source_vocabulary_),):
            raise ValueError("classes")
        if self.classes_.min(initial=0) < 0 or self.classes_.max(initial=0) > n_words or self.longest_ < 1:
            raise ValueError("classes")
        self._states = States.of(self.jump, self.classes_, self.longest_)
