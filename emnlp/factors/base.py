"""Factor: a way to parametrise P(outcome | condition). Factors own the M-step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.errors import InputError
from emnlp.storage import Saved
from emnlp.support import Support

if TYPE_CHECKING:
    from emnlp.factors.reasons import Reason

Guarantee = Literal["monotone", "bound", "none"]
Indices = NDArray[np.int32]

FLOOR = 1e-100
"""What a pair that a lexicon does not cover has in place of a probability; smaller than any learned one."""


@dataclass(frozen=True, kw_only=True)
class Factor(Saved):
    """A parametrisation of P(outcome | condition) over a `Support`.

    A factor is a frozen value, such as ``Categorical(alpha=1.1)``. A model binds it to a support, and holds its
    parameters: a factor only says what they mean. To write one, give `start`, `theta` and `maximize`, and `penalty` if
    the M-step climbs more than the expected log-likelihood.
    """

    guarantee: ClassVar[Guarantee] = "monotone"
    """What EM does to its penalised objective with this M-step."""

    takes_priors: ClassVar[bool] = False
    """Whether `maximize` and `penalty` know `pseudo`."""

    portable: ClassVar[bool] = False
    """Whether the same parameters make sense on any other support, bound to that."""

    @property
    def by_slot(self) -> bool:
        """Whether the parameters are a number for each slot of the support."""
        return False

    @property
    def by_row(self) -> bool:
        """Whether theta of a slot, after an M-step, is made of its count and its row's sum alone: by `theta_at`."""
        return False

    @property
    def reads(self) -> tuple[str, ...]:
        """The features of the support that the factor reads, which a model file has to hold."""
        return ()

    bound_to: Support | None = field(default=None, repr=False, compare=False, metadata={"saved": False})
    pseudo: Array | None = field(default=None, repr=False, compare=False, metadata={"saved": False})

    def bind(self, support: Support) -> Self:
        """Return a copy that also holds its support."""
        return replace(self, bound_to=support, pseudo=None)

    def informed(self, pseudo: Array) -> Self:
        """Return a copy that also holds pseudo-counts, laid out as the expected counts are: a prior from outside.

        Raises
        ------
        InputError
            If a factor of this kind takes none.
        """
        if not self.takes_priors:
            raise InputError(f"{self!r} learns from no prior; use Categorical() or Dirichlet()")
        return replace(self, pseudo=pseudo)

    @property
    def support(self) -> Support:
        """The support that the factor is bound to."""
        assert self.bound_to is not None, "bind the factor first"
        return self.bound_to

    def start(self, rng: np.random.Generator | None = None) -> Array:
        """Return first parameters: those of a constant theta, or random ones where `rng` is given."""
        raise NotImplementedError

    def accepts(self, params: Array) -> bool:
        """Return whether these are parameters that the factor could have; a file may hold others."""
        return True

    def adopt(self, params: Array) -> Array:
        """Return parameters made of another model's, and of first ones where that had none."""
        return params

    def theta(self, params: Array) -> Array:
        """Return what the E-step reads, (S,)."""
        raise NotImplementedError

    def theta_at(self, counts: Array, totals: Array, conditions: Indices, rows: Indices) -> Array:
        """Return theta of some slots as an M-step would make it: ``theta(maximize(...))``, at less cost.

        Parameters
        ----------
        counts : (m,)
            Their expected counts.
        totals, conditions : (r,)
            The sums of whole rows, and which rows these are.
        rows : (m,)
            The place of each slot's row among them.
        """
        raise NotImplementedError(f"{type(self).__name__} makes theta of all slots at once")

    def tempered(self, theta: Array, power: float) -> Array:
        """Return what the E-step reads if P(x, z) is raised to a power: deterministic annealing does so."""
        tempered: Array = theta**power
        return tempered

    def expected_log_likelihood(self, counts: Array, params: Array) -> float:
        """Return ``counts . log theta`` in nats; with variational Bayes, theta is ``exp E[log theta]``.

        0 log 0 is 0, and no other logarithm is less than that of `FLOOR`, as in the kernels.
        """
        theta, used = self.theta(params), counts > 0
        return float(counts[used] @ np.log(np.maximum(theta[used], FLOOR)))

    def probabilities(self, params: Array) -> Array:
        """Return normalised probabilities, (S,), for held-out likelihoods and for people."""
        return self.theta(params)

    def unseen(self, params: Array, outcomes: Sequence[str]) -> Array | None:
        """Return what each condition has for outcomes that the support lacks, (n, C), beside theta; None: no idea."""
        return None

    def maximize(self, counts: Array, params: Array) -> Array:
        """M-step: return the parameters that are best for the expected counts, (S,)."""
        raise NotImplementedError

    def penalty(self, params: Array) -> float:
        """Return what the objective adds to the log-likelihood: a log prior, or a negative divergence, in nats."""
        return 0.0

    def regulariser(self, params: Array) -> float:
        """Return what a regulariser of a round takes off the objective; left out where runs are compared."""
        return 0.0

    def gradient(self, counts: Array, params: Array, theta: Array | None = None) -> Array:
        """Return the derivative of ``counts . log theta + penalty`` by the parameters, shaped as they are.

        At the expected counts of an E-step it is that of the penalised log-likelihood (Fisher's identity).

        Raises
        ------
        InputError
            If a factor of this kind has none.
        """
        raise InputError(f"{self!r} has no gradient to climb; use Logistic() in its place, or learner=EM()")

    def explain(
        self, params: Array, condition: str | None = None, outcome: str | None = None, n: int = 10
    ) -> list[Reason]:
        """Return the strongest features of a condition, or those of a pair.

        Raises
        ------
        InputError
            If a factor of this kind has no features.
        """
        raise InputError(f"{self!r} has no features to explain it; a Logistic factor does")

    def refresh(self, counts: Array, params: Array) -> Factor:
        """Return the factor with those of its quantities renewed that stay fixed within a round."""
        return self
