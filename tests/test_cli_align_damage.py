"""``emnlp align`` with damaged models, signals and closed pipes; and the same promises from Python."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from test_cli_align import EN, FR, LINES, align, check_posteriors, expected, folder, model, put  # noqa: F401

from emnlp import IBM1, Aligner, Bitext, InputError

# Words without probability, and special files


@pytest.mark.parametrize(
    "options",
    [
        ("--model", "ibm1", "--alpha", "0.0005"),
        ("--model", "ibm2", "--iterations", "3000"),
        ("--alpha", "0.0005"),
        ("--iterations", "100"),
    ],
)
def test_known_words_of_probability_zero(align, options):
    put("a", "a b\na c\na a a\n")
    put("b", "x y\nx z\nx x x\n")
    assert align("a", "b", "-q", *options, "--save", "m", "-o", "o")[0] == 0
    put("c", "b\nc\nb b\n")
    put("d", "x\nx\nx x\n")
    assert align("c", "d", "-q", "--load", "m", "-o", "o", "--posteriors", "p")[0] == 0
    check_posteriors("p", 3)


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_full_device(align, suffix, model):
    if os.geteuid() == 0:  # a node of our own: root could replace the real one
        os.mknod("full" + suffix, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    elif Path("/dev/full").is_char_device():
        Path("full" + suffix).symlink_to("/dev/full")
    else:
        pytest.skip("no /dev/full")
    assert align(EN, FR, "-q", "--load", model, "-o", "full" + suffix)[0] == 1


def test_save_keeps_a_special_file(align):
    os.mkfifo("pipe")  # never a real device in a test: root would lose it
    pipe = os.open("pipe", os.O_RDWR | os.O_NONBLOCK)
    done = threading.Event()

    def drain():
        while not done.wait(0.01):
            with contextlib.suppress(BlockingIOError):
                os.read(pipe, 1 << 20)

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        align(EN, FR, "-q", "-o", "out", "--save", "pipe")
    finally:
        done.set()
        reader.join()
        os.close(pipe)
    assert Path("pipe").is_fifo()


# Damaged models


def parts(data):
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:end]), data[end:]


def joined(header, body):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def test_damaged_bytes(align, model):
    data, draw = model.read_bytes(), random.Random(0)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(draw.choice((1, 3, 100))):
            broken[draw.randrange(draw.choice((200, len(data))))] ^= 1 << draw.randrange(8)
        put("m", bytes(broken if draw.random() < 0.7 else broken[: draw.randrange(len(data))]))
        status, out, err = align(EN, FR, "-q", "--load", "m")
        assert (status == 0 and out.count("\n") == LINES) or (status == 1 and err.startswith("emnlp: m: "))


def test_foreign_model(align):
    save_file({"x": np.zeros(3)}, "m")
    assert "not a model of emnlp's" in align(EN, FR, "--load", "m")[2]
    put("m", "some text")
    assert align(EN, FR, "--load", "m")[0] == 1
    IBM1().fit([(["a"], ["b"])]).save("m")
    assert "holds a IBM1" in align(EN, FR, "--load", "m")[2]


TENSORS = {"lexical": "params/forward.lexical", "conditions": "support/forward.lexical/conditions"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lexical", np.nan),
        ("lexical", np.inf),
        ("conditions", -1),
        ("conditions", 1 << 30),
        ("lexical", -1.0),
        ("lexical", 0.0),
    ],
)
def test_tampered_tensor(align, model, name, value):
    header, body = parts(model.read_bytes())
    place = slice(*header[TENSORS[name]]["data_offsets"])
    array = np.full_like(np.frombuffer(body[place], "<f8" if name == "lexical" else "<i4"), value)
    put("m", joined(header, body[: place.start] + array.tobytes() + body[place.stop :]))
    assert align(EN, FR, "-q", "--load", "m")[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: "[]",
        lambda text: text.replace('"Categorical"', '"Unheard"'),
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"alpha": 1.0', '"alpha": "x"'),
        lambda text: text.replace('"threshold": 0.5', '"threshold": NaN'),
        lambda text: "[" * 100_000,
        lambda text: "9" * 5000,
        lambda text: text.replace('"Categorical", "alpha": 1.0', '"Factor"'),
    ],
)
def test_tampered_header(align, model, change):
    header, body = parts(model.read_bytes())
    header["__metadata__"]["emnlp"] = change(header["__metadata__"]["emnlp"])
    put("m", joined(header, body))
    status, _, err = align(EN, FR, "-q", "--load", "m")
    assert (status, err[:10]) == (1, "emnlp: m: ")


# A process of its own


def start(*args):
    command = [sys.executable, "-m", "emnlp", "align", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("kind", "name"), [("ibm1", "shapes_"), ("hmm", "longest_")])
def test_tampered_sizes(align, kind, name):
    assert align(EN, FR, "-q", "-o", "o", "--model", kind, "--save", "small")[0] == 0
    header, body = parts(Path("small").read_bytes())
    place = slice(*header[f"kept/forward.{name}"]["data_offsets"])
    sizes = np.full((place.stop - place.start) // 8, 1 << 62 if kind == "ibm1" else -1)
    put("m", joined(header, body[: place.start] + sizes.tobytes() + body[place.stop :]))
    process = start(EN, FR, "-q", "--load", "m")
    process.communicate(timeout=60)
    assert process.returncode == 1


def big(n=400):
    return put("a", EN.read_bytes() * n), put("b", FR.read_bytes() * n)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals(name, folder):
    process = start(*big(), "--iterations", "100000", "-o", "out", "--save", "m")
    assert process.stderr.readline().startswith("emnlp: read")
    time.sleep(1)
    process.send_signal(signal.Signals[name])
    _, err = process.communicate(timeout=60)
    left = [path for path in folder.iterdir() if path.name not in "ab"]
    for path in left:
        path.unlink()
    assert (left, "Traceback" in err) == ([], False)


def test_closed_pipe(model):
    process = start(*big(), "-q", "--load", model, "--posteriors", "p")
    process.stdout.readline()
    process.stdout.close()
    with process.stderr:
        err = process.stderr.read()
    process.wait(timeout=60)
    assert (err, process.returncode, Path("p").exists()) == ("", 1, False)


# The Python side of the same promises


def test_one_model_in_both_directions():
    part, bitext = IBM1(), Bitext.read(EN, FR)
    with pytest.raises(InputError):
        Aligner(forward=part, reverse=part).fit(bitext)


def test_a_failed_fit_leaves_an_unfitted_model():
    toy, bitext = [(["a", "b"], ["x", "y"]), (["a"], ["x"])], Bitext.read(EN, FR)
    model = IBM1().fit(toy)
    with pytest.raises(InputError, match="start"):
        model.fit(bitext, start=Aligner().fit(toy))
    with pytest.raises(InputError, match="not fitted"):
        model.predict(toy)
