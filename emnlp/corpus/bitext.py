"""Bitext: sentence pairs in two languages, and the index of the words that occur together in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.chunks import chunks
from emnlp.corpus.files import decode, display_name
from emnlp.corpus.pairs import Pairs
from emnlp.corpus.text import Builder, Text
from emnlp.errors import InputError
from emnlp.scratch import Folder

MAX_LENGTH = 200
LONGEST = 1000
"""The most that `max_length` may be: a pair costs time and memory with the product of its lengths."""


@dataclass(frozen=True, eq=False, repr=False)
class Bitext:
    """Sentence pairs: line k of `source` is a translation of line k of `target`.

    A pair with an empty side, or with more than `max_length` tokens on one, is kept in its place but not *usable*: it
    trains nothing. The former is aligned with no link, the latter in `Pieces`.

    Parameters
    ----------
    source, target : Text
    max_length : int
        Tokens a side.

    Raises
    ------
    InputError
        If the sides differ in their number of sentences.

    Examples
    --------
    >>> bitext = Bitext.from_pairs([("the house".split(), "la maison".split()), ([], ["oui"])])
    >>> len(bitext), bitext.usable
    (2, array([ True, False]))
    >>> len(bitext[:1])
    1
    """

    source: Text
    target: Text
    max_length: int = MAX_LENGTH
    _origin: Bitext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.max_length <= LONGEST:
            raise InputError(f"max_length is {self.max_length}; it can be 1 to {LONGEST}; longer pairs are cut")
        if len(self.source) != len(self.target):
            raise InputError(
                f"{self.source.name} has {len(self.source)} lines and {self.target.name} has {len(self.target)}; "
                "line k of one has to be the translation of line k of the other"
            )

    @classmethod
    def read(
        cls,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str] | None = None,
        *,
        lowercase: bool = False,
        max_length: int = MAX_LENGTH,
        scratch: Folder = None,
    ) -> Bitext:
        """Read two parallel files, or one file of ``source ||| target`` or ``source TAB target`` lines.

        Parameters
        ----------
        scratch : path-like, optional
            A folder on a disk with room for 4 bytes a pair of tokens, more for some models: what grows with the text
            lies in files there, without a name, and aligners read it batch by batch. Results have the same bits.

        Raises
        ------
        InputError
            As `Text.read`; if the two files differ in length; if a line of the one file, not blank, has no separator.
        """
        if target is not None:
            if os.fspath(source) == os.fspath(target) == "-":
                raise InputError("both sides are '-'; standard input can be one side, or 'source ||| target' lines")
            sides = [Text.read(path, lowercase=lowercase, scratch=scratch) for path in (source, target)]
            return cls(sides[0], sides[1], max_length)
        name, separator = display_name(source), None
        builders = [Builder(name, lowercase, scratch) for _ in range(2)]
        for first, lines in chunks(source):
            separator = separator or separator_of(lines.split(b"\n"))
            part = cls.from_bytes(lines, name, lowercase=lowercase, first=first, separator=separator)
            for builder, side in zip(builders, (part.source, part.target)):
                builder.add(side)
        return cls(builders[0].text(), builders[1].text(), max_length)

    @classmethod
    def from_bytes(
        cls,
        content: bytes,
        name: str = "<bytes>",
        *,
        lowercase: bool = False,
        max_length: int = MAX_LENGTH,
        first: int = 1,
        separator: bytes | None = None,
    ) -> Bitext:
        """Build from ``source ||| target`` or ``source TAB target`` lines, whichever the first line has.

        A part of a longer text says which line its `first` one is, and what the text's separator is.
        """
        decode(content, name, first)  # bad bytes are told before a missing separator, which they may cause
        sides = _split(content, name, first, separator)
        source, target = (Text.from_bytes(side, name, lowercase=lowercase, first=first) for side in sides)
        return cls(source, target, max_length)

    @classmethod
    def from_pairs(
        cls,
        pairs: Iterable[tuple[Sequence[str], Sequence[str]]],
        *,
        lowercase: bool = False,
        max_length: int = MAX_LENGTH,
    ) -> Bitext:
        """Build from (source tokens, target tokens)."""
        both = list(pairs)
        source = Text.from_tokens((s for s, _ in both), lowercase=lowercase, name="<source>")
        target = Text.from_tokens((t for _, t in both), lowercase=lowercase, name="<target>")
        return cls(source, target, max_length)

    @classmethod
    def from_aligned_sents(cls, sents: Iterable[Any], **options: Any) -> Bitext:
        """Build from NLTK's ``AlignedSent``: its `mots` are the source and its `words` the target, as in NLTK's models.

        Examples
        --------
        >>> from nltk.translate import AlignedSent
        >>> Bitext.from_aligned_sents([AlignedSent(["das", "haus"], ["the", "house"])]).source[0]
        ['the', 'house']
        """
        return cls.from_pairs(((sent.mots, sent.words) for sent in sents), **options)

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        return f"Bitext({len(self):,} pairs, {self.usable.sum():,} usable; {self.source!r}, {self.target!r})"

    def __iter__(self) -> Iterator[tuple[list[str], list[str]]]:
        return zip(self.source, self.target)

    @overload
    def __getitem__(self, k: int) -> tuple[list[str], list[str]]: ...
    @overload
    def __getitem__(self, k: slice) -> Bitext: ...
    def __getitem__(self, k: int | slice) -> tuple[list[str], list[str]] | Bitext:
        if not isinstance(k, slice):
            return self.source[k], self.target[k]
        chosen = np.arange(len(self))[k]
        return Bitext(self.source.select(chosen), self.target.select(chosen), self.max_length)

    @property
    def lowercase(self) -> bool:
        """Whether the words of both sides were lower-cased."""
        return self.source.lowercase and self.target.lowercase

    def reversed(self) -> Bitext:
        """Swap the sides; the two share one index."""
        return self._origin or Bitext(self.target, self.source, self.max_length, self)

    def upright(self) -> Bitext:
        """Return the same bitext with an index of its own direction."""
        return self if self._origin is None else Bitext(self.source, self.target, self.max_length)

    def limited(self, max_length: int) -> Bitext:
        """Return the same bitext with at most `max_length` tokens a side usable."""
        if self.max_length <= max_length:
            return self
        if self._origin is not None:
            return self._origin.limited(max_length).reversed()
        return Bitext(self.source, self.target, max_length)

    @cached_property
    def blank(self) -> NDArray[np.bool_]:
        """Which pairs have an empty side, (n,)."""
        return np.minimum(self.source.lengths, self.target.lengths) == 0

    @cached_property
    def too_long(self) -> NDArray[np.bool_]:
        """Which pairs have more than `max_length` tokens on a side, (n,)."""
        return ~self.blank & (np.maximum(self.source.lengths, self.target.lengths) > self.max_length)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which pairs train a model, and are aligned whole, (n,)."""
        return ~self.blank & ~self.too_long

    @cached_property
    def pairs(self) -> Pairs:
        """The usable pairs with their co-occurrence index, made once."""
        if self._origin is not None:
            return self._origin.pairs.transpose()
        lines = np.flatnonzero(self.usable)
        source, target = self.source, self.target
        if len(lines) < len(self):
            source, target = source.select(lines), target.select(lines)
        source, target = source.compact(), target.compact()
        try:
            return Pairs.of(lines, source, target)
        except OverflowError as error:
            raise InputError(f"{self.source.name}: {error}") from None

    def moved(self, scratch: Folder) -> Bitext:
        """Return the same bitext, with what grows with it in files in a folder, as `read` says; None: in memory.

        An index that was made is taken along.

        Examples
        --------
        >>> import tempfile
        >>> bitext = Bitext.from_pairs([(["the", "house"], ["la", "maison"])]).moved(tempfile.gettempdir())
        >>> list(bitext), bitext.moved(None).pairs.slots
        ([(['the', 'house'], ['la', 'maison'])], array([0, 1, 2, 3], dtype=int32))
        """
        moved = Bitext(self.source.moved(scratch), self.target.moved(scratch), self.max_length)
        made = self.__dict__.get("pairs")
        if made is not None and self._origin is None:
            source = moved.source if made.source is self.source else made.source.moved(scratch)
            target = moved.target if made.target is self.target else made.target.moved(scratch)
            moved.__dict__["pairs"] = made.moved(source, target)
        return moved

    def prune(self, wanted: NDArray[np.bool_]) -> None:
        """Drop all slots of the index but those that are wanted, (S,): what is fitted from now on does not have them.

        The cells of dropped pairs of words read what a pair reads that occurs nowhere in training.
        """
        if self._origin is not None:
            self._origin.prune(wanted)
            return
        self.__dict__["pairs"] = self.pairs.pruned(wanted)


def separator_of(lines: Iterable[bytes]) -> bytes | None:
    """Return what separates the sides in the first line that is not blank; None if there is none."""
    first = next((line for line in lines if line.strip()), None)
    return None if first is None else b"|||" if b"|||" in first else b"\t"


def _split(content: bytes, name: str, start: int = 1, separator: bytes | None = None) -> tuple[bytes, bytes]:
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    separator = separator or separator_of(lines) or b"|||"
    sides: tuple[list[bytes], list[bytes]] = ([], [])
    for n, line in enumerate(lines, start):
        source, found, target = line.partition(separator)
        if not found and line.strip():
            if separator == b"\t" and n == 1:
                raise InputError(
                    f"{name}:{n}: neither '|||' nor a TAB in the line; give two files, or separate the sides"
                )
            raise InputError(f"{name}:{n}: no {separator.decode()!r} in the line; write it as 'source ||| target'")
        if separator in target:
            raise InputError(f"{name}:{n}: more than one {separator.decode()!r} in the line; keep two sides")
        sides[0].append(source)
        sides[1].append(target)
    return b"\n".join(sides[0]) + b"\n" * bool(lines), b"\n".join(sides[1]) + b"\n" * bool(lines)
