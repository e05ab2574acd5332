"""Tagged text, partly tagged text and dictionaries: what they teach an HMM, and what they forbid."""

import warnings
from collections import Counter

import numpy as np
import pytest
from tagger_story import DICTIONARY, PARTLY, TREE, check_allowed, emissions, story

from emnlp import HMM, Dirichlet, InputError, TagDictionary, Tagged, Text


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("init", ["auto", "random"])
def test_tags_of_all_tokens_give_the_relative_frequencies(ends, init):
    model = HMM(None, ends=ends, max_iter=1, init=init).fit(Tagged.from_sents(TREE))
    names = model.states_.words
    p = {name: table.reshape(-1, 3) if name == "emission" else table for name, table in model.probabilities().items()}
    firsts = Counter(sentence[0][1] for sentence in TREE)
    pairs = Counter((a[1], b[1] if b else None) for s in TREE for a, b in zip(s, [*s[1:], *[None] * ends]))
    tokens, tags = Counter(pair for s in TREE for pair in s), Counter(tag for s in TREE for _, tag in s)
    np.testing.assert_allclose(p["initial"], [firsts[name] / len(TREE) for name in names], rtol=1e-12, atol=1e-90)
    for i, name in enumerate(names):
        total = sum(n for (a, _), n in pairs.items() if a == name)
        row = [pairs[name, other] / total for other in [*names, *[None] * ends]]
        np.testing.assert_allclose(p["transition"].reshape(3, -1)[i], row, rtol=1e-12, atol=1e-90)
        words = [tokens[word, name] / tags[name] for word in model.vocabulary_]
        np.testing.assert_allclose(p["emission"][:, i], words, rtol=1e-12, atol=1e-90)


def test_equals_the_supervised_trainer_of_nltk():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nltk.tag.hmm import HiddenMarkovModelTrainer
    model = HMM(None, ends=False, max_iter=1).fit(Tagged.from_sents(TREE))
    names, words = model.states_.words, model.vocabulary_.words
    other = HiddenMarkovModelTrainer(names, words).train_supervised(TREE)
    p = model.probabilities()
    tables = {"initial": [other._priors.prob(name) for name in names],
              "transition": [other._transitions[a].prob(b) for a in names for b in names],
              "emission": [other._outputs[name].prob(word) for word in words for name in names]}  # fmt: skip
    for name, table in tables.items():
        np.testing.assert_allclose(p[name], table, rtol=1e-12, atol=1e-90)
    model.decoding, sentence = "viterbi", ["the", "can", "run"]
    with np.errstate(all="ignore"):  # NLTK's logarithm of 0
        theirs = other.tag(sentence)
    assert model.tag([sentence])[0] == theirs


@pytest.mark.parametrize("n_states", [4, 6])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tags_and_dictionaries_bind(n_states, dtype):
    """A dictionary that allows all tags, too, allows none of the states that are no tag."""
    corpus = Tagged.from_sents(PARTLY).constrained(DICTIONARY)
    model = HMM(n_states, init="random", max_iter=3, dtype=dtype).fit(corpus)
    assert model.states_.words == [*corpus.tagset, *map(str, range(n_states - len(corpus.tagset)))]
    check_allowed(model, corpus)
    check_allowed(model, Tagged.untagged(corpus.text).constrained(DICTIONARY))
    check_allowed(model, Tagged.from_sents([[("run", "X"), ("unseen", "D"), ("run", None)]]))  # its own tag wins
    free = HMM(n_states, init="random", max_iter=3, dtype=dtype).fit(corpus.text)
    assert not np.allclose(free.params_["emission"], model.params_["emission"])


def test_one_tag_binds_where_states_are_more():
    tagged = Tagged.from_sents([[("a", "A"), ("b", None)], [("b", None), ("c", "A")]])
    check_allowed(HMM(2, init="random", max_iter=2).fit(tagged), tagged)


def test_posteriors_between_tags_are_those_of_the_story():
    corpus = Tagged.from_sents(PARTLY).constrained(DICTIONARY)
    model = HMM(5, init="random", max_iter=2, random_state=8).fit(corpus)
    for sentence, posterior in zip(corpus, model.predict_proba(corpus)):
        names = [[tag] if tag else DICTIONARY.get(word, model.states_.words) for word, tag in sentence]
        allowed = [[name in each for name in model.states_] for each in names]
        if sentence:
            rows = emissions(model, corpus.text, [word for word, _ in sentence])
            np.testing.assert_allclose(posterior, story(model, rows, allowed)[1], rtol=1e-9, atol=1e-90)


def test_names_of_states():
    assert HMM(None).fit(Tagged.from_sents(TREE)).states_.words == ["D", "N", "V"]
    numbers = Tagged.from_sents([[("a", "1"), ("b", "0"), ("c", "7")]])
    assert HMM(5).fit(numbers).states_.words == ["1", "0", "7", "2", "3"]
    assert HMM(2).fit([["a"]]).states_.words == ["0", "1"]
    plenty = Tagged.with_tags(Text.from_tokens([["a", "b"]]), np.array([0, 2]), ["A", "B", "C"])
    assert HMM(None).fit(plenty).states_.words == ["A", "B", "C"]
    tagged = HMM(None).fit(Tagged.from_sents(TREE)).tag([["the", "dogs"], []])
    assert list(tagged) == [[("the", "D"), ("dogs", "N")], []]


