"""What lowers AER: variants of the HMM recipe, one change each, on the dev sets.

    python experiments/alignment_search.py [--corpora bible_grc_en hansards_en_fr] [--pairs 100000] [--only NAME]

Prints the AER of the product of posteriors above .4 and .5, of product-grow and of grow-diag-final-and. Lower-cased.
The Hansards: the first pairs and the dev text, scored on dev (137 pairs, differences under .4 are noise); the Greek New
Testament: scored on its dev verses (990). Nothing here looks at text that is held back.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from alignment_ladder import prepare

from emnlp import (
    IBM1,
    Agreement,
    Aligner,
    Backoff,
    Bitext,
    Categorical,
    Dirichlet,
    Fixed,
    Gold,
    HMMAligner,
    Jump,
    Links,
    PooledJump,
    alignment_scores,
)
from emnlp.blocks import Blocks
from emnlp.factors import Prefix

WAYS = (("product", 0.4), ("product", 0.5), ("product-grow", 0.5), ("grow-diag-final-and", 0.5))
BACKED = Categorical(backoff=Backoff())


def prefix(letters: int) -> Categorical:
    return Categorical(backoff=Backoff(conditions=Prefix(letters), outcomes=Prefix(letters)))


VARIANTS: dict[str, dict] = {
    "the recipe": {},
    "no regularisation": {"rounds": 0},
    "2 rounds to align": {"rounds": 2},
    "step 1": {"step": 1.0},
    "step 2": {"step": 2.0},
    "no back-off": {"lexical": Categorical(), "first": Categorical()},
    "no back-off in Model 1": {"first": Categorical()},
    "VB .1": {"lexical": Dirichlet(0.1), "first": Dirichlet(0.1)},
    "back-off 10": {"lexical": Categorical(backoff=Backoff(strength=10.0))},
    "back-off 40": {"lexical": Categorical(backoff=Backoff(strength=40.0))},
    "prefixes of 3": {"lexical": prefix(3), "first": prefix(3)},
    "prefixes of 5": {"lexical": prefix(5), "first": prefix(5)},
    "jumps without words": {"jump": Jump(words=0)},
    "jumps with 200 words": {"jump": Jump(words=200)},
    "jumps up to 10": {"jump": Jump(width=10)},
    "jumps: 10 pseudo-counts": {"jump": Jump(strength=10.0)},
    "jumps: the textbook's table": {"jump": PooledJump()},
    "NULL .05": {"null": Fixed(0.05)},
    "NULL .2": {"null": Fixed(0.2)},
    "NULL learned": {"null": Categorical()},
    "Model 1: 1 iteration": {"n_first": 1},
    "Model 1: 5 iterations": {"n_first": 5},
    "log-likelihood ratios, no Model 1": {"llr": True},
    "HMM: 5 iterations": {"max_iter": 5},
    "HMM: 8 iterations": {"max_iter": 8},
}
AVERAGED = ("the recipe", "prefixes of 3", "prefixes of 5")


def llr_start(bitext: Bitext) -> Aligner:
    """Lexicons in proportion to log-likelihood ratios of association (Moore 2004), of words that attract each other."""
    aligner, pairs = Aligner(max_iter=0).fit(bitext), bitext.pairs
    joint = np.bincount(pairs.slots, minlength=len(pairs.outcomes)).astype(float)
    for model in aligner.directions.values():
        support = model.factors_["lexical"].support
        words = len(support) - len(joint)
        own, other = support.conditions[words:], support.outcomes[words:]
        rows, columns = np.bincount(own, joint)[own], np.bincount(other, joint)[other]
        total, ratio = joint.sum(), np.zeros(len(joint))
        for n, a, b in ((joint, rows, columns), (rows - joint, rows, total - columns),
                        (columns - joint, total - rows, columns),
                        (total - rows - columns + joint, total - rows, total - columns)):  # fmt: skip
            ratio += 2 * np.where(n > 0, n * np.log(np.maximum(n, 1) * total / (a * b)), 0)
        ratio = np.where(joint * total > rows * columns, np.maximum(ratio, 0), 0) + 1e-6
        lexical = support.normalise(np.concatenate([np.full(words, 1 / words), ratio]))
        model.params_ = Blocks({**model.params_, "lexical": lexical})
    return aligner


def train(bitext, llr=False, first=BACKED, n_first=2, lexical=BACKED, jump=None, null=None, **settings) -> Agreement:
    plain = Aligner(forward=IBM1(lexical=first), reverse=IBM1(lexical=first), max_iter=n_first, n_jobs=-1)
    start = llr_start(bitext) if llr else plain.fit(bitext)
    hmm = partial(HMMAligner, lexical=lexical, jump=jump or Jump(), null=null or Fixed(0.1))
    return Agreement(forward=hmm(), reverse=hmm(), n_jobs=-1, **({"max_iter": 6} | settings)).fit(bitext, start=start)


def aers(aligner: Agreement, text: Bitext, gold: Gold) -> list[float]:
    found = []
    for aligner.symmetrize, aligner.threshold in WAYS:
        found.append(100 * alignment_scores(aligner.predict(text), gold).aer)
    return found


def above(posteriors: list, threshold: float, gold: Gold) -> float:
    links = Links.from_lists([list(zip(*(side.tolist() for side in np.nonzero(p > threshold)))) for p in posteriors])
    return 100 * alignment_scores(links, gold).aer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", nargs="+", default=["bible_grc_en", "hansards_en_fr"])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    args = parser.parse_args()
    texts, rows, posteriors = {}, {}, {}
    for corpus in args.corpora:
        with tempfile.TemporaryDirectory() as folder:
            files, gold = prepare(Path(folder), corpus, args.pairs)
            bitext = Bitext.read(*files)
        part = slice(1, None, 8) if corpus == "bible_grc_en" else slice(None)
        texts[corpus] = bitext, bitext[len(bitext) - gold.lines :][part], gold.select(part)
    names = " | ".join(f"{corpus}: {way} {threshold}" for corpus in texts for way, threshold in WAYS)
    print(f"| | {names} |\n| --- |{' ---: |' * len(texts) * len(WAYS)}")
    for name in args.only:
        rows[name] = []
        for corpus, (bitext, text, gold) in texts.items():
            aligner = train(bitext, **VARIANTS[name])
            rows[name] += aers(aligner, text, gold)
            if name in AVERAGED:
                aligner.symmetrize = "product"
                posteriors[corpus, name] = aligner.predict_proba(text)
        print(f"| {name} | {' | '.join(f'{aer:.2f}' for aer in rows[name])} |", flush=True)
    if set(AVERAGED) <= set(rows):
        cells = []
        for corpus, (_, _, gold) in texts.items():
            mean = [sum(each) / len(AVERAGED) for each in zip(*(posteriors[corpus, name] for name in AVERAGED))]
            cells += [f"{above(mean, 0.4, gold):.2f}", f"{above(mean, 0.5, gold):.2f}", "-", "-"]
        print(f"| average of prefixes 3, 4, 5 | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
