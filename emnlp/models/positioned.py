"""Aligners whose links are independent given the lengths: a mixture for each target word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.pairs import Pairs
from emnlp.factors import Factor, Uniform
from emnlp.inference import mixture
from emnlp.inference.index import members
from emnlp.models.batches import Batch, most_probable
from emnlp.models.directed import NO_TILT, DirectedAligner
from emnlp.models.lexicon import N_UNSEEN, TINY
from emnlp.models.positions import Foreign, Positions
from emnlp.support import Support


@dataclass(kw_only=True, repr=False)
class PositionedAligner(DirectedAligner):
    """An aligner with a prior P(i | ...) of source positions; a subclass says what it depends on, by `positions`."""

    position: Factor = field(default_factory=Uniform)
    null: Factor | None = None

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {
        **DirectedAligner.kinds, "position": (Factor,), "null": (Factor, type(None)),
    }  # fmt: skip
    kept: ClassVar[tuple[str, ...]] = (*DirectedAligner.kept, "shapes_", "step_")
    shapes_: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    step_: int = field(init=False, repr=False, compare=False)

    def positions(self, bitext: Bitext) -> Positions:
        """Return the layout of the prior that a bitext asks for; the one thing that a subclass defines."""
        raise NotImplementedError(f"{type(self).__name__} has to define positions(bitext)")

    def prior_supports(self, bitext: Bitext) -> dict[str, Any]:  # noqa: D102
        self._place(self.positions(bitext))
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        supports = {"position": self._positions.support()}
        return supports if self.null is None else supports | {"null": Support.dense(1, 2)}

    def _place(self, positions: Positions) -> None:
        self._positions, self.shapes_, self.step_ = positions, positions.shapes, positions.step
        self._fallback = Positions.by_length(self.max_length_)

    def places(self, pairs: Pairs) -> tuple[NDArray[Any], NDArray[Any], Foreign | None]:
        """Return where the prior of each pair begins, whether it depends on j, and a text's own tables, if it has any.

        A text with lengths unseen in training has tables of its own if the position factor is `portable`, and reads
        those alone; otherwise such a pair falls back on a uniform prior.
        """
        sizes = np.stack([pairs.source.lengths, pairs.target.lengths], 1)
        bases, steps = self._positions.find(sizes), np.full(len(pairs), self._positions.step)
        if (bases < 0).any() and self.position.portable:
            own = Positions.by_shape(sizes, self.null is None)
            theta = self.factors_["position"].bind(own.support()).theta(self.params_["position"])
            return own.find(sizes), steps, Foreign(own, theta)
        steps[bases < 0] = 0
        return np.where(bases < 0, self._positions.bases[-1] + self._fallback.find(sizes), bases), steps, None

    def prepare(self, theta: Blocks) -> Blocks:
        """Multiply position and null into one prior; a pair of lengths without a table has a uniform one.

        At the end stand the shares of a word and of NULL, for tables that a text has of its own.
        """
        rows = self._fallback
        word, null = (1.0, 1.0) if self.null is None else theta["null"]
        lengths = rows.shapes[rows.shape_of, 0]
        uniform = 1.0 / (1 + lengths) if self.null is None else np.where(rows.components > 0, word / lengths, null)
        prior = self._positions.prior(theta["position"], word, null)
        prior = np.concatenate([prior, np.maximum(uniform, TINY), [word, null]])
        return Blocks({"lexical": self.lexical_potentials(theta["lexical"]), "prior": prior})

    def collect(self, counts: Blocks) -> Blocks:
        """Hand the kernels' counts back to the factors."""
        prior = counts["prior"][: self._positions.bases[-1]]
        covered = self._positions.covered
        arrays = {"lexical": counts["lexical"][:-N_UNSEEN], "position": prior[covered]}
        if self.null is not None:
            arrays["null"] = np.array([prior[covered].sum(), prior[~covered].sum()])
        return Blocks({name: arrays[name] for name in self.factors_})

    @staticmethod
    def _kernel(batch: Batch, potentials: Blocks) -> tuple[tuple[Any, ...], Array]:
        """Return the kernels' first arguments, and the prior that the batch's places are places in."""
        *first, (bases, steps, foreign) = batch.kernel
        prior = potentials["prior"] if foreign is None else foreign.prior(*potentials["prior"][-2:])
        return (*first, (bases, steps)), prior

    @staticmethod
    def _prior_counts(batch: Batch, prior: Array, counts: Blocks) -> Array:
        """Return where the kernels count the prior; nobody learns from lengths that the factors do not cover."""
        return counts["prior"] if batch.places[2] is None else np.zeros_like(prior)

    def expect(self, batch: Batch, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        first, prior = self._kernel(batch, potentials)
        tables = *self.tables(potentials), prior, *self.tables(counts), self._prior_counts(batch, prior, counts)
        loglik: float = mixture.expected_counts(*first, *tables)
        return loglik

    def posterior_cells(  # noqa: D102
        self, batch: Batch, potentials: Blocks, tilt: Array = NO_TILT, counts: Blocks | None = None
    ) -> tuple[Array, Array, Array]:
        by_cell, by_null = np.empty(batch.n_cells), np.empty(batch.n_targets)
        kernel, prior = self._kernel(batch, potentials)
        logliks = mixture.posteriors(*kernel, *self.tables(potentials), prior, tilt, by_cell, by_null)
        if counts is not None:
            first, last, pairs, _, places = kernel
            to_add = self.tables(counts)[0], self._prior_counts(batch, prior, counts)
            mixture.count_prior(first, last, pairs, places, by_cell, by_null, *to_add)
        return by_cell, by_null, logliks

    def decode(self, batch: Batch, potentials: Blocks) -> NDArray[np.int32]:  # noqa: D102
        return most_probable(batch, *self.posterior_cells(batch, potentials)[:2])

    def count(self, batch: Batch, latent: NDArray[np.int32], counts: Blocks) -> None:
        """Count each target word under its component, and the component under the lengths (and j)."""
        self.count_emissions(batch, latent, counts)
        _, _, (_, starts, *_), _, (bases, steps, foreign) = batch.kernel
        assert foreign is None, "the position factor does not cover lengths unseen in training"
        pair, j = members(starts)
        cells = bases[pair] + np.where(steps[pair], latent * batch.target_lengths[pair] + j, latent)
        drawn = cells if self.null is None else cells[latent > 0]
        np.add.at(counts["position"], self._positions.slots[drawn], 1.0)
        if self.null is not None:
            np.add.at(counts["null"], np.where(latent > 0, 0, 1), 1.0)

    def inherit_prior(self, start: DirectedAligner, same: set[str]) -> dict[str, Array]:  # noqa: D102
        found = super().inherit_prior(start, same)
        if "position" in same and self.position.portable:
            found["position"] = self.factors_["position"].adopt(start.params_["position"])
        elif "position" in same and np.array_equal(getattr(start, "shapes_", []), self.shapes_):
            found["position"] = start.params_["position"]
        return found

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        super().recall(arrays, prefix)
        shapes = arrays[f"kept/{prefix}shapes_"]
        if shapes.dtype != np.int64 or shapes.shape[1:] != (2,) or shapes.min(initial=1) < 1:
            raise ValueError("shapes")
        if shapes.max(initial=1) > self.max_length_:
            raise ValueError("lengths")
        self._place(Positions(shapes, int(arrays[f"kept/{prefix}step_"][0] != 0), self.null is None))
