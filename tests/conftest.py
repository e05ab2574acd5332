"""Shared by all tests: where real data lies, and how a missing corpus skips."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # SciPy's optimisers, as oracles: tests fill the processors already
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def command(capsys):
    """Return a function that runs ``emnlp`` in this process: status, standard output and standard error."""
    from emnlp.cli import main

    def run(*args):
        try:
            status = main([str(arg) for arg in args])
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return run


@pytest.fixture
def real():
    """Return a function from a corpus' name to its folder; skips, saying so, where it is absent."""

    def find(name):
        for root in os.environ.get("EMNLP_DATA", "").split(os.pathsep):
            if root and (Path(root) / name).is_dir():
                return Path(root) / name
        return pytest.skip(f"corpus {name} is not in $EMNLP_DATA")

    return find
