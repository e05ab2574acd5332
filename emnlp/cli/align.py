"""``emnlp align``: from two parallel files, or one bitext, to word alignments."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments, checkpoints, memory, priors
from emnlp.cli.arguments import say, warn
from emnlp.cli.lengths import Lengths
from emnlp.cli.rare import say_dropped
from emnlp.cli.results import Results

if TYPE_CHECKING:
    from emnlp.corpus import Bitext
    from emnlp.models import Aligner

_GROWN = ("intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and")
METHODS = (*_GROWN, "product", "product-grow", "mean")
MODELS = ("hmm", "hmm-fast", "hmm-logistic", "hmm-single", "hmm-single-logistic", "fast-align", "ibm2", "ibm1",
          "ibm1-logistic")  # fmt: skip

_EPILOG = """\
models (hmm..., and ibm2 are started from Model 1):
  hmm         both directions trained to agree, with symmetric posteriors; links
              by their product (default)
  hmm-fast    the same without regularisation and back-off: half the time,
              worse links, above all of small texts
  hmm-logistic  as hmm, with features of spelling in place of back-off: better
              for small texts in related languages of one script
  hmm-single  two HMM aligners on their own, symmetrised; hmm in one direction
  fast-align  links near the diagonal: the fastest
  ibm2, ibm1  the textbook's; ibm1 is Model 1 alone
  hmm-single-logistic, ibm1-logistic  the same with features of spelling

