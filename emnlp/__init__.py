"""Unsupervised learning of discrete NLP models with EM: products of named factors.

>>> from emnlp import IBM1, Aligner, Bitext
>>> pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
>>> bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])
>>> Aligner(forward=IBM1(), reverse=IBM1()).fit(bitext).predict(bitext)[0]
[(0, 0), (1, 1)]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Agreement": "models", "Aligner": "models", "HMM": "models",
    "HMMAligner": "models", "NaiveBayesMixture": "models", "IBM1": "models", "IBM2": "models",
    "Backoff": "factors", "Categorical": "factors", "Diagonal": "factors", "Dirichlet": "factors", "Fixed": "factors",
    "Jump": "factors", "Logistic": "factors", "PooledJump": "factors", "Uniform": "factors",
    "Crossed": "factors", "Tied": "factors",
    "Gaussian": "factors", "GaussianMixture": "models", "Points": "corpus.points",
    "LDA": "models", "PLSA": "models",
    "LinearDynamicalSystem": "models", "LinearGaussian": "factors", "Series": "corpus",
    "AnnealedEM": "learners", "Chain": "learners", "DirectGradient": "learners", "EM": "learners",
    "HardEM": "learners", "IncrementalEM": "learners", "StepwiseEM": "learners",
    "Bitext": "corpus", "Documents": "corpus", "Gold": "corpus", "Links": "corpus", "Priors": "corpus",
    "TagDictionary": "corpus", "Tagged": "corpus", "Text": "corpus",
    "alignment_scores": "metrics", "clustering_scores": "metrics", "tagging_scores": "metrics", "load": "model",
    "InputError": "errors", "NumericalError": "errors",
}  # fmt: skip
__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from emnlp.corpus import Bitext, Documents, Gold, Links, Priors, Series, TagDictionary, Tagged, Text
    from emnlp.corpus.points import Points
    from emnlp.errors import InputError, NumericalError
    from emnlp.factors import (
        Backoff,
        Categorical,
        Crossed,
        Diagonal,
        Dirichlet,
        Fixed,
        Gaussian,
        Jump,
        LinearGaussian,
        Logistic,
        PooledJump,
        Tied,
        Uniform,
    )
    from emnlp.learners import EM, AnnealedEM, Chain, DirectGradient, HardEM, IncrementalEM, StepwiseEM
    from emnlp.metrics import alignment_scores, clustering_scores, tagging_scores
    from emnlp.model import load
    from emnlp.models import (
        HMM,
        IBM1,
        IBM2,
        LDA,
        PLSA,
        Agreement,
        Aligner,
        GaussianMixture,
        HMMAligner,
        LinearDynamicalSystem,
        NaiveBayesMixture,
    )


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: `emnlp --help` should not wait for a compiler."""
    if name not in _HOME:
        raise AttributeError(f"module 'emnlp' has no attribute {name!r}")
    return getattr(import_module(f"emnlp.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
