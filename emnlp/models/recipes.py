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

RECIPES = ("hmm", "hmm-fast", "hmm-single", "fast-align", "ibm2", "ibm1")
"""What `recipe` knows: the HMM with agreement and symmetric posteriors; without regularisation and back-off; two
directions on their own; Model 2 with a diagonal prior, as fast_align has it; and the IBM models."""


def recipe(
    name: str = "hmm", alpha: float = 0.0, directions: tuple[str, ...] = ("forward", "reverse")
) -> list[Aligner]:
    """Return the aligners of a chain, unfitted.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    alpha : float
        Above 0, the lexicons are `Dirichlet` (variational Bayes) instead of `Categorical`. Those of ``fast-align``
        always are, with 0.01 unless told otherwise.
    directions : tuple of str
        A single direction has no partner to agree with: an HMM recipe is ``hmm-single`` then.

    Examples
    --------
    >>> [type(aligner).__name__ for aligner in recipe("hmm")], len(recipe("ibm1"))
    (['Aligner', 'Agreement'], 1)
    """
    if name not in RECIPES:
        raise InputError(f"recipe: {name!r} is not known; choose from {', '.join(RECIPES)}")
    plain: Factor = Dirichlet(alpha=alpha) if alpha else Categorical()
    backed: Factor = Dirichlet(alpha=alpha) if alpha else Categorical(backoff=Backoff())
    if name in ("hmm", "hmm-fast") and len(directions) < 2:
        name = "hmm-single"

    def pair(kind: Callable[..., Aligner], part: Callable[..., DirectedAligner], lexical: Factor) -> Aligner:
        parts = {way: part(lexical=lexical) if way in directions else None for way in ("forward", "reverse")}
        return kind(**parts)

    first = pair(Aligner, IBM1, plain)
    quick = EM(score_last=name != "hmm-fast")
    short = pair(partial(Aligner, max_iter=2, learner=quick), IBM1, plain if name == "hmm-fast" else backed)
    diagonal = partial(IBM2, position=Diagonal(lagged=True), null=Fixed(0.08))
    last: dict[str, Callable[[], Aligner]] = {
        "fast-align": lambda: pair(Aligner, diagonal, Dirichlet(alpha=alpha or 0.01)),
        "ibm2": lambda: pair(Aligner, IBM2, plain),
        "hmm-single": lambda: pair(Aligner, HMMAligner, backed),
        "hmm-fast": lambda: pair(partial(Agreement, rounds=0, max_iter=3, learner=quick), HMMAligner, plain),
        "hmm": lambda: pair(partial(Agreement, max_iter=6), HMMAligner, backed),
    }
    if name == "fast-align":  # it needs no Model 1 to start from
        return [last[name]()]
    return [short if name in ("hmm", "hmm-fast") else first, last[name]()] if name in last else [first]


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
