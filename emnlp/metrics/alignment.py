"""Scores of word alignments against gold: alignment error rate and its company, and whether two systems differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from emnlp import __version__
from emnlp.corpus.gold import Gold
from emnlp.corpus.links import Links
from emnlp.errors import InputError

_DRAWS_AT_ONCE = 1 << 18  # sentence pairs drawn in one block of the bootstrap: bounds its memory


@dataclass(frozen=True)
class AlignmentScores:
    """Counts of an alignment A against Sure links S and Possible links P, and the rates that follow from them.

    Counts are of distinct links, added up over all sentence pairs; P contains S. A rate whose denominator is 0 is 1,
    because nothing was wrong or nothing was missed; so rates are never NaN:

    =====================  =========  ======  ==  =================
    case                   precision  recall  F1  AER
    =====================  =========  ======  ==  =================
    A and S empty          1          1       1   0
    A empty, S not         1          0       0   1
    S empty, A not         as usual   1       *   1 - precision
    =====================  =========  ======  ==  =================

    Parameters
    ----------
    n_pairs : int
        Sentence pairs.
    n_links, n_sure, n_possible : int
        Sizes of A, S and P.
    hits_sure, hits_possible : int
        Sizes of A ∩ S and A ∩ P.
    base : {0, 1}
        Base of the positions in the gold file.
    lines : str
        The lines scored, such as ``1::8``, or ``all``.
    gold : str
        The gold file.

    References
    ----------
    Och & Ney (2003), "A Systematic Comparison of Various Statistical Alignment Models", Computational Linguistics.

    Examples
    --------
    >>> scores = AlignmentScores(n_pairs=1, n_links=4, n_sure=2, n_possible=5, hits_sure=1, hits_possible=3)
    >>> scores.precision, scores.recall, scores.f1, round(scores.aer, 4)
    (0.75, 0.5, 0.6, 0.3333)
    """

    n_pairs: int
    n_links: int
    n_sure: int
    n_possible: int
    hits_sure: int
    hits_possible: int
    base: int = 0
    lines: str = "all"
    gold: str = "<gold>"

    @property
    def precision(self) -> float:
        """|A ∩ P| / |A|."""
        return self.hits_possible / self.n_links if self.n_links else 1.0

    @property
    def recall(self) -> float:
        """|A ∩ S| / |S|."""
        return self.hits_sure / self.n_sure if self.n_sure else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of `precision` and `recall`; 0 if both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def aer(self) -> float:
        """Alignment error rate, 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|)."""
        size = self.n_links + self.n_sure
        return 1 - (self.hits_sure + self.hits_possible) / size if size else 0.0

    def __str__(self) -> str:
        return self.signature()

    def signature(self) -> str:
        """Return one line for a paper or a log: the rates in %, and all that is needed to get them again.

        Examples
        --------
        >>> gold = Gold.parse("0-0 1?1", "data/dev.gold")
        >>> alignment_scores(Links.from_lists([[(0, 0), (1, 0)]]), gold).signature()  # doctest: +ELLIPSIS
        'AER 33.33 | P 50.00 | R 100.00 | F1 66.67 | pairs 1 | links 2 | sure 1 | possible 2 | gold dev.gold | base 0
        | lines all | emnlp ...'
        """
        rates = {"AER": self.aer, "P": self.precision, "R": self.recall, "F1": self.f1}
        facts = {
            "pairs": self.n_pairs, "links": self.n_links, "sure": self.n_sure, "possible": self.n_possible,
            "gold": PurePath(self.gold).name, "base": self.base, "lines": self.lines, "emnlp": __version__,
        }  # fmt: skip
        parts = [f"{name} {100 * rate:.2f}" for name, rate in rates.items()]
        return " | ".join(parts + [f"{name} {fact}" for name, fact in facts.items()])


@dataclass(frozen=True)
class PairedBootstrap:
    """Whether two alignments differ in AER; see `paired_bootstrap`.

    Parameters
    ----------
    difference : float
        AER of a minus AER of b on the whole gold; negative if a is better.
    mean : float
        Mean of that difference over the resamples.
    low, high : float
        The 95% interval of the difference: the 2.5th and 97.5th percentiles of the resamples.
    p_value : float
        Two-sided: 2 (t + 1) / (n + 1), where t resamples are on the rarer side of 0; a difference of 0 is on both.
        Koehn (2004) tests one side: half of it.
    n, seed : int
        Number of resamples, and the seed.
    """

    difference: float
    mean: float
    low: float
    high: float
    p_value: float
    n: int
    seed: int


def alignment_scores(links: Links | Sequence[Iterable[tuple[int, int]]], gold: Gold) -> AlignmentScores:
    """Score an alignment against gold; a link given twice counts once.

    Parameters
    ----------
    links : Links or list of lists of (i, j)
        A, the alignment of the n sentence pairs of `gold`.
    gold : Gold

    Returns
    -------
    AlignmentScores

    Raises
    ------
    InputError
        If the numbers of sentence pairs differ, a position is negative, or a Sure link is not a Possible one.

    References
    ----------
    Och & Ney (2003), "A Systematic Comparison of Various Statistical Alignment Models", Computational Linguistics.

    Examples
    --------
    >>> gold = Gold.parse("0-0 1-1 1?2")
    >>> scores = alignment_scores(Links.from_lists([[(0, 0), (1, 2), (2, 2)]]), gold)
    >>> round(scores.precision, 4), scores.recall, scores.aer
    (0.6667, 0.5, 0.4)
    """
    n_links, n_sure, n_possible, hits_sure, hits_possible = (int(total) for total in _counts(links, gold).sum(axis=0))
    return AlignmentScores(
        len(links), n_links, n_sure, n_possible, hits_sure, hits_possible, gold.base, gold.selection or "all", gold.name
    )


def paired_bootstrap(links_a: Links, links_b: Links, gold: Gold, n: int = 1000, seed: int = 0) -> PairedBootstrap:
    r"""Test whether two alignments of the same pairs differ in AER, by drawing sentence pairs with replacement.

    Parameters
    ----------
    links_a, links_b : Links
        The alignments of the pairs of `gold`.
    gold : Gold
    n : int
        Number of resamples, each of as many pairs as `gold` has.
    seed : int
        The same seed gives the same answer.

    Returns
    -------
    PairedBootstrap

    Raises
    ------
    InputError
        As `alignment_scores`, and if there is no sentence pair or `n` is below 1.

    References
    ----------
    Koehn (2004), "Statistical Significance Tests for Machine Translation Evaluation", EMNLP.

    Examples
    --------
    >>> gold = Gold.parse("0-0 1-1\n" * 50)
    >>> good, bad = (Links.from_lists([sentence] * 50) for sentence in ([(0, 0), (1, 1)], [(0, 0), (1, 0)]))
    >>> test = paired_bootstrap(good, bad, gold)
    >>> test.difference, test.low, test.high, test.p_value < 0.05
    (-0.5, -0.5, -0.5, True)
    """
    if n < 1 or not gold.lines:
        raise InputError(f"{gold.name}: {n} resamples of {gold.lines} sentence pairs; give at least one of each")
    # columns: hits of a, size of a, hits of b, size of b, for AER = 1 - hits / size
    table = np.column_stack([_hits_and_size(_counts(links, gold)) for links in (links_a, links_b)]).astype(np.float64)
    rng, block = np.random.default_rng(seed), max(1, _DRAWS_AT_ONCE // gold.lines)
    draws = (rng.integers(gold.lines, size=(min(block, n - done), gold.lines)) for done in range(0, n, block))
    sums = [table[drawn].sum(axis=1) for drawn in draws]
    differences = _aer_difference(np.concatenate(sums))
    low, high = np.percentile(differences, [2.5, 97.5])
    tail = int(min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0)))
    return PairedBootstrap(
        difference=float(_aer_difference(table.sum(axis=0, keepdims=True))[0]),
        mean=float(differences.mean()),
        low=float(low),
        high=float(high),
        p_value=min(1.0, 2 * (tail + 1) / (n + 1)),
        n=n,
        seed=seed,
    )


def _aer_difference(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """AER of a minus AER of b from (r, 4) sums of hits and sizes; the AER of nothing is 0."""
    hits, sizes = sums[:, 0::2], sums[:, 1::2]
    shares = np.divide(hits, sizes, out=np.ones_like(hits), where=sizes > 0)
    difference: NDArray[np.float64] = shares[:, 1] - shares[:, 0]
    return difference


def _hits_and_size(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    n_links, n_sure, _, hits_sure, hits_possible = counts.T
    return np.column_stack([hits_sure + hits_possible, n_links + n_sure])


def _counts(links: Links | Sequence[Iterable[tuple[int, int]]], gold: Gold) -> NDArray[np.int64]:
    """Count each pair's links, Sure, Possible, Sure hits and Possible hits, (n, 5)."""
    if not isinstance(gold, Gold) or isinstance(links, Gold):
        raise InputError(f"expected links and then gold, not {type(links).__name__} and {type(gold).__name__}")
    links = links if isinstance(links, Links) else Links.from_lists(links)
    if len(links) != gold.lines:
        raise InputError(
            f"{len(links)} lines of links, but {gold.lines} sentence pairs in {gold.name}; "
            "score the links of exactly the pairs that have gold"
        )
    edges, (found, sure, possible) = _keys(links, gold.sure, gold.possible)
    hits_sure, hits_possible, inside = (
        np.intersect1d(*two, assume_unique=True) for two in ((found, sure), (found, possible), (sure, possible))
    )
    if len(inside) < len(sure):
        raise InputError(f"{gold.name}: a Sure link is not among the Possible links; add all Sure links to them")
    sets = (found, sure, possible, hits_sure, hits_possible)
    return np.column_stack([np.diff(np.searchsorted(keys, edges)) for keys in sets]).astype(np.int64)


