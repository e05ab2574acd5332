"""Where tagged text comes from and goes to: CoNLL-U, ``word/TAG`` tokens, the tagged corpora of NLTK."""

from __future__ import annotations

import functools
import io
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emnlp.corpus.files import display_name, write_text
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.tagged import Tagged

Pair = tuple[str, str | None]
COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_PLUS = "# global.columns ="  # first line of CoNLL-U Plus
EMPTY = "# text ="  # a block of comments with this line is a sentence without words
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_NEVER = r"\0\ud800-\udfff"  # characters that no file can hold
_UNWRITABLE = {
    "slash": re.compile(rf"^$|[ \t\n\r\v\f{_NEVER}]+"),
    "conllu": re.compile(rf"^$|^ | $| {{2,}}|[\t\n\r\v\f{_NEVER}]+"),
}
_MISSING = re.compile(r"nltk\.download\('([^']+)'\)")


def format_of(path: str | os.PathLike[str]) -> str:
    """Return the format that a file's name says: ``conllu`` or ``slash``.

    Examples
    --------
    >>> format_of("train.conllu.gz"), format_of("train.pos")
    ('conllu', 'slash')
    """
    place = Path(os.fspath(path))
    place = place.with_suffix("") if place.suffix in _PACKED else place
    return "conllu" if place.suffix.lower() in (".conllu", ".conllup") else "slash"


def split_token(token: str) -> Pair:
    """Split at the last slash that something stands before; the tag is None if nothing comes after it.

    Examples
    --------
    >>> [split_token(token) for token in ("house/NN", "1/2/CD", "1/2/", "//SYM")]
    [('house', 'NN'), ('1/2', 'CD'), ('1/2', None), ('/', 'SYM')]
    >>> [split_token(token) for token in ("house", "/", "//", "/NN")]
    [('house', None), ('/', None), ('/', None), ('/NN', None)]
    """
    word, _, tag = token.rpartition("/")
    return (word, tag or None) if word else (token, None)


def join_token(word: str, tag: str | None) -> str:
    """Return what `split_token` splits into these.

    Examples
    --------
    >>> join_token("house", "NN"), join_token("house", None), join_token("1/2", None)
    ('house/NN', 'house', '1/2/')
    """
    return f"{word}/{tag}" if tag else word + "/" * ("/" in word)


def row(word: str, tag: str | None, column: str) -> str:
    """Return the CoNLL-U columns after ID: FORM, and the tag in `column`.

    Examples
    --------
    >>> row("house", "NN", "xpos").split()
    ['house', '_', '_', 'NN', '_', '_', '_', '_', '_']
    """
    return "\t".join([word, *(tag if tag and name == column else "_" for name in COLUMNS[2:])])


def writable(word: str, form: str) -> str:
    """Return a word with ``_`` for white space, and other characters that the format cannot hold.

    CoNLL-U can hold a single space between two others. A word without any character becomes ``_``.

    Examples
    --------
    >>> writable("New York", "slash"), writable("New York", "conllu"), writable("New  York", "conllu")
    ('New_York', 'New York', 'New_York')
    """
    return _UNWRITABLE[form].sub("_", word)


def check_tag(tag: str, form: str, name: str) -> None:
    """Raise `InputError` if a tag cannot be written."""
    if form == "slash" and "/" in tag:
        raise InputError(f"{name}: tag {tag!r} has a slash, and word/TAG is split at the last one; write CoNLL-U")
    if _UNWRITABLE[form].search(tag) or (form == "conllu" and tag == "_"):
        raise InputError(f"{name}: tag {tag!r} would not be read as it is; rename it")


class _Lines:
    """The lines of a text, and blank ones after it; `line` is the number of the one read last."""

    def __init__(self, text: str) -> None:
        self.text, self.line = text, 0

    def __iter__(self) -> Iterator[str]:
        for line, content in enumerate(io.StringIO(self.text + "\n\n"), 1):
            self.line = line
            yield content


