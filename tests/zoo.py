"""The zoo: every factor in every slot of every model. A new row here brings all of test_zoo.py."""

from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import numpy as np
from hypothesis import strategies as st

from emnlp import (
    EM,
    HMM,
    IBM1,
    IBM2,
    LDA,
    PLSA,
    Agreement,
    Aligner,
    Backoff,
    Bitext,
    Categorical,
    Diagonal,
    DirectGradient,
    Dirichlet,
    Documents,
    Fixed,
    Gaussian,
    GaussianMixture,
    HMMAligner,
    Jump,
    LinearDynamicalSystem,
    LinearGaussian,
    Logistic,
    NaiveBayesMixture,
    Points,
    PooledJump,
    Series,
    TagDictionary,
    Tagged,
    Text,
    Uniform,
)
from emnlp.factors.backoff import Prefix
from emnlp.factors.linear import Crossed, Tied
from emnlp.features import BothPunctuation, Constant, LengthRatio, SameSpelling, Slot, Suffixes, Word

FACTORS = {
    "categorical": Categorical(),
    "map": Categorical(alpha=1.5),
    "dirichlet": Dirichlet(alpha=0.3),
    "uniform": Uniform(),
    "logistic": Logistic(kappa=0.1, spread=0.5),
}
NULLS = {
    "fixed": Fixed(0.2),
    "learned": Categorical(),
    "smoothed": Categorical(alpha=3.0),
    "dirichlet": Dirichlet(alpha=2.0),
    "logistic": Logistic(kappa=0.0, spread=0.5),
}
JUMPS = {
    "jump": Jump(words=2, width=2),
    "wide": Jump(words=0, width=10),
    "pooled": PooledJump(width=3),
    **FACTORS,
}
"""How the HMM aligner jumps: by words and buckets, clipped and not, and by a table."""


def project(factor, params):
    """Return the allowed parameters next to these; a factor whose parameters are constrained has its case here."""
    if isinstance(factor, Diagonal):
        return factor.adopt(params)
    return factor.support.normalise(params) if isinstance(factor, Categorical) else params


@dataclass(frozen=True)
class Row:
    """A way to make a model, and how long the sentences are on which its latent structures can be enumerated.

    `monotone` says whether EM promises that the objective never falls; `family` names the corpora that it reads; of
    `moments`, the factors are densities, not tables.
    """

    make: partial
    longest: int = 3
    monotone: bool = True
    family: str = "bitext"
    moments: bool = False

    def corpora(self, longest=None):
        """Corpora small enough to enumerate, drawn at random."""
        return CORPORA[self.family](longest or self.longest)

    @property
    def example(self):
        """One corpus."""
        return EXAMPLES[self.family]

    @property
    def small(self):
        """The same, cut to what can be enumerated."""
        whole = self.family != "bitext" or self.longest >= 3
        return self.example if whole else self.example.limited(self.longest)

    def model(self, **settings):
        """Return a fresh model."""
        return self.make(**settings)


ROWS = {}
for kind in (IBM1, IBM2):
    for lexical_name, lexical in FACTORS.items():
        for position_name, position in FACTORS.items():
            name = f"{kind.__name__}-{lexical_name}-{position_name}"
            ROWS[name] = Row(partial(kind, lexical=lexical, position=position))
    for null_name, null in NULLS.items():
        ROWS[f"{kind.__name__}-null-{null_name}"] = Row(partial(kind, null=null))
        ROWS[f"{kind.__name__}-dirichlet-null-{null_name}"] = Row(
            partial(kind, lexical=Dirichlet(alpha=0.3), null=null)
        )


def _aligner(kind, one, other, **settings):
    parts = {"forward": one, "reverse": other}
    return Aligner(**{name: None if each is None else kind(**each) for name, each in parts.items()}, **settings)


ROWS |= {
    "Aligner-IBM1": Row(partial(_aligner, IBM1, {}, {}), 2),
    "Aligner-IBM2-mixed": Row(partial(_aligner, IBM2, {"null": Fixed(0.1)}, {"lexical": Dirichlet(alpha=0.3)}), 2),
    "Aligner-forward": Row(partial(_aligner, IBM2, {"null": Categorical()}, None)),
    "Aligner-reverse": Row(partial(_aligner, IBM1, None, {"lexical": Dirichlet(alpha=0.1)})),
}
for null_name, null in NULLS.items():
    ROWS[f"IBM2-diagonal-null-{null_name}"] = Row(partial(IBM2, position=Diagonal(), null=null))
