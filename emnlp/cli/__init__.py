"""The command line: one file a command; each builds what it needs and computes nothing itself.

A command's module has ``add(commands)``, which adds its parser and sets ``run``, and ``run(args)``, which returns the
exit status. Modules import what is heavy inside ``run``, so that ``emnlp --help`` stays quick.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from emnlp import __version__
from emnlp.errors import InputError, NumericalError

COMMANDS = ("align", "lexicon", "tag", "cluster", "topics", "compare", "evaluate", "corpora")


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
    """Run the command line and return the exit status: 0 done, 1 bad input, 2 bad usage; 130 or 143 if stopped."""
    args = parser().parse_args(argv)
    with _clean_stop():
        try:
            status: int = args.run(args)
            if sys.stdout is not None:
                sys.stdout.flush()
            return status
        except (InputError, NumericalError) as error:
            return _fail(str(error))
        except UnicodeEncodeError as error:
            return _fail(f"a word cannot be written in {error.encoding}; set PYTHONIOENCODING=utf-8:backslashreplace")
        except MemoryError:
            return _fail(
                "out of memory; train on less text, or give aligners a smaller --max-length, taggers fewer --states, "
                "topic models fewer --topics"
            )
        except BrokenPipeError:  # the reader (head, less) has gone: nobody is left to tell
            _mute()
            return 1
        except OSError as error:
            full = error.errno == errno.ENOSPC  # what is written elsewhere than to standard output has a name
            name = error.filename or ("standard output" if full or _is_stuck() else "a file")
            return _fail(f"{name}: cannot be read or written ({error.strerror or error})")


def _fail(message: str) -> int:
    if _is_stuck():
        _mute()
    if sys.stderr is not None:
        print(f"emnlp: {message}", file=sys.stderr)
    return 1


def _is_stuck() -> bool:
    """Return whether standard output cannot take what it still holds."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        return True
    return False


def _mute() -> None:
    """Send what standard output still holds to nowhere: it cannot be written, and Python would complain at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _clean_stop() -> Iterator[None]:
    """On Ctrl-C or SIGTERM, remove unfinished files and leave at once; compiled code cannot take an exception."""

    def stop(number: int, frame: Any) -> None:
        files = sys.modules.get("emnlp.corpus.files")
        if files is not None:
            files.discard()
        with contextlib.suppress(OSError):
            os.write(2, b"\nemnlp: interrupted\n" if number == signal.SIGINT else b"\nemnlp: terminated\n")
        os._exit(128 + number)

    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are somebody else's
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
