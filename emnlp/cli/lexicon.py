"""``emnlp lexicon``: the translation table of a trained aligner."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from emnlp.cli import arguments

if TYPE_CHECKING:
    from emnlp.models import DirectedAligner

ORDERS = ("prob", "word")
FORMATS: dict[str, Callable[[str, str, float], str]] = {
    "tsv": lambda source, target, p: f"{source}\t{target}\t{p:.6g}\n",
    "moses": lambda source, target, p: f"{target} {source} {p:.7f}\n",
}

NULL = "NULL"

_EPILOG = """\
A line of tsv is 'source TAB target TAB p', p being p(target | source); with
--direction reverse, the source is the target side of the training text, and p
the reverse model's. NULL, which emits the words that translate nothing, is
written NULL and comes first; then source words in code-point order.

A line of moses is 'target source p', as in Moses' lex.f2e for the forward
direction (f the source, e the target), and as in lex.e2f for the reverse one.
Its lines for source words that translate to nothing, 'NULL source p', are not
there: the model has no such probability.

examples:
  emnlp lexicon en-fr.model | grep '^house'
  emnlp lexicon en-fr.model --min-p 0.01 --format moses -o lex.f2e
  emnlp lexicon en-fr.model --min-p 0.01 --format moses --direction reverse \\
    -o lex.e2f
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "lexicon",
        help="print the translation table of a trained aligner",
        description="Print the word translations of a trained aligner, with their probabilities.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", type=arguments.path, help="what `emnlp align --save` wrote")
    output = "where to write (standard output); .gz .bz2 .xz .zst are compressed"
    parser.add_argument("-o", "--output", metavar="FILE", default="-", type=arguments.path, help=output)
    which = "forward (default), p(target | source), or reverse"
    parser.add_argument("--direction", choices=("forward", "reverse"), help=which)
    least = "leave out what is less probable (0.001)"
    parser.add_argument("--min-p", metavar="P", type=arguments.probability, default=1e-3, help=least)
    order = "of a source word's translations: by prob, descending (default), or by word"
    parser.add_argument("--order", choices=ORDERS, default="prob", help=order)
    parser.add_argument("--format", choices=tuple(FORMATS), default="tsv", help="tsv (default) or moses; see below")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Write the table."""
    import os

    from emnlp.corpus.files import write_text

    if args.output != "-" and os.path.realpath(args.output) == os.path.realpath(args.model):
        args.usage_error("the output file is also the input")
    with write_text(args.output) as stream:
        stream.writelines(_lines(_direction(args), args))
    return 0


def _direction(args: argparse.Namespace) -> DirectedAligner:
    """Load the model and return the direction that is asked for."""
    from emnlp.errors import InputError
    from emnlp.model import load
    from emnlp.models import Aligner, DirectedAligner

    model = load(args.model)
    if isinstance(model, DirectedAligner) and args.direction != "reverse":
        return model
    directions = model.directions if isinstance(model, Aligner) else {}
    if (args.direction or "forward") not in directions:
        has = f"it has {', '.join(directions)}" if directions else "it has one direction, without a name"
        raise InputError(f"{args.model}: this model has no {args.direction or 'forward'} direction; {has}")
    return directions[args.direction or "forward"]


def _lines(model: DirectedAligner, args: argparse.Namespace) -> Iterator[str]:
    line = FORMATS[args.format]
    for source, target, p in model.entries(args.min_p, args.order):
        yield line(NULL if source is None else source, target, p)
