"""IBM models 1 and 2 (Brown et al. 1993): each target word is a translation of one source word, or of NULL."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emnlp.corpus.bitext import Bitext
from emnlp.factors import Categorical, Factor
from emnlp.models.positioned import PositionedAligner
from emnlp.models.positions import Positions


@dataclass(kw_only=True, repr=False)
class IBM1(PositionedAligner):
    """IBM Model 1.

    Given a source sentence of I words and the length J of its translation, each target position j = 1 .. J draws a
    source position i in 0 .. I, where 0 is NULL, and the target word from the source word there.

    ======== =========================== ============= ===========
    factor   condition                   outcome       default
    ======== =========================== ============= ===========
    lexical  source word or NULL         target word   Categorical
    position I                           i             Uniform
    null     (none)                      word, NULL    None
    ======== =========================== ============= ===========

    With ``null=None``, NULL is one more source position, as in the textbook. Otherwise the two-outcome factor decides
    between NULL and a word first: ``null=Fixed(0.2)``, or ``null=Categorical()`` to learn it.

    Parameters
    ----------
    lexical, position : Factor
        How the tables above are parametrised.
    null : Factor, optional
    max_iter : int
        5 by default. `learner`, `tol`, `n_jobs`, `random_state`, `verbose`, and the fitted `params_` and `trace_`: see
        `emnlp.model.Model`.

    References
    ----------
    Brown, Della Pietra, Della Pietra & Mercer (1993), The mathematics of statistical machine translation.

    Examples
    --------
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
    >>> model = IBM1().fit(bitext)
    >>> model.predict(bitext)[2]
    [(0, 0), (1, 1)]
    >>> model.predict_proba(bitext)[2].sum(axis=0)
    array([1., 1.])
    """

    def positions(self, bitext: Bitext) -> Positions:  # noqa: D102
        return Positions.by_length(self.max_length_, self.null is None)


@dataclass(kw_only=True, repr=False)
class IBM2(PositionedAligner):
    """IBM Model 2: like Model 1, but the source position depends on the target position and on both lengths.

    ======== =========================== ============= ===========
    factor   condition                   outcome       default
    ======== =========================== ============= ===========
    lexical  source word or NULL         target word   Categorical
    position j, I, J                     i             Categorical
    null     (none)                      word, NULL    None
    ======== =========================== ============= ===========

    A pair of lengths unseen in training has the uniform prior of Model 1. Start it from Model 1:
    ``IBM2().fit(bitext, start=IBM1().fit(bitext))``.

    With ``position=Diagonal(), null=Fixed(0.08)`` it is the model of fast_align: one parameter instead of the tables,
    which holds for any lengths, and no need of a Model 1 to start from.

    Parameters
    ----------
    lexical, position : Factor
        How the tables above are parametrised.
    null : Factor, optional
    max_iter : int
        5 by default. `learner`, `tol`, `n_jobs`, `random_state`, `verbose`, and the fitted `params_` and `trace_`: see
        `emnlp.model.Model`.

    References
    ----------
    Brown, Della Pietra, Della Pietra & Mercer (1993), The mathematics of statistical machine translation; Dyer,
    Chahuneau & Smith (2013), A simple, fast, and effective reparameterization of IBM Model 2.

    Examples
    --------
    >>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    >>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
    >>> IBM2().fit(bitext, start=IBM1().fit(bitext)).predict(bitext)[1]
    [(0, 0), (1, 1)]
    """

    position: Factor = field(default_factory=Categorical)

    def positions(self, bitext: Bitext) -> Positions:  # noqa: D102
        pairs = bitext.pairs
        return Positions.by_shape(np.stack([pairs.source.lengths, pairs.target.lengths], 1), self.null is None)
