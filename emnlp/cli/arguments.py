"""Types of command-line arguments, and what every command says in the same way."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable


def path(text: str) -> str:
    """Return a path; an empty one is refused."""
    if not text:
        raise ValueError
    return text


def number(kind: Callable[[str], float], low: float, high: float, name: str) -> Callable[[str], float]:
    """Return an argument type: a finite number within bounds, called `name` in the message."""

    def parse(text: str) -> float:
        if not low <= (value := kind(text)) <= high or value == float("inf"):
            raise ValueError
        return value

    parse.__name__ = f"{name} ({low:g} to {high:g})" if high < float("inf") else f"{name} (at least {low:g})"
    return parse


count = number(int, 0, float("inf"), "number")
positive = number(int, 1, float("inf"), "number")
alpha = number(float, 0, 1e10, "alpha")
weight = number(float, 0, float("inf"), "weight")
probability = number(float, 0, 1, "probability")


def add_run(parser: argparse.ArgumentParser, *more: Callable[[argparse._ArgumentGroup], None]) -> None:
    """Add the options of how a command runs: threads, those that `more` adds, and silence."""
    group = parser.add_argument_group("run")
    group.add_argument("--threads", type=positive, metavar="N", help="how many to use (every processor)")
    for add in more:
        add(group)
    group.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary; warnings stay")


def threads(args: argparse.Namespace) -> int:
    """Return ``--threads``, or the number of processors that this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen: int = args.threads or available
    return chosen


def warn(message: str) -> None:
    """Print a warning to standard error."""
    print(f"emnlp: warning: {message}", file=sys.stderr)


def say(args: argparse.Namespace, message: str) -> None:
    """Print a message to standard error, unless ``--quiet`` is given."""
    if not args.quiet:
        print(f"emnlp: {message}", file=sys.stderr)
