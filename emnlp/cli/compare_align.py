"""``emnlp compare align``: word aligners whose lexicon is a table, has a prior, or has features, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments
from emnlp.cli.arguments import say
from emnlp.cli.evaluate import lines_of, read_gold
from emnlp.cli.lengths import Lengths

if TYPE_CHECKING:
    from emnlp.corpus import Bitext
    from emnlp.corpus.gold import Gold
    from emnlp.factors import Factor
    from emnlp.models import Aligner
    from emnlp.report.compare import Task, Variant

INPUTS = ("source", "target", "gold")
USUAL = VARIANTS = ("categorical", "dirichlet", "logistic")
MODELS = ("ibm1", "hmm-single")
PRIOR = 0.1
METHODS = {"gdfa": "grow-diag-final-and", "inter": "intersection"}

_EPILOG = f"""\
variants:
  categorical  tables, by EM
  dirichlet    the same with a Dirichlet prior of {PRIOR}, by variational Bayes
  logistic     features: the pair itself, the stems of both words, whether they
               look alike, numbers, punctuation; it starts from 4 steps by tables

models:
  ibm1         Model 1 in both directions
  hmm-single   HMM aligners in both directions, started from Model 1 (default)

All variants are the same chain of models with the same number of M-steps: only
the lexicon differs. --iterations is of each model, also of both parts of Model 1
of the logistic chain. The start is constant, so one run of each is enough. CPU
seconds are those of training alone, its index and its features included.

The columns are alignment error rates: of grow-diag-final-and (gdfa), of the
intersection (inter), and of either direction alone. GOLD has a line for each pair
of the text, or for each pair that --lines selects.

examples:
  emnlp compare align train.en train.fr --gold train.gold
  emnlp compare align all.en all.fr --gold dev.gold --lines 10000:
