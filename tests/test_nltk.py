"""Held to the numbers of NLTK's models, and of a model written with dictionaries.

One difference of definition: NLTK normalises the posterior of a target word by its sum over every *occurrence* of that
word in the sentence, so a word that occurs twice counts half each time, and the counts are not the posterior's. So NLTK
is the oracle on sentences whose target words differ, and the blackboard model on all.
"""

import warnings

import numpy as np
import pytest
from reference import model1

from emnlp import IBM1, IBM2, Bitext

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nltk.translate import AlignedSent, IBMModel1, IBMModel2


@pytest.fixture(params=["sample_en_fr", "hansards_en_fr"])
def pairs(request, real):
    """Short pairs of the shipped sample, or of real text."""
    if request.param == "sample_en_fr":
        from emnlp.corpus.registry import find

        folder, names = find("sample_en_fr"), ("train.en", "train.fr")
    else:
        folder, names = real("hansards_en_fr"), ("dev.en", "dev.fr")
    sides = [[line.split() for line in (folder / name).read_text("utf-8").splitlines()] for name in names]
    return [(s, t) for s, t in zip(*sides) if s and t and len(s) < 15 and len(t) < 15]


@pytest.fixture
def distinct(pairs):
    """Fifty pairs in which no target word is repeated."""
    return [(s, t) for s, t in pairs if len(set(t)) == len(t)][:50]


def lexicon(model):
    """Return {(source, target): probability}."""
    support, theta = model.factors_["lexical"].support, model.params_["lexical"]
    source, target = [None, *model.source_vocabulary_.words], model.target_vocabulary_.words
    return {(source[c], target[o]): p for c, o, p in zip(support.conditions, support.outcomes, theta)}


def test_model1_equals_nltk(distinct):
    nltk = IBMModel1([AlignedSent(t, s) for s, t in distinct], 5)
    mine = lexicon(IBM1(max_iter=5).fit(distinct))
    assert len(mine) > 400
    for (source, target), p in mine.items():
        assert p == pytest.approx(nltk.translation_table[target][source], abs=1e-9)


def test_model1_equals_the_blackboard(pairs):
    mine = lexicon(IBM1(max_iter=3).fit(pairs))
    for key, p in model1(pairs, 3).items():
        assert mine[key] == pytest.approx(p, rel=1e-10)


def test_model2_equals_nltk(distinct):
    """NLTK starts Model 2 from twice as many iterations of Model 1, and a uniform a(i | j, I, J), as we do here.

    Another difference of definition: NLTK raises every probability to at least 1e-12.
    """
    nltk = IBMModel2([AlignedSent(t, s) for s, t in distinct], 3)
    model = IBM2(max_iter=3).fit(distinct, start=IBM1(max_iter=6).fit(distinct))
    for (source, target), p in lexicon(model).items():
        assert p == pytest.approx(nltk.translation_table[target][source], abs=1e-9)
    positions, prior = model._positions, model.prepare(model.theta(model.params_))["prior"]
    for shape, (n_source, n_target) in enumerate(positions.shapes.tolist()):
        for i in range(n_source + 1):
            for j in range(n_target):
                mine = prior[positions.bases[shape] + i * n_target + j]
                theirs = nltk.alignment_table[i][j + 1][n_source][n_target]
                assert mine == pytest.approx(theirs, abs=1e-9)


def test_aligned_sents_are_read_as_nltk_reads_them(pairs):
    sents = [AlignedSent(t, s) for s, t in pairs]
    one, other = IBM1().fit(sents), IBM1().fit(Bitext.from_pairs(pairs))
    assert np.array_equal(one.params_["lexical"], other.params_["lexical"])
    assert one.predict(sents) == other.predict(pairs)
