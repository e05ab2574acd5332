"""``emnlp cluster``: from documents to clusters, or to the classes of which some documents have labels."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments
from emnlp.cli.arguments import say, warn
from emnlp.cli.documents import add_text, case_of, check_known, components, pruned

if TYPE_CHECKING:
    from emnlp.blocks import Array
    from emnlp.corpus import Documents
    from emnlp.models import NaiveBayesMixture

LEARNERS = ("annealed", "em", "hard")
FEATURES = ("categorical", "dirichlet", "logistic")
STARTS = ("spherical", "documents", "random")
TFIDF = 3.0

_EPILOG = """\
learners (annealed; with --kind bernoulli or --use-labels, em):
  annealed  long documents count for few words at first, for all in the end; then EM
  em        EM from the start
  hard      each document wholly in its best component

examples:
  find 5 clusters, write a line a document; see their words, score them:
    emnlp cluster news.jsonl --components 5 -o news.clusters --save news.model
    emnlp cluster news.jsonl --components 5 --show-words --gold
  classes of which some documents have labels; the others teach, too:
    emnlp cluster some.jsonl --use-labels -o all.classes --save classes.model
  put other documents into the same components:
    emnlp cluster new.jsonl --load news.model -o new.clusters
  the best of 5 starts; how well it tells other documents:
    emnlp cluster news.jsonl --components 5 --restarts 5 --held-out dev.jsonl

DOCS is UTF-8: JSON lines {"label": ..., "text": ...} if its name ends in .jsonl,
lines of 'label TAB text' (.tsv), a folder of class folders, else a document a line;
or a corpus that `emnlp corpora list` shows, such as reuters_r8 or reuters_r8/test;
'-' is standard input; .gz .bz2 .xz .zst files are decompressed. Its labels are left
alone unless you say --use-labels. Line k of the output belongs to document k: its
component, TAB, P(component | document). The same input and options give the same
bits at any number of threads. More is in docs/clustering.md.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "cluster",
        usage="%(prog)s DOCS --components K [-o CLUSTERS] [options]",
        help="cluster documents, or classify them from a few labels",
        description="Train a mixture of word distributions on documents; write the component of each.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("docs", metavar="DOCS", help="documents: a file, a folder, or the name of a corpus")
    _add_files(parser.add_argument_group("files"))
    add_text(parser.add_argument_group("text"))
    _add_model(parser.add_argument_group("model"))
    _add_search(parser.add_argument_group("search"))
    arguments.add_run(parser)
    parser.set_defaults(run=run, usage_error=parser.error)


def _add_files(files: Any) -> None:
    output = "where the components go, a line a document (standard output)"
    files.add_argument("-o", "--output", metavar="CLUSTERS", type=arguments.path, help=output)
    posteriors = "also write P(component | document) of all components, as JSON lines"
    files.add_argument("--posteriors", metavar="FILE", type=arguments.path, help=posteriors)
    files.add_argument("--save", metavar="MODEL", type=arguments.path, help="write the trained model")
    files.add_argument("--load", metavar="MODEL", type=arguments.path, help="use a saved model instead of training one")
    gold = "score the result against the labels of DOCS, or of FILE"
    files.add_argument("--gold", nargs="?", const=True, metavar="FILE", type=arguments.path, help=gold)
    held = "print the perplexity of these documents (of bernoulli, the log-likelihood)"
    files.add_argument("--held-out", metavar="DOCS2", type=arguments.path, help=held)
    words = "print the components, the largest first, and N words of each (10); the lines only go to -o then"
    files.add_argument("--show-words", nargs="?", const=10, type=arguments.positive, metavar="N", help=words)
    by = "the order of these words: probability, or contrast, to all documents (contrast)"
    files.add_argument("--by", choices=("probability", "contrast"), metavar="HOW", help=by)


def _add_model(model: Any) -> None:
    model.add_argument("--use-labels", action="store_true", help="the labels of DOCS are components; learn from them")
    feature = f"how P(word | component) is made: {', '.join(FEATURES)} (categorical)"
    kind = "multinomial, a word counts as often as it comes, or bernoulli, if it is there (multinomial)"
    model.add_argument("--kind", choices=("multinomial", "bernoulli"), metavar="NAME", help=kind)
    model.add_argument("--feature", choices=FEATURES, metavar="NAME", help=feature)
    for name, parse, metavar, what in (
        ("--components", components, "K", "how many; needed without --use-labels (one a label)"),
        ("--alpha", arguments.alpha, "A", "pseudo-count of each word; of dirichlet, that of the prior (0.1)"),
        ("--kappa", arguments.weight, "K", "of logistic weights, Gaussian: the larger, the smaller they stay (0.1)"),
        (
            "--tfidf",
            arguments.weight,
            "LENGTH",
            f"tf-idf vectors so long, not counts (0, counts; with labels {TFIDF:g})",
        ),
        ("--unlabelled-weight", arguments.weight, "LAMBDA", "what a document without a label counts for (1)"),
    ):
        model.add_argument(name, type=parse, metavar=metavar, help=what)


