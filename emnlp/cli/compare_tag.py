"""``emnlp compare tag``: induction of parts of speech with tables, priors and features, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments
from emnlp.cli.arguments import say, warn

if TYPE_CHECKING:
    from emnlp.corpus import Tagged, Text
    from emnlp.models import HMM
    from emnlp.report.compare import Task, Variant

INPUTS = ("corpus", "gold")
USUAL = ("categorical", "dirichlet", "logistic-em", "logistic-direct", "recipe")
VARIANTS = (*USUAL, "recipe-consensus")
FORMATS = ("plain", "slash", "conllu")
HELD_OUT = 10
RUNS = 6

_EPILOG = f"""\
variants (all but the last without --variants):
  categorical       tables, by EM
  dirichlet         the same, emissions with a Dirichlet prior of 0.1, by
                    variational Bayes
  logistic-em       features of spelling, kappa 1, by EM
  logistic-direct   the same model by direct gradient (L-BFGS)
  recipe            what `emnlp tag` trains: logistic by direct gradient, kappa 0.3,
                    then pressed towards one state a word
  recipe-consensus  `emnlp tag --runs {RUNS}`: seed S has the runs {RUNS}S to {RUNS}S + {RUNS - 1}

So that the comparison is one of factors, all variants see the same words, are
truecased alike, and have as many states and the same random seeds. The E-step has
the precision that suits it, as in `emnlp tag`: single for logistic, double for
tables. CPU seconds are those of training alone, index and features included.

CORPUS is as for `emnlp tag`: text, CoNLL-U if its name ends in .conllu, or
nltk:NAME. The tags of the last two are gold to score against, unless --gold has
others; no model sees a tag. Scores are of the training text, also with --held-out.

examples:
  emnlp compare tag nltk:treebank --states 45
  emnlp compare tag train.conllu --tag upos --json upos.json --plot upos.png
  emnlp compare tag train.txt --variants categorical,recipe --seeds 5
