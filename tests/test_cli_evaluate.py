import argparse
import io
import json
import subprocess
import sys

import pytest

import emnlp
from emnlp import cli
from emnlp.cli import evaluate


@pytest.fixture(autouse=True)
def _only_evaluate(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", ("evaluate",))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three pairs: A = {00 11}, {}, {01}; S = {00}, {00}, {}; P = S + {11}, {}, {01}."""
    monkeypatch.chdir(tmp_path)
    files = {
        "dev.links": "0-0 1-1\n\n0-1\n",
        "dev.gold": "0-0 1?1\n0-0\n0p1\n",
        "dev.gold1": "1-1 2?2\n1-1\n1p2\n",
        "dev.wa": "0001 1 1 S\n0001 2 2 P\n0002 1 1\n0003 1 2 P\n",
        "dev.en": "a b\na\na\n",
        "dev.fr": "A B\nA\nA B\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(capsys, *args):
    """Run ``emnlp evaluate align`` and return its status, standard output and standard error."""
    status = cli.main(["evaluate", "align", *map(str, args)])
    return status, *capsys.readouterr()


SIGNATURE = (
    "AER 20.00 | P 100.00 | R 50.00 | F1 66.67 | pairs 3 | links 3 | sure 2 | possible 4 | "
    f"gold dev.gold | base 0 | lines all | emnlp {emnlp.__version__}"
)


def test_table_and_signature(folder, capsys):
    status, out, err = run(capsys, "dev.links", "dev.gold")
    assert (status, err) == (0, "")
    table, signature = out.rsplit("\n\n", 1)
    assert [line.split() for line in table.splitlines()] == [
        ["AER", "P", "R", "F1"],
        ["20.00", "100.00", "50.00", "66.67"],
    ]
    assert signature == SIGNATURE + "\n"


def test_json(folder, capsys):
    scores = json.loads(run(capsys, "dev.links", "dev.gold", "--json")[1])
    assert (scores["aer"], scores["precision"], scores["recall"]) == pytest.approx((0.2, 1, 0.5))
    assert (scores["n_pairs"], scores["hits_possible"], scores["lines"]) == (3, 3, "all")
    assert scores["signature"] == SIGNATURE


@pytest.mark.parametrize("options", [["dev.gold1", "--base", "1"], ["dev.wa"], ["dev.wa", "--base", "1"]])
def test_every_form_scores_alike(folder, capsys, options):
    status, out, _ = run(capsys, "dev.links", *options)
    assert status == 0
    assert out.splitlines()[-1].startswith("AER 20.00 | P 100.00 | R 50.00 | F1 66.67 | pairs 3 | links 3 | sure 2")
    assert "| base 1 |" in out


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        ("0::2", "pairs 2 | links 3 | sure 1 | possible 3"),
        ("1::8", "pairs 1 | links 0 | sure 1 | possible 1"),
        (":2", "pairs 2 | links 2 | sure 2 | possible 3"),
        ("0:3:2", "pairs 2 | links 3 | sure 1 | possible 3"),
    ],
)
def test_lines(folder, capsys, lines, counts):
    out = run(capsys, "dev.links", "dev.gold", "--lines", lines)[1]
    assert f"| {counts} |" in out
    assert f"| lines {lines} |" in out


def test_links_from_standard_input(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"0-0 1-1\n\n0-1\n")))
    assert run(capsys, "-", "dev.gold")[1].endswith(SIGNATURE + "\n")


def test_positions_that_fit_the_sentences(folder, capsys):
    assert run(capsys, "dev.links", "dev.gold", "--source", "dev.en", "--target", "dev.fr")[0] == 0
    assert run(capsys, "dev.links", "dev.wa", "--target", "dev.fr")[0] == 0


def test_the_sentences_say_how_many_pairs_a_wa_file_has(folder, capsys):
    (folder / "dev.wa").write_text("0001 1 1\n")
    status, _, err = run(capsys, "dev.links", "dev.wa")
    assert status == 1
    assert "dev.links has 3 lines, but dev.wa has 1 sentence pairs" in err
    assert "--source" in err
    assert "| pairs 3 |" in run(capsys, "dev.links", "dev.wa", "--source", "dev.en")[1]


