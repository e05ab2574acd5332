"""The options of commands whose training can go on where it was killed."""

from __future__ import annotations

import argparse
import os
import re
from typing import Any

from emnlp.cli import arguments


def add(run: Any) -> None:
    """Add the options."""
    where = "where training stands: if the command is killed, the same command goes on from there, to the same bits; "
    run.add_argument("--checkpoint", metavar="FILE", type=arguments.path, help=where + "removed at the end")
    every = "write it after so many steps (1)"
    run.add_argument("--checkpoint-every", type=arguments.positive, metavar="N", help=every)


def check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense."""
    if args.checkpoint_every and not args.checkpoint:
        args.usage_error("--checkpoint-every needs --checkpoint FILE")
    if args.checkpoint == "-":
        args.usage_error("--checkpoint needs a file, which is read again, not standard output")
    if args.checkpoint and (os.path.isdir(args.checkpoint) or not os.path.basename(args.checkpoint)):
        args.usage_error(f"--checkpoint {args.checkpoint} is a folder; give a file")
    if args.checkpoint and (taken := _taken(args)):
        args.usage_error(f"{taken} is a name that --checkpoint {args.checkpoint} makes for itself; give another")


def _taken(args: argparse.Namespace) -> str | None:
    """Return a file of the command line whose name is also that of a part of the checkpoint, if there is one."""
    own = re.compile(re.escape(os.path.realpath(args.checkpoint)) + r"(\.[0-9]+(\.part)?|\.part)")
    given = [value for name, value in vars(args).items() if name != "checkpoint" and isinstance(value, str)]
    return next((path for path in given if path != "-" and own.fullmatch(os.path.realpath(path))), None)


def settings(args: argparse.Namespace, n: int) -> dict[str, Any]:
    """Return what training n models takes, `checkpoint` and `every`.

    Raises
    ------
    InputError
        If training another number of models has left checkpoints.
    """
    from emnlp.checkpoint import parts

    if not args.checkpoint:
        return {}
    parts(args.checkpoint, n)
    return {"checkpoint": args.checkpoint, "every": args.checkpoint_every or 1}


def remove(args: argparse.Namespace, n: int) -> None:
    """Remove the files: everything is written."""
    from emnlp.checkpoint import part

    for path in [part(args.checkpoint, k, n) for k in range(n)] if args.checkpoint else []:
        if os.path.exists(path):
            os.unlink(path)
