"""The text of priors: bilingual dictionaries, and eflomal's files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from emnlp.errors import InputError

Entry = tuple[str | None, str | None, float]
"""Source word, target word (None is NULL), pseudo-count."""

Fertilities = Mapping[tuple[str, int], float]
"""Pseudo-counts of a word with a number of links."""

NULL = "<NULL>"
"""How eflomal's files write NULL."""

Place = tuple[str, int]
"""File and line."""

_FIELDS = {"LEX": 4, "HMMF": 3, "HMMR": 3, "FERF": 4, "FERR": 4}


def parse(text: str, name: str, weight: float = 1.0, form: str = "") -> tuple[Iterable[Entry], dict[str, Any]]:
    r"""Return the entries of a file, and eflomal's jumps and fertilities; see `Priors.parse`.

    Examples
    --------
    >>> entries, tables = parse("LEX\tdog\thund\t2\nHMMF\t1\t7.5\n", "priors")
    >>> entries, tables["jumps"]
    ([('dog', 'hund', 2.0)], {1: 7.5})
    """
    if form not in ("", "dictionary", "eflomal"):
        raise InputError(f"priors: the form {form!r} is not known; choose dictionary or eflomal")
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), 1)
    numbered = [((name, n), line) for n, line in lines if line.strip() and not _is_comment(line)]
    first = numbered[0][1].split("\t") if numbered else [""]
    if form == "eflomal" or (not form and len(first) == _FIELDS.get(first[0])):
        return _eflomal(numbered)
    return _dictionary(numbered, weight), {}


def lines(
    lexical: Mapping[tuple[str | None, str | None], float],
    jumps: Mapping[int, float],
    reverse_jumps: Mapping[int, float],
    fertilities: Fertilities,
    reverse_fertilities: Fertilities,
) -> Iterator[str]:
    """Yield the lines of eflomal's file, sorted by kind and words."""
    named = ((*(NULL if word is None else _word(word) for word in pair), count) for pair, count in lexical.items())
    for *pair, count in sorted(named):
        yield f"LEX\t{pair[0]}\t{pair[1]}\t{count:.12g}\n"
    for tag, by_word in (("FERF", fertilities), ("FERR", reverse_fertilities)):
        for (word, n), count in sorted(by_word.items()):
            yield f"{tag}\t{_word(word)}\t{n}\t{count:.12g}\n"
    for tag, by_jump in (("HMMF", jumps), ("HMMR", reverse_jumps)):
        for jump, count in sorted(by_jump.items()):
            yield f"{tag}\t{jump}\t{count:.12g}\n"


def _word(word: str) -> str:
    if not word or "\t" in word or "\n" in word or "\r" in word:
        raise InputError(f"priors: the word {word!r} is empty, or has a TAB or a line break; no file can hold it")
    return word


def _is_comment(line: str) -> bool:
    return line.startswith("#") and not line.startswith("#\t")


def _bad(place: Place, what: str) -> InputError:
    return InputError(f"{place[0]}:{place[1]}: {what}")


def _count(text: str, place: Place) -> float:
    try:
        count = float(text)
    except ValueError:
        count = math.nan
    if not 0 <= count < math.inf:
        raise _bad(place, f"{text!r} is not a pseudo-count; expected a number of 0 or more")
    return count


def _whole(text: str, place: Place) -> int:
    try:
        return int(text)
    except ValueError:
        raise _bad(place, f"{text!r} is not a whole number") from None


def _dictionary(numbered: Iterable[tuple[Place, str]], weight: float) -> Iterator[Entry]:
    for place, line in numbered:
        fields = line.split("\t")
        sides = [[word for word in side.split(" ") if word] for side in fields[:2]]
        if len(fields) not in (2, 3) or not all(sides):
            raise _bad(place, f"expected source TAB target, or source TAB target TAB count, not {line!r}")
        count = weight if len(fields) == 2 else _count(fields[2], place)
        yield from ((s, t, count / (len(sides[0]) * len(sides[1]))) for s in sides[0] for t in sides[1])


def _eflomal(numbered: Iterable[tuple[Place, str]]) -> tuple[list[Entry], dict[str, Any]]:
    entries: list[Entry] = []
    tables: dict[str, Any] = {"HMMF": {}, "HMMR": {}, "FERF": Counter(), "FERR": Counter()}
    for place, line in numbered:
        tag, *fields = line.split("\t")
        if 1 + len(fields) != _FIELDS.get(tag) or not all(fields):
            raise _bad(place, f"expected LEX, HMMF, HMMR, FERF or FERR and its fields, by TABs; not {line!r}")
        count = _count(fields[-1], place)
        if tag == "LEX":
            source, target = (None if word == NULL else word for word in fields[:2])
            entries.append((source, target, count))
        elif tag in ("HMMF", "HMMR"):
            tables[tag][_whole(fields[0], place)] = count
        else:
            tables[tag][fields[0], _whole(fields[1], place)] += count
    names = ("jumps", "reverse_jumps", "fertilities", "reverse_fertilities")
    return entries, dict(zip(names, tables.values()))
