"""Pictures: the link posteriors of a sentence pair, and the objective of a training run.

They need matplotlib, the extra ``emnlp[plot]``. No global state is touched: the figures do not belong to ``pyplot``.
Fonts are those of matplotlib's ``rcParams``; its DejaVu Sans has Latin, Greek and Cyrillic, but no Chinese.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emnlp.corpus.files import replacing
from emnlp.errors import InputError
from emnlp.learners import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from emnlp.blocks import Array

Pairs = Sequence[tuple[int, int]]

_CELL = 0.32  # inches: 40 tokens are 13 inches, at a font of 9 points
_LARGEST = 20.0  # inches of all cells of a side; beyond that, they shrink
_LONGEST = 24  # characters of a token that are shown
_CHARACTER = 0.085  # inches, about, of a character of 9 points
_BLUE, _ORANGE, _INK = "#2166ac", "#e66101", "#1a1a1a"
_MARKS: dict[str, dict[str, Any]] = {
    "link": {"marker": "s", "size": 0.84, "facecolors": "none", "edgecolors": _ORANGE, "linewidths": 1.8},
    "Sure in gold": {"marker": "o", "size": 0.36, "facecolors": _INK, "edgecolors": "white", "linewidths": 0.8},
    "Possible in gold": {"marker": "o", "size": 0.36, "facecolors": "white", "edgecolors": _INK, "linewidths": 1.0},
}


def alignment_matrix(
    posterior: ArrayLike,
    source: Sequence[str],
    target: Sequence[str],
    links: Pairs | None = None,
    gold: tuple[Pairs, Pairs] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the link posteriors of one sentence pair: the source downwards, the target across.

    Parameters
    ----------
    posterior : (I, J) array-like
        Probabilities, such as an item of ``Aligner.predict_proba``.
    source, target : sequence of str
        The I and the J tokens.
    links : list of (i, j), optional
        The chosen links, 0-based, such as an item of ``Aligner.predict``: orange squares.
    gold : (list of (i, j), list of (i, j)), optional
        Sure and Possible links, such as ``gold.sure[k], gold.possible[k]``: black and white dots.
    path : path-like, optional
        Where to write the picture; its suffix, such as .png, .pdf or .svg, is the format.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the shapes do not fit, a value is not a probability, a link is beyond its sentence, matplotlib is missing,
        or the file cannot be written.

    Examples
    --------
    >>> posterior = [[0.9, 0.0], [0.1, 0.8]]
    >>> figure = alignment_matrix(posterior, ["the", "house"], ["la", "maison"], links=[(0, 0), (1, 1)])
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['the', 'house']
    """
    cells = _cells(posterior, len(source), len(target))
    marks = _marks(cells.shape, links, gold)
    cell = min(_CELL, _LARGEST / max(cells.shape))
    words = [[_shortened(token) for token in side] for side in (source, target)]
    margins = [max(map(len, side)) * _CHARACTER for side in words]
    figure = blank_figure(cells.shape[1] * cell + margins[0] + 1.2, cells.shape[0] * cell + margins[1] + 0.8)
    axes = figure.add_subplot()
    image = _shades(axes, cells)
    _tokens(axes, words[0], words[1], font=9 * cell / _CELL)
    for name, points in marks.items():
        look = dict(_MARKS[name])
        size = (72 * cell * look.pop("size")) ** 2  # square points
        axes.scatter(points[:, 1], points[:, 0], s=size, label=name, zorder=3, **look)
    _colour_bar(axes, image, cells.shape[1] * cell)
    if marks:
        figure.legend(loc="outside lower center", ncols=len(marks), frameon=False, fontsize=9, markerscale=0.8)
    return written(figure, path)


