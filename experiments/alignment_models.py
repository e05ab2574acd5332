"""AER of Models 1 and 2, plain EM and VB, 5 iterations, in each direction and by every symmetrisation; lower-cased.

    python experiments/alignment_models.py hansards_en_fr [--pairs 100000] [--peers]
    python experiments/alignment_models.py bible_grc_en [--lines 1::8]

Trained on the first pairs of the Hansards and the dev text, and scored on dev; or trained on all verses of the Bible,
and scored on dev, 1::8 (0::8 is its test part: to report, not to choose by). --peers adds Thot and eflomal on the same
text (``pip install 'emnlp[peers]'``), symmetrised by our own code.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from emnlp import IBM1, IBM2, Aligner, Bitext, Categorical, Dirichlet, Gold, Links, alignment_scores
from emnlp.corpus.files import read_text
from emnlp.corpus.registry import file
from emnlp.symmetrize import HEURISTICS, METHODS, symmetrize

COLUMNS = ("forward", "reverse", *METHODS)
FACTORS = {"": Categorical(), " VB .01": Dirichlet(alpha=0.01), " VB .1": Dirichlet(alpha=0.1)}


def prepare(folder: Path, corpus: str, n: int) -> tuple[list[Path], Gold, slice]:
    """Write the text of both sides; return the two paths, the gold, and which lines it is for."""
    dev = corpus == "hansards_en_fr"
    paths = [folder / f"train.{side}" for side in corpus.split("_")[1:]]
    for path in paths:
        lines = read_text(file(corpus, path.name)).splitlines()[: n if dev else None]
        lines += read_text(file(corpus, f"dev{path.suffix}")).splitlines() if dev else []
        path.write_text("".join(f"{line}\n" for line in lines).lower(), "utf-8")
    gold = Gold.read(file(corpus, "dev.gold" if dev else "train.gold"))
    return paths, gold, slice(-gold.lines, None) if dev else slice(None)


def every_way(aligner: Aligner, bitext: Bitext) -> dict[str, Links]:
    links = {name: aligner.only(name).predict(bitext) for name in ("forward", "reverse")}
    links |= {name: symmetrize(links["forward"], links["reverse"], name) for name in HEURISTICS}
    for aligner.symmetrize in ("product", "mean"):
        links[aligner.symmetrize] = aligner.predict(bitext)
    return links


def peer(kind: str, folder: Path, paths: list[Path]) -> dict[str, Links]:
    out = [str(folder / "forward"), str(folder / "reverse")]
    subprocess.run([sys.executable, Path(__file__).with_name("peers.py"), kind, *paths, *out], check=True)
    one, other = (Links.read(path) for path in out)
    return {"forward": one, "reverse": other} | {name: symmetrize(one, other, name) for name in HEURISTICS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=("hansards_en_fr", "bible_grc_en"))
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--lines", type=lambda text: slice(*(int(n) if n else None for n in text.split(":"))))
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    part = args.lines or (slice(1, None, 8) if args.corpus == "bible_grc_en" else slice(None))
    with tempfile.TemporaryDirectory() as name:
        paths, gold, where = prepare(Path(name), args.corpus, args.pairs)
        gold, bitext = gold.select(part), Bitext.read(*paths)

        def row(name: str, links: dict[str, Links]) -> None:
            aers = [100 * alignment_scores(links[c][where][part], gold).aer if c in links else None for c in COLUMNS]
            print(f"{name:15s}" + "".join(f"{'-' if a is None else format(a, '.2f'):>21s}" for a in aers), flush=True)

        print(f"{f'{gold.lines} pairs':15s}" + "".join(f"{name:>21s}" for name in COLUMNS))
        for label, lexical in FACTORS.items():
            start = None
            for kind in (IBM1, IBM2):
                both = {way: kind(lexical=lexical) for way in ("forward", "reverse")}
                start = Aligner(**both, n_jobs=-1).fit(bitext, start=start)
                row(f"{kind.__name__}{label}", every_way(start, bitext))
        for kind in ("thot-ibm1", "thot-fastalign", "eflomal") if args.peers else ():
            row(kind, peer(kind, Path(name), paths))


if __name__ == "__main__":
    main()
