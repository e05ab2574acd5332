"""Scores of clusters of documents, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emnlp
from emnlp import Documents
from emnlp.errors import InputError
from emnlp.metrics import TaggingScores, clustering_scores, tagging_scores

oracle = pytest.importorskip("sklearn.metrics")

some = settings(max_examples=60, deadline=None)
pairs_of = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("VWXYZ")), min_size=1, max_size=30)


@some
@given(pairs_of, st.sampled_from(["arithmetic", "geometric", "min", "max"]))
def test_nmi_is_that_of_scikit_learn(pairs, mean):
    found, gold = map(list, zip(*pairs))
    expected = oracle.normalized_mutual_info_score(gold, found, average_method=mean)
    assert clustering_scores(found, gold).nmi(mean) == pytest.approx(expected, abs=1e-9)


@some
@given(pairs_of)
def test_the_other_rates_are_those_of_tags(pairs):
    found, gold = map(list, zip(*pairs))
    scores, tags = clustering_scores(found, gold), tagging_scores(found, gold)
    rates = scores.rates()
    assert rates.pop("NMI") == pytest.approx(scores.v_measure, abs=1e-9)
    assert rates == tags.rates()
    assert scores.mapping(one_to_one=True) == tags.mapping(one_to_one=True)
    assert (scores.n_clusters, scores.n_classes, scores.n_documents) == (tags.n_clusters, tags.n_tags, tags.n_tokens)
    assert isinstance(tags, TaggingScores)


@some
@given(pairs_of)
def test_rates_are_numbers_in_their_bounds(pairs):
    found, gold = map(list, zip(*pairs))
    scores = clustering_scores(found, gold)
    assert all(0 <= rate <= 1 for name, rate in scores.rates().items() if name != "VI")
    assert 0 <= scores.nmi("max") <= scores.nmi() + 1e-12 <= scores.nmi("geometric") + 2e-12 <= 1 + 1e-9


@pytest.mark.parametrize(
    ("found", "gold", "nmi"),
    [([0], ["a"], 1), ([0, 0], ["a", "a"], 1), ([0, 0], ["a", "b"], 0), ([0, 1], ["a", "a"], 0), ([0, 1], "ba", 1)],
)
@pytest.mark.parametrize("mean", ["arithmetic", "geometric", "min", "max"])
def test_degenerate_cases(found, gold, nmi, mean):
    assert clustering_scores(found, list(gold)).nmi(mean) == pytest.approx(nmi)


def test_documents_without_a_label_are_left_out():
    documents = Documents.from_tokens([["a"]] * 4, ["x", None, "y", "y"], name="there/a.jsonl")
    scores = clustering_scores(np.array([3, 3, 5, 5]), documents)
    assert (scores.n_documents, scores.n_without_gold, scores.one_to_one) == (3, 1, 1)
    assert scores.signature() == (
        "M-1 100.00 | 1-1 100.00 | V 100.00 | NMI 100.00 | VI 0.00 bits | H 100.00 | C 100.00 | clusters 2 | classes 2"
        f" | documents 3 | without gold 1 | gold a.jsonl | lines all | emnlp {emnlp.__version__}"
    )
    assert clustering_scores([3, None, 5, 5], documents).rates() == scores.rates()
    assert clustering_scores([3, -1, 5, 5], documents.labels).one_to_one == 1
    assert clustering_scores(["x", "x", "x", "y"], documents).accuracy == 2 / 3


@pytest.mark.parametrize(
    ("found", "gold", "message"),
    [
        ([0, 1], ["a"], "2 labels found, but 1 documents in <gold>; give each document one"),
        ([0, None], ["a", "b"], "document 1: a gold class, but no label found; label every document"),
        ([0, 1], [None, None], "<gold>: no document has a gold class; there is nothing to score"),
        ([], [], "<gold>: no document has a gold class"),
        ([0.5], ["a"], "found: 0.5 is not a label"),
        (np.ones((1, 2)), ["a"], "is not a label"),
        ("ab", ["a", "b"], "predicted: expected labels, one a document, not 'ab'"),
        ([0], 3, "<gold>: expected labels"),
    ],
)
def test_what_cannot_be_scored_is_said(found, gold, message):
    with pytest.raises(InputError, match=message):
        clustering_scores(found, gold)


def test_an_unknown_mean():
    with pytest.raises(InputError, match="no mean 'harmonic' of entropies; give one of arithmetic, geometric"):
        clustering_scores([0], ["a"]).nmi("harmonic")