ROWS |= {
    "IBM2-fast-align": Row(partial(IBM2, lexical=Dirichlet(alpha=0.01), position=Diagonal(), null=Fixed(0.08))),
    "IBM2-diagonal-bounded": Row(partial(IBM2, position=Diagonal(1.0, bounds=(0.5, 1.5)), null=Fixed(0.2))),
    "Aligner-diagonal": Row(partial(_aligner, IBM2, *2 * ({"position": Diagonal(), "null": Fixed(0.1)},)), 2),
}

CHAIN = partial(HMMAligner, beam=0.0)
for k, (lexical_name, lexical) in enumerate(FACTORS.items()):
    for m, (jump_name, jump) in enumerate(JUMPS.items()):
        null_name = list(NULLS)[(k + m) % len(NULLS)]
        make = partial(CHAIN, lexical=lexical, jump=jump, null=NULLS[null_name])
        ROWS[f"HMMAligner-{lexical_name}-{jump_name}-{null_name}"] = Row(make, monotone=jump_name != "pooled")
COARSE = Categorical(backoff=Backoff(2.0, Prefix(1), Prefix(1), 0.5))
ROWS |= {
    "IBM1-backoff": Row(partial(IBM1, lexical=COARSE), monotone=False),
    "HMMAligner-backoff": Row(partial(CHAIN, lexical=COARSE, jump=Jump(words=1, width=1)), monotone=False),
    "Aligner-HMM": Row(partial(_aligner, CHAIN, {"jump": Jump(words=1, width=2)}, {"jump": Categorical()}), 2),
}


def _agreement(kind, one, other, **settings):
    return Agreement(forward=kind(**one), reverse=kind(**other), **settings)


for rounds in (0, 2):
    each = {"lexical": Dirichlet(0.1), "null": Fixed(0.1)}, {"null": Categorical()}
    for kind in (IBM1, CHAIN):
        name = f"Agreement-{'HMM' if kind is CHAIN else 'IBM1'}-{rounds}"
        ROWS[name] = Row(partial(_agreement, kind, *each, rounds=rounds), 2, monotone=False)
ROWS["Agreement-HMM-backoff"] = Row(
    partial(_agreement, CHAIN, {"lexical": COARSE}, {"jump": Categorical()}, rounds=1, step=0.5), 2, monotone=False
)


for k, (emission_name, emission) in enumerate(FACTORS.items()):
    for m, (transition_name, transition) in enumerate(FACTORS.items()):
        initial_name = list(FACTORS)[(k + m) % len(FACTORS)]
        make = partial(HMM, 2, initial=FACTORS[initial_name], transition=transition, emission=emission)
        family = "tagged" if (k + m) % 3 == 2 else "text"
        ROWS[f"HMM-{initial_name}-{transition_name}-{emission_name}-{family}"] = Row(
            partial(make, ends=(k + m) % 2 == 0, decoding="viterbi" if k % 2 else "posterior"), 4, family=family
        )
ROWS |= {
    "HMM-1": Row(partial(HMM, 1), 4, family="text"),
    "HMM-3-classes": Row(partial(HMM, 3, init="classes"), family="text"),
    "HMM-3-tagged": Row(partial(HMM, 3, init="random", decoding="viterbi"), family="tagged"),
    "HMM-tags": Row(partial(HMM, 2, init="constant"), 4, family="tagged"),
}