def test_tags_that_do_not_fit():
    model = HMM(None, max_iter=1).fit(Tagged.from_sents(TREE))
    for call, what in (
        (lambda: model.predict(Tagged.from_sents([[("a", "Z")]])), "'Z' is none of those known"),
        (
            lambda: model.predict(Tagged.untagged(Text.from_tokens([["a"]])).constrained(DICTIONARY)),
            "'X' is none of those known",
        ),
        (lambda: HMM(2).fit(Tagged.from_sents(TREE)), "3 tags, more than the 2 states"),
        (lambda: HMM(None).fit([["a"]]), "no tags"),
        (lambda: HMM(None).fit(Tagged.from_sents([[("a", None)]])), "no tags"),
    ):
        with pytest.raises(InputError, match=what):
            call()


# A fitted model as the start


def test_a_start_gives_its_words_to_the_same_words():
    text, other = [list("abca"), list("ab")], [list("bacad"), list("ba")]
    start = HMM(2, random_state=3).fit(text)
    model = HMM(2, max_iter=0).fit(other, start=start)
    old, new = (each.probabilities() for each in (start, model))
    for name in ("initial", "transition"):
        np.testing.assert_allclose(new[name], old[name], rtol=1e-12)
    mine, theirs = new["emission"].reshape(-1, 2), old["emission"].reshape(-1, 2)
    rows = {word: mine[model.vocabulary_.id(word)] for word in "abcd"}
    for a, b in zip("ab", "bc"):
        ratio = theirs[start.vocabulary_.id(a)] / theirs[start.vocabulary_.id(b)]
        np.testing.assert_allclose(rows[a] / rows[b], ratio, rtol=1e-9)
    assert (rows["d"] > 0).all()
    np.testing.assert_allclose(mine.sum(axis=0), 1)
    assert start.fit(text, start=start).trace_[0] == pytest.approx(HMM(2, random_state=3).fit(text).trace_[-1])
    prior = {name: Dirichlet() for name in ("initial", "transition", "emission")}
    with pytest.raises(InputError, match="start"):
        HMM(2).fit(text, start=HMM(3).fit(text))
    taught = HMM(2, max_iter=0).fit(text, start=HMM(2, max_iter=4, **prior).fit(text))  # other factors, same slots
    counts = HMM(2, max_iter=5, **prior).fit(text).params_  # after one M-step more: alpha and the counts
    for name, factor in taught.factors_.items():
        np.testing.assert_allclose(
            taught.params_[name], factor.support.normalise(counts[name] - 0.01), rtol=1e-6, atol=1e-9
        )


def test_a_start_gives_its_states_to_those_of_the_same_names():
    start = HMM(5, max_iter=1).fit(Tagged.from_sents(TREE))
    other = HMM(5, max_iter=0).fit(Tagged.from_sents(TREE[::-1]), start=start)
    assert other.states_.words == ["N", "V", "D", "0", "1"]
    text = [[word for word, _ in sentence] for sentence in TREE]
    assert list(other.tag(text)) == list(start.tag(text)) == TREE
    assert other.score(text) == pytest.approx(start.score(text))
    other = HMM(5, max_iter=0, ends=False).fit(Tagged.from_sents(TREE), start=start)  # all but the transitions
    assert np.array_equal(other.params_["emission"], start.params_["emission"])
    with pytest.raises(InputError, match="same 5 states"):
        HMM(5).fit(text, start=start)


def test_a_part_of_a_corpus_is_the_corpus_that_it_shows():
    corpus = Tagged.from_sents([[("a", "A"), ("b", None)], [("new", "N")], [("b", "A"), ("c", "C")], [("c", None)]])
    part = corpus.select(np.array([2, 3, 0]))
    model = HMM(4, max_iter=3).fit(part)
    assert model.vocabulary_.words == ["a", "b", "c"]
    again = HMM(4, max_iter=3).fit(
        Tagged.with_tags(Text.from_tokens(part.text), [[t for _, t in s] for s in part], "ANC")
    )
    assert list(model.trace_) == pytest.approx(list(again.trace_))
    assert model.predict(part) == again.predict(part)
    assert model.predict(corpus.select(np.array([1])).text) == again.predict([["new"]])


def test_choices_of_tokens():
    """What each token may be, with and without a dictionary, a tag of its own, and through a selection."""
    text = Text.from_tokens([["a", "b", "a"], [], ["b", "c"]])
    tagged = Tagged.with_tags(text, [["X", None, None], [], [None, None]]).choosing(
        [[{"Y"}, {"Y", "Z"}, None], [], [{"X", "Z"}, None]]
    )
    known = tagged.constrained(TagDictionary({"b": ("Z", "W"), "a": ("W",)}))
    for one, expected in ((tagged, ["X", "YZ", "*", "XZ", "*"]), (known, ["X", "Z", "W", "Z", "*"])):
        masks, which = one.allowed()
        names = ["".join(tag for tag, yes in zip(one.tagset, mask) if yes) for mask in masks]
        assert ["*" if k == 0 else names[k] for k in which] == expected
        some, chosen = one.select(np.array([2])).allowed()
        assert [some[k].tolist() for k in chosen] == [masks[k].tolist() for k in which[3:]]
    model = HMM(4, init="random").fit(known)
    assert model.states_.words == ["X", "Y", "Z", "W"]
    first, _, last = model.predict_proba(known)
    assert (first[0, 1:] == 0).all()
    np.testing.assert_allclose([first[1, 2], first[2, 3], last[0, 2]], 1)
    with pytest.raises(InputError, match="no tag"):
        Tagged.untagged(text).choosing([[(), None, None], [], [None, None]])
    with pytest.raises(InputError, match="each token"):
        Tagged.untagged(text).choosing([[None], [], [None, None]])
