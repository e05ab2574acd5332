"""``emnlp tag``: from text to induced part-of-speech tags, with a hidden Markov model."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments, checkpoints
from emnlp.cli.arguments import say, warn
from emnlp.cli.rare import say_dropped

if TYPE_CHECKING:
    from emnlp.corpus import Tagged
    from emnlp.models import HMM

EMISSIONS = ("logistic", "categorical", "dirichlet")
FORMATS = ("plain", "slash", "conllu")

_EPILOG = """\
emissions:
  logistic     from the words' spelling (their first and last letters, digits,
               hyphens, capitals) and themselves, by direct gradient; then pressed
               towards one state a word: the most accurate (default)
  categorical  a table of probabilities, by EM: the textbook's
  dirichlet    the same with a prior, by variational Bayes

examples:
  induce 45 classes of the words of a text, write lines of word/state:
    emnlp tag train.txt -o train.tagged --save en.model
  better: what 6 runs agree on, learned by one model:
    emnlp tag train.txt --runs 6 -o train.tagged --save en.model
  look at the classes, the largest first, and score them against gold tags:
    emnlp tag train.txt --show-classes 10 --gold train.conllu
  the textbook's model, the best of 5 starts, or from word classes:
    emnlp tag train.txt --emission categorical --restarts 5 -o train.tagged
    emnlp tag train.txt --emission categorical --init classes -o train.tagged
  tag other text with a trained model:
    emnlp tag new.txt --load en.model -o new.tagged
  learn from a tag dictionary, lines of 'word TAB tag tag':
    emnlp tag train.txt --dictionary tags.tsv --states 0 -o train.tagged
  learn from text of which some tokens are tagged, word/TAG:
    emnlp tag some.tagged --input slash --use-tags -o all.tagged

TEXT is UTF-8, one tokenised sentence a line, or CoNLL-U if its name ends in
.conllu, or a tagged corpus of NLTK, such as nltk:treebank; '-' is standard input;
.gz .bz2 .xz .zst files are (de)compressed. Its tags are left alone unless you say
--use-tags. Line k of the output belongs to sentence k of TEXT. The same input and
options give the same bits at any number of threads. More is in docs/tagging.md.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "tag",
        usage="%(prog)s TEXT [-o TAGGED] [options]",
        help="induce part-of-speech tags from text, or apply a trained tagger",
        description="Train a hidden Markov model on text; write each token with its state.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", metavar="TEXT", help="text, a file or nltk:NAME")
    _add_files(parser.add_argument_group("files"))
    _add_text(parser.add_argument_group("text"))
    _add_model(parser.add_argument_group("model"))
    _add_search(parser.add_argument_group("search"))
    arguments.add_run(parser, checkpoints.add)
    parser.set_defaults(run=run, usage_error=parser.error)


def _add_files(files: Any) -> None:
    output = "where tagged text goes (standard output)"
    files.add_argument("-o", "--output", metavar="TAGGED", type=arguments.path, help=output)
    form = "slash, word/state a token, or conllu (by the name of the file)"
    files.add_argument("--format", choices=("slash", "conllu"), metavar="FORMAT", help=form)
    save = "write the trained model"
    files.add_argument("--save", metavar="MODEL", type=arguments.path, help=save)
    load = "tag with a saved model instead of training one"
    files.add_argument("--load", metavar="MODEL", type=arguments.path, help=load)
    gold = "score the result against the tags of this file, or nltk:NAME"
    files.add_argument("--gold", metavar="FILE", type=arguments.path, help=gold)
    classes = "print the N largest states and their words (10); the tagged text only goes to -o then"
    files.add_argument("--show-classes", nargs="?", const=10, type=arguments.positive, metavar="N", help=classes)


def _add_text(text: Any) -> None:
    text.add_argument(
        "--input", choices=FORMATS, metavar="FORMAT", help="of TEXT: plain, slash or conllu (by its name)"
    )
    text.add_argument("--lowercase", action="store_true", help="lower-case the words (a saved model remembers it)")
    text.add_argument("--use-tags", action="store_true", help="learn from the tags of TEXT; words without one are free")
    dictionary = "lines of 'word TAB tag tag ...': the tags that words may have"
    text.add_argument("--dictionary", metavar="FILE", type=arguments.path, help=dictionary)
    column = "the column of CoNLL-U, and the kind of tags of nltk:NAME: xpos or upos (xpos)"
    text.add_argument("--tag", choices=("xpos", "upos"), default="xpos", metavar="COLUMN", help=column)