def _add_search(search: Any) -> None:
    learner, init = f"{', '.join(LEARNERS)}; see below", f"the first components: {', '.join(STARTS)} (spherical)"
    search.add_argument("--learner", choices=LEARNERS, metavar="NAME", help=learner)
    search.add_argument("--init", choices=STARTS, metavar="HOW", help=init)
    for name, parse, metavar, what in (
        ("--iterations", arguments.count, "N", "steps at most (20); of annealed, after annealing"),
        ("--tol", arguments.weight, "T", "stop when the objective rises by less, in nats a document (0: never)"),
        ("--seed", arguments.count, "S", "of the first start (0)"),
        ("--restarts", arguments.positive, "N", "starts to train, of which the best by its objective is kept (1)"),
    ):
        search.add_argument(name, type=parse, metavar=metavar, help=what)


def run(args: argparse.Namespace) -> int:
    """Train or load, find the component of each document, write, show, score."""
    from emnlp.cli.evaluate_cluster import gold_of
    from emnlp.corpus.docfiles import read_documents
    from emnlp.corpus.files import check_writable
    from emnlp.metrics import clustering_scores
    from emnlp.models import NaiveBayesMixture

    _check(args)
    for path in _outputs(args):
        check_writable(path)
    begin, model = time.perf_counter(), NaiveBayesMixture.load(args.load) if args.load else None
    lowercase = case_of(args, model)
    documents = read_documents(args.docs, format=args.format, lowercase=lowercase)
    gold, gold_name = gold_of(documents, args.gold) if args.gold else ([], "")
    held_out = read_documents(args.held_out, lowercase=lowercase) if args.held_out else None
    say(args, f"read {documents!r}")
    if model is None:
        kept = pruned(documents, args)
        check_known(held_out, kept.vocabulary)
        model = _train(kept, args)
        if args.save:
            model.save(args.save)
    model.n_jobs = arguments.threads(args)
    shares = model.predict_proba(documents)
    found = [model.components_.words[k] for k in shares.argmax(axis=1).tolist()]
    scores = [] if not gold else [clustering_scores(found, gold, gold_name=gold_name).signature()]
    _warn_of_unknown(model, documents, args)
    _write(found, shares, model, args)
    scores += [] if held_out is None else [_of_held_out(model, held_out)]  # last: it may have no word that is known
    if args.show_words:
        print("\n".join(_table(model, shares, args)))
    for line in scores:  # asked for, so --quiet does not silence them
        print(line, file=sys.stderr)
    say(args, f"clustered {len(documents):,} documents in {time.perf_counter() - begin:.1f} s")
    return 0


def _check(args: argparse.Namespace) -> None:
    training = ("min_df", "max_df", "stop", "components", "kind", "feature", "alpha", "kappa", "tfidf",
                "unlabelled_weight", "learner", "iterations", "tol", "init", "seed", "restarts", "save")  # fmt: skip
    given = [name for name in training if getattr(args, name) is not None] + ["use_labels"] * args.use_labels
    if args.load and given:
        args.usage_error(f"--{given[0].replace('_', '-')} is about training; with --load nothing is trained")
    needed, feature = not (args.load or args.components or args.use_labels), args.feature or "categorical"
    for wrong, why in (
        (needed, "how many components? give --components K, or --use-labels for one a label"),
        (args.unlabelled_weight is not None and not args.use_labels, "--unlabelled-weight: add --use-labels, too"),
        (bool(args.tfidf) and args.kind == "bernoulli", "--tfidf is of counts, which bernoulli does not look at"),
        (args.kappa is not None and feature != "logistic", "--kappa is of logistic features; add --feature logistic"),
        (args.alpha is not None and feature == "logistic", "--alpha is not of logistic features; they have --kappa"),
        (args.alpha == 0 and feature == "dirichlet", "--alpha has to be above 0; for no prior, leave dirichlet out"),
        (args.by and not args.show_words, "--by is the order of words to show; add --show-words"),
        (args.save == "-", "--save needs a file: a model is not text for standard output"),
    ):
        if wrong:
            args.usage_error(why)
    if args.posteriors == "-" and (args.show_words or args.output in (None, "-")):
        args.usage_error("--posteriors - is standard output, where other results go; give it, or -o, a file")
    inputs = [args.docs, args.load, args.gold if args.gold is not True else None, args.held_out, args.stop]
    if inputs.count("-") > 1:
        args.usage_error("standard input can be read once; give the other files by name")
    outputs = [os.path.realpath(path) for path in _outputs(args)]
    if len(set(outputs)) < len(outputs) or {os.path.realpath(path) for path in inputs if path} & set(outputs):
        args.usage_error("an output file is named twice, or is also an input")


