"""Time LDA against scikit-learn's batch LatentDirichletAllocation: CPU seconds to the same bound, on one thread.

    python experiments/speed_lda.py [CORPUS] [--topics K] [--passes N] [--ours N] [--runs N]

Both start from the same random topics, with the same priors (1 / K) and the same end of a document's inner loop (mean
change of gamma below 1e-3, at most 100 steps). Only passes are timed. The bound of the topics after each pass is
computed by one function for both, scikit-learn's own ``perplexity``. CORPUS is a registry name or a file of documents.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: scikit-learn's products

import argparse
import time
from statistics import median
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import digamma
from sklearn.decomposition import LatentDirichletAllocation

from emnlp import LDA, Dirichlet, Documents
from emnlp.blocks import Array
from emnlp.corpus.docfiles import read_documents

Run = tuple[list[float], list[Array]]


def ours(documents: Documents, k: int, passes: int) -> Run:
    """Return the CPU seconds of each pass, and the topics' pseudo-counts, (V, K), after it."""
    seconds, tables = [time.process_time()], []

    def clock(done: int, step: Any) -> None:
        seconds.append(time.process_time())
        tables.append(step.params["word"].reshape(-1, k))

    LDA(k, word=Dirichlet(1 / k), max_iter=passes).fit(documents, callback=clock)
    return np.diff(seconds).tolist()[:-1], tables[1:]  # the topics after pass n are made of the E-step before them


class Peer(LatentDirichletAllocation):
    """scikit-learn's, from given topics, with a clock."""

    def begin(self, first: Array) -> "Peer":
        """Give it the first topics."""
        self.first, self.seconds, self.tables = first.T.copy(), [], []
        return self

    def _init_latent_vars(self, *args: Any, **kwargs: Any) -> None:
        super()._init_latent_vars(*args, **kwargs)
        self.components_ = self.first.copy()
        self.exp_dirichlet_component_ = np.exp(digamma(self.first) - digamma(self.first.sum(axis=1, keepdims=True)))

    def _em_step(self, *args: Any, **kwargs: Any) -> None:
        begin = time.process_time()
        super()._em_step(*args, **kwargs)
        self.seconds.append(time.process_time() - begin)
        self.tables.append(self.components_.T.copy())

    def bound(self, table: Array, matrix: Any) -> float:
        """Return the bound of topics whoever learned them, in nats."""
        self.components_ = table.T.copy()
        self.exp_dirichlet_component_ = np.exp(digamma(table.T) - digamma(table.sum(axis=0)[:, None]))
        return float(-np.log(self.perplexity(matrix)) * matrix.sum())


def main(args: Any) -> None:
    documents, k = read_documents(args.corpus).pruned(3, 0.5), args.topics
    start = LDA(k, word=Dirichlet(1 / k), max_iter=0).fit(documents)
    first, matrix = start.params_["word"].reshape(-1, k), csr_matrix(documents.within(start.vocabulary_).matrix)
    print(f"{documents}; {k} topics, median of {args.runs} runs")
    ours(documents.select(np.arange(20)), k, 2)  # compile
    runs: dict[str, list[Run]] = {"emnlp": [], "scikit-learn": []}
    for seed in range(args.runs):
        runs["emnlp"].append(ours(documents, k, args.ours))
        peer = Peer(k, max_iter=args.passes, random_state=seed).begin(first).fit(matrix)
        runs["scikit-learn"].append((peer.seconds, peer.tables))
    curves = {}
    for name, each in runs.items():
        seconds = np.cumsum([median(values) for values in zip(*(run[0] for run in each))])
        curves[name] = seconds, np.array([peer.bound(table, matrix) for table in each[0][1]])
        for n, (cpu, bound) in enumerate(zip(*curves[name]), 1):
            print(f"{name:14}pass {n:3}{cpu:10.2f} CPU s   bound {bound:14.0f}")
    for n, (cpu, bound) in enumerate(zip(*curves["scikit-learn"]), 1):
        for here in curves["emnlp"][0][curves["emnlp"][1] >= bound][:1]:
            print(
                f"to the bound of scikit-learn's pass {n:3}: {cpu:7.2f} s, emnlp {here:7.2f} s, ratio {here / cpu:.2f}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="newsgroups20")
    parser.add_argument("--topics", type=int, default=50)
    parser.add_argument("--passes", type=int, default=10, help="of scikit-learn; 10 is its default")
    parser.add_argument("--ours", type=int, default=20, metavar="N", help="passes of emnlp")
    parser.add_argument("--runs", type=int, default=3)
    main(parser.parse_args())
