"""The counts that `StepwiseEM` keeps, decayed by one number; a large table is read and written where a batch is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.inference.narrow import add_at, read_at
from emnlp.storage import packable

if TYPE_CHECKING:
    from emnlp.factors import Factor
    from emnlp.model import Model

Slots = Mapping[str, NDArray[np.int32]]


@packable
@dataclass
class Running:
    """Where `StepwiseEM` stands: the counts are ``scale * stored``, and `k` batches have been blended in.

    `slots`, here as from `Model.narrowed`, are by block those that a batch reads, where these are not all: theta has
    them alone, and so have the batch's counts. What that takes grows with the batch, not with the table; `totals` are
    the row sums of such blocks' stored counts, from their first batch in a pass to its end.

    It goes on changing as the learner goes on: what is to be kept of it has to be copied, or written, before.
    """

    stored: Blocks = field(default_factory=lambda: Blocks({}))
    scale: float = 1.0
    k: int = 0
    totals: dict[str, Array] = field(default_factory=dict, init=False)

    @property
    def counts(self) -> Blocks:
        """The counts."""
        return self.scale * self.stored

    def begin(self, model: Model, params: Blocks, weight: float, counts: Blocks, head_start: float) -> None:
        """Take the first counts, `weight` times, and so many in each row of a table as the parameters predict."""
        self.stored = weight * counts
        for name, factor in model.factors_.items():
            if head_start > 0 and factor.by_row:
                self.stored[name][:] += (weight * head_start) * factor.probabilities(params[name])

    def blend(self, model: Model, share: float, weight: float, counts: Blocks, slots: Slots) -> None:
        """Let the counts be a share of `weight` times new ones, and for the rest what they were: one number's work."""
        self.scale *= 1 - share
        if self.scale < 1e-200:  # before it, and what is stored with it, leave the range of numbers
            for array in [*self.stored.values(), *self.totals.values()]:
                array *= self.scale
            self.scale = 1.0
        factor = share * weight / self.scale
        for name, stored in self.stored.items():
            if name in slots:
                conditions = model.factors_[name].support.conditions
                add_at(stored, self.totals[name], slots[name], conditions, factor, counts[name])
            else:
                stored += factor * counts[name]
        self.k += 1

    def theta(self, model: Model, params: Blocks, slots: Slots) -> Blocks:
        """Return what the E-step of a batch reads: of the counts where it has `slots`, otherwise of parameters."""
        arrays = {}
        for name, factor in model.factors_.items():
            arrays[name] = self._theta(name, factor, slots[name]) if name in slots else factor.theta(params[name])
        return Blocks(arrays)

    def _theta(self, name: str, factor: Factor, slots: NDArray[np.int32]) -> Array:
        support = factor.support
        if name not in self.totals:
            self.totals[name] = support.sum(self.stored[name])
        counts, sums, *rows = read_at(self.stored[name], self.totals[name], slots, support.conditions)
        return factor.theta_at(self.scale * counts, self.scale * sums, *rows)

    def maximize(self, model: Model, params: Blocks, slots: Slots) -> Blocks:
        """M-step of all blocks but those of which a batch had `slots`: their theta will be made of the counts."""
        arrays = {}
        for name, factor in model.factors_.items():
            stale = name in slots
            arrays[name] = params[name] if stale else factor.maximize(self.scale * self.stored[name], params[name])
        return Blocks(arrays)

    def end_pass(self, model: Model, params: Blocks) -> Blocks:
        """M-step of the other blocks, whole."""
        late = {name: model.factors_[name] for name in self.totals}
        self.totals = {}  # the next pass sums anew, as one does that goes on from a checkpoint
        found = {name: factor.maximize(self.scale * self.stored[name], params[name]) for name, factor in late.items()}
        return Blocks({**params, **found})
