"""Templates of what is known of a pair from elsewhere: a dictionary, word classes, numbers; and the pair itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from emnlp.corpus.priors import Priors
from emnlp.errors import InputError
from emnlp.features.base import PairFeature, bin_numbers, check_length, edges_of, labels, marked, written
from emnlp.features.columns import Columns, Lazy
from emnlp.features.sides import Ints, key_pairs, names_of, numbered, pairs_of, places
from emnlp.support import Support

Entries = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class InDictionary(PairFeature):
    r"""Whether a bilingual dictionary has the pair. The entries are saved with the model.

    Parameters
    ----------
    entries : tuple of (str, str)
        Source word and target word.
    lowercase : bool
        Whether to look up lower-cased words among lower-cased entries.

    Examples
    --------
    >>> known = InDictionary((("house", "haus"), ("house", "gebäude")))
    >>> known.columns(Support.dense(1, 3, (["house"], ["haus", "maus", "gebäude"]))).matrix.toarray().tolist()
    [[1.0], [0.0], [1.0]]
    """

    entries: Entries = field(repr=False)
    lowercase: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", _pairs(self.entries, "InDictionary", "(source word, target word)"))

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, lowercase: bool = False) -> InDictionary:
        """Read a dictionary, or eflomal's priors, in any format of `Priors.read`; pseudo-counts above 0 are entries.

        An entry of several words stands for each pair of its words.
        """
        entries = ((s, t) for s, t, count in Priors.read(path) if s is not None and t is not None and count > 0)
        return cls(tuple(dict.fromkeys(entries)), lowercase)

    def columns(self, support: Support) -> Columns:  # noqa: D102
        entries = [(s.lower(), t.lower()) for s, t in self.entries] if self.lowercase else self.entries
        sides = names_of(support, "InDictionary")
        numbers: tuple[dict[str, int], dict[str, int]] = ({}, {})
        wanted = [[known.setdefault(entry[k], len(known)) for entry in entries] for k, known in enumerate(numbers)]
        width = len(numbers[1])
        listed = np.array(wanted[0], np.int64) * width + np.array(wanted[1], np.int64)
        keys = _looked_up(sides[0], numbers[0], self.lowercase), _looked_up(sides[1], numbers[1], self.lowercase)
        slots, pairs = key_pairs(support, keys, width)
        found = np.full(len(support), -1, np.int32)
        found[slots[places(pairs, listed)[0] >= 0]] = 0
        return Columns.binned(found, [marked("in-dictionary", self.lowercase)])


@dataclass(frozen=True)
class ClassPair(PairFeature):
    """The classes of both words: a column for each pair of classes that the support has. A word without one has none.

    Parameters
    ----------
    source_classes, target_classes : tuple of (str, str), or dict of str to str
        Word and class.

    Examples
    --------
    >>> pairs = Support.dense(2, 2, (["dog", "cat"], ["hund", "und"]))
    >>> columns = ClassPair({"dog": "noun", "cat": "noun"}, {"hund": "N", "und": "K"}).columns(pairs)
    >>> list(columns.names), columns.counts
    (['classes=noun|N', 'classes=noun|K'], array([2, 2]))
    """

    source_classes: Entries = field(repr=False)
    target_classes: Entries = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("source_classes", "target_classes"):
            entries = _pairs(getattr(self, name), "ClassPair", "(word, class)")
            if len({word for word, _ in entries}) < len(set(entries)):
                raise InputError("ClassPair: a word has two classes; give one class a word")
            object.__setattr__(self, name, entries)

    def columns(self, support: Support) -> Columns:  # noqa: D102
        sides = names_of(support, "ClassPair")
        tables = dict(self.source_classes), dict(self.target_classes)
        kinds = [list(dict.fromkeys(table.values())) for table in tables]
        numbers = [{kind: n for n, kind in enumerate(each)} for each in kinds]
        by_word = [{word: of[kind] for word, kind in table.items()} for table, of in zip(tables, numbers)]
        width = len(kinds[1])
        slots, pairs = key_pairs(support, (_looked_up(sides[0], by_word[0]), _looked_up(sides[1], by_word[1])), width)
        found = np.full(len(support), -1, np.int32)
        found[slots], keys = places(pairs)
        return Columns.binned(
            found, [f"classes={kinds[0][key // width]}|{kinds[1][key % width]}" for key in keys.tolist()]
        )


@dataclass(frozen=True)
class StemPair(PairFeature):
    """The stems of both words, their first letters: a column for each pair of stems that the support has.

    Words of one stem share what they learn, as the stem features of Berg-Kirkpatrick et al. (2010) do.

    Parameters
    ----------
    n : int
        Letters of a stem, in lower case and without accents; a shorter word is its own stem.
    min_pairs : int
        A pair of stems has a column if so many pairs of words share it: of one pair, it says no more than the pair.

    Examples
    --------
    >>> pairs = Support.dense(2, 2, (["house", "houses"], ["maison", "maisons"]))
    >>> columns = StemPair(4).columns(pairs)
    >>> list(columns.names), columns.counts
    (['stems=hous|mais'], array([4]))
    """

    n: int = 4
    min_pairs: int = 2

    def __post_init__(self) -> None:
        check_length(self.n, "StemPair")
        if not (isinstance(self.min_pairs, int) and self.min_pairs >= 1):
            raise InputError(f"StemPair(min_pairs={self.min_pairs!r}): give a whole number, 1 or more")

    def columns(self, support: Support) -> Columns:  # noqa: D102
        known: tuple[dict[str, int], dict[str, int]] = ({}, {})
        sides = names_of(support, "StemPair")
        keys = [numbered(side, lambda w: written(w, True, False)[: self.n], table) for side, table in zip(sides, known)]
        stems = list(known[0]), list(known[1])
        found, pairs = pairs_of(support, (keys[0], keys[1]), (len(stems[0]), len(stems[1])), self.min_pairs)
        return Columns.binned(found, Lazy(partial(_stems, stems, pairs), len(pairs)))


def _stems(stems: tuple[Sequence[str], Sequence[str]], pairs: Ints, k: int) -> str:
    a, b = pairs[k].tolist()
    return f"stems={stems[0][a]}|{stems[1][b]}"


@dataclass(frozen=True)
class Binned(PairFeature):
    """A number that the support knows of each slot (`Support.feature`), in bins: one column a bin.

    NaN falls into no bin. Where the support has no names, no slot counts as NULL's.

    Parameters
    ----------
    name : str
        Of the support's feature, such as ``dice``.
    edges : tuple of float
        Where each bin but the first begins; `bins` makes them.

    Examples
    --------
    >>> from emnlp.features import bins
    >>> pairs = Support.dense(1, 3).having(dice=lambda: np.array([0.05, 0.5, 0.9]))
    >>> columns = Binned("dice", bins(0, 1, 2)).columns(pairs)
    >>> list(columns.names), columns.matrix.toarray().tolist()
    (['dice<0.5', 'dice>=0.5'], [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    """

    name: str
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", edges_of(self.edges, f"Binned({self.name!r})"))

    def columns(self, support: Support) -> Columns:  # noqa: D102
        found = bin_numbers(support.feature(self.name), self.edges)
        if support.names is not None:
            sides = zip(support.names, (support.conditions, support.outcomes))
            for there, ids in ((np.array([name is not None for name in names], np.bool_), ids) for names, ids in sides):
                found[~there[ids]] = -1
        return Columns.binned(found, labels(self.name, self.edges))


@dataclass(frozen=True)
class Slot(PairFeature):
    """The pair itself: a column a slot, those of NULL too, so that a factor with this alone is a table.

    Examples
    --------
    >>> columns = Slot().columns(Support.dense(2, 1, ([None, "house"], ["haus"])))
    >>> list(columns.names), columns.matrix.toarray().tolist()
    (['slot=NULL|haus', 'slot=house|haus'], [[1.0, 0.0], [0.0, 1.0]])
    """

    def columns(self, support: Support) -> Columns:  # noqa: D102
        each = np.arange(len(support), dtype=np.int32)
        sides = (range(support.n_conditions), range(support.n_outcomes)) if support.names is None else support.names
        return Columns.binned(each, Lazy(partial(_pair_name, sides, (support.conditions, support.outcomes)), len(each)))


def _pair_name(sides: tuple[Sequence[object], Sequence[object]], ids: tuple[Ints, Ints], slot: int) -> str:
    one, other = (names[int(of_side[slot])] for names, of_side in zip(sides, ids))
    return f"slot={'NULL' if one is None else one}|{'NULL' if other is None else other}"


def _pairs(given: object, template: str, what: str) -> Entries:
    """Return pairs of strings as tuples.

    Raises
    ------
    InputError
        If they are something else.
    """
    items = given.items() if isinstance(given, Mapping) else given
    if isinstance(items, Iterable) and not isinstance(items, str):
        entries = tuple(tuple(item) if isinstance(item, Sequence) else (item,) for item in items)
        wrong = [each for each in entries if len(each) != 2 or not all(isinstance(word, str) for word in each)]
        if not wrong:
            return entries
        items = wrong[0]
    raise InputError(f"{template}: expected pairs {what} of strings, not {items!r}")


def _looked_up(words: Sequence[str | None], numbers: Mapping[str, int], lowercase: bool = False) -> Ints:
    """Return the number of each word, -1 for one without, and for None."""
    read = (None if word is None else word.lower() if lowercase else word for word in words)
    return np.array([-1 if word is None else numbers.get(word, -1) for word in read], np.int32)