"""


def add(whats: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of ``emnlp compare align``."""
    align = whats.add_parser(
        "align",
        usage="%(prog)s SOURCE [TARGET] [options]",
        help="word aligners",
        description="Train a word aligner with each variant of its lexicon; print the error rates, objectives, times.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    align.add_argument("source", metavar="SOURCE", help="source text; without TARGET, lines of 'source ||| target'")
    align.add_argument("target", metavar="TARGET", nargs="?", help="target text; line k translates line k of SOURCE")
    text = align.add_argument_group("text")
    text.add_argument("--gold", metavar="FILE", type=arguments.path, help="score against these links")
    lines = "score only these pairs, as a Python slice: 0-based, END left out; 10000: are those after 10,000"
    text.add_argument("--lines", metavar="FIRST:END:STEP", type=lines_of, help=lines)
    base = "where positions in GOLD start (0, but 1 for a .wa file)"
    text.add_argument("--base", type=int, choices=(0, 1), help=base)
    text.add_argument("--lowercase", action="store_true", help="lower-case both sides")
    longest = "pairs with more tokens on a side train nothing and are aligned in pieces (200; at most 1000)"
    text.add_argument("--max-length", type=arguments.positive, metavar="N", help=longest)
    model = align.add_argument_group("model")
    model.add_argument("--model", choices=MODELS, default="hmm-single", metavar="NAME", help="see below (hmm-single)")
    steps = "M-steps of each model of the chain (5)"
    model.add_argument("--iterations", type=arguments.count, metavar="N", help=steps)
    return align


def variants() -> dict[str, Callable[[str], list[Aligner]]]:
    """Return what makes the chain of a model, by the name of the variant."""
    from emnlp.factors import Categorical, Dirichlet
    from emnlp.models.recipes import recipe

    return {
        "categorical": partial(_chain, Categorical()),
        "dirichlet": partial(_chain, Dirichlet(PRIOR)),
        "logistic": lambda model: recipe("ibm1-logistic" if model == "ibm1" else "hmm-single-logistic"),
    }


def _chain(lexical: Factor, model: str) -> list[Aligner]:
    """Return Model 1 in both directions, and for ``hmm-single`` the HMM aligners that it starts."""
    from emnlp.factors import Fixed
    from emnlp.models import IBM1, Aligner, HMMAligner

    parts: list[Callable[..., Any]] = [IBM1]
    if model == "hmm-single":
        parts.append(partial(HMMAligner, null=Fixed(0.2)))
    return [Aligner(forward=part(lexical=lexical), reverse=part(lexical=lexical)) for part in parts]


def make(args: argparse.Namespace, names: Sequence[str]) -> tuple[list[Variant], range, Task, dict[str, Any]]:
    """Return the variants of these names, one seed, what all share, and what to say of it."""
    from emnlp.report.compare import Task, Variant

    bitext = _read(args)
    part, gold = _gold(args, bitext)
    settings: dict[str, Any] = {"n_jobs": arguments.threads(args)}
    settings |= {} if args.iterations is None else {"max_iter": args.iterations}
    made, usable = variants(), bitext.usable
    n_tokens = int(bitext.source.lengths[usable].sum() + bitext.target.lengths[usable].sum())
    score = None if gold is None else partial(_scores, bitext[part], gold)
    task = Task(bitext, n_tokens, score, every=1, sample=bitext[:20])
    about = {
        "corpus": PurePath(bitext.source.name).name,
        "pairs": len(bitext),
        "tokens of both sides": n_tokens,
        "model": args.model,
    }
    about |= {"gold": "none"} if gold is None else {"gold": PurePath(gold.name).name, "scored": gold.lines}
    say(args, f"{len(names)} variants of {args.model}; {len(bitext):,} pairs, {n_tokens:,} tokens of both sides")
    ready = [Variant(name, _trainer(partial(made[name], args.model), settings)) for name in names]
    return ready, range(1), task, about


def _trainer(make: Callable[[], list[Aligner]], settings: dict[str, Any]) -> Callable[[int], Any]:
    """Return what a `Variant` makes: a function that trains the models of a chain, one after the other."""

    def train(bitext: Bitext, watch: Callable[..., None]) -> Aligner:
        bitext = replace(bitext, _origin=None)  # without the index that another variant made
        last = None
        for aligner in make():
            for name, value in settings.items():
                setattr(aligner, name, value)
            last = aligner.fit(bitext, start=last, callback=partial(watch, aligner))
        assert last is not None
        return last

    return lambda seed: train


def _read(args: argparse.Namespace) -> Bitext:
    from emnlp.corpus.bitext import MAX_LENGTH, Bitext

    bitext = Bitext.read(args.source, args.target, lowercase=args.lowercase, max_length=args.max_length or MAX_LENGTH)
    lengths = Lengths()
    lengths.add(bitext)
    lengths.warn(bitext.max_length, training=True)
    return bitext


def _gold(args: argparse.Namespace, bitext: Bitext) -> tuple[slice, Gold | None]:
    """Return which pairs to score, and their gold."""
    from emnlp.errors import InputError

    part: slice = args.lines or slice(None)
    n = len(range(len(bitext))[part])
    if not args.gold:
        if args.lines:
            args.usage_error("--lines says which pairs to score; add --gold")
        return part, None
    gold = read_gold(args, [])
    if gold.lines == len(bitext):
        gold = gold.select(part)
    elif gold.lines != n:
        pairs = f"{gold.name} has gold for {gold.lines} pairs, but the text has {len(bitext)}"
        raise InputError(f"{pairs}; give --lines FIRST:END, which {'selects ' + str(n) if args.lines else 'they are'}")
    if not n:
        raise InputError(f"--lines selects none of the {len(bitext)} pairs; the first is 0")
    scored = bitext[part]
    gold.check(scored.source.lengths, scored.target.lengths)
    return part, gold


def _scores(bitext: Bitext, gold: Gold, aligner: Aligner) -> dict[str, float]:
    """Return the error rates of the heuristics and of each direction."""
    from emnlp.metrics import alignment_scores
    from emnlp.symmetrize import symmetrize

    ways = {short: aligner.only(way).predict(bitext) for short, way in (("fwd", "forward"), ("rev", "reverse"))}
    links = {short: symmetrize(ways["fwd"], ways["rev"], method) for short, method in METHODS.items()} | ways
    return {f"AER {short}": alignment_scores(each, gold).aer for short, each in links.items()}
