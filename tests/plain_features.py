"""Plain definitions of the feature templates: which columns fire on a word, and on a pair of words."""

import unicodedata

from emnlp.features import (
    BothNumbers,
    BothPunctuation,
    Capital,
    CharNgrams,
    ClassPair,
    Constant,
    Custom,
    CustomPair,
    Digit,
    EditDistance,
    Hyphen,
    InDictionary,
    LengthRatio,
    Prefixes,
    Punctuation,
    SameSpelling,
    Shape,
    SharedPrefix,
    SharedSuffix,
    StemPair,
    Suffixes,
    Word,
    WordLength,
    register,
)
from emnlp.features.base import labels


@register("length class")
def length_class(word):
    return None if word == "" else "long" if len(word) > 4 else ["short", "short", f"short{len(word)}"]


@register("overlap")
def overlap(source, target):
    return {f"{letter}" for letter in source if letter in target}


def categories(word):
    return [unicodedata.category(character) for character in word]


def letters_of(word, lowercase=False, accents=True):
    """Characters as code points of the composed form."""
    word = word.lower() if lowercase else word
    if not accents:
        word = "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", word)


def shape(word, run):
    kinds = {"Lu": "X", "Lt": "X", "Nd": "d"}
    out = ""
    for character, kind in zip(letters_of(word), categories(letters_of(word)), strict=True):
        if kind[0] == "M":
            continue
        new = "X" if character.isupper() else "x" if character.islower() else "o" if kind[0] == "L" else character
        new = kinds.get(kind, new)
        if out[-run:] != new * run:
            out += new
    return {f"shape={out}"}


def length_bin(length, edges):
    for k, edge in enumerate(edges):
        if length < edge:
            return f"length<{edge}" if k == 0 else f"{edges[k - 1]}<=length<{edge}"
    return f"length>={edges[-1]}"


def ngrams(word, n, name="ngram"):
    text = "▁" * bool(word) + word + "▁" * bool(word)
    found = {text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1) if b - a <= n}
    bare = {"▁"} if "▁" not in word else set()
    return {f"{name}={each}" for each in found - bare}


WORDS = {
    Constant(): lambda w: {"constant"},
    Word(): lambda w: {f"word={w}"},
    Word(lowercase=True): lambda w: {f"lower-word={w.lower()}"},
    Capital(): lambda w: {"capital"} if w and (w[0].isupper() or w[0].istitle()) else set(),
    Digit(): lambda w: {"digit"} if "Nd" in categories(w) else set(),
    Hyphen(): lambda w: {"hyphen"} if set(w) & {"-", "‐", "\u2011"} else set(),
    Punctuation(): lambda w: {"punctuation"} if w and {each[0] for each in categories(w)} <= {"P", "S"} else set(),
    Suffixes(3): lambda w: {f"suffix={letters_of(w)[-k:]}" for k in (1, 2, 3) if len(letters_of(w)) >= k},
    Suffixes(2, lowercase=True): lambda w: {
        f"lower-suffix={letters_of(w, True)[-k:]}" for k in (1, 2) if len(letters_of(w, True)) >= k
    },
    Prefixes(2): lambda w: {f"prefix={letters_of(w)[:k]}" for k in (1, 2) if len(letters_of(w)) >= k},
    Shape(): lambda w: shape(w, 2),
    Shape(run=1): lambda w: shape(w, 1),
    WordLength(): lambda w: {length_bin(len(letters_of(w)), WordLength().bins)},
    WordLength((3,)): lambda w: {length_bin(len(letters_of(w)), (3,))},
    CharNgrams(3): lambda w: ngrams(letters_of(w), 3),
    CharNgrams(1): lambda w: ngrams(letters_of(w), 1),
    CharNgrams(4, lowercase=True): lambda w: ngrams(letters_of(w, True), 4, "lower-ngram"),
    Custom("length class"): lambda w: (
        set()
        if w == ""
        else {"length class=long"}
        if len(w) > 4
        else {"length class=short", f"length class=short{len(w)}"}
    ),
}