SPELT = partial(Logistic, (Word(), Suffixes(1), Tied(Word()), Crossed(Constant(), Suffixes(1))), spread=0.5)
ALIKE = Logistic((LengthRatio(2), BothPunctuation(), Slot(), Suffixes(1)), kappa=(0.5, 0.1, 0.2, 0.3), spread=0.5)
TABLE, DIRECT = FACTORS["logistic"], DirectGradient()
ROUNDS = EM(refresh_at=(0, 3))
BESIDE = {"initial": TABLE, "transition": TABLE}
ROWS |= {
    "HMM-features": Row(partial(HMM, 2, emission=SPELT(kappa=(0.1, 0.2, 0.3, 0.4))), 4, family="text"),
    "HMM-features-direct": Row(partial(HMM, 2, emission=SPELT(), **BESIDE, learner=DIRECT), 4, family="text"),
    "HMM-features-cg": Row(
        partial(HMM, 2, emission=SPELT(), **BESIDE, learner=DirectGradient("cg")), 4, family="tagged"
    ),
    "HMM-entropy": Row(partial(HMM, 2, emission=SPELT(entropy=2.0), learner=ROUNDS), 4, monotone=False, family="text"),
    "IBM1-open": Row(partial(IBM1, lexical=Logistic((Slot(), SameSpelling()), kappa=0.1, spread=0.5, open=True))),
    "HMMAligner-open-direct": Row(
        partial(
            CHAIN,
            lexical=Logistic((Slot(),), kappa=0.2, spread=0.5, open=True),
            jump=Logistic(kappa=0.1),
            learner=DirectGradient(),
        )
    ),
    "IBM1-features": Row(partial(IBM1, lexical=ALIKE)),
    "IBM2-features-direct": Row(partial(IBM2, lexical=ALIKE, position=TABLE, null=Fixed(0.2), learner=DIRECT)),
    "HMMAligner-features-direct": Row(partial(CHAIN, lexical=ALIKE, jump=TABLE, null=TABLE, learner=DIRECT)),
    "Aligner-features": Row(partial(_aligner, IBM1, {"lexical": ALIKE}, {"lexical": TABLE}, learner=DIRECT), 2),
}

for k, (feature_name, feature) in enumerate(FACTORS.items()):
    for m, kind in enumerate(("multinomial", "bernoulli")):
        component_name = list(FACTORS)[(k + 2 * m) % len(FACTORS)]
        make = partial(NaiveBayesMixture, 2, kind=kind, component=FACTORS[component_name], feature=feature)
        family = "labelled" if (k + m) % 2 and feature_name != "categorical" else "documents"  # no zeros at the start
        ROWS[f"NaiveBayes-{kind}-{component_name}-{feature_name}-{family}"] = Row(
            partial(make, init=("random", "documents", "spherical")[k % 3]), family=family
        )
ROWS |= {
    "NaiveBayes-features-direct": Row(
        partial(NaiveBayesMixture, 3, component=TABLE, feature=SPELT(), learner=DIRECT), family="labelled"
    ),
    "NaiveBayes-1": Row(partial(NaiveBayesMixture, 1), family="documents"),
}
for k, (topic_name, topic) in enumerate(FACTORS.items()):
    for m, (word_name, word) in enumerate(FACTORS.items()):
        if (k + m) % 2 == 0:
            make = partial(PLSA, 2, topic=topic, word=word, fold_iter=5)
            ROWS[f"PLSA-{topic_name}-{word_name}"] = Row(make, 4, family="documents")
ROWS |= {
    "PLSA-features-direct": Row(
        partial(PLSA, 2, topic=TABLE, word=SPELT(), learner=DIRECT, fold_iter=5), 4, family="documents"
    ),
    "LDA": Row(partial(LDA, 2, fresh=0), family="documents"),
    "LDA-anew": Row(partial(LDA, 3, alpha=0.5, word=FACTORS["map"]), monotone=False, family="documents"),
}
given = LinearGaussian(weights=1.0, offset=0.0, covariance="spherical")
ROWS |= {
    "LDS": Row(partial(LinearDynamicalSystem, 2), family="series", moments=True),
    "LDS-given": Row(
        partial(LinearDynamicalSystem, 1, dynamics=given, observation=LinearGaussian(covariance="diagonal")),
        family="series", moments=True,
    ),
}  # fmt: skip
for kind in ("full", "tied", "diagonal", "spherical"):
    for ridge in (0.0, 0.1):
        density = Gaussian(kind, ridge=ridge)
        ROWS[f"GaussianMixture-{kind}-{ridge}"] = Row(
            partial(GaussianMixture, 1 if ridge == 0 else 2, density=density),
            monotone=ridge == 0, family="points", moments=True,
        )  # fmt: skip


