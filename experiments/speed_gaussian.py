"""Time EM of a Gaussian mixture against scikit-learn's, from the same start: CPU seconds on one thread, and wall time.

    python experiments/speed_gaussian.py [--items N] [--dimensions D] [--components K] [--iterations N] [--jobs J]

Seconds are the median of the iterations; the log-likelihood is that of the last parameters, an item. In the second
table J threads of our own are timed against J BLAS threads. scikit-learn: ``pip install 'emnlp[test]'``.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy

import argparse
import time
import warnings
from statistics import median
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture as Peer
from threadpoolctl import threadpool_limits

from emnlp import Gaussian, GaussianMixture
from emnlp.blocks import Array
from emnlp.factors.gaussian import KINDS

Result = tuple[float, float, Array]


def items(n: int, n_dimensions: int, n_components: int) -> tuple[Array, GaussianMixture]:
    """Return items drawn from a mixture, and another mixture to start from."""
    rng, one, weights = np.random.default_rng(0), np.eye(n_dimensions), np.ones(n_components)
    noise, means = rng.standard_normal((n_components, *one.shape)), 2 * rng.standard_normal((n_components, len(one)))
    x = GaussianMixture.given(weights, means, noise @ noise.swapaxes(1, 2) / n_dimensions + 0.5 * one).sample(n)[0]
    return x, GaussianMixture.given(weights, means + rng.standard_normal(means.shape), [2 * one] * n_components)


def ours(x: Array, start: GaussianMixture, kind: Any, n_iter: int, jobs: int, clock: Any) -> tuple[float, float, Array]:
    """Return the seconds of an iteration, the mean log-likelihood and the means."""
    ticks: list[float] = []
    model = GaussianMixture(start.n_components, density=Gaussian(kind), max_iter=n_iter, n_jobs=jobs)
    model.fit(x, start=start, callback=lambda done, step: ticks.append(clock()))
    return median(np.diff(ticks[:-1])), model.trace_[-1] / len(x), model.means_  # the last one has no M-step


def theirs(x: Array, start: GaussianMixture, kind: str, n_iter: int, jobs: int, clock: Any) -> Result:
    ticks: list[float] = []
    inverses = np.linalg.inv(start.covariances_)
    precisions = {"full": inverses, "tied": inverses[0], "diagonal": inverses.sum(1), "spherical": inverses[:, 0, 0]}[
        kind
    ]
    first = {"weights_init": start.weights_, "means_init": start.means_, "precisions_init": precisions}
    settings = {"covariance_type": kind.replace("diagonal", "diag"), "tol": 0, "init_params": "random"}
    peer = Peer(start.n_components, max_iter=n_iter, **settings, **first)
    m_step = peer._m_step
    peer._m_step = lambda *args, **settings: (m_step(*args, **settings), ticks.append(clock()))
    with threadpool_limits(jobs), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it did not converge
        peer.fit(x)
    return median(np.diff(ticks)), float(peer.score(x)), peer.means_


def main(args: Any) -> None:
    x, start = items(args.items, args.dimensions, args.components)
    print(f"{len(x):,} x {x.shape[1]}, {args.components} components, {args.iterations} iterations")
    ours(x[:1000], start, "full", 3, 1, time.process_time)  # compile
    for jobs, clock, unit in ((1, time.process_time, "CPU s"), (args.jobs, time.perf_counter, "wall s")):
        names = f"{'emnlp':>8}{'scikit-learn':>14}{'ratio':>7}{'log-likelihood':>16}{'difference':>12}{'of means':>10}"
        print(f"\n{f'{unit}/iteration, {jobs} thread(s)':26}{names}")
        for kind in KINDS if jobs == 1 else ("full",):
            (a, one, means), (b, two, their) = (f(x, start, kind, args.iterations, jobs, clock) for f in (ours, theirs))
            differences = f"{abs(one / two - 1):12.1e}{np.abs(means - their).max():10.1e}"
            print(f"{kind:26}{a:8.3f}{b:14.3f}{b / a:7.1f}{one:16.6f}{differences}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"items": 1_000_000, "dimensions": 16, "components": 12, "iterations": 7, "jobs": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    main(parser.parse_args())
