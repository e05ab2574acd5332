"""AER on the dev part of hansards_en_fr, trained on its first 100,000 pairs and the dev text, lower-cased.

    python experiments/alignment_hansards.py [--pairs 100000]

Models 1 and 2, 5 iterations, plain EM and VB, in each direction and symmetrised; and Thot's Model 1 on the same text
(``pip install 'emnlp[peers]'``), symmetrised by our own code.
"""

import argparse
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from emnlp import IBM1, IBM2, Aligner, Bitext, Categorical, Dirichlet, Gold, Links, alignment_scores
from emnlp.corpus.files import read_text
from emnlp.corpus.registry import file
from emnlp.symmetrize import HEURISTICS, METHODS, symmetrize

COLUMNS = ("forward", "reverse", *METHODS)


def prepare(folder: Path, n: int) -> list[Path]:
    """Write the training text and the dev text behind it; return the two paths."""
    paths = [folder / "train.en", folder / "train.fr"]
    for path in paths:
        lines = [*islice(read_text(file("hansards_en_fr", path.name)).splitlines(), n),
                 *read_text(file("hansards_en_fr", f"dev{path.suffix}")).splitlines()]  # fmt: skip
        path.write_text("".join(f"{line}\n" for line in lines).lower(), "utf-8")
    return paths


def every_way(aligner: Aligner, bitext: Bitext) -> dict[str, Links]:
    links = {name: aligner.only(name).predict(bitext) for name in ("forward", "reverse")}
    links |= {name: symmetrize(links["forward"], links["reverse"], name) for name in HEURISTICS}
    for aligner.symmetrize in ("product", "mean"):
        links[aligner.symmetrize] = aligner.predict(bitext)
    return links


def thot(folder: Path, paths: list[Path]) -> dict[str, Links]:
    out = [str(folder / "forward"), str(folder / "reverse")]
    subprocess.run([sys.executable, Path(__file__).with_name("peers.py"), "thot-ibm1", *paths, *out], check=True)
    one, other = (Links.read(path) for path in out)
    return {"forward": one, "reverse": other} | {name: symmetrize(one, other, name) for name in HEURISTICS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    paths = prepare(folder, args.pairs)
    bitext, gold = Bitext.read(*paths), Gold.read(file("hansards_en_fr", "dev.gold"))
    print(f"{'AER, dev (137)':22s}" + "".join(f"{name:>21s}" for name in COLUMNS))

    def row(name: str, links: dict[str, Links]) -> None:
        aers = (100 * alignment_scores(links[c][-gold.lines :], gold).aer if c in links else None for c in COLUMNS)
        print(f"{name:22s}" + "".join(f"{'-' if aer is None else format(aer, '.2f'):>21s}" for aer in aers), flush=True)

    for label, lexical in (("", Categorical()), (" VB .01", Dirichlet(alpha=0.01))):
        ibm1 = Aligner(forward=IBM1(lexical=lexical), reverse=IBM1(lexical=lexical), n_jobs=2).fit(bitext)
        row(f"Model 1{label}", every_way(ibm1, bitext))
        ibm2 = Aligner(forward=IBM2(lexical=lexical), reverse=IBM2(lexical=lexical), n_jobs=2).fit(bitext, start=ibm1)
        row(f"Model 2{label}", every_way(ibm2, bitext))
    row("Thot Model 1", thot(folder, paths))


if __name__ == "__main__":
    main()
