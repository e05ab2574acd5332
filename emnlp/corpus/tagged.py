"""Tagged text: a tag for each token, or for some, and what tags the others may bear."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus import tagfiles, tagids
from emnlp.corpus.files import decode, display_name, read_bytes
from emnlp.corpus.tagdictionary import TagDictionary
from emnlp.corpus.tagfiles import Pair
from emnlp.corpus.text import Text, Vocabulary
from emnlp.errors import InputError

Ints = NDArray[np.int32]
FORMATS = ("conllu", "slash", "plain")


@dataclass(frozen=True, eq=False, repr=False)
class Tagged:
    """Text with a tag for each token, or for some.

    Parameters
    ----------
    text : Text
    tagset : Vocabulary
        Tag names, in order of first occurrence unless given.
    tags : (N,) int32
        The id in the tagset of each token's tag; -1 is a token without one.
    dictionary : TagDictionary, optional
        The words that it has may bear only its tags; but a token's own tag wins.
    choices : ((M, T) bool, (N,) int32), optional
        Sets of tags, and the set of each token, -1 for any: it may bear only those of them that its word may.

    Raises
    ------
    InputError
        If there are not as many tags as tokens, a tag lies outside the tagset, or that has a name twice.

    Examples
    --------
    >>> tagged = Tagged.from_sents([[("the", "DT"), ("run", None)], [], [("dogs", "NNS"), ("run", "VB")]])
    >>> tagged, tagged[0]
    (Tagged(<sents>: 3 sentences, 4 tokens, 3 with a tag, 3 tags), [('the', 'DT'), ('run', None)])
    >>> masks, which = tagged.constrained(TagDictionary({"run": ("VB", "NN")})).allowed()
    >>> masks[which].astype(int)
    array([[1, 0, 0, 0],
           [0, 0, 1, 1],
           [0, 1, 0, 0],
           [0, 0, 1, 0]])
    """

    text: Text
    tagset: Vocabulary
    tags: Ints
    dictionary: TagDictionary | None = None
    choices: tuple[NDArray[np.bool_], Ints] | None = None

    def __post_init__(self) -> None:
        if self.tags.shape != self.text.ids.shape:
            raise InputError(f"{self.text.name}: {len(self.text.ids)} tokens, but tags of shape {self.tags.shape}")
        if len(self.tags) and not -1 <= self.tags.min() <= self.tags.max() < len(self.tagset):
            raise InputError(f"{self.text.name}: a tag id outside -1 .. {len(self.tagset) - 1}; give a larger tagset")
        if len(set(self.tagset)) < len(self.tagset):
            raise InputError(f"{self.text.name}: the tagset has a name twice; give each once")
        if self.dictionary is not None and (self.tagset.ids(self.dictionary.tags) < 0).any():
            raise InputError("the dictionary has tags that the tagset lacks; `constrained` adds them")

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        tag: str | None = "xpos",
        lowercase: bool = False,
    ) -> Tagged:
        """Read tagged sentences.

        CoNLL-U (and Plus) has a line a word, and needs the conllu package. ``_`` in the tag's column is a word without
        a tag; multi-word tokens (``3-4``) and empty nodes (``5.1``) are skipped.

        The other formats have a sentence a line, a blank line being an empty one; ASCII white space separates tokens.
        In ``slash``, a token is ``word/TAG``, split at its last slash: ``1/2/CD`` is the word ``1/2``. A word without a
        tag has no slash, or nothing after the last: ``1/2/`` is ``1/2`` without a tag (but ``1/2`` is ``1`` with the
        tag ``2``). A slash that begins a token does not split it: ``/`` and ``/NN`` are words, ``//SYM`` is ``/`` with
        a tag. In ``plain``, all is words.

        Parameters
        ----------
        path : path-like
            ``-`` is standard input; ``.gz .bz2 .xz .zst`` are decompressed.
        format : {"conllu", "slash", "plain"}, optional
            By default ``conllu`` for names such as ``train.conllu`` and ``train.conllu.gz``, ``slash`` for others.
        tag : str, optional
            The column of CoNLL-U: ``xpos``, ``upos`` or another; None reads the words only.
        lowercase : bool
            Lower-case the words.

        Raises
        ------
        InputError
            If the file cannot be read or is not in that format, with the line; if no word of CoNLL-U has a tag.
        """
        form, name = format or tagfiles.format_of(path), display_name(path)
        if form not in FORMATS:
            raise InputError(f"{name}: format {form!r} is not known; it can be {', '.join(FORMATS)}")
        content = read_bytes(path)
        if form == "conllu":
            sents = tagfiles.read_conllu(decode(content, name), name, tag.lower() if tag else None)
            return cls.from_sents(sents, lowercase=lowercase, name=name)
        if form == "plain":
            return cls.untagged(Text.from_bytes(content, name, lowercase=lowercase))
        return cls._split(Text.from_bytes(content, name), lowercase)

    @classmethod
    def _split(cls, text: Text, lowercase: bool) -> Tagged:
        """Split the word/TAG tokens of a text: once for each type."""
        words: dict[str, int] = {}
        names: dict[str, int] = {}
        types = []
        for word, tag in map(tagfiles.split_token, text.vocabulary.words):
            number = words.setdefault(word.lower() if lowercase else word, len(words))
            types.append((number, names.setdefault(tag, len(names)) if tag else -1))
        table = np.array(types, np.int32).reshape(-1, 2)[text.ids]
        split = replace(text, vocabulary=Vocabulary(list(words)), ids=table[:, 0].copy(), lowercase=lowercase)
        return cls(split, Vocabulary(list(names)), table[:, 1].copy())

    @classmethod
    def from_sents(cls, sents: Iterable[Iterable[Pair]], *, lowercase: bool = False, name: str = "<sents>") -> Tagged:
        """Build from sentences of (word, tag), as NLTK has them; a tag that is None or empty is no tag.

        Raises
        ------
        InputError
            If a token is not a word and a tag.
        """
        words, names = tagids.columns(sents)
        return cls.with_tags(Text.from_tokens(words, lowercase=lowercase, name=name), names)

    @classmethod
    def from_nltk(cls, name: str, *, universal: bool = False, fileids: Any = None, lowercase: bool = False) -> Tagged:
        """Read a tagged corpus of NLTK, such as ``treebank``, ``brown`` or ``conll2000``, without traces (-NONE-).

        Parameters
        ----------
        name : str
            What ``nltk.corpus`` calls it.
        universal : bool
            Map its tags to the twelve universal ones (Petrov, Das & McDonald 2012).
        fileids : str or list of str, optional
            A part of the corpus.
        lowercase : bool
            Lower-case the words.

        Raises
        ------
        InputError
            If NLTK has no such corpus, it is not installed, or it has no tags, or none that can be mapped.
        """
        sents = tagfiles.nltk_sents(name, universal, fileids)
        return cls.from_sents(sents, lowercase=lowercase, name=f"nltk:{name}")

    @classmethod
    def untagged(cls, text: Text, dictionary: TagDictionary | None = None) -> Tagged:
        """Return a text without tags, whose words may bear the tags of a dictionary."""
        bare = cls(text, Vocabulary([]), np.full(len(text.ids), -1, np.int32))
        return bare if dictionary is None else bare.constrained(dictionary)

    @classmethod
    def with_tags(cls, text: Text, tags: Iterable[Any], tagset: Sequence[str] | None = None) -> Tagged:
        """Give the tokens of a text their tags.

        Parameters
        ----------
        text : Text
        tags : (N,) integer array, or one sequence a sentence
            Names, None or an empty one being no tag; or ids, -1 being no tag.
        tagset : sequence of str, optional
            The tag names; by default those that occur, and for ids the numbers from 0.

        Raises
        ------
        InputError
            If sentences and tags differ in number, or a tag is none of the tagset's.

        Examples
        --------
        >>> text = Text.from_tokens([["the", "house"], ["run"]])
        >>> list(Tagged.with_tags(text, [["DT", "NN"], [None]]))
        [[('the', 'DT'), ('house', 'NN')], [('run', None)]]
        >>> Tagged.with_tags(text, np.array([0, 2, 1]))[1]
        [('run', '1')]
        """
        if not (isinstance(tags, np.ndarray) and tags.ndim == 1 and tags.dtype.kind in "iu"):
            tags = tagids.flat(text, tags)
        ids, names = tagids.numbered(tags, tagset, text.name)
        return cls(text, Vocabulary(names), ids)

    def constrained(self, dictionary: TagDictionary | None) -> Tagged:
        """Return the same with this dictionary, lower-cased if the text is; tags new to the tagset are added to it."""
        if dictionary is None:
            return replace(self, dictionary=None)
        dictionary = dictionary.lowered() if self.text.lowercase else dictionary
        return replace(self._knowing(dictionary.tags), dictionary=dictionary)

    def choosing(self, choices: Iterable[Iterable[Iterable[str] | None]]) -> Tagged:
        """Return the same with the tags that each token may bear, None for any; new tags are added to the tagset.

        Raises
        ------
        InputError
            If there are not as many choices as tokens, or one has no tag in it.

        Examples
        --------
        >>> text = Tagged.untagged(Text.from_tokens([["time", "flies"]]))
        >>> text.choosing([[None, {"NN", "VB"}]]).allowed()[0].astype(int)
        array([[1, 1],
               [1, 1]])
        """
        sets, which = tagids.choices(self.text, choices)
        known = self._knowing(dict.fromkeys(tag for each in sets for tag in each))
        masks = np.zeros((len(sets), len(known.tagset)), bool)
        for mask, each in zip(masks, sets):
            mask[known.tagset.ids(each)] = True
        return replace(known, choices=(masks, which))

    def _knowing(self, tags: Iterable[str]) -> Tagged:
        """Return the same with a tagset that has these tags, too."""
        new = [tag for tag in tags if self.tagset.id(tag) < 0]
        choices = self.choices and (np.pad(self.choices[0], ((0, 0), (0, len(new)))), self.choices[1])
        return replace(self, tagset=Vocabulary([*self.tagset.words, *new]), choices=choices)

    def under(self, tagset: Vocabulary) -> Tagged:
        """Return the same with another tagset, which has all its tags.

        Raises
        ------
        InputError
            If it has not.
        """
        new = tagset.ids(self.tagset)
        if (new < 0).any():
            raise InputError(f"{self.text.name}: the tag {self.tagset[int(new.argmin())]!r} is none of those known")
        masks = np.zeros((0 if self.choices is None else len(self.choices[0]), len(tagset)), bool)
        if self.choices is not None:
            masks[:, new] = self.choices[0]
        choices = self.choices and (masks, self.choices[1])
        return replace(self, tagset=tagset, tags=np.append(new, np.int32(-1))[self.tags], choices=choices)

    def allowed(self) -> tuple[NDArray[np.bool_], Ints]:
        """Say which tags each token may bear: its own, or those of its choice and of the dictionary, or any.

        A choice of which the dictionary allows nothing wins over it.

        Returns
        -------
        masks : (M, T) bool
            The first is all True, and is that of tokens that are free.
        which : (N,) int32
            The mask of each token.
        """
        return tagids.allowed(self)

    def select(self, sentences: NDArray[np.int64]) -> Tagged:
        """Return these sentences, in this order, with the same vocabulary and tagset."""
        places = replace(self.text, ids=np.arange(len(self.tags), dtype=np.int32)).select(sentences).ids
        choices = self.choices and (self.choices[0], self.choices[1][places])
        return replace(self, text=self.text.select(sentences), tags=self.tags[places], choices=choices)

    def write(self, path: str | os.PathLike[str], format: str = "slash", *, tag: str = "xpos") -> None:
        """Write in a format that `read` reads, compressed by the suffix.

        ``_`` stands for what the format cannot hold: white space in a word, and a word without a character. In CoNLL-U,
        a space between two words may stay; all columns but ID, FORM and the tag's are ``_``; a sentence without words
        is the comment ``# text =``.

        Parameters
        ----------
        path : path-like
            ``-`` is standard output.
        format : {"slash", "conllu"}
        tag : {"xpos", "upos"}
            The column of CoNLL-U.

        Raises
        ------
        InputError
            If a tag cannot be written, such as one with a slash as ``word/TAG``, or the file cannot be written.

        Warns
        -----
        UserWarning
            If there are words that cannot be written as they are; it says how many.
        """
        tagfiles.write(self, path, format, tag.lower())

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, k: int) -> list[Pair]:
        k = range(len(self))[k]
        names = [*self.tagset.words, None]
        tags = self.tags[self.text.starts[k] : self.text.starts[k + 1]].tolist()
        return [(word, names[tag]) for word, tag in zip(self.text[k], tags)]

    def __iter__(self) -> Iterator[list[Pair]]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        sizes = f"{len(self):,} sentences, {len(self.tags):,} tokens, {int((self.tags >= 0).sum()):,} with a tag"
        dictionary = "" if self.dictionary is None else f", {self.dictionary!r}"
        return f"Tagged({self.text.name}: {sizes}, {len(self.tagset)} tags{dictionary})"
