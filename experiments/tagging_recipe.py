"""Part-of-speech induction with features: direct gradient, the whole recipe, the best of several runs, their consensus.

    python experiments/tagging_recipe.py [CORPUS] [--tag xpos|upos] [--states K] [--seeds N]

CORPUS is nltk:NAME or a CoNLL-U file; training sees its words alone. Seeds are taken in groups: of 5, whose best by the
plain objective is shown, and of 6, for the consensus; 12 seeds make two of each. All scores in %.
"""

import argparse
import time
from typing import Any

import numpy as np

from emnlp import Tagged, tagging_scores
from emnlp.cli.evaluate_tag import read_tagged
from emnlp.models.tagrecipes import agreed, induction


def scores(found: Any, gold: Tagged) -> tuple[float, float, float]:
    s = tagging_scores(found, gold.tags)
    return 100 * s.many_to_one, 100 * s.one_to_one, 100 * s.v_measure


def run(gold: Tagged, seed: int, states: int, **settings: Any) -> tuple[Any, float, float, float]:
    """Return the tags, the objective without what a regulariser takes off, and the CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    model = induction(states, random_state=seed, n_jobs=-1, **settings).fit(gold.text)
    cost = time.process_time() - cpu, time.perf_counter() - wall
    return model.tag(gold.text).tags, model.trace_[-1] + model.regulariser(model.params_), *cost


def show(name: str, rows: list[tuple[float, ...]], cost: str = "") -> None:
    table = np.array(rows)
    sd = table.std(axis=0, ddof=1) if len(table) > 1 else np.full(3, np.nan)
    cells = "".join(f"{f'{m:.1f} ({s:.1f})':>14}" for m, s in zip(table.mean(axis=0), sd))
    print(f"{name:44}{len(table):4}{cells}   {cost}", flush=True)


def show_runs(name: str, gold: Tagged, runs: list[Any]) -> None:
    cpu, wall = (f"{np.median([each[k] for each in runs]):.1f}" for k in (2, 3))
    show(name, [scores(each[0], gold) for each in runs], f"{cpu} CPU s, {wall} s wall a run")


def main(args: Any) -> None:
    gold = read_tagged(args.corpus, args.tag)
    print(f"{gold}; {args.states} states")
    print(f"{'':44}{'n':>4}{'M-1':>14}{'1-1':>14}{'V':>14}")
    plain = {"kappa": 1.0, "entropy": 0.0, "truecase": False}
    show_runs("categorical EM", gold, [run(gold, s, args.states, emission="categorical") for s in range(args.seeds)])
    show_runs("logistic, direct, kappa 1", gold, [run(gold, s, args.states, **plain) for s in range(args.seeds)])
    runs = [run(gold, s, args.states) for s in range(args.seeds)]
    show_runs("the recipe", gold, runs)
    fives = [runs[k : k + 5] for k in range(0, len(runs) - 4, 5)]
    best = [max(group, key=lambda each: each[1])[0] for group in fives]
    show("the recipe, best of 5 by objective", [scores(tags, gold) for tags in best])
    both = []
    for k in range(0, len(runs) - 5, 6):
        labels = np.stack([each[0] for each in runs[k : k + 6]], 1)
        both.append(scores(agreed(labels, args.states).argmax(axis=1), gold))
    show("the recipe, consensus of 6 runs", both)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", default="nltk:treebank")
    parser.add_argument("--tag", choices=("xpos", "upos"), default="xpos")
    parser.add_argument("--states", type=int, default=45)
    parser.add_argument("--seeds", type=int, default=12)
    main(parser.parse_args())