def test_tokens_are_separated_by_ascii_white_space_alone(folder, capsys):
    (folder / "dev.en").write_text("a\u00a0b\na\na\n", encoding="utf-8")
    status, _, err = run(capsys, "dev.links", "dev.gold", "--source", "dev.en")
    assert status == 1
    assert "dev.gold:1: position 1 of a source sentence of 1 words" in err


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, ["none", "dev.gold"], "none: cannot be read"),
        ({"dev.links": "0-0\n0_0\n"}, ["dev.links", "dev.gold"], "dev.links:2: '0_0' is not a link"),
        ({"dev.gold": "0-0\n0_0\n"}, ["dev.links", "dev.gold"], "dev.gold:2: '0_0' is not a gold link"),
        ({}, ["dev.links", "dev.gold", "--base", "1"], "dev.gold:1: position 0 in '0-0'"),
        ({}, ["dev.links", "dev.gold", "--lines", "9::2"], "--lines 9::2 selects none of the lines of dev.links"),
        ({"dev.links": "\n" * 9}, ["dev.links", "dev.gold"],
         "dev.links has 9 lines, but dev.gold has 3 sentence pairs; keep only the lines that have gold"),
        ({"dev.links": "\n"}, ["dev.links", "dev.gold"],
         "dev.links has 1 lines, but dev.gold has 3 sentence pairs; were"),
        ({}, ["dev.links", "dev.gold1", "--source", "dev.en", "--target", "dev.fr"],
         "dev.gold1:1: position 2 of a source sentence of 2 words; is the file 1-based? --base 1"),
        ({"dev.links": "1-1 2-2\n1-1\n1-2\n"}, ["dev.links", "dev.gold", "--source", "dev.en", "--target", "dev.fr"],
         "dev.links:1: position 2 of a source sentence of 2 words; is the file 1-based? LINKS has to be 0-based"),
        ({}, ["dev.links", "dev.gold", "--source", "dev.fr", "--target", "dev.en"],
         "dev.gold:3: position 1 of a target sentence of 1 words; are source and target exchanged?"),
        ({"dev.en": "a b\n"}, ["dev.links", "dev.gold", "--source", "dev.en"],
         "dev.gold: 3 lines, but 1 sentence pairs"),
        ({"dev.fr": ""}, ["dev.links", "dev.gold", "--source", "dev.en", "--target", "dev.fr"],
         "dev.gold: 3 sentence pairs, but 0 target sentences"),
        ({}, ["-", "dev.gold", "--source", "-"], "more than one file is '-'"),
    ],
)  # fmt: skip
def test_bad_input_says_what_and_where(folder, capsys, files, options, message):
    for name, text in files.items():
        (folder / name).write_text(text)
    status, out, err = run(capsys, *options)
    assert (status, out) == (1, "")
    assert f"emnlp: {message}" in err
    assert err.count("\n") == 1


def test_a_doubt_about_the_base_is_told_plainly(folder, capsys):
    (folder / "dev.links").write_text("1-1\n" * 20)
    status, out, err = run(capsys, "dev.links", "dev.links")
    assert (status, "| pairs 20 |" in out) == (0, True)
    assert err.startswith("emnlp: warning: dev.links: no position 0 in 20 pairs")
    assert err.count("\n") == 1


@pytest.mark.parametrize("lines", ["3", "a::2", "::0", "0:1:2:3", "-1::2", ""])
def test_bad_lines_are_bad_usage(folder, capsys, lines):
    with pytest.raises(SystemExit) as stopped:
        run(capsys, "dev.links", "dev.gold", f"--lines={lines}")
    assert stopped.value.code == 2
    assert "--lines" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["evaluate"], ["evaluate", "align"], ["evaluate", "align", "a", "b", "--base", "2"]])
def test_bad_usage(capsys, args):
    with pytest.raises(SystemExit) as stopped:
        cli.main(args)
    assert stopped.value.code == 2


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["evaluate", "align", "--help"])
    assert stopped.value.code == 0
    assert "emnlp evaluate align dev.links dev.gold" in capsys.readouterr().out


def test_the_parser_needs_nothing_heavy():
    code = (
        "import argparse, sys; from emnlp.cli import evaluate; "
        "evaluate.add(argparse.ArgumentParser().add_subparsers()); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_add_sets_run():
    top = argparse.ArgumentParser()
    evaluate.add(top.add_subparsers())
    assert callable(top.parse_args(["evaluate", "align", "a", "b"]).run)
