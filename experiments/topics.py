"""Topic models on documents with a held-out part: PLSA; LDA in batch and online, with a first pass in batch or without.

    python experiments/topics.py [CORPUS ...] [--topics K ...] [--passes N] [--seeds N] [--json FILE]

CORPUS is a documents file or a registry name; its test part is held out, or else every tenth document. All models see
the same words, for the same number of passes on one thread. A row is the mean and (sd) over seeds of the perplexity of
every other held-out token given the rest of its document, NPMI of the ten words of each topic that stand out (by
contrast) in the training documents, and CPU seconds of training.
"""

import argparse
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from emnlp import LDA, PLSA, Documents, StepwiseEM
from emnlp.corpus.docfiles import read_documents
from emnlp.errors import InputError
from emnlp.metrics.coherence import npmi

MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "PLSA": (PLSA, {}),
    "LDA, batch": (LDA, {}),
    "LDA, online": (LDA, {"learner": StepwiseEM(batch_size=256)}),
    "LDA, online, cold": (LDA, {"learner": StepwiseEM(batch_size=256, warm=False)}),
}


def parts(corpus: str) -> tuple[Documents, Documents]:
    """Return training and held-out documents."""
    documents = read_documents(corpus)
    with suppress(InputError):
        if (held_out := read_documents(f"{corpus}/test")).name != documents.name:  # one file has no parts
            return documents.pruned(3, 0.5), held_out
    held = np.arange(len(documents)) % 10 == 0
    return documents.select(~held).pruned(3, 0.5), documents.select(held)


def run(kind: Any, train: Documents, held_out: Documents, seed: int, k: int, **settings: Any) -> list[float]:
    """Return completion perplexity, mean NPMI, and CPU seconds of one fit."""
    begin = time.process_time()
    model = kind(k, random_state=seed, **settings).fit(train.hidden())
    seconds = time.process_time() - begin
    scores = npmi([[word for word, _ in best] for best in model.top_words(10)], train)
    return [model.completion_perplexity(held_out), float(scores.mean()), seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*", default=["bbc", "newsgroups20"], metavar="CORPUS")
    parser.add_argument("--topics", type=int, nargs="+", default=[10, 20, 50], metavar="K")
    parser.add_argument("--passes", type=int, default=20, metavar="N")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    found, seeds = {}, range(args.seeds)
    for corpus in args.corpora:
        train, held_out = parts(corpus)
        known = held_out.within(train.vocabulary).counts.sum()
        print(f"\n{corpus}: {train}; {len(held_out):,} held out, {known:,.0f} tokens known; {args.passes} passes\n")
        print("| K | model | completion perplexity | NPMI | CPU s |\n|---:|---|---:|---:|---:|")
        for kind, how in MODELS.values():
            run(kind, train.select(np.arange(len(train)) < 300), held_out, 0, 3, max_iter=2, **how)  # compile
        for k in args.topics:
            for name, (kind, how) in MODELS.items():
                runs = np.array([run(kind, train, held_out, s, k, max_iter=args.passes, **how) for s in seeds])
                found[f"{corpus} {k} {name}"] = runs.tolist()
                cells = [f"{m:.{n}f} ({s:.{n}f})" for m, s, n in zip(runs.mean(axis=0), runs.std(axis=0), (0, 3, 1))]
                print(f"| {k} | {name} | {' | '.join(cells)} |", flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
