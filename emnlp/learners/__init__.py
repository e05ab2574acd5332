"""Learners: how the E-step and the M-step alternate."""

from emnlp.learners.base import Learner, Step, Trace
from emnlp.learners.em import EM

__all__ = ["EM", "Learner", "Step", "Trace"]
