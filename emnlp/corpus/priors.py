"""Priors: what is known of a translation before its text is seen, as pseudo-counts; dictionaries, eflomal's files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus import priorfiles
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.files import display_name, read_text, write_text
from emnlp.corpus.links import Links
from emnlp.corpus.priorfiles import Entry, Fertilities
from emnlp.corpus.text import Text, Vocabulary
from emnlp.errors import InputError

Ints = NDArray[np.int32]
_TABLES = ("jumps", "reverse_jumps", "fertilities", "reverse_fertilities")


@dataclass(frozen=True, eq=False, repr=False)
class Priors:
    """Pseudo-counts of word pairs, and of jumps, for ``fit(..., prior=priors)``: as if they had been counted elsewhere.

    Entry n is source word ``sources[n] - 1`` with target word ``targets[n] - 1``; 0 is NULL. Both directions read the
    same entries. Entries of equal words add up.

    Parameters
    ----------
    source, target : Vocabulary
    sources, targets : (N,) int32
    counts : (N,) float64
    jumps, reverse_jumps : dict of int to float
        By how many positions the aligned word of the source (of the target, in reverse) moves on; a sentence begins at
        -1 and ends at its length.
    fertilities, reverse_fertilities : dict of (word, number of links) to float
        Of eflomal: they are read and written, and used by no model here.

    Raises
    ------
    InputError
        If a count is negative, infinite or NaN.

    Examples
    --------
    >>> priors = Priors.of([("house", "haus", 3), ("dog", "hund", 1)])
    >>> priors, (priors * 0.5).lexical[("house", "haus")]
    (Priors(2 word pairs), 1.5)
    >>> from emnlp import IBM1
    >>> model = IBM1(max_iter=1).fit([(["the", "house"], ["das", "haus"])], prior=priors)
    >>> model.translations("house", 1)[0][0], model.prior_found_
    ('haus', 1)
    """

    source: Vocabulary
    target: Vocabulary
    sources: Ints
    targets: Ints
    counts: NDArray[np.float64]
    jumps: Mapping[int, float] = field(default_factory=dict)
    reverse_jumps: Mapping[int, float] = field(default_factory=dict)
    fertilities: Fertilities = field(default_factory=dict)
    reverse_fertilities: Fertilities = field(default_factory=dict)

    def __post_init__(self) -> None:
        tables = (np.array(list(getattr(self, name).values()), np.float64) for name in _TABLES)
        for counts in (self.counts, *tables):
            if not ((counts >= 0) & (counts < np.inf)).all():
                raise InputError("a pseudo-count of a prior is negative, infinite or not a number; give 0 or more")

    @classmethod
    def of(cls, entries: Iterable[Entry], **tables: Any) -> Priors:
        """Build from ``(source word, target word, pseudo-count)``, None for NULL; `tables` are the other fields."""
        source: dict[str, int] = {}
        target: dict[str, int] = {}
        found: list[tuple[int, int, float]] = []
        for s, t, count in entries:
            s_id = 0 if s is None else 1 + source.setdefault(s, len(source))
            found.append((s_id, 0 if t is None else 1 + target.setdefault(t, len(target)), count))
        sources, targets, counts = zip(*found) if found else ((), (), ())
        ids = np.array(sources, np.int32), np.array(targets, np.int32)
        return cls(Vocabulary(list(source)), Vocabulary(list(target)), *ids, np.array(counts, np.float64), **tables)

    @classmethod
    def from_links(cls, bitext: Bitext, links: Links, reverse: Links | None = None) -> Priors:
        """Count links, and the jumps and fertilities in them, as eflomal-makepriors does.

        Parameters
        ----------
        bitext : Bitext
        links, reverse : Links
            Of the same pairs, source first; those of the reverse direction, if there are others, count for its jumps
            and fertilities.

        Raises
        ------
        InputError
            If there are more or fewer links than pairs, or one lies outside its sentences.
        """
        other = links if reverse is None else reverse
        for each in (links, other):
            _check(bitext, each)
        pair_of = np.repeat(np.arange(len(links)), np.diff(links.starts))
        s = bitext.source.ids[bitext.source.starts[pair_of] + links.source]
        t = bitext.target.ids[bitext.target.starts[pair_of] + links.target]
        width = max(1, len(bitext.target.vocabulary))
        keys, counts = np.unique(s.astype(np.int64) * width + t, return_counts=True)
        ids = 1 + (keys // width).astype(np.int32), 1 + (keys % width).astype(np.int32)
        jumps, fertilities = _tables(bitext.source, links.starts, links.source, links.target)
        backwards = _tables(bitext.target, other.starts, other.target, other.source)
        return cls(
            bitext.source.vocabulary, bitext.target.vocabulary, *ids, counts.astype(np.float64),
            jumps, backwards[0], fertilities, backwards[1],
        )  # fmt: skip

    @classmethod
    def from_model(cls, aligner: Any, strength: float = 10.0, prune: float = 0.01) -> Priors:
        """Return the lexicon of a fitted aligner, whatever text it was trained on.

        A word pair has `strength` times its probability pseudo-counts, the geometric mean of both directions if there
        are two. NULL has none, nor have jumps: `from_links` has these.

        Parameters
        ----------
        aligner : Aligner or DirectedAligner
        strength : float
            About as many pseudo-counts a word.
        prune : float
            Less probable pairs are left out.
        """
        aligner.check_fitted()
        ways = list(getattr(aligner, "directions", {"forward": aligner}).items())
        tables = []
        for _, model in ways:
            lexical = model.factors_["lexical"]
            tables.append(lexical.probabilities(model.params_["lexical"])[len(model.target_vocabulary_) :])
        name, model = ways[0]
        support, words = model.factors_["lexical"].support, len(model.target_vocabulary_)
        probabilities = tables[0] if len(tables) == 1 else np.sqrt(tables[0] * tables[1])
        kept = np.flatnonzero(probabilities >= prune)
        ids = support.conditions[words:][kept], 1 + support.outcomes[words:][kept]
        priors = cls(model.source_vocabulary_, model.target_vocabulary_, *ids, strength * probabilities[kept])
        return priors if name == "forward" else priors.reversed()

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, weight: float = 1.0, lowercase: bool = False) -> Priors:
        """Read a dictionary or eflomal's priors: eflomal's, if the first line is one of those. See `parse`."""
        return cls.parse(read_text(path), display_name(path), weight=weight, lowercase=lowercase)

    @classmethod
    def parse(
        cls, text: str, name: str = "<priors>", *, weight: float = 1.0, lowercase: bool = False, form: str = ""
    ) -> Priors:
        r"""Read the text of a file.

        A dictionary has lines ``source TAB target`` or ``source TAB target TAB count``. An entry of several words,
        separated by spaces, shares its count among the pairs of its words. A line that begins with ``#`` is a comment,
        unless a TAB comes next; blank lines are skipped. eflomal's file has lines ``LEX TAB source TAB target TAB
        count``, ``HMMF`` or ``HMMR TAB jump TAB count``, ``FERF`` or ``FERR TAB word TAB fertility TAB count``.

        Parameters
        ----------
        text, name : str
            The content of the file, and what messages call it.
        weight : float
            The count of a dictionary's entry that has none.
        lowercase : bool
            Lower-case the words.
        form : str
            ``dictionary`` or ``eflomal``; by default, the first line decides.

        Raises
        ------
        InputError
            If a line is none of these; the message names it.

        Examples
        --------
        >>> Priors.parse("# animals\ndog\thund\nguinea pig\tmeerschweinchen\t3\n").lexical
        {('dog', 'hund'): 1.0, ('guinea', 'meerschweinchen'): 1.5, ('pig', 'meerschweinchen'): 1.5}
        >>> Priors.parse("LEX\tdog\thund\t2\nHMMF\t1\t7.5\n").jumps
        {1: 7.5}
        """
        entries, tables = priorfiles.parse(text, name, weight, form)
        priors = cls.of(entries, **tables)
        return priors.lowered() if lowercase else priors

    def __len__(self) -> int:
        return len(self.counts)

    def __repr__(self) -> str:
        jumps = ", jumps" if self.jumps or self.reverse_jumps else ""
        return f"Priors({len(self):,} word pairs{jumps}{', fertilities' if self.has_fertilities else ''})"

    def __mul__(self, weight: float) -> Priors:
        """Scale all pseudo-counts."""
        tables = {name: {key: weight * count for key, count in getattr(self, name).items()} for name in _TABLES}
        return replace(self, counts=weight * self.counts, **tables)  # type: ignore[arg-type]

    __rmul__ = __mul__

    @property
    def has_fertilities(self) -> bool:
        """Whether there are pseudo-counts of fertilities, which no model here uses."""
        return any(self._fertilities)

    @property
    def n_pairs(self) -> int:
        """The number of entries that are two words: without those of NULL."""
        return int(((self.sources > 0) & (self.targets > 0)).sum())

    def __iter__(self) -> Iterator[Entry]:
        source, target = ([None, *words] for words in (self.source.words, self.target.words))
        for s, t, count in zip(self.sources.tolist(), self.targets.tolist(), self.counts.tolist()):
            yield source[s], target[t], count

    @property
    def lexical(self) -> dict[tuple[str | None, str | None], float]:
        """The pseudo-counts by (source word, target word), None for NULL."""
        found: Counter[tuple[str | None, str | None]] = Counter()
        for s, t, count in self:
            found[s, t] += count  # type: ignore[assignment]
        return dict(found)

    def reversed(self) -> Priors:
        """Swap source and target."""
        return Priors(
            self.target, self.source, self.targets, self.sources, self.counts,
            self.reverse_jumps, self.jumps, self.reverse_fertilities, self.fertilities,
        )  # fmt: skip

    def lowered(self) -> Priors:
        """Return the same with all words in lower case."""
        source, target = (Vocabulary([word.lower() for word in side.words]) for side in (self.source, self.target))
        fertilities: dict[str, Counter[tuple[str, int]]] = {}
        for name in ("fertilities", "reverse_fertilities"):
            fertilities[name] = Counter()
            for (word, n), count in getattr(self, name).items():
                fertilities[name][word.lower(), n] += count
        return replace(self, source=source, target=target, **fertilities)  # type: ignore[arg-type]

    def report(self, found: int) -> str:
        """Return a line for people on what a fit made of the prior, `found` being its ``prior_found_``."""
        text = f"{found:,} of {self.n_pairs:,} word pairs of the prior occur together in the text"
        return text + ("; its fertilities are not used" if self.has_fertilities else "")

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write eflomal's format; ``-`` is standard output, the suffix chooses a compression.

        Raises
        ------
        InputError
            If the file cannot be written, or a word is empty, or has a TAB or a line break in it.
        """
        with write_text(path) as stream:
            stream.writelines(priorfiles.lines(self.lexical, self.jumps, self.reverse_jumps, *self._fertilities))

    @property
    def _fertilities(self) -> tuple[Fertilities, Fertilities]:
        return self.fertilities, self.reverse_fertilities


