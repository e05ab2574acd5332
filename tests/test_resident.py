"""An aligner that stays in memory: what is made once, when it is made anew, and words that no lexicon knows."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from zoo import EXAMPLE

import emnlp
from emnlp import IBM1, IBM2, Agreement, Aligner, Bitext, Dirichlet, HMMAligner
from emnlp.blocks import Blocks
from emnlp.models import lexicon, spelling
from emnlp.models.recipes import recipe, train

SEEN = [(["the", "house"], ["la", "maison"]), (["the", "book"], ["le", "livre"]), (["a", "house"], ["une", "maison"])]
SAMPLE = Path(__file__).parent.parent / "corpora" / "sample_en_fr"
KINDS = {
    "ibm1": lambda: Aligner().fit(SEEN),
    "ibm2": lambda: Aligner(forward=IBM2(), reverse=IBM2()).fit(SEEN),
    "hmm": lambda: train(Bitext.from_pairs(SEEN), recipe("hmm")),
}
kinds = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())


@pytest.fixture
def calls(monkeypatch):
    """Count what would take time in proportion to the lexicon."""
    counts = {}

    def counted(owner, name):
        original = getattr(owner, name)

        def wrapper(*args, **kwargs):
            counts[name] = counts.get(name, 0) + 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, wrapper)

    counted(Aligner, "prepare")
    counted(Aligner, "theta")
    counted(lexicon, "sorted_rows")
    counted(spelling, "alike")
    return counts


@kinds
def test_a_call_makes_nothing_twice(make, calls, tmp_path):
    make().save(tmp_path / "m")
    aligner = emnlp.load(tmp_path / "m")
    calls.clear()
    links = aligner.align(["the", "house"], ["la", "maison"])
    assert links == [(0, 0), (1, 1)]
    assert calls == {"prepare": 1, "theta": 1, "sorted_rows": 2}
    for _ in range(3):
        assert aligner.align(["the", "house"], ["la", "maison"]) == links
        aligner.predict_proba(SEEN[1:])
        list(aligner.posteriors(SEEN[1:]))
    assert calls == {"prepare": 1, "theta": 1, "sorted_rows": 2}
    aligner.align(["the", "zebra"], ["la", "zebra"])
    assert calls["alike"] == 2
    assert calls["prepare"] == 1


@kinds
def test_settings_take_effect_between_calls(make):
    aligner = make()
    pair = (["the", "house"], ["la", "maison"])
    aligner.symmetrize, aligner.threshold = "product", 0.0
    assert len(aligner.align(*pair)) >= 2
    aligner.threshold = 1.0
    assert aligner.align(*pair) == []
    aligner.symmetrize = "intersection"
    assert aligner.align(*pair) == [(0, 0), (1, 1)]


def test_rounds_take_effect_between_calls():
    aligner = KINDS["hmm"]()
    aligner.rounds = 0
    before = aligner.predict_proba(SEEN)[0]
    aligner.rounds = 5
    assert not np.allclose(before, aligner.predict_proba(SEEN)[0])


@kinds
def test_other_parameters_are_read(make):
    aligner = make()
    before = aligner.predict_proba(SEEN)[0]
    aligner.params_ = Blocks({name: params**0.5 for name, params in aligner.params_.items()})
    assert not np.allclose(before, aligner.predict_proba(SEEN)[0])


def test_a_new_fit_forgets_what_was_made():
    aligner = Aligner().fit(SEEN)
    aligner.predict(SEEN)
    aligner.fit(EXAMPLE)
    assert "_potentials" not in vars(aligner)
    assert aligner.predict(EXAMPLE) == Aligner().fit(EXAMPLE).predict(EXAMPLE)


@kinds
def test_what_was_made_is_not_compared_shown_copied_or_saved(make, tmp_path):
    used, fresh = make(), make()
    links = used.predict([(["a", "book"], ["une", "livre"])])
    used.scores(SEEN)
    assert used == fresh
    assert repr(used) == repr(fresh)
    for model in (used, fresh):
        model.save(tmp_path / ("used" if model is used else "fresh"))
    assert (tmp_path / "used").read_bytes() == (tmp_path / "fresh").read_bytes()
    for twin in (copy.deepcopy(used), pickle.loads(pickle.dumps(used)), used.twin()):
        assert "_potentials" not in vars(twin)
        assert twin.predict([(["a", "book"], ["une", "livre"])]) == links


@pytest.mark.parametrize("lexical", [None, Dirichlet(0.1)])
def test_scores(lexical):
    settings = {} if lexical is None else {"lexical": lexical}
    aligner = Aligner(forward=IBM1(**settings), reverse=HMMAligner(**settings)).fit(SEEN)
    bitext = [SEEN[0], ([], ["x"]), SEEN[1], (["the", "garden"], ["le"])]
    scores = aligner.scores(bitext)
    assert scores.shape == (4, 2)
    assert np.isnan(scores[1]).all()
    assert np.nanmean(scores[:, 0]) == pytest.approx(aligner.score(bitext))
    np.testing.assert_allclose(scores[:, 0] / scores[:, 1], [4, np.nan, 4, 3])
    parts = [aligner.only(name).scores(bitext) for name in ("forward", "reverse")]
    np.testing.assert_allclose(parts[0][:, 0] + parts[1][:, 0], scores[:, 0])
    np.testing.assert_allclose(parts[1][:, 0] / parts[1][:, 1], [2, np.nan, 2, 2])
    agreed = Agreement(rounds=3).fit(SEEN)
    assert np.nanmean(agreed.scores(bitext)[:, 0]) == pytest.approx(agreed.score(bitext))


# Words that no lexicon knows


@pytest.mark.parametrize("name", ["ibm1", "ibm2", "hmm", "hmm-fast"])
def test_an_unseen_name_in_both_sentences_is_linked(name):
    aligner = train(Bitext.read(SAMPLE / "train.en", SAMPLE / "train.fr"), recipe(name))
    source, target = ["the", "Zorkmid", "is", "black", "."], ["le", "Zorkmid", "est", "noir", "."]
    links = aligner.align(source, target)
    assert [link for link in links if 1 in link] == [(1, 1)]
    assert aligner.predict([(source, target)] * 3)[2] == links
    assert aligner.forward.predict_proba([(source, target)])[0][2, 1] > 0.9


def test_words_spelt_alike_are_linked_across_the_sentence():
    aligner = train(Bitext.read(SAMPLE / "train.en", SAMPLE / "train.fr"), recipe("ibm1"))
    source = ["Ontario", "in", "1998", "and", "1999", ",", "la", "."]
    target = ["La", "en", "1999", "et", "1998", "ontariens", "."]
    assert {(0, 5), (2, 4), (4, 2), (6, 0)} <= set(aligner.align(source, target))  # French has a 'la', English none


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Ottawa", "OTTAWA", spelling.IDENTICAL),
        (",", ",", spelling.IDENTICAL),
        ("élection", "election", spelling.SIMILAR),
        ("parliament", "parlement", spelling.DIFFERENT),  # 4 of 10 letters
        ("Yukon", "Yuko", spelling.SIMILAR),
        ("abc", "abcd", spelling.DIFFERENT),
        ("1998", "19985", spelling.DIFFERENT),
        ("B-1998", "B-1999", spelling.DIFFERENT),
        ("-----", "----", spelling.DIFFERENT),
        ("straße", "STRASSE", spelling.IDENTICAL),
    ],
)
def test_what_alike_means(one, other, expected):
    zero = np.zeros(1, np.int32)
    assert spelling.alike([one], [other], zero, zero).tolist() == [expected]
    assert spelling.alike([other], [one], zero, zero).tolist() == [expected]


def test_words_that_both_lexicons_know_are_not_compared(calls):
    aligner = Aligner().fit([(["a", "b"], ["x", "y"]), (["x"], ["z"]), (["c"], ["x"])])
    aligner.align(["x"], ["x"])
    assert "alike" not in calls


def test_the_potentials_of_words_spelt_alike():
    model = IBM1().fit(EXAMPLE)
    theta = model.theta(model.params_)["lexical"]
    potentials = model.lexical_potentials(theta)
    assert len(potentials) == len(theta) + lexicon.N_UNSEEN
    similar, identical = potentials[-2:]
    assert (similar, identical) == (max(lexicon.SIMILAR, 1 / 3), lexicon.IDENTICAL)
    slots, _ = model.lexicon.slots_of(Bitext.from_pairs([(["Q1", "wxyzw"], ["q1", "wxyzo"])]).pairs)
    first = len(theta) - len(model.target_vocabulary_)
    assert slots.tolist() == [first + 4, first + 1, first + 1, first + 3]
