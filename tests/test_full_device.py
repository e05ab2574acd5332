"""What is written to a full disk: the message has the name of the file, or of standard output."""

import errno
import gc
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from emnlp import IBM1, InputError
from emnlp.corpus.files import replacing, write_text
from emnlp.report import plots

SAMPLES = Path(__file__).parents[1] / "corpora"
BITEXT = [SAMPLES / "sample_en_fr/train.en", SAMPLES / "sample_en_fr/train.fr"]
DOCUMENTS = SAMPLES / "sample_documents/train.jsonl"
REASON = os.strerror(errno.ENOSPC)


@pytest.fixture
def full(tmp_path, monkeypatch):
    """Return a function that makes a file on which there is no room."""
    monkeypatch.chdir(tmp_path)

    def make(name):
        if os.geteuid() == 0:  # a node of our own: root could replace the real one
            os.mknod(name, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        elif Path("/dev/full").is_char_device():
            Path(name).symlink_to("/dev/full")
        else:
            pytest.skip("no /dev/full")
        return name

    return make


@pytest.mark.parametrize(
    "options",
    [
        ["align", *BITEXT, "--model", "ibm1", "-o"],
        ["align", *BITEXT, "--model", "ibm1", "-o", "links", "--scores", "scores", "--posteriors"],
        ["align", *BITEXT, "--model", "ibm1", "-o", "links", "--posteriors", "posteriors", "--scores"],
        ["align", *BITEXT, "--model", "ibm1", "-o", "links", "--save"],
        ["topics", DOCUMENTS, "--topics", "2", "--iterations", "1", "-o"],
        ["topics", DOCUMENTS, "--topics", "2", "--iterations", "1", "-o", "shares", "--save"],
        ["cluster", DOCUMENTS, "--components", "2", "--iterations", "1", "-o", "clusters", "--posteriors"],
        ["tag", SAMPLES / "sample_en/train.conllu", "--states", "2", "--iterations", "1", "-o"],
    ],
)
def test_a_command_names_the_file(command, full, options):
    status, out, err = command(*options, full("here"), "-q")
    assert (status, out) == (1, "")
    assert err.startswith("emnlp: here: cannot be written (")
    assert REASON in err
    assert not [name for name in os.listdir() if name.startswith(".")]  # unfinished


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "options",
    [
        ["align", *BITEXT, "--model", "ibm1", "-q"],  # more than a buffer holds
        ["topics", DOCUMENTS, "--topics", "2", "--iterations", "1", "--show-words", "-q"],
        ["corpora", "list"],
    ],
)
def test_standard_output(full, options, unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open(full("here"), "wb") as here:
        done = subprocess.run(
            [sys.executable, "-m", "emnlp", *map(str, options)],
            stdout=here, stderr=subprocess.PIPE, text=True, check=False, env=environment,
        )  # fmt: skip
    expected = f"emnlp: standard output: cannot be read or written ({REASON})\n"
    assert (done.returncode, done.stderr) == (1, expected)


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_any_text_file(full, suffix):
    name = full(f"here{suffix}")
    for content in ("a little", "much\n" * 100_000):
        with pytest.raises(InputError, match=rf"^{name}: cannot be written \({REASON}\)"), write_text(name) as stream:
            stream.write(content)
    gc.collect()  # nothing that was not written may complain later


def write_both(outer, inner):
    with write_text(outer) as one:
        one.write("a")
        with write_text(inner) as other:
            other.write("b")


def test_the_file_that_is_full_is_the_one_named(full):
    full("full")
    for outer, inner in (("full", "file"), ("file2", "full")):
        with pytest.raises(InputError, match=r"^full: cannot"):
            write_both(outer, inner)
    assert Path("file").read_text() == "b"
    with pytest.raises(OSError, match="of nobody"), write_text("file2"):
        raise OSError(errno.ENOSPC, "of nobody")
    assert not Path("file2").exists()


def test_a_reader_that_has_gone_is_no_mistake_of_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    def write():
        with write_text(tmp_path / "pipe") as stream:
            os.close(reader)
            stream.write("a")

    with pytest.raises(BrokenPipeError):
        write()


def test_pictures_and_models(full):
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match=rf"^here.png: cannot be written \({REASON}\)"):
        plots.written(plots.blank_figure(2, 2), full("here.png"))
    model = IBM1(max_iter=1).fit([(["a"], ["b"])])
    with pytest.raises(InputError, match=r"^here.model: cannot be written \("):
        model.save(full("here.model"))
    with pytest.raises(InputError, match=rf"^here: cannot be written \({REASON}\)"), replacing("here"):
        raise OSError(errno.ENOSPC, REASON)
