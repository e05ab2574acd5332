"""What models of parallel text share: links and posteriors of pairs of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from emnlp.blocks import Array, Blocks
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.links import Links
from emnlp.corpus.pieces import Pieces
from emnlp.engines import engine
from emnlp.model import Model
from emnlp.models.batches import in_place
from emnlp.models.posteriors import Matrix, every_matrix, with_blocks


@dataclass(kw_only=True, repr=False)
class BitextModel(Model):
    """A model of sentence pairs with at most `max_length_` tokens a side; longer ones are read in `Pieces`."""

    null_rows: ClassVar[int] = 0
    """1 if the first row of a posterior is NULL's."""

    def links(self, batch: Any, potentials: Blocks) -> Links:
        """Return the links of the pairs of a batch."""
        raise NotImplementedError

    def cut(self, data: Any) -> tuple[Bitext, Pieces]:
        """Return a corpus in the form of the training text, and the pieces of its pairs that are too long."""
        self.check_fitted()
        bitext = self.corpus(data, fitted=True)
        return bitext, Pieces.of(bitext, self.max_length_)  # type: ignore[attr-defined]  # subclasses have it

    def predict(self, corpus: Any) -> Links:
        """Return the links of each pair, source first, sorted; a pair with an empty side has none.

        A pair longer than `max_length_` is aligned in `Pieces`.

        Parameters
        ----------
        corpus : Bitext or list of (source tokens, target tokens)

        Returns
        -------
        Links
            As many as the corpus has pairs; ``str`` lines by ``Links.pharaoh()``.
        """
        bitext, pieces = self.cut(corpus)
        found = self._links(bitext)
        return pieces.into(found, self._links(pieces.bitext)) if len(pieces) else found

    def _links(self, corpus: Bitext) -> Links:
        bitext, potentials, batches = self.ready(corpus)
        found = engine(self.n_jobs).map(lambda batch: self.links(batch, potentials), batches)
        return in_place(len(bitext), batches, found)

    def align(self, source: Sequence[str], target: Sequence[str]) -> list[tuple[int, int]]:
        """Return the links of one sentence pair."""
        return self.predict([(source, target)])[0]

    def predict_proba(self, corpus: Any) -> list[Matrix]:
        """Return the posterior of each pair, (I, J), of one direction (I + 1, J) with NULL first.

        In one direction, it is P(component | target token): the columns sum to 1, and a pair with an empty side has all
        its mass on NULL. For both, it is that of each link, combined as `symmetrize` says; NULL is one of each
        direction's components, in ``forward.predict_proba``. The posterior of a pair longer than `max_length_` is a
        SciPy ``csr_array``: 0 outside its `Pieces`.
        """
        bitext, pieces = self.cut(corpus)
        found = self._matrices(bitext)
        return with_blocks(found, pieces, self._matrices(pieces.bitext), self.null_rows) if len(pieces) else [*found]

    def _matrices(self, corpus: Bitext) -> list[Array]:
        bitext, potentials, batches = self.ready(corpus)
        found = engine(self.n_jobs).map(lambda batch: list(self.posterior(batch, potentials)), batches)
        return every_matrix(bitext, batches, found, self.null_rows)
