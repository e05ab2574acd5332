"""What users call: fit, predict, score, save and load, starts, stopping, errors."""

import contextlib
import copy
import json
import pickle
import struct
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from zoo import EXAMPLE

import emnlp
from emnlp import IBM1, IBM2, Aligner, Bitext, Categorical, Dirichlet, Fixed, InputError, NumericalError, Uniform

SEEN = [(["the", "house"], ["la", "maison"]), (["the", "book"], ["le", "livre"]), (["a", "house"], ["une", "maison"])]


def test_the_trace_counts_m_steps_and_names_the_reason():
    model = IBM1(max_iter=3).fit(SEEN)
    assert len(model.trace_) == 4
    assert model.trace_.reason == "max_iter: 3 M-steps done"
    assert model.trace_[-1] / 3 == pytest.approx(model.score(SEEN))
    model = IBM1(max_iter=500, tol=1e-4).fit(SEEN)
    assert len(model.trace_) < 200
    assert model.trace_.reason.startswith("tol")


def test_a_callback_sees_every_step():
    seen = []
    model = IBM1(max_iter=2).fit(SEEN, callback=lambda k, step: seen.append((k, step.objective)))
    assert seen == list(enumerate(model.trace_))


def test_random_starts_follow_their_seed():
    one, same, other = (IBM2(random_state=seed).fit(EXAMPLE).params_["lexical"] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_a_second_fit_forgets_the_first():
    model = IBM1().fit(EXAMPLE)
    model.fit(SEEN)
    assert np.array_equal(model.params_["lexical"], IBM1().fit(SEEN).params_["lexical"])


def test_text_unseen_in_training():
    aligner = Aligner().fit(SEEN)
    # an unseen source word takes an unseen target word; known words keep to known ones
    assert aligner.align(["the", "zebra"], ["la", "zèbre"]) == [(0, 0), (1, 1)]
    posterior = aligner.forward.predict_proba([(["the", "zebra"], ["la", "zèbre"])])[0]
    assert np.isfinite(posterior).all()
    assert np.allclose(posterior.sum(0), 1)
    assert np.isfinite(aligner.score([(["zebra"], ["zèbre"] * 7)]))
    # lengths unseen in training, and a single pair gives what it gives among others
    model = IBM2().fit(SEEN)
    new = [(["the", "house", "a", "book"], ["livre", "la", "maison"]), *SEEN]
    assert model.predict(new[:1])[0] == model.predict(new)[0]
    np.testing.assert_array_equal(model.predict_proba(new[:1])[0], model.predict_proba(new)[0])


def test_unusable_pairs_stay_in_place():
    long = (["the"] * 201, ["la"])
    mixed = [([], ["la"]), SEEN[0], long, (["the"], []), SEEN[1]]
    for model in (IBM1().fit(SEEN), Aligner().fit(SEEN)):
        links = model.predict(mixed)
        assert [len(each) > 0 for each in links] == [False, True, bool(links[2]), False, True]
        assert [each.shape[-1] for each in model.predict_proba(mixed)] == [1, 2, 1, 0, 2]
        assert model.score(mixed) == pytest.approx(model.score([SEEN[0], SEEN[1]]))
    assert np.array_equal(IBM1().fit(mixed).params_["lexical"], IBM1().fit([SEEN[0], SEEN[1]]).params_["lexical"])
    short = Bitext.from_pairs([(["the"] * 5, ["la"])], max_length=400)
    limited = IBM1().fit(Bitext.from_pairs(SEEN, max_length=3))
    assert limited.predict(short)[0] == [(2, 0)]  # in two pieces: the second has the target word


def test_starts():
    ibm1 = IBM1().fit(SEEN)
    model = IBM2(max_iter=0).fit(SEEN, start=ibm1)
    assert np.array_equal(model.params_["lexical"], ibm1.params_["lexical"])
    more = [*SEEN, (["the", "garden"], ["le", "jardin"])]
    grown = IBM1(max_iter=0).fit(more, start=ibm1)
    support = grown.factors_["lexical"].support
    of = {name: grown.target_vocabulary_.id(name) for name in ("la", "jardin")}
    the, mine = 1 + grown.source_vocabulary_.id("the"), ibm1.factors_["lexical"].support
    old, new = ibm1.params_["lexical"], grown.params_["lexical"]  # what is new comes with 1 / V, then normalised
    assert new[support.slot(the, of["la"])] == pytest.approx(old[mine.slot(1, 0)] / (1 + 1 / 6))
    assert new[support.slot(the, of["jardin"])] == pytest.approx(1 / 6 / (1 + 1 / 6))
    assert IBM1(max_iter=3).fit(more, start=ibm1).trace_[-1] > grown.trace_[-1]
    again = IBM1().fit(SEEN)
    assert again.fit(SEEN, start=again).trace_[0] == pytest.approx(ibm1.trace_[-1])
    with_null = IBM2(null=Categorical(), max_iter=0).fit(SEEN, start=IBM1(null=Categorical()).fit(SEEN))
    assert with_null.params_["null"][0] != 0.5
    both = Aligner(forward=IBM2(), reverse=IBM2(), max_iter=0).fit(SEEN, start=Aligner().fit(SEEN))
    assert both.trace_[0] > Aligner(max_iter=0).fit(SEEN).trace_[0]
    prior = IBM1(lexical=Dirichlet(), max_iter=2).fit(
        SEEN
    )  # another kind of factor on the same slots: one E-step by it
    taught, counts = IBM1(max_iter=0).fit(SEEN, start=prior), IBM1(lexical=Dirichlet(), max_iter=3).fit(SEEN)
    lexical = taught.factors_["lexical"].support
    np.testing.assert_allclose(
        taught.params_["lexical"], lexical.normalise(counts.params_["lexical"] - 0.01), rtol=1e-9, atol=1e-12
    )
    for wrong in (Aligner().fit(SEEN), IBM1(lexical=Dirichlet()).fit(more)):
        with pytest.raises(InputError, match="start"):
            IBM1().fit(SEEN, start=wrong)
    with pytest.raises(InputError, match="reverse"):
        Aligner().fit(SEEN, start=Aligner(reverse=None).fit(SEEN))
    with pytest.raises(InputError, match="not fitted"):
        IBM1().fit(SEEN, start=IBM1())


def test_errors_teach():
    for call in (
        lambda: IBM1().fit([]),
        lambda: IBM1().fit([([], [])]),
        lambda: IBM1().fit("a text"),
        lambda: IBM1().fit([("the house", "la maison")]),
        lambda: IBM1().predict(SEEN),
        lambda: IBM1().save("nowhere"),
        lambda: IBM1(max_iter=-1).fit(SEEN),
        lambda: IBM1(n_jobs=0).fit(SEEN),
        lambda: Aligner(forward=None, reverse=None),
        lambda: Aligner(symmetrize="best"),
        lambda: Aligner(threshold=2),
        lambda: Aligner(reverse=None).fit(SEEN).only("reverse"),
        lambda: emnlp.load("no-such-file"),
    ):
        with pytest.raises(InputError):
            call()


@dataclass(frozen=True, kw_only=True)
class Spoilt(Uniform):
    """A factor that makes a likelihood NaN, or one that falls, after the first M-step."""

    by: float = 1.0
    guarantee: ClassVar = "monotone"

    def start(self, rng=None):
        return np.ones(1)

    def theta(self, params):
        return super().theta(params) * params[0]

    def maximize(self, counts, params):
        return params * self.by


def test_a_nan_or_a_falling_objective_is_an_error_that_names_the_iteration():
    with pytest.raises(NumericalError, match=r"iteration 1: .*position"), np.errstate(all="ignore"):
        IBM1(position=Spoilt(by=np.nan)).fit(SEEN)
    with pytest.raises(NumericalError, match="iteration 1: the objective fell"):
        IBM1(position=Spoilt(by=0.5)).fit(SEEN)


def test_a_model_file_is_one_safe_file(tmp_path):
    model = Aligner(forward=IBM2(null=Fixed(0.2)), reverse=IBM1(lexical=Categorical(alpha=1.1)), symmetrize="mean")
    model.fit(SEEN).save(tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    content = (tmp_path / "m").read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["emnlp"])
    assert header["model"]["forward"]["null"] == {"is": "Fixed", "p": 0.2}
    again = emnlp.load(tmp_path / "m")
    assert again == model
    assert again.forward.predict(SEEN) == model.forward.predict(SEEN)
    with pytest.raises(InputError, match="holds a Aligner, not a IBM1"):
        IBM1.load(tmp_path / "m")


def test_a_damaged_model_file_is_an_error(tmp_path):
    IBM1().fit(EXAMPLE).save(tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    rng = np.random.default_rng(0)
    damaged = [content[:cut] for cut in (0, 5, 100, size, len(content) - 1)] + [b"not a model at all" * 20]
    for place in rng.integers(0, 8 + size, 60):
        damaged.append(content[:place] + bytes([content[place] ^ 1 << int(rng.integers(8))]) + content[place + 1 :])
    for each in damaged:
        (tmp_path / "d").write_bytes(each)
        with contextlib.suppress(InputError):  # a flipped bit of a number in the header may do no harm
            emnlp.load(tmp_path / "d").predict(EXAMPLE)


def test_ids_out_of_range_in_a_file_are_refused(tmp_path):
    from emnlp import storage

    IBM1().fit(EXAMPLE).save(tmp_path / "m")
    header, arrays = storage.read(tmp_path / "m")
    for name in ("support/lexical/outcomes", "support/lexical/conditions"):
        bad = dict(arrays) | {name: arrays[name].copy()}
        bad[name][-1] = 10**6
        storage.write(tmp_path / "bad", {key: header[key] for key in header if key != "format"}, bad)
        with pytest.raises(InputError, match="damaged"):
            emnlp.load(tmp_path / "bad")


def test_unknown_parts_are_refused(tmp_path):
    from emnlp import storage

    IBM1().fit(EXAMPLE).save(tmp_path / "m")
    header, arrays = storage.read(tmp_path / "m")
    for change in ({"is": "os.system"}, {"is": "IBM1", "command": "rm"}, {"is": "Categorical"}):
        storage.write(tmp_path / "bad", {"model": change, "trace": header["trace"], "n_outcomes": {}}, arrays)
        with pytest.raises(InputError):
            emnlp.load(tmp_path / "bad")
    storage.write(tmp_path / "bad", header | {"format": 99}, arrays)
    with pytest.raises(InputError, match="newer"):
        emnlp.load(tmp_path / "bad")


def test_models_copy_and_pickle():
    model = Aligner().fit(SEEN)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.predict(SEEN) == model.predict(SEEN)


def test_a_model_remembers_that_its_text_was_lower_cased(tmp_path):
    pairs = [([word.upper() for word in s], t) for s, t in SEEN]
    Aligner().fit(Bitext.from_pairs(pairs, lowercase=True)).save(tmp_path / "m")
    aligner = emnlp.load(tmp_path / "m")
    assert aligner.forward.source_vocabulary_.words == ["the", "house", "book", "a"]
    assert aligner.align(["The", "HOUSE"], ["La", "maison"]) == [(0, 0), (1, 1)]
    with pytest.raises(InputError, match="lowercase=True"):
        aligner.predict(Bitext.from_pairs(pairs))


def test_an_aligner_keeps_its_parts_to_itself(tmp_path):
    part = IBM1()
    one = Aligner(forward=part, reverse=IBM1()).fit(SEEN)
    links = one.predict(SEEN)
    Aligner(forward=part, reverse=None).fit(EXAMPLE)
    one.only("forward").fit(EXAMPLE)
    assert one.predict(SEEN) == links
    one.forward.save(tmp_path / "part")
    assert IBM1.load(tmp_path / "part").predict(SEEN) == one.forward.predict(SEEN)
    one.forward.fit(EXAMPLE)
    with pytest.raises(InputError, match="fit the aligner again"):
        one.predict(SEEN)


@pytest.mark.parametrize("lexical", [Categorical(), Dirichlet(0.1)])
def test_a_slice_is_the_text_that_it_shows(lexical):
    bitext = Bitext.from_pairs([*SEEN, (["an", "orchard"], ["un", "verger"]), (["x"] * 201, ["y"])])
    one, other = IBM1(lexical=lexical).fit(bitext[:3]), IBM1(lexical=lexical).fit(SEEN)
    assert np.array_equal(one.params_["lexical"], other.params_["lexical"])
    assert one.target_vocabulary_.words == other.target_vocabulary_.words
    assert [pair[0] for pair in bitext[2::-1]] == [pair[0] for pair in SEEN[::-1]]
    assert bitext[np.int64(1)] == SEEN[1]
    # a word that only an unusable pair has is unseen: an unseen source word takes it, else NULL
    whole = Aligner(forward=IBM1(lexical=lexical), reverse=None).fit(bitext)
    assert whole.align(["house", "x"], ["y"]) == [(1, 0)]
    assert whole.align(["house", "the"], ["y"]) == []


def test_what_is_shown_of_things_is_short():
    model = Aligner(reverse=IBM2(lexical=Dirichlet(0.1)), max_iter=3).fit(SEEN)
    assert repr(model) == "Aligner(max_iter=3, reverse=IBM2(lexical=Dirichlet(alpha=0.1)))"
    assert repr(model.predict(SEEN)) == f"Links(3 pairs, {len(model.predict(SEEN).source)} links)"
    assert len(repr(Bitext.from_pairs(SEEN * 1000))) < 200
