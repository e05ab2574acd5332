"""``emnlp align``: which models it trains, what their options do, and what comes out of them."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

from pathlib import Path

import pytest
from test_cli_align import EN, FR, LINES, align, check_posteriors, expected, folder, model, put  # noqa: F401

from emnlp import Agreement, load
from emnlp.models.recipes import RECIPES
from emnlp.symmetrize import HEURISTICS, METHODS, POSTERIOR


@pytest.mark.parametrize("symmetrize", METHODS)
@pytest.mark.parametrize("direction", ["both", "forward", "reverse"])
def test_methods_and_directions(align, symmetrize, direction, model):
    options = ("-q", "--symmetrize", symmetrize, "--direction", direction)
    if direction != "both" and symmetrize in HEURISTICS:
        assert align(EN, FR, *options, "--load", model)[0] == 2
        return
    thresholds = ("0", "1") if symmetrize in POSTERIOR else (None,)
    for threshold in thresholds:
        given = () if threshold is None else ("--threshold", threshold)
        assert align(EN, FR, *options, "--load", model, *given, "-o", "o", "--posteriors", "p")[0] == 0
        assert len(Path("o").read_text().splitlines()) == LINES
        check_posteriors("p", LINES)


@pytest.mark.parametrize(
    ("kind", "alpha"), [*((kind, "0") for kind in RECIPES), ("ibm1", "0.0005"), ("ibm2", "1"), ("hmm", "0.01")]
)
@pytest.mark.parametrize("direction", ["both", "forward", "reverse"])
def test_threads_and_load_give_the_same_bytes(align, kind, alpha, direction):
    train = ("--model", kind, "--alpha", alpha, "--direction", direction, "--iterations", "3")
    for n in ("1", "2"):
        outputs = ("-o", f"o{n}", "--posteriors", f"p{n}", "--scores", f"s{n}", "--save", f"m{n}", "--threads", n)
        assert align(EN, FR, "-q", *train, *outputs)[0] == 0
    assert align(EN, FR, "-q", "--load", "m1", "-o", "o3", "--posteriors", "p3", "--scores", "s3")[0] == 0
    for name in "ops":
        assert Path(f"{name}1").read_bytes() == Path(f"{name}2").read_bytes() == Path(f"{name}3").read_bytes()
    check_posteriors("p1", LINES)


def test_threads_give_the_same_model_file(align):
    for n in ("1", "2"):
        assert align(EN, FR, "-q", "-o", "o", "--save", f"m{n}", "--threads", n)[0] == 0
    assert Path("m1").read_bytes() == Path("m2").read_bytes()


def test_the_default_is_an_hmm_with_agreement(align, expected):
    put("a", EN.read_bytes())
    status, out, err = align(EN, FR, "--save", "m")
    assert (status, out) == (0, expected)
    aligner = load("m")
    assert isinstance(aligner, Agreement)
    assert (aligner.symmetrize, aligner.threshold, aligner.rounds) == ("product-grow", 0.5, 1)
    lines = [line.split(" nats")[0].rsplit(" ", 1)[0] for line in err.splitlines()]
    assert lines[2:4] == ["emnlp: IBM1:", "emnlp: HMMAligner with agreement:"]


def test_options_reach_every_model_of_the_chain(align):
    fast = ("--fast", "--iterations", "2", "--rounds", "1", "--threshold", "0.6", "--symmetrize", "mean")
    _, _, err = align(EN, FR, *fast, "--init", "random", "--seed", "3", "--lowercase", "-o", "o", "--save", "m")
    assert err.count("max_iter: 2 M-steps done") == 2
    aligner = load("m")
    assert (aligner.rounds, aligner.threshold, aligner.symmetrize) == (1, 0.6, "mean")
    assert (aligner.random_state, aligner.lowercase_) == (3, True)
    assert align(EN, FR, "--direction", "reverse", "-o", "o", "--save", "m")[0] == 0
    assert list(load("m").directions) == ["reverse"]


def test_a_loaded_model_takes_other_settings(align, model, expected):
    options = ("-q", "--load", model, "-o", "o")
    outputs = []
    for other in ((), ("--threshold", "0.9"), ("--rounds", "0"), ("--symmetrize", "union"), ("--direction", "forward")):
        assert align(EN, FR, *options, *other)[0] == 0
        outputs.append(Path("o").read_text())
    assert outputs[0] == expected
    assert len(set(outputs)) == 5
    assert align(EN, FR, *options, "--direction", "forward", "--rounds", "1")[0] == 1
    assert align(EN, FR, *options, "--symmetrize", "union", "--threshold", "0.5")[0] == 1


def test_scores(align, model):
    put("a", "the house\n\na house\n")
    put("b", "la maison\nx\nune maison\n")
    assert align("a", "b", "-q", "--load", model, "-o", "o", "--scores", "s")[0] == 0
    lines = [line.split("\t") for line in Path("s").read_text().splitlines()]
    assert lines[1] == ["-", "-"]
    for n in (0, 2):
        assert float(lines[n][0]) / 4 == pytest.approx(float(lines[n][1]), abs=1e-4)
    bitext = [(["the", "house"], ["la", "maison"]), (["a", "house"], ["une", "maison"])]
    assert sum(float(lines[n][0]) for n in (0, 2)) / 2 == pytest.approx(load(model).score(bitext), abs=1e-4)
