"""Factors: ways to parametrise P(outcome | condition)."""

from emnlp.factors.base import FLOOR, Factor
from emnlp.factors.categorical import Categorical
from emnlp.factors.dirichlet import Dirichlet
from emnlp.factors.uniform import Fixed, Uniform

__all__ = ["FLOOR", "Categorical", "Dirichlet", "Factor", "Fixed", "Uniform"]
