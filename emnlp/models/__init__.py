"""Models: products of factors, one family a file."""

from emnlp.models.aligner import Aligner
from emnlp.models.alignment import IBM1, IBM2
from emnlp.models.directed import DirectedAligner
from emnlp.models.positions import Positions

__all__ = ["IBM1", "IBM2", "Aligner", "DirectedAligner", "Positions"]
