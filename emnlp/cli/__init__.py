"""The command line: one file a command; each builds what it needs and computes nothing itself.

A command's module has ``add(commands)``, which adds its parser and sets ``run``, and ``run(args)``, which returns the
exit status. Modules import what is heavy inside ``run``, so that ``emnlp --help`` stays quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from emnlp import __version__
from emnlp.errors import InputError, NumericalError

COMMANDS = ("align", "evaluate", "corpora")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="emnlp",
        description="Unsupervised learning of NLP models with EM.",
        epilog="Results go to standard output, talk to standard error. Status: 0 done, 1 bad input, 2 bad usage.",
    )
    top.add_argument("--version", action="version", version=f"emnlp {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"emnlp.cli.{name}").add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0 done, 1 bad input, 2 bad usage, 130 interrupted."""
    args = parser().parse_args(argv)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except (InputError, NumericalError) as error:
        print(f"emnlp: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print("emnlp: out of memory; give --max-length a smaller number, or train on fewer pairs", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("emnlp: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) has gone: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
