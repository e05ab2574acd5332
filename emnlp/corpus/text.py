"""Text: tokenised sentences as a vocabulary and ragged token ids."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.chunks import chunks
from emnlp.corpus.files import decode, display_name
from emnlp.errors import InputError
from emnlp.inference.tokens import tokenise
from emnlp.scratch import Folder, OnDisk, folder_of, kept, ranges

ROOM = 1 << 22
"""Of a text on disk, about so many tokens are in memory at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary(Sequence[str]):
    """The word types of a text; the id of a word is its place in the order of first occurrence.

    Examples
    --------
    >>> words = Vocabulary(["the", "house"])
    >>> words.ids(["house", "garden"])
    array([ 1, -1], dtype=int32)
    >>> Vocabulary.from_arrays(*words.to_arrays())[1]
    'house'
    """

    words: list[str]

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        return self.words[key]

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} words)"

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: n for n, word in enumerate(self.words)}

    def id(self, word: str) -> int:
        """Return the id of a word, -1 if it is unknown."""
        return self._index.get(word, -1)

    def ids(self, words: Iterable[str]) -> NDArray[np.int32]:
        """Return the ids of words, -1 for each unknown one."""
        index = self._index
        return np.array([index.get(word, -1) for word in words], np.int32)

    def to_arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return all words as UTF-8 bytes, and the offsets of the words in them, (n + 1,)."""
        encoded = [word.encode("utf-8", "surrogatepass") for word in self.words]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        return np.frombuffer(b"".join(encoded), np.uint8), offsets

    @classmethod
    def from_arrays(cls, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Vocabulary:
        """Rebuild from `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays do not fit together.
        """
        content, bounds = data.tobytes(), offsets.tolist()
        if not bounds or bounds[0] != 0 or bounds[-1] != len(content) or any(a > b for a, b in zip(bounds, bounds[1:])):
            raise ValueError("the offsets of a vocabulary do not fit its bytes")
        return cls([content[a:b].decode("utf-8", "surrogatepass") for a, b in zip(bounds, bounds[1:])])


@dataclass(frozen=True, eq=False, repr=False)
class Text:
    """Tokenised sentences.

    Parameters
    ----------
    vocabulary : Vocabulary
    starts : (n + 1,) int64
        The tokens of sentence k are those from ``starts[k]`` up to ``starts[k + 1]``.
    ids : (N,) int32
        May be `OnDisk`.
    name : str
        What messages call it, usually the file.
    lowercase : bool
        Whether the words were lower-cased.

    Examples
    --------
    >>> text = Text.from_tokens([["the", "house"], [], ["the", "garden"]])
    >>> len(text), text.ids, text[2]
    (3, array([0, 1, 0, 2], dtype=int32), ['the', 'garden'])
    """

    vocabulary: Vocabulary
    starts: NDArray[np.int64]
    ids: NDArray[np.int32]
    name: str = "<tokens>"
    lowercase: bool = False

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, lowercase: bool = False, scratch: Folder = None) -> Text:
        """Read one tokenised sentence a line; tokens are separated by ASCII white space.

        Parameters
        ----------
        path : path-like
            ``-`` is standard input; ``.gz .bz2 .xz .zst`` are decompressed.
        scratch : path-like, optional
            A folder for the token ids, if memory has no room for them.

        Raises
        ------
        InputError
            If the file cannot be read, is not UTF-8 or has a NUL byte; the message names the line.
        """
        name = display_name(path)
        builder = Builder(name, lowercase, scratch)
        for first, lines in chunks(path):
            builder.add(cls.from_bytes(lines, name, lowercase=lowercase, first=first))
        return builder.text()

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "<bytes>", *, lowercase: bool = False, first: int = 1) -> Text:
        """Build from UTF-8 text, a sentence a line; errors name `name` and the line, `first` being the first one."""
        text = decode(content, name, first)
        data = np.frombuffer((text.lower() if lowercase else text).encode("utf-8"), np.uint8)
        starts, ids, begins, ends = tokenise(data)
        words = [data[a:b].tobytes().decode("utf-8") for a, b in zip(begins.tolist(), ends.tolist())]
        return cls(Vocabulary(words), starts, ids, name, lowercase)

    @classmethod
    def from_tokens(
        cls, sentences: Iterable[Sequence[str]], *, lowercase: bool = False, name: str = "<tokens>"
    ) -> Text:
        """Build from token lists; a token may be any string.

        Raises
        ------
        InputError
            If a sentence is a plain string, or a token is not a string.
        """
        index: dict[str, int] = {}
        ids: list[int] = []
        starts = [0]
        for n, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise InputError(
                    f"sentence {n}: expected a list of tokens, not the string {sentence!r}; split it first"
                )
            if not isinstance(sentence, Iterable):
                raise InputError(f"sentence {n}: expected a list of tokens, not {sentence!r}")
            for token in sentence:
                if not isinstance(token, str):
                    raise InputError(f"sentence {n}: token {token!r} is not a string")
                ids.append(index.setdefault(token.lower() if lowercase else token, len(index)))
            starts.append(len(ids))
        return cls(Vocabulary(list(index)), np.array(starts, np.int64), np.array(ids, np.int32), name, lowercase)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        sizes = f"{len(self):,} sentences, {len(self.ids):,} tokens, {len(self.vocabulary):,} types"
        return f"Text({self.name}: {sizes}{', lower-cased' if self.lowercase else ''})"

    def __getitem__(self, k: int) -> list[str]:
        k = range(len(self))[k]
        words = self.vocabulary.words
        return [words[n] for n in self.ids[self.starts[k] : self.starts[k + 1]].tolist()]

    def __iter__(self) -> Iterator[list[str]]:
        return (self[k] for k in range(len(self)))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each sentence, (n,)."""
        return np.diff(self.starts)

    def select(self, sentences: NDArray[np.int64]) -> Text:
        """Return these sentences, in this order, with the same vocabulary."""
        lengths = self.lengths[sentences]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        shifts, room = self.starts[sentences] - starts[:-1], ROOM if self.folder else max(1, int(starts[-1]))
        pieces = (
            self.ids[np.repeat(shifts[a:b], lengths[a:b]) + np.arange(starts[a], starts[b])]
            for a, b in ranges(starts, room)
        )
        return replace(self, starts=starts, ids=kept(pieces, np.int32, self.folder))

    @property
    def folder(self) -> Folder:
        """Where the ids are; None is in memory."""
        return folder_of(self.ids)

    def part(self, first: int, last: int) -> Text:
        """Return the sentences ``first .. last - 1``, in memory."""
        here = slice(int(self.starts[first]), int(self.starts[last]))
        return replace(self, starts=self.starts[first : last + 1] - self.starts[first], ids=self.ids[here])

    def _ids(self) -> Iterator[NDArray[np.int32]]:
        """Yield the ids in parts that memory has room for."""
        yield from ([self.ids] if self.folder is None else (self.part(*each).ids for each in ranges(self.starts, ROOM)))

    def counts(self) -> NDArray[np.int64]:
        """Return how often each word of the vocabulary occurs, (V,)."""
        counts = np.zeros(len(self.vocabulary), np.int64)
        for ids in self._ids():
            counts += np.bincount(ids, minlength=len(counts))
        return counts

    def moved(self, scratch: Folder) -> Text:
        """Return the same text with its ids in a file in a folder; None is in memory."""
        return replace(self, ids=kept(self._ids(), np.int32, scratch))

    def compact(self) -> Text:
        """Return the same text with a vocabulary of the words that occur in it, in the same order."""
        occurs = self.counts() > 0
        if occurs.all():
            return self
        new = (np.cumsum(occurs) - 1).astype(np.int32)
        words = [self.vocabulary.words[k] for k in np.flatnonzero(occurs).tolist()]
        ids = kept((new[ids] for ids in self._ids()), np.int32, self.folder)
        return replace(self, vocabulary=Vocabulary(words), ids=ids)


class Builder:
    """A text that grows part by part, as a file is read."""

    def __init__(self, name: str, lowercase: bool, scratch: Folder = None) -> None:
        self._name, self._lowercase = name, lowercase
        self._index: dict[str, int] = {}
        self._starts, self._n_tokens = [np.zeros(1, np.int64)], 0
        self._ids = None if scratch is None else OnDisk(scratch, np.int32)
        self._pieces: list[NDArray[np.int32]] = []

    def add(self, part: Text) -> None:
        """Add sentences at the end."""
        index = self._index
        ids = np.array([index.setdefault(word, len(index)) for word in part.vocabulary.words], np.int32)[part.ids]
        self._pieces.append(ids) if self._ids is None else self._ids.append(ids)
        self._starts.append(part.starts[1:] + self._n_tokens)
        self._n_tokens += len(ids)

    def text(self) -> Text:
        """Return the whole text."""
        ids: Any = kept(self._pieces, np.int32, None) if self._ids is None else self._ids
        return Text(Vocabulary(list(self._index)), np.concatenate(self._starts), ids, self._name, self._lowercase)
