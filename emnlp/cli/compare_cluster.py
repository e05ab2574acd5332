"""``emnlp compare cluster``: mixtures of documents with tables, priors and features, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments
from emnlp.cli.arguments import say, warn
from emnlp.cli.documents import add_text, case_of, components, pruned
from emnlp.cli.evaluate_cluster import gold_of

if TYPE_CHECKING:
    from emnlp.corpus import Documents
    from emnlp.models import NaiveBayesMixture
    from emnlp.report.compare import Task, Variant

INPUTS = ("corpus", "gold", "stop")
USUAL = ("categorical", "dirichlet", "logistic-em", "logistic-direct", "recipe", "hard")
VARIANTS = (*USUAL, "spelling-em", "spelling-direct")
HELD_OUT = 10
STEPS = {"direct": 40, "em": 20}
KAPPA = 0.1

_EPILOG = """\
variants (all but the last two without --variants):
  categorical      tables with a pseudo-count of 0.1, by EM
  dirichlet        the same, words with a Dirichlet prior of 0.1, by variational
                   Bayes
  logistic-em      a weight for each word and component, kappa 0.1, by EM
  logistic-direct  the same by direct gradient (L-BFGS), the component logistic, too
  recipe           what `emnlp cluster` trains: tables, annealed by length, then EM
  hard             tables, each document wholly in its best component
  spelling-em, spelling-direct
                   logistic, each component with a weight for each word, and for
                   endings of one to three characters, which their words share

So that the comparison is one of factors, all variants see the same words of the
same documents, and start from the spherical k-means of the same seeds. No model
sees a label. CPU seconds are those of training alone, start, index and features
included.

CORPUS is as for `emnlp cluster`. Its labels are gold to score against, if it has
any, unless --gold has others. Scores are of the training documents.

examples:
  emnlp compare cluster reuters_r8
  emnlp compare cluster news.jsonl --components 5 --json news.json --plot news.png
  emnlp compare cluster news.jsonl --variants categorical,spelling-em --seeds 5
