"""Factors: ways to parametrise P(outcome | condition)."""

from emnlp.factors.backoff import Backoff, Classing, Prefix
from emnlp.factors.base import FLOOR, Factor
from emnlp.factors.categorical import Categorical
from emnlp.factors.diagonal import Diagonal
from emnlp.factors.dirichlet import Dirichlet
from emnlp.factors.gaussian import Gaussian
from emnlp.factors.jump import Bucketed, Jump, PooledJump
from emnlp.factors.linear import Crossed, Tied
from emnlp.factors.linear_gaussian import LinearGaussian
from emnlp.factors.logistic import Logistic
from emnlp.factors.uniform import Fixed, Uniform

__all__ = [
    "FLOOR",
    "Backoff",
    "Bucketed",
    "Categorical",
    "Classing",
    "Crossed",
    "Diagonal",
    "Dirichlet",
    "Factor",
    "Fixed",
    "Gaussian",
    "Jump",
    "LinearGaussian",
    "Logistic",
    "PooledJump",
    "Prefix",
    "Tied",
    "Uniform",
]
