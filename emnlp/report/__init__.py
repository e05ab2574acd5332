"""Reports: pictures of alignments and of training."""

from emnlp.report.plots import alignment_matrix, learning_curve

__all__ = ["alignment_matrix", "learning_curve"]
