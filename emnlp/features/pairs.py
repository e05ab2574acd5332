"""Templates of two words: how alike they are spelt."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from emnlp.errors import InputError
from emnlp.features.base import (
    PairFeature,
    bin_numbers,
    bins,
    check_length,
    edges_of,
    is_number,
    is_punctuation,
    labels,
    marked,
)
from emnlp.features.columns import Columns, stacked
from emnlp.features.sides import names_of, numbered, spelt
from emnlp.inference.columns import agree
from emnlp.inference.spelling import edit_distance_bins, shared
from emnlp.support import Support

LONGEST = 1024
"""So many characters of a word does the edit distance read: more would be a page, not a word."""


@dataclass(frozen=True)
class SameSpelling(PairFeature):
    """Whether the words are identical (``same``), and whether they are but for case (``same-lower``; fires with both).

    Examples
    --------
    >>> pairs = Support.dense(1, 3, (["Paris"], ["Paris", "PARIS", "Rome"]))
    >>> SameSpelling().columns(pairs).matrix.toarray().tolist()
    [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    """

    def columns(self, support: Support) -> Columns:  # noqa: D102
        return _agreeing(support, "SameSpelling", {"same": str, "same-lower": str.casefold})


@dataclass(frozen=True)
class EditDistance(PairFeature):
    """Levenshtein's distance divided by the length of the longer word, in bins.

    Words are compared by their first 1,024 characters. Two empty words have distance 0.

    Parameters
    ----------
    bins : int or tuple of float
        The number of bins of equal width between 0 and 1, or where each but the first begins.
    lowercase, accents : bool
        Whether to compare lower-cased words, and whether accents count.
    below : float
        Only bins that begin below it have a column: 0.5 leaves out what nearly every pair of words has.

    Examples
    --------
    >>> columns = EditDistance(4).columns(Support.dense(1, 2, (["colour"], ["couleur", "red"])))
    >>> list(columns.names)
    ['lower-edit-distance<0.25', '0.25<=lower-edit-distance<0.5', '0.5<=lower-edit-distance<0.75',
     'lower-edit-distance>=0.75']
    >>> columns.matrix.toarray().tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    bins: int | tuple[float, ...] = 10
    lowercase: bool = True
    accents: bool = True
    below: float = np.inf

    def __post_init__(self) -> None:
        if isinstance(self.bins, int):
            bins(0, 1, self.bins)
        else:
            object.__setattr__(self, "bins", edges_of(self.bins, "EditDistance"))
        if not self.below > 0:
            raise InputError(f"EditDistance(below={self.below}): no bin begins below that; give a number above 0")

    def columns(self, support: Support) -> Columns:  # noqa: D102
        edges = _edges(self.bins)
        source, target, size = spelt(support, "EditDistance", self.lowercase, self.accents)
        rows = support.starts, support.order, support.outcomes
        names = labels(marked("edit-distance", self.lowercase, self.accents), edges)
        n = 1 + int(np.searchsorted(edges, self.below))  # the bins that begin below it
        end = edges[n - 1] if n <= len(edges) else np.inf
        found = edit_distance_bins(*rows, source, target, size, LONGEST, np.array(edges, np.float64), end)
        return Columns.binned(found, names[:n])


@dataclass(frozen=True)
class LengthRatio(PairFeature):
    """The length of the shorter word divided by that of the longer one, in bins; two empty words have 1.

    Parameters
    ----------
    bins : int or tuple of float
        The number of bins of equal width between 0 and 1, or where each but the first begins.

    Examples
    --------
    >>> LengthRatio(2).columns(Support.dense(1, 2, (["house"], ["haus", "in"]))).matrix.toarray().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    bins: int | tuple[float, ...] = 5

    def __post_init__(self) -> None:
        if isinstance(self.bins, int):
            bins(0, 1, self.bins)
        else:
            object.__setattr__(self, "bins", edges_of(self.bins, "LengthRatio"))

    def columns(self, support: Support) -> Columns:  # noqa: D102
        source, target, _ = spelt(support, "LengthRatio", False, True)
        a, b = (
            np.where(there, np.diff(starts), np.nan)[ids]
            for (_, starts, there), ids in ((source, support.conditions), (target, support.outcomes))
        )
        longer = np.maximum(a, b)
        ratio = np.divide(np.minimum(a, b), longer, out=np.ones(len(support)), where=longer != 0)
        edges = _edges(self.bins)
        return Columns.binned(bin_numbers(ratio, edges), labels("length-ratio", edges))


@dataclass(frozen=True)
class SharedPrefix(PairFeature):
    """How many characters the words have in common at their beginning, up to `n`; nothing fires on none.

    Parameters
    ----------
    n : int
        That many and more are one column.
    lowercase, accents : bool
        Whether to compare lower-cased words, and whether accents count.

    Examples
    --------
    >>> columns = SharedPrefix(3, accents=False).columns(Support.dense(1, 3, (["école"], ["Economy", "et", "le"])))
    >>> list(columns.names)
    ['lower-plain-shared-prefix=1', 'lower-plain-shared-prefix=2', 'lower-plain-shared-prefix>=3']
    >>> columns.matrix.toarray().tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    n: int = 4
    lowercase: bool = True
    accents: bool = True

    def __post_init__(self) -> None:
        check_length(self.n, type(self).__name__)

    def columns(self, support: Support) -> Columns:  # noqa: D102
        return self._counted(support, "shared-prefix", at_end=False)

    def _counted(self, support: Support, kind: str, *, at_end: bool) -> Columns:
        source, target, _ = spelt(support, type(self).__name__, self.lowercase, self.accents)
        found = shared(support.conditions, support.outcomes, source, target, self.n, at_end)
        name = marked(kind, self.lowercase, self.accents)
        return Columns.binned(found - 1, [*(f"{name}={k}" for k in range(1, self.n)), f"{name}>={self.n}"])


@dataclass(frozen=True)
class SharedSuffix(SharedPrefix):
    """How many characters the words have in common at their end, as `SharedPrefix` at the beginning.

    Examples
    --------
    >>> columns = SharedSuffix(3).columns(Support.dense(1, 2, (["nation"], ["ration", "nations"])))
    >>> columns.matrix.toarray().tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """

    def columns(self, support: Support) -> Columns:  # noqa: D102
        return self._counted(support, "shared-suffix", at_end=True)


@dataclass(frozen=True)
class BothNumbers(PairFeature):
    """Whether both words are numbers (a digit and no letter), and whether they have the same digits.

    Examples
    --------
    >>> BothNumbers().columns(Support.dense(1, 3, (["1.5"], ["1,5", "2", "two"]))).matrix.toarray().tolist()
    [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    """

    def columns(self, support: Support) -> Columns:  # noqa: D102
        return _agreeing(support, "BothNumbers", {"both-numbers": _number, "same-digits": _digits})


@dataclass(frozen=True)
class BothPunctuation(PairFeature):
    """Whether both words are made of punctuation and symbols alone.

    Examples
    --------
    >>> BothPunctuation().columns(Support.dense(1, 3, (["!"], ["!", "...", "a!"]))).counts
    array([2])
    """

    def columns(self, support: Support) -> Columns:  # noqa: D102
        return _agreeing(support, "BothPunctuation", {"both-punctuation": _punctuation})


def _number(word: str) -> str | None:
    return "number" if is_number(word) else None


def _digits(word: str) -> str | None:
    if not is_number(word):
        return None
    return "".join(str(unicodedata.decimal(char)) for char in word if char.isdecimal())


def _punctuation(word: str) -> str | None:
    return "punctuation" if is_punctuation(word) else None


def _agreeing(support: Support, template: str, keys: Mapping[str, Callable[[str], str | None]]) -> Columns:
    """Return a column for each key: it fires where both words have that key, and the same."""
    sides = names_of(support, template)
    found = []
    for name, key in keys.items():
        known: dict[str, int] = {}
        ours, theirs = (numbered(side, key, known) for side in sides)
        found.append(Columns.binned(agree(support.conditions, support.outcomes, ours, theirs), [name]))
    return stacked(found)


def _edges(given: int | tuple[float, ...]) -> tuple[float, ...]:
    return bins(0, 1, given) if isinstance(given, int) else given
