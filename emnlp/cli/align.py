"""``emnlp align``: from two parallel files, or one bitext, to word alignments."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emnlp.corpus import Bitext
    from emnlp.models import Aligner

METHODS = ("intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and", "product", "mean")

_EPILOG = """\
examples:
  emnlp align train.en train.fr -o train.links        train both directions, symmetrise, write Pharaoh links
  emnlp align train.en-fr.gz --save en-fr.model       one file of 'source ||| target' (or TAB) lines
  emnlp align new.en new.fr --load en-fr.model        align other text with a trained model
  emnlp align train.en train.fr --alpha 0.1           variational Bayes: better lexicons from little text

Text is UTF-8, one tokenised sentence a line; '-' is standard input or output; .gz .bz2 .xz .zst are (de)compressed.
LINKS has one line for each line of the input: 'i-j' pairs, counted from 0, source first. A pair that is blank on one
side or too long gets a blank line. The same input and options give the same bits at any number of threads.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "align",
        help="train a word aligner on parallel text, or apply a trained one",
        description="Train a word aligner on parallel text and write the links of every sentence pair.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="source text; or, without TARGET, 'source ||| target' lines")
    parser.add_argument("target", metavar="TARGET", nargs="?", help="target text, line by line its translation")
    files = parser.add_argument_group("files")
    files.add_argument(
        "-o", "--output", metavar="LINKS", default="-", type=_path, help="where links go (default: standard output)"
    )
    files.add_argument("--posteriors", metavar="FILE", type=_path, help="also write link probabilities, as JSON lines")
    files.add_argument(
        "--save", metavar="MODEL", type=_path, help="write the trained model, both directions in one file"
    )
    files.add_argument("--load", metavar="MODEL", type=_path, help="align with a saved model instead of training one")
    text = parser.add_argument_group("text")
    text.add_argument("--lowercase", action="store_true", help="lower-case both sides (a saved model remembers it)")
    text.add_argument("--max-length", type=_positive, metavar="N", help="longest side of a pair, in tokens (200)")
    model = parser.add_argument_group("model")
    model.add_argument("--model", choices=("ibm1", "ibm2"), help="ibm1 (default), or ibm2 started from ibm1")
    model.add_argument("--direction", choices=("both", "forward", "reverse"), help="both (default) or one alone")
    model.add_argument("--iterations", type=_count, metavar="N", help="M-steps, of each model of a chain (5)")
    model.add_argument("--alpha", type=_alpha, metavar="A", help="0: plain EM (default); above 0: Dirichlet prior, VB")
    model.add_argument("--init", choices=("constant", "random"), help="first parameters (constant)")
    model.add_argument("--seed", type=_count, metavar="S", help="of a random start (0)")
    links = parser.add_argument_group("links")
    links.add_argument("--symmetrize", choices=METHODS, metavar="METHOD", help=f"{', '.join(METHODS)} (the fifth)")
    links.add_argument("--threshold", type=_probability, metavar="P", help="of product and mean (0.5)")
    run_ = parser.add_argument_group("run")
    run_.add_argument("--threads", type=_positive, metavar="N", help="(every processor)")
    run_.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary; warnings stay")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Train or load, align, write."""
    from emnlp.corpus.files import check_writable, write_text
    from emnlp.models import Aligner

    _check(args)
    begin = time.perf_counter()
    with ExitStack() as stack:
        links = stack.enter_context(write_text(args.output))
        posteriors = stack.enter_context(write_text(args.posteriors)) if args.posteriors else None
        if args.save:
            check_writable(args.save)
        loaded = Aligner.load(args.load) if args.load else None
        bitext = _read(args, loaded)
        aligner = _ready(loaded, bitext, args) if loaded else _train(bitext, args)
        if args.save:
            aligner.save(args.save)
        if posteriors is None:
            links.writelines(line + "\n" for line in aligner.predict(bitext).pharaoh())
        else:
            _write_posteriors(aligner, bitext, links, posteriors)
    _say(args, f"aligned {len(bitext):,} pairs in {time.perf_counter() - begin:.1f} s")
    return 0


def _check(args: argparse.Namespace) -> None:
    training = ("model", "iterations", "alpha", "init", "seed", "save")
    given = [name for name in training if getattr(args, name) is not None]
    if args.load and given:
        args.usage_error(f"--{given[0]} is about training; with --load nothing is trained")
    if args.save == "-":
        args.usage_error("--save needs a file: a model is not text for standard output")
    if args.threshold is not None and args.symmetrize not in ("product", "mean") and not args.load:
        args.usage_error("--threshold needs --symmetrize product or mean")
    if args.direction in ("forward", "reverse") and args.symmetrize not in (None, "product", "mean"):
        args.usage_error(f"--symmetrize {args.symmetrize} needs both directions")
    if args.seed is not None and args.init != "random":
        args.usage_error("--seed needs --init random: the constant start draws nothing")
    outputs = [os.path.realpath(path) for path in (args.output, args.posteriors, args.save) if path and path != "-"]
    inputs = {os.path.realpath(path) for path in (args.source, args.target, args.load) if path and path != "-"}
    if len(set(outputs)) < len(outputs) or inputs & set(outputs):
        args.usage_error("an output file is named twice, or is also an input")
    if args.output == "-" and args.posteriors == "-":
        args.usage_error("links and posteriors cannot both go to standard output; give -o LINKS")


