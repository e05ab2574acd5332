"""Time EM of a mixture of documents against the same E- and M-step as SciPy sparse products, on one thread.

    python experiments/speed_mixture.py [CORPUS] [--components K] [--iterations N]

CORPUS is a documents file or a registry name. Both start from the same parameters. Seconds are CPU seconds of this
process, the median of the iterations; the objective is the log-likelihood plus the log prior, after the last one.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy

import argparse
import time
from statistics import median

import numpy as np
from scipy.special import logsumexp

from emnlp import Categorical, Documents, NaiveBayesMixture
from emnlp.corpus.docfiles import read_documents


def ours(documents: Documents, start: NaiveBayesMixture, n_iter: int) -> tuple[list[float], list[float]]:
    """Return the CPU seconds of each iteration, and the objectives."""
    seconds = [time.process_time()]
    model = NaiveBayesMixture(start.n_components, feature=start.feature, max_iter=n_iter)
    model.fit(documents, start=start, callback=lambda done, step: seconds.append(time.process_time()))
    return np.diff(seconds).tolist()[1:], model.trace_.objective


def scipy(documents: Documents, start: NaiveBayesMixture, n_iter: int) -> tuple[list[float], list[float]]:
    """Do the same by matrix products."""
    counts, probabilities = documents.matrix, start.probabilities()
    columns = counts.T.tocsr()  # words by documents, once: its products are faster than those of a transposed view
    component, words = probabilities["component"], start.word_probabilities().T
    more, seconds, objectives = start.feature.alpha - 1, [], []
    for _ in range(n_iter + 1):
        begin = time.process_time()
        logs = np.log(words)
        scores = counts @ logs + np.log(component)
        logliks = logsumexp(scores, axis=1, keepdims=True)
        shares = np.exp(scores - logliks)
        expected = columns @ shares
        objectives.append(float(logliks.sum() + more * logs.sum()))
        component, words = shares.mean(axis=0), expected + more
        words /= words.sum(axis=0)
        seconds.append(time.process_time() - begin)
    return seconds[1:], objectives


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="newsgroups20", metavar="CORPUS")
    parser.add_argument("--components", type=int, default=50, metavar="K")
    parser.add_argument("--iterations", type=int, default=10, metavar="N")
    args = parser.parse_args()
    documents = read_documents(args.corpus).pruned(min_df=3).hidden()
    start = NaiveBayesMixture(args.components, feature=Categorical(alpha=1.1), init="random", max_iter=1).fit(documents)
    rows = {"SciPy": scipy(documents, start, args.iterations), "emnlp": ours(documents, start, args.iterations)}
    print(f"{documents}, {args.components} components")
    for name, (seconds, objectives) in rows.items():
        print(f"{name}: {median(seconds):.4f} CPU s an iteration; objective {objectives[-1]:.6f}")
    mine, theirs = (median(rows[name][0]) for name in ("emnlp", "SciPy"))
    apart = abs(rows["emnlp"][1][-1] / rows["SciPy"][1][-1] - 1)
    print(f"emnlp takes {mine / theirs:.2f} times as long; objectives {apart:.1e} apart")


if __name__ == "__main__":
    main()
