import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from emnlp import GaussianMixture
from emnlp.errors import InputError
from emnlp.report.mixtures import Bound, bound_curves, ellipse, gaussian_grid, mixture_colours, responsibility_map

pytest.importorskip("matplotlib")

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
POINTS = np.random.default_rng(0).normal([[0, 0]] * 60 + [[5, 5]] * 30)
THETA = np.linspace(-2, 2, 9)
TOUCHING = Bound(at=-1.0, values=-1.0 - (THETA - 0.5) ** 2, best=0.5, height=-1.0)


def test_an_ellipse_is_where_the_distance_is_one_deviation():
    covariance = np.array([[3.0, 1.2], [1.2, 0.8]])
    around = ellipse([2, -1], covariance, 1.5) - [2, -1]
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", around, np.linalg.inv(covariance), around), 1.5**2)


def test_colours():
    assert len(np.unique(mixture_colours(12), axis=0)) == 12
    np.testing.assert_array_equal(mixture_colours(14)[12:], mixture_colours(2))


def test_points_have_the_colours_of_their_components(tmp_path):
    models = [GaussianMixture(2, max_iter=t).fit(POINTS) for t in (0, 1, 5)]
    figure = gaussian_grid(POINTS, [models, models[:1]], tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    axes = figure.axes[2]
    drawn = axes.collections[0].get_facecolors()[:, :3]
    np.testing.assert_allclose(drawn, models[2].predict_proba(POINTS) @ mixture_colours(2))
    assert axes.get_title() == f"5 M-steps: \N{MINUS SIGN}{-models[2].score(POINTS):.3f}"
    inner = np.transpose(axes.lines[0].get_data())
    np.testing.assert_allclose(inner[:-1].mean(axis=0), models[2].means_[0], atol=1e-9)
    given = GaussianMixture.given([1], [[2, 2]], [np.eye(2)])
    assert gaussian_grid(POINTS, [[given]]).axes[0].get_title().startswith("start: ")
    assert [each.axison for each in figure.axes] == [True] * 4 + [False] * 2


def test_bounds_are_drawn_where_they_are(tmp_path):
    figure = bound_curves(THETA, -(THETA**2), [TOUCHING], tmp_path / "bound.svg", "weight")
    axes = figure.axes[0]
    curve, values, lift, dot, top = (np.transpose(line.get_data()).tolist() for line in axes.lines)
    assert curve == np.column_stack([THETA, -(THETA**2)]).tolist()
    assert values == np.column_stack([THETA, TOUCHING.values]).tolist()
    assert (dot, top, lift) == ([[-1, -1]], [[0.5, -1]], [[0.5, -1], [0.5, -0.25]])
    assert axes.get_xlabel() == "weight"


def test_certain_cells_are_bright_and_doubtful_ones_pale():
    shares = np.array([[[0.5, 0.5], [0.5, 0.5], [1, 0]], [[1, 0], [0, 1], [1, 0]]])
    figure = responsibility_map({"one": shares, "two": shares[:1]}, ["b", "a", "b"])
    cells = np.asarray(figure.axes[0].images[0].get_array())  # rows by group
    assert cells.shape == (3, 2, 3)
    np.testing.assert_allclose(cells[:, 1], mixture_colours(2)[[1, 0, 0]])
    assert (cells[:2, 0] > 0.9).all()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    np.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), [2 / 3, 0])


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: gaussian_grid(np.zeros((3, 3)), [[]]), "3 dimensions; only those of the plane"),
        (lambda: gaussian_grid(POINTS, []), "no mixture to draw"),
        (lambda: gaussian_grid(POINTS, [[]]), "a row of panels is empty"),
        (lambda: bound_curves(THETA, THETA[1:], [TOUCHING]), "a value for each theta"),
        (lambda: bound_curves(THETA, THETA, [TOUCHING._replace(values=THETA[1:])]), "a value for each theta"),
        (lambda: bound_curves(THETA, THETA, []), "no bound to draw"),
        (lambda: responsibility_map({}), "one run at least"),
        (lambda: responsibility_map({"EM": np.full((1, 2, 2), 0.5)}, ["a"]), r"as many items everywhere, not \[1, 2\]"),
        (lambda: responsibility_map({"EM": np.full((2, 2), 0.5)}), "EM: expected responsibilities"),
        (lambda: responsibility_map({"EM": np.full((1, 2, 2), 0.6)}), "EM: .*sum to 1"),
        (lambda: responsibility_map({"EM": np.full((1, 2, 2), np.nan)}), "EM: .*sum to 1"),
    ],
)
def test_what_does_not_fit(draw, words):
    with pytest.raises(InputError, match=words):
        draw()


@pytest.mark.parametrize(
    ("name", "words"),
    [("ellipses", "the truth has"), ("bound", "every bound lies below L"), ("responsibilities", "annealed EM")],
)
def test_the_scripts_draw(name, words, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location(f"picture_{name}", EXPERIMENTS / f"picture_{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = tmp_path / f"{name}.png"
    monkeypatch.setattr(sys, "argv", [name, "-o", str(path)])
    script.main()
    assert path.read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert words in out
    assert out.count("\n") == 1
