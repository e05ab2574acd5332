"""Tag dictionaries: the tags that a word may bear."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from emnlp.corpus.files import display_name, read_text, write_text
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.tagged import Tagged

_TAG = re.compile(r"[^ \t\n\r\v\f]+")
_UNWRITABLE = re.compile(r"[\t\n\0\ud800-\udfff]")


@dataclass(frozen=True, eq=False, repr=False)
class TagDictionary(Mapping[str, tuple[str, ...]]):
    r"""The tags that each of its words may bear; other words may bear any.

    Parameters
    ----------
    entries : dict of str to tuple of str
        At least one tag a word.

    Raises
    ------
    InputError
        If a word has no tag, or its tags are not strings.

    Examples
    --------
    >>> dictionary = TagDictionary.parse("the\tDT\nrun\tNN VB\nrun\tVBP NN\n")
    >>> dictionary["run"], "house" in dictionary, len(dictionary)
    (('NN', 'VB', 'VBP'), False, 2)
    """

    entries: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        for word, tags in self.entries.items():
            if isinstance(tags, str) or not tags or not all(isinstance(tag, str) and tag for tag in tags):
                raise InputError(f"the tags of {word!r} are {tags!r}; give one tag name or more, as a tuple")

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Iterable[str]]]) -> TagDictionary:
        """Build from words and their tags; the tags of a word given twice are merged."""
        merged: dict[str, dict[str, None]] = {}
        for word, tags in entries:
            merged.setdefault(word, {}).update(dict.fromkeys(tags))
        return cls({word: tuple(tags) for word, tags in merged.items()})

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, lowercase: bool = False) -> TagDictionary:
        """Read a file, decompressed by its suffix; see `parse`."""
        return cls.parse(read_text(path), display_name(path), lowercase=lowercase)

    @classmethod
    def parse(cls, text: str, name: str = "<dictionary>", *, lowercase: bool = False) -> TagDictionary:
        r"""Read lines ``word TAB tag tag ...``.

        White space separates tags; a word may have spaces. The tags of a word that has several lines are merged. Blank
        lines are skipped; there are no comments, for ``#`` is a word too.

        Raises
        ------
        InputError
            If a line has no TAB, no word or no tag; the message names it.

        Examples
        --------
        >>> TagDictionary.parse("the\tDT\ndog NN\n", "words.dict")
        Traceback (most recent call last):
            ...
        emnlp.errors.InputError: words.dict:2: no TAB in 'dog NN'; expected a word, a TAB and its tags
        """
        dictionary = cls.of(_entries(text, name))
        return dictionary.lowered() if lowercase else dictionary

    @classmethod
    def from_tagged(cls, tagged: Tagged, min_count: int = 1) -> TagDictionary:
        """Return the tags that each word bears which occurs at least `min_count` times with a tag."""
        text, width = tagged.text, max(1, len(tagged.tagset))
        has_tag = tagged.tags >= 0
        ids, tags = text.ids[has_tag].astype(np.int64), tagged.tags[has_tag]
        frequent = np.bincount(ids, minlength=len(text.vocabulary)) >= min_count
        keys = np.unique(ids * width + tags)
        keys = keys[frequent[keys // width]]
        words, names = text.vocabulary.words, tagged.tagset.words
        return cls.of((words[key // width], [names[key % width]]) for key in keys.tolist())

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write in the form that `read` reads, compressed by the suffix.

        Raises
        ------
        InputError
            If a word is empty or has a TAB or newline, or a tag has white space; or the file cannot be written.
        """
        lines = []
        for word, tags in self.items():
            if not word or _UNWRITABLE.search(word):
                raise InputError(f"{display_name(path)}: {word!r} cannot be written as word TAB tags; leave it out")
            for tag in tags:
                if not _TAG.fullmatch(tag) or _UNWRITABLE.search(tag):
                    raise InputError(f"{display_name(path)}: tag {tag!r} of {word!r} cannot be written; rename it")
            lines.append(f"{word}\t{' '.join(tags)}\n")
        with write_text(path) as stream:
            stream.writelines(lines)

    def lowered(self) -> TagDictionary:
        """Return the same with all words in lower case; the tags of words that become equal are merged."""
        return TagDictionary.of((word.lower(), tags) for word, tags in self.items())

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """All tags, in order of first occurrence."""
        return tuple(dict.fromkeys(tag for tags in self.entries.values() for tag in tags))

    def __getitem__(self, word: str) -> tuple[str, ...]:
        return self.entries[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"TagDictionary({len(self):,} words, {len(self.tags):,} tags)"


def _entries(text: str, name: str) -> Iterator[tuple[str, list[str]]]:
    for line, content in enumerate(text.split("\n"), 1):
        if not _TAG.search(content):
            continue
        word, tab, rest = content.partition("\t")
        tags = _TAG.findall(rest)
        if not word or not tags:
            problem = f"no {'word' if not word else 'tag' if tab else 'TAB'} in {content[:100]!r}"
            raise InputError(f"{name}:{line}: {problem}; expected a word, a TAB and its tags")
        yield word, tags
