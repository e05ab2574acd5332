"""``emnlp topics``: from documents to topics and the proportions in which each document mixes them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Literal

from emnlp.cli import arguments
from emnlp.cli.arguments import say, warn
from emnlp.cli.documents import add_text, case_of, check_known, pruned

if TYPE_CHECKING:
    from emnlp.blocks import Array
    from emnlp.corpus import Documents
    from emnlp.models.topics import TopicModel

MODELS = ("lda", "plsa")
LEARNERS = ("batch", "online")
PASSES = {"batch": 50, "online": 10}
WORDS = 10

power = arguments.number(float, 0.5000001, 1, "power above 0.5")

_EPILOG = """\
models:
  lda   latent Dirichlet allocation, by variational Bayes: priors keep topics and
        proportions from fitting what chance did (default)
  plsa  probabilistic latent semantic analysis: the same tables without priors, by
        EM; the textbook's

examples:
  find 20 topics, write the proportions of each document, see the topics:
    emnlp topics news.jsonl --topics 20 -o news.topics --save news.model
    emnlp topics news.jsonl --topics 20 --max-df 0.5 --show-words
  learn from many documents, 256 at a time:
    emnlp topics news.jsonl --topics 100 --learner online -o news.topics
  how well are the words of other documents told? the fewer, the better:
    emnlp topics news.jsonl --topics 20 --held-out dev.jsonl -o news.topics
  the topics of other documents, with a trained model:
    emnlp topics new.jsonl --load news.model -o new.topics

DOCS is UTF-8: JSON lines {"label": ..., "text": ...} if its name ends in .jsonl,
lines of 'label TAB text' (.tsv), a folder of class folders, else a document a line;
or a corpus that `emnlp corpora list` shows, such as reuters_r8 or reuters_r8/test;
'-' is standard input; .gz .bz2 .xz .zst files are decompressed. Labels are never
learned from. Line k of the output belongs to document k, in the layout of MALLET's
doc-topics, columns with TABs between: its number, from 0; its label, or -; and the
share of each topic, from 0, or with --top those of the largest as topic, share,
topic, share. The same input and options give the same bits at any number of
threads. More is in docs/topics.md.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "topics",
        usage="%(prog)s DOCS --topics K [-o PROPORTIONS] [options]",
        help="find the topics of documents, or apply a trained topic model",
        description="Train a topic model on documents; write the proportions of topics of each.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("docs", metavar="DOCS", help="documents: a file, a folder, or the name of a corpus")
    _add_files(parser.add_argument_group("files"))
    add_text(parser.add_argument_group("text"))
    _add_model(parser.add_argument_group("model"))
    arguments.add_run(parser)
    parser.set_defaults(run=run, usage_error=parser.error)


def _add_files(files: Any) -> None:
    output = "where the proportions go, a line a document (standard output)"
    files.add_argument("-o", "--output", metavar="PROPORTIONS", type=arguments.path, help=output)
    top = "write the N largest shares of a document alone, the largest first"
    files.add_argument("--top", type=arguments.positive, metavar="N", help=top)
    files.add_argument("--save", metavar="MODEL", type=arguments.path, help="write the trained model")
    load = "use a saved model instead of training one"
    files.add_argument("--load", metavar="MODEL", type=arguments.path, help=load)
    held = "print the completion perplexity of these documents, and the fitted one"
    files.add_argument("--held-out", metavar="DOCS2", type=arguments.path, help=held)
    words = f"print the topics, the largest first, and N words of each ({WORDS}); the lines only go to -o then"
    files.add_argument("--show-words", nargs="?", const=WORDS, type=arguments.positive, metavar="N", help=words)
    by = "which words these are: of the highest probability, or contrast, to all documents (contrast)"
    files.add_argument("--by", choices=("probability", "contrast"), metavar="HOW", help=by)


def _add_model(model: Any) -> None:
    names = f"{' or '.join(MODELS)} (lda); see below"
    model.add_argument("--model", choices=MODELS, metavar="NAME", help=names)
    how = "batch, all documents before each step, or online, --batch-size of them (batch)"
    model.add_argument("--learner", choices=LEARNERS, metavar="NAME", help=how)
    for name, parse, metavar, what in (
        ("--topics", arguments.positive, "K", "how many; needed"),
        ("--alpha", arguments.alpha, "A", "of lda, the prior of each topic's share of a document, above 0 (1/K)"),
        ("--eta", arguments.alpha, "E", "of lda, the prior of each word's share of a topic, above 0 (0.1)"),
        ("--iterations", arguments.count, "N", "passes at most (batch: {batch}, online: {online})".format(**PASSES)),
        ("--tol", arguments.weight, "T", "stop when the objective rises by less, in nats a document (0: never)"),
        ("--batch-size", arguments.positive, "N", "of online, documents between steps (256)"),
        ("--power", power, "P", "of online, above 0.5: the higher, the sooner it settles (0.7)"),
        ("--seed", arguments.count, "S", "of the first topics (0)"),
    ):
        model.add_argument(name, type=parse, metavar=metavar, help=what)


