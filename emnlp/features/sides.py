"""The words of both sides of a support, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.errors import InputError
from emnlp.features.base import written
from emnlp.inference.columns import drop_rare, number_pairs
from emnlp.inference.index import distinct, find, hashed, invert
from emnlp.support import Support

Ints = NDArray[np.int32]
Side = tuple[Ints, NDArray[np.int64], NDArray[np.bool_]]
"""Characters, where each word begins in them, and whether there is a word; see `emnlp.inference.spelling`."""


def names_of(support: Support, template: str) -> tuple[Sequence[str | None], Sequence[str | None]]:
    """Return what conditions and outcomes are called.

    Raises
    ------
    InputError
        If they have no names.
    """
    if support.names is None:
        raise InputError(f"{template} compares words, but the conditions and outcomes here have no names; leave it out")
    return list(support.names[0]), list(support.names[1])


def spelt(support: Support, template: str, lowercase: bool, accents: bool) -> tuple[Side, Side, int]:
    """Return both sides as numbered characters, and the size of the alphabet."""
    sides = names_of(support, template)
    texts = [["" if word is None else written(word, lowercase, accents) for word in side] for side in sides]
    codes = np.frombuffer("".join(map("".join, texts)).encode("utf-32-le", "surrogatepass"), np.uint32)
    numbers = np.zeros(int(codes.max(initial=0)) + 1, np.int32)
    alphabet = np.flatnonzero(np.bincount(codes, minlength=1)).astype(np.int32)
    numbers[alphabet] = np.arange(len(alphabet), dtype=np.int32)
    characters, found, end = numbers[codes], [], 0
    for names, text in zip(sides, texts):
        starts = np.concatenate([[0], np.cumsum([len(word) for word in text], dtype=np.int64)])
        there = np.array([name is not None for name in names], np.bool_)
        found.append((characters[end : end + starts[-1]], starts, there))
        end += starts[-1]
    return found[0], found[1], len(alphabet)


def numbered(words: Sequence[str | None], key: Callable[[str], Hashable], known: dict[Any, int]) -> Ints:
    """Return the number of each word's key, shared through `known`; -1 for a word, or a key, that is None."""
    keys = [None if word is None else key(word) for word in words]
    for each in dict.fromkeys(keys):
        if each is not None:
            known.setdefault(each, len(known))
    return np.array(list(map(known.get, keys, repeat(-1))), np.int32)


def key_pairs(support: Support, keys: tuple[Ints, Ints], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the slots whose sides both have keys, and ``first * width + second`` of each of them."""
    first, second = keys[0][support.conditions], keys[1][support.outcomes]
    slots = np.flatnonzero((first >= 0) & (second >= 0))
    return slots, first[slots].astype(np.int64) * width + second[slots]


def pairs_of(support: Support, keys: tuple[Ints, Ints], sizes: tuple[int, int], least: int) -> tuple[Ints, Ints]:
    """Return the number of each slot's pair of keys, -1 for none, and the pairs that so many slots have, (P, 2)."""
    starts, rows = invert(np.where(keys[0] < 0, sizes[0], keys[0]).astype(np.int32), sizes[0] + 1)
    by_row = support.starts, support.order, support.outcomes
    found, pairs, counts = number_pairs(starts[:-1], rows, *by_row, keys[1], sizes[1])
    drop_rare(found, counts, least)
    return found, pairs[counts >= least]


def places(wanted: NDArray[np.int64], among: NDArray[np.int64] | None = None) -> tuple[Ints, NDArray[np.int64]]:
    """Return where each wanted number stands in `among`, -1 for nowhere, and `among`: by default, the distinct ones."""
    keys = distinct(wanted if among is None else among)
    found: Ints = find(hashed(keys), keys, wanted)
    return found, keys
