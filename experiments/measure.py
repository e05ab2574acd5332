"""Time a whole command from outside: CPU and wall seconds and peak memory of the process and its children.

The command is started by a small process of its own (this file): the peak memory that the system reports of a child is
never less than its parent's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds, and the peak memory in MB of the largest process."""

    cpu: float
    wall: float
    memory: float


def measured(command: list[str]) -> Cost:
    """Run a command and return what it cost; RuntimeError, with what it printed last, if it fails."""
    result = subprocess.run([sys.executable, "-S", __file__, *command], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{command[:4]} failed: {result.stderr[-500:]}")
    return Cost(*json.loads(result.stdout))


def middle(costs: list[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(median(getattr(cost, name) for cost in costs) for name in ("cpu", "wall", "memory")))


def launch(command: list[str]) -> int:
    """Run a command; print its CPU and wall seconds and peak MB as JSON, or on failure the end of what it printed."""
    with tempfile.TemporaryFile() as log:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            print(log.read().decode(errors="replace"), file=sys.stderr)
    print(json.dumps([usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024]))
    return int(process.returncode != 0)


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
