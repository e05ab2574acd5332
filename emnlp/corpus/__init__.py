"""Corpora: readers, vocabularies, ragged ids, links, and where to get real text."""

from emnlp.corpus.bitext import Bitext
from emnlp.corpus.documents import Documents
from emnlp.corpus.gold import Gold
from emnlp.corpus.links import Links
from emnlp.corpus.priors import Priors
from emnlp.corpus.series import Series
from emnlp.corpus.tagdictionary import TagDictionary
from emnlp.corpus.tagged import Tagged
from emnlp.corpus.text import Text, Vocabulary

__all__ = ["Bitext", "Documents", "Gold", "Links", "Priors", "Series", "TagDictionary", "Tagged", "Text", "Vocabulary"]
