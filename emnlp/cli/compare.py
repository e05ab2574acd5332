"""``emnlp compare``: categorical or logistic? The same text, modelled in several ways, side by side."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from emnlp.cli import arguments, compare_align, compare_cluster, compare_tag
from emnlp.cli.arguments import say

if TYPE_CHECKING:
    from emnlp.report.comparison import Comparison, Run


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser of ``emnlp compare`` to the commands."""
    compare = commands.add_parser(
        "compare",
        help="categorical or logistic? several models of one text side by side",
        description="Train several models on one text; print their scores, objectives and times side by side.",
    )
    whats = compare.add_subparsers(metavar="WHAT", required=True)
    for module in (compare_tag, compare_align, compare_cluster):
        what = module.add(whats)
        _add_results(what.add_argument_group("results"))
        run_ = what.add_argument_group("run")
        run_.add_argument("--threads", type=arguments.positive, metavar="N", help="how many to use (every processor)")
        run_.add_argument("-q", "--quiet", action="store_true", help="no word of each run; warnings stay")
        what.set_defaults(run=run, module=module, usage_error=what.error)


def _add_results(results: Any) -> None:
    variants = "those to compare, separated by commas; see below"
    results.add_argument("--variants", metavar="LIST", type=lambda text: text.split(","), help=variants)
    as_json = "also write every run and its learning curve as JSON; - is standard output, without the table"
    results.add_argument("--json", metavar="FILE", type=arguments.path, help=as_json)
    picture = "draw the learning curves; needs matplotlib, pip install 'emnlp[plot]'"
    results.add_argument("--plot", metavar="FILE", type=arguments.path, help=picture)


def run(args: argparse.Namespace) -> int:
    """Train each variant with each seed; print the table, write JSON and picture."""
    from emnlp.corpus.files import check_writable, write_text
    from emnlp.report.compare import compare

    names = _check(args)
    if args.plot:
        from emnlp.report.curves import check_picture, learning_curves

        check_picture(args.plot)
    if args.json and args.json != "-":
        check_writable(args.json)
    variants, seeds, task, about = args.module.make(args, names)
    found = compare(variants, seeds, task, lambda each: _tell(args, each), about)
    if args.json != "-":
        print("\n".join(found.table()))
    if args.json:
        with write_text(args.json) as out:
            out.write(found.to_json() + "\n")
    if args.plot and _drawable(found):
        learning_curves(found, args.plot)
    return _status(found)


def _check(args: argparse.Namespace) -> list[str]:
    """Refuse what cannot be; return the variants to compare."""
    for name in args.variants or ():
        if name not in args.module.VARIANTS:
            args.usage_error(f"--variants: {name!r} is not known; choose from {', '.join(args.module.VARIANTS)}")
    inputs = [path for path in (getattr(args, name) for name in args.module.INPUTS) if path]
    if inputs.count("-") > 1:
        args.usage_error("standard input can be read once; give the other files by name")
    if args.plot == "-":
        args.usage_error("--plot needs a file: a picture is not text for standard output")
    outputs = [os.path.realpath(path) for path in (args.json, args.plot) if path and path != "-"]
    if len(set(outputs)) < len(outputs) or set(map(os.path.realpath, inputs)) & set(outputs):
        args.usage_error("an output file is named twice, or is also an input")
    return list(dict.fromkeys(args.variants or args.module.USUAL))


def _tell(args: argparse.Namespace, each: Run) -> None:
    name = f"{each.variant}, seed {each.seed}"
    if each.error:
        arguments.warn(f"{name}: failed after {each.cpu:.1f} CPU s: {each.error}")
        return
    score = "".join(f"{key} {value if key == 'VI' else 100 * value:.2f}; " for key, value in each.scores.items())
    say(args, f"{name}: {score}{each.objective:.4f} nats a token; {each.cpu:.1f} CPU s, {each.wall:.1f} s")


def _drawable(found: Comparison) -> bool:
    return any(run.curve for run in found.runs)


def _status(found: Comparison) -> int:
    """Return 1 if no run came to an end."""
    return int(all(run.error for run in found.runs))