def bitexts(longest):
    """Bitexts small enough to enumerate: empty sentences, sentences of one word, repeated words among them."""
    source = st.lists(st.sampled_from("abc"), max_size=longest)
    target = st.lists(st.sampled_from("xyz"), max_size=longest)
    pairs = st.lists(st.tuples(source, target), min_size=1, max_size=4)
    return pairs.filter(lambda each: any(s and t for s, t in each)).map(Bitext.from_pairs)


def texts(longest):
    """Texts likewise, of distinct sentences: equal ones are one, see test_tagging.py."""
    sentences = st.lists(st.lists(st.sampled_from("abc"), max_size=longest), min_size=1, max_size=4, unique_by=tuple)
    return sentences.filter(any).map(Text.from_tokens)


def tagged_texts(longest):
    """Texts in which some tokens have a tag, and some words a dictionary entry."""
    token = st.tuples(st.sampled_from("abc"), st.sampled_from(["A", "B", None]))
    words = partial(map, itemgetter(0))  # sentences of the same words may be one, whatever their tags
    sentences = st.lists(st.lists(token, max_size=longest), min_size=1, max_size=4, unique_by=lambda s: tuple(words(s)))
    return sentences.filter(any).map(lambda each: Tagged.from_sents(each).constrained(DICTIONARY))


def documents(longest):
    """Documents, of which some are empty; one has a word."""
    tokens = st.lists(st.lists(st.sampled_from("abc"), max_size=longest), min_size=1, max_size=4)
    return tokens.filter(any).map(Documents.from_tokens)


def labelled_documents(longest):
    """Documents of which some have a label."""
    item = st.tuples(st.lists(st.sampled_from("abc"), max_size=longest), st.sampled_from(["A", "B", None]))
    pairs = st.lists(item, min_size=1, max_size=4).filter(lambda each: any(words for words, _ in each))
    return pairs.map(lambda each: Documents.from_tokens(map(itemgetter(0), each)).labelled([k for _, k in each], "AB"))


def several_series(longest):
    """Series of two columns, of which some values, or all of a row, are missing."""
    number = st.floats(-3, 3, allow_nan=False, width=32) | st.just(float("nan"))
    one = st.lists(st.tuples(number, number), min_size=1, max_size=longest + 3)
    several = st.lists(one, min_size=1, max_size=3).map(lambda each: [np.array(rows) for rows in each])
    return several.filter(lambda each: all((~np.isnan(np.concatenate(each))).sum(axis=0) > 1)).map(Series.of)


def point_clouds(longest):
    """Points in the plane, no two of them equal."""
    number = st.integers(-9, 9).map(float)
    return st.lists(st.tuples(number, number), min_size=5, max_size=12, unique=True).map(np.array).map(Points)


DICTIONARY = TagDictionary({"a": ("A",), "b": ("A", "B")})
CORPORA = {
    "bitext": bitexts,
    "text": texts,
    "tagged": tagged_texts,
    "documents": documents,
    "labelled": labelled_documents,
    "series": several_series,
    "points": point_clouds,
}
SENTENCES = ["abab", "", "b", "cab", "aa", "bbb", "ca"]
EXAMPLE = Bitext.from_pairs(
    [
        (["a", "b", "a"], ["x", "y"]),
        ([], ["x"]),
        (["b"], ["y", "y", "z"]),
        (["a", "c"], []),
        (["c", "b"], ["z", "y"]),
        (["c"], ["z"]),
        (["a", "b", "a"], ["x", "x"]),
    ]
)
EXAMPLES = {
    "bitext": EXAMPLE,
    "text": Text.from_tokens(map(list, SENTENCES)),
    "tagged": Tagged.from_sents(
        [[(word, "B" if k == 2 else None) for k, word in enumerate(sentence)] for sentence in SENTENCES]
    ).constrained(DICTIONARY),
    "documents": Documents.from_tokens(map(list, SENTENCES)),
    "points": Points(np.cos(np.arange(40.0).reshape(20, 2) ** 1.7)),
    "series": Series.of([np.sin(np.arange(2.0 * n).reshape(n, 2) ** 1.1) for n in (5, 3, 8)]),
    "labelled": Documents.from_tokens(map(list, SENTENCES), ["A", None, None, "B", None, None, None]),
}
