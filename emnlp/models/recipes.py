"""Recipes: chains of aligners, each started from the one before, that the command line and experiments train."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from emnlp.corpus.bitext import Bitext
from emnlp.corpus.priors import Priors
from emnlp.errors import InputError
from emnlp.factors import Backoff, Categorical, Diagonal, Dirichlet, Factor, Fixed
from emnlp.learners import EM
from emnlp.models.agreement import Agreement
from emnlp.models.aligner import Aligner
from emnlp.models.alignment import IBM1, IBM2
from emnlp.models.directed import DirectedAligner
from emnlp.models.hmm_aligner import HMMAligner

Pair = Callable[..., Aligner]


def _plain(alpha: float) -> Factor:
    return Dirichlet(alpha=alpha) if alpha else Categorical()


def _ibm1(pair: Pair, alpha: float) -> list[Aligner]:
    return [pair(Aligner, IBM1, _plain(alpha))]


def _ibm2(pair: Pair, alpha: float) -> list[Aligner]:
    return [*_ibm1(pair, alpha), pair(Aligner, IBM2, _plain(alpha))]


def _fast_align(pair: Pair, alpha: float) -> list[Aligner]:
    """Model 2 with a diagonal of one parameter, which needs no Model 1 to start from (Dyer, Chahuneau & Smith 2013)."""
    diagonal = partial(IBM2, position=Diagonal(lagged=True), null=Fixed(0.08))
    return [pair(Aligner, diagonal, Dirichlet(alpha=alpha or 0.01))]


def _hmm_single(pair: Pair, alpha: float) -> list[Aligner]:
    """Directions on their own: what no other direction checks needs a prior against rare words."""
    lexical = Dirichlet(alpha=alpha or 0.1)
    return [pair(Aligner, IBM1, lexical), pair(Aligner, partial(HMMAligner, null=Fixed(0.2)), lexical)]


def _hmm_fast(pair: Pair, alpha: float) -> list[Aligner]:
    """Agreement alone, few iterations, and no pass to score the last parameters."""
    learner = EM(score_last=False)
    short = partial(Aligner, max_iter=2, learner=learner)
    long = partial(Agreement, max_iter=3, rounds=0, learner=learner)
    return [pair(short, IBM1, _plain(alpha)), pair(long, HMMAligner, _plain(alpha))]


def _hmm(pair: Pair, alpha: float) -> list[Aligner]:
    """Agreement, symmetric posteriors, back-off to word stems."""
    lexical = Dirichlet(alpha=alpha) if alpha else Categorical(backoff=Backoff())
    short, long = partial(Aligner, max_iter=2), partial(Agreement, max_iter=6)
    return [pair(short, IBM1, lexical), pair(long, HMMAligner, lexical)]


RECIPES: dict[str, Callable[[Pair, float], list[Aligner]]] = {
    "hmm": _hmm, "hmm-fast": _hmm_fast, "hmm-single": _hmm_single, "fast-align": _fast_align, "ibm2": _ibm2,
    "ibm1": _ibm1,
}  # fmt: skip
"""What `recipe` knows, by name."""


def recipe(
    name: str = "hmm", alpha: float = 0.0, directions: tuple[str, ...] = ("forward", "reverse")
) -> list[Aligner]:
    """Return the aligners of a chain, unfitted.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    alpha : float
        Above 0, the lexicons are `Dirichlet` (variational Bayes) instead of `Categorical`. Those of ``fast-align`` and
        ``hmm-single`` always are, with 0.01 and 0.1 unless told otherwise.
    directions : tuple of str
        A single direction has no partner to agree with: an HMM recipe is ``hmm-single`` then.

    Examples
    --------
    >>> [type(aligner).__name__ for aligner in recipe("hmm")], len(recipe("ibm1"))
    (['Aligner', 'Agreement'], 1)
    """
    if name not in RECIPES:
        raise InputError(f"recipe: {name!r} is not known; choose from {', '.join(RECIPES)}")

    def pair(kind: Callable[..., Aligner], part: Callable[..., DirectedAligner], lexical: Factor) -> Aligner:
        parts = {way: part(lexical=lexical) if way in directions else None for way in ("forward", "reverse")}
        return kind(**parts)

    alone = name in ("hmm", "hmm-fast") and len(directions) < 2
    return RECIPES["hmm-single" if alone else name](pair, alpha)


def train(
    bitext: Bitext,
    chain: list[Aligner],
    prior: Priors | None = None,
    after: Callable[[Aligner], None] | None = None,
    **settings: Any,
) -> Aligner:
    """Fit the aligners of a chain one after the other, each with the `prior`; `settings` such as ``n_jobs`` are set.

    `after` is called with each aligner once it is fitted.
    """
    start = None
    for aligner in chain:
        for name, value in settings.items():
            setattr(aligner, name, value)
        start = aligner.fit(bitext, start=start, prior=prior)
        if after is not None:
            after(start)
    assert start is not None
    return start
