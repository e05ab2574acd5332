"""Mixtures of documents: against scikit-learn's naive Bayes, and against EM as on a blackboard."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, MultinomialNB

from emnlp import (
    EM,
    LDA,
    PLSA,
    AnnealedEM,
    Categorical,
    Dirichlet,
    Documents,
    HardEM,
    InputError,
    Logistic,
    NaiveBayesMixture,
    load,
)
from emnlp.corpus import Text
from emnlp.features import Suffixes, Word
from emnlp.models.clusterrecipes import clustering
from emnlp.spherical import seeds, spherical_kmeans, unit_rows

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(RNG.gamma(0.3, size=(3, 12))[RNG.integers(3, size=40)] * 3)
COUNTS[COUNTS.sum(axis=1) == 0, 0] = 1
COUNTS[:, COUNTS.sum(axis=0) == 0] += 1
NAMES = ["abc"[k] for k in RNG.integers(3, size=40)]
SOME = Documents.from_matrix(COUNTS, labels=[name if k % 2 else None for k, name in enumerate(NAMES)])
FREE = SOME.hidden()


@pytest.mark.parametrize(("kind", "peer"), [("multinomial", MultinomialNB), ("bernoulli", BernoulliNB)])
def test_labels_make_the_naive_bayes_classifier_of_scikit_learn(kind, peer):
    other = peer(alpha=0.5).fit(COUNTS, NAMES)
    # theirs adds alpha to both outcomes of a word, as a prior on a table of two does
    model = NaiveBayesMixture(kind=kind, feature=Categorical(alpha=1.5), max_iter=1)
    model.fit(Documents.from_matrix(COUNTS, labels=NAMES))
    new = RNG.poisson(0.7, size=(20, 12))
    np.testing.assert_allclose(model.predict_proba(new), other.predict_proba(new), rtol=1e-9, atol=1e-12)
    assert model.classify(new) == other.predict(new).tolist()
    np.testing.assert_allclose(model.word_probabilities(), np.exp(other.feature_log_prob_), rtol=1e-12)


def blackboard(documents, n_classes, kind, steps, unlabelled, alpha):
    """EM on matrices, the first M-step from labels alone; return the log-likelihoods, and P(class | document)."""
    counts = documents.matrix.toarray()
    x = (counts > 0) * 1.0 if kind == "bernoulli" else counts
    known = documents.labels >= 0
    fixed = np.eye(n_classes)[np.maximum(documents.labels, 0)]
    weights = np.where(known, 1.0, unlabelled) * (1.0 if documents.weights is None else documents.weights)
    shares, found = fixed * known[:, None], []
    for _ in range(steps + 1):
        r = shares * weights[:, None]
        prior = r.sum(axis=0) / r.sum()
        if kind == "bernoulli":
            p = (r.T @ x + alpha) / (r.sum(axis=0)[:, None] + 2 * alpha)
            scores = x @ np.log(p).T + (1 - x) @ np.log(1 - p).T + np.log(prior)
        else:
            p = r.T @ x + alpha
            scores = x @ np.log(p / p.sum(axis=1, keepdims=True)).T + np.log(prior)
        free = np.log(np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1)) + scores.max(axis=1)
        found.append(float(weights @ np.where(known, (scores * fixed).sum(axis=1), free)))
        posterior = np.exp(scores - free[:, None])
        shares = np.where(known[:, None], fixed, posterior)
    return found, posterior


@pytest.mark.parametrize("unlabelled", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["multinomial", "bernoulli"])
def test_semi_supervised_em_is_that_of_the_blackboard(kind, unlabelled):
    documents = SOME.weighted(RNG.random(40) * 3)
    feature = Categorical(alpha=1.2)
    model = NaiveBayesMixture(kind=kind, unlabelled=unlabelled, feature=feature, max_iter=7).fit(documents)
    logliks, posterior = blackboard(documents, 3, kind, 7, unlabelled, 0.2)
    trace = np.array(model.trace_.objective)
    assert trace[-1] - model.penalty(model.params_) == pytest.approx(logliks[-1], rel=1e-12)
    assert (np.diff(trace) >= -1e-9).all()
    np.testing.assert_allclose(model.predict_proba(documents), posterior, rtol=1e-9, atol=1e-12)


def test_a_weight_is_so_many_documents():
    weights = RNG.integers(0, 3, size=40)
    twice = SOME.select(np.repeat(np.arange(40), weights))
    settings = {"init": "random", "max_iter": 5}
    one = NaiveBayesMixture(**settings).fit(SOME.weighted(weights))
    other = NaiveBayesMixture(**settings).fit(twice)
    np.testing.assert_allclose(one.predict_proba(FREE), other.predict_proba(FREE), rtol=1e-9)


def test_components_beyond_the_classes_start_from_the_others():
    model = NaiveBayesMixture(5, max_iter=20).fit(SOME)
    assert model.components_.words == ["a", "b", "c", "0", "1"]
    taken = np.bincount(model.predict(FREE), minlength=5)
    assert taken[3:].sum() > 0


@pytest.mark.parametrize("init", ["spherical", "documents", "random"])
def test_starts_differ_by_seed_and_give_no_nan(init):
    tables = [NaiveBayesMixture(3, init=init, random_state=seed, max_iter=0).fit(FREE) for seed in (0, 0, 5)]
    arrays = [model.params_.flat for model in tables]
    assert np.array_equal(arrays[0], arrays[1])
    assert not np.array_equal(arrays[0], arrays[2])
    assert all(np.isfinite(array).all() for array in arrays)


def test_annealing_by_length_shortens_the_evidence():
    model = NaiveBayesMixture(3, init="random", max_iter=2).fit(FREE)
    theta = model.theta(model.params_)
    logs = np.log(theta["feature"].reshape(-1, 3))
    lengths = COUNTS.sum(axis=1, keepdims=True)
    scores = np.log(theta["component"]) + np.minimum(1, 4 / lengths) * (COUNTS @ logs)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    potentials = model.prepare(model.shortened(theta, 4))
    found = np.array([each for batch in model.index(FREE) for each in model.posterior(batch, potentials)])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    learner = AnnealedEM(by="length", start=2, until=50)
    annealed = NaiveBayesMixture(3, learner=learner, max_iter=learner.n_steps + 5).fit(FREE)
    assert annealed.score(FREE) > NaiveBayesMixture(3, max_iter=0).fit(FREE).score(FREE)


def test_hard_em_ends_where_no_document_moves():
    model = NaiveBayesMixture(3, learner=HardEM(), max_iter=30, init="random").fit(FREE)
    assert (np.diff(model.trace_.objective) >= -1e-9).all()
    hard = NaiveBayesMixture(feature=model.feature, max_iter=1)
    labels = [str(k) for k in model.predict(FREE)]
    again = hard.fit(FREE.labelled(labels, ["0", "1", "2"]))
    np.testing.assert_allclose(again.word_probabilities(), model.word_probabilities(), rtol=1e-9)


@pytest.mark.parametrize("feature", [Categorical(alpha=1.3), Dirichlet(0.2), Logistic(kappa=0.1)])
def test_models_come_back_from_files_and_any_number_of_threads(feature, tmp_path):
    documents = SOME.select(np.tile(np.arange(40), 20))
    one, two = (NaiveBayesMixture(feature=feature, max_iter=3, n_jobs=n).fit(documents) for n in (1, 2))
    assert np.array_equal(one.params_.flat, two.params_.flat)
    one.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == one
    assert again.top_words(3) == one.top_words(3)
    assert np.array_equal(again.predict_proba(FREE), one.predict_proba(FREE))


def test_tfidf_is_learned_and_kept(tmp_path):
    model = NaiveBayesMixture(tfidf=3.0, max_iter=4).fit(SOME)
    unit = replace(SOME, counts=3 * unit_rows(SOME).data)
    other = NaiveBayesMixture(max_iter=4).fit(unit)
    np.testing.assert_allclose(model.params_.flat, other.params_.flat, rtol=1e-9)
    model.save(tmp_path / "model")
    few = FREE.select([3, 1])  # their own document frequencies are not those of the training text
    expected = model.predict_proba(FREE)[[3, 1]]
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(few), expected, rtol=1e-12)
    with pytest.raises(InputError, match="in another way"):
        model.perplexity(FREE)


def test_perplexity_is_of_the_words_that_the_model_knows():
    model = NaiveBayesMixture(1).fit([["a", "b"], ["a", "b"]])
    assert model.perplexity([["a", "zebra", "b"]]) == pytest.approx(2.0, rel=1e-12)
    with pytest.raises(InputError, match="no word of it is known"):
        model.perplexity([["zebra"]])


def test_documents_keep_their_places():
    model = NaiveBayesMixture(max_iter=3).fit(SOME)
    blank = Documents.from_tokens([["0", "0"], [], ["zebra"], ["1"]])
    shares = model.predict_proba(blank)
    np.testing.assert_allclose(shares[1], model.probabilities()["component"], rtol=1e-12)
    np.testing.assert_allclose(shares[2], shares[1], rtol=1e-12)
    np.testing.assert_allclose(shares[[0, 3]], model.predict_proba([["0", "0"], ["1"]]), rtol=1e-12)


def test_any_form_of_documents_is_the_same():
    tokens = [["a", "b", "a"], ["b"], ["c", "a"]]
    expected = NaiveBayesMixture(2, max_iter=3).fit(tokens).params_.flat
    matrix = [[2, 1, 0], [0, 1, 0], [1, 0, 1]]
    for same in (Text.from_tokens(tokens), Documents.from_tokens(tokens), np.array(matrix), sparse.csr_matrix(matrix)):
        assert np.array_equal(NaiveBayesMixture(2, max_iter=3).fit(same).params_.flat, expected)


def test_words_are_explained_by_their_features():
    texts = ["walking running", "running talking", "boldness kindness", "kindness rudeness"]
    documents = Documents.from_tokens([text.split() for text in texts])
    feature = Logistic((Word(), Suffixes(4)), kappa=0.1)
    model = NaiveBayesMixture(2, feature=feature, max_iter=10).fit(documents)
    k = model.predict(documents)[0]
    best = {reason.feature for reason in model.explain("feature", model.components_[k], n=3)}
    assert best <= {f"suffix={suffix}" for suffix in ("g", "ng", "ing", "king")}
    assert model.predict([["singing", "walking"], ["madness", "kindness"]]).tolist() == [k, 1 - k]


def test_top_words_stand_out():
    texts = ["the goal the match", "the goal the team", "the vote the law", "the vote the party"]
    model = NaiveBayesMixture(2).fit([text.split() for text in texts])
    k = model.predict([["goal"]])[0]
    assert {word for word, _ in model.top_words(1)[k]} == {"goal"}
    assert {word for word, _ in model.top_words(1, by="probability")[k]} == {"the"}
    with pytest.raises(InputError, match="by='x'"):
        model.top_words(by="x")


@pytest.mark.parametrize(
    ("settings", "documents", "message"),
    [
        ({"kind": "gaussian"}, FREE, "kind='gaussian'"),
        ({"init": "labels"}, FREE, "init='labels'"),
        ({"n_components": 0}, FREE, "a number of components"),
        ({"unlabelled": math.nan}, FREE, "unlabelled is nan"),
        ({"tfidf": -1.0}, FREE, "tfidf is -1"),
        ({"tfidf": 1.0, "kind": "bernoulli"}, FREE, "tfidf is 1"),
        ({}, [["a"]], "no classes; give a number"),
        ({"n_components": 2}, SOME, "3 classes, more than the 2 components"),
        ({"n_components": 2}, [[], []], "no word in it"),
        ({"n_components": 2}, "a text", "expected Documents"),
    ],
)
def test_what_cannot_be_is_refused(settings, documents, message):
    with pytest.raises(InputError, match=message):
        NaiveBayesMixture(**settings).fit(documents)


def test_a_start_has_to_have_the_same_words():
    model = NaiveBayesMixture(2, max_iter=2).fit([["a", "b"], ["c"]])
    again = NaiveBayesMixture(2, max_iter=0).fit([["a", "b"], ["c"]], start=model)
    assert np.array_equal(again.params_.flat, model.params_.flat)
    with pytest.raises(InputError, match="the same words"):
        NaiveBayesMixture(2).fit([["a", "x"], ["c"]], start=model)


def test_recipes_are_models_to_fit():
    for learner in ("annealed", "em", "hard"):
        model = clustering(3, learner, iterations=5, random_state=2).fit(FREE)
        assert len(set(model.predict(FREE))) > 1
    assert isinstance(clustering(3, "em", "dirichlet").feature, Dirichlet)
    assert isinstance(clustering(3, "em").learner, EM)


def test_spherical_kmeans_climbs_to_a_fixed_point():
    rows = unit_rows(FREE)
    labels, objective = spherical_kmeans(rows, 3, np.random.default_rng(1), n_init=3)
    sums = np.stack([rows[labels == k].sum(axis=0) for k in range(3)])
    directions = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    cosines = rows @ directions.T
    assert np.array_equal(cosines.argmax(axis=1), labels)
    assert objective == pytest.approx(cosines.max(axis=1).sum(), rel=1e-12)
    assert objective == pytest.approx(np.linalg.norm(sums, axis=1).sum(), rel=1e-12)
    one = spherical_kmeans(rows, 3, np.random.default_rng(1), n_init=1)[1]
    assert one <= objective


def test_seeds_are_far_from_each_other():
    rows = unit_rows(Documents.from_tokens([["a"]] * 20 + [["b"]] * 20 + [["c"]]))
    assert len(set(rows[seeds(rows, 3, np.random.default_rng(0))].indices)) == 3
    assert len(seeds(rows, 7, np.random.default_rng(0))) == 7  # more than there are different ones


@pytest.mark.parametrize("kind", [NaiveBayesMixture, LDA, PLSA])
def test_held_out_documents_have_to_have_a_known_word(kind):
    with pytest.raises(InputError, match="no word of it is known"):
        kind(2, max_iter=3).fit(FREE, held_out=[["zebra"]])
    with pytest.raises(InputError, match="no word of it is known"):
        kind(2, max_iter=1).fit(FREE).score([["zebra"], []])


@pytest.mark.parametrize("kind", [NaiveBayesMixture, LDA, PLSA])
def test_weights_and_counts_stay_numbers(kind):
    with pytest.raises(InputError, match="have weight 0"):
        kind(2).fit(FREE.weighted(np.zeros(40)))
    for weight in (1e308, math.nan, -1.0):
        with pytest.raises(InputError, match="expected 40 weights"):
            FREE.weighted(np.full(40, weight))
    with pytest.raises(InputError, match="a count is"):
        kind(2).fit([[1e300, 1.0], [1.0, 1.0]] * np.ones((2, 2)))
    assert np.isfinite(kind(2, max_iter=3).fit(FREE.weighted(np.full(40, 1e90))).trace_[-1])


def test_completion_needs_two_tokens():
    model = LDA(2, max_iter=2).fit(FREE)
    with pytest.raises(InputError, match="two tokens of known words"):
        model.completion_perplexity([[FREE.vocabulary.words[0]]])