def _outputs(args: argparse.Namespace) -> list[str]:
    return [path for path in (args.output, args.posteriors, args.save) if path and path != "-"]


def _train(documents: Documents, args: argparse.Namespace) -> NaiveBayesMixture:
    from emnlp.errors import InputError
    from emnlp.models.clusterrecipes import clustering

    if args.use_labels:
        if not (documents.labels >= 0).any():
            raise InputError(f"{documents.name}: --use-labels, but no document has a label")
        if (args.components or 0) <= len(documents.classes) and (args.init or (args.restarts or 1) > 1):
            args.usage_error("labels say where components start; give more --components, or no --init and --restarts")
        if args.gold is True:
            warn("the labels that the scores are of are those it learned from; --gold FILE may have others")
    corpus = documents if args.use_labels else documents.hidden()
    names = ("kind", "alpha", "kappa", "tol", "init", "iterations")
    given: dict[str, Any] = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.kind != "bernoulli":
        given["tfidf"] = TFIDF * args.use_labels if args.tfidf is None else args.tfidf
    given |= {} if args.unlabelled_weight is None else {"unlabelled": args.unlabelled_weight}
    learner = args.learner or ("em" if args.use_labels or args.kind == "bernoulli" else "annealed")
    model = clustering(
        args.components, learner, args.feature or "categorical", random_state=args.seed or 0,
        n_init=args.restarts or 1, n_jobs=arguments.threads(args), verbose=0 if args.quiet else 1, **given,
    ).fit(corpus)  # fmt: skip
    for seed, objective in sorted(model.trace_.restarts.items(), key=lambda pair: -pair[1]):
        say(args, f"start of seed {seed}: {objective / len(corpus):.4f} nats a document")
    what = f"mixture of {len(model.components_)} components, {len(model.vocabulary_):,} words, seed {args.seed or 0}"
    say(args, f"{what}: {model.trace_[-1] / len(corpus):.4f} nats a document; {model.trace_.reason}")
    return model


def _warn_of_unknown(model: NaiveBayesMixture, documents: Documents, args: argparse.Namespace) -> None:
    known = documents.within(model.vocabulary_)
    if blank := int((known.lengths == 0).sum()):
        what = "documents have no word that the model knows; they keep their place, in the component of most documents"
        warn(f"{blank:,} of {len(documents):,} {what}")
    share = 1 - known.counts.sum() / max(documents.counts.sum(), 1.0)
    if args.load and len(documents.ids) and share > 0.5:
        warn(f"{share:.0%} of the words are unknown to {args.load}; are these the documents it is meant for?")


def _write(found: list[str], shares: Array, model: NaiveBayesMixture, args: argparse.Namespace) -> None:
    from emnlp.corpus.files import write_text

    if args.output or not args.show_words:
        with write_text(args.output or "-") as out:
            out.writelines(f"{name}\t{share:.4f}\n" for name, share in zip(found, shares.max(axis=1).tolist()))
    if args.posteriors:
        with write_text(args.posteriors) as out:
            for name, row in zip(found, shares.tolist()):
                each = {component: round(share, 6) for component, share in zip(model.components_, row)}
                out.write(json.dumps({"component": name, "posterior": each}, ensure_ascii=False) + "\n")


def _table(model: NaiveBayesMixture, shares: Array, args: argparse.Namespace) -> list[str]:
    """Return a line for each component, the largest first: its name, its share of the documents, its words."""
    import numpy as np

    sizes = np.bincount(shares.argmax(axis=1), minlength=shares.shape[1])
    words = model.top_words(args.show_words, args.by or "contrast")
    width = max(map(len, ["component", *model.components_]))
    lines = [f"{'component':{width}}  documents      %  words"]
    for k in np.argsort(-sizes, kind="stable").tolist():
        best = " ".join(word if len(word) <= 40 else word[:39] + "…" for word, _ in words[k])
        lines.append(
            f"{model.components_.words[k]:{width}}  {sizes[k]:9,}  {sizes[k] / max(len(shares), 1):6.1%}  {best}"
        )
    return lines


def _of_held_out(model: NaiveBayesMixture, held_out: Documents) -> str:
    """Return a line about documents that the model was not trained on."""
    known = held_out.within(model.vocabulary_).counts.sum() / max(held_out.counts.sum(), 1.0)
    what, value = ("log-likelihood", model.score) if model.binary or model.tfidf else ("perplexity", model.perplexity)
    return (
        f"{what} {value(held_out):.2f} | known words {known:.1%} | documents {len(held_out)} | held out {held_out.name}"
    )
