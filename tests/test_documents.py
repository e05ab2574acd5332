"""Documents: bags of words, against plain counting and scikit-learn's vectoriser."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from emnlp import Documents
from emnlp.corpus import Vocabulary
from emnlp.errors import InputError

some = settings(max_examples=50, deadline=None)
words = st.sampled_from(["goal", "vote", "é", "match", "a"])
bags = st.lists(st.lists(words, max_size=8), max_size=8)


def plain(documents):
    return [documents[k] for k in range(len(documents))]


@some
@given(bags)
def test_counts_are_those_of_a_counter(tokens):
    documents = Documents.from_tokens(tokens)
    assert plain(documents) == [dict(Counter(document)) for document in tokens]
    assert documents.lengths.tolist() == [len(document) for document in tokens]
    vocabulary = documents.vocabulary.words
    assert documents.document_frequency.tolist() == [sum(word in each for each in tokens) for word in vocabulary]
    assert all(np.all(np.diff(documents.ids[a:b]) > 0) for a, b in zip(documents.starts, documents.starts[1:]))


@some
@given(bags, st.sampled_from([np.asarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]))
def test_a_matrix_and_back(tokens, kind):
    documents = Documents.from_tokens(tokens)
    if not documents.vocabulary:
        return
    again = Documents.from_matrix(kind(documents.matrix.toarray()), documents.vocabulary.words)
    assert plain(again) == plain(documents)
    assert again.matrix.toarray().tolist() == documents.matrix.toarray().tolist()


def test_the_matrix_shares_memory_and_has_the_indices_that_scikit_learn_takes():
    documents = Documents.from_tokens([["goal", "vote"], ["goal"]])
    matrix = documents.matrix
    assert np.shares_memory(matrix.data, documents.counts)
    assert np.shares_memory(matrix.indices, documents.ids)
    assert matrix.indptr.dtype == matrix.indices.dtype == np.int32


@some
@given(bags, st.integers(1, 3), st.sampled_from([0.3, 0.5, 1.0]))
def test_pruning_is_that_of_scikit_learn(tokens, min_df, max_df):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    pruned = Documents.from_tokens(tokens).pruned(min_df, max_df)
    try:
        oracle = text.CountVectorizer(analyzer=list, min_df=min_df, max_df=max_df)
        matrix = oracle.fit_transform(tokens).toarray()
    except ValueError:  # nothing is left
        assert not pruned.vocabulary
        return
    columns = pruned.vocabulary.ids(oracle.get_feature_names_out())
    assert sorted(columns.tolist()) == list(range(len(pruned.vocabulary)))
    assert pruned.matrix.toarray()[:, columns].tolist() == matrix.tolist()


@some
@given(bags, st.data())
def test_select_takes_places_and_masks(tokens, data):
    documents = Documents.from_tokens(tokens, [str(len(each)) for each in tokens]).weighted(np.arange(len(tokens)))
    mask = data.draw(st.lists(st.booleans(), min_size=len(tokens), max_size=len(tokens)))
    for chosen in (np.array(mask, bool), np.flatnonzero(mask)[::-1]):
        part, places = documents.select(chosen), np.arange(len(tokens))[chosen].tolist()
        assert plain(part) == [documents[k] for k in places]
        assert part.names() == [documents.names()[k] for k in places]
        assert part.weights.tolist() == places
        assert part.vocabulary is documents.vocabulary


def test_another_vocabulary_renumbers_and_leaves_words_out():
    documents = Documents.from_tokens([["goal", "vote", "goal"], ["match"], []], ["b", None, "a"])
    other = documents.within(Vocabulary(["match", "goal"]))
    assert plain(other) == [{"goal": 2}, {"match": 1}, {}]
    assert other.matrix.toarray().tolist() == [[0, 2], [1, 0], [0, 0]]
    assert other.names() == ["b", None, "a"]
    assert documents.within(documents.vocabulary) is documents


def test_labels_come_and_go():
    documents = Documents.from_tokens([["goal"], ["vote"], []], labels=["b", None, "a"])
    assert (documents.classes.words, documents.labels.tolist()) == (["a", "b"], [1, -1, 0])
    assert documents.hidden().names() == [None] * 3
    assert documents.hidden([0]).names() == [None, None, "a"]
    assert documents.hidden([0]).classes.words == ["a", "b"]
    assert documents.labelled(["z", "y", None], classes=["z", "y", "x"]).labels.tolist() == [0, 1, -1]
    assert repr(documents) == "Documents(<tokens>: 3 documents, 2 tokens, 2 types, 2 classes)"
    assert repr(documents.labelled([None] * 3)) == "Documents(<tokens>: 3 documents, 2 tokens, 2 types)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda d: d.labelled(["a"]), "2 documents, but 1 labels"),
        (lambda d: d.labelled(["a", "q"], classes=["a"]), "the label 'q' is not one of the 1 classes"),
        (lambda d: d.weighted([1]), "expected 2 weights"),
        (lambda d: d.weighted([1, -1]), "from 0 to 1e"),
        (lambda d: d.weighted([1, np.nan]), "from 0 to 1e"),
        (lambda d: Documents.from_matrix([[1, -1]]), "negative, above 1e"),
        (lambda d: Documents.from_matrix([[1, np.inf]]), "negative, above 1e"),
        (lambda d: Documents.from_matrix([["a"]]), "expected counts"),
        (lambda d: Documents.from_matrix([[1, 2]], ["a"]), "2 columns, but 1 different words"),
        (lambda d: Documents.from_matrix([[1, 2]], ["a", "a"]), "2 columns, but 1 different words"),
        (lambda d: Documents.from_tokens(["goal"]), "not the string 'goal'"),
    ],
)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises(InputError, match=message):
        make(Documents.from_tokens([["goal"], ["vote"]]))
