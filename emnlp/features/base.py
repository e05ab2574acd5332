"""Feature templates: what a log-linear factor may know of a word, or of a pair of words."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.features.columns import Columns
from emnlp.storage import Saved
from emnlp.support import Support


@dataclass(frozen=True)
class Feature(Saved):
    """A template: a value such as ``Suffixes(3)`` that makes columns of words, or of pairs.

    A model file holds its name and its fields, never code: after loading, the same columns come from the same words. To
    write one, subclass `WordFeature` or `PairFeature`, under a name that no other part has; for a function of your own,
    `register` is enough.
    """


@dataclass(frozen=True)
class WordFeature(Feature):
    """A template of a word alone; a subclass defines `fires`.

    Characters are Unicode code points of the composed form (NFC), so that a letter and its accent are one wherever
    Unicode has them as one.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Vowels(WordFeature):
    ...     def fires(self, word):
    ...         return [f"vowel={letter}" for letter in word if letter in "aeiou"]
    >>> list(Vowels().columns(["the", None, "house"]).names)
    ['vowel=e', 'vowel=o', 'vowel=u']
    """

    def fires(self, word: str) -> Iterable[str]:
        """Return the names of the columns that fire on a word."""
        raise NotImplementedError

    def columns(self, words: Sequence[str | None]) -> Columns:
        """Return the columns of some words; nothing fires on None."""
        return Columns.of(() if word is None else self.fires(word) for word in words)


@dataclass(frozen=True)
class PairFeature(Feature):
    """A template of a pair, condition and outcome; a subclass defines `columns`."""

    def columns(self, support: Support) -> Columns:
        """Return the columns of a support's slots; nothing fires on one whose condition or outcome is None."""
        raise NotImplementedError


@lru_cache(maxsize=1 << 18)
def written(word: str, lowercase: bool = False, accents: bool = True) -> str:
    """Return a word as features read it: composed, in lower case if wanted, and without accents if wanted.

    Examples
    --------
    >>> written("E\u0301TE\u0301", lowercase=True), written("été", accents=False)
    ('été', 'ete')
    """
    if lowercase:
        word = word.lower()
    if word.isascii():
        return word
    if not accents:
        word = "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", word)


@lru_cache(maxsize=1 << 18)
def is_punctuation(word: str) -> bool:
    """Return whether a word is made of punctuation and symbols alone, and is not empty.

    Examples
    --------
    >>> [is_punctuation(word) for word in ("...", "``", "$", "U.S.", "")]
    [True, True, True, False, False]
    """
    return word != "" and all(unicodedata.category(char)[0] in "PS" for char in word)


@lru_cache(maxsize=1 << 18)
def is_number(word: str) -> bool:
    """Return whether a word has a decimal digit, of whatever script, and no letter.

    Examples
    --------
    >>> [is_number(word) for word in ("1,000", "1998-99", "٣", "2nd", "-")]
    [True, True, True, False, False]
    """
    return any(map(str.isdecimal, word)) and not any(map(str.isalpha, word))


def bins(low: float, high: float, n: int, *, log: bool = False) -> tuple[float, ...]:
    """Return the edges of `n` bins of equal width from `low` to `high`: what lies outside falls into the outer ones.

    Parameters
    ----------
    low, high : float
    n : int
        There are n - 1 edges, none at `low` and `high`.
    log : bool
        Bins of equal ratio: 1 to 10, 10 to 100.

    Raises
    ------
    InputError
        If there is no such row of bins.

    Examples
    --------
    >>> bins(0, 1, 4), bins(1, 1000, 3, log=True)
    ((0.25, 0.5, 0.75), (10.0, 100.0))
    """
    if n < 1 or not -math.inf < low < high < math.inf or (log and low <= 0):
        raise InputError(f"no {n} bins from {low} to {high}; give 1 bin or more, a low end {'above 0 and ' * log}below")
    if log:
        return tuple(round(low * (high / low) ** (k / n), 12) for k in range(1, n))
    return tuple(low + (high - low) * k / n for k in range(1, n))


def edges_of(values: object, template: str) -> tuple[float, ...]:
    """Return the edges of bins as a tuple.

    Raises
    ------
    InputError
        If they are not numbers, do not ascend, or are not finite.
    """
    edges = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else None
    if edges is None or not all(isinstance(edge, int | float | np.number) and math.isfinite(edge) for edge in edges):
        raise InputError(f"{template}: {values!r} are no edges of bins; give a tuple of numbers, such as bins(0, 1, 5)")
    if not all(a < b for a, b in zip(edges, edges[1:])):
        raise InputError(f"{template}: the edges of bins have to ascend, but these do not: {edges}")
    return edges


def labels(name: str, edges: Sequence[float]) -> list[str]:
    """Return a name for each bin between edges.

    Examples
    --------
    >>> labels("dice", (0.1, 0.5))
    ['dice<0.1', '0.1<=dice<0.5', 'dice>=0.5']
    """
    if not edges:
        return [name]
    short = [f"{edge:.6g}" for edge in edges]
    ends = short if len(set(short)) == len(short) else [repr(float(edge)) for edge in edges]
    return [f"{name}<{ends[0]}", *(f"{a}<={name}<{b}" for a, b in zip(ends, ends[1:])), f"{name}>={ends[-1]}"]


def check_length(n: int, template: str) -> None:
    """Raise an InputError unless `n` is a number of characters."""
    if not (isinstance(n, int) and n >= 1):
        raise InputError(f"{template}: {n!r} is not a number of characters; give a whole number, 1 or more")


def marked(name: str, lowercase: bool, accents: bool = True) -> str:
    """Return a column's name that says how words were read.

    Examples
    --------
    >>> marked("suffix", True), marked("edit-distance", True, False)
    ('lower-suffix', 'lower-plain-edit-distance')
    """
    return f"{'lower-' if lowercase else ''}{'' if accents else 'plain-'}{name}"


def bin_numbers(values: Array, edges: Sequence[float]) -> NDArray[np.int32]:
    """Return the bin of each number, -1 for NaN, int32."""
    found = np.searchsorted(np.asarray(edges, np.float64), values, side="right").astype(np.int32)
    found[np.isnan(values)] = -1
    return found
