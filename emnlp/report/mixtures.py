"""Pictures of mixtures at work: Gaussian components, a bound that lifts the likelihood, responsibilities.

They need matplotlib, the extra ``emnlp[plot]``; see `emnlp.report.plots`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from emnlp.corpus.points import Points
from emnlp.errors import InputError
from emnlp.models.gaussian import GaussianMixture
from emnlp.report.plots import blank_figure, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emnlp.blocks import Array

_COLOURS = (
    ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9")  # Okabe & Ito's, for colour-blind readers
    + ("#332288", "#882255", "#999933", "#7f7f7f", "#44d7a8", "#8c510a")
)
_INK, _PALE = "#1a1a1a", 0.93
_NOTE: dict[str, Any] = {"fontsize": 9, "color": "0.35"}


def mixture_colours(n: int) -> Array:
    """Return a colour for each of n components, (n, 3), red, green and blue from 0 to 1; over again after 12.

    Rows of responsibilities times these are the colours of items: the less certain an item, the duller.

    Examples
    --------
    >>> (np.array([[0.5, 0.5]]) @ mixture_colours(2)).round(2)
    array([[0.42, 0.41, 0.35]])
    """
    codes = [_COLOURS[k % len(_COLOURS)] for k in range(n)]
    return np.array([[int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)] for code in codes]).reshape(n, 3)


def ellipse(mean: ArrayLike, covariance: ArrayLike, deviations: float = 1.0, n: int = 73) -> Array:
    """Return n points around the ellipse that lies so many standard deviations from the mean of a Gaussian, (n, 2).

    Examples
    --------
    >>> ellipse([1, 0], [[4, 0], [0, 1]], n=5).round(9) + 0.0
    array([[ 3.,  0.], [ 1.,  1.], [-1.,  0.], [ 1., -1.], [ 3.,  0.]])
    """
    angle = np.linspace(0, 2 * np.pi, n)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(mean) + deviations * circle @ np.linalg.cholesky(np.asarray(covariance, np.float64)).T


def gaussian_grid(
    points: Any, rows: Sequence[Sequence[GaussianMixture]], path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw fitted mixtures over the points of the plane, a panel each: points have the colours of their components.

    The ellipses of a component are 1 and 2 standard deviations from its mean. Above a panel: how many M-steps were
    done, and the log-likelihood of a point.

    Parameters
    ----------
    points : (N, 2) array-like
    rows : sequence of sequence of GaussianMixture
        Such as a row for each number of components, and in it the same fit after 0, 1, 3, ... M-steps.
    path : path-like, optional
        Where to write the picture; its suffix, such as .png, .pdf or .svg, is the format.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the points are not of the plane, there is no mixture, matplotlib is missing, or the file cannot be written.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal([[0, 0]] * 90 + [[5, 5]] * 10)
    >>> figure = gaussian_grid(x, [[GaussianMixture(2, max_iter=t).fit(x) for t in (0, 5)]])
    >>> [len(axes.lines) for axes in figure.axes]  # two ellipses of each component
    [4, 4]
    """
    values = Points(points).values
    if values.shape[1] != 2:
        raise InputError(f"the points have {values.shape[1]} dimensions; only those of the plane, 2, can be drawn")
    if not rows or not all(rows):
        raise InputError("there is no mixture to draw, or a row of panels is empty")
    n_columns = max(map(len, rows))
    figure = blank_figure(0.3 + 1.55 * n_columns, 0.4 + 1.75 * len(rows))
    low, high = values.min(axis=0), values.max(axis=0)
    middle, reach = (low + high) / 2, 0.6 * float((high - low).max()) or 1.0
    panels = figure.subplots(len(rows), n_columns, squeeze=False)
    for row, across in zip(rows, panels):
        for axes in across[len(row) :]:
            axes.set_axis_off()
        across[0].set_ylabel(f"K = {row[0].n_components}", fontsize=12)
        for mixture, axes in zip(row, across):
            _gaussians(axes, values, mixture)
            axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    figure.supxlabel(
        "above each panel: log-likelihood of a point, in nats; ellipses: 1 and 2 standard deviations", **_NOTE
    )
    return written(figure, path)