def run(args: argparse.Namespace) -> int:
    """Train or load, find the proportions of each document, write, show, score."""
    from emnlp.corpus.docfiles import read_documents
    from emnlp.corpus.files import check_writable
    from emnlp.models.topics import TopicModel

    _check(args)
    for path in (args.output, args.save):
        if path and path != "-":
            check_writable(path)
    begin = time.perf_counter()
    model: Any = TopicModel.load(args.load) if args.load else None
    lowercase = case_of(args, model)
    documents = read_documents(args.docs, format=args.format, lowercase=lowercase)
    held_out = read_documents(args.held_out, lowercase=lowercase) if args.held_out else None
    say(args, f"read {documents!r}")
    if model is None:
        kept = pruned(documents, args)
        check_known(held_out, kept.vocabulary)
        model = _train(kept, args)
        if args.save:
            model.save(args.save)
    model.n_jobs = arguments.threads(args)
    rows = model.transform(documents)
    _warn_of_unknown(model, documents, args)
    _write(rows, documents, args)
    _show(model, rows, model.known(documents), args)
    if held_out is not None:  # last: it may have no word that is known
        print(_of_held_out(model, held_out), file=sys.stderr)
    say(args, f"found the topics of {len(documents):,} documents in {time.perf_counter() - begin:.1f} s")
    return 0


def _check(args: argparse.Namespace) -> None:
    training = ("min_df", "max_df", "stop", "topics", "model", "learner", "alpha", "eta", "iterations", "tol",
                "batch_size", "power", "seed", "save")  # fmt: skip
    given = [name for name in training if getattr(args, name) is not None]
    if args.load and given:
        args.usage_error(f"--{given[0].replace('_', '-')} is about training; with --load nothing is trained")
    for name, needed, value in (
        ("alpha", "model", "lda"),
        ("eta", "model", "lda"),
        ("batch_size", "learner", "online"),
        ("power", "learner", "online"),
    ):
        if getattr(args, name) is not None and (getattr(args, needed) or {"model": "lda"}.get(needed)) != value:
            args.usage_error(f"--{name.replace('_', '-')} is of {value}; add --{needed} {value}, or leave it out")
    for wrong, why in (
        (not (args.load or args.topics), "how many topics? give --topics K"),
        (args.alpha == 0 or args.eta == 0, "--alpha and --eta have to be above 0; --model plsa has no priors"),
        (args.by and not args.show_words, "--by is about words to show; add --show-words"),
        (args.save == "-", "--save needs a file: a model is not text for standard output"),
        (args.top and args.show_words and not args.output, "--top is about the lines of documents; give them -o"),
    ):
        if wrong:
            args.usage_error(why)
    inputs = [path for path in (args.docs, args.load, args.held_out, args.stop) if path]
    if inputs.count("-") > 1:
        args.usage_error("standard input can be read once; give the other files by name")
    outputs = [os.path.realpath(path) for path in (args.output, args.save) if path and path != "-"]
    if len(set(outputs)) < len(outputs) or {os.path.realpath(path) for path in inputs} & set(outputs):
        args.usage_error("an output file is named twice, or is also an input")


def _train(documents: Documents, args: argparse.Namespace) -> TopicModel:
    import numpy as np

    from emnlp.factors import Dirichlet
    from emnlp.learners import EM, Learner, StepwiseEM
    from emnlp.models import LDA, PLSA

    name, learning = args.model or "lda", args.learner or "batch"
    learner: Learner = EM()
    if learning == "online":
        learner = StepwiseEM(power=args.power or 0.7, batch_size=args.batch_size or 256)
    passes = PASSES[learning] if args.iterations is None else args.iterations
    settings: dict[str, Any] = {"learner": learner, "max_iter": passes, "tol": args.tol or 0.0}
    settings |= {"random_state": args.seed or 0, "n_jobs": arguments.threads(args), "verbose": 0 if args.quiet else 1}
    model: TopicModel
    if name == "plsa":
        model = PLSA(args.topics, **settings)
    else:
        model = LDA(args.topics, alpha=args.alpha, word=Dirichlet(args.eta or 0.1), **settings)
    model.fit(documents.hidden())
    bound, tokens = model.trace_[-1], documents.counts.sum()
    what = f"{name.upper()} of {args.topics:,} topics, {len(model.vocabulary_):,} words, seed {args.seed or 0}"
    say(args, f"{what}: {bound / len(documents):.4f} nats a document; {model.trace_.reason}")
    least = "at most " * (name == "lda")  # it has a bound of the likelihood
    say(args, f"perplexity of the training documents: {least}{np.exp(min(-bound / tokens, 700.0)):.2f}")
    return model


