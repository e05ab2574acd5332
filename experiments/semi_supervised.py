"""Learn classes of documents from a few labels, with and without the unlabelled documents (Nigam et al. 2000).

    python experiments/semi_supervised.py [CORPUS] [--labels 20 100 300 1000] [--seeds N] [--plot FILE]

CORPUS is a registry name with train and test parts. Labels are drawn from the training part, as many of each class;
``naive Bayes`` learns from these documents alone, ``EM`` from all of the part. Accuracy in %, mean and (sd) over
seeds: on the other training documents, ``dev``, which is what settings were chosen by, and on the test part.
"""

import argparse

import numpy as np

from emnlp import Documents, NaiveBayesMixture
from emnlp.corpus.docfiles import read_documents

SETTINGS = {"counts": {"tfidf": 0.0}, "tf-idf": {"tfidf": 3.0}}


def drawn(documents: Documents, n: int, seed: int) -> np.ndarray:
    """Return which documents keep their labels: as many of each class."""
    rng, n_classes = np.random.default_rng(seed), len(documents.classes)
    each = [rng.permutation(np.flatnonzero(documents.labels == k))[: n // n_classes] for k in range(n_classes)]
    return np.isin(np.arange(len(documents)), np.concatenate(each))


def accuracy(model: NaiveBayesMixture, documents: Documents) -> float:
    return 100 * float(np.mean([a == b for a, b in zip(model.classify(documents), documents.names())]))


def run(train: Documents, test: Documents, n: int, seed: int, **settings: float) -> list[float]:
    """Return the accuracy of naive Bayes and EM, on dev and on test."""
    known = drawn(train, n, seed)
    alone = NaiveBayesMixture(max_iter=1, **settings).fit(train.select(known))
    together = NaiveBayesMixture(max_iter=15, n_jobs=2, **settings).fit(train.hidden(~known))
    return [accuracy(model, part) for part in (train.select(~known), test) for model in (alone, together)]


def plot(table: dict[str, dict[int, np.ndarray]], path: str) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for colour, (name, by_n) in zip(("tab:blue", "tab:orange"), table.items()):
        for column, style, learner in ((2, "--", "naive Bayes"), (3, "-", "EM")):
            runs = np.stack(list(by_n.values()))[:, :, column]
            look = {"fmt": style + "o", "color": colour, "label": f"{learner}, {name}", "capsize": 2}
            axes.errorbar(list(by_n), runs.mean(axis=1), runs.std(axis=1), **look)
    axes.set_xscale("log")
    axes.set_xticks(list(by_n), [f"{n:,}" for n in by_n], minor=False)
    axes.set(xlabel="labelled documents", ylabel="accuracy on the test part, %")
    axes.legend()
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="newsgroups20", metavar="CORPUS")
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 100, 300, 1000], metavar="N")
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args()
    train, test = read_documents(args.corpus).pruned(min_df=3), read_documents(f"{args.corpus}/test")
    print("| documents | labels | naive Bayes, dev | EM, dev | naive Bayes, test | EM, test |")
    print("|---|---|---|---|---|---|")
    table: dict[str, dict[int, np.ndarray]] = {}
    for name, settings in SETTINGS.items():
        for n in args.labels:
            runs = np.array([run(train, test, n, seed, **settings) for seed in range(args.seeds)])
            table.setdefault(name, {})[n] = runs
            cells = " | ".join(f"{mean:.1f} ({sd:.1f})" for mean, sd in zip(runs.mean(axis=0), runs.std(axis=0)))
            print(f"| {name} | {n:,} | {cells} |", flush=True)
    if args.plot:
        plot(table, args.plot)


if __name__ == "__main__":
    main()
