"""Topic coherence, against counting document by document, and by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emnlp import Documents
from emnlp.errors import InputError
from emnlp.metrics import npmi, umass

some = settings(max_examples=60, deadline=None)
letters = st.sampled_from("abcde")
bags = st.lists(st.lists(letters, max_size=6), min_size=1, max_size=12)
topics_of = st.lists(st.lists(letters, min_size=2, max_size=4, unique=True), min_size=1, max_size=3)
HAND = [["a", "b", "c"], ["a", "b", "b"], ["a", "c"], ["b"]]  # D: a 3, b 3, c 2, ab 2, ac 2, bc 1


def having(tokens, weights, *words):
    return sum(weight for document, weight in zip(tokens, weights) if set(words) <= set(document))


def plain_umass(topic, tokens, weights, smoothing):
    pairs = [(topic[m], topic[n]) for m in range(1, len(topic)) for n in range(m)]
    ratios = [
        (having(tokens, weights, late, early) + smoothing) / having(tokens, weights, early) for late, early in pairs
    ]
    return sum(map(math.log, ratios)) / len(pairs)


def plain_npmi(topic, tokens, weights, smoothing):
    total, values = sum(weights), []
    for one, other in itertools.combinations(topic, 2):
        joint = (having(tokens, weights, one, other) + smoothing) / total
        apart = having(tokens, weights, one) * having(tokens, weights, other) / total**2
        if not joint or not apart:
            values.append(-1)
        else:
            values.append(math.log(joint / apart) / -math.log(joint) if joint < 1 else 0)
    return sum(values) / len(values)


@some
@given(bags, topics_of, st.sampled_from([1e-12, 0.5, 1.0]), st.booleans())
def test_umass_of_a_plain_count(tokens, topics, smoothing, weighted):
    tokens = [*tokens, list("abcde")]
    weights = [1 + 0.5 * (k % 3) for k in range(len(tokens))] if weighted else [1] * len(tokens)
    documents = Documents.from_tokens(tokens)
    documents = documents.weighted(weights) if weighted else documents
    expected = [plain_umass(topic, tokens, weights, smoothing) for topic in topics]
    assert umass(topics, documents, smoothing=smoothing).tolist() == pytest.approx(expected, abs=1e-9)


@some
@given(bags, topics_of, st.sampled_from([0.0, 1e-12, 0.5]), st.booleans())
def test_npmi_of_a_plain_count(tokens, topics, smoothing, weighted):
    weights = [1 + 0.5 * (k % 3) for k in range(len(tokens))] if weighted else [1] * len(tokens)
    documents = Documents.from_tokens(tokens)
    documents = documents.weighted(weights) if weighted else documents
    expected = [plain_npmi(topic, tokens, weights, smoothing) for topic in topics]
    scores = npmi(topics, documents, smoothing=smoothing)
    assert scores.tolist() == pytest.approx(expected, abs=1e-9)
    assert smoothing or (np.abs(scores) <= 1 + 1e-12).all()


def test_umass_by_hand():
    documents = Documents.from_tokens(HAND)
    pairs = [(2 + 1) / 3, (2 + 1) / 3, (1 + 1) / 3]  # b a, c a, c b
    assert umass([["a", "b", "c"]], documents).tolist() == pytest.approx([sum(map(math.log, pairs)) / 3])
    pairs = [(2 + 1) / 2, (1 + 1) / 2, (2 + 1) / 3]  # a c, b c, b a: the order matters
    assert umass([["c", "a", "b"]], documents).tolist() == pytest.approx([sum(map(math.log, pairs)) / 3])


def test_npmi_by_hand():
    documents = Documents.from_tokens(HAND)
    pairs = [
        math.log((2 / 4) / (3 / 4 * 3 / 4)) / -math.log(2 / 4),
        math.log((2 / 4) / (3 / 4 * 2 / 4)) / -math.log(2 / 4),
        math.log((1 / 4) / (3 / 4 * 2 / 4)) / -math.log(1 / 4),
    ]
    for order in itertools.permutations("abc"):
        assert npmi([order], documents).tolist() == pytest.approx([sum(pairs) / 3])


def test_the_formulas_of_gensim():
    # as its u_mass and c_npmi have them: probabilities, and 1e-12 added to that of the pair
    documents, n, tiny = Documents.from_tokens(HAND), 4, 1e-12
    u_mass = math.log((1 / n + tiny) / (2 / n))  # b after c
    assert umass([["c", "b"]], documents, smoothing=n * tiny).tolist() == pytest.approx([u_mass])
    c_npmi = math.log((1 / n + tiny) / (3 / n * 2 / n)) / -math.log(1 / n + tiny)
    assert npmi([["c", "b"]], documents, smoothing=n * tiny).tolist() == pytest.approx([c_npmi])
    apart = Documents.from_tokens([["a"], ["b"]])
    c_npmi = math.log(tiny / (1 / 2 * 1 / 2)) / -math.log(tiny)
    assert npmi([["a", "b"]], apart, smoothing=2 * tiny).tolist() == pytest.approx([c_npmi])
    assert npmi([["a", "b"]], apart).tolist() == [-1]


def test_the_ends_of_npmi():
    documents = Documents.from_tokens([["a", "b", "all", "every"], ["a", "b", "all", "every"], ["c", "all", "every"]])
    scores = npmi([["a", "b"], ["a", "c"], ["a", "new"], ["all", "every"], ["a", "all"]], documents)
    assert scores.tolist() == pytest.approx([1, -1, -1, 0, 0])


def test_each_topic_is_scored_alone():
    documents = Documents.from_tokens(HAND)
    topics = [["a", "b"], ["c", "b", "a"], ["b", "c"]]
    for score in (umass, npmi):
        assert score(topics, documents).tolist() == [score([topic], documents)[0] for topic in topics]
        assert score([], documents).shape == (0,)


@pytest.mark.parametrize("score", [umass, npmi])
@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ("ab", "topics: expected lists of words"),
        (None, "topics: expected lists of words"),
        (["a", "b"], "topic 0: expected a list of words, not 'a'"),
        ([["a", "b"], 3], "topic 1: expected a list of words, not 3"),
        ([["a", 3]], "topic 0: 3 is not a word"),
        ([["a", "b"], ["a"]], "topic 1: 1 words"),
        ([["a", "b", "a"]], "topic 0: 3 words, 2 different"),
    ],
)
def test_what_is_no_topic(score, topics, message):
    with pytest.raises(InputError, match=message):
        score(topics, Documents.from_tokens(HAND))


def test_what_cannot_be_scored():
    documents = Documents.from_tokens(HAND)
    with pytest.raises(InputError, match="topic 1: no document of <tokens> has 'new'; count in the documents"):
        umass([["a", "new"], ["new", "a"]], documents)
    assert umass([["a", "new"]], documents).tolist() == [math.log(1 / 3)]
    for score, smoothing in ((umass, 0), (umass, math.inf), (npmi, -1), (npmi, math.nan)):
        with pytest.raises(InputError, match="smoothing"):
            score([["a", "b"]], documents, smoothing=smoothing)
    for none in (Documents.from_tokens([]), documents.weighted([0] * 4)):
        with pytest.raises(InputError, match="no document"):
            npmi([["a", "b"]], none)
        with pytest.raises(InputError, match="no document"):
            umass([["a", "b"]], none)