examples:
  train on two files, write links (Pharaoh's format):
    emnlp align train.en train.fr -o train.links
  one file of 'source ||| target' or TAB lines; keep the model:
    emnlp align train.en-fr.gz -o train.links --save en-fr.model
  align other text with a trained model:
    emnlp align new.en new.fr --load en-fr.model -o new.links
  'source ||| target' lines as they come, a line of links back for each:
    emnlp align --load en-fr.model -
  a dictionary, with words separated by TABs, helps to train:
    emnlp align train.en train.fr --prior words.tsv -o train.links

Text is UTF-8, one tokenised sentence a line; '-' is standard input or output;
.gz .bz2 .xz .zst files are (de)compressed. LINKS has one line for each line of
the input: 'i-j' pairs, counted from 0, source first; a pair that is blank on a
side has a blank line. The same input and options give the same bits at any
number of threads. Everything else is in docs/alignment.md.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "align",
        usage="%(prog)s SOURCE [TARGET] [-o LINKS] [options]",
        help="train a word aligner on parallel text, or apply a trained one",
        description="Train a word aligner on parallel text; write the links of each sentence pair.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="source text; without TARGET, lines of 'source ||| target'")
    parser.add_argument("target", metavar="TARGET", nargs="?", help="target text; line k translates line k of SOURCE")
    _add_files(parser.add_argument_group("files"))
    _add_text(parser.add_argument_group("text"))
    _add_model(parser.add_argument_group("model"))
    priors.add(parser.add_argument_group("priors"))
    _add_links(parser.add_argument_group("links"))
    arguments.add_run(parser, checkpoints.add, memory.add)
    parser.set_defaults(run=run, usage_error=parser.error)


def _add_files(files: Any) -> None:
    links = "where links go (standard output)"
    files.add_argument("-o", "--output", metavar="LINKS", default="-", type=arguments.path, help=links)
    posteriors = "also write link probabilities, as JSON lines"
    files.add_argument("--posteriors", metavar="FILE", type=arguments.path, help=posteriors)
    scores = "also write the log-likelihood of each pair, and the same a token: two columns, in nats"
    files.add_argument("--scores", metavar="FILE", type=arguments.path, help=scores)
    save = "write the trained model, both directions in one file"
    files.add_argument("--save", metavar="MODEL", type=arguments.path, help=save)
    load = "align with a saved model instead of training one; with SOURCE '-' and no TARGET, line by line"
    files.add_argument("--load", metavar="MODEL", type=arguments.path, help=load)


def _add_text(text: Any) -> None:
    text.add_argument("--lowercase", action="store_true", help="lower-case both sides (a saved model remembers it)")
    longest = "pairs with more tokens on a side train nothing and are aligned in pieces (200; at most 1000)"
    text.add_argument("--max-length", type=arguments.positive, metavar="N", help=longest)


def _add_links(links: Any) -> None:
    how = f"{', '.join(METHODS)} (product-grow for hmm, hmm-fast and hmm-logistic, else grow-diag-final-and)"
    links.add_argument("--symmetrize", choices=METHODS, metavar="METHOD", help=how)
    least = "links of product, product-grow and mean are those more probable than P (0.5)"
    links.add_argument("--threshold", type=arguments.probability, metavar="P", help=least)


def _add_model(model: Any) -> None:
    which = model.add_mutually_exclusive_group()
    which.add_argument("--model", choices=MODELS, metavar="NAME", help=f"{', '.join(MODELS)} (hmm); see below")
    short = {"dest": "model", "action": "store_const", "const": "hmm-fast"}
    which.add_argument("--fast", **short, help="short for --model hmm-fast")
    ways = "forward or reverse: that direction alone (both)"
    model.add_argument("--direction", choices=("both", "forward", "reverse"), metavar="WAY", help=ways)
    steps = "M-steps of each model of the chain (5; hmm: 2 of Model 1, then 6; hmm-fast: 2, then 3)"
    model.add_argument("--iterations", type=arguments.count, metavar="N", help=steps)
    prior = "above 0: Dirichlet lexicons, variational Bayes; 0: plain EM (0; fast-align: 0.01, hmm-single: 0.1); "
    prior += "of hmm-logistic: kappa (0.1)"
    model.add_argument("--alpha", type=arguments.alpha, metavar="A", help=prior)
    rounds = "of regularisation before links are made, 0 for none in training either (hmm: 1, hmm-fast: 0)"
    model.add_argument("--rounds", type=arguments.count, metavar="N", help=rounds)
    model.add_argument("--init", choices=("constant", "random"), help="first parameters (constant)")
    model.add_argument("--seed", type=arguments.count, metavar="S", help="of --init random (0)")


def run(args: argparse.Namespace) -> int:
    """Train or load, align, write."""
    from emnlp.corpus.files import check_writable
    from emnlp.models import Aligner

    _check(args)
    chain, pruned = (None, None) if args.load else memory.cut(args, _chain(args))
    begin = time.perf_counter()
    with ExitStack() as stack:
        results = Results.open(args, stack)
        if args.save:
            check_writable(args.save)
        priors.check_writable(args)
        if chain is None:
            aligner = _apply(Aligner.load(args.load), args)
            if args.source == "-" and args.target is None:
                _stream(aligner, results, args)
            else:
                bitext = _read(args, aligner)
                _warn_of_unknown(aligner, bitext, args)
                priors.write(args, bitext, results.write(aligner, bitext))
        else:
            given = checkpoints.settings(args, len(chain)) | {"prior": priors.read(args)}
            bitext = memory.settle(args, chain, _read(args))
            aligner = _train(bitext, chain, given, args, pruned)
            if args.save:
                aligner.save(args.save)
            priors.write(args, bitext, results.write(aligner, bitext))
    checkpoints.remove(args, len(chain or ()))
    say(args, f"aligned {results.lines:,} pairs in {time.perf_counter() - begin:.1f} s")
    return 0


def _check(args: argparse.Namespace) -> None:
    training = ("model", "iterations", "alpha", "init", "seed", "save", "prior", "checkpoint", "memory", "prune")
    given = [name for name in training if getattr(args, name) is not None]
    if args.load and given:
        args.usage_error(f"--{given[0]} is about training; with --load nothing is trained")
    if args.save == "-":
        args.usage_error("--save needs a file: a model is not text for standard output")
    if args.direction in ("forward", "reverse") and args.symmetrize in _GROWN:
        args.usage_error(f"--symmetrize {args.symmetrize} needs both directions")
    if args.seed is not None and args.init != "random":
        args.usage_error("--seed needs --init random: the constant start draws nothing")
    priors.check(args)
    checkpoints.check(args)
    memory.check(args)
    named = [args.output, args.posteriors, args.scores, args.save, args.write_priors, args.checkpoint]
    named = [path for path in named if path]
    outputs = [os.path.realpath(path) for path in named if path != "-"]
    inputs = {
        os.path.realpath(path) for path in (args.source, args.target, args.load, args.prior) if path and path != "-"
    }
    if len(set(outputs)) < len(outputs) or inputs & set(outputs):
        args.usage_error("an output file is named twice, or is also an input")
    if named.count("-") > 1:
        args.usage_error("only one result can go to standard output; give links a file, -o LINKS, or the other one")


def _chain(args: argparse.Namespace) -> list[Aligner]:
    """Return the models to train, one after the other, with the settings of the command line."""
    from emnlp.models import Agreement
    from emnlp.models.recipes import recipe
    from emnlp.symmetrize import POSTERIOR

    name = args.model or "hmm"
    directions = ("forward", "reverse") if args.direction in (None, "both") else (args.direction,)
    chain = recipe(name, args.alpha or 0.0, directions)
    settings = {"max_iter": args.iterations, "symmetrize": args.symmetrize, "threshold": args.threshold}
    given = {key: value for key, value in settings.items() if value is not None}
    for aligner in chain:
        for key, value in given.items():
            setattr(aligner, key, value)
        if isinstance(aligner, Agreement) and args.rounds is not None:
            aligner.rounds = args.rounds
    last = chain[-1]
    if args.rounds is not None and not isinstance(last, Agreement):
        args.usage_error("--rounds is of models that agree: hmm and hmm-fast, in both directions")
    if args.threshold is not None and last.symmetrize not in POSTERIOR:
        args.usage_error(f"--threshold is of posteriors, {name} has {last.symmetrize}; add --symmetrize product")
    return chain


def _text_options(args: argparse.Namespace, loaded: Aligner | None) -> dict[str, Any]:
    """Return how to read text: as a loaded model wants it, or as the command line says."""
    from emnlp.corpus.bitext import MAX_LENGTH
    from emnlp.errors import InputError

    if loaded and args.lowercase and not loaded.lowercase_:
        raise InputError(f"{args.load}: this model was trained on text as it is; leave --lowercase out")
    longest = args.max_length or (loaded.max_length_ if loaded else MAX_LENGTH)
    if loaded and longest > loaded.max_length_:
        raise InputError(f"{args.load}: this model was trained for {loaded.max_length_} tokens a side, not {longest}")
    return {"lowercase": loaded.lowercase_ if loaded else args.lowercase, "max_length": longest}


def _read(args: argparse.Namespace, loaded: Aligner | None = None) -> Bitext:
    from emnlp.corpus import Bitext

    bitext = Bitext.read(args.source, args.target, **_text_options(args, loaded), scratch=memory.scratch(args))
    lengths = Lengths()
    lengths.add(bitext)
    lengths.warn(bitext.max_length, training=loaded is None)
    say(args, f"read {len(bitext):,} pairs, {len(bitext.source.ids):,} + {len(bitext.target.ids):,} tokens")
    return bitext


def _stream(aligner: Aligner, results: Results, args: argparse.Namespace) -> None:
    """Answer the lines of standard input as they come."""
    from emnlp.corpus.stream import bitexts
    from emnlp.errors import InputError

    if sys.stdin is None:
        raise InputError("standard input is closed")
    options, lengths = _text_options(args, aligner), Lengths()
    for bitext in bitexts(sys.stdin.buffer, "<stdin>", **options):
        results.write(aligner, bitext)
        sys.stdout.flush()
        lengths.add(bitext)
    lengths.warn(options["max_length"], training=False)


def _train(
    bitext: Bitext, chain: list[Aligner], given: dict[str, Any], args: argparse.Namespace, pruned: Aligner | None
) -> Aligner:
    from emnlp.models import Agreement
    from emnlp.models.recipes import train

    def report(aligner: Aligner) -> None:
        kind, trace = type(next(iter(aligner.directions.values()))).__name__, aligner.trace_
        name = f"{kind} with agreement" if isinstance(aligner, Agreement) else kind
        if aligner is pruned:
            memory.prune(args, aligner, bitext)
        say(args, f"{name}: {trace[-1] / trace.n_items:.4f} nats a pair; {trace.reason}")

    seed = (args.seed or 0) if args.init == "random" else None
    verbose = 0 if args.quiet else 1
    settings: dict[str, Any] = {"n_jobs": arguments.threads(args), "random_state": seed, "verbose": verbose}
    aligner = train(bitext, chain, after=report, **settings, **given)
    priors.tell(args, given["prior"], aligner)
    say_dropped(args, aligner)
    return aligner


def _apply(aligner: Aligner, args: argparse.Namespace) -> Aligner:
    """Apply the options that a loaded model takes."""
    from emnlp.errors import InputError
    from emnlp.models import Agreement
    from emnlp.symmetrize import POSTERIOR

    if args.direction in ("forward", "reverse"):
        if args.direction not in aligner.directions:
            raise InputError(f"{args.load}: this model has no {args.direction} direction")
        aligner = aligner.only(args.direction)
    aligner.n_jobs = arguments.threads(args)
    aligner.symmetrize = args.symmetrize or aligner.symmetrize
    if args.threshold is not None and aligner.symmetrize not in POSTERIOR:
        raise InputError(
            f"--threshold needs --symmetrize product, product-grow or mean; this model has {aligner.symmetrize}"
        )
    aligner.threshold = aligner.threshold if args.threshold is None else args.threshold
    if args.rounds is not None:
        if not isinstance(aligner, Agreement):
            raise InputError("--rounds is of models that agree, in both directions; this one has none")
        aligner.rounds = args.rounds
    return aligner


def _warn_of_unknown(aligner: Aligner, bitext: Bitext, args: argparse.Namespace) -> None:
    for side, unknown in aligner.unknown(bitext).items():
        if unknown > 0.5:
            warn(f"{unknown:.0%} of the {side} words are unknown to {args.load}; is this the text it is meant for?")
