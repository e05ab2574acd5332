"""Recipes for part-of-speech induction, and the consensus of several runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.checkpoint import part
from emnlp.factors import Categorical, Dirichlet, Logistic
from emnlp.features import Capital, Digit, Hyphen, Suffixes, Word
from emnlp.learners import EM, DirectGradient
from emnlp.models.consensus import LabelMixture
from emnlp.models.tagging import HMM

SPELLING = (Word(), Digit(), Hyphen(), Capital(), Suffixes(3))
"""The features of Berg-Kirkpatrick et al. (2010)."""

EVIDENCE = 0.5
"""What a run's label counts for in a consensus: runs of one model err alike."""

ROUND = 30
"""Steps of each of the two last rounds, in which words are pressed towards one state."""


def induction(
    n_states: int | None,
    emission: str = "logistic",
    learner: str | None = None,
    *,
    iterations: int | None = None,
    kappa: float = 0.3,
    entropy: float = 1.0,
    alpha: float = 0.1,
    **settings: Any,
) -> HMM:
    """Return a tagger to fit.

    Parameters
    ----------
    n_states : int or None
    emission : {"logistic", "categorical", "dirichlet"}
        ``logistic`` is the recipe: features of spelling, truecased words, every factor logistic.
    learner : {"direct", "em"}, optional
        By default direct gradient for ``logistic``, and EM for the others.
    iterations : int, optional
        Steps before the rounds of `entropy`, which are two of 30 more; 200 by default, 100 for EM.
    kappa, entropy : float
        Of logistic factors, see `Logistic`; `entropy` is that of the emission.
    alpha : float
        Of Dirichlet factors.
    **settings
        What else `HMM` takes.

    Examples
    --------
    >>> induction(12, "categorical").max_iter, induction(12).max_iter
    (100, 260)
    """
    direct = (learner or ("direct" if emission == "logistic" else "em")) == "direct"
    first = iterations if iterations is not None else 200 if direct else 100
    factors: dict[str, Any] = _factors(emission, kappa, entropy, alpha)
    rounds = emission == "logistic" and entropy > 0
    steps = (first, first + ROUND) if rounds else ()
    if emission == "logistic":
        settings = {"truecase": True, "dtype": "float32", **settings}
    how = DirectGradient(refresh_at=steps) if direct else EM(refresh_at=steps)
    return HMM(n_states, **factors, learner=how, max_iter=first + ROUND * len(steps), **settings)


def _factors(emission: str, kappa: float, entropy: float, alpha: float) -> dict[str, Any]:
    if emission == "logistic":
        plain = Logistic(kappa=kappa)
        words = Logistic(SPELLING, kappa=kappa, entropy=entropy)
        return {"initial": plain, "transition": plain, "emission": words}
    table = Dirichlet(alpha) if emission == "dirichlet" else Categorical()
    return {"initial": Categorical(), "transition": Categorical(), "emission": table}


def consensus(
    make: Callable[[int], HMM],
    corpus: Any,
    seeds: Sequence[int],
    after: Callable[[int, HMM], None] | None = None,
    checkpoint: str | None = None,
    every: int = 1,
) -> HMM:
    """Return one tagger fitted to what several runs agree on.

    A tagger like the others is fitted to the posteriors of `agreed`.

    Parameters
    ----------
    make : callable
        From a seed to a model to fit.
    corpus
        What the models learn from.
    seeds : sequence of int
    after : callable, optional
        Called with the seed and the fitted model of each run.
    checkpoint, every : optional
        As in `Model.fit`; the runs have a file each, with ``.1`` at the end, ``.2``, and so on.
    """
    labels, n_states = [], 0
    for k, seed in enumerate(seeds):
        path = None if checkpoint is None else part(checkpoint, k, len(seeds))
        model = make(seed).fit(corpus, checkpoint=path, every=every)
        labels.append(np.concatenate([np.array(states, np.int64) for states in model.predict(corpus)]))
        n_states = len(model.states_)
        if after is not None:
            after(seed, model)
    shares = agreed(np.stack(labels, 1), n_states)
    tagger = make(seeds[0])
    text = tagger.corpus(corpus).text
    posteriors = np.split(shares, text.starts[1:-1])
    return tagger.fit_posteriors(corpus, posteriors, m_steps=5)


def agreed(labels: NDArray[np.int64], n_states: int) -> Array:
    """Return the posteriors of a `LabelMixture` over the labels of several runs, (N, K).

    Its components start from each run in turn; of these mixtures, the one with the best likelihood is taken.
    """
    leads = range(labels.shape[1])
    mixtures = [LabelMixture(n_components=n_states, lead=lead, evidence=EVIDENCE).fit(labels) for lead in leads]
    best = max(mixtures, key=lambda mixture: mixture.trace_[-1])
    return best.predict_proba(labels)