def _read(args: argparse.Namespace, loaded: Aligner | None) -> Bitext:
    from emnlp.corpus import Bitext
    from emnlp.corpus.bitext import MAX_LENGTH
    from emnlp.errors import InputError

    if loaded and args.lowercase and not loaded.lowercase_:
        raise InputError(f"{args.load}: this model was trained on text as it is; leave --lowercase out")
    lowercase = loaded.lowercase_ if loaded else args.lowercase
    longest = args.max_length or (loaded.max_length_ if loaded else MAX_LENGTH)
    if loaded and longest > loaded.max_length_:
        raise InputError(f"{args.load}: this model was trained for {loaded.max_length_} tokens a side, not {longest}")
    bitext = Bitext.read(args.source, args.target, lowercase=lowercase, max_length=longest)
    for problem, mask in (("blank on a side", bitext.blank), (f"longer than {longest} tokens", bitext.too_long)):
        if mask.any():
            where = f"{bitext.source.name}:{mask.argmax() + 1}"
            many = f"{mask.sum():,} pairs are" if mask.sum() > 1 else "1 pair is"
            _warn(f"{many} {problem}, first {where}; no links there")
    _say(args, f"read {len(bitext):,} pairs, {len(bitext.source.ids):,} + {len(bitext.target.ids):,} tokens")
    return bitext


def _train(bitext: Bitext, args: argparse.Namespace) -> Aligner:
    from emnlp.factors import Categorical, Dirichlet, Factor
    from emnlp.models import IBM1, IBM2, Aligner

    lexical: Factor = Dirichlet(alpha=args.alpha) if args.alpha else Categorical()
    settings: dict[str, Any] = {
        "max_iter": 5 if args.iterations is None else args.iterations,
        "n_jobs": _threads(args),
        "random_state": (args.seed or 0) if args.init == "random" else None,
        "verbose": 0 if args.quiet else 1,
        "symmetrize": args.symmetrize or "grow-diag-final-and",
        "threshold": 0.5 if args.threshold is None else args.threshold,
    }
    directions = ("forward", "reverse") if args.direction in (None, "both") else (args.direction,)
    aligner = None
    for kind in (IBM1, IBM2) if args.model == "ibm2" else (IBM1,):
        parts = {name: kind(lexical=lexical) if name in directions else None for name in ("forward", "reverse")}
        aligner = Aligner(**parts, **settings).fit(bitext, start=aligner)  # type: ignore[arg-type]
        trace = aligner.trace_
        _say(args, f"{kind.__name__}: {trace[-1] / trace.n_items:.4f} nats a pair; {trace.reason}")
    assert aligner is not None
    return aligner


def _ready(aligner: Aligner, bitext: Bitext, args: argparse.Namespace) -> Aligner:
    """Apply the options that a loaded model takes."""
    from emnlp.errors import InputError
    from emnlp.symmetrize import POSTERIOR

    if args.direction in ("forward", "reverse"):
        if args.direction not in aligner.directions:
            raise InputError(f"{args.load}: this model has no {args.direction} direction")
        aligner = aligner.only(args.direction)
    for side, unknown in aligner.unknown(bitext).items():
        if unknown > 0.5:
            _warn(f"{unknown:.0%} of the {side} words are unknown to {args.load}; is this the text it is meant for?")
    aligner.n_jobs = _threads(args)
    aligner.symmetrize = args.symmetrize or aligner.symmetrize
    if args.threshold is not None and aligner.symmetrize not in POSTERIOR:
        raise InputError(f"--threshold needs --symmetrize product or mean; this model has {aligner.symmetrize}")
    aligner.threshold = aligner.threshold if args.threshold is None else args.threshold
    return aligner


def _write_posteriors(aligner: Aligner, bitext: Bitext, links: Any, posteriors: Any) -> None:
    import json
    from dataclasses import asdict

    for each in aligner.posteriors(bitext):
        fields = asdict(each) | {"line": each.line + 1, "links": [(i, j, round(p, 6)) for i, j, p in each.links]}
        fields |= {name: [round(p, 6) for p in fields[name]] for name in ("null_source", "null_target")}
        posteriors.write(json.dumps(fields) + "\n")
        links.write(" ".join(f"{i}-{j}" for i, j, _ in each.links) + "\n")


def _warn(message: str) -> None:
    print(f"emnlp: warning: {message}", file=sys.stderr)


def _threads(args: argparse.Namespace) -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads: int = args.threads or available
    return threads


def _say(args: argparse.Namespace, message: str) -> None:
    if not args.quiet:
        print(f"emnlp: {message}", file=sys.stderr)


def _path(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _number(kind: Callable[[str], float], low: float, high: float, name: str) -> Callable[[str], float]:
    """Return an argument type: a number within bounds, called `name` in the message."""

    def number(text: str) -> float:
        if not low <= (value := kind(text)) <= high:
            raise ValueError
        return value

    number.__name__ = f"{name} ({low:g} to {high:g})" if high < float("inf") else f"{name} (at least {low:g})"
    return number


_path.__name__ = "path"
_count = _number(int, 0, float("inf"), "number")
_positive = _number(int, 1, float("inf"), "number")
_alpha = _number(float, 0, 1e10, "alpha")
_probability = _number(float, 0, 1, "probability")
