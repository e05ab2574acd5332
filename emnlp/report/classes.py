"""What induced classes look like: their size and their most frequent words."""

from __future__ import annotations

import numpy as np

from emnlp.corpus.tagged import Tagged

WIDTH = 100


def class_table(tagged: Tagged, n: int = 10, width: int = WIDTH) -> list[str]:
    r"""Return a line for each of the `n` most frequent tags: its name, its share of the tokens, its words.

    Words stand by falling frequency with the tag, as many as a line of `width` characters holds, the longest cut.

    Examples
    --------
    >>> text = Tagged.from_sents([[("the", "7"), ("dog", "2")], [("the", "7"), ("cat", "2")], [("the", "7")]])
    >>> print(*class_table(text), sep="\n")
    class  tokens  types  words
    7       60.0%      1  the
    2       40.0%      2  dog cat
    """
    n_tags, n_words = len(tagged.tagset), len(tagged.text.vocabulary)
    used = tagged.tags >= 0
    pairs = tagged.tags[used].astype(np.int64) * n_words + tagged.text.ids[used]
    found, counts = np.unique(pairs, return_counts=True)
    tags, words = np.divmod(found, max(n_words, 1))
    totals = np.bincount(tags, counts, minlength=n_tags)
    order = [tag for tag in np.argsort(-totals, kind="stable").tolist() if totals[tag] > 0][:n]
    size = max([len("class"), *(len(tagged.tagset[tag]) for tag in order)])
    lines = [f"{'class':{size}}  tokens  types  words"]
    for tag in order:
        here = np.flatnonzero(tags == tag)
        best = words[here[np.argsort(-counts[here], kind="stable")]].tolist()
        head = f"{tagged.tagset[tag]:{size}}  {totals[tag] / totals.sum():6.1%}  {len(best):5}  "
        lines.append(head + _fitting((tagged.text.vocabulary[word] for word in best), max(20, width - len(head))))
    return lines


def _fitting(words: object, width: int) -> str:
    """Return as many words as fit, each cut at a third of the width."""
    line = ""
    for word in words:  # type: ignore[attr-defined]
        shown = word if len(word) <= width // 3 else word[: width // 3 - 1] + "…"
        if len(line) + len(shown) + 1 > width:
            break
        line += (" " if line else "") + shown
    return line
