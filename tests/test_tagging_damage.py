"""Model files of an HMM, whole and damaged; texts of every size; settings that make no sense."""

import contextlib
import json
import struct
import time

import numpy as np
import pytest
from tagger_story import DICTIONARY, PARTLY

from emnlp import HMM, Dirichlet, InputError, Tagged, Text, Uniform, load, storage

# Files


def saved_model(tmp_path, **settings):
    corpus = Tagged.from_sents([*PARTLY, [("\u00e9\u2028 x", "N"), ("\ud800", None), ("", "D")]])
    model = HMM(5, max_iter=3, init="random", **settings).fit(corpus.constrained(DICTIONARY))
    model.save(tmp_path / "m")
    return model, corpus


@pytest.mark.parametrize("settings", [{}, {"ends": False, "dtype": "float32"},
                                      {"decoding": "viterbi", "transition": Uniform()},
                                      {"emission": Dirichlet(0.2), "n_init": 2, "n_probes": 3}], ids=str)  # fmt: skip
def test_a_loaded_model_says_the_same_bits(tmp_path, settings):
    model, corpus = saved_model(tmp_path, **settings)
    again = HMM.load(tmp_path / "m")
    assert again == model
    assert again.trace_ == model.trace_
    assert again.trace_.restarts == model.trace_.restarts
    assert again.states_.words == model.states_.words
    assert again.vocabulary_.words == model.vocabulary_.words
    assert again.frequencies_.tolist() == model.frequencies_.tolist()
    for data in (corpus, corpus.text, [["unknown", "the"]]):
        assert again.predict(data) == model.predict(data)
        assert again.draw(data, 3) == model.draw(data, 3)
        for one, other in zip(again.predict_proba(data), model.predict_proba(data)):
            assert one.tobytes() == other.tobytes()
    assert list(again.sample(5, 4)) == list(model.sample(5, 4))
    assert again.fit(corpus).trace_ == model.fit(corpus).trace_


def test_a_damaged_model_file_is_an_error(tmp_path):
    _, corpus = saved_model(tmp_path)
    content = (tmp_path / "m").read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    rng = np.random.default_rng(0)
    damaged = [content[:cut] for cut in (0, 5, 100, size, len(content) - 1)] + [b"not a model at all" * 20]
    for place in [*rng.integers(0, 8 + size, 80), *rng.integers(8 + size, len(content), 40)]:
        damaged.append(content[:place] + bytes([content[place] ^ 1 << int(rng.integers(8))]) + content[place + 1 :])
    for each in damaged:
        (tmp_path / "d").write_bytes(each)
        with contextlib.suppress(InputError):  # a flipped bit of a number may do no harm
            load(tmp_path / "d").predict(corpus)


def test_what_does_not_fit_together_in_a_file_is_refused(tmp_path):
    saved_model(tmp_path)
    header, arrays = storage.read(tmp_path / "m")
    header.pop("format")
    states = {"kept/states_.bytes": np.frombuffer(b"AAAAA", np.uint8), "kept/states_.offsets": np.arange(6)}
    for change in (
        {"params/emission": arrays["params/emission"] * np.nan},
        {"params/emission": arrays["params/emission"][:-1]},
        {"params/transition": -arrays["params/transition"]},
        {"params/initial": arrays["params/initial"] * 0},
        {"kept/frequencies_": arrays["kept/frequencies_"][1:]},
        {"kept/frequencies_": arrays["kept/frequencies_"] * np.nan},
        {"kept/states_.offsets": np.arange(2), "kept/states_.bytes": np.frombuffer(b"A", np.uint8)},
        {"kept/vocabulary_.offsets": np.zeros(1, np.int64), "kept/vocabulary_.bytes": np.zeros(0, np.uint8)},
        {"kept/lowercase_": np.zeros(0, np.int64)},
        states,
    ):
        storage.write(tmp_path / "bad", header, arrays | change)
        with pytest.raises(InputError, match="damaged"):
            load(tmp_path / "bad")
    for field, value in (("n_states", 4), ("n_states", "5"), ("n_states", -1), ("ends", False), ("decoding", "best"),
                         ("dtype", "int8"), ("init", [1]), ("emission", 3), ("n_states", 1e300)):  # fmt: skip
        bad = json.loads(json.dumps(header))
        bad["model"][field] = value
        storage.write(tmp_path / "bad", bad, arrays)
        with pytest.raises(InputError):
            load(tmp_path / "bad")


