"""``--checkpoint`` of the commands that train."""

import pytest
from test_checkpoint import Killed

from emnlp import storage


@pytest.mark.parametrize(
    "words",
    [
        ["align", "a.txt", "b.txt", "--model", "hmm", "--iterations", "3"],
        ["align", "a.txt", "b.txt", "--model", "ibm1"],
        ["tag", "a.txt", "--states", "2", "--emission", "categorical", "--iterations", "4", "--restarts", "2"],
        ["tag", "a.txt", "--states", "2", "--emission", "categorical", "--iterations", "4", "--runs", "2"],
    ],
)
def test_commands_go_on(words, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a b a\nb c\nc\na c b b\n")
    (tmp_path / "b.txt").write_text("x y\ny z\nz\nx y y\n")
    assert command(*words, "--threads", 1, "-o", "whole", "--save", "whole.model")[0] == 0
    options = [*words, "--threads", 1, "-o", "found", "--save", "found.model", "--checkpoint", "c"]
    options += ["--checkpoint-every", 2] if "hmm" in words else []
    fill, kills = storage.fill, 0

    def once(part, header, arrays):
        fill(part, header, arrays)
        if "checkpoint" in header:
            monkeypatch.setattr(storage, "fill", dying)

    def dying(part, header, arrays):
        if "checkpoint" in header:
            raise Killed
        fill(part, header, arrays)

    while True:  # each time, killed at the second write
        monkeypatch.setattr(storage, "fill", once)
        try:
            status, _, told = command(*options)
            break
        except Killed:
            kills += 1
            assert any(path.name.startswith("c") for path in tmp_path.iterdir())
    assert (status, kills > 2) == (0, True)
    assert "going on from c" in told
    for name in ("", ".model"):
        assert (tmp_path / f"found{name}").read_bytes() == (tmp_path / f"whole{name}").read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("c")]


def test_commands_refuse(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a b\n")
    for name in ("align", "tag"):
        for options, message in {
            "--checkpoint-every 2": "needs --checkpoint", "--checkpoint -": "not standard output",
            "--checkpoint a.txt": "named twice", "--checkpoint c --load m": "nothing is trained",
            "--checkpoint c --checkpoint-every 0": "at least 1",
        }.items():  # fmt: skip
            status, _, told = command(name, "a.txt", *options.split())
            assert (status, message in told) == (2, True), told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["align", "a.txt", "b.txt", "--checkpoint", "c", "--save", "c.1"], "c.1 is a name that --checkpoint c makes"),
        (["align", "a.txt", "b.txt", "--checkpoint", "c", "-o", "./c.2"], "./c.2 is a name that --checkpoint c makes"),
        (["align", "c.1", "b.txt", "--checkpoint", "c"], "c.1 is a name that --checkpoint c makes"),
        (
            ["tag", "a.txt", "--states", "2", "--checkpoint", "c", "-o", "c.part"],
            "c.part is a name that --checkpoint c",
        ),
        (["tag", "a.txt", "--states", "2", "--checkpoint", "."], "--checkpoint . is a folder"),
        (["align", "a.txt", "b.txt", "--checkpoint", "new/"], "--checkpoint new/ is a folder"),
    ],
)
def test_parts_are_no_other_files(words, message, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt", "c.1"):
        (tmp_path / name).write_text("a b\n")
    status, _, told = command(*words)
    assert (status, message in told) == (2, True), told
    assert (tmp_path / "c.1").read_text() == "a b\n"


def test_names_that_only_look_like_parts(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("a b\n")
    words = ["--model", "ibm1", "--checkpoint", "c", "-o", "c.links", "--save", "c.model"]
    assert command("align", "a.txt", "b.txt", *words)[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt", "c.links", "c.model"}