def _gaussians(axes: Axes, values: Array, mixture: GaussianMixture) -> None:
    """Draw the components of one mixture, and the points in their colours."""
    colours, shares = mixture_colours(mixture.n_components), mixture.predict_proba(values)
    axes.scatter(values[:, 0], values[:, 1], c=np.clip(shares @ colours, 0, 1), s=3.5, linewidths=0, alpha=0.75)
    for mean, covariance, colour in zip(mixture.means_, mixture.covariances_, colours):
        for deviations, width in ((1, 1.5), (2, 0.8)):
            axes.plot(*ellipse(mean, covariance, deviations).T, color=0.7 * colour, linewidth=width)
        axes.scatter(mean[0], mean[1], s=14, color=[0.7 * colour], edgecolors="white", linewidths=0.7, zorder=3)
    done = max(len(mixture.trace_) - 1, 0)  # a given mixture has no trace
    steps = "start" if done == 0 else f"{done} M-step{'s'[: done > 1]}"
    score = f"{mixture.score(values):.3f}".replace("-", "\N{MINUS SIGN}")
    axes.set_title(f"{steps}: {score}", fontsize=9)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("0.8")


class Bound(NamedTuple):
    """The bound ``F(Q, theta)`` of one E-step, drawn over theta: `values`, (G,).

    It touches the log-likelihood at ``at``, and is highest, `height`, at ``best``.
    """

    at: float
    values: Array
    best: float
    height: float


def bound_curves(
    theta: ArrayLike,
    loglik: ArrayLike,
    bounds: Sequence[Bound],
    path: str | os.PathLike[str] | None = None,
    name: str = "θ",
) -> Figure:
    """Draw a log-likelihood of one parameter, and the bounds that EM climbs instead, one an iteration.

    A dot is where the E-step makes a bound touch; a triangle, where the M-step finds its top; the dotted line above
    that, what the next E-step lifts it by: the divergence of Q from the new posterior.

    Parameters
    ----------
    theta : (G,) array-like
        The values of the parameter that curves are drawn over, rising.
    loglik : (G,) array-like
        L(theta), in nats.
    bounds : sequence of Bound
        Of the iterations t = 0, 1, 2, ...
    path : path-like, optional
        Where to write the picture; its suffix, such as .png, .pdf or .svg, is the format.
    name : str
        What the parameter is called below the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the curves do not have a value for each theta, there is no bound, matplotlib is missing, or the file cannot
        be written.

    Examples
    --------
    >>> theta = np.linspace(-2, 2, 5)
    >>> bound = Bound(at=-1.0, values=-1.0 - (theta - 0.5) ** 2, best=0.5, height=-1.0)
    >>> figure = bound_curves(theta, -(theta**2) / 2, [bound])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['$L(θ)$, the log-likelihood', '$F(Q_{0}, θ)$']
    """
    x, curve = np.asarray(theta, np.float64), np.asarray(loglik, np.float64)
    if x.ndim != 1 or any(np.shape(values) != x.shape for values in (curve, *(bound.values for bound in bounds))):
        raise InputError(f"each curve needs a value for each theta, of shape {x.shape}")
    if not len(bounds):
        raise InputError("there is no bound to draw; give that of one iteration at least")
    figure = blank_figure(8.0, 5.0)
    axes = figure.add_subplot()
    axes.plot(x, curve, color=_INK, linewidth=2.4, label="$L(θ)$, the log-likelihood", zorder=3)
    for t, (bound, colour) in enumerate(zip(bounds, mixture_colours(len(bounds)))):
        axes.plot(x, bound.values, color=colour, linewidth=1.6, label=f"$F(Q_{{{t}}}, θ)$")
        touches, lifted = np.interp([bound.at, bound.best], x, curve)
        axes.plot([bound.best] * 2, [bound.height, lifted], ":", color=colour, linewidth=1.6)
        for at, height, mark in ((bound.at, touches, "o"), (bound.best, bound.height, "^")):
            axes.plot(at, height, mark, color=colour, markeredgecolor="white", markersize=8, zorder=4)
        axes.annotate(f"$θ_{{{t}}}$", (bound.at, touches), (-6, 6), textcoords="offset points", ha="right", fontsize=12)
    span = float(np.ptp(curve)) or 1.0
    axes.set(xlim=(x[0], x[-1]), ylim=(curve.min() - 0.2 * span, curve.max() + 0.08 * span))
    axes.set(xlabel=name, ylabel="nats")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    note = (
        "dot: the E-step makes F touch L; triangle: the M-step takes its top; dotted: how far the next E-step lifts F"
    )
    figure.supxlabel(note, **_NOTE)
    return written(figure, path)


