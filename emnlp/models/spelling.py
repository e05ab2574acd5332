"""Words spelt alike in two languages: what to think of names, numbers and loans that a lexicon has never seen."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

DIFFERENT, SIMILAR, IDENTICAL = range(3)

LETTERS = 4
"""Similar words begin with this many letters in common, at least, ..."""

SHARE = 2 / 3
"""... and with this share of the longer word."""


def alike(source: Sequence[str], target: Sequence[str], conditions: Ints, outcomes: Ints) -> NDArray[np.uint8]:
    """Compare pairs of words: source type ``conditions[n]`` with target type ``outcomes[n]``.

    Identical words differ in case at most. Similar ones share their beginning, accents apart: `LETTERS` letters and
    `SHARE` of the longer one; a word with a digit, or one that does not begin with letters, is similar to nothing.

    Returns
    -------
    (N,) uint8
        `DIFFERENT`, `SIMILAR` or `IDENTICAL`.

    Examples
    --------
    >>> pairs = [("Quebec", "québécois"), ("Rome", "ROME"), ("1998", "1999"), ("Warszawa", "Warschau")]
    >>> alike(*zip(*pairs), np.arange(4), np.arange(4))
    array([1, 2, 0, 0], dtype=uint8)
    """
    known: dict[str, int] = {}
    names = [_numbers([word.casefold() for word in side], known) for side in (source, target)]
    stems = [[_stem(word) for word in side] for side in (source, target)]
    heads = [_numbers([stem[:LETTERS] for stem in side], known) for side in stems]
    found = np.where(names[0][conditions] == names[1][outcomes], IDENTICAL, DIFFERENT).astype(np.uint8)
    near = (heads[0][conditions] == heads[1][outcomes]) & (heads[0][conditions] >= 0) & (found == DIFFERENT)
    for n in np.flatnonzero(near).tolist():
        one, other = stems[0][conditions[n]], stems[1][outcomes[n]]
        if _shared(one, other) >= SHARE * max(len(one), len(other)):
            found[n] = SIMILAR
    return found


def _shared(one: str, other: str) -> int:
    """Return how many letters two words have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def _numbers(words: list[str], known: dict[str, int]) -> Ints:
    """Return a number for each word, the same for the same one; -1 for none."""
    return np.array([known.setdefault(word, len(known)) if word else -1 for word in words], np.int32)


def _stem(word: str) -> str:
    """Return a word without case and accents; nothing if it is similar to nothing."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(char for char in parts if not unicodedata.combining(char))
    fits = len(plain) >= LETTERS and plain[:LETTERS].isalpha() and not any(map(str.isdigit, plain))
    return plain if fits else ""
