"""Scores of what a model finds: against gold, for word alignments, induced tags and clusters; coherence of topics."""

from emnlp.metrics.alignment import AlignmentScores, PairedBootstrap, alignment_scores, paired_bootstrap
from emnlp.metrics.clustering import ClusteringScores, clustering_scores
from emnlp.metrics.coherence import npmi, umass
from emnlp.metrics.contingency import ClusterTags, Contingency
from emnlp.metrics.tagging import TaggingScores, tagging_scores

__all__ = [
    "AlignmentScores",
    "ClusterTags",
    "ClusteringScores",
    "Contingency",
    "PairedBootstrap",
    "TaggingScores",
    "alignment_scores",
    "clustering_scores",
    "npmi",
    "paired_bootstrap",
    "tagging_scores",
    "umass",
]
