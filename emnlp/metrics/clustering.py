"""Scores of induced tags against gold ones: many-to-one, one-to-one, V-measure and variation of information."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp import __version__
from emnlp.errors import InputError
from emnlp.metrics.contingency import Contingency, Label, numbered


@dataclass(frozen=True)
class TaggingScores:
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

    table: Contingency
    n_without_gold: int = 0
    gold: str = "<gold>"
    column: str = ""
    lines: str = "all"

    @property
    def n_clusters(self) -> int:
        """Number of clusters that occur."""
        return len(self.table.clusters)

    @property
    def n_tags(self) -> int:
        """Number of gold tags that occur."""
        return len(self.table.tags)

    @property
    def n_tokens(self) -> int:
        """Number of scored tokens."""
        return self.table.n_tokens

    @property
    def many_to_one(self) -> float:
        """The share of tokens that are right when each cluster stands for its most frequent tag."""
        return self._share(self.table.many_to_one)

    @property
    def one_to_one(self) -> float:
        """The share of tokens that are right under the best one-to-one mapping; a cluster left over is wrong."""
        return self._share(self.table.one_to_one)

    @property
    def accuracy(self) -> float | None:
        """The share of tokens whose label is the gold tag; None unless half of the labels are names of gold tags.

        For a tagger that knows the tags. A number, also one that is a string, is not a name.
        """
        names = [isinstance(tag, str) and not tag.isdecimal() for tag in self.table.tags]
        place = {tag: at for at, tag in enumerate(self.table.tags) if names[at]}
        same = np.array([place.get(cluster, -1) for cluster in self.table.clusters])
        if 2 * np.count_nonzero(same >= 0) < len(same):
            return None
        return self._share(same[self.table.cells[:, 0]] == self.table.cells[:, 1])

    @property
    def homogeneity(self) -> float:
        """1 - H(tag | cluster) / H(tag); 1 if there is one tag."""
        return _share_known(self.table.entropy_given(0), self.table.entropy(1))

    @property
    def completeness(self) -> float:
        """1 - H(cluster | tag) / H(cluster); 1 if there is one cluster."""
        return _share_known(self.table.entropy_given(1), self.table.entropy(0))

    @property
    def v_measure(self) -> float:
        """Harmonic mean of `homogeneity` and `completeness`, 0 if both are 0; also called NMI (arithmetic mean)."""
        total = self.homogeneity + self.completeness
        return 2 * self.homogeneity * self.completeness / total if total else 0.0

    @property
    def variation_of_information(self) -> float:
        """H(tag | cluster) + H(cluster | tag), in bits; 0 is best."""
        return self.table.entropy_given(0) + self.table.entropy_given(1)

    def mapping(self, one_to_one: bool = False) -> dict[Label, Label]:
        """Return the gold tag of each cluster: its most frequent one, of several the first by name.

        With `one_to_one`, return the mapping that makes most tokens right, without the clusters left over.
        """
        return self.table.mapping(self.table.one_to_one if one_to_one else self.table.many_to_one)

    def rates(self) -> dict[str, float]:
        """Return the rates by short name: from 0 to 1, but VI in bits; Acc only if there is an accuracy."""
        rates = {
            "M-1": self.many_to_one, "1-1": self.one_to_one, "V": self.v_measure,
            "VI": self.variation_of_information, "H": self.homogeneity, "C": self.completeness,
        }  # fmt: skip
        return rates if self.accuracy is None else rates | {"Acc": self.accuracy}

    def signature(self) -> str:
        """Return one line for a paper or a log: the rates in %, VI in bits, and what is needed to get them again.

        Examples
        --------
        >>> tagging_scores([0, 1, 1], ["DT", "NN", "NN"], gold_name="dev.tag").signature()  # doctest: +ELLIPSIS
        'M-1 100.00 | 1-1 100.00 | V 100.00 | VI 0.00 bits | H 100.00 | C 100.00 | clusters 2 | tags 2 | tokens 3
        | without gold 0 | gold dev.tag | lines all | emnlp ...'
        """
        facts = {
            "clusters": self.n_clusters, "tags": self.n_tags, "tokens": self.n_tokens,
            "without gold": self.n_without_gold, "gold": PurePath(self.gold).name, "tag": self.column,
            "lines": self.lines, "emnlp": __version__,
        }  # fmt: skip
        parts = [f"{name} {rate:.2f} bits" if name == "VI" else f"{name} {100 * rate:.2f}"
                 for name, rate in self.rates().items()]  # fmt: skip
        return " | ".join(parts + [f"{name} {fact}" for name, fact in facts.items() if fact != ""])

    def __str__(self) -> str:
        return self.signature()

    def _share(self, cells: NDArray[np.int64] | NDArray[np.bool_]) -> float:
        return int(self.table.cells[cells, 2].sum()) / self.n_tokens


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
    (clusters, labels), (tags, golds) = numbered(found, "found"), numbered(gold, gold_name)
    scored = golds >= 0
    if not scored.any():
        raise InputError(f"{gold_name}: no token has a gold tag; there is nothing to score")
    missing = np.flatnonzero(scored & (labels < 0))
    if len(missing):
        raise InputError(f"{_place(int(missing[0]), lengths)}: a gold tag, but no label found; label every token")
    table = Contingency.of(labels[scored], golds[scored], clusters, tags)
    return TaggingScores(table, int(np.count_nonzero(~scored)), gold_name, column, lines)


def _flat(labels: Any, what: str) -> tuple[Any, list[int] | int]:
    """Return the labels of all tokens, and the lengths of the sentences, or the number of tokens if there are none."""
    if not _is_sequence(labels):
        raise InputError(f"{what}: expected labels, or sentences of labels, not {labels!r}")
    if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype != object:
        return labels, len(labels)
    rows = list(labels)
    if not any(map(_is_sequence, rows[:1])):
        return rows, len(rows)
    for k, row in enumerate(rows):
        if not _is_sequence(row):
            raise InputError(f"{what}: sentence {k} is {row!r}, not a list of labels")
    rows = [row if isinstance(row, np.ndarray) else list(row) for row in rows]
    lengths, rows = [len(row) for row in rows], [row for row in rows if len(row)]
    if rows and all(isinstance(row, np.ndarray) for row in rows):
        return np.concatenate(rows), lengths
    return list(chain.from_iterable(rows)), lengths


def _is_sequence(labels: Any) -> bool:
    return isinstance(labels, Iterable) and not isinstance(labels, (str, bytes)) and getattr(labels, "ndim", 1) > 0


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


def _share_known(left: float, whole: float) -> float:
    """Return 1 - left / whole, and 1 if there is nothing to know; rounding does not take it below 0."""
    return max(0.0, 1 - left / whole) if whole else 1.0
