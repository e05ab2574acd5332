"""Kill a training at random moments, start it again by the same command, and compare the bits that it ends with.

    python experiments/kill_test.py [--tests 20] [COMMAND ...]

COMMAND is ``emnlp align`` or ``emnlp tag`` with all but its outputs; without one, the sample bitext is aligned. It is
run to its end once without a checkpoint, and once with one. In each test it is killed (SIGKILL) at a moment drawn from
the time that the latter took, again and again until it ends before the next moment comes. The model that it saves
and its output have to be the same, byte for byte, and no checkpoint may be left over.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent / "corpora" / "sample_en_fr"
COMMAND = ["align", str(SAMPLE / "train.en"), str(SAMPLE / "train.fr"), "--iterations", "100"]


def started(command: list[str], folder: Path, *more: str) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    files = ["--save", str(folder / "model"), "-o", str(folder / "output"), *more, "--quiet"]
    return subprocess.Popen([sys.executable, "-m", "emnlp", *command, *files])


def result(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}  # nothing unfinished


def written(folder: Path) -> set[tuple[str, int]]:
    return {(path.name, path.stat().st_mtime_ns) for path in folder.glob("checkpoint*") if path.suffix != ".part"}


def killed(command: list[str], folder: Path, seconds: float, rng: random.Random) -> tuple[int, int, int]:
    """Run a command to its end; return how often it was killed, and how often within a write, or past a new one."""
    kills = halves = steps = 0
    while True:
        before = written(folder)
        process = started(command, folder, "--checkpoint", str(folder / "checkpoint"))
        try:
            if process.wait(rng.uniform(0, seconds)):
                raise SystemExit("the command failed")
            return kills, halves, steps
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        kills, halves = kills + 1, halves + bool(list(folder.glob("*.part")))
        steps += written(folder) != before


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    command, rng, failures = args.command or COMMAND, random.Random(args.seed), 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, more in {"whole": (), "timed": ("--checkpoint", f"{scratch}/timed/checkpoint")}.items():
            begin = time.perf_counter()
            if started(command, Path(scratch) / name, *more).wait():
                raise SystemExit("the command failed")
        seconds, whole = time.perf_counter() - begin, result(Path(scratch) / "whole")
        print(f"a run with checkpoints takes {seconds:.1f} s\n")
        print("| test | kills | within a write | past a new checkpoint | same bits |")
        print("|--:|--:|--:|--:|:--|")
        for test in range(1, args.tests + 1):
            folder = Path(scratch) / f"test{test}"
            numbers = killed(command, folder, seconds, rng)
            same = result(folder) == whole
            failures += not same
            print(f"| {test} | {' | '.join(map(str, numbers))} | {'yes' if same else 'NO'} |", flush=True)
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
