"""A pressure of a logistic factor towards few conditions an outcome: towards one tag a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from emnlp.blocks import Array
from emnlp.inference.vectors import dot
from emnlp.support import Support


@dataclass(frozen=True, eq=False)
class Pressure:
    """Takes ``weight * sum over o of n[o] H(q[o])`` off the objective, with ``q[o](c) ~ rho[c] theta[c, o]``.

    H is the entropy, in nats, of the conditions that outcome o comes from; n and rho stay as they are for a round.

    Parameters
    ----------
    weight : float
    frequencies : (O,)
        n, how often each outcome occurs.
    shares : (C,)
        rho, the share of each condition.
    """

    weight: float
    frequencies: Array
    shares: Array

    @classmethod
    def of(cls, support: Support, counts: Array, weight: float) -> Self:
        """Take frequencies and shares from expected counts."""
        frequencies: Array = np.bincount(support.outcomes, counts, support.n_outcomes).astype(np.float64, copy=False)
        shares = support.sum(counts)
        return cls(weight, frequencies, shares / max(float(shares.sum()), 1e-300))

    def _posteriors(self, support: Support, theta: Array) -> tuple[Array, Array, Array]:
        """Return q and log q by slot, and H by outcome."""
        joint = np.maximum(support.spread(self.shares) * theta, 1e-300)
        if support.layout is not None:
            table, q = support.table(joint), np.empty(len(support))
            grid = support.table(q)
            np.divide(table, table.sum(axis=1, keepdims=True), out=grid)
            logs = np.log(np.maximum(q, 1e-300))
            return q, logs, -(grid * support.table(logs)).sum(axis=1)
        totals = np.bincount(support.outcomes, joint, minlength=support.n_outcomes)
        q = joint / totals[support.outcomes]
        logs = np.log(np.maximum(q, 1e-300))
        sums: Array = np.bincount(support.outcomes, q * logs, support.n_outcomes).astype(np.float64, copy=False)
        return q, logs, -sums

    def value(self, support: Support, theta: Array) -> float:
        """Return what it takes off the objective, in nats."""
        return self.weight * float(dot(self.frequencies, self._posteriors(support, theta)[2]))

    def pull(self, support: Support, theta: Array) -> Array:
        """Return its derivative by log theta, of what it adds to the objective: ``weight * n q (log q + H)``."""
        q, logs, entropies = self._posteriors(support, theta)
        each = support.outcomes
        return self.weight * self.frequencies[each] * q * (logs + entropies[each])
