"""Rewrite CoNLL-U whose rows are parts of words, so that each word has a row."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from emnlp.errors import InputError

Line = tuple[int, str]  # its number from 1, and its text

_COLUMNS = 10
_FORM, _UPOS, _XPOS, _DEPREL = 1, 3, 4, 7
_VERSION = "is it another version of the package?"


def join_groups(text: str, name: str) -> str:
    r"""Join the rows of a word, its inflectional groups, into one.

    A row whose DEPREL is ``ig`` goes on in the next one. The form of the word is that of its rows in one piece, and
    its tags (UPOS and XPOS) are those of the last row; the columns that describe a group alone are left out. Of the
    comments only ``# sent_id`` is kept: ``# text`` has spaces that the rows no longer account for.

    Parameters
    ----------
    text : str
        CoNLL-U, the ids of each sentence 1, 2, ...
    name : str
        What error messages call it.

    Returns
    -------
    str
        CoNLL-U with ID, FORM, UPOS and XPOS, and ``_`` in the other columns; the sentences in the same order.

    Raises
    ------
    InputError
        If there is no sentence or no word in one, a word does not end, or a row has not ten columns, an empty one, or
        an id out of order (a range or an empty node included).

    Examples
    --------
    >>> rows = [("1", "ev", "ev", "NOUN", "NN", "_", "2", "ig"), ("2", "siz", "_", "ADJ", "JJ", "_", "0", "root")]
    >>> print(join_groups("\n".join("\t".join([*row, "_", "_"]) for row in rows), "a").replace("\t", " "))
    1 evsiz _ ADJ JJ _ _ _ _ _
    <BLANKLINE>
    <BLANKLINE>
    """
    numbered = enumerate((line.removesuffix("\r") for line in text.split("\n")), 1)
    blocks = [list(block) for full, block in itertools.groupby(numbered, lambda line: line[1] != "") if full]
    if not blocks:
        raise InputError(f"{name}:1: no sentence in it; {_VERSION}")
    return "".join(_sentence(block, name) for block in blocks)


def _sentence(block: list[Line], name: str) -> str:
    comments = [line for _, line in block if line.startswith("# sent_id = ")]
    words = "".join(f"{line}\n" for line in [*comments, *_words(list(_rows(block, name)), f"{name}:{block[-1][0]}")])
    return f"{words}\n"


def _words(rows: list[list[str]], last: str) -> Iterator[str]:
    """Yield the row of each word; `last` is the place of the sentence's last line."""
    if not rows:
        raise InputError(f"{last}: comments, but no word after them; {_VERSION}")
    if rows[-1][_DEPREL] == "ig":
        raise InputError(f"{last}: DEPREL is ig, but the sentence has no next row for the word to go on in; {_VERSION}")
    count, form = 0, ""
    for cells in rows:
        form += cells[_FORM]
        if cells[_DEPREL] != "ig":
            count += 1
            yield "\t".join([str(count), form, "_", cells[_UPOS], cells[_XPOS], *"_____"])
            form = ""


def _rows(block: list[Line], name: str) -> Iterator[list[str]]:
    """Yield the cells of each row of a sentence, once they are found to be in order."""
    rows = [line for line in block if not line[1].startswith("#")]
    for wanted, (number, line) in enumerate(rows, 1):
        cells = line.split("\t")
        if len(cells) != _COLUMNS:
            raise InputError(f"{name}:{number}: {len(cells)} columns, not {_COLUMNS}; {_VERSION}")
        if cells[0] != str(wanted):
            raise InputError(f"{name}:{number}: the id {cells[0]!r} is not {wanted}; only rows 1, 2, ... can be joined")
        if "" in cells:
            raise InputError(f"{name}:{number}: column {cells.index('') + 1} is empty; {_VERSION}")
        yield cells
