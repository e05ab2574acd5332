"""Comparisons: what a table and a file say of runs, that watching costs nothing; perplexity told by enumeration."""

import itertools
import json
import time

import numpy as np
import pytest

from emnlp import HMM, Aligner, Bitext, Dirichlet, InputError, Tagged, Text
from emnlp.errors import NumericalError
from emnlp.factors import Logistic
from emnlp.features import Suffixes, Word
from emnlp.learners import DirectGradient
from emnlp.report.compare import Task, Variant, compare
from emnlp.report.comparison import Comparison, Run

SENTS = [line.split() for line in ["the dog sees a cat", "a cat sees the dog", "", "The dog sleeps", "the cat sleeps"]]
TEXT = Text.from_tokens(SENTS)
WORDS = Logistic((Word(), Suffixes(2)), kappa=0.1, entropy=1.0)


def runs(n=2, **more):
    return tuple(
        Run("a", k, {"M-1": 0.5 + k / 4, "VI": 2.0}, -7.0 - k, -6.5, 90.0, 1.0, 2.0, ((0.5, -9.0, None),), **more)
        for k in range(n)
    )


def hmm(n, **more):
    return lambda seed: HMM(n, random_state=seed, **{"max_iter": 5, **more})


# Perplexity


def told(model, sentence):
    """P(sentence), a word unseen in training being told by every state: the sum over all sequences of states."""
    n, p = len(model.states_), model.probabilities()
    transition, emission = p["transition"].reshape(n, -1), p["emission"].reshape(-1, n)
    ids, total = [model.vocabulary_.id(word) for word in sentence], 0.0
    for path in itertools.product(range(n), repeat=len(ids)):
        each = p["initial"][path[0]] * np.prod([emission[w, k] if w >= 0 else 1 for w, k in zip(ids, path)])
        each *= np.prod([transition[a, b] for a, b in itertools.pairwise(path)])
        total += each * (transition[path[-1], n] if model.ends else 1)
    return total


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("more", [{}, {"emission": Dirichlet(0.3)}, {"emission": WORDS}, {"dtype": "float32"}], ids=str)
def test_perplexity_by_enumeration(ends, more):
    model = HMM(3, ends=ends, max_iter=2, random_state=4, **more).fit(SENTS)
    new = [["a", "dog", "sees", "the", "unicorn"], [], ["gryphons"], ["cat", "cat"], ["cat", "cat"]]
    logs, known = [np.log(told(model, each)) for each in new if each], 4 + 0 + 2 + 2
    assert model.perplexity(new) == pytest.approx(np.exp(-sum(logs) / known), rel=1e-9)
    assert model.perplexity(Text.from_tokens(new)) == model.perplexity(new)


def test_perplexity_reads_words_as_the_model_does():
    model = HMM(2, truecase=True, max_iter=3, random_state=0).fit(SENTS)
    assert model.perplexity([["The", "cat"]]) == model.perplexity([["the", "cat"]])
    proba = model.predict_proba([["the", "unicorn"]])[0]
    model.perplexity([["the", "unicorn"]])
    np.testing.assert_array_equal(model.predict_proba([["the", "unicorn"]])[0], proba)  # there, unseen words have rows
    with pytest.raises(InputError, match="none of its 1 words is known"):
        model.perplexity([["unicorn"]])
    model = HMM(2, max_iter=0, ends=False, random_state=0).fit([["a", "b"]])
    uniform = HMM(1, max_iter=1).fit([["a", "b"], ["c", "d"]])
    assert uniform.perplexity([["a"], ["d"]]) == pytest.approx(4 * 2)  # 4 words; after 1 word of 2, the end
    assert np.isfinite(model.perplexity([["a", *["new"] * 5000]]))


def test_tags_say_which_states_are_possible():
    tagged = Tagged.from_sents([[("a", "X"), ("b", "Y")], [("b", "X")], [("a", "Y")]])
    model = HMM(None, max_iter=1).fit(tagged)
    assert model.perplexity(tagged) > model.perplexity(tagged.text)


# Runs


def test_a_comparison_is_what_single_fits_are():
    gold = Tagged.with_tags(TEXT, [["D", "N", "V", "D", "N"], ["D", "N", "V", "D", "N"], [], list("DNV"), list("DNV")])
    score = {"seen": lambda model: {"share": float(np.mean(model.tag(TEXT).tags == gold.tags))}}["seen"]
    variants = [
        Variant("table", hmm(3)),
        Variant("features", hmm(3, emission=WORDS, initial=Logistic(), transition=Logistic(),
                                learner=DirectGradient(refresh_at=(3,)))),
    ]  # fmt: skip
    task = Task(TEXT, 16, score, lambda model: model.perplexity(SENTS), every=2, sample=TEXT)
    seen = []
    found = compare(variants, [3, 4], task, seen.append, {"corpus": "x"})
    assert seen == list(found.runs)
    assert [(run.variant, run.seed) for run in found.runs] == [
        ("table", 3),
        ("features", 3),
        ("table", 4),
        ("features", 4),
    ]
    for run in found.runs:
        model = variants[run.variant == "features"].make(run.seed).fit(TEXT)
        regulariser = model.regulariser(model.params_)
        assert (regulariser > 0) == (run.variant == "features")
        assert run.objective == pytest.approx((model.trace_[-1] + regulariser) / 16, rel=1e-12)
        assert run.loglik == pytest.approx(model.score(TEXT) * 4 / 16, rel=1e-12)
        assert (run.perplexity, run.scores) == (model.perplexity(SENTS), score(model))
        assert len(run.curve) == len(model.trace_) == 6
        seconds, objectives, shares = zip(*run.curve)
        assert list(seconds) == sorted(seconds)
        assert 0 < seconds[-1] <= run.cpu
        assert objectives[-1] == run.objective
        assert [share is not None for share in shares] == [True, False, True, False, True, True]
        assert shares[-1] == run.scores["share"]
        early = variants[run.variant == "features"].make(run.seed)
        early.max_iter = 2
        assert shares[2] == score(early.fit(TEXT))["share"]