# Sizes


@pytest.mark.parametrize("settings", [{}, {"dtype": "float32"}, {"decoding": "viterbi"}, {"emission": Dirichlet(0.1)},
                                      {"init": "classes"}, {"ends": False}], ids=str)  # fmt: skip
def test_one_token_and_more_states_than_tokens(settings):
    for n_states in (1, 2, 70):
        model = HMM(n_states, max_iter=3, **settings).fit([["a"]])
        assert np.isfinite(list(model.trace_)).all()
        assert len(model.predict([["a"], ["b", "a"]])[1]) == 2
        np.testing.assert_allclose(model.predict_proba([["b", "a"]])[0].sum(axis=1), 1, rtol=1e-5)
    assert HMM(1, max_iter=1).fit([list("aab"), list("ab")]).params_["emission"].tolist() == [0.6, 0.4]


@pytest.mark.parametrize("decoding", ["posterior", "viterbi"])
def test_a_sentence_of_20_000_tokens_among_short_ones(decoding):
    rng, begin = np.random.default_rng(0), time.process_time()
    long = [f"w{k}" for k in rng.integers(300, size=20_000)]
    text = [["w1"], long, [], ["w2", "w3"], long[:777]]
    model = HMM(45, max_iter=2, decoding=decoding).fit(text)
    assert [len(states) for states in model.predict(text)] == [len(sentence) for sentence in text]
    (longest, *_) = model.index(Text.from_tokens(text))
    assert len(longest.weights) == 1
    whole, part = (model.predict_proba([each])[0] for each in (long, long[:100]))
    np.testing.assert_allclose(whole[:50], part[:50], rtol=1e-6, atol=1e-12)
    assert time.process_time() - begin < 30


def test_a_token_longer_than_a_page(tmp_path):
    long = "x" * 100_000
    model = HMM(2).fit([["a", long], [long]])
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").tag([[long, long + "y"]])[0][0][0] == long


def test_nothing_to_learn_from():
    for empty in ([], [[]], [[], []], Text.from_bytes(b""), Text.from_bytes(b"\n\n"), Tagged.from_sents([[]])):
        with pytest.raises(InputError, match="there is no word in it"):
            HMM(2).fit(empty)
    model = HMM(2).fit([["a"]])
    assert model.predict([]) == model.predict_proba([]) == model.draw([]) == []
    assert model.predict([[], []]) == [[], []]
    assert [each.shape for each in model.predict_proba([[]])] == [(0, 2)]
    assert list(model.tag([[]])) == [[]]
    with pytest.raises(InputError, match="nothing to score"):
        model.score([[]])


def test_settings_that_make_no_sense():
    for call in (
        lambda: HMM(0),
        lambda: HMM(-3),
        lambda: HMM(2.5),
        lambda: HMM("45"),
        lambda: HMM(10**12),
        lambda: HMM(2, init="best"),
        lambda: HMM(2, decoding="map"),
        lambda: HMM(2, dtype="float16"),
        lambda: HMM(2, emission="categorical"),
        lambda: HMM(2).fit("a text"),
        lambda: HMM(2).fit(["a text"]),
        lambda: HMM(2).fit(3),
        lambda: HMM(2).fit([[("a", "A")]]),
        lambda: HMM(2).predict([["a"]]),
        lambda: HMM(2).draw([["a"]]),
        lambda: HMM(2, n_jobs=0).fit([["a"]]),
    ):
        with pytest.raises(InputError):
            call()