def read_conllu(text: str, name: str, tag: str | None) -> list[list[Pair]]:
    """Read CoNLL-U, see `conllu_sents`; it is an error if no word has a tag in a column that should have them."""
    sents = list(conllu_sents(text, name, tag))
    if tag and any(sents) and not any(found for sent in sents for _, found in sent):
        other = "xpos" if tag == "upos" else "upos"
        try:
            has_other = any(found for sent in conllu_sents(text, name, other) for _, found in sent)
        except InputError:  # CoNLL-U Plus without that column
            has_other = False
        advice = f"its {other.upper()} column has: tag={other!r}" if has_other else "tag=None reads the words only"
        raise InputError(f"{name}: no word has a tag, the {tag.upper()} column is all _; {advice}")
    return sents


def conllu_sents(text: str, name: str, tag: str | None) -> Iterator[list[Pair]]:
    """Read the FORM and one column of CoNLL-U or CoNLL-U Plus with the conllu library.

    Multi-word tokens (``3-4``) and empty nodes (``5.1``) are skipped. ``_`` is no tag. A block of comments is no
    sentence, unless one of them is ``# text =`` with nothing after it.

    Parameters
    ----------
    text, name : str
        The content of the file, and what messages call it.
    tag : str, optional
        The column; None reads the words only.

    Raises
    ------
    InputError
        If a line is not CoNLL-U, or numbers of words do not rise within a sentence: the message names the line. If
        there is no such column, or no conllu library.
    """
    try:
        import conllu
        from conllu.exceptions import ParseException
    except ImportError:
        raise InputError(f"{name}: CoNLL-U files need the conllu package: pip install 'emnlp[conllu]'") from None
    fields, parsers = _columns(text, name, tag)
    lines: Any = _Lines(text)
    for block in conllu.parse_sentences(lines):
        try:
            tokens = conllu.parse_token_and_metadata(block, fields, parsers)
        except (ParseException, ValueError):  # ValueError: an ID of thousands of digits
            _explain(block, lines.line, name, fields, parsers)
            raise
        words = [token for token in tokens if type(token["id"]) is int]
        numbers = [token["id"] for token in words]
        if any(a >= b for a, b in zip(numbers, numbers[1:])):
            _explain(block, lines.line, name, fields, parsers)
        if tokens or any(line.strip() == EMPTY for line in block.split("\n")):
            yield [(token["form"], token[tag] if tag else None) for token in words]


def _columns(text: str, name: str, tag: str | None) -> tuple[list[str], dict[str, Any]]:
    """Return the columns up to the last one that is needed, and how the library is to parse them."""
    from conllu.exceptions import ParseException
    from conllu.parser import DEFAULT_FIELD_PARSERS, parse_id_value, parse_nullable_value

    names = list(COLUMNS)
    if text.startswith(_PLUS):
        names = text[len(_PLUS) :].split("\n", 1)[0].lower().split()
    for needed in ("id", "form", *([tag] if tag else [])):
        if needed not in names:
            known = " ".join(column for column in names if column not in ("id", "form"))
            raise InputError(f"{name}: no column {needed!r}; the columns are ID, FORM and the tags {known}")
    numbers = functools.cache(parse_id_value)

    def number(line: list[str], i: int) -> Any:
        if len(line) != len(names):
            raise ParseException(f"{len(line)} columns, not {len(names)}")
        if (value := numbers(line[i])) is None:
            raise ParseException(f"{line[i]!r} is not a number")
        return value

    def form(line: list[str], i: int) -> str:
        if not line[i]:
            raise ParseException("it is empty")
        return line[i]

    fields = names[: 1 + max(names.index(needed) for needed in ("id", "form", tag or "form"))]
    parsers: dict[str, Any] = {field: lambda line, i: line[i] for field in fields if field in DEFAULT_FIELD_PARSERS}
    if tag:
        parsers[tag] = lambda line, i: parse_nullable_value(line[i])
    return fields, parsers | {"id": number, "form": form}


def _explain(block: str, after: int, name: str, fields: list[str], parsers: dict[str, Any]) -> None:
    """Find the wrong line in a block that ends before line `after`, and raise `InputError`."""
    from conllu.exceptions import ParseException
    from conllu.parser import parse_line

    content, last = block.split("\n"), -1
    for place, line in enumerate(map(str.strip, content), after - len(content)):
        if line.startswith("#"):
            continue
        try:
            number = parse_line(line, fields, parsers)["id"]
        except (ParseException, ValueError) as error:
            expected = "columns separated by TABs, an empty one being _; a blank line after each sentence"
            raise InputError(f"{name}:{place}: not CoNLL-U ({error!s:.200}); expected {expected}") from None
        if type(number) is int:
            if number <= last:
                advice = "does a new sentence begin? put a blank line before it"
                raise InputError(f"{name}:{place}: word {number} comes after word {last}; {advice}")
            last = number


