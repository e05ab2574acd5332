"""Scores of what a model finds against gold: word alignments, and induced tags."""

from emnlp.metrics.alignment import AlignmentScores, PairedBootstrap, alignment_scores, paired_bootstrap
from emnlp.metrics.clustering import TaggingScores, tagging_scores
from emnlp.metrics.contingency import ClusterTags, Contingency

__all__ = [
    "AlignmentScores",
    "ClusterTags",
    "Contingency",
    "PairedBootstrap",
    "TaggingScores",
    "alignment_scores",
    "paired_bootstrap",
    "tagging_scores",
]
