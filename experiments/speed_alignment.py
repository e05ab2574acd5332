"""Model 1, both directions, from two files to links: CPU and wall time and memory, beside peers, in one run.

    python experiments/speed_alignment.py [--pairs 200000] [--runs 3] [--folder FOLDER]

On the first pairs of hansards_en_fr, lower-cased, 5 iterations, decoding included. NLTK runs on a sample and is scaled
by the number of token pairs. Systems take turns, and each figure is a median over the runs.
"""

import argparse
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from measure import Cost, measured, middle

from emnlp.corpus import Bitext
from emnlp.corpus.files import read_text
from emnlp.corpus.registry import file

PEERS = Path(__file__).with_name("peers.py")
STAGES = """
import sys, time
from emnlp import Aligner, Bitext
def lap(name):
    global now
    now, before = time.process_time(), now
    print(f"{name:10s}{now - before:8.2f}")
now = time.process_time()
bitext = Bitext.read(*sys.argv[1:3]); lap("read")
bitext.pairs; lap("index")
aligner = Aligner().fit(bitext); lap("EM")
links = aligner.predict(bitext); lap("decode")
links.write(sys.argv[3]); lap("write")
"""


def prepare(folder: Path, n: int) -> list[str]:
    """Write the first n pairs, lower-cased, for all systems alike; return the two paths."""
    paths = [folder / f"first.{n}.{side}" for side in ("en", "fr")]
    for path in paths:
        lines = islice(read_text(file("hansards_en_fr", f"train{path.suffix}")).lower().splitlines(), n)
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return [str(path) for path in paths]


def commands(files: list[str], out: str) -> dict[str, list[str]]:
    peers = {name: [sys.executable, str(PEERS), name, *files, out + ".f", out + ".r"] for name in
             ("thot-ibm1", "thot-fastalign", "eflomal")}  # fmt: skip
    emnlp = [sys.executable, "-m", "emnlp", "align", *files, "-o", out, "--model", "ibm1"]
    return {"emnlp, 1 thread": [*emnlp, "--threads", "1"], "emnlp, 2 threads": [*emnlp, "--threads", "2"], **peers}


def nltk(folder: Path, n: int, cells: float) -> Cost:
    files = prepare(folder, n)
    sample = float(Bitext.read(*files).pairs.cells[-1])
    cost = measured([sys.executable, str(PEERS), "nltk", *files, str(folder / "n.f"), str(folder / "n.r")])
    return Cost(cost.cpu * cells / sample, cost.wall * cells / sample, cost.memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.mkdtemp()))
    args = parser.parse_args()
    files, out = prepare(args.folder, args.pairs), str(args.folder / "links")
    costs: dict[str, list[Cost]] = {name: [] for name in commands(files, out)}
    measured(commands(prepare(args.folder, 1000), out)["emnlp, 1 thread"])  # compiles, once and for all
    for _ in range(args.runs):
        for name, command in commands(files, out).items():
            costs[name].append(measured(command))
    rows = {name: middle(each) for name, each in costs.items()}
    rows["nltk (scaled from 1,000)"] = nltk(args.folder, 1000, float(Bitext.read(*files).pairs.cells[-1]))
    ours = rows["emnlp, 1 thread"].cpu
    print(f"{args.pairs:,} pairs, {args.runs} runs\n")
    print(f"{'':26s}{'CPU s':>9s}{'wall s':>9s}{'MB':>7s}{'CPU / emnlp':>13s}")
    for name, cost in rows.items():
        print(f"{name:26s}{cost.cpu:9.1f}{cost.wall:9.1f}{cost.memory:7.0f}{cost.cpu / ours:13.1f}")
    print("\nwhere emnlp's time goes, CPU s in one process", flush=True)
    (args.folder / "stages.py").write_text(STAGES)
    subprocess.run([sys.executable, str(args.folder / "stages.py"), *files, out], check=True)


if __name__ == "__main__":
    main()