"""


def add(whats: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of ``emnlp compare tag``."""
    tag = whats.add_parser(
        "tag",
        usage="%(prog)s CORPUS [options]",
        help="hidden Markov models for tagging",
        description="Induce parts of speech with each variant and seed; print means and standard deviations.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tag.add_argument("corpus", metavar="CORPUS", help="text, a file or nltk:NAME")
    text = tag.add_argument_group("text")
    text.add_argument("--input", choices=FORMATS, metavar="FORMAT", help="plain, slash or conllu (by CORPUS' name)")
    gold = "score against the tags of this file, or nltk:NAME (the tags of CORPUS, if it has any)"
    text.add_argument("--gold", metavar="FILE", type=arguments.path, help=gold)
    column = "the column of CoNLL-U, and the kind of tags of nltk:NAME: xpos or upos (xpos)"
    text.add_argument("--tag", choices=("xpos", "upos"), default="xpos", metavar="COLUMN", help=column)
    held = f"keep every Nth sentence from training, for perplexity; 0 for none ({HELD_OUT})"
    text.add_argument("--held-out", type=arguments.count, metavar="N", help=held)
    model = tag.add_argument_group("model")
    states = "how many (as many as gold has tags; without gold, 45)"
    model.add_argument("--states", type=arguments.positive, metavar="K", help=states)
    model.add_argument("--seeds", type=arguments.positive, default=3, metavar="N", help="how many: 0, 1, ... (3)")
    steps = "of EM and of direct gradient, at most (EM: 100, direct: 200); recipe has two rounds of 30 more"
    model.add_argument("--iterations", type=arguments.count, metavar="N", help=steps)
    return tag


def variants(states: int, iterations: int | None = None, **settings: Any) -> dict[str, Callable[[int], Any]]:
    """Return what makes the model of a seed, by the name of the variant; the recipes of `emnlp tag` have its settings.

    `settings` are others of `HMM`.
    """
    from emnlp.models.tagrecipes import consensus, induction

    def hmm(emission: str = "logistic", learner: str | None = None, **more: Any) -> Callable[[int], HMM]:
        given = {"iterations": iterations, "truecase": True, **settings, **more}
        return lambda seed: induction(states, emission, learner, random_state=seed, **given)

    def together(seed: int) -> Callable[..., HMM]:
        seeds = range(RUNS * seed, RUNS * seed + RUNS)
        return lambda corpus, watch: consensus(hmm(), corpus, seeds)

    return {
        "categorical": hmm("categorical"),
        "dirichlet": hmm("dirichlet"),
        "logistic-em": hmm(learner="em", kappa=1.0, entropy=0.0),
        "logistic-direct": hmm(learner="direct", kappa=1.0, entropy=0.0),
        "recipe": hmm(),
        "recipe-consensus": together,
    }


def make(args: argparse.Namespace, names: Sequence[str]) -> tuple[list[Variant], range, Task, dict[str, Any]]:
    """Return the variants of these names, the seeds, what all share, and what to say of it."""
    from emnlp.corpus.tagfiles import format_of
    from emnlp.errors import InputError
    from emnlp.report.compare import Task, Variant

    corpus, gold = _read(args)
    train, held_out = _parts(args, corpus)
    text = corpus.text.select(train).compact()
    if not len(text.ids):
        raise InputError(f"{text.name}: nothing to learn from: there is no word in it")
    gold = None if gold is None else gold.select(train)
    if gold is not None and not (gold.tags >= 0).any():
        raise InputError(f"{gold.text.name}: there is no tag in it to score against")
    states = args.states or (len(gold.tagset) if gold is not None else 45)
    every = variants(states, args.iterations, n_jobs=arguments.threads(args))
    task = Task(
        text, len(text.ids), None if gold is None else _score(text, gold),
        perplexity=None if held_out is None else lambda model: model.perplexity(held_out),
        sample=text.select(_first(text, 200)).compact(),
    )  # fmt: skip
    about = {"corpus": PurePath(text.name).name, "sentences": len(text), "tokens": len(text.ids), "states": states}
    about |= {"held out": 0 if held_out is None else len(held_out), "seeds": args.seeds, "gold": "none"}
    if gold is not None:
        column = gold.text.name.startswith("nltk:") or format_of(gold.text.name) == "conllu"
        about |= {"gold": PurePath(gold.text.name).name} | ({"tag": args.tag} if column else {})
    say(args, f"{len(names)} variants, {args.seeds} seeds; {text!r}, {states} states")
    return [Variant(name, every[name]) for name in names], range(args.seeds), task, about


def _read(args: argparse.Namespace) -> tuple[Tagged, Tagged | None]:
    """Return the corpus, and gold if there is any."""
    import numpy as np

    from emnlp.cli.evaluate_tag import check_words, read_tagged
    from emnlp.corpus.tagfiles import format_of

    form = args.input or ("conllu" if format_of(args.corpus) == "conllu" else "plain")
    tagged = args.corpus.startswith("nltk:") or form != "plain"
    corpus = read_tagged(args.corpus, args.tag if tagged and not args.gold else None, form)
    gold = corpus if tagged else None
    if args.gold:
        gold = read_tagged(args.gold, args.tag)
        check_words(corpus, gold)
    blank = int(np.count_nonzero(corpus.text.lengths == 0))
    if blank:
        warn(f"{blank:,} of {len(corpus):,} sentences are blank; they teach nothing")
    return corpus, gold


def _parts(args: argparse.Namespace, corpus: Tagged) -> tuple[Any, Text | None]:
    """Return the sentences to train on, and the text of the others."""
    import numpy as np

    step, numbers = HELD_OUT if args.held_out is None else args.held_out, np.arange(len(corpus))
    if step == 1:
        args.usage_error("--held-out 1 leaves nothing to learn from; 10 holds out a tenth")
    held = numbers[step - 1 :: step] if step else numbers[:0]
    if not corpus.text.lengths[held].any():
        if step:
            warn(f"no perplexity: no {step}th sentence of {len(corpus):,} has a word; give another --held-out")
        return numbers, None
    return np.setdiff1d(numbers, held), corpus.text.select(held).compact()


def _score(text: Text, gold: Tagged) -> Callable[[HMM], dict[str, float]]:
    """Return a function from a tagger to its scores."""
    from emnlp.metrics import tagging_scores

    def scores(model: HMM) -> dict[str, float]:
        found = tagging_scores(model.tag(text).tags, gold.tags)
        return {name: rate for name, rate in found.rates().items() if name in ("M-1", "1-1", "V", "VI")}

    return scores


def _first(text: Text, tokens: int) -> Any:
    """Return the first sentences, about so many tokens."""
    import numpy as np

    return np.arange(min(len(text), int(np.searchsorted(text.starts, tokens)) + 1))
