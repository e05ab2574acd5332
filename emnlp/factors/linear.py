"""Linear scores of slots: features times weights, in the cheapest of the forms that fit a support.

On a *table*, a support of all pairs of conditions and outcomes, a feature of outcomes is one sparse matrix B (O, b) for
all conditions, and the scores are ``B W``, with W (b, C); tied weights are W (b, 1), and weights of condition features
A (C, a) are ``B W A'``, with W (b, a). On any other support, and for features of pairs, they are one sparse matrix over
the slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.factors.terms import Label, SlotTerm, TableTerm
from emnlp.features import Feature, PairFeature, WordFeature
from emnlp.features.columns import Columns, Lazy
from emnlp.storage import Saved
from emnlp.support import Support


@dataclass(frozen=True)
class Tied(Saved):
    """A feature of outcomes with one weight for all conditions: what they back off to."""

    feature: WordFeature


@dataclass(frozen=True)
class Crossed(Saved):
    """Features of conditions times features of outcomes: a weight for each pair of theirs."""

    condition: WordFeature
    outcome: WordFeature


Term = Feature | Tied | Crossed


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Scores (S,) of the slots of a support, linear in one vector of weights.

    Parameters
    ----------
    support : Support
    parts : list of TableTerm or SlotTerm
        The terms, in the order of their weights, which is that of the features.
    dropped : int
        How many columns were cut.
    """

    support: Support
    parts: list[TableTerm | SlotTerm]
    dropped: int = 0

    @classmethod
    def of(cls, support: Support, terms: Sequence[Term], min_count: int = 1) -> LinearScores:
        """Build the terms of a support; columns that fire in fewer than `min_count` rows are dropped, and counted."""
        parts: list[TableTerm | SlotTerm] = []
        dropped = 0
        for term in terms:
            on_table = support.layout is not None and not isinstance(term, PairFeature)
            made, cut = (_table_term if on_table else _slot_term)(support, term, min_count)
            parts.append(made)
            dropped += cut
        return cls(support, parts, dropped)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where the weights of each term begin, and the end of the last."""
        return np.cumsum([0, *(part.n_weights for part in self.parts)])

    @property
    def n_weights(self) -> int:
        """The number of weights."""
        return int(self.bounds[-1])

    def scores(self, weights: Array, total: Array | None = None) -> Array:
        """Return the scores, (S,), written into `total` where that is given."""
        total = np.empty(len(self.support)) if total is None else total
        total[:] = 0
        for term, a, b in zip(self.parts, self.bounds, self.bounds[1:]):
            if isinstance(term, TableTerm):
                table = self.support.table(total)
                table += term.scores(weights[a:b])
            else:
                term.add_scores(weights[a:b], total)
        return total

    def room(self, gradient: Array) -> Array:
        """Return an array for scores and their slopes: in the gradient, if that of a term is the slopes themselves."""
        for term, a, b in zip(self.parts, self.bounds, self.bounds[1:]):
            if isinstance(term, SlotTerm) and term.each:
                return gradient[a:b]
        return np.empty(len(self.support))

    def gradient(self, slopes: Array, found: Array | None = None) -> Array:
        """Return the derivative by the weights, from that by the scores: the adjoint of `scores`.

        It is written into `found` where that is given; the slopes may lie in its `room`.
        """
        on_table = any(isinstance(term, TableTerm) for term in self.parts)
        grid = np.ascontiguousarray(self.support.table(slopes)) if on_table else slopes
        found = np.empty(self.n_weights) if found is None else found
        for term, a, b in zip(self.parts, self.bounds, self.bounds[1:]):
            term.gradient(grid if isinstance(term, TableTerm) else slopes, found[a:b])
        return found

    def of_others(self, weights: Array, words: Sequence[str]) -> Array | None:
        """Return the scores of outcomes that a table lacks, (n, C); None if not all features are of words."""
        found = np.zeros((len(words), self.support.n_conditions))
        for term, a, b in zip(self.parts, self.bounds, self.bounds[1:]):
            if isinstance(term, SlotTerm):
                return None
            found += term.of_others(weights[a:b], words)
        return found

    def label(self, k: int) -> Label:
        """Return what weight k is of: condition (None if of all, or in the name) and feature."""
        part = int(np.searchsorted(self.bounds, k, "right")) - 1
        return self.parts[part].label(k - int(self.bounds[part]))


def _columns(feature: WordFeature, words: Sequence[str | None], min_count: int) -> tuple[Columns, int]:
    if not isinstance(feature, WordFeature):
        raise InputError(f"{feature!r}: expected a feature of words here, such as Suffixes(3)")
    return feature.columns(words).cut(min_count)


def _names(support: Support) -> tuple[Sequence[str | None], Sequence[str | None]]:
    if support.names is None:
        raise InputError("this factor's conditions and outcomes have no names for features to read; use Slot()")
    return support.names


def _table_term(support: Support, term: Term, min_count: int) -> tuple[TableTerm, int]:
    conditions, outcomes = _names(support)
    read = term.outcome if isinstance(term, Crossed) else term.feature if isinstance(term, Tied) else term
    columns, cut = _columns(read, outcomes, min_count)  # type: ignore[arg-type]
    assert isinstance(read, WordFeature)
    n = support.n_conditions
    if isinstance(term, Tied):
        return TableTerm(columns.matrix, np.ones((n, 1)), n, ([None], columns.names), read), cut
    if isinstance(term, Crossed):
        left, more = _columns(term.condition, conditions, 1)
        return TableTerm(columns.matrix, left.matrix.toarray(), n, (left.names, columns.names), read), cut + more
    return TableTerm(columns.matrix, None, n, (conditions, columns.names), read), cut


def _slot_term(support: Support, term: Term, min_count: int) -> tuple[SlotTerm, int]:
    if isinstance(term, PairFeature):
        columns, cut = term.columns(support).cut(min_count)
        return SlotTerm(columns.matrix, Lazy(partial(_of_all, columns.names), len(columns.names))), cut  # type: ignore[arg-type]
    conditions, outcomes = _names(support)
    read = term.outcome if isinstance(term, Crossed) else term.feature if isinstance(term, Tied) else term
    right, _ = _columns(read, outcomes, 1)  # type: ignore[arg-type]
    if isinstance(term, Tied):
        left_matrix, left_names = csr_array(np.ones((support.n_conditions, 1))), [None]
    elif isinstance(term, Crossed):
        left, _ = _columns(term.condition, conditions, 1)
        left_matrix, left_names = left.matrix, left.names  # type: ignore[assignment]
    else:
        left_matrix, left_names = eye_array(support.n_conditions, format="csr"), conditions  # type: ignore[assignment]
    return _crossed(support, left_matrix, left_names, right, min_count)


def _crossed(
    support: Support, left: csr_array, left_names: Sequence[Any], right: Columns, min_count: int
) -> tuple[SlotTerm, int]:
    """Return the products of condition and outcome features that fire on a slot, one column for each pair that does."""
    a, b = left[support.conditions], right.matrix[support.outcomes]
    sizes_a, sizes_b = np.diff(a.indptr), np.diff(b.indptr)
    sizes = (sizes_a * sizes_b).astype(np.int64)
    slot = np.repeat(np.arange(len(support)), sizes)
    within = np.arange(len(slot)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    at_a = a.indptr[slot] + within // np.maximum(sizes_b[slot], 1)
    at_b = b.indptr[slot] + within % np.maximum(sizes_b[slot], 1)
    keys = a.indices[at_a].astype(np.int64) * right.matrix.shape[1] + b.indices[at_b]
    kept, columns, counts = np.unique(keys, return_inverse=True, return_counts=True)
    new = np.cumsum(counts >= min_count) - 1
    used = counts[columns] >= min_count
    n = int((counts >= min_count).sum())
    matrix = csr_array(((a.data[at_a] * b.data[at_b])[used], (slot[used], new[columns[used]])), (len(support), n))
    pairs, width = kept[counts >= min_count], right.matrix.shape[1]
    names = Lazy(partial(_of_both, left_names, right.names, pairs, width), n)  # type: ignore[arg-type]
    return SlotTerm(matrix.tocsr(), names), len(kept) - n  # type: ignore[arg-type]


def _of_all(names: Sequence[str], k: int) -> Label:
    return None, names[k]


def _of_both(left: Sequence[Any], right: Sequence[str], pairs: NDArray[np.int64], width: int, k: int) -> Label:
    a, b = divmod(int(pairs[k]), width)
    return left[a], right[b]
