"""Draw responsibilities as they become certain: clusters of documents, by EM and by deterministic annealing.

    python experiments/picture_responsibilities.py [DOCUMENTS] [-o FILE] [--seed N] [--iterations N]

DOCUMENTS is a file with a gold label for each document, or the name of a corpus; the sample by default. Labels are
hidden from both fits, which begin with the same random shares; they sort the rows, and say which colour a cluster has.
"""

import argparse

import numpy as np

from emnlp import EM, AnnealedEM, Documents, NaiveBayesMixture
from emnlp.blocks import Array
from emnlp.corpus.docfiles import read_documents
from emnlp.learners import Learner
from emnlp.metrics.clustering import clustering_scores
from emnlp.report.mixtures import responsibility_map

ANNEALED = AnnealedEM(start=0.05, growth=1.1, every=1)


def responsibilities(documents: Documents, learner: Learner, seed: int, iterations: int) -> tuple[Array, float]:
    """Fit; return the responsibilities of each E-step, (T, N, K), and the last objective of a document, in nats."""
    model = NaiveBayesMixture(len(documents.classes), learner=learner, init="random", random_state=seed)
    model.max_iter, steps = iterations, []
    model.fit(documents.hidden(), callback=lambda done, step: steps.append(step.params))
    batches = model.index(documents.hidden())
    found = []
    for done, params in enumerate(steps):
        beta = learner.level(done) if isinstance(learner, AnnealedEM) else 1.0
        potentials = model.prepare(model.tempered(model.theta(params), beta))
        found.append([share for batch in batches for share in model.posterior(batch, potentials)])
    return np.array(found), model.trace_[-1] / len(documents)


def matched(shares: Array, documents: Documents) -> tuple[Array, float]:
    """Return the components in the order of the classes that they match best, and the share of documents matched."""
    scores = clustering_scores(shares[-1].argmax(axis=1), documents)
    mapping = scores.mapping(one_to_one=True)
    places = {name: k for k, name in enumerate(documents.classes.words)}
    order = sorted(range(shares.shape[2]), key=lambda k: places.get(mapping.get(k), len(places)))
    return shares[:, :, order], scores.one_to_one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="?", default="sample_documents", metavar="DOCUMENTS")
    parser.add_argument("-o", "--output", default="responsibilities.png", metavar="FILE")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--iterations", type=int, default=35, metavar="N")
    args = parser.parse_args()
    documents, runs, facts = read_documents(args.documents), {}, []
    for name, learner in {"EM": EM(), "annealed EM": ANNEALED}.items():
        shares, objective = responsibilities(documents, learner, args.seed, args.iterations)
        shares, right = matched(shares, documents)
        runs[f"{name}: {100 * right:.0f}% in their class"] = shares
        facts.append(f"{name} {objective:.2f} nats a document, {100 * right:.1f}% one-to-one")
    responsibility_map(runs, [str(name) for name in documents.names()], args.output)
    print(f"{args.output}: {'; '.join(facts)}; beta reaches 1 after {ANNEALED.n_steps} M-steps")


if __name__ == "__main__":
    main()
