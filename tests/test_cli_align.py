"""``emnlp align`` on bad input: an error that names the place, or links line for line, no traceback."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from functools import partial
from pathlib import Path

import pytest

from emnlp.cli import align as cli_align
from emnlp.cli import main
from emnlp.models.recipes import RECIPES
from emnlp.symmetrize import METHODS

SAMPLE = Path(__file__).parent.parent / "corpora" / "sample_en_fr"
EN, FR = (SAMPLE / f"train.{side}" for side in ("en", "fr"))
LINES = len(EN.read_bytes().splitlines())
PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, in which no temporary file may be left."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def align(command):
    """Run the command; return its status, standard output and standard error."""
    return partial(command, "align")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    assert main(["align", str(EN), str(FR), "-q", "--save", str(path), "-o", str(path) + ".links"]) == 0
    return path


@pytest.fixture(scope="module")
def expected(model):
    return Path(f"{model}.links").read_text()


def put(name, content):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def bars():
    pairs = zip(EN.read_text().splitlines(), FR.read_text().splitlines())
    return "".join(f"{en} ||| {fr}\n" for en, fr in pairs).encode()


def check_posteriors(path, n):
    def never(constant):
        raise AssertionError(constant)

    lines = [json.loads(line, parse_constant=never) for line in Path(path).read_text().splitlines()]
    assert [line["line"] for line in lines] == list(range(1, n + 1))
    for line in lines:
        ps = [p for *_, p in line["links"]] + line["null_source"] + line["null_target"]
        assert all(0 <= p <= 1 for p in ps)


# What works


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.removesuffix(b"\n"),
        lambda text: text.replace(b" ", b" \t\x0b "),
    ],
    ids=["plain", "crlf", "bom", "no final newline", "white space"],
)
def test_same_text_same_links(align, change, expected):
    put("a", change(EN.read_bytes()))
    put("b", change(FR.read_bytes()))
    assert align("a", "b", "-q") == (0, expected, "")


@pytest.mark.parametrize("separator", [b" ||| ", b"\t", b"|||"])
def test_one_file(align, separator, expected):
    put("both", b"\n".join(line.replace(b" ||| ", separator) for line in bars().split(b"\n")))
    assert align("both", "-q") == (0, expected, "")


@pytest.mark.parametrize("args", [("-",), ("-", FR)])
def test_stdin(align, monkeypatch, args, expected):
    content = bars() if args == ("-",) else EN.read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert align(*args, "-q", "-o", "-") == (0, expected, "")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_compressed(align, suffix, expected, folder):
    put("a" + suffix, PACKERS[suffix](bars()))
    assert align("a" + suffix, "-q", "-o", "out" + suffix)[0] == 0
    opened = {".gz": gzip, ".bz2": bz2, ".xz": lzma}[suffix].open("out" + suffix, "rt")
    with opened as stream:
        assert stream.read() == expected


def test_blank_and_long_pairs_keep_their_lines(align):
    long = " ".join(f"w{n}" for n in range(10_000))
    put("a", f"a b\n\n   \nx\n{long}\na b a a\n{'y' * 1_000_000}\n")
    put("b", "c d\nz\n\n\t\nz\nc d c\nz")
    status, _, err = align("a", "b", "-q", "-o", "links", "--posteriors", "p")
    assert status == 0
    lines = Path("links").read_text().split("\n")
    assert [bool(line) for line in lines] == [True, False, False, False, bool(lines[4]), True, bool(lines[6]), False]
    assert "3 pairs are blank on a side, first a:2;" in err
    assert "1 pair is longer than 200 tokens, first a:5; such pairs train nothing, and are aligned in pieces" in err
    check_posteriors("p", 7)


@pytest.mark.parametrize("content", ["", "\n\n\n", "a\u00a0b \u2028 \u0085 c\x1c\n\U0001f600 \u200b\n", "a\rb"])
def test_load_on_odd_text(align, content, model):
    put("a", content)
    status, out, _ = align("a", "a", "-q", "--load", model, "--posteriors", "p")
    assert (status, out.count("\n")) == (0, len(content.removesuffix("\n").split("\n")) if content else 0)
    check_posteriors("p", out.count("\n"))


@pytest.mark.parametrize("alpha", ["1e-300", "1e-10", "1e6", "1e10"])
def test_alphas_that_work(align, alpha):
    assert align(EN, FR, "-q", "--alpha", alpha, "-o", "o", "--posteriors", "p")[0] == 0
    check_posteriors("p", LINES)


def test_no_iterations(align):
    assert align(EN, FR, "-q", "--iterations", "0")[1].count("\n") == LINES


# Bad input: status 1, a message that names the place, and no output


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a ||| b\nno separator\n", "x:2: no '|||'"),
        (b"a\tb\n\nno separator\n", "x:3: no '\\t'"),
        (b"no separator\n", "x:1: neither"),
        (b"a ||| b\nc ||| \xff\n", "x:2: not valid UTF-8"),
        (b"a ||| b\nc ||| d\0\n", "x:2: a NUL byte"),
        ("a ||| b".encode("utf-16"), "x:1: "),
        (b"", "nothing to learn"),
        (b"\n ||| \n|||\n", "nothing to learn"),
    ],
)
def test_bad_bitext(align, content, place):
    put("x", content)
    status, out, err = align("x", "-o", "out")
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert place in err


def test_different_lengths(align):
    put("short", "a\nb\n")
    status, _, err = align("short", FR, "-o", "out")
    assert (status, Path("out").exists()) == (1, False)
    assert f"short has 2 lines and {FR} has {LINES}" in err


@pytest.mark.parametrize("suffix", [*PACKERS, ".zst"])
@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_truncated_archive(align, suffix, keep, model):
    packers = PACKERS
    if suffix == ".zst":
        packers = {".zst": pytest.importorskip("zstandard").ZstdCompressor().compress}
    packed = packers[suffix](bars())
    put("x" + suffix, packed[: int(keep * len(packed))])
    assert align("x" + suffix, "-q", "--load", model, "-o", "out")[0] == 1


@pytest.mark.parametrize("suffix", PACKERS)
def test_wrong_suffix(align, suffix):
    put("x" + suffix, bars())
    assert align("x" + suffix)[0] == 1


LONG, LOOP = "a" * 300, "loop"


@pytest.mark.parametrize(
    "args",
    [
        ("none", FR),
        (".", FR),
        (EN, FR, "--load", "none"),
        (EN, FR, "--load", "."),
        (EN, FR, "-o", "."),
        (EN, FR, "-o", "no/folder"),
        (EN, FR, "--posteriors", "no/folder"),
        (EN, FR, "-o", "out", "--save", "no/folder"),
        (EN, FR, "-o", "out", "--save", "."),
        (LONG, FR),
        (LOOP, FR),
        (EN, FR, "-o", LONG),
        (EN, FR, "--load", LONG),
        (EN, FR, "-o", LOOP),
        (EN, FR, "-o", "out", "--save", LOOP),
        (EN, FR, "-o", "out", "--max-length", 10**30),
    ],
    ids=str,
)
def test_bad_paths_and_sizes(align, args):
    Path(LOOP).symlink_to(LOOP)
    status, out, err = align(*args)
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert err.startswith("emnlp: ")


@pytest.mark.parametrize(
    "args",
    [
        (),
        (EN, FR, "--iterations", "-1"),
        (EN, FR, "--alpha", "inf"),
        (EN, FR, "--threshold", "2"),
        (EN, FR, "--max-length", "0"),
        (EN, FR, "--seed", "1"),
        (EN, FR, "--fast", "--model", "hmm"),
        (EN, FR, "--model", "ibm2", "--threshold", "0.5"),
        (EN, FR, "--model", "ibm2", "--rounds", "1"),
        (EN, FR, "--direction", "forward", "--rounds", "1"),
        (EN, FR, "--scores", "-"),
        (EN, FR, "--load", "m", "--alpha", "1"),
        (EN, FR, "--posteriors", "-"),
        (EN, FR, "-o", EN),
        (EN, FR, "-o", "x", "--save", "x"),
        (EN, FR, "--load", ""),
        (EN, FR, "-o", "x", "--save", ""),
    ],
)
def test_bad_usage(align, args):
    before = EN.read_bytes()
    assert align(*args)[0] == 2
    assert EN.read_bytes() == before


def test_the_help_names_every_method():
    """The command has them written out, because `emnlp --help` does not wait for NumPy."""
    assert cli_align.METHODS == METHODS
    assert tuple(RECIPES) == cli_align.MODELS
