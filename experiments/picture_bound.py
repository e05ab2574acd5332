"""Draw how EM climbs in one dimension: bounds that touch the log-likelihood, and lift it.

    python experiments/picture_bound.py [-o FILE] [--seed N] [--first THETA] [--iterations N]

Sixty numbers are drawn from a mixture of two normal distributions around 0 and 3, of which all is known but the second
mean, theta. Nothing is sketched: the script checks that each bound lies below the log-likelihood everywhere, and has
its value and its slope where it was made.
"""

import argparse

import numpy as np

from emnlp import GaussianMixture
from emnlp.blocks import Array, Blocks
from emnlp.engines import engine
from emnlp.report.mixtures import Bound, bound_curves

TRUTH = GaussianMixture.given([0.5, 0.5], [[0.0], [3.0]], [[[1.0]], [[1.0]]])


class Problem:
    """Numbers, and the mixture `TRUTH` with another second mean."""

    def __init__(self, points: Array) -> None:
        self.density, self.batches = TRUTH.factors_["density"], TRUTH.index(TRUTH.corpus(points))

    def params(self, theta: float) -> Blocks:
        """Return the parameters: all as in `TRUTH`, but for theta."""
        density = self.density.packed([[0.0], [theta]] - TRUTH.centre_, TRUTH.covariances_)
        return Blocks({"component": TRUTH.params_["component"], "density": density})

    def expect(self, theta: float) -> tuple[Blocks, float]:
        """E-step: return the expected moments under Q, the posterior at theta; and L(theta)."""
        return engine(1).expect(TRUTH, TRUTH.theta(self.params(theta)), self.batches)

    def entropy(self, theta: float) -> float:
        """Return the entropy of Q, the posterior at theta, in nats."""
        potentials = TRUTH.prepare(TRUTH.theta(self.params(theta)))
        q = np.array([share for batch in self.batches for share in TRUTH.posterior(batch, potentials)])
        return float(-(q * np.log(np.maximum(q, 1e-300))).sum())

    def bound(self, theta: float, grid: Array) -> Bound:
        """Return F(Q, .) = E_Q[log P(x, z | .)] + H(Q) for Q, the posterior at theta, and the M-step, its top."""
        (moments, loglik), entropy = self.expect(theta), self.entropy(theta)
        below, here, above, *values = (
            entropy + TRUTH.expected_log_likelihood(moments, self.params(at))
            for at in (theta - 1e-4, theta, theta + 1e-4, *grid)
        )
        slope = (self.expect(theta + 1e-4)[1] - self.expect(theta - 1e-4)[1]) / 2e-4
        assert np.isclose(here, loglik, rtol=1e-12), "the bound does not touch"
        assert np.isclose((above - below) / 2e-4, slope, rtol=1e-5, atol=1e-5), "the bound has another slope"
        best = (self.density.means(TRUTH.maximize(moments, self.params(theta))["density"]) + TRUTH.centre_)[1, 0]
        return Bound(theta, np.array(values), best, entropy + TRUTH.expected_log_likelihood(moments, self.params(best)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="bound.png", metavar="FILE")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--first", type=float, default=-1.0, metavar="THETA")
    parser.add_argument("--iterations", type=int, default=4, metavar="N")
    args = parser.parse_args()
    problem = Problem(TRUTH.sample(60, args.seed)[0])
    grid = np.linspace(min(-3, args.first - 1), max(7, args.first + 1), 501)
    loglik, bounds = np.array([problem.expect(theta)[1] for theta in grid]), [problem.bound(args.first, grid)]
    while len(bounds) < args.iterations:
        bounds.append(problem.bound(bounds[-1].best, grid))
    for bound in bounds:
        assert (bound.values <= loglik + 1e-9).all(), "a bound is not below"
        assert bound.values.max() <= bound.height + 1e-9, "the M-step has not found the top"
    bound_curves(grid, loglik, bounds, args.output, "θ, the mean of the second component")
    thetas = ", ".join(f"{theta:.3f}" for theta in (bounds[0].at, *(bound.best for bound in bounds)))
    print(f"{args.output}: theta {thetas}; every bound lies below L, and has its value and slope where it touches")


if __name__ == "__main__":
    main()
