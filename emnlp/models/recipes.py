"""Recipes: chains of aligners, each started from the one before, that the command line and experiments train."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from emnlp.checkpoint import parts
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.priors import Priors
from emnlp.errors import InputError
from emnlp.factors import Backoff, Categorical, Diagonal, Dirichlet, Factor, Fixed, Logistic
from emnlp.features import BothNumbers, BothPunctuation, EditDistance, Slot, StemPair
from emnlp.learners import EM
from emnlp.models.agreement import Agreement
from emnlp.models.aligner import Aligner
from emnlp.models.alignment import IBM1, IBM2
from emnlp.models.directed import DirectedAligner
from emnlp.models.hmm_aligner import HMMAligner

SPELLING = (Slot(), StemPair(4), EditDistance(10, below=0.5), BothNumbers(), BothPunctuation())
"""What a logistic lexicon reads of two words: themselves, their stems, and whether they look alike."""

Pair = Callable[..., Aligner]


def spelled(kappa: float = 0.3) -> Logistic:
    """Return a logistic lexicon: of words that occur together, and with score 0 of all others."""
    return Logistic(SPELLING, kappa=kappa, steps=5, open=True)


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


def _logistic(pair: Pair, kind: Callable[..., DirectedAligner] | None, kappa: float) -> list[Aligner]:
    """Tables for some steps, from which a lexicon of features learns, and then the HMM."""
    short = partial(Aligner, learner=EM(score_last=False))
    chain = [
        pair(partial(short, max_iter=4), IBM1, Categorical()),
        pair(partial(short, max_iter=1), IBM1, spelled(kappa)),
    ]
    return chain if kind is None else [*chain, pair(partial(Aligner, max_iter=5), kind, spelled(kappa))]


def _ibm1_logistic(pair: Pair, alpha: float) -> list[Aligner]:
    return _logistic(pair, None, alpha or 0.3)


def _hmm_single_logistic(pair: Pair, alpha: float) -> list[Aligner]:
    """Directions on their own, which learn from how words are spelt."""
    return _logistic(pair, partial(HMMAligner, null=Fixed(0.2)), alpha or 0.3)


def _hmm_logistic(pair: Pair, alpha: float) -> list[Aligner]:
    """Agreement and symmetric posteriors, as `_hmm`, with features in place of back-off."""
    lexical, learner = spelled(alpha or 0.1), EM(score_last=False)
    short = partial(Aligner, learner=learner)
    start = [pair(partial(short, max_iter=2), IBM1, Categorical()), pair(partial(short, max_iter=1), IBM1, lexical)]
    return [*start, pair(partial(Agreement, max_iter=6), HMMAligner, lexical)]


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
    "hmm": _hmm, "hmm-fast": _hmm_fast, "hmm-logistic": _hmm_logistic, "hmm-single": _hmm_single,
    "hmm-single-logistic": _hmm_single_logistic, "fast-align": _fast_align, "ibm2": _ibm2, "ibm1": _ibm1,
    "ibm1-logistic": _ibm1_logistic,
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
        ``hmm-single`` always are, with 0.01 and 0.1 unless told otherwise. Those of the recipes in
        ``-logistic`` are `Logistic`, see `spelled`, and `alpha` is their kappa: 0.1 for ``hmm-logistic``, or else 0.3.
    directions : tuple of str
        A single direction has no partner to agree with: an HMM recipe is ``hmm-single`` then, or its logistic one.

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

    alone = {"hmm": "hmm-single", "hmm-fast": "hmm-single", "hmm-logistic": "hmm-single-logistic"}
    return RECIPES[alone.get(name, name) if len(directions) < 2 else name](pair, alpha)


def train(
    bitext: Bitext,
    chain: list[Aligner],
    prior: Priors | None = None,
    after: Callable[[Aligner], None] | None = None,
    checkpoint: str | None = None,
    every: int = 1,
    **settings: Any,
) -> Aligner:
    """Fit the aligners of a chain one after the other, each with the `prior`; `settings` such as ``n_jobs`` are set.

    `after` is called with each aligner once it is fitted. The last one is returned. Those before it end unfitted: each
    forgets its parameters when the next one begins from them, since memory need not hold both.

    With a `checkpoint`, see `Model.fit`, the aligners of a chain have a file each: with ``.1`` at the end, ``.2``, and
    so on.

    Raises
    ------
    InputError
        If a chain of another length has left a checkpoint of this name.
    """
    paths = [None] * len(chain) if checkpoint is None else parts(checkpoint, len(chain))
    start: list[Aligner] = []  # popped: it need not live through the fit that begins from it
    for k, (aligner, path) in enumerate(zip(chain, paths)):
        for name, value in settings.items():
            setattr(aligner, name, value)
        aligner.fit(bitext, start=start.pop() if start else None, prior=prior, checkpoint=path, every=every)
        if after is not None:
            after(aligner)
        if k + 1 < len(chain):
            start.append(aligner.twin())
            aligner._forget()
    return chain[-1]