def _add_model(model: Any) -> None:
    states = "how many; 0 for one a tag of --use-tags or --dictionary (45; with these: 0)"
    model.add_argument("--states", type=arguments.count, metavar="K", help=states)
    factors = f"{', '.join(EMISSIONS)} (logistic); see below"
    model.add_argument("--emission", choices=EMISSIONS, metavar="NAME", help=factors)
    how = "direct, gradient ascent of the likelihood, or em (direct for logistic, else em)"
    model.add_argument("--learner", choices=("direct", "em"), metavar="NAME", help=how)
    steps = "steps at most (direct: 200, em: 100); logistic adds two rounds of 30 for --entropy"
    model.add_argument("--iterations", type=arguments.count, metavar="N", help=steps)
    prior = "of logistic weights, Gaussian: the larger, the smaller they stay (0.3)"
    model.add_argument("--kappa", type=arguments.weight, metavar="K", help=prior)
    pressure = "of logistic emissions, towards one state a word; 0 for none (1)"
    model.add_argument("--entropy", type=arguments.weight, metavar="E", help=pressure)
    rare = "leave out logistic features of fewer than N different words (1)"
    model.add_argument("--min-count", type=arguments.positive, metavar="N", help=rare)
    alpha = "of dirichlet emissions, above 0: the smaller, the sparser (0.1)"
    model.add_argument("--alpha", type=arguments.alpha, metavar="A", help=alpha)
    tol = "stop when the objective rises by less than this, in nats a sentence (0: never)"
    model.add_argument("--tol", type=arguments.weight, metavar="T", help=tol)
    digits = "of the E-step: 32, faster, or 64, more digits (32 for logistic, else 64)"
    model.add_argument("--precision", type=int, choices=(32, 64), metavar="BITS", help=digits)
    decode = "posterior, the best state of each token, or viterbi, the best sequence (posterior)"
    model.add_argument("--decode", choices=("posterior", "viterbi"), metavar="HOW", help=decode)


def _add_search(search: Any) -> None:
    init = "first parameters: random, classes (of words, by exchange), constant (random; with tags: constant)"
    search.add_argument("--init", choices=("random", "classes", "constant"), metavar="HOW", help=init)
    search.add_argument("--seed", type=arguments.count, metavar="S", help="of the first random start (0)")
    restarts = "random starts to train, of which the best by its objective is kept (1)"
    search.add_argument("--restarts", type=arguments.positive, metavar="N", help=restarts)
    probes = "random starts to try for one iteration, of which the best are trained (0)"
    search.add_argument("--probes", type=arguments.count, metavar="N", help=probes)
    runs = "train so many, and then one model on what they agree on (1)"
    search.add_argument("--runs", type=arguments.positive, metavar="N", help=runs)


def run(args: argparse.Namespace) -> int:
    """Train or load, tag, write, show, score."""
    from emnlp.cli.evaluate_tag import check_words, names, read_tagged
    from emnlp.corpus.files import check_writable
    from emnlp.errors import InputError
    from emnlp.metrics import tagging_scores
    from emnlp.models import HMM

    _check(args)
    for path in (args.output, args.save):
        if path and path != "-":
            check_writable(path)
    begin = time.perf_counter()
    model = HMM.load(args.load) if args.load else None
    corpus, gold = _read(args, model)
    if args.gold and gold is None:
        gold = read_tagged(args.gold, args.tag)
        check_words(corpus, gold)
    if gold is not None and (gold.tags < 0).all():
        raise InputError(f"{args.gold}: there is no tag in it to score against")
    if model is None:
        model = _train(corpus, args)
        say_dropped(args, model)
        if args.save:
            model.save(args.save)
    model.n_jobs = arguments.threads(args)
    model.decoding = args.decode or model.decoding
    tagged = model.tag(corpus)
    _warn_of_unknown(model, tagged, args)
    _write(tagged, args)
    if args.show_classes:
        from emnlp.report.classes import class_table

        print("\n".join(class_table(tagged, args.show_classes)))
    if gold is not None:
        say_scores(tagging_scores(names(tagged), names(gold), gold_name=gold.text.name).signature())
    checkpoints.remove(args, args.runs or 1)
    say(args, f"tagged {len(tagged.tags):,} tokens in {time.perf_counter() - begin:.1f} s")
    return 0


def say_scores(signature: str) -> None:
    """Print scores to standard error: asked for, so `--quiet` does not silence them."""
    print(signature, file=sys.stderr)


def _check(args: argparse.Namespace) -> None:
    training = ("states", "emission", "learner", "iterations", "kappa", "entropy", "min_count", "alpha", "tol",
                "precision", "init", "seed", "restarts", "probes", "runs", "save", "checkpoint")  # fmt: skip
    given = [name for name in training if getattr(args, name) is not None] + ["use_tags"] * args.use_tags
    if args.load and given:
        args.usage_error(f"--{given[0].replace('_', '-')} is about training; with --load nothing is trained")
    emission = args.emission or "logistic"
    for name, of in {"alpha": "dirichlet", "kappa": "logistic", "entropy": "logistic", "min_count": "logistic"}.items():
        if getattr(args, name) is not None and emission != of:
            args.usage_error(f"--{name.replace('_', '-')} is of {of} emissions; add --emission {of}")
    if args.learner == "direct" and emission != "logistic":
        args.usage_error(f"--learner direct needs a gradient, which {emission} emissions have not; leave it out")
    if (args.runs or 1) > 1 and (args.restarts or args.probes):
        args.usage_error("--runs asks what all agree on, --restarts and --probes for the best; give one of them")
    if args.save == "-":
        args.usage_error("--save needs a file: a model is not text for standard output")
    if args.alpha == 0:
        args.usage_error("--alpha has to be above 0; for plain EM, leave it and dirichlet out")
    if [args.text, args.gold, args.dictionary].count("-") > 1:
        args.usage_error("standard input can be read once; give the other file by name")
    checkpoints.check(args)
    named = [path for path in (args.output, args.save, args.checkpoint) if path and path != "-"]
    outputs = [os.path.realpath(path) for path in named]
    inputs = {os.path.realpath(path) for path in (args.text, args.load, args.gold, args.dictionary) if path}
    if len(set(outputs)) < len(outputs) or inputs & set(outputs):
        args.usage_error("an output file is named twice, or is also an input")


