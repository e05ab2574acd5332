"""The HMM for tagging against hmmlearn and its own story: counts, posteriors, paths, precision, first parameters."""

import warnings
from collections import Counter
from itertools import chain, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import expect
from tagger_story import DICTIONARY, PARTLY, check_allowed, emissions, ragged, story

from emnlp import HMM, Categorical, Dirichlet, InputError, TagDictionary, Tagged, Text, Uniform, load
from emnlp.classes import word_classes

EXAMPLES = settings(max_examples=25, deadline=None)


# hmmlearn


@pytest.fixture(params=["scaling", "log"])
def peer(request):
    """Return a function from a model to hmmlearn's of the same parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hmm = pytest.importorskip("hmmlearn.hmm")

    def twin(model, n_iter=10):
        n_states, p = len(model.states_), model.probabilities()
        settings = {"init_params": "", "n_iter": n_iter, "tol": -np.inf, "implementation": request.param}
        other = hmm.CategoricalHMM(n_states, n_features=len(model.vocabulary_), **settings)
        other.startprob_, other.transmat_ = p["initial"], p["transition"].reshape(n_states, n_states)
        other.emissionprob_ = p["emission"].reshape(-1, n_states).T
        return other

    return twin


@pytest.mark.parametrize(("seed", "n_states"), [(0, 2), (1, 5), (2, 19)])
def test_equals_hmmlearn(peer, seed, n_states):
    text = ragged(seed)
    model = HMM(n_states, ends=False, random_state=seed, max_iter=10).fit(text)
    used = [model.vocabulary_.ids(sentence) for sentence in text if sentence]
    tokens, lengths = np.concatenate(used)[:, None], [len(each) for each in used]
    other = peer(HMM(n_states, ends=False, random_state=seed, max_iter=0).fit(text)).fit(tokens, lengths)
    np.testing.assert_allclose([*other.monitor_.history, other.score(tokens, lengths)], model.trace_, rtol=1e-9)
    p = model.probabilities()
    np.testing.assert_allclose(p["initial"], other.startprob_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(p["transition"], other.transmat_.ravel(), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(p["emission"], other.emissionprob_.T.ravel(), rtol=1e-8, atol=1e-12)
    new = [sentence[::-1] for sentence in text] + [[f"w{k}" for k in range(12)]]  # not what it was trained on
    used = [model.vocabulary_.ids(sentence) for sentence in new if sentence]
    tokens, lengths = np.concatenate(used)[:, None], [len(each) for each in used]
    posteriors = np.concatenate(model.predict_proba(new))
    np.testing.assert_allclose(posteriors, other.predict_proba(tokens, lengths), rtol=1e-7, atol=1e-10)
    assert list(chain.from_iterable(model.predict(new))) == other.decode(tokens, lengths, algorithm="map")[1].tolist()
    model.decoding = "viterbi"
    assert (
        list(chain.from_iterable(model.predict(new))) == other.decode(tokens, lengths, algorithm="viterbi")[1].tolist()
    )
    assert model.score(new) == pytest.approx(other.score(tokens, lengths) / len(used), rel=1e-9)


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_best_path_is_the_best_of_all(ends, dtype):
    text = ragged(4, 12, 5, 6)
    model = HMM(3, ends=ends, dtype=dtype, decoding="viterbi", max_iter=1, random_state=7).fit(text)
    for sentence, path in zip(text, model.predict(text)):
        rows = emissions(model, text, sentence)
        paths = product(range(3), repeat=len(rows)) if rows else ()
        joint = {states: story(model, rows, np.eye(3)[list(states)])[0] for states in paths}
        assert not rows or joint[tuple(path)] == pytest.approx(max(joint.values()), rel=1e-6)


# Equal sentences are one sentence that counts for all


repeated = st.lists(st.sampled_from(["", "a", "b", "ab", "ba", "abc", "aab", "cccc"]), min_size=1, max_size=20)


@EXAMPLES
@given(lines=repeated.filter(any), n_states=st.integers(1, 4), ends=st.booleans())
def test_repeated_sentences_count_as_often_as_they_stand(lines, n_states, ends):
    text = Text.from_tokens(map(list, lines))
    model = HMM(n_states, ends=ends, max_iter=4, random_state=1).fit(text)
    batches = [batch for line in lines for batch in model.index(Text.from_tokens([list(line)]))]
    assert len(batches) == len([line for line in lines if line])
    assert sum(len(batch.weights) for batch in model.index(text)) == len({line for line in lines if line})
    params = HMM(n_states, ends=ends, max_iter=0, random_state=1).fit(text).params_
    for objective in model.trace_:
        counts, loglik = expect(model, params, batches)
        merged, value = expect(model, params, model.index(text))
        assert value == pytest.approx(loglik, rel=1e-12)
        assert loglik == pytest.approx(objective, rel=1e-10)
        for name in counts:
            np.testing.assert_allclose(merged[name], counts[name], rtol=1e-10, atol=1e-12)
        last, params = params, model.maximize(counts, params)
    for name in last:
        np.testing.assert_allclose(model.params_[name], last[name], rtol=1e-8, atol=1e-12)


@EXAMPLES
@given(lines=repeated, decoding=st.sampled_from(["posterior", "viterbi"]))
def test_predictions_come_back_in_their_places(lines, decoding):
    model = HMM(3, decoding=decoding, max_iter=3, random_state=4).fit(map(list, ["abab", "ab", "cab", "bcc", "c"]))
    text = [list(line) for line in lines]
    posteriors = model.predict_proba(text)
    for sentence, states, posterior in zip(text, model.predict(text), posteriors, strict=True):
        assert states == model.predict([sentence])[0]
        assert posterior.shape == (len(sentence), 3)
        np.testing.assert_allclose(posterior, model.predict_proba([sentence])[0], rtol=1e-12)
        if sentence:
            loglik, oracle = story(model, emissions(model, [*"abab", *"ab", *"cab", *"bcc", "c"], sentence))
            np.testing.assert_allclose(posterior, oracle, rtol=1e-9)
            assert model.score([sentence]) == pytest.approx(loglik)
    assert len({id(posterior.base if posterior.base is not None else posterior) for posterior in posteriors if
                len(posterior)}) == len([line for line in lines if line])  # fmt: skip
    assert list(model.tag(text).text) == text


def test_equal_words_with_other_tags_are_other_sentences():
    tagged = Tagged.from_sents([[("a", "A"), ("b", None)], [("a", None), ("b", None)], [("a", "A"), ("b", None)]])
    (batch,) = HMM(2).fit(tagged).index(tagged)
    assert sorted(batch.weights.tolist()) == [1, 2]


# Single precision


def test_single_precision_is_close():
    text = ragged(5, 200, 30)
    one, other = (HMM(7, dtype=dtype, max_iter=20, random_state=2).fit(text) for dtype in ("float64", "float32"))
    np.testing.assert_allclose(other.trace_, one.trace_, rtol=1e-5)
    for mine, theirs in zip(other.predict_proba(text), one.predict_proba(text)):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)
    assert other.params_["emission"].dtype == np.float64


def test_single_precision_goes_on_where_nothing_rises_any_more():
    model = HMM(2, dtype="float32", max_iter=300).fit(map(list, ["ab", "aab", "ba", "abb"]))
    assert len(model.trace_) == 301
    assert not model.learner.promises(model)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(12))
def test_what_was_never_seen_is_improbable_and_not_impossible(dtype, seed):
    """Sharp models, and text, tags and dictionaries that contradict them at every step."""
    rng = np.random.default_rng(seed)
    names, words = "ABCDEF"[: 1 + seed % 6], "abcdef"

    def some(n, share):
        tokens = [(words[k], names[rng.integers(len(names))]) for k in rng.integers(6, size=n)]
        return [(word, tag if rng.random() < share else None) for word, tag in tokens]

    model = HMM(None, dtype=dtype, max_iter=1 + seed % 3).fit(Tagged.from_sents([some(5, 1), some(3, 1)]))
    names = model.states_.words
    new = Tagged.from_sents([some(n, 0.5) for n in rng.integers(1, 30, 8)] * 3)
    dictionary = TagDictionary(
        {word: tuple(rng.permutation(names)[: rng.integers(1, len(names) + 1)]) for word in "abx"}
    )
    for corpus in (new, new.constrained(dictionary), new.text):
        for posterior in model.predict_proba(corpus):
            np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-4)
        assert np.isfinite(model.score(corpus))
        check_allowed(model, corpus if isinstance(corpus, Tagged) else Tagged.untagged(corpus))
    fitted = HMM(None, dtype=dtype, max_iter=3).fit(new, start=model)
    assert np.isfinite(list(fitted.trace_)).all()


# Words unseen in training


@pytest.mark.parametrize("text", [["abca", "abab", "dab"], ["aabb", "ab", "cc", "dcd"], ["ab"]], ids=" ".join)
@pytest.mark.parametrize("ends", [True, False])
def test_unknown_words_are_emitted_as_the_rarest_are(text, ends):
    model = HMM(3, ends=ends, max_iter=2, random_state=5).fit(map(list, text))
    for sentence in (["a", "?", "b"], ["?"], ["!", "?", "!", "!"], ["a"]):
        loglik, posterior = story(model, emissions(model, map(list, text), sentence))
        assert model.score([sentence]) == pytest.approx(loglik)
        np.testing.assert_allclose(model.predict_proba([sentence])[0], posterior, rtol=1e-9)
    assert model.predict([["?", "!"]]) == model.predict([["!", "?"]])


def test_lower_cased_models(tmp_path):
    HMM(2, random_state=3).fit(Text.from_tokens([["The", "dog"], ["A", "DOG", "sleeps"]], lowercase=True)).save(
        tmp_path / "m"
    )
    model = load(tmp_path / "m")
    assert model.vocabulary_.words == ["the", "dog", "a", "sleeps"]
    assert model.predict([["THE", "Dog"]]) == model.predict([["the", "dog"]])
    with pytest.raises(InputError, match="lowercase=True"):
        model.predict(Text.from_tokens([["the"]]))
    assert np.isfinite(model.score(model.sample(5)))
    with pytest.raises(InputError, match="lowercase=False"):
        HMM(2).fit([["a"]]).predict(Text.from_tokens([["a"]], lowercase=True))


# The same bits


@pytest.mark.parametrize("settings", [{}, {"dtype": "float32", "decoding": "viterbi"}], ids=str)
def test_the_same_bits_at_any_number_of_threads(settings):
    text = ragged(3, 3000, 50)
    one, *others = (HMM(6, max_iter=3, n_jobs=n, **settings).fit(text) for n in (1, 2, 3))
    assert len(one.index(Text.from_tokens(text))) > 20  # batches enough for several lanes
    for other in others:
        assert list(other.trace_) == list(one.trace_)
        assert all(np.array_equal(other.params_[name], one.params_[name]) for name in one.params_)
        assert other.predict(text) == one.predict(text)
        assert other.draw(text) == one.draw(text)


def test_the_same_bits_wherever_repetitions_stand():
    text = ragged(3, 100, 50)
    late = [*text, *text[::-2]]
    early = []
    for k, sentence in enumerate(text):
        early += [sentence] * (1 + ((len(text) - 1 - k) % 2 == 0))
    assert Counter(map(tuple, early)) == Counter(map(tuple, late))
    one, other = HMM(4, max_iter=5).fit(early), HMM(4, max_iter=5).fit(late)
    assert list(one.trace_) == list(other.trace_)
    assert all(np.array_equal(one.params_[name], other.params_[name]) for name in one.params_)


# First parameters


def test_a_constant_start_tells_no_states_apart():
    text = [list("abca"), list("ab")]
    for model in (HMM(3, init="constant"), HMM(3, random_state=None)):
        p = model.fit(text).probabilities()
        emission = p["emission"].reshape(-1, 3)
        np.testing.assert_allclose(emission, np.array([[3], [2], [1]]) / 6 * np.ones(3), rtol=1e-9)
        for posterior in model.predict_proba(text):
            np.testing.assert_allclose(posterior, 1 / 3, rtol=1e-9)


def test_a_start_from_word_classes_is_mostly_those():
    text = Text.from_tokens(
        s.split() for s in ["the dog sleeps", "a cat barks", "the cat sleeps", "a dog barks", "the dog"]
    )
    classes = word_classes(text, 3).classes
    model = HMM(3, init="classes", random_state=None, max_iter=0).fit(text)
    counts = Counter(word for sentence in text for word in sentence)
    emission = np.zeros((len(counts), 3))
    for word, n in counts.items():
        emission[text.vocabulary.id(word)] = 0.1 * n / 3
        emission[text.vocabulary.id(word), classes[text.vocabulary.id(word)]] += 0.9 * n
    found = model.probabilities()
    np.testing.assert_allclose(found["emission"].reshape(-1, 3), emission / emission.sum(axis=0), rtol=1e-12)
    transition = np.full((3, 4), 0.1 * len(text.ids) / 12)
    for sentence in text:
        states = [*(classes[text.vocabulary.id(word)] for word in sentence), 3]
        for a, b in zip(states, states[1:]):
            transition[a, b] += 0.9
    np.testing.assert_allclose(found["transition"].reshape(3, 4), transition / transition.sum(axis=1, keepdims=True))
    random = [HMM(3, init="classes", random_state=seed, max_iter=0).fit(text) for seed in (1, 1, 2)]
    assert np.array_equal(random[0].params_["emission"], random[1].params_["emission"])
    assert not np.allclose(random[0].params_["emission"], random[2].params_["emission"])
    most = random[0].predict_proba(text)
    assert all((row.argmax(axis=1) == classes[text.vocabulary.ids(s)]).all() for row, s in zip(most, text))


@pytest.mark.parametrize("factor", [Categorical(), Categorical(1.5), Dirichlet(0.1), Uniform()], ids=repr)
def test_word_classes_start_any_factor(factor):
    model = HMM(4, init="classes", initial=factor, transition=factor, emission=factor, max_iter=3).fit(ragged(9))
    assert np.isfinite(list(model.trace_)).all()
    tagged = HMM(4, init="classes", max_iter=2).fit(Tagged.from_sents(PARTLY).constrained(DICTIONARY))
    check_allowed(tagged, Tagged.from_sents(PARTLY).constrained(DICTIONARY))
