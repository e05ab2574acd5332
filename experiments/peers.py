"""Run a peer on two parallel files: links of both directions, Pharaoh, source first.

    python experiments/peers.py thot-ibm1|thot-hmm|thot-fastalign|eflomal|nltk SOURCE TARGET FORWARD REVERSE

The peers come with ``pip install 'emnlp[peers]'``. Each runs in a process of its own, so that it can be timed whole.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ITERATIONS = 5


def sentences(path: str) -> list[list[str]]:
    return [line.split() for line in Path(path).read_text("utf-8").splitlines()]


def thot(kind: str, source: list[list[str]], target: list[list[str]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the links of each pair, (source position, target position), by one directed model of Thot's."""
    from thot import alignment

    first = alignment.FastAlignModel() if kind == "thot-fastalign" else alignment.Ibm1AlignmentModel()
    first.variational_bayes = kind == "thot-fastalign"  # as `fast_align -d -o -v`
    for s, t in zip(source, target):
        first.add_sentence_pair(s, t, 1)
    model = trained(first)
    if kind == "thot-hmm":
        model = trained(alignment.HmmAlignmentModel(first))
    for _, matrix in model.get_best_alignments(source, target):
        rows, columns = matrix.to_numpy().nonzero()
        yield list(zip(rows.tolist(), columns.tolist()))


def trained(model: Any) -> Any:
    model.start_training()
    for _ in range(ITERATIONS):
        model.train()
    model.end_training()
    return model


def nltk(source: list[list[str]], target: list[list[str]]) -> Iterator[list[tuple[int, int]]]:
    from nltk.translate import AlignedSent, IBMModel1

    sents = [AlignedSent(t, s) for s, t in zip(source, target)]
    IBMModel1(sents, ITERATIONS)  # it also aligns them
    for sent in sents:
        yield sorted((i, j) for j, i in sent.alignment if i is not None)


def write(path: str, sentences: Iterator[list[tuple[int, int]]], swap: bool = False) -> None:
    with open(path, "w") as stream:
        for pairs in sentences:
            stream.write(" ".join(f"{j}-{i}" if swap else f"{i}-{j}" for i, j in pairs) + "\n")


def main(kind: str, source: str, target: str, forward: str, reverse: str) -> None:
    if kind == "eflomal":
        command = Path(sys.executable).with_name("eflomal-align")
        subprocess.run([command, "--overwrite", "-s", source, "-t", target, "-f", forward, "-r", reverse], check=True)
        return
    sides = sentences(source), sentences(target)
    run = nltk if kind == "nltk" else lambda s, t: thot(kind, s, t)
    write(forward, run(*sides))
    write(reverse, run(*sides[::-1]), swap=True)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
