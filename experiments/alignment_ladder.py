"""Every aligner on one text: AER, CPU and wall seconds, memory; from two files to links, each command in turn.

    python experiments/alignment_ladder.py hansards_en_fr [--pairs 100000] [--only hmm eflomal] [--runs 1]
    python experiments/alignment_ladder.py bible_grc_en [--pairs 1000] [--lines 1::8]
    python experiments/alignment_ladder.py europarl_en_fr_200k [--pairs 100000]

Trained on the first pairs (Hansards and Europarl: and the dev text of the Hansards; Europarl without its accents, as
that is), lower-cased, default settings, one thread; scored on dev. eflomal runs its default 3 samplers. Peers'
directions are symmetrised by our own code: the best heuristic is the one with the lowest AER on the very lines that are
scored, which flatters them. Then a paired bootstrap of eflomal less the default model. Peers:
``pip install 'emnlp[peers]'``.
"""

import argparse
import sys
import tempfile
import unicodedata
from pathlib import Path

from measure import measured, middle

from emnlp import Gold, Links, alignment_scores
from emnlp.corpus.files import read_text
from emnlp.corpus.registry import file
from emnlp.metrics import paired_bootstrap
from emnlp.symmetrize import HEURISTICS, symmetrize

OURS = ("hmm", "hmm-fast", "hmm-logistic", "hmm-single", "hmm-single-logistic", "fast-align", "ibm2", "ibm1")
PEERS = ("eflomal", "thot-fastalign", "thot-hmm", "thot-ibm1")
HANSARDS = "hansards_en_fr"


def plain(line: str) -> str:
    """Strip accents: the French of the Hansards has none."""
    return "".join(letter for letter in unicodedata.normalize("NFD", line) if not unicodedata.combining(letter))


def prepare(folder: Path, corpus: str, n: int | None) -> tuple[list[str], Gold]:
    """Write the text of both sides, dev last; return the two paths and the gold of the last lines."""
    bible = corpus.startswith("bible")
    paths = [folder / f"train.{side}" for side in corpus.split("_")[1:3]]
    for path in paths:
        lines = read_text(file(corpus, path.name)).splitlines()[:n]
        lines += [] if bible else read_text(file(HANSARDS, f"dev{path.suffix}")).splitlines()
        fold = plain if corpus.startswith("europarl") and path.suffix == ".fr" else str
        path.write_text("".join(f"{fold(line).lower()}\n" for line in lines), "utf-8")
    gold = Gold.read(file(corpus, "train.gold")) if bible else Gold.read(file(HANSARDS, "dev.gold"))
    return [str(path) for path in paths], gold.select(slice(n)) if bible else gold


def command(name: str, files: list[str], out: str) -> list[str]:
    if name in OURS:
        options = ["--model", name, "--threads", "1", "--quiet"]
        return [sys.executable, "-m", "emnlp", "align", *files, "-o", out, *options]
    return [sys.executable, str(Path(__file__).with_name("peers.py")), name, *files, out + ".f", out + ".r"]


def read(name: str, out: str) -> dict[str, Links]:
    """Return the links of a command by the way they were symmetrised."""
    if name in OURS:
        return {"its own": Links.read(out)}
    one, other = Links.read(out + ".f"), Links.read(out + ".r")
    return {"forward": one, "reverse": other} | {method: symmetrize(one, other, method) for method in HEURISTICS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=(HANSARDS, "bible_grc_en", "europarl_en_fr_200k"))
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--lines", type=lambda text: slice(*(int(n) if n else None for n in text.split(":"))))
    parser.add_argument("--only", nargs="+", choices=OURS + PEERS, default=OURS + PEERS)
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    part = args.lines or (slice(1, None, 8) if args.corpus == "bible_grc_en" else slice(None))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, gold = prepare(folder, args.corpus, args.pairs)
        where, out, best = slice(-gold.lines, None), str(folder / "links"), {}
        gold = gold.select(part)
        costs: dict[str, list] = {each: [] for each in args.only}
        for _ in range(args.runs):  # systems take turns
            for each in args.only:
                costs[each].append(measured(command(each, files, f"{out}.{each}")))
        print(f"{args.corpus}, {args.pairs or 'all'} pairs; {gold.lines} scored; medians of {args.runs}\n")
        print("| | AER | links | P | R | CPU s | wall s | MB |")
        print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
        for each in args.only:
            ways = {way: links[where][part] for way, links in read(each, f"{out}.{each}").items()}
            scores = {way: alignment_scores(links, gold) for way, links in ways.items()}
            way = min(scores, key=lambda way: scores[way].aer)
            best[each], found, cost = ways[way], scores[way], middle(costs[each])
            rates = f"{100 * found.aer:.2f} | {way} | {100 * found.precision:.2f} | {100 * found.recall:.2f}"
            print(f"| {each} | {rates} | {cost.cpu:.1f} | {cost.wall:.1f} | {cost.memory:.0f} |")
        if {"hmm", "eflomal"} <= set(best):
            print(f"\neflomal less hmm: {paired_bootstrap(best['eflomal'], best['hmm'], gold)}")


if __name__ == "__main__":
    main()
