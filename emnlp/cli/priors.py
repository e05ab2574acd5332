"""The options of ``emnlp align`` that read and write priors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments
from emnlp.cli.arguments import say, warn

if TYPE_CHECKING:
    from emnlp.corpus import Bitext, Links, Priors
    from emnlp.models import Aligner


def add(group: Any) -> None:
    """Add the options to a group of the command's parser."""
    prior = "word pairs that are known: a dictionary (TAB between words), eflomal's priors, or an earlier MODEL"
    group.add_argument("--prior", metavar="FILE", type=arguments.path, help=prior)
    weight = "multiplies the pseudo-counts of --prior (1)"
    group.add_argument("--prior-weight", type=arguments.weight, metavar="W", help=weight)
    write = "also write the links, counted, as a prior for the next text"
    group.add_argument("--write-priors", metavar="FILE", type=arguments.path, help=write)


def check(args: argparse.Namespace) -> None:
    """Leave with status 2 if the options do not go together."""
    if args.prior_weight is not None and not args.prior:
        args.usage_error("--prior-weight needs --prior FILE")
    if args.prior == "-" and "-" in (args.source, args.target):
        args.usage_error("the prior and the text are both '-'; standard input can be read once")
    if args.write_priors and args.load and args.source == "-" and args.target is None:
        args.usage_error("--write-priors counts the links of a whole text; line by line there is none")


def read(args: argparse.Namespace) -> Priors | None:
    """Return the prior of the command line, weighted; None without ``--prior``."""
    from emnlp.corpus import Priors

    if not args.prior:
        return None
    weight = 1.0 if args.prior_weight is None else args.prior_weight
    if _is_model(args.prior):
        return _of_model(args.prior) * weight
    return Priors.read(args.prior, lowercase=args.lowercase) * weight


def _is_model(path: str) -> bool:
    """Return whether a file begins as a safetensors file does: the length of a JSON header, then that header."""
    if not Path(path).is_file():  # missing, standard input or a pipe: no model can be read from there
        return False
    try:
        with open(path, "rb") as stream:
            start = stream.read(9)
    except OSError:
        return False
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") < 1 << 40  # more, if these 8 bytes are text


def _of_model(path: str) -> Priors:
    from emnlp.corpus import Priors
    from emnlp.errors import InputError
    from emnlp.model import load
    from emnlp.models import Aligner, DirectedAligner

    model = load(path)
    if not isinstance(model, Aligner | DirectedAligner):
        raise InputError(f"{path}: a {type(model).__name__} is no aligner, so it has no word translations for a prior")
    return Priors.from_model(model)


def tell(args: argparse.Namespace, prior: Priors | None, aligner: Aligner) -> None:
    """Say what a training made of the prior; a warning if it was nothing."""
    if prior is None:
        return
    found = aligner.prior_found_
    if found or not prior.n_pairs:
        say(args, prior.report(found))
    else:
        hint = "" if args.lowercase else " (or --lowercase)"
        warn(f"{args.prior}: {prior.report(found)}; source comes first in it, and words have to be spelt alike{hint}")


def check_writable(args: argparse.Namespace) -> None:
    """Raise `InputError` if the priors cannot be written: better now than after the training."""
    from emnlp.corpus.files import check_writable

    if args.write_priors not in (None, "-"):
        check_writable(args.write_priors)


def write(args: argparse.Namespace, bitext: Bitext, links: Links) -> None:
    """Write the links, counted, if ``--write-priors`` asks for it."""
    from emnlp.corpus import Priors

    if args.write_priors:
        Priors.from_links(bitext, links).write(args.write_priors)
