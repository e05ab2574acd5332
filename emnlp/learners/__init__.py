"""Learners: how the E-step and the M-step alternate."""

from emnlp.learners.base import Learner, Step, Trace
from emnlp.learners.em import EM
from emnlp.learners.gradient import DirectGradient

__all__ = ["EM", "DirectGradient", "Learner", "Step", "Trace"]
