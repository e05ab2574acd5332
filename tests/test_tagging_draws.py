"""Random sentences, and random states of given ones: distributed as the model says."""

from collections import Counter

import numpy as np
import pytest
from tagger_story import emissions, near, story

from emnlp import HMM, InputError, Tagged


def test_samples_are_distributed_as_the_model_says():
    model, n = HMM(3, max_iter=4, random_state=6).fit(map(list, ["abca", "ab", "b", "cabb", "aacb"])), 4000
    p, words = model.probabilities(), model.vocabulary_
    transition, sample = p["transition"].reshape(3, 4), model.sample(n, seed=1)
    states, starts = np.array([int(sample.tagset[k]) for k in sample.tags]), sample.text.starts
    near(np.bincount(states[starts[:-1]], minlength=3), p["initial"], n)
    alive, lengths = p["initial"], np.bincount(sample.text.lengths, minlength=50)
    for length in range(1, 12):
        near(lengths[length], alive @ transition[:, 3], n)
        alive = alive @ transition[:, :3]
    ids = words.ids(sample.text.vocabulary)[sample.text.ids]
    following = np.append(states[1:], 3)
    following[starts[1:] - 1] = 3
    for k in range(3):
        here = states == k
        near(np.bincount(following[here], minlength=4), transition[k], here.sum())
        near(np.bincount(ids[here], minlength=len(words)), p["emission"].reshape(-1, 3)[:, k], here.sum())
    assert list(model.sample(5, seed=1)) == list(sample)[:5]
    assert list(model.sample(5, seed=2)) != list(sample)[:5]


def test_lengths_of_samples():
    text = [list("abca"), list("ab")]
    model, without = HMM(2).fit(text), HMM(2, ends=False).fit(text)
    assert {len(sentence) for sentence in without.sample(9, 7)} == {7}
    assert {len(sentence) for sentence in model.sample(200, 3)} <= {1, 2, 3}
    assert list(model.sample(2, 0)) == [[], []]
    assert len(model.sample(0)) == 0
    with pytest.raises(InputError, match="give a length"):
        without.sample(3)
    with pytest.raises(InputError, match="not fitted"):
        HMM(2).sample(3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_draws_are_distributed_as_the_posteriors_say(dtype):
    corpus = Tagged.from_sents(
        [[(word, "B" if word == "c" else None) for word in s] for s in ["abca", "ab", "b", "cabb"]]
    )
    model, n = HMM(3, max_iter=3, init="random", dtype=dtype).fit(corpus), 3000
    many = corpus.select(np.array([0, 1, 3, 2] + [0, 3] * (n - 1)))
    draws = model.draw(many, seed=4)
    assert [len(states) for states in draws] == many.text.lengths.tolist()
    first, other = np.array(draws[0::2][:1] + draws[4::2]), np.array(draws[2:3] + draws[5::2])
    for found, posterior in zip((first, other), model.predict_proba(many.select(np.array([0, 2])))):
        near([np.bincount(column, minlength=3) for column in found.T], posterior, n)
    joint = Counter(zip(first[:, 0].tolist(), first[:, 1].tolist()))  # pairs, too, and not one token alone
    for (a, b), times in joint.items():
        rows = emissions(model, corpus.text, list("abca"))
        fixed = [np.eye(3)[a], np.eye(3)[b], np.eye(3)[model.states_.id("B")], np.ones(3)]
        whole = [np.ones(3), np.ones(3), np.eye(3)[model.states_.id("B")], np.ones(3)]
        near(times, np.exp(story(model, rows, fixed)[0] - story(model, rows, whole)[0]), n)
    assert model.draw(many, seed=4) == draws
    assert model.draw([[], ["a"], []])[::2] == [[], []]