def _read(args: argparse.Namespace, loaded: HMM | None) -> tuple[Tagged, Tagged | None]:
    """Return TEXT with what tells of its tags, without --use-tags the words alone; and its tags, if these are GOLD."""
    from emnlp.cli.evaluate_tag import read_tagged
    from emnlp.corpus import TagDictionary, Tagged
    from emnlp.corpus.tagfiles import format_of
    from emnlp.errors import InputError

    if loaded and args.lowercase and not loaded.lowercase_:
        raise InputError(f"{args.load}: this model was trained on text as it is; leave --lowercase out")
    lowercase = bool(loaded.lowercase_) if loaded else args.lowercase
    form = args.input or ("conllu" if format_of(args.text) == "conllu" else "plain")
    if args.use_tags and form == "plain" and not args.text.startswith("nltk:"):
        args.usage_error("--use-tags needs tags: TEXT is read as plain text; add --input slash")
    nltk = args.text.startswith("nltk:")
    twice = args.gold == args.text and (nltk or form == format_of(args.text))  # it is read once
    column = args.tag if args.use_tags or nltk or twice else None
    tagged = read_tagged(args.text, column, form, lowercase)
    corpus = tagged if args.use_tags else Tagged.untagged(tagged.text)
    if args.dictionary:
        corpus = corpus.constrained(TagDictionary.read(args.dictionary))
    blank = int((corpus.text.lengths == 0).sum())
    if blank:
        warn(f"{blank:,} of {len(corpus):,} sentences are blank; they keep their place and teach nothing")
    say(args, f"read {len(corpus):,} sentences, {len(corpus.tags):,} tokens, {len(corpus.text.vocabulary):,} types")
    return corpus, tagged if twice else None


def _train(corpus: Tagged, args: argparse.Namespace) -> HMM:
    from emnlp.models.tagrecipes import consensus, induction

    states = args.states if args.states is not None else 0 if len(corpus.tagset) else 45
    constant = args.init == "constant" or (args.init is None and len(corpus.tagset) > 0)
    if constant and max(args.restarts or 1, args.probes or 1, args.runs or 1) > 1:
        args.usage_error("with tags or a dictionary the start is constant, and all runs the same; add --init random")
    names = ("kappa", "entropy", "alpha", "tol", "init")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    given |= {"dtype": f"float{args.precision}"} if args.precision else {}
    given |= {"decoding": args.decode} if args.decode else {}
    given |= {"n_init": args.restarts or 1, "n_probes": args.probes or 0, "iterations": args.iterations}
    given |= {"n_jobs": arguments.threads(args), "verbose": 0 if args.quiet else 1}

    def make(seed: int) -> HMM:
        emission = args.emission or "logistic"
        model = induction(states or None, emission, args.learner, random_state=seed, **given)
        if args.min_count:
            model.emission = replace(model.emission, min_count=args.min_count)  # type: ignore[call-arg]
        return model

    def report(seed: int, model: HMM) -> None:
        trace = model.trace_
        for each, objective in sorted(trace.restarts.items(), key=lambda pair: -pair[1]):
            say(args, f"start of seed {each}: {objective / len(corpus.tags):.4f} nats a token")
        what = f"HMM of {len(model.states_)} states, seed {seed}"
        say(args, f"{what}: {trace[-1] / len(corpus.tags):.4f} nats a token; {trace.reason}")

    seed, runs = args.seed or 0, args.runs or 1
    if runs > 1:
        return consensus(make, corpus, range(seed, seed + runs), report, **checkpoints.settings(args, runs))
    model = make(seed).fit(corpus, **checkpoints.settings(args, 1))
    report(seed, model)
    return model


def _warn_of_unknown(model: HMM, tagged: Tagged, args: argparse.Namespace) -> None:
    known = model.vocabulary_.ids(tagged.text.vocabulary)[tagged.text.ids] >= 0
    if len(known) and known.mean() < 0.5:
        warn(f"{1 - known.mean():.0%} of the words are unknown to {args.load}; is this the text it is meant for?")


def _write(tagged: Tagged, args: argparse.Namespace) -> None:
    """Write tagged text; what a format cannot hold is a warning."""
    from emnlp.corpus.tagfiles import format_of

    if args.show_classes and not args.output:
        return
    path = args.output or "-"
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        tagged.write(path, args.format or format_of(path))
    for doubt in doubts:
        warn(str(doubt.message))
