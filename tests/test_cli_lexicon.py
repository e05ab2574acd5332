"""``emnlp lexicon``: every translation once, in order, in a form that other programs read."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import gzip
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_cli_align import EN, FR, folder, model  # noqa: F401

from emnlp import IBM1, Aligner, Dirichlet, load


@pytest.fixture
def lexicon(command):
    """Run the command; return its status, standard output and standard error."""
    return partial(command, "lexicon")


def rows(text):
    return [(s, t, float(p)) for s, t, p in (line.split("\t") for line in text.splitlines())]


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_all_of_it(lexicon, model, direction):
    part = load(model).directions[direction]
    status, out, err = lexicon(model, "--direction", direction, "--min-p", "0")
    found = rows(out)
    assert (status, err) == (0, "")
    assert len(found) == len(part.factors_["lexical"].support)
    keys = [(s != "NULL", s, -p) for s, _, p in found]
    assert keys == sorted(keys)
    totals = {}
    for s, _, p in found:
        totals[s] = totals.get(s, 0) + p
    np.testing.assert_allclose(list(totals.values()), 1, rtol=1e-4)
    word = part.source_vocabulary_.words[3]
    best = [(t, p) for s, t, p in found if s == word][:3]
    assert best[0][0] == part.translations(word, 1)[0][0]
    assert [p for _, p in best] == pytest.approx([p for _, p in part.translations(word, 3)], rel=1e-5)


def test_pruned_and_by_word(lexicon, model):
    whole = rows(lexicon(model, "--min-p", "0")[1])
    some = rows(lexicon(model, "--min-p", "0.2")[1])
    assert some == [row for row in whole if row[2] >= 0.2]
    by_word = rows(lexicon(model, "--min-p", "0.2", "--order", "word")[1])
    assert by_word == sorted(some, key=lambda row: (row[0] != "NULL", row[:2]))
    assert len(rows(lexicon(model)[1])) == sum(p >= 1e-3 for *_, p in whole)


def test_moses(lexicon, model):
    """A line is 'target source p', so the two directions give lex.f2e and lex.e2f of a French-English system."""
    tsv = rows(lexicon(model, "--min-p", "0.1")[1])
    lines = lexicon(model, "--min-p", "0.1", "--format", "moses")[1].splitlines()
    assert [line.split(" ")[:2] for line in lines] == [[t, s] for s, t, _ in tsv]
    assert all(len(line.split(" ")[2].partition(".")[2]) == 7 for line in lines)


def test_files_and_parts(lexicon, model):
    expected = lexicon(model)[1]
    assert lexicon(model, "-o", "lex.gz")[0] == 0
    assert gzip.decompress(Path("lex.gz").read_bytes()).decode() == expected
    IBM1(lexical=Dirichlet(0.1)).fit([(["a"], ["x"]), (["b"], ["x"])]).save("part")
    assert rows(lexicon("part")[1]) == [("NULL", "x", 1), ("a", "x", 1), ("b", "x", 1)]
    Aligner(forward=None).fit([(["a"], ["x"])]).save("one")
    assert rows(lexicon("one", "--direction", "reverse")[1]) == [("NULL", "a", 1), ("x", "a", 1)]


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("none",), 1, "no such model file"),
        (("text",), 1, "not a model file"),
        (("one",), 1, "this model has no forward direction; it has reverse"),
        (("part", "--direction", "reverse"), 1, "it has one direction, without a name"),
        (("part", "-o", "no/folder"), 1, "cannot be written"),
        (("part", "-o", "part"), 2, "also the input"),
        (("part", "--min-p", "2"), 2, "--min-p"),
        (("part", "--order", "best"), 2, "--order"),
        ((), 2, "MODEL"),
    ],
)
def test_errors(lexicon, args, status, message):
    Path("text").write_text("some text")
    IBM1().fit([(["a"], ["x"])]).save("part")
    Aligner(forward=None).fit([(["a"], ["x"])]).save("one")
    found = lexicon(*args)
    assert found[:2] == (status, "")
    assert message in found[2]


def test_a_closed_pipe(model):
    IBM1(max_iter=0).fit([([f"s{n}" for n in range(200)], [f"t{n}" for n in range(200)])]).save("large")
    command = [sys.executable, "-m", "emnlp", "lexicon", "large", "--min-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
