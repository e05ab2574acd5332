"""The word pairs of a training text, their slots, and how the pairs of other text find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.bitext import Pairs
from emnlp.corpus.text import Vocabulary
from emnlp.inference.index import translate
from emnlp.support import Support

Slots = NDArray[np.int32]


TINY = 1e-99
"""The least potential of what was learned: above `FLOOR`."""

NULL_FLOOR = 1e-70
"""What NULL's emission of a target word unseen in training reads: more than `FLOOR`, less than ``1 / V``."""


@dataclass(frozen=True)
class Conditions(Sequence[str | None]):
    """The names of a lexicon's conditions: None for NULL, then the source words."""

    words: Sequence[str]

    def __getitem__(self, k):  # type: ignore[no-untyped-def]
        return self.words[k - 1] if k else None

    def __len__(self) -> int:
        return 1 + len(self.words)


def lexical_support(pairs: Pairs) -> Support:
    """Return the support of P(target word | source word or NULL): condition 0 is NULL, c + 1 is source type c.

    Slots ``0 .. V - 1`` are NULL with each target type; the others are the pairs of the index, in its order.
    """
    n_source, words = len(pairs.source.vocabulary), len(pairs.target.vocabulary)
    conditions = np.concatenate([np.zeros(words, np.int32), pairs.conditions + np.int32(1)])
    outcomes = np.concatenate([np.arange(words, dtype=np.int32), pairs.outcomes])
    names = Conditions(pairs.source.vocabulary.words), pairs.target.vocabulary.words
    return Support.pairs(conditions, outcomes, 1 + n_source, words, names)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """A lexical support with the words that its ids stand for."""

    support: Support
    source: Vocabulary
    target: Vocabulary

    def is_sound(self) -> bool:
        """Return whether the support is one of these vocabularies, NULL's row first; that of a file may not be."""
        words, support = len(self.target), self.support
        fits = (support.n_conditions, support.n_outcomes) == (1 + len(self.source), words)
        null_row = np.array_equal(support.outcomes[:words], np.arange(words)) and not support.conditions[:words].any()
        return fits and null_row

    def slots_of(self, pairs: Pairs) -> tuple[Slots, Slots]:
        """Return the slots of an indexed text, less V, by cell, and those of NULL's emissions by target token.

        With S the number of slots: a pair that the lexicon lacks has slot S, any pair of an unknown source word S + 1,
        and NULL's emission of an unknown target word S + 2.
        """
        support, words = self.support, len(self.target)
        if (
            np.array_equal(support.outcomes[words:], pairs.outcomes)
            and np.array_equal(support.conditions[words:] - 1, pairs.conditions)
            and pairs.source.vocabulary.words == self.source.words
            and pairs.target.vocabulary.words == self.target.words
        ):
            return pairs.slots, pairs.target.ids
        source, target = self.source.ids(pairs.source.vocabulary), self.target.ids(pairs.target.vocabulary)
        new = Support.pairs(pairs.conditions, pairs.outcomes, len(source), len(target))
        slots = self._translate(new, np.where(source < 0, -1, source + 1), target, len(support), len(support) + 1)
        null_slots = np.where(target < 0, np.int32(len(support) + 2), target)
        return (slots - np.int32(words))[pairs.slots], null_slots[pairs.target.ids]

    def find(self, other: Lexicon) -> Slots:
        """Return this lexicon's slot of each slot of another one, -1 where it has none."""
        source = self.source.ids(other.source)
        condition_of = np.concatenate([[0], np.where(source < 0, -1, source + 1)])
        return self._translate(other.support, condition_of, self.target.ids(other.target), -1, -1)

    def _translate(self, other: Support, condition_of: Slots, outcome_of: Slots, missing: int, unknown: int) -> Slots:
        rows, own = ((each.starts, each.order, each.outcomes) for each in (other, self.support))
        condition_of = condition_of.astype(np.int32)
        found: Slots = translate(rows, condition_of, outcome_of, own, len(self.target), missing, unknown)
        return found
