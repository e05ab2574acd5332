"""How time and memory grow with the text: an aligner in memory, out of core, and stepwise; see README.md."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import measured

from emnlp import EM, Bitext, StepwiseEM
from emnlp.corpus.registry import file
from emnlp.models.forecast import forecast
from emnlp.models.recipes import recipe, train

PLACES = ("in memory", "out of core", "stepwise")
VARIANTS = 4
"""Copies of a text have so many forms of each word, so that their vocabulary grows, too."""


def write(folder: Path, bitext: Bitext, n: int) -> None:
    """Write n pairs, two files; if that takes several copies of the text, each line in one of several forms."""
    for name, side in (("source", bitext.source), ("target", bitext.target)):
        copies = n > len(side)
        with open(folder / f"{name}.{n}", "w", encoding="utf-8") as stream:
            for k in range(n):
                form = (k * 2654435761 + k // len(side) * 40503 >> 7) % VARIANTS if copies else 0
                stream.write(" ".join(word + "#" * form for word in side[k % len(side)]) + "\n")


def run(folder: Path, n: int, place: str, args: argparse.Namespace) -> None:
    """Train and align."""
    files = folder / f"source.{n}", folder / f"target.{n}"
    bitext = Bitext.read(*files, scratch=folder if place == "out of core" else None)
    chain = recipe(args.model)
    for aligner in chain:
        aligner.max_iter = args.steps or aligner.max_iter
        if place == "stepwise" or args.bare:
            aligner.learner = (StepwiseEM if place == "stepwise" else EM)(score_last=False)
    expected = forecast(chain, bitext, timed=False)
    megabytes = (expected.lexicon if place == "out of core" else expected.memory) >> 20
    (folder / "forecast").write_text(f"{expected.cells} {expected.slots} {megabytes}")
    aligner = train(bitext, chain)
    if not args.bare:
        aligner.predict(bitext)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default="europarl_en_fr_200k")
    parser.add_argument("--pairs", type=int, nargs="+", default=[10_000, 50_000, 100_000, 200_000])
    parser.add_argument("--model", default="hmm-fast")
    parser.add_argument("--steps", type=int, help="M-steps of each model, for a quick look")
    parser.add_argument("--bare", action="store_true", help="leave out the last scores, and the links")
    parser.add_argument("--places", nargs="+", default=PLACES, choices=PLACES)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run(Path(args.child[0]), int(args.child[1]), args.child[2], args)
        return
    bitext = Bitext.read(*(file(args.corpus, f"train.{side}") for side in ("en", "fr")), lowercase=True)
    print(
        f"{args.corpus}, {args.model}\n\n| pairs | M cells | M word pairs | | CPU s | ms a pair more | MB | forecast |"
    )
    print("| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    found: dict[str, list[tuple[int, float, float]]] = {place: [] for place in args.places}
    with tempfile.TemporaryDirectory() as folder:
        for n in args.pairs:
            write(Path(folder), bitext, n)
            for place in args.places:
                given = ["--model", args.model, "--steps", str(args.steps or 0)] + ["--bare"] * args.bare
                child = [sys.executable, __file__, *given, "--child", folder, str(n), place]
                cost = measured(child)
                cells, slots, megabytes = (int(each) for each in (Path(folder) / "forecast").read_text().split())
                before, spent = found[place][-1][:2] if found[place] else (0, 0.0)
                more = 1000 * (cost.cpu - spent) / (n - before)
                row = f"{n:,} | {cells / 1e6:.1f} | {slots / 1e6:.1f} | {place} | {cost.cpu:.1f} | {more:.2f}"
                print(f"| {row} | {cost.memory:.0f} | {megabytes} |", flush=True)
                found[place].append((n, cost.cpu, cost.memory))
    for place, rows in found.items():
        if len(rows) > 1:
            sizes, times, peaks = np.log(rows).T
            slopes = (np.polyfit(sizes, each, 1)[0] for each in (times, peaks))
            print("\n{}: time grows as pairs ** {:.2f}, memory as pairs ** {:.2f}".format(place, *slopes))


if __name__ == "__main__":
    main()
