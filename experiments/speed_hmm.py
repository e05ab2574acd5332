"""Time EM of a hidden Markov model against hmmlearn's and NLTK's, from the same start, on one thread.

    python experiments/speed_hmm.py [CORPUS] [--tokens N] [--states K] [--iterations N] [--nltk TOKENS]

CORPUS is a registry name, with train.en, or a file of tokenised text. Seconds are CPU seconds of this process, the
median of the iterations. The log-likelihood is that of the last parameters. hmmlearn: ``pip install 'emnlp[test]'``.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: hmmlearn's M-step

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from emnlp import HMM, Text
from emnlp.corpus import registry


def text_of(name: str, n_tokens: int) -> Text:
    path = name if Path(name).is_file() else registry.file(name, "train.en")
    text = Text.read(path)
    return text.select(np.flatnonzero((text.starts[1:] <= n_tokens) & (text.lengths > 0))).compact()


def ours(text: Text, start: HMM, dtype: str, n_iter: int) -> tuple[list[float], float]:
    """Return the CPU seconds of each iteration, and the last log-likelihood."""
    model, seconds = HMM(len(start.states_), ends=False, dtype=dtype, max_iter=n_iter), [time.process_time()]
    model.fit(text, start=start, callback=lambda done, step: seconds.append(time.process_time()))
    return np.diff(seconds).tolist()[1:], model.trace_[-1]


def hmmlearn(text: Text, start: HMM, n_iter: int) -> tuple[list[float], float]:
    from hmmlearn.base import ConvergenceMonitor
    from hmmlearn.hmm import CategoricalHMM

    seconds = [time.process_time()]

    class Clock(ConvergenceMonitor):
        def report(self, log_prob: float) -> None:
            seconds.append(time.process_time())
            super().report(log_prob)

    k, tables = len(start.states_), start.probabilities()
    peer = CategoricalHMM(k, n_iter=n_iter, tol=-np.inf, init_params="", n_features=len(text.vocabulary))
    peer.implementation, peer.monitor_ = "scaling", Clock(-np.inf, n_iter, False)
    peer.startprob_, peer.transmat_ = tables["initial"], tables["transition"].reshape(k, k)
    peer.emissionprob_ = tables["emission"].reshape(-1, k).T.copy()
    tokens, lengths = text.ids[:, None].astype(np.int64), text.lengths.tolist()
    peer.fit(tokens, lengths)
    return np.diff(seconds).tolist()[1:] or np.diff(seconds).tolist(), float(peer.score(tokens, lengths))


def nltk(text: Text, n_states: int, n_tokens: int) -> float:
    """Return the CPU seconds of an iteration of NLTK's trainer on the first tokens, scaled to the whole text."""
    from nltk.tag.hmm import HiddenMarkovModelTrainer

    some = text.select(np.flatnonzero(text.starts[1:] <= n_tokens)).compact()
    trainer = HiddenMarkovModelTrainer(list(range(n_states)), some.vocabulary.words)
    begin = time.process_time()
    trainer.train_unsupervised([[(word, None) for word in sentence] for sentence in some], max_iterations=1)
    return (time.process_time() - begin) * len(text.ids) / len(some.ids)


def main(args: Any) -> None:
    text = text_of(args.corpus, args.tokens)
    print(f"{text}; {args.states} states, {args.iterations} iterations")
    start = HMM(args.states, ends=False, max_iter=0).fit(text)
    few = text.select(np.arange(20)).compact()
    for dtype in ("float64", "float32"):  # compile
        ours(few, HMM(args.states, ends=False, max_iter=0).fit(few), dtype, 1)
    runs = {f"emnlp {dtype}": ours(text, start, dtype, args.iterations) for dtype in ("float64", "float32")}
    runs["hmmlearn CategoricalHMM, scaling"] = hmmlearn(text, start, args.iterations)
    base, loglik = median(runs["emnlp float64"][0]), runs["emnlp float64"][1]
    print(f"{'':36}{'CPU s/iteration':>16}{'ratio':>8}{'log-likelihood':>18}{'relative difference':>21}")
    for name, (seconds, value) in runs.items():
        each = median(seconds)
        print(f"{name:36}{each:16.3f}{each / base:8.1f}{value:18.2f}{abs(value / loglik - 1):21.1e}")
    if args.nltk:
        each = nltk(text, args.states, args.nltk)
        print(f"{f'NLTK, {args.nltk:,} tokens, scaled':36}{each:16.1f}{each / base:8.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="hansards_en_fr")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--states", type=int, default=45)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--nltk", type=int, default=0, metavar="TOKENS", help="NLTK's trainer on so many tokens, too")
    main(parser.parse_args())
