"""Gold alignments: Sure and Possible links (Och & Ney 2003), in the project's layout or the WPT/NAACL ``.wa`` form.

The base of the positions is stated, never guessed; a file that contradicts it is an error and not a bad score.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emnlp.corpus.files import display_name, read_text
from emnlp.corpus.links import Links
from emnlp.errors import InputError

_NUMBER = "0*[0-9]{1,7}"  # zero-padded at will, below ten million: a larger one is no position
_ITEM = re.compile(rf"({_NUMBER})([-?p])({_NUMBER})")
_WA_START = re.compile(r"\s*[0-9]+\s+[0-9]+\s+[0-9]+(\s|$)")
_CONFIDENCE = r"[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
_WA_LINE = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})(?:\s+([SP]))?(?:\s+{_CONFIDENCE})?\s*")
_ENOUGH_PAIRS = 20  # so many pairs of a 0-based file without a single position 0 are not credible


class _Entry(NamedTuple):
    pair: int  # pair, source and target are 0-based
    source: int
    target: int
    sure: bool
    line: int  # of the file, from 1


@dataclass(frozen=True, repr=False)
class Gold:
    r"""The Sure and Possible links of n sentence pairs; as read, sorted and without duplicates.

    Parameters
    ----------
    sure, possible : Links
        S, the links that an alignment must have, and P, those that it may have; P contains S. Both 0-based.
    base : {0, 1}
        Where positions start in the file.
    name : str
        What messages call the gold, usually its path.
    selection : str
        The part of the file that this is, such as ``1::8``; empty for all of it.
    places : (L,) int64, optional
        The file's line, from 1, of each Possible link; None where line k + 1 is pair k.

    Raises
    ------
    InputError
        If S and P differ in the number of pairs.

    References
    ----------
    Och & Ney (2003), "A Systematic Comparison of Various Statistical Alignment Models"; Mihalcea & Pedersen (2003),
    "An Evaluation Exercise for Word Alignment": the ``.wa`` form.

    Examples
    --------
    >>> gold = Gold.parse("0-0 1?2\n2p1\n")
    >>> gold.lines, list(gold.sure), list(gold.possible)
    (2, [[(0, 0)], []], [[(0, 0), (1, 2)], [(2, 1)]])
    """

    sure: Links
    possible: Links
    base: int = 0
    name: str = "<gold>"
    selection: str = ""
    places: NDArray[np.int64] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        n, m = len(self.sure), len(self.possible)
        if n != m:
            raise InputError(
                f"{self.name}: Sure links of {n} pairs, but Possible links of {m}; give both for every pair"
            )

    def __repr__(self) -> str:
        counts = f"{self.lines:,} pairs, {len(self.sure.source):,} sure, {len(self.possible.source):,} possible"
        return f"Gold({self.name}: {counts} links)"

    @property
    def lines(self) -> int:
        """Number of sentence pairs."""
        return len(self.sure)

    @classmethod
    def read(cls, path: str | os.PathLike[str], base: int | None = None, n_pairs: int | None = None) -> Gold:
        """Read a gold file of either form, decompressed by its suffix; see `parse` for parameters and errors."""
        return cls.parse(read_text(path), display_name(path), base, n_pairs)

    @classmethod
    def parse(cls, text: str, name: str = "<gold>", base: int | None = None, n_pairs: int | None = None) -> Gold:
        r"""Read gold from the text of a file.

        Project layout: one line a pair; ``i-j`` is Sure, ``i?j`` and ``ipj`` are Possible only; a blank line has no
        links. WPT/NAACL ``.wa``: lines ``SENT i j [S|P] [confidence]``, Sure unless it says P; the confidence is not
        used. A first line of three integers or more is ``.wa``. A link given twice counts once, as Sure if one is.

        Parameters
        ----------
        text, name : str
            The content of the file, and what messages call it.
        base : {0, 1}, optional
            Where positions start, and in ``.wa`` sentence numbers too; 0, but 1 for ``.wa``.
        n_pairs : int, optional
            Number of sentence pairs. ``.wa`` has no line for a pair without links: without `n_pairs`, the largest
            sentence number is the last pair.

        Raises
        ------
        InputError
            For an item or line that is not as above, a position 0 in a 1-based file, or a sentence beyond `n_pairs`;
            the message names the file and the line.

        Warns
        -----
        UserWarning
            If 20 pairs or more, read as 0-based, have no position 0; `check` tells for certain.

        Examples
        --------
        >>> gold = Gold.parse("0001 1 1 S\n0001 2 3 P\n0003 1 2\n")
        >>> list(gold.possible.pharaoh())
        ['0-0 1-2', '', '0-1']
        >>> Gold.parse("0-0 1-1", "dev.gold", base=1)
        Traceback (most recent call last):
            ...
        emnlp.errors.InputError: dev.gold:1: position 0 in '0-0', but positions are read as counted from 1; if the file
        counts from 0, say base 0 (--base 0); if 0 stands for NULL, leave those links out
        """
        if base not in (None, 0, 1):
            raise InputError(f"{name}: base {base} is not known; positions count from 0 or from 1")
        lines = text.removesuffix("\n").split("\n") if text else []
        is_wa = _WA_START.match(next((line for line in lines if line.strip()), "")) is not None
        base = int(is_wa) if base is None else base
        if is_wa:
            entries = list(_read_wa(lines, name, base, n_pairs))
            n = 1 + max(entry.pair for entry in entries) if n_pairs is None else n_pairs
        else:
            entries, n = list(_read_lines(lines, name, base)), len(lines)
            if n_pairs not in (None, n):
                raise InputError(
                    f"{name}: {n} lines, but {n_pairs} sentence pairs; give one line a pair, blank if no links"
                )
        gold = _as_sets(entries, n, base, name)
        if base == 0 and n >= _ENOUGH_PAIRS and entries:
            _warn_if_one_based(gold, is_wa)
        return gold

    def select(self, part: slice) -> Gold:
        r"""Keep some of the pairs; `selection` says which.

        Examples
        --------
        >>> dev = Gold.parse("0-0\n0-1\n0-2\n0-3").select(slice(1, None, 2))
        >>> list(dev.sure.pharaoh()), dev.selection
        (['0-1', '0-3'], '1::2')
        """
        bounds = [part.start, part.stop] + [part.step] * (part.step is not None)
        text = ":".join("" if bound is None else str(bound) for bound in bounds)
        selection = f"{self.selection}[{text}]" if self.selection else text
        lines, starts = self._file_lines(), self.possible.starts
        kept = [lines[starts[k] : starts[k + 1]] for k in range(self.lines)[part]]
        places = np.concatenate([np.zeros(0, np.int64), *kept])
        return Gold(self.sure[part], self.possible[part], self.base, self.name, selection, places)

    def check(self, source_lengths: ArrayLike | None = None, target_lengths: ArrayLike | None = None) -> None:
        """Check every position against the (n,) numbers of words of the sentences; a side left out is not checked.

        Raises
        ------
        InputError
            If there are not as many lengths as pairs, or a position is beyond its sentence: the message names the
            file and the line, and says if the other base would fit, or the two sides exchanged.

        Examples
        --------
        >>> Gold.parse("1-1 2-2", "dev.gold").check([2], [2])
        Traceback (most recent call last):
            ...
        emnlp.errors.InputError: dev.gold:1: position 2 of a source sentence of 2 words; is the file 1-based? --base 1
        """
        check_positions(self.possible, source_lengths, target_lengths, self.name, self.base, self._file_lines())

    def _file_lines(self) -> NDArray[np.int64]:
        return _pairs(self.possible) + 1 if self.places is None else self.places


def check_positions(
    links: Links,
    source_lengths: ArrayLike | None,
    target_lengths: ArrayLike | None,
    name: str,
    base: int = 0,
    places: NDArray[np.int64] | None = None,
    remedy: str = "--base 1",
) -> None:
    """Check 0-based links against the (n,) numbers of words of the sentences, with the errors of `Gold.check`.

    Messages call the links' file `name`, count positions from `base`, take the (L,) lines from `places` (by default
    line k + 1 has pair k), and recommend `remedy` if the links would fit as 1-based.
    """
    pairs, limits = _pairs(links), []
    for side, lengths in (("source", source_lengths), ("target", target_lengths)):
        words = np.full(len(links), np.iinfo(np.int64).max) if lengths is None else np.asarray(lengths, np.int64)
        if len(words) != len(links):
            problem = f"{len(links)} sentence pairs, but {len(words)} {side} sentences"
            raise InputError(f"{name}: {problem}; give the sentences that the links belong to, one a line")
        limits.append(words[pairs])
    beyond = np.stack([links.source >= limits[0], links.target >= limits[1]])
    if beyond.any():
        at = int(beyond.any(axis=0).argmax())
        row = int(beyond[:, at].argmax())
        position = (links.source, links.target)[row][at] + base
        line = pairs[at] + 1 if places is None else places[at]
        what = f"position {position} of a {('source', 'target')[row]} sentence of {limits[row][at]} words"
        raise InputError(f"{name}:{line}: {what}; {_explain(links, limits[0], limits[1], base, remedy)}")


def _explain(links: Links, source: NDArray[np.int64], target: NDArray[np.int64], base: int, remedy: str) -> str:
    """Say what would make links fit that are beyond the `source` and `target` lengths of their sentences."""
    i, j = links.source, links.target
    if base == 0 and min(i.min(), j.min()) > 0 and np.all((i <= source) & (j <= target)):
        return f"is the file 1-based? {remedy}"
    if np.all((i < target) & (j < source)):
        return "are source and target exchanged? the links would fit the other way round"
    return "are these the sentences that the links belong to, tokenised alike and in the same order?"


def _pairs(links: Links) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(links)), np.diff(links.starts))


def _read_lines(lines: list[str], name: str, base: int) -> Iterator[_Entry]:
    for line, content in enumerate(lines, 1):
        for item in content.split():
            match = _ITEM.fullmatch(item)
            if match is None:
                expected = "i-j (Sure) or i?j (Possible), such as 0-0 1?2, or a .wa file of lines SENT i j [S|P]"
                raise InputError(f"{name}:{line}: {item!r} is not a gold link; expected {expected}")
            i, j = int(match[1]), int(match[3])
            _check_base(min(i, j), base, f"{name}:{line}: position 0 in {item!r}")
            yield _Entry(line - 1, i - base, j - base, match[2] == "-", line)


def _read_wa(lines: list[str], name: str, base: int, n_pairs: int | None) -> Iterator[_Entry]:
    for line, content in enumerate(lines, 1):
        content, place = content.strip(), f"{name}:{line}"
        if not content:
            continue
        match = _WA_LINE.fullmatch(content)
        if match is None:
            expected = "SENT i j [S|P] [confidence], such as 0001 3 4 S"
            raise InputError(f"{place}: {content!r} is not a .wa line; expected {expected}")
        number, i, j = int(match[1]), int(match[2]), int(match[3])
        if number < base:
            raise InputError(f"{place}: sentence 0, but sentences are read as counted from 1; is it base 0? --base 0")
        _check_base(min(i, j), base, f"{place}: position 0 in {content!r}")
        if n_pairs is not None and number - base >= n_pairs:
            advice = "are sentences counted from 1? --base 1" if base == 0 else "are these the sentences of this gold?"
            raise InputError(f"{place}: sentence {number}, but there are {n_pairs} sentence pairs; {advice}")
        yield _Entry(number - base, i - base, j - base, match[4] != "P", line)


def _check_base(position: int, base: int, what: str) -> None:
    if position < base:
        advice = "if the file counts from 0, say base 0 (--base 0); if 0 stands for NULL, leave those links out"
        raise InputError(f"{what}, but positions are read as counted from 1; {advice}")


def _as_sets(entries: list[_Entry], n: int, base: int, name: str) -> Gold:
    table = np.array(entries, np.int64).reshape(-1, len(_Entry._fields))
    pair, source, target, sure, _ = table.T
    table = table[np.lexsort((-sure, target, source, pair))]  # of the same link twice, the Sure one comes first
    repeated = np.all(table[1:, :3] == table[:-1, :3], axis=1)
    table = table[np.concatenate([np.ones(min(1, len(table)), bool), ~repeated])]
    return Gold(_links(table[table[:, 3] == 1], n), _links(table, n), base, name, places=table[:, 4].copy())


def _links(table: NDArray[np.int64], n: int) -> Links:
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(table[:, 0], minlength=n), out=starts[1:])
    return Links(starts, table[:, 1].astype(np.int32), table[:, 2].astype(np.int32))


def _warn_if_one_based(gold: Gold, is_wa: bool) -> None:
    links, text = gold.possible, ""
    if min(links.source.min(), links.target.min()) > 0:
        text = f"no position 0 in {gold.lines} pairs read as 0-based: does it count from 1? say base 1 (--base 1)"
    elif is_wa and links.starts[1] == 0:
        text = "no sentence 0 in a .wa file read as 0-based: if it counts sentences from 1, renumber them"
    if text:
        warnings.warn(f"{gold.name}: {text}", stacklevel=3)