def _check(bitext: Bitext, links: Links) -> None:
    if len(links) != len(bitext):
        raise InputError(f"priors: links of {len(links)} pairs for a text of {len(bitext)}")
    for text, places in ((bitext.source, links.source), (bitext.target, links.target)):
        beyond = places >= np.repeat(text.lengths, np.diff(links.starts))
        if beyond.any():
            line = int(np.searchsorted(links.starts, np.flatnonzero(beyond)[0], side="right"))
            raise InputError(f"priors: a link of pair {line} lies outside its sentence in {text.name}")


def _tables(
    text: Text, starts: NDArray[np.int64], moved: Ints, order: Ints
) -> tuple[dict[int, float], Counter[tuple[str, int]]]:
    """Return the jumps of links in one side, the other one's words being read in order, and that side's fertilities."""
    pair_of = np.repeat(np.arange(len(text)), np.diff(starts))
    rank = np.lexsort((order, pair_of))  # stable: links of one word stay in their order
    pair, place = pair_of[rank], moved[rank].astype(np.int64)
    new_pair = np.diff(pair, prepend=-1) > 0
    before = np.where(new_pair, -1, np.roll(place, 1))
    counted = new_pair | (np.diff(order[rank].astype(np.int64), prepend=-1) != 0)
    last = np.full(len(text), -1)
    last[pair] = place  # the last one stays
    distances = np.concatenate([(place - before)[counted], text.lengths - last])
    jumps = {int(d): float(n) for d, n in zip(*np.unique(distances, return_counts=True))}
    tokens, numbers = np.unique(text.starts[pair_of] + moved, return_counts=True)
    words = text.vocabulary.words
    found = Counter((words[w], n) for w, n in zip(text.ids[tokens].tolist(), numbers.tolist()))
    return jumps, found