def learning_curve(trace: Trace, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draw the objective per item, in nats, after each M-step.

    Parameters
    ----------
    trace : Trace
        Of a fitted model, ``model.trace_``.
    path : path-like, optional
        Where to write the picture; its suffix, such as .png, .pdf or .svg, is the format.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the trace is empty, matplotlib is missing, or the file cannot be written.

    Examples
    --------
    >>> figure = learning_curve(Trace([-9.0, -7.5, -7.0], n_items=2))
    >>> figure.axes[0].lines[0].get_ydata()
    array([-4.5 , -3.75, -3.5 ])
    """
    if not len(trace) or trace.n_items < 1:
        raise InputError("the trace has no iteration or no item; fit the model first, and draw its trace_")
    figure = blank_figure(6.0, 3.8)
    from matplotlib.ticker import MaxNLocator

    axes = figure.add_subplot()
    axes.plot(np.arange(len(trace)), np.array(trace.objective) / trace.n_items, "o-", color=_BLUE, markersize=4)
    axes.set_xlabel("M-steps")
    axes.set_ylabel("objective per item (nats)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    return written(figure, path)


def _cells(posterior: ArrayLike, n_source: int, n_target: int) -> Array:
    cells = np.asarray(posterior, np.float64)
    if cells.shape != (n_source, n_target):
        null = "; leave out the row of NULL: posterior[1:]" if cells.shape == (n_source + 1, n_target) else ""
        raise InputError(f"the posterior has shape {cells.shape}, but the tokens are {n_source} and {n_target}{null}")
    if not cells.size:
        raise InputError("a side of the sentence pair is empty: there is nothing to draw")
    if not ((cells >= 0) & (cells <= 1 + 1e-9)).all():
        raise InputError("the posterior has a value that is not a probability between 0 and 1")
    return cells


def _marks(
    shape: tuple[int, ...], links: Pairs | None, gold: tuple[Pairs, Pairs] | None
) -> dict[str, NDArray[np.int64]]:
    """Return the points (n, 2) of each mark that the picture has."""
    marks = {} if links is None else {"link": _points(links)}
    if gold is not None:
        sure, possible = (_points(pairs) for pairs in gold)
        also_sure = (possible[:, None] == sure).all(axis=2).any(axis=1)
        marks |= {"Sure in gold": sure, "Possible in gold": possible[~also_sure]}
    for name, points in marks.items():
        beyond = (points < 0).any(axis=1) | (points >= shape).any(axis=1)
        if beyond.any():
            i, j = points[beyond.argmax()]
            raise InputError(f"{name}: ({i}, {j}) is beyond {shape[0]} and {shape[1]} tokens; positions count from 0")
    return {name: points for name, points in marks.items() if len(points)}


def _points(pairs: Pairs) -> NDArray[np.int64]:
    return np.array(list(pairs), np.int64).reshape(-1, 2)


def _shades(axes: Axes, cells: Array) -> AxesImage:
    from matplotlib.colors import LinearSegmentedColormap

    blues = LinearSegmentedColormap.from_list("blues", ["white", "#b5d4e9", "#3d8dc4"])  # dots show on the darkest, too
    image: AxesImage = axes.imshow(cells, cmap=blues, vmin=0, vmax=1, interpolation="nearest")
    return image


def _tokens(axes: Axes, source: list[str], target: list[str], font: float) -> None:
    look: dict[str, Any] = {"fontsize": font, "parse_math": False}  # a token may have dollar signs
    axes.set_yticks(range(len(source)), source, **look)
    axes.set_xticks(range(len(target)), target, rotation=60, ha="left", rotation_mode="anchor", **look)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    for side, n in ((axes.set_xticks, len(target)), (axes.set_yticks, len(source))):
        side(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.88", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_color("0.7")


def _colour_bar(axes: Axes, image: AxesImage, width: float) -> None:
    """Put a bar beside the matrix, as high as it; `width` is that of the matrix, in inches."""
    place = axes.inset_axes((1 + 0.12 / width, 0, 0.14 / width, 1))
    bar = axes.figure.colorbar(image, cax=place, ticks=[0, 0.25, 0.5, 0.75, 1])
    bar.set_label("posterior probability", fontsize=9)
    bar.ax.tick_params(labelsize=8, length=2)
    bar.outline.set_visible(False)


def _shortened(token: str) -> str:
    return token if len(token) <= _LONGEST else token[: _LONGEST - 1] + "…"


def blank_figure(width: float, height: float) -> Figure:
    """Return a figure of so many inches, which needs no screen; an InputError if matplotlib is missing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("pictures need matplotlib: pip install 'emnlp[plot]'") from None
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def written(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure, if there is a path, and return it."""
    if path is None:
        return figure
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in figure.canvas.get_supported_filetypes():
        raise InputError(f"{os.fspath(path)}: the suffix is not that of a picture; take .png, .pdf or .svg")
    with replacing(path) as part:
        figure.savefig(part, format=suffix, bbox_inches="tight", pad_inches=0.1)
    return figure
