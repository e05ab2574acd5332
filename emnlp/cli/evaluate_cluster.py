"""``emnlp evaluate cluster``: score clusters of documents against gold classes."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING, Any

from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.corpus.documents import Documents
    from emnlp.metrics import ClusteringScores, TaggingScores

_EPILOG = """\
PREDICTED has a line a document: the number or name of its cluster, and what you
like after a TAB; what cannot be clusters, such as the output of `emnlp topics`, is
refused. GOLD is documents with labels: JSON lines (.jsonl, .json), lines
of 'label TAB text' (.tsv, .tab), a folder of class folders, or a corpus that
`emnlp corpora list` shows; or else a text file with a label a line. A document
without a label (null, or a blank line) is left out and counted.

examples:
  emnlp evaluate cluster train.clusters reuters_r8
  emnlp evaluate cluster test.clusters reuters_r8/test --confusion
  emnlp evaluate cluster bbc.clusters bbc.jsonl.gz --json
  cut -f 2 results.tsv | emnlp evaluate cluster - labels.txt

M-1 maps each cluster to its most frequent class, 1-1 gives each a class of its
own; V is the V-measure of H (homogeneity) and C (completeness), and NMI with the
arithmetic mean, all in %. VI, the variation of information, is in bits: 0 is
best. Acc is the share of documents whose cluster is the class, if half of the
clusters are names of classes. The mappings are those that are best for the
documents scored. The last line can go into a paper.
"""
_CLASSES_SHOWN = 5
_FEW = 10
"""So many documents are in clusters of their own by no chance."""


def add(whats: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the parser of ``emnlp evaluate cluster``."""
    cluster = whats.add_parser(
        "cluster",
        help="one-to-one, many-to-one, V-measure, NMI and variation of information of clusters of documents",
        description="Print many-to-one, one-to-one, V-measure, NMI and variation of information of clusters.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cluster.add_argument("predicted", metavar="PREDICTED", help="a line a document, its cluster; - is standard input")
    cluster.add_argument("gold", metavar="GOLD", help="the same documents with labels, or their labels, a line each")
    cluster.add_argument("--confusion", action="store_true", help="print the classes of each cluster, too")
    cluster.set_defaults(run=run_cluster)
    return cluster


def run_cluster(args: argparse.Namespace) -> int:
    """Run ``emnlp evaluate cluster``."""
    from emnlp.corpus.files import display_name, read_text
    from emnlp.metrics import clustering_scores

    if args.predicted == args.gold == "-":
        raise InputError("more than one file is '-'; standard input can be read once, so give the other by name")
    text, name = read_text(args.predicted), display_name(args.predicted)
    predicted = _first_fields(text)
    gold, gold_name = gold_labels(args.gold)
    _check(predicted, name, gold, gold_name)
    _check_clusters(text, predicted, name)
    if args.lines is not None:
        predicted, gold = predicted[args.lines], gold[args.lines]
        if not gold:
            raise InputError(f"--lines {shown(args.lines)} selects none of the lines of {name}; the first line is 0")
    scores = clustering_scores(predicted, gold, gold_name=gold_name, lines=shown(args.lines))
    if args.json:
        print(json.dumps(_as_json(scores, args.confusion), ensure_ascii=False))
    else:
        print_scores(scores, args.confusion, {"clusters": scores.n_clusters, "classes": scores.n_classes})
    return 0


def shown(lines: slice | None) -> str:
    """Return what ``--lines`` was, ``all`` if it was not given."""
    if lines is None:
        return "all"
    bounds = [lines.start, lines.stop] + [lines.step] * (lines.step is not None)
    return ":".join("" if bound is None else str(bound) for bound in bounds)


def first_column(path: str) -> list[str | None]:
    """Read what each line has before its first TAB, None if that is nothing."""
    from emnlp.corpus.files import read_text

    return _first_fields(read_text(path))


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _first_fields(text: str) -> list[str | None]:
    return [line.partition("\t")[0].strip() or None for line in _lines(text)]


def gold_labels(name_or_path: str) -> tuple[list[str | None], str]:
    """Read the labels of documents, or of a file that has nothing else; return them and the name of the file."""
    from emnlp.corpus import docfiles
    from emnlp.corpus.files import display_name

    path = docfiles.find_documents(name_or_path)
    if docfiles.format_of(path) == "plain":
        return first_column(str(path)), display_name(path)
    return [label for label, _ in docfiles.records(path)], display_name(path)


def gold_of(documents: Documents, gold: Any) -> tuple[list[str | None], str]:
    """Return the gold label of each document and the name of the file: the documents' own if `gold` is no path."""
    labels, name = (documents.names(), documents.name) if gold in (None, True) else gold_labels(gold)
    if len(labels) != len(documents):
        counts = f"{documents.name} has {len(documents)} documents, but {name} has {len(labels)} labels"
        raise InputError(f"{counts}; give a label, or a blank line, for each")
    if not any(labels):
        raise InputError(f"{name}: there is no label in it to score against")
    return labels, name


def _check(predicted: list[str | None], name: str, gold: list[str | None], gold_name: str) -> None:
    if len(predicted) != len(gold):
        counts = f"{name} has {len(predicted)} lines, but {gold_name} has {len(gold)} documents"
        raise InputError(f"{counts}; score the clusters of exactly these documents, a line each")
    for line, (cluster, label) in enumerate(zip(predicted, gold), 1):
        if cluster is None and label is not None:
            there = f"but {gold_name} has the label {label!r}"
            raise InputError(f"{name}:{line}: no cluster, {there}; give every document one")


def _check_clusters(text: str, predicted: list[str | None], name: str) -> None:
    """Refuse what is not clusters: the output of ``emnlp topics``, JSON lines, and another name on each line."""
    rows, advice = [line.split() for line in _lines(text)], "give clusters, a line a document, such as"
    if len(rows) > 1 and all(map(_is_of_topics, range(len(rows)), rows)):
        what = "this is the output of emnlp topics, whose first column numbers the documents"
        raise InputError(f"{name}:1: {what}; {advice} cut -f 3 leaves of emnlp topics --top 1")
    for line, cluster in enumerate(predicted, 1):
        if cluster and cluster.startswith('{"') and cluster.endswith("}"):
            raise InputError(f"{name}:{line}: this is JSON; {advice} the lines that emnlp cluster -o writes")
    given = [cluster for cluster in predicted if cluster]
    if len(given) >= _FEW and len(set(given)) == len(given):
        what = f"no cluster in {len(given):,} lines has a second document; is this column a number of the line?"
        raise InputError(f"{name}:{len(predicted)}: {what} {advice} the lines that emnlp cluster -o writes")


def _is_of_topics(d: int, row: list[str]) -> bool:
    """Return whether the columns are the number of a document, a label, and numbers of which the last is a share."""
    return len(row) > 2 and row[0] == str(d) and re.fullmatch(r"[01]\.\d{6}", row[-1]) is not None


def _as_json(scores: ClusteringScores, confusion: bool) -> dict[str, Any]:
    rates = ("many_to_one", "one_to_one", "v_measure", "variation_of_information", "homogeneity", "completeness")
    counts = ("n_clusters", "n_classes", "n_documents", "n_without_gold")
    fields = {name: getattr(scores, name) for name in (*rates, "accuracy", *counts, "gold", "lines")}
    fields |= {"nmi": scores.nmi(), "nmi_geometric": scores.nmi("geometric"), "signature": scores.signature()}
    return fields | ({"confusion": [row._asdict() for row in scores.table.confusion()]} if confusion else {})


def print_scores(
    scores: ClusteringScores | TaggingScores, confusion: bool, counts: dict[str, int], classes: str = "classes"
) -> None:
    """Print the rates and some counts in a table, perhaps the `classes` of each cluster, and the signature."""
    cells = {name: f"{rate if name == 'VI' else 100 * rate:.2f}" for name, rate in scores.rates().items()}
    cells |= {name: str(count) for name, count in counts.items()}
    print("".join(f"{name:>{max(8, len(name) + 2)}}" for name in cells))
    print("".join(f"{cell:>{max(8, len(name) + 2)}}" for name, cell in cells.items()))
    print()
    if confusion:
        _print_confusion(scores, classes)
        print()
    print(scores.signature())


def _print_confusion(scores: ClusteringScores | TaggingScores, classes: str) -> None:
    """Print a line a cluster: its share, its class by M-1 and by 1-1, and its most frequent classes."""
    lines = [("cluster", "%", "M-1", "1-1", f"{classes}, in %")]
    for row in scores.table.confusion():
        found = ", ".join(f"{label} {100 * share:.1f}" for label, share in row.tags[:_CLASSES_SHOWN])
        more = ", ..." if len(row.tags) > _CLASSES_SHOWN else ""
        first, own = str(row.tags[0][0]), "-" if row.own_tag is None else str(row.own_tag)
        lines.append((str(row.cluster), f"{100 * row.share:.2f}", first, own, found + more))
    widths = [max(map(len, column)) for column in zip(*lines)]
    for cluster, share, first, own, found in lines:
        names = f"{first:<{widths[2]}}  {own:<{widths[3]}}"
        print(f"{cluster:>{widths[0]}}  {share:>{widths[1]}}  {names}  {found}")
