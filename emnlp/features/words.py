"""Templates of a word alone: its form, its ends, its shape."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emnlp.features.base import WordFeature, check_length, edges_of, is_punctuation, labels, marked, written
from emnlp.features.columns import Columns

BOUNDARY = "▁"
"""Where a word begins and ends, in the names of n-grams."""

_DIGIT = re.compile(r"\d")
_HYPHEN = re.compile("[-\u2010\u2011]")


@dataclass(frozen=True)
class Constant(WordFeature):
    """A bias: 1 on each word, None included.

    Examples
    --------
    >>> Constant().columns(["the", None]).matrix.toarray().tolist()
    [[1.0], [1.0]]
    """

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return ("constant",)

    def columns(self, words: Sequence[str | None]) -> Columns:  # noqa: D102
        return Columns.binned(np.zeros(len(words), np.int32), ["constant"])


@dataclass(frozen=True)
class Word(WordFeature):
    """The word itself: a column a type.

    Examples
    --------
    >>> list(Word(lowercase=True).columns(["The", "the", "end"]).names)
    ['lower-word=the', 'lower-word=end']
    """

    lowercase: bool = False

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return (f"{marked('word', self.lowercase)}={word.lower() if self.lowercase else word}",)


@dataclass(frozen=True)
class Capital(WordFeature):
    """Whether the word begins with a capital (upper or title case).

    Examples
    --------
    >>> Capital().columns(["Émile", "the", "iPod"]).counts
    array([1])
    """

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        first = word[:1]
        return ("capital",) if first.isupper() or first.istitle() else ()


@dataclass(frozen=True)
class Digit(WordFeature):
    """Whether the word contains a decimal digit, of whatever script.

    Examples
    --------
    >>> Digit().columns(["B2B", "second"]).counts
    array([1])
    """

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return ("digit",) if _DIGIT.search(word) else ()


@dataclass(frozen=True)
class Hyphen(WordFeature):
    """Whether the word contains a hyphen: ``-``, U+2010 or U+2011.

    Examples
    --------
    >>> Hyphen().columns(["well-known", "known", "-"]).counts
    array([2])
    """

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return ("hyphen",) if _HYPHEN.search(word) else ()


@dataclass(frozen=True)
class Punctuation(WordFeature):
    """Whether the word is made of punctuation and symbols alone.

    Examples
    --------
    >>> Punctuation().columns(["...", "$", "U.S."]).counts
    array([2])
    """

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return ("punctuation",) if is_punctuation(word) else ()


@dataclass(frozen=True)
class Suffixes(WordFeature):
    """The last 1, 2, ..., n characters.

    A word is a suffix of itself, as in the taggers of Ratnaparkhi (1996) and the n-grams of Berg-Kirkpatrick et al.
    (2010): the column ``suffix=ing`` fires on each word that ends so.

    Examples
    --------
    >>> list(Suffixes(2, lowercase=True).columns(["HOUSES", "a"]).names)
    ['lower-suffix=s', 'lower-suffix=es', 'lower-suffix=a']
    """

    n: int = 3
    lowercase: bool = False

    def __post_init__(self) -> None:
        check_length(self.n, "Suffixes")

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        text, name = written(word, self.lowercase), marked("suffix", self.lowercase)
        return [f"{name}={text[-k:]}" for k in range(1, min(self.n, len(text)) + 1)]


@dataclass(frozen=True)
class Prefixes(WordFeature):
    """The first 1, 2, ..., n characters; a word is a prefix of itself.

    Examples
    --------
    >>> list(Prefixes(2).columns(["under", "a"]).names)
    ['prefix=u', 'prefix=un', 'prefix=a']
    """

    n: int = 3
    lowercase: bool = False

    def __post_init__(self) -> None:
        check_length(self.n, "Prefixes")

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        text, name = written(word, self.lowercase), marked("prefix", self.lowercase)
        return [f"{name}={text[:k]}" for k in range(1, min(self.n, len(text)) + 1)]


@dataclass(frozen=True)
class CharNgrams(WordFeature):
    """The character n-grams of the word between boundary marks, of 1 to `n` characters; a mark alone is none.

    The third template of Berg-Kirkpatrick et al. (2010) for tags is ``CharNgrams(3)``, but for the marks.

    Examples
    --------
    >>> list(CharNgrams(2).columns(["aha"]).names)
    ['ngram=a', 'ngram=h', 'ngram=▁a', 'ngram=ah', 'ngram=ha', 'ngram=a▁']
    """

    n: int = 3
    lowercase: bool = False

    def __post_init__(self) -> None:
        check_length(self.n, "CharNgrams")

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        inner, name = written(word, self.lowercase), marked("ngram", self.lowercase)
        text = f"{BOUNDARY}{inner}{BOUNDARY}" if inner else ""
        return [
            *(f"{name}={character}" for character in inner),
            *(f"{name}={text[p : p + k]}" for k in range(2, self.n + 1) for p in range(len(text) - k + 1)),
        ]


class _Classes(dict[int, str | None]):
    """The class of each character, filled as characters come; what is no letter, mark or digit stays as it is."""

    def __missing__(self, code: int) -> str | None:
        character, found = chr(code), None
        if unicodedata.category(character)[0] == "M":
            pass  # it belongs to its letter
        elif character.isdecimal():
            found = "d"
        elif character.isupper() or character.istitle():
            found = "X"
        elif character.islower():
            found = "x"
        else:
            found = "o" if character.isalpha() else character
        self[code] = found
        return found


_CLASSES = _Classes()


@dataclass(frozen=True)
class Shape(WordFeature):
    """The word with a letter for each class of character, runs of one class cut to `run`.

    ``X`` is a capital, ``x`` a small letter, ``o`` a letter without case, ``d`` a digit; combining marks are left
    out, other characters stay as they are.

    Examples
    --------
    >>> list(Shape().columns(["Berlin-2010", "of", "日本語", "McDonald", "..."]).names)
    ['shape=Xxx-dd', 'shape=xx', 'shape=oo', 'shape=XxXxx', 'shape=..']
    """

    run: int = 2

    def __post_init__(self) -> None:
        check_length(self.run, "Shape")

    @cached_property
    def _run(self) -> re.Pattern[str]:
        return re.compile(rf"(.)\1{{{self.run},}}", re.DOTALL)

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        shape = written(word).translate(_CLASSES)
        return (f"shape={self._run.sub(lambda found: found[1] * self.run, shape)}",)


@dataclass(frozen=True)
class WordLength(WordFeature):
    """The number of characters, in bins.

    Parameters
    ----------
    bins : tuple of float
        Where each bin but the first begins.

    Examples
    --------
    >>> list(WordLength((2, 5)).columns(["a", "the", "letters"]).names)
    ['length<2', '2<=length<5', 'length>=5']
    """

    bins: tuple[float, ...] = (2, 3, 4, 5, 6, 8, 10, 13)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bins", edges_of(self.bins, "WordLength"))

    @cached_property
    def _labels(self) -> list[str]:
        return labels("length", self.bins)

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return (self._labels[bisect(self.bins, len(written(word)))],)
