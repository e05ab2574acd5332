"""``emnlp align --prior`` and ``--write-priors``: dictionaries, eflomal's files, earlier models."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from safetensors.numpy import save_file
from test_cli_align import EN, FR, align, expected, folder, model, put  # noqa: F401

from emnlp import IBM1, Aligner, Bitext, Links, Priors
from emnlp.models.recipes import RECIPES, recipe, train

AMBIGUOUS = ("the house\n" * 3, "haus das\n" * 3)
DICTIONARY = "# words\nhouse\thaus\n"


def texts(source=AMBIGUOUS[0], target=AMBIGUOUS[1]):
    return put("a", source), put("b", target)


# What a prior does


LEARNS = [kind for kind in RECIPES if not kind.endswith("logistic")]


@pytest.mark.parametrize("kind", [kind for kind in RECIPES if kind not in LEARNS])
def test_features_take_no_prior(align, kind):
    texts()
    put("d.tsv", DICTIONARY)
    status, out, err = align("a", "b", "--prior", "d.tsv", "--model", kind)
    assert (status, out) == (1, "")
    assert "learns from no prior" in err


@pytest.mark.parametrize("kind", LEARNS)
def test_a_dictionary_decides_what_text_cannot(align, kind):
    texts()
    put("d.tsv", DICTIONARY)
    status, out, err = align("a", "b", "--prior", "d.tsv", "--prior-weight", "20", "--model", kind)
    assert status == 0
    assert "emnlp: 1 of 1 word pairs of the prior occur together in the text" in err
    assert all("1-0" in line.split() and "1-1" not in line.split() for line in out.splitlines())


def test_the_same_as_from_python(align):
    bitext = Bitext.read(EN, FR)
    put("d.tsv", "house\tmaison\nthe\tla\t2\n")
    prior = Priors.read("d.tsv") * 3
    links = train(bitext, recipe("hmm"), prior=prior).predict(bitext)
    status, out, _ = align(EN, FR, "-q", "--prior", "d.tsv", "--prior-weight", "3", "--write-priors", "p")
    assert (status, out) == (0, "".join(line + "\n" for line in links.pharaoh()))
    Priors.from_links(bitext, links).write("q")
    assert Path("p").read_text() == Path("q").read_text()


def test_weights(align, expected):
    put("d.tsv", "house\tla\nhouse\tmaison\t0.1\n")
    for weight, same in (("0", True), ("1e-12", True), ("50", False), ("1e10", False)):
        status, out, err = align(EN, FR, "-q", "--prior", "d.tsv", "--prior-weight", weight)
        assert (status, out == expected, err) == (0, same, "")


@pytest.mark.parametrize("count", ["1e300", "1e-300", "0"])
def test_extreme_counts(align, count):
    texts()
    put("d.tsv", f"house\thaus\t{count}\nthe\tdas\t{count}\n")
    status, out, err = align("a", "b", "-q", "--prior", "d.tsv", "-o", "o")
    assert (status, out, err) == (0, "", "") or (status == 1 and err.startswith("emnlp: "))


def test_lower_case(align):
    texts()
    put("d.tsv", "HOUSE\tHaus\n")
    _, out, err = align("a", "b", "--prior", "d.tsv")
    assert "emnlp: warning: d.tsv: 0 of 1 word pairs" in err
    assert "or --lowercase" in err
    _, lower, err = align("a", "b", "--prior", "d.tsv", "--lowercase")
    assert "1 of 1 word pairs" in err
    assert lower != out
    assert "1-0" in lower.split("\n")[0].split()


def test_compressed_empty_and_piped(align, monkeypatch, expected):
    texts()
    content = DICTIONARY.encode()
    Path("d.tsv.gz").write_bytes(gzip.compress(content))
    _, out, _ = align("a", "b", "-q", "--prior", "d.tsv.gz")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert align("a", "b", "-q", "--prior", "-") == (0, out, "")
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(content))
    writer.start()
    assert align("a", "b", "-q", "--prior", "pipe") == (0, out, "")
    writer.join()
    put("empty", "# nothing\n\n")
    assert align(EN, FR, "-q", "--prior", "empty") == (0, expected, "")


# Models and links as priors


def test_an_earlier_model(align, model, expected):
    texts("the house\n", "maison la\n")
    shutil.copy(model, "m.tsv")  # its content tells what it is
    status, out, err = align("a", "b", "--prior", "m.tsv")
    assert (status, out) == (0, "0-1 1-0\n")
    assert "word pairs of the prior occur together in the text" in err
    prior = Priors.from_model(Aligner.load(model)) * 0.5
    bitext = Bitext.read("a", "b")
    links = train(bitext, recipe("ibm1"), prior=prior).predict(bitext)
    assert align("a", "b", "-q", "--model", "ibm1", "--prior", "m.tsv", "--prior-weight", "0.5")[1] == (
        "\n".join(links.pharaoh()) + "\n"
    )
    IBM1().fit([(["house"], ["maison"])]).save("one")
    assert "1 of 1 word pairs" in align("a", "b", "--prior", "one")[2]


@pytest.mark.parametrize("how", [(), ("--posteriors", "q"), ("--direction", "reverse"), ("--load",)])
def test_links_are_counted_and_read_again(align, model, how):
    how = ("--load", model) if how == ("--load",) else how
    assert align(EN, FR, "-q", *how, "-o", "links", "--write-priors", "p.gz")[0] == 0
    priors = Priors.read("p.gz")
    counted = Priors.from_links(Bitext.read(EN, FR), Links.read("links"))
    assert (priors.lexical, priors.jumps, priors.fertilities) == (counted.lexical, counted.jumps, counted.fertilities)
    status, _, err = align(EN, FR, "-o", "again", "--prior", "p.gz")
    assert status == 0
    assert f"{priors.n_pairs} of {priors.n_pairs} word pairs" in err
    assert "its fertilities are not used" in err


def test_priors_to_standard_output(align):
    status, out, _ = align(EN, FR, "-q", "-o", "links", "--write-priors", "-")
    assert status == 0
    assert Priors.parse(out).n_pairs > 100


# What is refused


@pytest.mark.parametrize(
    "args",
    [
        ("a", "b", "--prior-weight", "2"),
        ("a", "b", "--prior", "d", "--prior-weight", "-1"),
        ("a", "b", "--prior", "d", "--prior-weight", "inf"),
        ("a", "b", "--prior", "d", "--prior-weight", "nan"),
        ("a", "b", "--prior", "d", "--prior-weight", "much"),
        ("a", "b", "--prior", ""),
        ("a", "b", "--prior", "d", "--load", "m"),
        ("a", "b", "--prior", "d", "-o", "d"),
        ("a", "b", "--prior", "d", "--save", "./d"),
        ("a", "b", "--prior", "d", "--write-priors", "d"),
        ("a", "b", "--write-priors", "a"),
        ("a", "b", "--write-priors", "x", "-o", "x"),
        ("a", "b", "--write-priors", "-"),
        ("a", "-", "--prior", "-"),
        ("-", "--load", "m", "--write-priors", "x"),
    ],
    ids=lambda args: " ".join(args),
)
def test_bad_usage(align, args):
    texts()
    put("d", DICTIONARY)
    status, out, err = align(*args)
    assert (status, out) == (2, "")
    assert "--prior-weight" in err or "--prior-weight" not in args or "--prior" in err
    assert (Path("a").read_text(), Path("d").read_text()) == (AMBIGUOUS[0], DICTIONARY)
    assert not Path("x").exists()


def test_a_weight_is_named(align):
    err = align("a", "b", "--prior", "d", "--prior-weight", "-1")[2]
    assert "--prior-weight: invalid weight (at least 0) value: '-1'" in err


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none", None, "none: cannot be read"),
        ("bad", "house\thaus\nhouse\n", "bad:2: expected source TAB target"),
        ("bad", "LEX\ta\tb\t-1\n", "bad:1: '-1' is not a pseudo-count"),
        ("bad", b"a\tb\n\xff\tc\n", "bad:2: not valid UTF-8"),
        ("bad", b"\x10\0\0\0\0\0\0\0{}", "bad: not a model file"),
        (".", None, "cannot be read"),
    ],
)
def test_bad_files(align, name, content, why):
    texts()
    if content is not None:
        put(name, content)
    status, out, err = align("a", "b", "--prior", name, "-o", "out")
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert err.startswith("emnlp: ")
    assert why in err


def test_a_foreign_model(align):
    texts()
    save_file({}, "m")
    assert "not a model of emnlp's" in align("a", "b", "--prior", "m")[2]


@pytest.mark.parametrize("path", [".", "no/folder"])
def test_places_that_cannot_be_written(align, path):
    texts()
    status, out, err = align("a", "b", "--write-priors", path, "-o", "out")
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert "cannot be written" in err
    assert "nats" not in err  # before the training


def test_nothing_is_written_by_a_run_that_fails(align, monkeypatch):
    texts()

    def fail(*_):
        raise OSError(28, "No space left on device", "p")

    monkeypatch.setattr(Priors, "write", fail)
    assert align("a", "b", "-q", "--write-priors", "p", "-o", "out")[0] == 1
    assert not Path("out").exists()
