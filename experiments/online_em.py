"""Passes over the text to reach what ten passes of batch EM do: stepwise, incremental and hard EM.

    python experiments/online_em.py [--pairs N] [--only TASK ...] [--plot FILE]

Objectives are exact, of the parameters after each pass, in nats an item. Step sizes and batches were chosen by them
alone, a set a task. `worth` is how many passes of batch EM are worth no more than three.
"""

import argparse
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from emnlp import EM, HMM, IBM1, Bitext, Dirichlet, HardEM, IncrementalEM, NaiveBayesMixture, StepwiseEM
from emnlp.cli.evaluate_tag import read_tagged
from emnlp.corpus.docfiles import read_documents
from emnlp.corpus.registry import file
from emnlp.engines import engine

PASSES, SHOWN = 10, (1, 2, 3, 5, 10)
COLD = partial(StepwiseEM, exact=True, warm=False)
STEPWISE = {
    "Model 1": COLD(power=0.8, offset=8, batch_size=6000, head_start=100),
    "Model 1, Dirichlet": COLD(power=0.8, offset=8, batch_size=6000, head_start=10),
    "HMM": COLD(power=0.6, batch_size=500, head_start=1),
    "naive Bayes": COLD(power=0.85, batch_size=20, head_start=1),
}


def task(name: str, n: int) -> tuple[Any, Any]:
    """Return a text and what makes the model."""
    if name == "HMM":
        return read_tagged("nltk:treebank", "xpos").text, partial(HMM, 45, random_state=0)
    if name == "naive Bayes":
        documents = read_documents("bbc").pruned(min_df=3).hidden()
        return documents, partial(NaiveBayesMixture, 20, init="random", random_state=0)
    whole = Bitext.read(*(file("hansards_en_fr", f"train.{side}") for side in ("en", "fr")), lowercase=True)
    bitext = Bitext.from_pairs([(whole.source[k], whole.target[k]) for k in range(min(n, len(whole)))])
    return bitext, partial(IBM1, lexical=Dirichlet(0.1)) if "Dirichlet" in name else IBM1


def curve(model: Any, corpus: Any) -> list[float]:
    """Return the exact objective after each pass, nats an item."""
    found, batches = [], []

    def watch(done: int, step: Any) -> None:
        batches.extend([] if batches else model.index(model.corpus(corpus)))
        inner = isinstance(model.learner, IncrementalEM) and done < PASSES
        params = model.maximize(step.state.total, step.params) if inner else step.params  # yielded before an M-step
        exact = engine(1).likelihood(model, model.theta(params), batches) + model.penalty(params)
        found.append(exact / model.trace_.n_items)

    model.max_iter = PASSES
    model.fit(corpus, callback=watch)
    return found[:-1] if isinstance(model.learner, IncrementalEM) else found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--only", nargs="+", choices=STEPWISE, default=list(STEPWISE), metavar="TASK")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args()
    curves = {}
    print(f"| task | learner | {' | '.join(f'pass {k}' for k in SHOWN)} | reaches EM's {PASSES} in | worth |")
    print("| --- | --- |" + " ---: |" * (len(SHOWN) + 2))
    for name in args.only:
        corpus, make = task(name, args.pairs)
        learners = {"EM": EM(), "stepwise": STEPWISE[name], "incremental": IncrementalEM(), "hard": [EM(1), HardEM()]}
        found = curves[name] = {each: curve(make(learner=learner), corpus) for each, learner in learners.items()}
        for each, values in found.items():
            reached = next((k + 1 for k, value in enumerate(values) if value >= found["EM"][-1]), "-")
            cells = [f"{values[k - 1]:.3f}" for k in SHOWN] + [reached, sum(v <= values[2] for v in found["EM"])]
            print(f"| {name} | {each} | {' | '.join(map(str, cells))} |", flush=True)
    if args.plot:
        draw(curves, args.plot)


def draw(curves: dict[str, dict[str, list[float]]], path: str) -> None:
    """Draw the objectives, a panel a task."""
    figure = Figure(figsize=(4 * len(curves), 3.2), layout="constrained")
    for axes, (name, found) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items()):
        for each, values in found.items():
            axes.plot(range(1, len(values) + 1), values, marker=".", label=each)
        axes.set(title=name, xlabel="passes", ylim=(found["EM"][1], None))
    figure.axes[0].set_ylabel("nats an item")
    figure.axes[-1].legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