"""


def add(whats: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of ``emnlp compare cluster``."""
    cluster = whats.add_parser(
        "cluster",
        usage="%(prog)s CORPUS [options]",
        help="mixtures of documents",
        description="Cluster documents with each variant and seed; print means and standard deviations.\n"
        "Defaults are in parentheses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cluster.add_argument("corpus", metavar="CORPUS", help="documents: a file, a folder, or the name of a corpus")
    text = cluster.add_argument_group("text")
    add_text(text)
    gold = "score against the labels of this file (those of CORPUS, if it has any)"
    text.add_argument("--gold", metavar="FILE", type=arguments.path, help=gold)
    held = f"keep every Nth document from training, for perplexity; 0 for none ({HELD_OUT})"
    text.add_argument("--held-out", type=arguments.count, metavar="N", help=held)
    model = cluster.add_argument_group("model")
    many = "how many (as many as gold has labels)"
    model.add_argument("--components", type=components, metavar="K", help=many)
    model.add_argument("--seeds", type=arguments.positive, default=3, metavar="N", help="how many: 0, 1, ... (3)")
    steps = f"of EM and of direct gradient, at most (EM: {STEPS['em']}, after annealing; direct: {STEPS['direct']})"
    model.add_argument("--iterations", type=arguments.count, metavar="N", help=steps)
    return cluster


def variants(n_components: int, iterations: int | None = None, **settings: Any) -> dict[str, Callable[[int], Any]]:
    """Return what makes the model of a seed, by the name of the variant; `settings` are others of the mixture."""
    from emnlp.factors import Logistic
    from emnlp.features import Suffixes, Word
    from emnlp.learners import DirectGradient
    from emnlp.models import NaiveBayesMixture
    from emnlp.models.clusterrecipes import clustering

    steps = STEPS if iterations is None else dict.fromkeys(STEPS, iterations)

    def by_em(learner: str, feature: str, seed: int) -> NaiveBayesMixture:
        return clustering(n_components, learner, feature, iterations=steps["em"], random_state=seed, **settings)

    plain, spelling = Logistic(kappa=KAPPA), Logistic((Word(), Suffixes(3)), kappa=KAPPA)

    def logistic(feature: Logistic, direct: bool, seed: int) -> NaiveBayesMixture:
        how = {"component": plain, "learner": DirectGradient(), "max_iter": steps["direct"]}
        more = how if direct else {"max_iter": steps["em"]}
        return NaiveBayesMixture(n_components, feature=feature, random_state=seed, **more, **settings)

    return {
        "categorical": partial(by_em, "em", "categorical"),
        "dirichlet": partial(by_em, "em", "dirichlet"),
        "logistic-em": partial(logistic, plain, False),
        "logistic-direct": partial(logistic, plain, True),
        "recipe": partial(by_em, "annealed", "categorical"),
        "hard": partial(by_em, "hard", "categorical"),
        "spelling-em": partial(logistic, spelling, False),
        "spelling-direct": partial(logistic, spelling, True),
    }


def make(args: argparse.Namespace, names: Sequence[str]) -> tuple[list[Variant], range, Task, dict[str, Any]]:
    """Return the variants of these names, the seeds, what all share, and what to say of it."""
    import numpy as np

    from emnlp.corpus.docfiles import read_documents
    from emnlp.report.compare import Task, Variant

    whole = read_documents(args.corpus, format=args.format, lowercase=case_of(args))
    gold, gold_name = gold_of(whole, args.gold) if args.gold or (whole.labels >= 0).any() else ([], "none")
    n_components = args.components or len({label for label in gold if label is not None})
    if not n_components:
        args.usage_error(f"{whole.name} has no labels, so say how many components: --components K")
    train, held_out = _parts(args, whole.hidden())
    documents = pruned(whole.hidden().select(train), args)
    every = variants(n_components, args.iterations, n_jobs=arguments.threads(args))
    n_tokens = int(documents.counts.sum())
    task = Task(
        documents, n_tokens, partial(_scores, documents, [gold[d] for d in train]) if gold else None,
        perplexity=None if held_out is None else lambda model: model.perplexity(held_out), every=5,
        sample=documents.select(np.arange(min(len(documents), max(50, 2 * n_components)))),
    )  # fmt: skip
    about = {"corpus": PurePath(whole.name).name, "documents": len(documents), "tokens": n_tokens}
    about |= {"words": len(documents.vocabulary), "components": n_components}
    about |= {"held out": 0 if held_out is None else len(held_out), "seeds": args.seeds}
    about["gold"] = PurePath(gold_name).name
    say(args, f"{len(names)} variants, {args.seeds} seeds; {documents!r}, {n_components} components")
    return [Variant(name, every[name]) for name in names], range(args.seeds), task, about


def _parts(args: argparse.Namespace, documents: Documents) -> tuple[Any, Documents | None]:
    """Return the numbers of the documents to train on, and the others."""
    import numpy as np

    step, numbers = HELD_OUT if args.held_out is None else args.held_out, np.arange(len(documents))
    if step == 1:
        args.usage_error("--held-out 1 leaves nothing to learn from; 10 holds out a tenth")
    held = numbers[step - 1 :: step] if step else numbers[:0]
    if not documents.lengths[held].any():
        if step:
            warn(f"no perplexity: no {step}th document of {len(documents):,} has a word; give another --held-out")
        return numbers, None
    return np.setdiff1d(numbers, held), documents.select(held)


def _scores(documents: Documents, gold: list[str | None], model: NaiveBayesMixture) -> dict[str, float]:
    from emnlp.metrics import clustering_scores

    found = clustering_scores(model.classify(documents), gold).rates()
    return {name: found[name] for name in ("1-1", "V", "NMI")}
