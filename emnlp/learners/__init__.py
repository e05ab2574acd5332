"""Learners: how the E-step and the M-step alternate."""

from emnlp.learners.annealed import AnnealedEM
from emnlp.learners.base import Learner, Step, Trace
from emnlp.learners.chain import Chain
from emnlp.learners.em import EM
from emnlp.learners.gradient import DirectGradient
from emnlp.learners.hard import HardEM
from emnlp.learners.incremental import IncrementalEM
from emnlp.learners.online import StepwiseEM

__all__ = [
    "EM",
    "AnnealedEM",
    "Chain",
    "DirectGradient",
    "HardEM",
    "IncrementalEM",
    "Learner",
    "Step",
    "StepwiseEM",
    "Trace",
]
