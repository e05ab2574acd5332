"""Models: products of factors, one family a file."""

from emnlp.models.agreement import Agreement
from emnlp.models.aligner import Aligner
from emnlp.models.alignment import IBM1, IBM2
from emnlp.models.directed import DirectedAligner
from emnlp.models.gaussian import GaussianMixture
from emnlp.models.hmm_aligner import HMMAligner
from emnlp.models.lda import LDA
from emnlp.models.naive_bayes import NaiveBayesMixture
from emnlp.models.plsa import PLSA
from emnlp.models.positioned import PositionedAligner
from emnlp.models.positions import Positions
from emnlp.models.series import LinearDynamicalSystem
from emnlp.models.tagging import HMM

__all__ = [
    "HMM", "IBM1", "IBM2", "LDA", "PLSA", "Agreement", "Aligner", "DirectedAligner", "GaussianMixture", "HMMAligner",
    "LinearDynamicalSystem", "NaiveBayesMixture", "PositionedAligner", "Positions",
]  # fmt: skip