def distance(a, b):
    """Levenshtein's, by the plain dynamic programme."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        new = [i]
        for j, other in enumerate(b, 1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (one != other)))
        row = new
    return row[-1]


def bin_of(value, edges, name):
    return {labels(name, edges)[sum(value >= edge for edge in edges)]}


def edit_bin(s, t, edges, name, **reading):
    a, b = letters_of(s, **reading)[:1024], letters_of(t, **reading)[:1024]
    return bin_of(distance(a, b) / max(len(a), len(b), 1), edges, name)


def ratio_bin(s, t, edges):
    a, b = sorted([len(letters_of(s)), len(letters_of(t))])
    return bin_of(a / b if b else 1.0, edges, "length-ratio")


def common(a, b, most, name):
    same = 0
    while same < min(len(a), len(b), most) and a[same] == b[same]:
        same += 1
    return set() if same == 0 else {f"{name}>={most}" if same == most else f"{name}={same}"}


def is_number(word):
    kinds = categories(word)
    return "Nd" in kinds and not any(kind[0] == "L" for kind in kinds)


def numbers(s, t):
    if not (is_number(s) and is_number(t)):
        return set()
    one, other = ([unicodedata.decimal(each) for each in w if unicodedata.category(each) == "Nd"] for w in (s, t))
    return {"both-numbers", "same-digits"} if one == other else {"both-numbers"}


TENTHS = tuple(k / 10 for k in range(1, 10))
ENTRIES = (("the", "The"), ("a", "b"), ("a", "a"), ("É", "é"), ("", ""), ("naïve", "naive"))
CLASSES = {"the": "DT", "The": "DT", "a": "x|y", "": "none"}, {"a": "A", "the": "B", "": "A"}
PAIRS = {
    SameSpelling(): lambda s, t: {
        name for name, agree in (("same", s == t), ("same-lower", s.casefold() == t.casefold())) if agree
    },
    EditDistance(): lambda s, t: edit_bin(s, t, TENTHS, "lower-edit-distance", lowercase=True),
    EditDistance((0.15, 0.5), lowercase=False): lambda s, t: edit_bin(s, t, (0.15, 0.5), "edit-distance"),
    EditDistance(4, accents=False): lambda s, t: edit_bin(
        s, t, (0.25, 0.5, 0.75), "lower-plain-edit-distance", lowercase=True, accents=False
    ),
    EditDistance(1, lowercase=False): lambda s, t: {"edit-distance"},
    LengthRatio(2): lambda s, t: ratio_bin(s, t, (0.5,)),
    LengthRatio((0.3, 1)): lambda s, t: ratio_bin(s, t, (0.3, 1)),
    SharedPrefix(3): lambda s, t: common(letters_of(s, True), letters_of(t, True), 3, "lower-shared-prefix"),
    SharedPrefix(1, lowercase=False): lambda s, t: common(letters_of(s), letters_of(t), 1, "shared-prefix"),
    SharedPrefix(100, accents=False): lambda s, t: common(
        letters_of(s, True, False), letters_of(t, True, False), 100, "lower-plain-shared-prefix"
    ),
    SharedSuffix(2): lambda s, t: common(
        letters_of(s, True)[::-1], letters_of(t, True)[::-1], 2, "lower-shared-suffix"
    ),
    BothNumbers(): numbers,
    BothPunctuation(): lambda s, t: (
        {"both-punctuation"} if WORDS[Punctuation()](s) and WORDS[Punctuation()](t) else set()
    ),
    InDictionary(ENTRIES): lambda s, t: {"in-dictionary"} if (s, t) in ENTRIES else set(),
    InDictionary(ENTRIES, lowercase=True): lambda s, t: (
        {"lower-in-dictionary"} if (s.lower(), t.lower()) in [(a.lower(), b.lower()) for a, b in ENTRIES] else set()
    ),
    InDictionary(()): lambda s, t: set(),
    ClassPair(*CLASSES): lambda s, t: (
        {f"classes={CLASSES[0][s]}|{CLASSES[1][t]}"} if s in CLASSES[0] and t in CLASSES[1] else set()
    ),
    ClassPair((), ()): lambda s, t: set(),
    StemPair(min_pairs=1): lambda s, t: {f"stems={letters_of(s, True, False)[:4]}|{letters_of(t, True, False)[:4]}"},
    StemPair(1, 1): lambda s, t: {f"stems={letters_of(s, True, False)[:1]}|{letters_of(t, True, False)[:1]}"},
    CustomPair("overlap"): lambda s, t: {f"overlap={letter}" for letter in set(s) & set(t)},
}
