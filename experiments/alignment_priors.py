"""What a prior brings to a small text: 1,000 verses of the Greek New Testament, and priors from other verses.

    python experiments/alignment_priors.py [--peers]

The text is lines 1000 to 1999, scored on its 125 dev verses (1::8 of the whole); the priors come from the first 2,000
and from all 6,919 other verses, aligned without their gold by the default model. Lower-cased. --peers runs eflomal
without a prior, with its own and with ours (``pip install 'emnlp[peers]'``).
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from emnlp import Bitext, Gold, Links, Priors, alignment_scores
from emnlp.corpus.registry import file
from emnlp.models.recipes import recipe, train
from emnlp.symmetrize import HEURISTICS, symmetrize

FIRST, LAST = 1000, 2000
DEV = slice(1, None, 8)


def part(bitext: Bitext, lines: list[int]) -> Bitext:
    return Bitext.from_pairs([bitext[k] for k in lines], lowercase=True)


def eflomal(folder: Path, text: Bitext, prior: Path | None = None) -> tuple[Links, Links]:
    """Return the links of both directions."""
    names = [str(folder / name) for name in ("source", "target", "forward", "reverse")]
    for name, side in zip(names, (text.source, text.target)):
        Path(name).write_text("".join(" ".join(tokens) + "\n" for tokens in side), "utf-8")
    command = [str(Path(sys.executable).with_name("eflomal-align")), "--overwrite"]
    options = [each for pair in zip(("-s", "-t", "-f", "-r"), names) for each in pair]
    subprocess.run([*command, *options, *(["--priors", str(prior)] if prior else [])], check=True)
    return Links.read(names[2]), Links.read(names[3])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    whole = Bitext.read(file("bible_grc_en", "train.grc"), file("bible_grc_en", "train.en"), lowercase=True)
    gold = Gold.read(file("bible_grc_en", "train.gold")).select(slice(FIRST, LAST)).select(DEV)
    text = part(whole, list(range(FIRST, LAST)))
    others = [k for k in range(len(whole)) if not FIRST <= k < LAST]

    def row(name: str, links: Links) -> None:
        print(f"| {name} | {100 * alignment_scores(links[DEV], gold).aer:.1f} |", flush=True)

    def best(name: str, both: tuple[Links, Links]) -> None:
        row(
            name,
            min((symmetrize(*both, each) for each in HEURISTICS), key=lambda a: alignment_scores(a[DEV], gold).aer),
        )

    def fitted(prior: Priors | None = None, of: Bitext = text):
        return train(of, recipe("hmm"), prior=prior, n_jobs=-1)

    print("| prior | AER |\n| --- | ---: |")
    row("none", fitted().predict(text))
    row("none, but training on all 7,919 verses", fitted(of=whole).predict(whole)[FIRST:LAST])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.peers:
            best("eflomal: none", eflomal(folder, text))
        for n in (2000, len(others)):
            old = part(whole, others[:n])
            earlier = fitted(of=old)
            links = Priors.from_links(old, earlier.predict(old))
            row(f"{n:,} verses: the earlier model alone, applied to the text", earlier.predict(text))
            row(f"{n:,} verses: its links, `Priors.from_links`", fitted(links).predict(text))
            row(f"{n:,} verses: the model, `Priors.from_model`", fitted(Priors.from_model(earlier)).predict(text))
            if args.peers:
                links.write(folder / "ours")
                Priors.from_links(old, *eflomal(folder, old)).write(folder / "theirs")
                best(f"{n:,} verses: eflomal, its own priors", eflomal(folder, text, folder / "theirs"))
                best(f"{n:,} verses: eflomal, the links of emnlp", eflomal(folder, text, folder / "ours"))


if __name__ == "__main__":
    main()
