"""``emnlp evaluate``: score what a model found against gold."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from emnlp.cli import evaluate_cluster, evaluate_tag
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.gold import Gold
    from emnlp.corpus.links import Links
    from emnlp.metrics import AlignmentScores

_ALIGN_EPILOG = """\
GOLD has one line a sentence pair, 'i-j' Sure, 'i?j' or 'ipj' Possible only,
0-based, source first; or it is a WPT/NAACL .wa file of lines 'SENT i j [S|P]',
1-based. Its content tells which. LINKS is always 0-based.

examples:
  emnlp evaluate align dev.links dev.gold
  emnlp evaluate align test.links test.wa --source test.en --target test.fr
  emnlp evaluate align all.links all.gold.gz --lines 1::8
  tail -n 137 all.links | emnlp evaluate align - dev.gold

The last line printed can go into a paper: the rates in %, the counts, and how
to get them again. Rates are as in Och & Ney (2003): precision against Possible,
recall against Sure links.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser of ``emnlp evaluate`` to the commands."""
    evaluate = commands.add_parser("evaluate", help="score results against gold", description="Score against gold.")
    whats = evaluate.add_subparsers(metavar="WHAT", required=True)
    for what in (_add_align(whats), evaluate_tag.add(whats), evaluate_cluster.add(whats)):
        what.add_argument(
            "--lines",
            metavar="FIRST:END:STEP",
            type=lines_of,
            help="score only these lines, as a Python slice: 0-based, END left out; 1::8 is every 8th from the second",
        )
        what.add_argument("--json", action="store_true", help="print one JSON object, with rates from 0 to 1")


def _add_align(whats: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    align = whats.add_parser(
        "align",
        help="alignment error rate, precision, recall and F1 of word links",
        description="Print AER, precision, recall and F1 of word links against gold.",
        epilog=_ALIGN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    align.add_argument("links", metavar="LINKS", help="links to score, lines of i-j; - is standard input")
    align.add_argument("gold", metavar="GOLD", help="gold links of the same sentence pairs")
    align.add_argument(
        "--base", type=int, choices=(0, 1), help="where positions in GOLD start (default: 0, but 1 for a .wa file)"
    )
    align.add_argument("--source", metavar="FILE", help="the source sentences, to check all positions against")
    align.add_argument("--target", metavar="FILE", help="the target sentences, likewise")
    align.set_defaults(run=run_align)
    return align


def run_align(args: argparse.Namespace) -> int:
    """Run ``emnlp evaluate align``."""
    from emnlp.corpus.files import display_name
    from emnlp.corpus.links import Links
    from emnlp.metrics import alignment_scores

    if [args.links, args.gold, args.source, args.target].count("-") > 1:
        raise InputError("more than one file is '-'; standard input can be read once, so give the others by name")
    lengths = [None if path is None else _lengths(path) for path in (args.source, args.target)]
    links, name = Links.read(args.links), display_name(args.links)
    gold = read_gold(args, lengths)
    _check_same_lines(links, name, gold)
    _check_positions(links, name, gold, lengths)
    if args.lines is not None:
        links, gold = links[args.lines], gold.select(args.lines)
        if not gold.lines:
            raise InputError(f"--lines {gold.selection} selects none of the lines of {name}; the first line is 0")
    _print(alignment_scores(links, gold), args.json)
    return 0


def lines_of(text: str) -> slice:
    """Parse ``FIRST:END:STEP``, each part optional."""
    if not re.fullmatch(r"\d*:\d*(:\d*)?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST:END:STEP, such as 1::8 or 0:100")
    bounds = [int(bound) if bound else None for bound in text.split(":")]
    if bounds[2:] == [0]:
        raise argparse.ArgumentTypeError(f"the step of {text!r} is 0; it has to be at least 1")
    return slice(*bounds)


def _lengths(path: str) -> list[int]:
    """Count the tokens of each line; ASCII white space separates them, as when a corpus is read."""
    from emnlp.corpus.files import read_text

    text = read_text(path)
    return [len(line.encode().split()) for line in text.removesuffix("\n").split("\n")] if text else []


def read_gold(args: argparse.Namespace, lengths: list[list[int] | None]) -> Gold:
    """Read gold; its warnings go to standard error without a Python file and line."""
    import sys
    import warnings

    from emnlp.corpus.gold import Gold

    n_pairs = next((len(side) for side in lengths if side is not None), None)
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        gold = Gold.read(args.gold, args.base, n_pairs)
    for doubt in doubts:
        print(f"emnlp: warning: {doubt.message}", file=sys.stderr)
    return gold


def _check_same_lines(links: Links, name: str, gold: Gold) -> None:
    n = gold.lines
    if len(links) == n:
        return
    if len(links) > n:
        advice = (
            f"keep only the lines that have gold, for example with head -n {n} LINKS or tail -n {n} LINKS; "
            "if GOLD is a .wa file whose last pairs have no link, give --source or --target, so that they are counted"
        )
    else:
        advice = "were all pairs aligned? a pair without links needs a blank line"
    raise InputError(f"{name} has {len(links)} lines, but {gold.name} has {n} sentence pairs; {advice}")


def _check_positions(links: Links, name: str, gold: Gold, lengths: list[list[int] | None]) -> None:
    from emnlp.corpus.gold import check_positions

    gold.check(*lengths)
    check_positions(
        links, lengths[0], lengths[1], name, remedy="LINKS has to be 0-based: subtract 1 from all positions"
    )


def _print(scores: AlignmentScores, as_json: bool) -> None:
    rates = {"AER": scores.aer, "P": scores.precision, "R": scores.recall, "F1": scores.f1}
    if as_json:
        import json
        from dataclasses import asdict

        named = {"aer": scores.aer, "precision": scores.precision, "recall": scores.recall, "f1": scores.f1}
        print(json.dumps({**named, **asdict(scores), "signature": scores.signature()}, ensure_ascii=False))
        return
    print("".join(f"{name:>8}" for name in rates))
    print("".join(f"{100 * rate:8.2f}" for rate in rates.values()))
    print()
    print(scores.signature())
