"""Passes over the text to reach what ten passes of batch EM do: stepwise, incremental and hard EM; see README.md.

Objectives are exact, of the parameters after each pass, in nats an item. Settings were chosen by them alone.
"""

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from curves import curve
from matplotlib.figure import Figure

from emnlp import EM, HMM, IBM1, Bitext, Dirichlet, HardEM, IncrementalEM, NaiveBayesMixture, StepwiseEM
from emnlp.cli.evaluate_tag import read_tagged
from emnlp.corpus.docfiles import read_documents
from emnlp.corpus.registry import file

PASSES, SHOWN = 10, (1, 2, 3, 5, 10)
COLD = partial(StepwiseEM, exact=True, warm=False)
STEPWISE = {
    "Model 1": (COLD(power=0.8, offset=8, batch_size=6000, head_start=100), {"power": 0.9, "batch_size": 10_000}),
    "Model 1, Dirichlet": (
        COLD(power=0.8, offset=8, batch_size=6000, head_start=10),
        {"power": 0.9, "head_start": 100},
    ),
    "HMM": (COLD(power=0.6, batch_size=500, head_start=1), {}),
    "naive Bayes": (COLD(power=0.85, batch_size=20, head_start=1), {}),
}
"""For each task the best settings where counts fade, and what is better otherwise where they are replaced."""


def task(name: str, n: int) -> tuple[Any, Any]:
    """Return a text and what makes the model."""
    if name == "HMM":
        return read_tagged("nltk:treebank", "xpos").text, partial(HMM, 45)
    if name == "naive Bayes":
        return read_documents("bbc").pruned(min_df=3).hidden(), partial(NaiveBayesMixture, 20, init="random")
    whole = Bitext.read(*(file("hansards_en_fr", f"train.{side}") for side in ("en", "fr")), lowercase=True)
    return whole[:n], partial(IBM1, lexical=Dirichlet(0.1)) if "Dirichlet" in name else IBM1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3, help="of models that start at random; means are shown")
    parser.add_argument("--only", nargs="+", choices=STEPWISE, default=list(STEPWISE), metavar="TASK")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args()
    figure = Figure(figsize=(4 * len(args.only), 3.2), layout="constrained")
    print(f"| task | learner | {' | '.join(f'pass {k}' for k in SHOWN)} | reaches EM's {PASSES} in |")
    print("| --- | --- |" + " ---: |" * (len(SHOWN) + 1))
    for name, axes in zip(args.only, figure.subplots(1, len(args.only), squeeze=False)[0]):
        (corpus, make), (fading, other) = task(name, args.pairs), STEPWISE[name]
        learners = {"EM": EM(), "stepwise": fading, "stepwise, replacing": replace(fading, **{"replace": 1.7, **other})}
        learners |= {"incremental": IncrementalEM(), "hard": [EM(1), HardEM()]}
        seeds, batch = [None] if "Model 1" in name else range(args.seeds), None
        for each, learner in learners.items():
            runs = np.array(
                [curve(make(learner=learner, random_state=seed, max_iter=PASSES), corpus) for seed in seeds]
            )
            batch = runs if batch is None else batch
            there = runs >= batch[:, -1:]
            reached = [str(row.argmax() + 1) if row.any() else "-" for row in there]
            values = " | ".join(f"{runs[:, k - 1].mean():.3f}" for k in SHOWN)
            print(f"| {name} | {each} | {values} | {', '.join(reached)} |", flush=True)
            axes.plot(range(1, PASSES + 1), runs.mean(axis=0), marker=".", label=each)
        axes.set(title=name, xlabel="passes", ylabel="nats an item", ylim=(batch[:, 1].mean(), None))
    axes.legend()
    if args.plot:
        figure.savefig(args.plot)


if __name__ == "__main__":
    main()
