"""Rewrite a labelled table of Orange, ``label<TAB>text`` under three header lines, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from emnlp.errors import InputError

HEADER = ("Category\tText", "d\tstring", "class\t", "")  # names, types and roles of the columns, and an empty row
_VERSION = "is it another version of the package?"


def labelled_table(text: str, name: str) -> str:
    r"""Return a JSON line for each row, with its label and its text without white space around it.

    Parameters
    ----------
    text : str
        The table: the lines of `HEADER`, of which the last may have TABs, and rows of label and text.
    name : str
        What error messages call it.

    Raises
    ------
    InputError
        If the header is another, there is no row, or a row is not a label and a text.

    Examples
    --------
    >>> print(labelled_table("\n".join([*HEADER, "sport\tone goal \n"]), "a.tab"), end="")
    {"label": "sport", "text": "one goal"}
    """
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    for number, wanted in enumerate(HEADER, 1):
        found = "".join(lines[number - 1 : number])
        if found != wanted and (wanted or found.strip()):
            raise InputError(f"{name}:{number}: the header has {found[:50]!r}, not {wanted!r}; {_VERSION}")
    if len(lines) <= len(HEADER):
        raise InputError(f"{name}:{len(lines)}: no row under the header; {_VERSION}")
    return "".join(_rows(lines, name))


def _rows(lines: list[str], name: str) -> Iterator[str]:
    for number, line in enumerate(lines[len(HEADER) :], len(HEADER) + 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 2 or "" in cells:
            raise InputError(f"{name}:{number}: {len(cells)} columns, not a label and a text; {_VERSION}")
        yield json.dumps({"label": cells[0], "text": cells[1]}, ensure_ascii=False) + "\n"
