"""How much memory a command that trains aligners may take: its options, and what it says before it begins."""

from __future__ import annotations

import argparse
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments
from emnlp.cli.arguments import say, warn

if TYPE_CHECKING:
    from emnlp.corpus import Bitext
    from emnlp.models import Aligner

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size(text: str) -> int:
    """Return a number of bytes, such as 4G or 500M."""
    digits, unit = (text[:-1], _UNITS[text[-1].upper()]) if text[-1:].upper() in _UNITS else (text, 1)
    if not 0 < float(digits) < float("inf"):
        raise ValueError
    return int(float(digits) * unit)


def pruning(text: str) -> tuple[float, int]:
    """Return a probability and a number of M-steps, written P@N."""
    least, _, steps = text.partition("@")
    if not 0 < float(least) < 1 or int(steps) < 1:
        raise ValueError
    return float(least), int(steps)


size.__name__, pruning.__name__ = "size (such as 4G or 500M)", "P@N (such as 1e-5@2)"


def add(run: Any) -> None:
    """Add the options."""
    limit = "the most memory to take, such as 4G: what does not fit goes to disk, for the same result (no limit)"
    run.add_argument("--memory", type=size, metavar="SIZE", help=limit)
    where = f"of --memory: a folder on a disk, in which nothing is left behind ({tempfile.gettempdir()})"
    run.add_argument("--scratch", metavar="DIR", type=arguments.path, help=where)
    how = "drop word pairs less probable than P in both directions after N M-steps, counted over all models (keep all)"
    run.add_argument("--prune", type=pruning, metavar="P@N", help=how)


def check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense."""
    if args.scratch and not args.memory:
        args.usage_error("--scratch needs --memory SIZE, the memory above which the disk is used")


def scratch(args: argparse.Namespace) -> str | None:
    """Return the folder to read text into; None reads it into memory."""
    return (args.scratch or tempfile.gettempdir()) if args.memory else None


def settle(args: argparse.Namespace, chain: list[Aligner], bitext: Bitext) -> Bitext:
    """Say what training will take; return the bitext where it is to be: in memory if there is room, or on disk.

    Raises
    ------
    InputError
        If not even the lexicon fits.
    """
    from emnlp.errors import InputError
    from emnlp.models.forecast import forecast

    if args.quiet and not args.memory:
        return bitext
    expected = forecast(chain, bitext, timed=not args.quiet)
    on_disk = bool(args.memory) and expected.memory > args.memory
    if on_disk and expected.lexicon > args.memory:
        raise InputError(
            f"--memory {_written(args.memory)}: the lexicon alone, {expected.slots:,} word pairs, takes "
            f"about {_written(expected.lexicon)}; allow that, or have less: --lowercase, a smaller --max-length, "
            "fewer pairs, one --direction, or --model ibm1"
        )
    taken = expected.lexicon if on_disk else expected.memory
    where = f"out of core, {_written(expected.corpus)} of the text on disk" if on_disk else "all in memory"
    say(args, f"{expected.cells:,} pairs of tokens, {expected.slots:,} of words: about {_written(taken)}, {where}")
    if expected.seconds is not None:
        seconds = expected.seconds / min(arguments.threads(args), 2)
        say(args, f"training takes about {_lasting(seconds)}, more if the machine is busy")
    return bitext.moved(None) if args.memory and not on_disk else bitext


def _written(n: int) -> str:
    return f"{n / (1 << 30):.1f} GB" if n >= 1 << 30 else f"{n / (1 << 20):.0f} MB"


def _lasting(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{max(1, round(seconds / 60))} min"


def cut(args: argparse.Namespace, chain: list[Aligner]) -> tuple[list[Aligner], Aligner | None]:
    """Return the chain, cut where the lexicon is to be pruned, and the aligner after which it is."""
    from emnlp.models.pruning import split

    if not args.prune:
        return chain, None
    chain, last = split(chain, args.prune[1])
    return chain, chain[last]


def prune(args: argparse.Namespace, aligner: Aligner, bitext: Bitext) -> None:
    """Prune the lexicon of an aligner and of the text; words that lose all their pairs are a warning."""
    from emnlp.models.pruning import prune as drop

    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        dropped = drop(aligner, bitext, args.prune[0])
    for doubt in doubts:
        warn(f"--prune: {doubt.message}")
    say(args, f"{dropped:,} word pairs dropped, {len(bitext.pairs.conditions):,} kept")
