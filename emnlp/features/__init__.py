"""Features: what a log-linear factor reads of words (`WordFeature`) and of pairs of words (`PairFeature`).

>>> from emnlp.features import Capital, Suffixes, stacked
>>> words = ["Rome", "rhyme"]
>>> columns = stacked([feature.columns(words) for feature in (Suffixes(2), Capital())])
>>> [(name, count) for name, count in zip(columns.names, columns.counts.tolist())]
[('suffix=e', 2), ('suffix=me', 2), ('capital', 1)]
"""

from emnlp.features.base import Feature, PairFeature, WordFeature, bins
from emnlp.features.columns import Columns, stacked
from emnlp.features.custom import Custom, CustomPair, register
from emnlp.features.knowledge import Binned, ClassPair, InDictionary, Slot, StemPair
from emnlp.features.pairs import (
    BothNumbers,
    BothPunctuation,
    EditDistance,
    LengthRatio,
    SameSpelling,
    SharedPrefix,
    SharedSuffix,
)
from emnlp.features.words import (
    Capital,
    CharNgrams,
    Constant,
    Digit,
    Hyphen,
    Prefixes,
    Punctuation,
    Shape,
    Suffixes,
    Word,
    WordLength,
)

__all__ = [
    "Binned",
    "BothNumbers",
    "BothPunctuation",
    "Capital",
    "CharNgrams",
    "ClassPair",
    "Columns",
    "Constant",
    "Custom",
    "CustomPair",
    "Digit",
    "EditDistance",
    "Feature",
    "Hyphen",
    "InDictionary",
    "LengthRatio",
    "PairFeature",
    "Prefixes",
    "Punctuation",
    "SameSpelling",
    "Shape",
    "SharedPrefix",
    "SharedSuffix",
    "Slot",
    "StemPair",
    "Suffixes",
    "Word",
    "WordFeature",
    "WordLength",
    "bins",
    "register",
    "stacked",
]
