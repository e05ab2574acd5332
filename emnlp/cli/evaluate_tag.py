"""``emnlp evaluate tag``: score clusters or tags of words against gold tags."""

from __future__ import annotations

import argparse
import json
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from emnlp.cli.evaluate_cluster import print_scores, shown
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.tagged import Tagged
    from emnlp.metrics import TaggingScores

_EPILOG = """\
OUTPUT and GOLD are lines of word/TAG, or CoNLL-U if the name ends in .conllu
(.gz .bz2 .xz .zst may follow); GOLD can also be a tagged corpus of NLTK, such as
nltk:treebank. The words have to be the same; those of OUTPUT may be lower-cased.
Words without a gold tag are left out and counted.

examples:
  emnlp evaluate tag dev.tagged dev.gold
  emnlp evaluate tag all.tagged train.conllu.gz --tag upos --lines :1000
  emnlp evaluate tag - nltk:treebank --confusion < all.tagged

M-1 maps each cluster to its most frequent gold tag, 1-1 gives each a tag of its
own; V is the V-measure of H (homogeneity) and C (completeness), all in %. VI, the
variation of information, is in bits: 0 is best. Acc is the share of words whose
label is the gold tag, if half of the labels are names of gold tags. The mappings
are those that are best for the words scored. The last line can go into a paper.
"""
_NLTK = "nltk:"


def add(whats: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of ``emnlp evaluate tag``."""
    tag = whats.add_parser(
        "tag",
        help="many-to-one, one-to-one, V-measure and variation of information of tags or clusters",
        description="Print many-to-one, one-to-one, V-measure and variation of information of tags against gold.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tag.add_argument("output", metavar="OUTPUT", help="the tagged sentences to score; - is standard input")
    tag.add_argument("gold", metavar="GOLD", help="the same sentences with gold tags, or nltk:NAME")
    tag.add_argument(
        "--tag",
        choices=("xpos", "upos"),
        default="xpos",
        help="the column of CoNLL-U, and the tags of nltk:NAME: its own, or the universal ones (default: xpos)",
    )
    tag.add_argument("--confusion", action="store_true", help="print the gold tags of each cluster, too")
    tag.set_defaults(run=run_tag)
    return tag


def run_tag(args: argparse.Namespace) -> int:
    """Run ``emnlp evaluate tag``."""
    import numpy as np

    from emnlp.metrics import tagging_scores

    if args.output == args.gold == "-":
        raise InputError("more than one file is '-'; standard input can be read once, so give the other by name")
    output, gold = read_tagged(args.output, args.tag), read_tagged(args.gold, args.tag)
    check_words(output, gold)
    _check_labels(output, gold)
    if args.lines is not None:
        chosen = np.arange(len(gold))[args.lines]
        if not len(chosen):
            raise InputError(f"--lines {shown(args.lines)} selects none of the {len(gold)} sentences; the first is 0")
        output, gold = output.select(chosen), gold.select(chosen)
    facts = {"column": "" if _has_lines(gold) else args.tag, "lines": shown(args.lines)}
    scores = tagging_scores(names(output), names(gold), gold_name=gold.text.name, **facts)
    if args.json:
        print(json.dumps(_as_json(scores, args.confusion), ensure_ascii=False))
    else:
        counts = {"clusters": scores.n_clusters, "tags": scores.n_tags}
        print_scores(scores, args.confusion, counts, "gold tags")
    return 0


def read_tagged(path: str, column: str | None, form: str | None = None, lowercase: bool = False) -> Tagged:
    """Read a tagged file, or a corpus of NLTK; `column` is that of CoNLL-U, and the kind of NLTK's tags."""
    from emnlp.corpus.tagged import Tagged

    if path.startswith(_NLTK):
        return Tagged.from_nltk(path.removeprefix(_NLTK), universal=column == "upos", lowercase=lowercase)
    return Tagged.read(path, format=form, tag=column, lowercase=lowercase)


def names(tagged: Tagged) -> Any:
    """Return the name of each token's tag, None if it has none, (N,)."""
    import numpy as np

    return np.array([*tagged.tagset, None], object)[tagged.tags]


def _has_lines(tagged: Tagged) -> bool:
    """Return whether sentence k is line k + 1: not so in CoNLL-U and in a corpus of NLTK."""
    from emnlp.corpus.tagfiles import format_of

    return not tagged.text.name.startswith(_NLTK) and format_of(tagged.text.name) == "slash"


def _place(tagged: Tagged, sentence: int) -> str:
    return f"{tagged.text.name}{':' if _has_lines(tagged) else ': sentence '}{sentence + 1}"


def check_words(output: Tagged, gold: Tagged) -> None:
    """Compare the words sentence by sentence; the first that differs is an error."""
    for k, (found, words) in enumerate(zip(output.text, gold.text)):
        if found == words:
            continue
        for n, (mine, word) in enumerate(zip_longest(found, words), 1):
            if word is None or not _same(mine, word):
                here, there = ("the end" if each is None else repr(each) for each in (mine, word))
                what = f"{_place(output, k)}: word {n} is {here}, but {there} in {_place(gold, k)}"
                raise InputError(f"{what}; score the same sentences, in their order, tokenised alike")
    if len(output) != len(gold):
        counts = f"{output.text.name} has {len(output)} sentences, but {gold.text.name} has {len(gold)}"
        raise InputError(f"{counts}; score the output of exactly the sentences that have gold")


def _same(mine: str | None, word: str) -> bool:
    """Return whether output has a gold word: as it is, lower-cased, or with ``_`` for white space in it."""
    from emnlp.corpus.tagfiles import writable

    return mine in (word, word.lower()) or mine in (written := writable(word, "slash"), written.lower())


def _check_labels(output: Tagged, gold: Tagged) -> None:
    import numpy as np

    missing = np.flatnonzero((output.tags < 0) & (gold.tags >= 0))
    if len(missing):
        token = int(missing[0])
        sentence = int(np.searchsorted(output.text.starts, token, side="right")) - 1
        word = output.text.vocabulary[output.text.ids[token]]
        more = f" and {len(missing) - 1} words after it have" if len(missing) > 1 else " has"
        raise InputError(f"{_place(output, sentence)}: {word!r}{more} no tag, but a gold one; tag every word")


def _as_json(scores: TaggingScores, confusion: bool) -> dict[str, Any]:
    rates = ("many_to_one", "one_to_one", "v_measure", "variation_of_information", "homogeneity", "completeness")
    counts = ("n_clusters", "n_tags", "n_tokens", "n_without_gold")
    names = (*rates, "accuracy", *counts, "gold", "column", "lines")
    fields = {name: getattr(scores, name) for name in names} | {"signature": scores.signature()}
    return fields | ({"confusion": [row._asdict() for row in scores.table.confusion()]} if confusion else {})
