"""Truecasing from a text's own words: a sentence begins with a capital, which says nothing of its first word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.text import Text, Vocabulary


def inner_counts(text: Text) -> NDArray[np.int64]:
    """Return how often each word occurs elsewhere than at the beginning of a sentence, (V,)."""
    first = text.starts[:-1][text.lengths > 0]
    size = len(text.vocabulary)
    return np.bincount(text.ids, minlength=size) - np.bincount(text.ids[first], minlength=size)


def truecased(text: Text, vocabulary: Vocabulary | None = None, inner: NDArray[np.int64] | None = None) -> Text:
    """Lower-case the first word of a sentence if elsewhere it is at least as frequent in lower case, and known so.

    Parameters
    ----------
    text : Text
    vocabulary : Vocabulary, optional
        The words that counts are known of; by default the text's.
    inner : (V,) int64, optional
        Their `inner_counts`; by default the text's.

    Examples
    --------
    >>> text = Text.from_tokens([["The", "cat"], ["Ann", "sees", "the", "cat"], ["Dogs", "sleep"]])
    >>> list(truecased(text))
    [['the', 'cat'], ['Ann', 'sees', 'the', 'cat'], ['Dogs', 'sleep']]
    """
    if vocabulary is None or inner is None:
        vocabulary, inner = text.vocabulary, inner_counts(text)

    def count(word: str) -> int:
        place = vocabulary.id(word)
        return int(inner[place]) if place >= 0 else 0

    first = text.starts[:-1][text.lengths > 0]
    words, new = list(text.vocabulary.words), np.arange(len(text.vocabulary), dtype=np.int32)
    for k in np.unique(text.ids[first]).tolist():
        word, lower = words[k], words[k].lower()
        if lower != word and count(lower) >= max(1, count(word)):
            place = text.vocabulary.id(lower)
            new[k] = place if place >= 0 else len(words)
            words += [lower] if place < 0 else []
    ids = text.ids.copy()
    ids[first] = new[ids[first]]
    return replace(text, vocabulary=Vocabulary(words), ids=ids)
