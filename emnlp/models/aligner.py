"""A word aligner of two directions, trained side by side on one index, and symmetrised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain, repeat
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array, Blocks, prefixed
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.links import Links
from emnlp.corpus.priors import Priors
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.factors.base import Guarantee
from emnlp.inference.symmetric import grow, points_of
from emnlp.learners import Trace
from emnlp.model import Model
from emnlp.models.alignment import IBM1
from emnlp.models.batches import Batch, TwoWay
from emnlp.models.directed import DirectedAligner
from emnlp.models.parallel import BitextModel
from emnlp.models.posteriors import Posterior, every_line, joined, link_posteriors
from emnlp.scratch import locals_in
from emnlp.support import Support
from emnlp.symmetrize import METHODS, POSTERIOR, combine, links


@dataclass(kw_only=True, repr=False)
class Aligner(BitextModel):
    """Two directed aligners, P(target | source) and P(source | target), and one set of links from both.

    The parts are independent: the objective is the sum of theirs. They share one index and one set of lexical slots,
    and are fitted with the aligner, by its learner, `max_iter`, `tol` and so on, not their own. The aligner has copies
    of the models that it is given; ``aligner.forward`` is then a fitted model.

    Parameters
    ----------
    forward, reverse : DirectedAligner, optional
        None leaves a direction out.
    symmetrize : str
        How links are made from both directions; one of `emnlp.symmetrize.METHODS`: a heuristic over the best links of
        each, or ``product`` and ``mean``: links whose posteriors' geometric or arithmetic mean is above `threshold`;
        ``product-grow`` adds their neighbours that align a word without link, if either direction's posterior is above.
    threshold : float
        Between 0 and 1.
    max_iter : int
        5 by default.

    Raises
    ------
    InputError
        If both directions are None, or `symmetrize` or `threshold` is not one of these.

    Examples
    --------
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
    >>> aligner = Aligner(forward=IBM1(), reverse=IBM1(), symmetrize="product", threshold=0.4).fit(bitext)
    >>> aligner.align(["a", "house"], ["ein", "haus"])
    [(0, 0), (1, 1)]
    """

    forward: DirectedAligner | None = field(default_factory=IBM1)
    reverse: DirectedAligner | None = field(default_factory=IBM1)
    symmetrize: str = "grow-diag-final-and"
    threshold: float = 0.5
    max_iter: int = 5

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {
        **Model.kinds, "forward": (DirectedAligner, type(None)), "reverse": (DirectedAligner, type(None)),
    }  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.forward is self.reverse:
            what = "both directions are None" if self.forward is None else "both directions are one and the same object"
            raise InputError(f"Aligner: {what}; give a model each")
        for name, model in self.directions.items():
            setattr(self, name, model.twin())  # the aligner's own: the models given may be fitted elsewhere
        if self.symmetrize not in METHODS:
            raise InputError(f"symmetrize: {self.symmetrize!r} is not known; choose from {', '.join(METHODS)}")
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}; a probability lies between 0 and 1")

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override]
        """What both directions promise."""
        return "monotone" if all(part.guarantee == "monotone" for part in self.directions.values()) else "none"

    @property
    def directions(self) -> dict[str, DirectedAligner]:
        """The directions that are modelled, by name."""
        both = {"forward": self.forward, "reverse": self.reverse}
        return {name: model for name, model in both.items() if model is not None}

    def corpus(self, data: Any, fitted: bool = False) -> Bitext:
        """Accept a `Bitext`, a sequence of (source tokens, target tokens), or of NLTK's ``AlignedSent``."""
        return next(iter(self.directions.values())).corpus(data, fitted).upright()

    @property
    def lowercase_(self) -> bool:
        """Whether the training text was lower-cased."""
        return bool(next(iter(self.directions.values())).lowercase_)

    @property
    def max_length_(self) -> int:
        """The most tokens a side that the fitted model takes."""
        return min(model.max_length_ for model in self.directions.values())

    def check_fitted(self) -> None:
        """Raise `InputError` unless the aligner is fitted, and its parts are as it left them."""
        super().check_fitted()
        for name, model in self.directions.items():
            for key, factor in getattr(model, "factors_", {}).items() or [("", None)]:
                if self.factors_.get(f"{name}.{key}") is not factor:
                    raise InputError(f"the {name} direction was fitted apart from its aligner; fit the aligner again")

    def only(self, direction: str) -> Aligner:
        """Return a fitted `Aligner` of one of the directions, ``forward`` or ``reverse``."""
        self.check_fitted()
        if direction not in self.directions:
            raise InputError(f"this aligner has no {direction} direction; it has {', '.join(self.directions)}")
        settings = {each.name: getattr(self, each.name) for each in fields(Aligner) if each.init}
        one = Aligner(**settings | {("reverse" if direction == "forward" else "forward"): None})
        one._hold({name: factor for name, factor in self.factors_.items() if name.startswith(direction + ".")})
        one._share(Blocks({name: self.params_[name] for name in one.factors_}))
        one.trace_ = Trace(reason=f"the {direction} direction of an Aligner, which has the trace")
        return one

    def supports(self, corpus: Bitext) -> dict[str, Support]:  # noqa: D102
        supports: dict[str, Support] = {}
        for name, model in self.directions.items():
            side = model.supports(corpus if name == "forward" else corpus.reversed())
            supports |= {f"{name}.{key}": support for key, support in side.items()}
        return supports

    def index(self, corpus: Bitext, batch_size: int | None = None) -> Sequence[TwoWay]:  # noqa: D102
        corpus = corpus.limited(self.max_length_)
        ways = {"forward": corpus, "reverse": corpus.reversed()}
        batches = {name: model.index(ways[name], batch_size) for name, model in self.directions.items()}
        one, other = (batches.get(name, repeat(None)) for name in ways)
        place = locals_in(corpus.source.folder)
        return [TwoWay(forward, reverse, place()) for forward, reverse in zip(one, other)]

    def pseudo_counts(self, prior: Any, corpus: Bitext) -> dict[str, Array]:
        """Return those of each direction; the reverse one reads the prior with source and target swapped."""
        found: dict[str, Array] = {}
        if not isinstance(prior, Priors):
            raise InputError(f"prior: expected Priors, such as Priors.read reads from a file, not {prior!r}")
        for name, model in self.directions.items():
            sides = (prior, corpus) if name == "forward" else (prior.reversed(), corpus.reversed())
            found |= prefixed(name, model.pseudo_counts(*sides))
            self.prior_found_ = model.prior_found_
        return found

    def rebuilt(self) -> dict[str, Any]:  # noqa: D102
        return {
            f"{name}.{key}": each for name, model in self.directions.items() for key, each in model.rebuilt().items()
        }

    def restore(self, factors: Mapping[str, Factor], params: Blocks, trace: Trace) -> None:  # noqa: D102
        super().restore(factors, params, trace)
        for model in self.directions.values():
            model.check_restored()

    def prepare(self, theta: Blocks) -> Blocks:  # noqa: D102
        return self._each(theta, "prepare")

    def collect(self, counts: Blocks) -> Blocks:  # noqa: D102
        return self._each(counts, "collect")

    def _each(self, blocks: Blocks, method: str) -> Blocks:
        arrays: dict[str, Array] = {}
        for name, model in self.directions.items():
            arrays |= prefixed(name, getattr(model, method)(blocks.part(name)))
        return Blocks(arrays)

    def narrowed(self, batches: Sequence[TwoWay]) -> tuple[Sequence[TwoWay], dict[str, NDArray[np.int32]]]:
        """Of a batch alone, return it with its own word pairs, numbered alike in both directions, and NULL's rows."""
        ways: dict[str, Batch] = {}
        found: dict[str, NDArray[np.int32]] = {}
        for name, model in self.directions.items():
            (ways[name], *others), slots = model.narrowed([getattr(each, name) for each in batches])
            if others or not slots:
                return batches, {}
            found |= {f"{name}.{key}": each for key, each in slots.items()}
        return [TwoWay(ways.get("forward"), ways.get("reverse"), batches[0].local)], found

    def expect(self, batch: TwoWay, potentials: Blocks, counts: Blocks) -> float:  # noqa: D102
        return sum(
            model.expect(getattr(batch, name), potentials.part(name), counts.part(name))
            for name, model in self.directions.items()
        )

    def likelihood(self, batch: TwoWay, potentials: Blocks) -> float:  # noqa: D102
        ways = self.directions.items()
        return sum(model.likelihood(getattr(batch, name), potentials.part(name)) for name, model in ways)

    def posterior_cells(self, batch: TwoWay, potentials: Blocks) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return each direction's posterior by cell, source-major, and its P(NULL) by token."""
        cells, nulls = {}, {}
        for name, model in self.directions.items():
            cells[name], nulls[name], _ = model.posterior_cells(getattr(batch, name), potentials.part(name))
        return cells, nulls

    def combined(self, cells: Mapping[str, Array]) -> Array:
        """Return one posterior by cell: the geometric mean of the directions', or what `symmetrize` says."""
        if len(cells) == 1:
            return next(iter(cells.values()))
        one, other = cells.values()
        return (one + other) / 2 if self.symmetrize == "mean" else np.sqrt(one * other)

    def posterior(self, batch: TwoWay, potentials: Blocks) -> Iterator[Array]:
        """Return the combined posterior of each pair, (I, J): the geometric mean, or what `symmetrize` says."""
        return batch.by_pair(self.combined(self.posterior_cells(batch, potentials)[0]))

    def decode(self, batch: TwoWay, potentials: Blocks) -> NDArray[np.uint8]:
        """Return the alignment points of each pair as 0/1 cells, source-major."""
        if self.symmetrize in POSTERIOR:
            return self.above(batch, self.posterior_cells(batch, potentials)[0])
        points = {name: np.zeros(batch.any.n_cells, np.uint8) for name in self.directions}
        for name, best in self.best(batch, potentials).items():
            points_of(getattr(batch, name).sizes, best, name == "reverse", points[name])
        if len(points) == 1:
            return next(iter(points.values()))
        return combine(batch.sizes, points["forward"], points["reverse"], self.symmetrize)

    def above(self, batch: TwoWay, cells: Mapping[str, Array]) -> NDArray[np.uint8]:
        """Return the points whose combined posterior is above the threshold; with neighbours, for ``product-grow``."""
        points = (self.combined(cells) > self.threshold).astype(np.uint8)
        if self.symmetrize == "product-grow" and len(cells) == 2:
            one, other = cells.values()
            grow(batch.sizes, (np.maximum(one, other) > self.threshold).astype(np.uint8), points)
        return points

    def links(self, batch: TwoWay, potentials: Blocks) -> Links:  # noqa: D102
        return links(batch.sizes, self.decode(batch, potentials))

    def best(self, batch: TwoWay, potentials: Blocks) -> dict[str, NDArray[np.int32]]:
        """Return each target token's component in the best alignment of each direction."""
        return {name: way.best(getattr(batch, name), potentials.part(name)) for name, way in self.directions.items()}

    def count(self, batch: TwoWay, latent: Mapping[str, NDArray[np.int32]], counts: Blocks) -> None:
        """Count each direction's latent alignment with its own model; `latent` has one a direction."""
        for name, model in self.directions.items():
            model.count(getattr(batch, name), latent[name], counts.part(name))

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Take over the lexicon of each direction of a fitted `Aligner`."""
        found: dict[str, Array] = {}
        for name, model in self.directions.items():
            other = start.directions.get(name) if isinstance(start, Aligner) else None
            if other is None:
                raise InputError(f"start: expected a fitted Aligner that has the {name} direction, too")
            mine = {key: arrays[f"{name}.{key}"] for key in model.factors_}
            found |= prefixed(name, model.inherit(other, mine))
        return found

    # What users call

    def posteriors(self, corpus: Any) -> Iterator[Posterior]:
        """Yield one `Posterior` a pair, in order: the links of `predict`, with probabilities, and those of NULL."""
        bitext, pieces = self.cut(corpus)
        found = self._posteriors(bitext)
        yield from joined(found, pieces, self._posteriors(pieces.bitext), self.directions) if len(pieces) else found

    def _posteriors(self, corpus: Bitext) -> Iterator[Posterior]:
        bitext, potentials, batches = self.ready(corpus)

        def found(batch: TwoWay) -> Iterator[Posterior]:
            cells, nulls = self.posterior_cells(batch, potentials)
            by_posterior = self.symmetrize in POSTERIOR
            points = self.above(batch, cells) if by_posterior else self.decode(batch, potentials)
            return link_posteriors(batch, links(batch.sizes, points), self.combined(cells), nulls)

        return every_line(len(bitext), chain.from_iterable(map(found, batches)))

    def scores(self, corpus: Any) -> Array:
        """Return the log-likelihood of each pair, and the same per token, in nats; (n, 2), NaN for a blank pair.

        It is log P(target | source) + log P(source | target), as in `score`, which is its mean: never regularised. The
        tokens are those of both sides; in one direction alone, those of the side it explains. Of a pair longer than
        `max_length_`, which `score` leaves out, it is the sum over its pieces; those with an empty side do not count.
        """
        bitext, pieces = self.cut(corpus)
        found = self._logliks(bitext)
        if len(pieces):
            np.add.at(found, pieces.lines, self._logliks(pieces.bitext))
        loglik, tokens = np.where(found[:, 1] > 0, found.T, np.nan)
        return np.stack([loglik, loglik / tokens], 1)

    def _logliks(self, corpus: Bitext) -> Array:
        """Return the log-likelihood of each pair, and how many tokens it explains; 0 and 0 for an unusable pair."""
        bitext, potentials, batches = self.ready(corpus, normalised=True)
        ways, found = self.directions.items(), np.zeros((len(bitext), 2))

        def add(batch: TwoWay) -> None:
            each = [model.logliks(getattr(batch, name), potentials.part(name)) for name, model in ways]
            tokens = [getattr(batch, name).target_lengths for name in self.directions]
            found[batch.lines] = np.stack([sum(each), sum(tokens)], 1)

        list(engine(self.n_jobs).map(add, batches))
        return found

    def unknown(self, corpus: Any) -> dict[str, float]:
        """Return which share of the tokens of either side, ``source`` and ``target``, does not occur in the lexicon."""
        bitext = self.corpus(corpus, fitted=True)
        name, model = next(iter(self.directions.items()))
        known = [model.source_vocabulary_, model.target_vocabulary_]
        sides, shares = {"source": bitext.source, "target": bitext.target}, {}
        for (side, text), vocabulary in zip(sides.items(), known if name == "forward" else known[::-1]):
            missing = vocabulary.ids(text.vocabulary) < 0
            shares[side] = float(text.counts()[missing].sum()) / max(1, len(text.ids))
        return shares
