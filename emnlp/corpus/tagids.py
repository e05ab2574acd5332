"""From tags as users give them, names or ids, to ids and a tagset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.text import Text
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.tagged import Tagged


def columns(sents: Iterable[Iterable[Any]]) -> tuple[list[list[Any]], list[list[Any]]]:
    """Part sentences of (word, tag) into those of words and those of tags.

    Raises
    ------
    InputError
        If something in a sentence is not two things, or a tag not a string.

    Examples
    --------
    >>> columns([[("the", "DT"), ("house", None)], []])
    ([['the', 'house'], []], [['DT', None], []])
    """
    words: list[list[Any]] = []
    names: list[list[Any]] = []
    for n, sent in enumerate(sents):
        if isinstance(sent, str) or not isinstance(sent, Iterable):
            raise InputError(f"sentence {n}: expected a list of pairs of a word and its tag or None, not {sent!r:.200}")
        words.append([])
        names.append([])
        for pair in sent:
            if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
                raise InputError(f"sentence {n}: expected pairs of a word and its tag or None, not {pair!r:.200}")
            word, tag = pair
            if tag is not None and not isinstance(tag, str):
                raise InputError(f"sentence {n}: the tag of {word!r:.100} is {tag!r:.100}; expected a string or None")
            words[-1].append(word)
            names[-1].append(tag)
    return words, names


def flat(text: Text, tags: Iterable[Any]) -> list[Any]:
    """Join the tags of the sentences.

    Raises
    ------
    InputError
        If there are not as many sentences as in the text, or not as many tags as tokens in one.
    """
    sents = [sent.tolist() if isinstance(sent, np.ndarray) else sent for sent in tags]
    if len(sents) != len(text):
        raise InputError(f"{text.name}: {len(text)} sentences, but tags for {len(sents)}; give each its own")
    for n, (sent, length) in enumerate(zip(sents, text.lengths.tolist())):
        if isinstance(sent, str) or not isinstance(sent, Sequence) or len(sent) != length:
            raise InputError(f"{text.name}: sentence {n} has {length} tokens, but its tags are {sent!r:.200}")
    return [tag for sent in sents for tag in sent]


def numbered(
    tags: Sequence[Any] | NDArray[Any], tagset: Sequence[str] | None, name: str
) -> tuple[NDArray[np.int32], list[str]]:
    """Return the (N,) ids of tags that are names or ids, -1 for none, and the tagset.

    Raises
    ------
    InputError
        If a tag is not in the tagset, or neither a name nor an id; the message names `name`.

    Examples
    --------
    >>> numbered(["DT", None, "NN"], None, "")
    (array([ 0, -1,  1], dtype=int32), ['DT', 'NN'])
    >>> numbered([2, -1, 0], None, "")
    (array([ 2, -1,  0], dtype=int32), ['0', '1', '2'])
    """
    if len(tags) and isinstance(tags[0], int | np.integer):
        array = np.asarray(tags)
        if array.dtype.kind in "iu":
            names = tagset if tagset is not None else map(str, range(int(array.max()) + 1))
            return array.clip(-2, np.iinfo(np.int32).max).astype(np.int32), list(names)
    index = {tag: n for n, tag in enumerate(tagset or ())}
    for tag in tags:
        if tag is not None and not isinstance(tag, str):
            raise InputError(f"{name}: expected tag names or None, or ids of every token, not {tag!r:.200}")
        if tag and tagset is None:
            index.setdefault(tag, len(index))
        elif tag and tag not in index:
            raise InputError(f"{name}: tag {tag!r} is not in the tagset; give a larger one")
    ids = np.array([index[tag] if tag else -1 for tag in tags], np.int32)
    return ids, list(index if tagset is None else tagset)


def choices(
    text: Text, given: Iterable[Iterable[Iterable[str] | None]]
) -> tuple[list[tuple[str, ...]], NDArray[np.int32]]:
    """Return the distinct sets of tags, and the set of each token, -1 for None; see `Tagged.choosing`."""
    sentences = [[None if each is None else tuple(sorted(each)) for each in sentence] for sentence in given]
    if [len(sentence) for sentence in sentences] != text.lengths.tolist():
        raise InputError(f"{text.name}: expected the choices of each token of each sentence")
    tokens = [each for sentence in sentences for each in sentence]
    sets = {each: k for k, each in enumerate(dict.fromkeys(each for each in tokens if each is not None))}
    if () in sets:
        raise InputError(f"{text.name}: a token that may bear no tag; give None for any")
    return list(sets), np.array([-1 if each is None else sets[each] for each in tokens], np.int32)


def allowed(tagged: Tagged) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return the distinct sets of tags that tokens may bear, and the set of each token; see `Tagged.allowed`."""
    n_tags, free = len(tagged.tagset), -1
    choice = np.full(len(tagged.tags), free) if tagged.choices is None else tagged.choices[1]
    listed = np.zeros(len(tagged.text.vocabulary), bool)
    if tagged.dictionary is not None:
        listed[:] = [word in tagged.dictionary for word in tagged.text.vocabulary.words]
    words = np.where(listed[tagged.text.ids] & (tagged.tags < 0), tagged.text.ids, free)
    kinds = np.stack([tagged.tags, np.where(tagged.tags < 0, choice, free), words], 1)
    distinct, which = np.unique(kinds, axis=0, return_inverse=True)
    masks, numbers = [np.ones(n_tags, bool)], {}
    for k, (tag, chosen, word) in enumerate(distinct.tolist()):
        mask = np.ones(n_tags, bool)
        if tag >= 0:
            mask = np.arange(n_tags) == tag
        if chosen >= 0 and tagged.choices is not None:
            mask = tagged.choices[0][chosen]
        if word >= 0 and tagged.dictionary is not None:
            entry = np.zeros(n_tags, bool)
            entry[tagged.tagset.ids(tagged.dictionary[tagged.text.vocabulary[word]])] = True
            mask = mask & entry if (mask & entry).any() else mask
        key = b"" if max(tag, chosen, word) < 0 else mask.tobytes()
        if key and key not in numbers:
            numbers[key] = len(masks)
            masks.append(mask)
        distinct[k, 0] = numbers[key] if key else 0
    return np.stack(masks), distinct[which.reshape(-1), 0].astype(np.int32)
