"""Where documents come from: JSON lines, ``label<TAB>text``, a document a line, class folders, corpora by name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from emnlp.corpus.files import display_name, read_text
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.documents import Documents

Place = str | os.PathLike[str]
Record = tuple[str | None, str | list[str]]  # the label of a document, and its text or its tokens

WORDS = r"\w\w+"
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_BY_SUFFIX = {".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl", ".tsv": "tsv", ".tab": "tsv"}
_LINE = '{"label": "sport", "text": "..."}'


def format_of(path: Place) -> str:
    """Return the format that a name says: ``jsonl``, ``tsv`` or ``plain``; ``folder`` if it is one.

    Examples
    --------
    >>> format_of("bbc.jsonl.gz"), format_of("spam.tsv"), format_of("news.txt")
    ('jsonl', 'tsv', 'plain')
    """
    place = Path(os.fspath(path))
    if os.path.isdir(path):
        return "folder"
    place = place.with_suffix("") if place.suffix in _PACKED else place
    return _BY_SUFFIX.get(place.suffix.lower(), "plain")


def records(path: Place, format: str | None = None) -> list[Record]:
    """Return the label of each document, None if it has none, and its text, or its tokens where the file has them.

    See `Documents.read` for the formats and errors.
    """
    form = format or format_of(path)
    if form not in _READERS:
        raise InputError(f"{display_name(path)}: no format {form!r} of documents; give one of {', '.join(_READERS)}")
    if form == "folder" and format is None:
        many = [file for file in _shown(Path(path)) if file.is_file() and format_of(file) != "plain"]
        if many:
            raise InputError(
                f"{many[0]} holds many documents; give that file (or format='folder', if it is really one)"
            )
    return list(_READERS[form](path))


def tokens(found: Iterable[Record], lowercase: bool = True, pattern: str | None = WORDS) -> Iterator[list[str]]:
    """Yield the tokens of each record; see `Documents.read`.

    Examples
    --------
    >>> list(tokens([(None, "It's the 2nd goal."), (None, ["A", "goal"])]))
    [['it', 'the', '2nd', 'goal'], ['a', 'goal']]
    """
    split = _splitter(pattern)
    for _, content in found:
        if isinstance(content, str):
            yield split(content.lower() if lowercase else content)
        else:
            yield [token.lower() for token in content] if lowercase else content


def read_documents(name_or_path: Place, part: str = "train", **options: Any) -> Documents:
    """Read documents from a file, a folder, or a corpus that `emnlp corpora list` shows.

    Parameters
    ----------
    name_or_path : str or path-like
        What `Documents.read` reads; a folder with ``train.jsonl``, or with a single file of JSON lines; the name of a
        corpus, such as ``reuters_r8``, or of a part of it, ``reuters_r8/test``. What exists as a path is a path.
    part : str
        Which file of a corpus, unless the name says it.
    **options
        As for `Documents.read`.

    Raises
    ------
    InputError
        As `Documents.read`; if the corpus is not here (the message says how to get it), or is not one of documents.

    Examples
    --------
    >>> len(read_documents("sample_documents"))
    60
    """
    from emnlp.corpus.documents import Documents

    return Documents.read(find_documents(name_or_path, part), **options)


def find_documents(name_or_path: Place, part: str = "train") -> Place:
    """Return the path that `read_documents` reads."""
    from emnlp.corpus import registry

    text = os.fspath(name_or_path)
    if text == "-" or os.path.exists(text):
        return (_file_in(Path(text), part) or text) if os.path.isdir(text) else text
    name, slash, said = text.partition("/")
    if name not in registry.names() + registry.own():
        if slash or "." in name:  # a path, and reading it says what is wrong
            return text
        try:
            registry.describe(name)
        except InputError as error:
            raise InputError(f"{text}: no such file or folder; {error}") from None
    folder = registry.find(name)
    if file := _file_in(folder, said or part, exactly=bool(said)):
        return file
    is_other = name in registry.names() and registry.describe(name).kind != "documents"
    if said or is_other:
        what = "no corpus of documents" if is_other else f"no {said}.jsonl, plain or compressed"
        raise InputError(f"{text}: {folder} has {what}; `emnlp corpora list` shows which corpora there are")
    return folder


def _file_in(folder: Path, part: str, exactly: bool = False) -> Path | None:
    """Return the JSON lines of a corpus folder: those of a part, or else, unless `exactly` these, the only ones."""
    files = [file for file in _shown(folder) if file.is_file() and format_of(file) == "jsonl"]
    names = [file.name.removesuffix(file.suffix) if file.suffix in _PACKED else file.name for file in files]
    if f"{part}.jsonl" in names:
        return files[names.index(f"{part}.jsonl")]
    has_parts = {"train.jsonl", "dev.jsonl", "test.jsonl"} & set(names)
    return files[0] if len(files) == 1 and not has_parts and not exactly else None


def _lines(path: Place) -> Iterator[tuple[str, str]]:
    """Yield the place (``file:line``) and the text of each line."""
    name, text = display_name(path), read_text(path)
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        yield f"{name}:{number}", line.removesuffix("\r")


def _plain(path: Place) -> Iterator[Record]:
    return ((None, line) for _, line in _lines(path))


def _tsv(path: Place) -> Iterator[Record]:
    for place, line in _lines(path):
        label, tab, text = line.partition("\t")
        if not tab and line.strip():
            raise InputError(f"{place}: no TAB; a line is label TAB text, and begins with the TAB if it has no label")
        yield _label(label.strip(), place), text


def _json_lines(path: Place) -> Iterator[Record]:
    for place, line in _lines(path):
        yield _json_record(line, place) if line.strip() else (None, "")


def _json_record(line: str, place: str) -> Record:
    try:
        fields = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        what = f"not valid JSON ({getattr(error, 'msg', None) or error!s:.100})"
        hint = "; is it one list of documents? jq -c '.[]' makes lines of it" if line.lstrip().startswith("[") else ""
        raise InputError(f"{place}: {what}; a line is an object such as {_LINE}{hint}") from None
    if not isinstance(fields, dict):
        raise InputError(f"{place}: a {type(fields).__name__}, not an object; a line is one such as {_LINE}")
    return _label(fields.get("label"), place), _content(fields, place)


def _content(fields: dict[str, Any], place: str) -> str | list[str]:
    if isinstance(text := fields.get("text"), str):
        return text
    words = fields.get("tokens")
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return words
    given = 'its "text" is not a string' if "text" in fields else 'its "tokens" are not a list of strings'
    what = given if {"text", "tokens"} & fields.keys() else 'no "text" and no "tokens"'
    raise InputError(f"{place}: {what}; a line is an object such as {_LINE}")


def _label(label: Any, place: str) -> str | None:
    if label is None or label == "":
        return None
    if isinstance(label, (dict, list)):
        raise InputError(f"{place}: the label is a {type(label).__name__}; give each document one name, or null")
    name = label if isinstance(label, str) else json.dumps(label)
    if not name.isprintable():
        raise InputError(f"{place}: the label {name!r} has a character that cannot be printed; rename it")
    return name


def _folder(path: Place) -> Iterator[Record]:
    """Yield the files of a folder, and then those of each class folder and the folders in it, by name."""
    inside = _shown(Path(path))
    named: list[tuple[str | None, Path]] = [(None, entry) for entry in inside if entry.is_file()]
    for entry in inside:
        if entry.is_dir():
            label = _label(entry.name, str(entry))
            named += [(label, file) for file in _below(entry)]
    if not named:
        raise InputError(f"{path}: no file in it; a folder of documents has a folder a class, and a file a document")
    return ((label, read_text(file)) for label, file in named)


def _below(folder: Path) -> Iterator[Path]:
    for entry in _shown(folder):
        if entry.is_dir() and not entry.is_symlink():  # a link may lead round in a circle
            yield from _below(entry)
        elif entry.is_file():
            yield entry


def _shown(folder: Path) -> list[Path]:
    """Return what is in a folder and not hidden, by name."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read as a folder ({error.strerror or error})") from None


def _splitter(pattern: str | None) -> Callable[[str], list[str]]:
    if pattern is None:
        return str.split
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        advice = "None splits at white space"
        raise InputError(f"pattern {pattern!r} is not a regular expression ({error}); {advice}") from None
    if compiled.groups > 1:
        raise InputError(f"pattern {pattern!r} has {compiled.groups} groups; use (?:...) for all but the token")
    return compiled.findall


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_READERS: dict[str, Callable[[Place], Iterator[Record]]] = {
    "jsonl": _json_lines,
    "tsv": _tsv,
    "plain": _plain,
    "folder": _folder,
}
