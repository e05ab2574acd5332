"""Inference: functions of arrays only. NumPy and numba, no class, no dict, no string."""

import os
import tempfile
from pathlib import Path

import numba


def _cache_somewhere() -> None:
    """Let numba cache beside the code, or in the user's cache, or else in a temporary folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    places = (Path(__file__).parent, next((each for each in (home, *home.parents) if each.exists()), home))
    if not numba.config.CACHE_DIR and not any(os.access(place, os.W_OK) for place in places):
        numba.config.CACHE_DIR = tempfile.mkdtemp(prefix="emnlp-numba-")


_cache_somewhere()
