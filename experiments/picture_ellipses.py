"""Draw Gaussian mixtures of 2, 3 and 12 components over the iterations of EM: points, responsibilities, ellipses.

    python experiments/picture_ellipses.py [-o FILE] [--seed N]

The points are drawn from a mixture of 12 Gaussians in the plane; a row of panels is one fit.
"""

import argparse

import numpy as np

from emnlp import GaussianMixture
from emnlp.report.mixtures import gaussian_grid

COMPONENTS = (2, 3, 12)
M_STEPS = (0, 1, 3, 10, 30)


def twelve(seed: int) -> GaussianMixture:
    """Return a mixture of 12 clusters, on a bent lattice so that none hides another, each stretched at random."""
    rng = np.random.default_rng(seed)
    means = np.array([[4.0 * i + 1.5 * (j % 2), 5.0 * j] for j in range(3) for i in range(4)])
    roots = rng.normal(0, 0.45, (12, 2, 2)) + 0.5 * np.eye(2)
    covariances = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(2)
    return GaussianMixture.given(rng.uniform(1, 2, 12), means + rng.normal(0, 0.5, (12, 2)), covariances)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="ellipses.png", metavar="FILE")
    parser.add_argument("--seed", type=int, default=7, metavar="N")
    args = parser.parse_args()
    truth = twelve(args.seed)
    points, _ = truth.sample(1000, args.seed)
    settings = {"init": "random", "random_state": args.seed}
    rows = [[GaussianMixture(k, max_iter=t, **settings).fit(points) for t in M_STEPS] for k in COMPONENTS]
    gaussian_grid(points, rows, args.output)
    found = ", ".join(f"{row[-1].score(points):.3f} (K = {row[-1].n_components})" for row in rows)
    print(f"{args.output}: {found} nats a point after {M_STEPS[-1]} M-steps; the truth has {truth.score(points):.3f}")


if __name__ == "__main__":
    main()
