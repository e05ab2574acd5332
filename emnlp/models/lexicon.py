"""The word pairs of a training text, their slots, and how the pairs of other text find them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.pairs import Pairs
from emnlp.corpus.priors import Priors
from emnlp.corpus.text import Vocabulary
from emnlp.factors import FLOOR
from emnlp.inference.index import look_up, sorted_rows
from emnlp.models import spelling
from emnlp.scratch import kept
from emnlp.support import Support

Slots = NDArray[np.int32]


TINY = 1e-99
"""The least potential of what was learned: above `FLOOR`."""

NULL_FLOOR = 1e-70
"""What NULL's emission of a target word unseen in training reads: more than `FLOOR`, less than ``1 / V``."""

SIMILAR, IDENTICAL = 0.05, 0.5
"""What two words read that are spelt alike, if either is unknown; `spelling.alike` says what that means."""

CHUNK = 1 << 16
"""So many entries at a time become Python objects."""

N_UNSEEN = 5
"""How many potentials come after those of the slots; see `unseen_potentials`."""


def unseen_potentials(n_words: int) -> list[float]:
    """Return what unseen text reads: a pair, any pair of an unknown source word, NULL with an unknown target word.

    Then two words, one of them unknown, that are similar, and that are identical. `n_words` are the target types.
    """
    share = 1 / n_words
    return [FLOOR, share, NULL_FLOOR, max(SIMILAR, share), max(IDENTICAL, share)]


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

    Slots ``0 .. V - 1`` are NULL with each target type; the others are the pairs of the index, in its order. It is made
    once for all models of the same pairs.
    """
    if pairs.transposed not in pairs.made:
        n_source, words = len(pairs.source.vocabulary), len(pairs.target.vocabulary)
        conditions = np.zeros(len(pairs.targets), np.int32)
        np.add(pairs.conditions, 1, out=conditions[words:])
        names = Conditions(pairs.source.vocabulary.words), pairs.target.vocabulary.words
        pairs.made[pairs.transposed] = Support.pairs(conditions, pairs.targets, 1 + n_source, words, names)
    found: Support = pairs.made[pairs.transposed]
    return found


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

    @cached_property
    def _rows(self) -> tuple[NDArray[np.int64], Slots]:
        support = self.support
        starts, order = sorted_rows(support.conditions, support.outcomes, support.n_conditions, support.n_outcomes)
        return starts, order

    def slots_of(self, pairs: Pairs) -> tuple[Slots, Slots]:
        """Return the slots of an indexed text, less V, by cell, and those of NULL's emissions by target token.

        With S the number of slots: a pair that the lexicon lacks has slot S, any pair of an unknown source word S + 1,
        and NULL's emission of an unknown target word S + 2. If either word of a pair is unknown, and they are spelt
        alike, the pair has S + 3 (similar) or S + 4 (identical).
        """
        n, words = len(self.support), len(self.target)
        if pairs.made.get(pairs.transposed) is self.support:
            return pairs.slots, pairs.target.ids
        if self._lists(words, pairs.conditions + np.int32(1), pairs.outcomes, pairs.source.vocabulary.words,
                       pairs.target.vocabulary.words):  # fmt: skip
            return pairs.slots, pairs.target.ids
        conditions = self._conditions(pairs.source.vocabulary)[1:][pairs.conditions]
        target = self.target.ids(pairs.target.vocabulary)
        slots = self._look_up(conditions, target[pairs.outcomes], n, n + 1)
        strange = np.flatnonzero((conditions < 0) | (target < 0)[pairs.outcomes])
        if len(strange):
            sides = pairs.source.vocabulary.words, pairs.target.vocabulary.words
            found = spelling.alike(*sides, pairs.conditions[strange], pairs.outcomes[strange])
            slots[strange[found > 0]] = n + 2 + found[found > 0].astype(np.int32)
        null_slots = np.where(target < 0, np.int32(n + 2), target)
        by_cell = np.append(slots, np.int32(n)) - np.int32(words)  # at the end, for pairs that the text itself dropped
        rows = (null_slots[part.target.ids] for part in pairs.parts())
        return pairs.renumbered(by_cell), kept(rows, np.int32, pairs.source.folder)

    def find(self, other: Lexicon) -> Slots:
        """Return this lexicon's slot of each slot of another one, -1 where it has none."""
        theirs = other.support
        if theirs is self.support or self._lists(
            0, theirs.conditions, theirs.outcomes, other.source.words, other.target.words
        ):
            return np.arange(len(theirs), dtype=np.int32)
        conditions = self._conditions(other.source)[theirs.conditions]
        return self._look_up(conditions, self.target.ids(other.target)[theirs.outcomes], -1, -1)

    def _lists(self, first: int, conditions: Slots, outcomes: Slots, source: list[str], target: list[str]) -> bool:
        """Return whether the slots from `first` on are these pairs of these words, in this order."""
        if len(outcomes) != len(self.support) - first:
            return False
        mine = self.support.conditions[first:], self.support.outcomes[first:]
        same = np.array_equal(mine[0], conditions) and np.array_equal(mine[1], outcomes)
        return same and source == self.source.words and target == self.target.words

    def _conditions(self, source: Vocabulary) -> Slots:
        """Return the condition of NULL and of each word of another vocabulary, -1 for an unknown one."""
        ids = self.source.ids(source)
        return np.concatenate([np.zeros(1, np.int32), np.where(ids < 0, ids, ids + np.int32(1))])

    def _look_up(self, conditions: Slots, outcomes: Slots, missing: int, unknown: int) -> Slots:
        found: Slots = look_up(*self._rows, self.support.outcomes, conditions, outcomes, missing, unknown)
        return found

    def pseudo_counts(self, prior: Priors) -> tuple[Array, int]:
        """Return a prior's counts by slot, and how many of its entries of two words have a slot.

        An entry whose target is NULL is the other direction's.
        """
        conditions = self._conditions(prior.source)[prior.sources]
        outcomes = np.append(self.target.ids(prior.target), np.int32(-1))[prior.targets - 1]
        slots = self._look_up(conditions, outcomes, -1, -1)
        known = slots >= 0
        counts = np.bincount(slots[known], prior.counts[known], len(self.support)).astype(np.float64, copy=False)
        return counts, int((known & (prior.sources > 0)).sum())

    def entries(self, p: Array, min_p: float = 0.0, by: str = "prob") -> Iterator[tuple[str | None, str, float]]:
        """Yield source word, target word and probability of the slots whose `p` is at least `min_p`.

        NULL comes first, as None, then the source words in alphabetical order; those of one source word go `by`
        ``prob``, descending, or by target ``word``.
        """
        slots = np.flatnonzero(p >= min_p)
        conditions, outcomes, p = self.support.conditions[slots], self.support.outcomes[slots], p[slots]
        first = np.concatenate([[0], 1 + _ranks(self.source.words)])[conditions]
        last = _ranks(self.target.words)[outcomes]
        order = np.lexsort((last, -p, first) if by == "prob" else (last, first))
        source, target = [None, *self.source.words], self.target.words
        for here in np.array_split(order, 1 + len(order) // CHUNK):
            columns = (conditions[here].tolist(), outcomes[here].tolist(), p[here].tolist())
            yield from ((source[c], target[o], value) for c, o, value in zip(*columns))


def _ranks(words: list[str]) -> Slots:
    """Return the place of each word in alphabetical (code point) order."""
    ranks = np.empty(len(words), np.int32)
    ranks[sorted(range(len(words)), key=words.__getitem__)] = np.arange(len(words), dtype=np.int32)
    return ranks
