import struct
import sys

import numpy as np
import pytest

from emnlp.errors import InputError
from emnlp.learners import Trace
from emnlp.report import alignment_matrix, learning_curve

pytest.importorskip("matplotlib")

GREEK = ["Ἐν", "ἀρχῇ", "ἦν", "ὁ", "λόγος"]
ENGLISH = ["In", "the", "beginning", "was", "the", "Word"]
POSTERIOR = np.linspace(0, 1, len(GREEK) * len(ENGLISH)).reshape(len(GREEK), len(ENGLISH))


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:])


def legend(figure):
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def test_picture_of_a_pair(tmp_path):
    path = tmp_path / "pair.png"
    figure = alignment_matrix(POSTERIOR, GREEK, ENGLISH, [(0, 0), (4, 5)], ([(0, 0)], [(0, 0), (1, 1)]), path)
    width, height = png_size(path)
    assert 300 < height < width < 1500
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == GREEK
    assert [label.get_text() for label in axes.get_xticklabels()] == ENGLISH
    np.testing.assert_array_equal(axes.images[0].get_array(), POSTERIOR)
    assert legend(figure) == ["link", "Sure in gold", "Possible in gold"]
    link, sure, possible = (np.asarray(marks.get_offsets()).tolist() for marks in axes.collections)
    assert (link, sure, possible) == ([[0, 0], [5, 4]], [[0, 0]], [[1, 1]])  # x is the target


@pytest.mark.parametrize(("suffix", "head"), [(".pdf", b"%PDF"), (".svg", b"<?xml"), (".PNG", b"\x89PNG")])
def test_the_suffix_is_the_format(tmp_path, suffix, head):
    alignment_matrix(POSTERIOR, GREEK, ENGLISH, path=tmp_path / f"pair{suffix}")
    assert (tmp_path / f"pair{suffix}").read_bytes().startswith(head)


def test_only_marks_that_occur_are_in_the_legend():
    assert legend(alignment_matrix(POSTERIOR, GREEK, ENGLISH)) == []
    assert legend(alignment_matrix(POSTERIOR, GREEK, ENGLISH, [], ([(0, 0)], [(0, 0)]))) == ["Sure in gold"]


@pytest.mark.parametrize("shape", [(1, 1), (40, 40), (1, 40), (200, 3)])
def test_any_size_is_drawn(tmp_path, shape):
    path = tmp_path / "pair.png"
    source, target = (["word"] * n for n in shape)
    alignment_matrix(np.full(shape, 0.5), source, target, [(0, 0)], path=path)
    assert all(100 < pixels < 4000 for pixels in png_size(path))


def test_tokens_are_not_read_as_formulas(tmp_path):
    figure = alignment_matrix([[0.5, 0.5]], ["x" * 100], ["$5_{", "and $6"], path=tmp_path / "pair.png")
    assert figure.axes[0].get_xticklabels()[0].get_text() == "$5_{"
    assert len(figure.axes[0].get_yticklabels()[0].get_text()) < 30


def test_no_pyplot_state(tmp_path):
    before = set(sys.modules)
    alignment_matrix(POSTERIOR, GREEK, ENGLISH, path=tmp_path / "pair.png")
    assert "matplotlib.pyplot" not in set(sys.modules) - before


@pytest.mark.parametrize(
    ("posterior", "links", "gold", "words"),
    [
        (POSTERIOR.T, None, None, r"shape \(6, 5\), but the tokens are 5 and 6$"),
        (np.zeros((6, 6)), None, None, r"leave out the row of NULL: posterior\[1:\]"),
        (POSTERIOR.ravel(), None, None, "shape"),
        (POSTERIOR + 1, None, None, "not a probability"),
        (POSTERIOR * np.nan, None, None, "not a probability"),
        (POSTERIOR, [(0, 0), (5, 0)], None, r"link: \(5, 0\) is beyond 5 and 6 tokens"),
        (POSTERIOR, [(0, -1)], None, r"link: \(0, -1\) is beyond"),
        (POSTERIOR, None, ([(0, 6)], []), "Sure in gold: .0, 6. is beyond"),
        (POSTERIOR, None, ([], [(0, 6)]), "Possible in gold: .0, 6. is beyond"),
    ],
)
def test_what_does_not_fit(posterior, links, gold, words):
    with pytest.raises(InputError, match=words):
        alignment_matrix(posterior, GREEK, ENGLISH, links, gold)


def test_an_empty_side():
    with pytest.raises(InputError, match="nothing to draw"):
        alignment_matrix(np.zeros((0, 2)), [], ["la", "maison"])


@pytest.mark.parametrize("name", ["pair", "pair.docx", "nowhere/pair.png"])
def test_files_that_cannot_be_written(tmp_path, name):
    with pytest.raises(InputError, match="suffix" if "/" not in name else "cannot be written"):
        alignment_matrix(POSTERIOR, GREEK, ENGLISH, path=tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"] + ["matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'emnlp\[plot\]'"):
        alignment_matrix(POSTERIOR, GREEK, ENGLISH)
    with pytest.raises(InputError, match=r"pip install 'emnlp\[plot\]'"):
        learning_curve(Trace([-2.0], n_items=1))


def test_learning_curve(tmp_path):
    path = tmp_path / "curve.png"
    figure = learning_curve(Trace([-8.0, -6.0, -5.0], n_items=2), path)
    assert all(300 < pixels < 1500 for pixels in png_size(path))
    (line,) = figure.axes[0].lines
    assert np.transpose(line.get_data()).tolist() == [[0, -4], [1, -3], [2, -2.5]]
    assert "nats" in figure.axes[0].get_ylabel()


@pytest.mark.parametrize("trace", [Trace(), Trace([-1.0])])
def test_an_empty_trace(trace):
    with pytest.raises(InputError, match="fit the model first"):
        learning_curve(trace)
