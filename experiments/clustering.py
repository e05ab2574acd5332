"""Cluster documents from each start and by each learner: accuracy over seeds, and what the likelihood would choose.

    python experiments/clustering.py [CORPUS ...] [--seeds N] [--json FILE]

CORPUS is a documents file with labels or a registry name; components are as many as labels, which only score. A row is
the mean and (sd) over seeds of one-to-one accuracy, V-measure and NMI, in %, with the nats a document, the correlation
of these with one-to-one, and the scores of the seed with the best objective. `spherical annealed` is the default of
``emnlp cluster``.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from emnlp import EM, AnnealedEM, Documents, HardEM, NaiveBayesMixture, clustering_scores
from emnlp.corpus.docfiles import read_documents

LENGTH, POWER = AnnealedEM(by="length"), AnnealedEM(by="power", start=0.02)
RECIPES: dict[str, dict[str, Any]] = {
    "random EM": {"init": "random", "learner": EM()},
    "documents EM": {"init": "documents", "learner": EM()},
    "documents annealed by power": {"init": "documents", "learner": POWER, "max_iter": POWER.n_steps + 20},
    "documents annealed": {"init": "documents", "learner": LENGTH, "max_iter": LENGTH.n_steps + 20},
    "spherical alone": {"max_iter": 0},
    "spherical hard EM": {"learner": [HardEM(20)]},
    "spherical EM": {"learner": EM()},
    "spherical annealed": {"learner": LENGTH, "max_iter": LENGTH.n_steps + 20},
}


def run(documents: Documents, seed: int, **settings: Any) -> list[float]:
    """Return one-to-one, V, NMI, nats a document, and seconds of one fit."""
    begin = time.process_time()
    settings = {"max_iter": 40, "n_jobs": 2, **settings}
    model = NaiveBayesMixture(len(documents.classes), random_state=seed, **settings).fit(documents.hidden())
    scores = clustering_scores(model.predict(documents), documents)
    nats = model.trace_[-1] / len(documents)
    return [100 * scores.one_to_one, 100 * scores.v_measure, 100 * scores.nmi(), nats, time.process_time() - begin]


def row(name: str, runs: np.ndarray) -> str:
    mean, sd, best = runs.mean(axis=0), runs.std(axis=0), runs[runs[:, 3].argmax()]
    chooses = np.corrcoef(runs[:, 0], runs[:, 3])[0, 1] if runs[:, [0, 3]].std(axis=0).all() else np.nan
    scores = " | ".join(f"{mean[k]:.1f} ({sd[k]:.1f})" for k in range(3))
    chosen = f"{best[0]:.1f} / {best[1]:.1f}"
    return f"| {name} | {scores} | {mean[3]:.2f} ({sd[3]:.2f}) | {chooses:.2f} | {chosen} | {mean[4]:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*", default=["bbc", "reuters_r8", "newsgroups20"], metavar="CORPUS")
    parser.add_argument("--seeds", type=int, default=10, metavar="N")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    found: dict[str, Any] = {}
    for corpus in args.corpora:
        documents = read_documents(corpus).pruned(min_df=3)
        print(f"\n{corpus}: {len(documents):,} documents, {len(documents.classes)} classes, {args.seeds} seeds\n")
        print("| start, learner | 1-1 | V | NMI | nats a document | r(nats, 1-1) | best by nats, 1-1 / V | CPU s |")
        print("|---|---|---|---|---|---|---|---|")
        for name, settings in RECIPES.items():
            runs = np.array([run(documents, seed, **settings) for seed in range(args.seeds)])
            found.setdefault(corpus, {})[name] = runs.tolist()
            print(row(name, runs), flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