def _warn_of_unknown(model: TopicModel, documents: Documents, args: argparse.Namespace) -> None:
    known = documents.within(model.vocabulary_)
    blank = int((known.lengths == 0).sum())
    if blank:
        what = "documents have no word that the model knows; they keep their place, with the same share of each topic"
        warn(f"{blank:,} of {len(documents):,} {what}")
    tokens, unseen = documents.counts.sum(), documents.counts.sum() - known.counts.sum()
    if args.load and unseen:
        doubt = "; are these the documents it is meant for?" if unseen > 0.5 * tokens else ""
        warn(f"{unseen:,.0f} of {tokens:,.0f} tokens are words unknown to {args.load}, and left out{doubt}")


def _write(rows: Array, documents: Documents, args: argparse.Namespace) -> None:
    """Write the layout of MALLET's doc-topics; its readers split at any white space."""
    from emnlp.corpus.files import write_text

    if args.show_words and not args.output:
        return
    with write_text(args.output or "-") as out:
        for d, (label, row) in enumerate(zip(documents.names(), rows)):
            order = (-row).argsort(kind="stable")[: args.top].tolist() if args.top else None
            shares = [f"{share:.6f}" for share in row] if order is None else [f"{k}\t{row[k]:.6f}" for k in order]
            out.write("\t".join([str(d), "_".join((label or "-").split()) or "-", *shares]) + "\n")


def _show(model: TopicModel, rows: Array, known: Documents, args: argparse.Namespace) -> None:
    """Print the topics, if asked, and how coherent their words are in these documents."""
    if args.quiet and not args.show_words:
        return
    by: Literal["probability", "contrast"] = args.by or "contrast"
    words = [[word for word, _ in best] for best in model.top_words(args.show_words or WORDS, by)]
    npmi, umass = _coherence(words, known)
    if args.show_words:
        print("\n".join(_table(words, rows, known.lengths, npmi, umass)))
    if npmi:
        means = f"NPMI {_mean(npmi)}, UMass {_mean(umass)}, means of {len(words):,} topics"
        say(args, f"coherence of {len(words[0])} words by {by}: {means}")


def _coherence(words: list[list[str]], documents: Documents) -> tuple[list[float | None], list[float | None]]:
    """Return the NPMI and UMass coherence of each topic; None, or no list, where there is none."""
    from emnlp.metrics.coherence import npmi, umass

    if len(documents) == 0 or len(words[0]) < 2:
        return [], []
    frequency = dict(zip(documents.vocabulary.words, documents.document_frequency.tolist()))
    absent = [not all(frequency[word] for word in each[:-1]) for each in words]  # only with --load: other documents
    found = iter(umass([each for each, gone in zip(words, absent) if not gone], documents).tolist())
    return npmi(words, documents).tolist(), [None if gone else next(found) for gone in absent]


def _mean(values: list[float | None]) -> str:
    present = [value for value in values if value is not None]
    return f"{sum(present) / len(present):.3f}" if present else "-"


def _table(
    words: list[list[str]], rows: Array, lengths: Array, npmi: list[float | None], umass: list[float | None]
) -> list[str]:
    """Return a line for each topic, the largest first: its share of the tokens, coherence and words."""
    import numpy as np

    sizes = lengths @ rows / max(lengths.sum(), 1.0)
    lines = ["topic  tokens    NPMI   UMass  words"]
    for k in np.argsort(-sizes, kind="stable").tolist():
        scores = [f"{_mean(values[k : k + 1]):>6}" for values in (npmi, umass)]
        best = " ".join(word if len(word) <= 40 else word[:39] + "…" for word in words[k])
        lines.append(f"{k:5}  {sizes[k]:6.1%}  {scores[0]}  {scores[1]}  {best}")
    return lines


def _of_held_out(model: TopicModel, held_out: Documents) -> str:
    """Return a line about documents that the model was not trained on."""
    known = model.known(held_out).counts.sum() / max(held_out.counts.sum(), 1.0)
    completed, fitted = model.completion_perplexity(held_out), model.perplexity(held_out)
    rest = f"known words {known:.1%} | documents {len(held_out)} | held out {held_out.name}"
    return f"completion perplexity {completed:.2f} | fitted {fitted:.2f} | {rest}"
