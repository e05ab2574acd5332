"""Recipes for clustering documents."""

from __future__ import annotations

from typing import Any

from emnlp.factors import Categorical, Dirichlet, Factor, Logistic
from emnlp.learners import EM, AnnealedEM, HardEM, Learner
from emnlp.models.naive_bayes import NaiveBayesMixture

LEARNERS = ("annealed", "em", "hard")
FEATURES = ("categorical", "dirichlet", "logistic")


def clustering(
    n_components: int | None,
    learner: str = "annealed",
    feature: str = "categorical",
    *,
    iterations: int = 20,
    alpha: float = 0.1,
    kappa: float = 0.1,
    **settings: Any,
) -> NaiveBayesMixture:
    """Return a mixture of documents to fit.

    Parameters
    ----------
    n_components : int or None
    learner : {"annealed", "em", "hard"}
        ``annealed`` is the recipe: from spherical k-means, with evidence that counts for 5 words a document at first
        and for all of them in the end, lest the longest documents decide; then EM.
    feature : {"categorical", "dirichlet", "logistic"}
        ``categorical`` adds `alpha` to each count; of ``dirichlet``, `alpha` is the prior's.
    iterations : int
        Steps of EM, after those of annealing.
    alpha, kappa : float
        See `Categorical`, `Dirichlet` and `Logistic`.
    **settings
        What else `NaiveBayesMixture` takes.

    Examples
    --------
    >>> clustering(5).max_iter, clustering(5, "em").max_iter
    (65, 20)
    """
    how: Learner = {"annealed": AnnealedEM(by="length"), "em": EM(), "hard": HardEM()}[learner]
    before = how.n_steps if isinstance(how, AnnealedEM) else 0
    factor: Factor = {
        "categorical": lambda: Categorical(alpha=1 + alpha), "dirichlet": lambda: Dirichlet(alpha),
        "logistic": lambda: Logistic(kappa=kappa),
    }[feature]()  # fmt: skip
    return NaiveBayesMixture(n_components, feature=factor, learner=how, max_iter=before + iterations, **settings)
