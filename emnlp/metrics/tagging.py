"""Scores of induced tags against gold ones: many-to-one, one-to-one, V-measure and variation of information."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath
from typing import Any

import numpy as np

from emnlp import __version__
from emnlp.errors import InputError
from emnlp.metrics.clustering import ClusteringScores, is_sequence
from emnlp.metrics.contingency import counted


@dataclass(frozen=True)
class TaggingScores(ClusteringScores):
    """The table of clusters and gold tags, and the rates that follow from it; made by `tagging_scores`.

    Only tokens that have a gold tag count, and only clusters and tags that such a token has. What maps clusters to
    tags is always taken from the scored tokens themselves. Rates are never NaN; in the degenerate cases they are

    ===========================  ===  =======  ===  ===  ===  ================
    case                         M-1  1-1      H    C    V    VI
    ===========================  ===  =======  ===  ===  ===  ================
    a cluster for each tag       1    1        1    1    1    0
    one cluster, several tags    p    p        0    1    0    entropy of tags
    several clusters, one tag    1    q        1    0    0    entropy of clusters
    one cluster, one tag         1    1        1    1    1    0
    ===========================  ===  =======  ===  ===  ===  ================

    where p is the share of the most frequent tag, and q that of the largest cluster. `many_to_one` and `homogeneity`
    rise with the number of clusters: compare them between taggers that have as many.

    Parameters
    ----------
    table : Contingency
        How often each cluster meets each tag.
    n_without_gold : int
        Tokens left out because they have no gold tag.
    gold, column, lines : str
        The gold file, the column of it (such as ``xpos``, or empty), and the sentences scored (such as ``1::8``).

    References
    ----------
    Rosenberg & Hirschberg (2007), "V-Measure: A Conditional Entropy-Based External Cluster Evaluation Measure",
    EMNLP-CoNLL; Goldwater & Griffiths (2007), "A Fully Bayesian Approach to Unsupervised Part-of-Speech Tagging", ACL,
    and Johnson (2007), "Why Doesn't EM Find Good HMM POS-Taggers?", EMNLP-CoNLL: the mappings, and VI in bits.

    Examples
    --------
    >>> scores = tagging_scores([0, 1, 1, 2], ["DT", "NN", "NN", "NN"])
    >>> scores.many_to_one, scores.one_to_one, scores.homogeneity, round(scores.completeness, 4)
    (1.0, 0.75, 1.0, 0.5409)
    >>> round(scores.variation_of_information, 4), scores.mapping(), scores.mapping(one_to_one=True)
    (0.6887, {0: 'DT', 1: 'NN', 2: 'NN'}, {0: 'DT', 1: 'NN'})
    """

    column: str = ""

    @property
    def n_tags(self) -> int:
        """Number of gold tags that occur."""
        return self.n_classes

    @property
    def n_tokens(self) -> int:
        """Number of scored tokens."""
        return self.table.n_tokens

    def rates(self) -> dict[str, float]:
        """Return the rates by short name, as `ClusteringScores.rates`; without NMI, which is V.

        Examples
        --------
        >>> tagging_scores([0, 1, 1], ["DT", "NN", "NN"]).rates()
        {'M-1': 1.0, '1-1': 1.0, 'V': 1.0, 'VI': 0.0, 'H': 1.0, 'C': 1.0}
        """
        return {name: rate for name, rate in super().rates().items() if name != "NMI"}

    def facts(self) -> dict[str, Any]:
        """Return what a reader needs to get the rates again, by short name."""
        return {
            "clusters": self.n_clusters, "tags": self.n_tags, "tokens": self.n_tokens,
            "without gold": self.n_without_gold, "gold": PurePath(self.gold).name, "tag": self.column,
            "lines": self.lines, "emnlp": __version__,
        }  # fmt: skip


def tagging_scores(
    found: Any, gold: Any, *, gold_name: str = "<gold>", column: str = "", lines: str = "all"
) -> TaggingScores:
    """Score clusters, or the tags of a semi-supervised tagger, against gold tags.

    Parameters
    ----------
    found, gold : (N,) array, list of labels, or list of sentences of labels
        Labels are all integers or all strings. A token whose gold is -1 or None is left out and counted.
    gold_name, column, lines : str
        What the signature says of the gold.

    Returns
    -------
    TaggingScores

    Raises
    ------
    InputError
        If the lengths differ (of sentences, sentence by sentence), a token that has gold has no label, no token has
        gold, or a label is neither an integer nor a string.

    Examples
    --------
    >>> scores = tagging_scores([[0, 1], [0, 1, 1]], [["DT", "NN"], ["DT", "NN", None]])
    >>> scores.many_to_one, scores.n_tokens, scores.n_without_gold
    (1.0, 4, 1)
    >>> tagging_scores([[0, 1], [0, 1]], [["DT", "NN"], ["DT", "NN", "NN"]])
    Traceback (most recent call last):
        ...
    emnlp.errors.InputError: sentence 1: 2 labels found, but 3 gold tags; give every token one of each
    """
    (found, lengths), (gold, gold_lengths) = _flat(found, "found"), _flat(gold, gold_name)
    _check_lengths(lengths, gold_lengths)
    table = counted(found, gold, gold_name, "token", "tag", lambda number: _place(number, lengths))
    n_without_gold = len(found) - table.n_tokens
    return TaggingScores(table, n_without_gold, gold=gold_name, column=column, lines=lines)


def _flat(labels: Any, what: str) -> tuple[Any, list[int] | int]:
    """Return the labels of all tokens, and the lengths of the sentences, or the number of tokens if there are none."""
    if not is_sequence(labels):
        raise InputError(f"{what}: expected labels, or sentences of labels, not {labels!r}")
    if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype != object:
        return labels, len(labels)
    rows = list(labels)
    if not any(map(is_sequence, rows[:1])):
        return rows, len(rows)
    for k, row in enumerate(rows):
        if not is_sequence(row):
            raise InputError(f"{what}: sentence {k} is {row!r}, not a list of labels")
    rows = [row if isinstance(row, np.ndarray) else list(row) for row in rows]
    lengths, rows = [len(row) for row in rows], [row for row in rows if len(row)]
    if rows and all(isinstance(row, np.ndarray) for row in rows):
        return np.concatenate(rows), lengths
    return list(chain.from_iterable(rows)), lengths


def _check_lengths(found: list[int] | int, gold: list[int] | int) -> None:
    if isinstance(found, int) and isinstance(gold, int):
        if found != gold:
            raise InputError(f"{found} labels found, but {gold} gold tags; give every token one of each")
        return
    if isinstance(found, int) or isinstance(gold, int):
        raise InputError("sentences on one side, but labels without sentences on the other; give both alike")
    for k, (n, m) in enumerate(zip(found, gold)):
        if n != m:
            raise InputError(f"sentence {k}: {n} labels found, but {m} gold tags; give every token one of each")
    if len(found) != len(gold):
        raise InputError(f"{len(found)} sentences of labels found, but {len(gold)} of gold tags; give the same ones")


def _place(token: int, lengths: list[int] | int) -> str:
    """Name a token by its place in its sentence."""
    if isinstance(lengths, int):
        return f"token {token}"
    ends = np.cumsum(lengths)
    sentence = int(np.searchsorted(ends, token, side="right"))
    return f"sentence {sentence}, token {token - int(ends[sentence]) + lengths[sentence]}"
