"""Time EM of a linear dynamical system against pykalman's, from the same start, on one thread.

    python experiments/speed_kalman.py [--rows T] [--states K] [--columns D] [--iterations N] [--missing SHARE]

The rows are drawn from a random system; a share of them is missing. All is learned but the offsets, which pykalman does
not learn jointly with the rest. Seconds are CPU seconds of this process, the median of the iterations. The
log-likelihood is that of the last parameters. pykalman: ``pip install 'emnlp[test]'``.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: pykalman multiplies with it

import argparse
import time
from statistics import median
from typing import Any

import numpy as np
from pykalman import KalmanFilter

from emnlp import LinearDynamicalSystem, LinearGaussian

PARTS = {
    "initial": ("initial_state_mean", "initial_state_covariance"),
    "dynamics": ("transition_matrices", "transition_offsets", "transition_covariance"),
    "observation": ("observation_matrices", "observation_offsets", "observation_covariance"),
}
LEARNED = [name for names in PARTS.values() for name in names if "offsets" not in name]


def system(n_states: int, width: int) -> LinearDynamicalSystem:
    rng = np.random.default_rng(0)
    turn, loadings = rng.standard_normal((n_states, n_states)), rng.standard_normal((width, n_states))
    turn *= 0.95 / np.abs(np.linalg.eigvals(turn)).max()
    return LinearDynamicalSystem.given((np.zeros(n_states), 1.0), (turn, 0.0, 1.0), (loadings, 0.0, 1.0))


def emnlp(rows: Any, start: LinearDynamicalSystem, n_iter: int) -> tuple[list[float], float]:
    """Return the CPU seconds of each iteration, from E-step to E-step, and the last log-likelihood."""
    still, seconds = LinearGaussian(offset=0.0, ridge=0.0), []
    factors = {"initial": LinearGaussian(ridge=0.0), "dynamics": still, "observation": still}
    model = LinearDynamicalSystem(start.n_states, max_iter=n_iter, **factors)
    model.fit(rows, start=start, callback=lambda done, step: seconds.append(time.process_time()))
    return np.diff(seconds).tolist()[:-1], model.trace_[-1]  # the last one only scores


def pykalman(rows: Any, start: LinearDynamicalSystem, n_iter: int) -> tuple[list[float], float]:
    parts = {name: [part for part in start.parameters(name) if part.size] for name in PARTS}
    given = {key: part for name, keys in PARTS.items() for key, part in zip(keys, parts[name])}
    peer, masked, seconds = KalmanFilter(**given), np.ma.masked_invalid(rows), [time.process_time()]
    for _ in range(n_iter):
        peer.em(masked, n_iter=1, em_vars=LEARNED)
        seconds.append(time.process_time())
    return np.diff(seconds).tolist(), float(peer.loglikelihood(masked))


def main(args: Any) -> None:
    start = system(args.states, args.columns)
    rows = start.sample(args.rows)[0]
    rows[np.random.default_rng(1).random(args.rows) < args.missing] = np.nan
    emnlp(rows[:20], start, 2)  # compile
    runs = {run.__name__: run(rows, start, args.iterations) for run in (emnlp, pykalman)}
    base, loglik = median(runs["emnlp"][0]), runs["emnlp"][1]
    print(f"{args.rows:,} rows of {args.columns}, {args.missing:.0%} missing; {args.states} states")
    print(f"{'':10}{'CPU s/iteration':>16}{'ratio':>8}{'log-likelihood':>18}{'relative difference':>21}")
    for name, (seconds, value) in runs.items():
        each = median(seconds)
        print(f"{name:10}{each:16.4f}{each / base:8.1f}{value:18.4f}{abs(value / loglik - 1):21.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"rows": 10_000, "states": 4, "columns": 6, "iterations": 7}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--missing", type=float, default=0.0)
    main(parser.parse_args())
