"""``emnlp align --load MODEL -``: a line back for each line, as they come; the same bytes as for a whole file."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli_align import EN, FR, align, bars, check_posteriors, expected, folder, model, put  # noqa: F401

from emnlp import InputError
from emnlp.corpus.stream import arriving, bitexts

BATCHES = [1, 7, 100, 1 << 20]


class Dripping(io.RawIOBase):
    """A raw stream that gives a few bytes at a time."""

    def __init__(self, content, size):
        self.content, self.size = io.BytesIO(content), size

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.content.read(min(self.size, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def feed(monkeypatch, content, size=1 << 20):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Dripping(content, size), 1)))


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize("content", [b"", b"\n", b"a", b"a\n\nb", b"a b\nc d\n\n"])
def test_every_line_arrives_once(content, size):
    found = [line for lines in arriving(io.BufferedReader(Dripping(content, size), 1)) for line in lines]
    assert found == content.removesuffix(b"\n").split(b"\n") if content else not found


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.removesuffix(b"\n"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b" ||| ", b"\t"),
        lambda text: b"\xef\xbb\xbf" + text,
    ],
    ids=["plain", "no final newline", "crlf", "tab", "bom"],
)
def test_a_stream_gives_what_a_file_gives(align, monkeypatch, model, expected, size, change):
    feed(monkeypatch, change(bars()), size)
    assert align("-", "-q", "--load", model) == (0, expected, "")


def test_posteriors_and_scores_of_a_stream(align, monkeypatch, model):
    put("x", b"\n" + bars())
    outputs = ("-q", "--load", model, "-o", "o", "--posteriors", "p", "--scores", "s")
    assert align("x", *outputs)[0] == 0
    files = [Path(name).read_bytes() for name in "ops"]
    feed(monkeypatch, b"\n" + bars(), 300)
    status, _, err = align("-", *outputs)
    assert (status, [Path(name).read_bytes() for name in "ops"]) == (0, files)
    assert "1 pair is blank on a side, first <stdin>:1; no links there" in err
    check_posteriors("p", 65)


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"no separator", "no '|||'"),
        (b"a ||| b ||| c", "more than one '|||'"),
        (b"a ||| \xff", "not valid UTF-8"),
        (b"a ||| \0", "a NUL byte"),
    ],
)
def test_a_bad_line_is_named_and_those_before_it_are_answered(align, monkeypatch, model, expected, size, line, what):
    lines = bars().splitlines()
    feed(monkeypatch, b"\n".join([*lines[:5], line, *lines[5:]]), size)
    status, out, err = align("-", "-q", "--load", model)
    assert (status, out) == (1, "".join(expected.splitlines(keepends=True)[:5]))
    assert err.startswith(f"emnlp: <stdin>:6: {what}")


def test_the_first_line_decides_on_the_separator():
    def pairs(content, size):
        stream = io.BufferedReader(Dripping(content, size), 1)
        return [pair for each in bitexts(stream, "x") for pair in each]

    for size in BATCHES:
        assert pairs(b"\n\na\tb ||| c\nd ||| e\n", size)[2:] == [(["a", "b"], ["c"]), (["d"], ["e"])]
        for content, error in {b"\na\tb\nc ||| d\n": r"x:3: no '\\t'", b"a\nb\n": "x:1: neither"}.items():
            with pytest.raises(InputError, match=error):
                pairs(content, size)


def test_long_pairs_and_lower_case(align, monkeypatch, tmp_path):
    assert align(EN, FR, "-q", "--lowercase", "--max-length", "12", "--save", "m", "-o", "o")[0] == 0
    long = b"THE HOUSE " * 13 + b"|||" + b" LA MAISON" * 13
    feed(monkeypatch, b"THE HOUSE ||| LA MAISON\n" + long + b"\nthe house ||| la maison\n")
    status, out, err = align("-", "--load", "m")
    lines = out.split("\n")
    assert (status, len(lines), lines[3]) == (0, 4, "")
    assert lines[0] == lines[2] != ""
    points = [tuple(map(int, link.split("-"))) for link in lines[1].split()]
    assert {(i, i) for i in range(26)} <= set(points)
    assert "1 pair is longer than 12 tokens, first <stdin>:2; such pairs are aligned in pieces of at most 12" in err


def test_a_co_process(model, expected):
    command = [sys.executable, "-m", "emnlp", "align", "--load", str(model), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for line, links in zip(bars().splitlines(keepends=True)[:5], expected.splitlines(keepends=True)):
            os.write(process.stdin.fileno(), line)
            assert process.stdout.readline().decode() == links  # waits for ever if the command waits for more
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"aligned 5 pairs" in err


def test_a_reader_that_has_gone(model):
    command = [sys.executable, "-m", "emnlp", "align", "--load", str(model), "-q", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(bars())
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
