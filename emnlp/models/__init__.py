"""Models: products of factors, one family a file."""

from emnlp.models.agreement import Agreement
from emnlp.models.aligner import Aligner
from emnlp.models.alignment import IBM1, IBM2
from emnlp.models.directed import DirectedAligner
from emnlp.models.hmm_aligner import HMMAligner
from emnlp.models.positioned import PositionedAligner
from emnlp.models.positions import Positions
from emnlp.models.tagging import HMM

__all__ = [
    "HMM", "IBM1", "IBM2", "Agreement", "Aligner", "DirectedAligner", "HMMAligner", "PositionedAligner", "Positions",
]  # fmt: skip
