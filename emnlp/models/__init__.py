"""Models: products of factors, one family a file."""

from emnlp.models.aligner import Aligner
from emnlp.models.alignment import IBM1, IBM2

__all__ = ["IBM1", "IBM2", "Aligner"]