def test_scoring_is_not_training_time():
    def slow(model):
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        return {"M-1": 1.0}

    (run,) = compare([Variant("a", hmm(2))], [0], Task(TEXT, 16, slow, every=1, sample=TEXT)).runs
    assert len(run.curve) == 6
    assert max(run.cpu, run.wall, run.curve[-1][0]) < 0.3  # 7 scores take 0.7


def test_a_failure_does_not_stop_the_others():
    def failing(corpus, watch):
        raise NumericalError("iteration 3: the objective is nan")

    variants = [Variant("bad", lambda seed: failing if seed else hmm(2)(seed)), Variant("good", hmm(2))]
    found = compare(variants, [0, 1], Task(TEXT, 16))
    assert [bool(run.error) for run in found.runs] == [False, False, True, False]
    assert "bad: 1 of 2 runs failed: iteration 3: the objective is nan" in found.table()
    assert Comparison.from_json(found.to_json()) == found
    (bad,) = [line for line in found.table() if line.startswith("bad ")]
    assert "(" not in bad
    assert f"{found.of('bad')[0].objective:.4f}" in bad


def test_a_chain_is_watched():
    pairs = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch")]
    bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in pairs])

    def chain(corpus, watch):
        first = Aligner(max_iter=2)
        first.fit(corpus, callback=lambda done, step: watch(first, done, step))
        last = Aligner(max_iter=3)
        return last.fit(corpus, start=first, callback=lambda done, step: watch(last, done, step))

    links = {"links": lambda model: {"links": float(len(model.predict(bitext).source))}}["links"]
    (run,) = compare([Variant("a", lambda seed: chain)], [0], Task(bitext, 12, links, every=1)).runs
    assert len(run.curve) == 3 + 4
    assert run.curve[2][1:] == pytest.approx(run.curve[3][1:])  # one starts where the other ended
    both = Aligner(max_iter=5).fit(bitext)
    assert run.objective == pytest.approx(both.trace_[-1] / 12)


# The table and the file


def test_the_table():
    lines = Comparison(
        (*runs(), Run("longer", 0, {"M-1": 0.25}, -5.0, -5.0, cpu=3)), {"corpus": "x", "states": 3}
    ).table()
    assert lines[:2] == ["corpus x | states 3", ""]
    assert lines[2].split() == ["M-1", "VI", "objective", "log-lik.", "perplexity", "CPU", "s"]
    assert lines[3] == "a       62.50 (17.68)  2.00 (.00)  -7.5000 (.7071)  -6.5000 (.0000)   90.0 (.0)  1.0 (.0)"
    assert lines[4].split() == ["longer", "25.00", "-", "-5.0000", "-5.0000", "-", "3.0"]
    assert len({len(line) for line in lines[2:5]}) == 1
    assert lines[6] == "mean (standard deviation) over seeds; M-1 in %; VI in bits"
    assert "objectives under different priors are not comparable" in "\n".join(lines)
    plain = Comparison((Run("a", 0, {}, -7.0, -7.0),)).table()
    assert "perplexity" not in "\n".join(plain)
    assert "seeds" not in "\n".join(plain)


def test_there_and_back():
    found = Comparison((*runs(3), Run("b", 0, error="no")), {"corpus": "é"})
    text = found.to_json()
    assert Comparison.from_json(text) == found
    assert json.loads(text)["runs"][1]["scores"] == {"M-1": 0.75, "VI": 2.0}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": 3, "about": {}}', '{"runs": [{"x": 1}], "about": {}}'])
def test_what_is_no_comparison(text):
    with pytest.raises(InputError, match=r"^c\.json: not a comparison that"):
        Comparison.from_json(text, "c.json")


# The picture


def test_learning_curves(tmp_path):
    pytest.importorskip("matplotlib")
    from emnlp.report.curves import learning_curves

    curve = ((0.1, -20.0, 0.1), (0.15, -9.0, None), (0.2, -7.5, None), *((0.3 + k / 10, -7.0, 0.5) for k in range(17)))
    found = [Run(name, seed, {"M-1": 0.5}, -7.0, curve=curve) for name in "abcdef" for seed in (0, 1)]
    figure = learning_curves(Comparison((*found, Run("bad", 0, error="no"))), tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    objective, score = figure.axes
    assert len(objective.lines) == len(score.lines) == 12
    assert len({line.get_color() for line in objective.lines}) == 6
    assert np.transpose(score.lines[0].get_data())[:2].tolist() == [[0.1, 10], [0.3, 50]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list("abcdef")
    low, high = objective.get_ylim()
    assert -8 < low < -7.5 < -7 < high  # the first steps are below
    bare = [Run("a", 0, {}, -7.0, curve=((0.1, -7.0, None),))]
    assert len(learning_curves(Comparison(tuple(bare))).axes) == 1
    with pytest.raises(InputError, match="every run failed"):
        learning_curves(Comparison((Run("bad", 0, error="no"),)))
