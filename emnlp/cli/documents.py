"""How commands read documents: options that several share, and what they say of the vocabulary."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments

if TYPE_CHECKING:
    from emnlp.corpus import Documents, Vocabulary
    from emnlp.models.bags import BagModel

FORMATS = ("jsonl", "tsv", "plain", "folder")
MIN_DF, FEW = 3, 50
components = arguments.number(int, 1, 10_000, "number")


def add_text(text: Any) -> None:
    """Add the options that say how documents are read."""
    form = "of DOCS: jsonl, tsv, plain or folder (by its name)"
    text.add_argument("--format", choices=FORMATS, metavar="FORMAT", help=form)
    rare = f"leave out words of fewer documents ({MIN_DF}; with fewer than {FEW} documents, 1)"
    text.add_argument("--min-df", type=arguments.positive, metavar="N", help=rare)
    frequent = "leave out words of more than this share of documents (1)"
    text.add_argument("--max-df", type=arguments.probability, metavar="SHARE", help=frequent)
    text.add_argument("--stop", metavar="FILE", type=arguments.path, help="leave out these words, one a line")
    case = text.add_mutually_exclusive_group()
    lower = "lower-case the words (the default; with --load, if those of the model are)"
    case.add_argument("--lowercase", action="store_true", default=None, help=lower)
    case.add_argument("--keep-case", action="store_false", dest="lowercase", help="do not lower-case the words")


def case_of(args: argparse.Namespace, loaded: BagModel | None = None) -> bool:
    """Return whether to lower-case words: as said, or as the words of a loaded model are."""
    if args.lowercase is not None or loaded is None:
        return args.lowercase is not False
    return all(word == word.lower() for word in loaded.vocabulary_)


def pruned(documents: Documents, args: argparse.Namespace) -> Documents:
    """Return documents without the words that the options leave out."""
    from emnlp.corpus.files import read_text
    from emnlp.errors import InputError

    words = read_text(args.stop).split() if args.stop else []
    stop = [word.lower() for word in words] if case_of(args) else words
    least = args.min_df or (MIN_DF if len(documents) >= FEW else 1)
    kept = documents.pruned(least, 1.0 if args.max_df is None else args.max_df, stop)
    if len(documents.vocabulary) and not len(kept.vocabulary):
        what = f"none of the {len(documents.vocabulary):,} words is left: each is in fewer than {least} documents"
        raise InputError(f"{documents.name}: {what}, in too many, or a stop word; give another --min-df or --max-df")
    return kept


def check_known(held_out: Documents | None, vocabulary: Vocabulary) -> None:
    """Raise an InputError if held-out documents have no word in common with those to train on."""
    from emnlp.errors import InputError

    if held_out is not None and not len(held_out.within(vocabulary).ids):
        raise InputError(f"{held_out.name}: no word of it is known from the documents to train on")
