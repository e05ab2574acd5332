"""The learning curves of a comparison: objective, and score, of each variant against CPU seconds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emnlp.corpus.files import check_writable
from emnlp.errors import InputError
from emnlp.report.comparison import NOT_SHARES, Comparison, Run
from emnlp.report.plots import blank_figure, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#2166ac", "#e66101", "#1b7837", "#762a83", "#b2182b", "#7f7f7f", "#35978f", "#8c510a")
"""One a variant, over again if there are more."""

_SHOWN = 0.1
"""The first share of each run's steps does not tell how far down the picture of objectives goes."""


def learning_curves(comparison: Comparison, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw the objective a token of each run against the CPU seconds of its training; below, the score if there is one.

    A variant has a colour, and each of its runs a line. Objectives under different priors are not comparable: what
    counts is when each no longer rises.

    Parameters
    ----------
    comparison : Comparison
    path : path-like, optional
        Where to write the picture; its suffix, such as .png, .pdf or .svg, is the format.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If no run has a curve, matplotlib is missing, or the file cannot be written.

    Examples
    --------
    >>> run = Run("EM", 0, {"M-1": 0.5}, -7.0, curve=((0.1, -9.0, 0.2), (0.2, -7.5, None), (0.3, -7.0, 0.5)))
    >>> [axes.get_ylabel() for axes in learning_curves(Comparison((run,))).axes]
    ['objective per token (nats)', 'M-1 (%)']
    """
    runs = [run for name in comparison.variants for run in comparison.of(name) if run.curve]
    if not runs:
        raise InputError("there is no learning curve to draw: every run failed")
    score = next((next(iter(run.scores), "") for run in runs), "")
    figure = blank_figure(7.0, 6.4 if score else 3.8)
    panels = figure.subplots(2 if score else 1, 1, sharex=True, squeeze=False)[:, 0]
    colours = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(comparison.variants)}
    for run in runs:
        _line(panels[0], [(seconds, objective) for seconds, objective, _ in run.curve], run, colours[run.variant])
        points = [(seconds, _scale(score) * value) for seconds, _, value in run.curve if value is not None]
        if score and points:
            _line(panels[1], points, run, colours[run.variant])
    _bounds(panels[0], runs)
    panels[0].set_ylabel("objective per token (nats)")
    if score:
        panels[1].set_ylabel(score if score in NOT_SHARES else f"{score} (%)")
    for axes in panels:
        axes.set_xscale("log")
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("CPU seconds of training")
    handles = {str(line.get_label()): line for line in panels[0].lines}
    look = {"ncols": len(handles) if len(handles) <= 5 else 3, "frameon": False, "fontsize": 9}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", **look)
    return written(figure, path)


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raise `InputError` if no picture could be written there: better now than after an hour of training."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in blank_figure(1.0, 1.0).canvas.get_supported_filetypes():
        raise InputError(f"{os.fspath(path)}: the suffix is not that of a picture; take .png, .pdf or .svg")
    check_writable(path)


def _line(axes: Axes, points: Sequence[tuple[float, float]], run: Run, colour: str) -> None:
    marker = "o" if len(points) < 30 else None
    axes.plot(*zip(*points), color=colour, label=run.variant, linewidth=1.3, marker=marker, markersize=3.5, alpha=0.85)


def _bounds(axes: Axes, runs: Sequence[Run]) -> None:
    """Leave the first steps below the picture: all that is to be compared would be a line at the top."""
    later = [point[1] for run in runs for point in run.curve[int(_SHOWN * len(run.curve)) :]]
    low, high = min(later), max(later)
    margin = 0.05 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)


def _scale(score: str) -> float:
    return 1 if score in NOT_SHARES else 100
