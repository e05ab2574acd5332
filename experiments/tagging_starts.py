"""Part-of-speech induction by EM from different starts: which get out of poor optima.

    python experiments/tagging_starts.py [CORPUS] [--tag xpos|upos] [--states K] [--iterations N] [--seeds N]

CORPUS is nltk:NAME or a CoNLL-U file; training sees its words alone. Mean and standard deviation over seeds. A start is
chosen by its objective, never by its score; scores map classes to tags on the text itself.
"""

import argparse
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from emnlp import HMM, Dirichlet, Tagged, tagging_scores
from emnlp.classes import word_classes
from emnlp.cli.evaluate_tag import read_tagged

VB = {"emission": Dirichlet(0.1), "transition": Dirichlet(0.1)}


def recipes(n_states: int, n_iter: int, n_seeds: int) -> dict[str, Any]:
    """Return, by name, what makes the model of a seed; and those of which one run is enough."""
    hmm = partial(HMM, n_states, max_iter=n_iter, n_jobs=-1)
    return {
        "EM, random start": hmm,
        "EM, random start, Viterbi": partial(hmm, decoding="viterbi"),
        "EM, random start, no end of a sentence": partial(hmm, ends=False),
        "VB .1, random start": partial(hmm, **VB),
        "EM, best of 5 by objective": partial(hmm, n_init=5),
        "EM, best 1 of 20 probes": partial(hmm, n_probes=20),
        "EM, from word classes": partial(hmm, init="classes"),
        "VB .1, from word classes": partial(hmm, init="classes", **VB),
    }


def runs(gold: Tagged, make: Any, seeds: range) -> Iterator[tuple[float, ...]]:
    for seed in seeds:
        begin = time.process_time()
        model = make(random_state=seed).fit(gold.text)
        cost = time.process_time() - begin
        yield *scores(model.tag(gold.text).tags, gold), model.trace_[-1] / len(gold.tags), cost


def scores(found: Any, gold: Tagged) -> tuple[float, ...]:
    s = tagging_scores(found, gold.tags)
    return 100 * s.many_to_one, 100 * s.one_to_one, 100 * s.v_measure, s.variation_of_information, s.n_clusters


def show(name: str, rows: list[tuple[float, ...]]) -> None:
    table = np.array(rows)
    mean, sd = table.mean(axis=0), table.std(axis=0, ddof=1) if len(table) > 1 else np.full(table.shape[1], np.nan)
    spread = [f"{m:6.1f} ({s:3.1f})" for m, s in zip(mean[:3], sd[:3])]
    rest = f"{mean[3]:6.2f}{mean[4]:10.0f}" + (f"{mean[5]:12.4f}{mean[6]:8.1f}" if len(mean) > 5 else "")
    print(f"{name:42}{''.join(f'{each:>14}' for each in spread)}{rest}", flush=True)


def main(args: Any) -> None:
    gold = read_tagged(args.corpus, args.tag)
    print(f"{gold}; {args.states} states, {args.iterations} iterations, {args.seeds} seeds")
    heads = "".join(f"{head:>14}" for head in ("M-1", "1-1", "V"))
    print(f"{'':42}{heads}{'VI':>6}{'clusters':>10}{'nats/token':>12}{'CPU s':>8}")
    classes = word_classes(gold.text.compact(), args.states).classes
    show("word classes alone (exchange)", [scores(classes[gold.text.compact().ids], gold)])
    for name, make in recipes(args.states, args.iterations, args.seeds).items():
        step = 5 if "best of" in name else 20 if "probes" in name else 1  # so that no start serves twice
        show(name, list(runs(gold, make, range(0, step * args.seeds, step))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="nltk:treebank")
    parser.add_argument("--tag", choices=("xpos", "upos"), default="xpos")
    parser.add_argument("--states", type=int, default=45)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    main(parser.parse_args())