def responsibility_map(
    runs: Mapping[str, ArrayLike], groups: Sequence[str] | None = None, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw the responsibilities of all items after each M-step, a panel a run; beneath, their mean entropy.

    A cell has the colour of its components, the paler the less certain: nearly white where all are alike.

    Parameters
    ----------
    runs : mapping of str to (T, N, K) array-like
        By title: P(component | item) after 0, 1, ... M-steps.
    groups : (N,) sequence of str, optional
        Such as gold classes: the items of each are drawn together, under its name.
    path : path-like, optional
        Where to write the picture; its suffix, such as .png, .pdf or .svg, is the format.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no run, one has another shape or no probabilities, the runs or groups are not of as many items,
        matplotlib is missing, or the file cannot be written.

    Examples
    --------
    >>> shares = [[[0.5, 0.5], [0.6, 0.4]], [[0.9, 0.1], [0.0, 1.0]]]  # 2 steps, 2 items, 2 components
    >>> figure = responsibility_map({"EM": shares})
    >>> figure.axes[1].lines[0].get_ydata().round(2)
    array([0.99, 0.23])
    """
    arrays = {title: _shares(title, given) for title, given in runs.items()}
    sizes = {found.shape[1] for found in arrays.values()} | (set() if groups is None else {len(groups)})
    if not arrays or len(sizes) != 1:
        raise InputError(f"expected one run at least, and as many items everywhere, not {sorted(sizes) or 'none'}")
    order = np.arange(*sizes) if groups is None else np.argsort(np.array(groups), kind="stable")
    figure = blank_figure(1.0 + 3.5 * len(arrays), 6.0)
    panels = figure.subplots(2, len(arrays), squeeze=False, sharex="col", sharey="row", height_ratios=(2.7, 1))
    for (title, shares), (cells, curve) in zip(arrays.items(), panels.T):
        entropy = _entropy(shares)
        paleness = (entropy / max(float(np.log2(shares.shape[2])), 1e-9))[..., None]
        colours = (1 - paleness) * (shares @ mixture_colours(shares.shape[2])) + paleness * _PALE
        image = np.clip(colours, 0, 1).transpose(1, 0, 2)[order]
        cells.imshow(image, aspect="auto", interpolation="nearest")
        cells.set_title(title, fontsize=11)
        curve.plot(entropy.mean(axis=1), "o-", color=_INK, markersize=3.5, linewidth=1.2, clip_on=False)
        curve.set_xlabel("M-steps")
        curve.grid(color="0.9")
        curve.spines[["top", "right"]].set_visible(False)
    panels[1, 0].set_ylabel("entropy (bits)")
    panels[1, 0].set_ylim(bottom=0)
    panels[0, 0].set_ylabel("items" if groups is None else "")
    figure.supxlabel("a row of cells is an item: the colours are components, the paler the less certain", **_NOTE)
    _group_names(panels[0], [] if groups is None else [groups[k] for k in order])
    return written(figure, path)


def _shares(title: str, given: ArrayLike) -> Array:
    shares = np.asarray(given, np.float64)
    if shares.ndim != 3 or not shares.size:
        raise InputError(f"{title}: expected responsibilities (steps, items, components), not of shape {shares.shape}")
    if not ((shares >= 0).all() and np.allclose(shares.sum(axis=2), 1, atol=1e-6)):
        raise InputError(f"{title}: the responsibilities of an item have to be probabilities that sum to 1")
    return shares


def _entropy(shares: Array) -> Array:
    """Return the entropy of the last axis, in bits."""
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.abs((shares * logs).sum(axis=-1))


def _group_names(panels: Sequence[Axes], names: Sequence[str]) -> None:
    """Name the groups, which are sorted, on the left of the first panel, and draw lines between them in all."""
    starts = [k for k, name in enumerate(names) if k == 0 or name != names[k - 1]]
    for axes in panels:
        for start in starts[1:]:
            axes.axhline(start - 0.5, color=_INK, linewidth=0.8)
        axes.tick_params(length=0)
    if starts:
        middles = [(first + last - 1) / 2 for first, last in zip(starts, [*starts[1:], len(names)])]
        panels[0].set_yticks(middles, [names[start] for start in starts], rotation=90, va="center")