def write(tagged: Tagged, path: str | os.PathLike[str], form: str, column: str) -> None:
    """Write tagged text; see `Tagged.write`."""
    name = display_name(path)
    if form not in _UNWRITABLE or column not in ("xpos", "upos"):
        raise InputError(f"{name}: format {form!r}, tag {column!r}: write slash or conllu, with the tag xpos or upos")
    tokens, which = _distinct(tagged, name, form, column)
    starts = tagged.text.starts.tolist()
    with write_text(path) as stream:
        for a, b in zip(starts, starts[1:]):
            sentence = [tokens[k] for k in which[a:b].tolist()]
            if form == "slash":
                stream.write(" ".join(sentence) + "\n")
            else:
                rows = [f"{n}\t{columns}\n" for n, columns in enumerate(sentence, 1)] or [EMPTY + "\n"]
                stream.write("".join(rows) + "\n")


def _distinct(tagged: Tagged, name: str, form: str, column: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct tokens as they are to be written, and the number of each token's, (N,)."""
    text, tagset = tagged.text, tagged.tagset
    for tag in np.unique(tagged.tags[tagged.tags >= 0]).tolist():
        check_tag(tagset[tag], form, name)
    words = [writable(word, form) for word in text.vocabulary.words]
    changed = np.array([a != b for a, b in zip(words, text.vocabulary.words)], bool)
    if count := int(changed[text.ids].sum()):
        what = f"in {count:,} tokens, white space (or nothing at all) is written as _"
        warnings.warn(f"{name}: {what}; {form} cannot hold it", stacklevel=4)
    width = len(tagset) + 1
    keys, which = np.unique(text.ids * np.int64(width) + tagged.tags + 1, return_inverse=True)
    names = [None, *tagset.words]
    pairs = [(words[key // width], names[key % width]) for key in keys.tolist()]
    if form == "slash":
        return [join_token(word, tag) for word, tag in pairs], which
    return [row(word, tag, column) for word, tag in pairs], which


def nltk_sents(name: str, universal: bool, fileids: Any) -> list[list[Pair]]:
    """Read the tagged sentences of an NLTK corpus, without the traces (-NONE-) of a treebank.

    Raises
    ------
    InputError
        If NLTK has no such corpus, its data are not installed, or it has no tagged sentences, or no universal tags.
    """
    import nltk.corpus
    from nltk.corpus.reader.api import CorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    corpus: Any = getattr(nltk.corpus, name, None)
    if not isinstance(corpus, (CorpusReader, LazyCorpusLoader)):
        raise InputError(f"NLTK has no corpus {name!r}; some that have tags are treebank, brown and conll2000")
    try:
        if not hasattr(corpus, "tagged_sents"):
            raise InputError(f"NLTK's corpus {name!r} has no tagged sentences; treebank, brown and conll2000 have")
        rename = _universal(corpus, name) if universal else lambda tag: tag
        sents = corpus.tagged_sents() if fileids is None else corpus.tagged_sents(fileids)
        return [[(word, rename(tag)) for word, tag in sent if tag != "-NONE-"] for sent in sents]
    except (LookupError, OSError) as error:
        if found := _MISSING.search(str(error)):
            advice = f"python -c \"import nltk; nltk.download('{found[1]}')\""
            raise InputError(f"NLTK's {found[1]!r} is not installed; get it with {advice}") from None
        reason = " ".join(str(error).strip("*\n ").split())
        raise InputError(f"NLTK's corpus {name!r} cannot be read ({reason:.200}); are its fileids right?") from None


def _universal(corpus: Any, name: str) -> Any:
    from nltk.tag import map_tag

    source = getattr(corpus, "_tagset", None)
    if not source:
        raise InputError(f"NLTK does not know which universal tags those of its corpus {name!r} are; use its own tags")
    return functools.cache(lambda tag: map_tag(source, "universal", tag) if tag else tag)
