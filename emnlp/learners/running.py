"""The counts that `StepwiseEM` has, decayed by one number; a large table is read and written where a batch is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.inference.narrow import add_at, read_at
from emnlp.jumps import Jumps
from emnlp.storage import packable
from emnlp.support import Support

if TYPE_CHECKING:
    from emnlp.factors import Factor
    from emnlp.model import Model

Slots = Mapping[str, NDArray[np.int32]]


@packable
@dataclass
class Seen:
    """The counts that a batch of `n` items gave when it was last seen, and what they count for in the stored ones.

    By block they are flat places and values there: of the slots that the batch has, or of what is not 0.
    """

    n: int
    weight: float
    counts: dict[str, tuple[NDArray[np.int32], Array]]

    @classmethod
    def of(cls, n: int, weight: float, counts: Mapping[str, Array], slots: Slots) -> Seen:
        """Return what to keep of a batch's counts."""
        places = {name: slots[name] if name in slots else np.flatnonzero(array) for name, array in counts.items()}
        flat = {name: array if name in slots else array.ravel()[places[name]] for name, array in counts.items()}
        return cls(n, weight, {name: (at.astype(np.int32), flat[name]) for name, at in places.items()})

    def array(self, name: str, like: Array, slots: Slots) -> Array:
        """Return a block's counts, laid out as a batch's are."""
        at, values = self.counts[name]
        if name in slots:
            return values
        array = np.zeros(like.shape)
        array.ravel()[at] = values
        return array


@packable
@dataclass
class Running:
    """Where `StepwiseEM` stands: the counts are ``scale * stored``, and `k` batches have been blended in.

    `slots`, here as from `Model.narrowed`, are by block those that a batch reads, where these are not all: theta has
    them alone, and so have the batch's counts. What that takes grows with the batch, not with the table; `totals` are
    the row sums of such blocks' stored counts, from their first batch in a pass to its end. `seen` are the batches that
    are to be replaced when they come again, by number; `whole` says that the stored counts are the sum of these. Theta
    of the other blocks is made once for the same parameters.

    It goes on changing as the learner goes on: what is to be kept of it has to be copied, or written, before.
    """

    stored: Blocks = field(default_factory=lambda: Blocks({}))
    scale: float = 1.0
    k: int = 0
    seen: dict[int, Seen] = field(default_factory=dict)
    whole: bool = False
    totals: dict[str, Array] = field(default_factory=dict, init=False)
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def counts(self) -> Blocks:
        """The counts."""
        return self.scale * self.stored

    def begin(self, model: Model, params: Blocks, weight: float, counts: Blocks, slots: Slots, head: float) -> None:
        """Take the first counts, `weight` times, and so many in each row of a table as the parameters predict."""
        self.stored = Blocks({name: self._first(params[name], counts[name], slots.get(name)) for name in counts})
        for array in self.stored.values():
            array *= weight
        for name, factor in model.factors_.items():
            if head > 0 and factor.by_row:
                self.stored[name][:] += (weight * head) * factor.probabilities(params[name])

    @staticmethod
    def _first(params: Array, counts: Array, slots: NDArray[np.int32] | None) -> Array:
        if slots is None:
            return counts.copy()
        whole = np.zeros(len(params))
        whole[slots] = counts
        return whole

    def blend(self, model: Model, share: float, weight: float, counts: Blocks, slots: Slots) -> None:
        """Let the counts be a share of `weight` times new ones, and for the rest what they were: one number's work."""
        self.scale *= 1 - share
        if self.scale < 1e-200:  # before it, and what is stored with it, leave the range of numbers
            for array in [*self.stored.values(), *self.totals.values()]:
                array *= self.scale
            for each in self.seen.values():
                each.weight *= self.scale
            self.scale = 1.0
        self._add(model, share * weight / self.scale, counts, slots)
        self.k += 1

    def _add(self, model: Model, factor: float, counts: Blocks, slots: Slots) -> None:
        for name, stored in self.stored.items():
            if name in slots:
                conditions = model.factors_[name].support.conditions
                add_at(stored, self.totals[name], slots[name], conditions, factor, counts[name])
            else:
                stored += factor * counts[name]

    def keep(self, b: int, n: int, weight: float, counts: Blocks, slots: Slots) -> None:
        """Remember a batch of n items whose counts, `weight` times, were the last to be blended in."""
        self.seen[b] = Seen.of(n, weight / self.scale, counts, slots)

    def gather(self, last: float) -> None:
        """Begin a pass that replaces: sum up the batches' counts, that of `last` weight as they are, until they are."""
        for stored in self.stored.values():
            stored[:] = 0.0
        for each in self.seen.values():
            each.weight = each.weight if self.whole else min(1.0, each.weight / last)
            for name, (at, values) in each.counts.items():
                self.stored[name].ravel()[at] += each.weight * values
        items = sum(each.n for each in self.seen.values())
        self.scale, self.whole = items / sum(each.weight * each.n for each in self.seen.values()), True

    def replace(self, model: Model, b: int, items: int, relax: float, counts: Blocks, slots: Slots) -> None:
        """Put a batch's new counts, or what lies beyond them, in the place of its old ones; there are so many items."""
        old, fresh, change = self.seen[b], {}, {}
        counted = {name for name, factor in model.factors_.items() if isinstance(factor.bound_to, Support | Jumps)}
        for name, new in counts.items():
            before = old.array(name, new, slots)
            fresh[name] = np.maximum(before + relax * (new - before), (2 - relax) * new) if name in counted else new
            change[name] = fresh[name] - old.weight * before
        self._add(model, 1.0, Blocks(change), slots)
        for name in counted - slots.keys():  # what is left of a sum whose terms were taken off may be below 0
            np.maximum(self.stored[name], 0.0, out=self.stored[name])
        self.scale = items / (items / self.scale + (1.0 - old.weight) * old.n)
        self.seen[b] = Seen.of(old.n, 1.0, fresh, slots)

    def theta(self, model: Model, params: Blocks, slots: Slots) -> Blocks:
        """Return what the E-step of a batch reads: of the counts where it has `slots`, otherwise of parameters."""
        factors = model.factors_.items()
        return Blocks({name: self._theta(name, each, params[name], slots.get(name)) for name, each in factors})

    def _theta(self, name: str, factor: Factor, params: Array, slots: NDArray[np.int32] | None) -> Any:
        if not len(self.stored):
            return factor.theta(params) if slots is None else factor.theta(params)[slots]
        if slots is None:
            if self._made.get(name, (None,))[0] is not params:
                self._made[name] = params, factor.theta(params)
            return self._made[name][1]
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