def _keys(*sets: Links) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Give each link of n pairs one int64, the same in every set; the keys of pair k are from edges[k] to edges[k + 1].

    Returns
    -------
    (n + 1,) int64
        The edges.
    list of (m,) int64
        The keys of each set, sorted, without duplicates.
    """
    source, target = (np.concatenate([getattr(links, side) for links in sets]) for side in ("source", "target"))
    if len(source) and min(source.min(), target.min()) < 0:
        raise InputError("a negative position among the links; positions count from 0, and NULL links are left out")
    height, width = (int(side.max(initial=0)) + 1 for side in (source, target))
    rows = np.concatenate([np.repeat(np.arange(len(links)), np.diff(links.starts)) for links in sets]) * height + source
    edges = np.arange(len(sets[0]) + 1) * height
    if len(edges) * height * width > np.iinfo(np.int64).max:  # absurd positions: number the rows that occur
        distinct, rows = np.unique(rows, return_inverse=True)
        edges = np.searchsorted(distinct, edges)
    keys = np.split(rows * width + target, np.cumsum([len(links.source) for links in sets])[:-1])
    return edges * width, [_distinct(part) for part in keys]


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort and drop duplicates; as np.unique, which hashes and is many times slower here."""
    keys = np.sort(keys)
    return keys[np.concatenate([np.ones(min(1, len(keys)), bool), keys[1:] != keys[:-1]])]
