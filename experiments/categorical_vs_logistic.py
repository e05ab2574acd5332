"""Categorical or logistic? ``emnlp compare`` on several texts: tables, JSON files and pictures of the learning curves.

    python experiments/categorical_vs_logistic.py [--only NAME ...] [--seeds 10] [--held-out 10] [--out FOLDER]

Corpora: the NLTK sample of the Penn Treebank, 45 states; English web text (ud_en_ewt), the 17 universal and the 49
fine-grained tags; Turkish web text (treebank_tr), 14 tags; Model 1 and HMM aligners on 10,000 pairs of the Hansards and
on the New Testament, scored on dev. What is not here is left out, saying so. With ``--held-out 0``, taggers learn from
the whole text. FOLDER is build/comparison.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from emnlp.cli import main as emnlp
from emnlp.corpus.files import read_text
from emnlp.corpus.registry import file
from emnlp.errors import InputError


def tagging(corpus: str, name: str, tag: str, states: int) -> Callable[[Path], list[str]]:
    """Return what makes the arguments of ``emnlp compare`` for a tagged corpus."""

    def arguments(folder: Path) -> list[str]:
        path = corpus if corpus.startswith("nltk:") else str(file(corpus, name))
        return ["tag", path, "--tag", tag, "--states", str(states)]

    return arguments


def alignment(corpus: str, model: str, n: int | None = None) -> Callable[[Path], list[str]]:
    """Return what makes the arguments for a bitext: its first pairs, and those of dev where that is other text."""

    def arguments(folder: Path) -> list[str]:
        sides, paths, dev = corpus.split("_")[1:3], [], corpus.startswith("hansards")
        for side in sides:
            lines = read_text(file(corpus, f"train.{side}")).splitlines(keepends=True)[:n]
            lines += [read_text(file(corpus, f"dev.{side}"))] if dev else []
            paths.append(folder / f"{corpus}.{side}")
            paths[-1].write_text("".join(lines), "utf-8")
        gold = ["--gold", str(file(corpus, "dev.gold" if dev else "train.gold")), "--lines", f"{n}:" if dev else "1::8"]
        return ["align", *map(str, paths), "--lowercase", "--model", model, *gold]

    return arguments


COMPARISONS = {
    "treebank": tagging("nltk:treebank", "", "xpos", 45),
    "ewt-upos": tagging("ud_en_ewt", "train.conllu", "upos", 17),
    "ewt-xpos": tagging("ud_en_ewt", "train.conllu", "xpos", 49),
    "turkish": tagging("treebank_tr", "train.conllu", "upos", 14),
    "hansards-ibm1": alignment("hansards_en_fr", "ibm1", 10_000),
    "hansards-hmm": alignment("hansards_en_fr", "hmm-single", 10_000),
    "bible-ibm1": alignment("bible_grc_en", "ibm1"),
    "bible-hmm": alignment("bible_grc_en", "hmm-single"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--held-out", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("build/comparison"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        print(f"\n{name}", flush=True)
        try:
            what = COMPARISONS[name](args.out)
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        what += ["--seeds", str(args.seeds), "--held-out", str(args.held_out)] if what[0] == "tag" else []
        outputs = ["--json", str(args.out / f"{name}.json"), "--plot", str(args.out / f"{name}.png")]
        emnlp(["compare", *what, *outputs])


if __name__ == "__main__":
    main()
