"""What a chain of aligners keeps in memory, what its forecast says of it, and what its checkpoints say."""

import weakref

import numpy as np
import pytest
from test_checkpoint import Killed, killer
from test_out_of_core import sentences

from emnlp import IBM1, Agreement, Aligner, Bitext, Categorical, InputError, Jump
from emnlp.checkpoint import part, parts
from emnlp.factors import Backoff, backoff
from emnlp.models.forecast import _rows, forecast
from emnlp.models.recipes import recipe, train
from emnlp.models.states import States, frequent
from emnlp.support import Support


@pytest.fixture
def text():
    return Bitext.from_pairs(sentences(80), max_length=50)


def watched(monkeypatch, text, **more):
    """Train a chain; return it, and whether the first link's parameters were there at each M-step of the second."""
    chain, held, there, maximize = recipe("hmm"), [], [], Agreement.maximize

    def watch(aligner):
        if aligner is chain[0]:
            held.extend(weakref.ref(array) for array in aligner.params_.values() if array.size)
            held.extend(weakref.ref(factor._coarse) for name, factor in aligner.factors_.items() if "lex" in name)

    def step(model, counts, params):
        there.append([ref() is not None for ref in held])
        return maximize(model, counts, params)

    monkeypatch.setattr(Agreement, "maximize", step)
    return train(text, chain, after=watch, **more), chain, there


@pytest.mark.parametrize("resumed", [False, True])
def test_a_link_is_let_go_of_once_the_next_one_has_begun(resumed, text, monkeypatch, tmp_path):
    whole = train(text, recipe("hmm"))
    more = {"checkpoint": str(tmp_path / "c")} if resumed else {}
    if resumed:
        chain = recipe("hmm")
        first = chain[0].fit(text, checkpoint=tmp_path / "c.1")
        with pytest.raises(Killed):
            chain[1].fit(text, start=first, checkpoint=tmp_path / "c.2", callback=killer(2))
    last, chain, there = watched(monkeypatch, text, **more)
    first_parameters = [[True, True, False, False]] * (not resumed)  # nothing else of the link
    assert there == first_parameters + [[False] * 4] * 5  # resumed, the first of six steps was done
    assert last is chain[-1]
    with pytest.raises(InputError, match="not fitted"):
        chain[0].predict(text)
    for name, array in whole.params_.items():
        assert array.tobytes() == last.params_[name].tobytes()


def test_a_start_is_left_as_it_was(text):
    start = Aligner().fit(text)
    before = {name: array.copy() for name, array in start.params_.items()}
    Agreement(random_state=0, n_init=2, max_iter=2).fit(text, start=start)
    Agreement(max_iter=2).fit(text, start=start)
    for name, array in start.params_.items():
        assert np.array_equal(array, before[name])
    assert len(start.predict(text)) == len(text)


@pytest.mark.parametrize("alpha", [1.0, 1.5])
@pytest.mark.parametrize("informed", [False, True])
def test_chunks_do_not_matter(alpha, informed, monkeypatch):
    rng = np.random.default_rng(0)
    names = [f"c{n % 13}{n}" for n in range(30)], [f"o{n % 7}{n}" for n in range(20)]
    support = Support.dense(30, 20, names)
    counts, found = rng.gamma(0.3, size=len(support)), []
    for size in (7, 1 << 16):
        monkeypatch.setattr(backoff, "CHUNK", size)
        factor = Categorical(alpha, Backoff()).bind(support)
        factor = factor.informed(rng.random(len(support)) * 0 + 0.5) if informed else factor
        found.append(factor.maximize(counts, factor.start()))
    assert found[0].tobytes() == found[1].tobytes()
    assert np.allclose(support.sum(found[0]), 1)


@pytest.mark.parametrize("n_words", [0, 3, 2000])
def test_rows_of_jumps_are_about_as_many(n_words):
    bitext = Bitext.from_pairs(sentences(2000, seed=3), max_length=50)
    source = bitext.pairs.source
    classes = frequent(source, n_words)
    found = len(States.of(Jump(words=n_words), classes, 50).support([source], classes).classes)
    assert found <= 1.02 * _rows(source, n_words) < 1.2 * found


def test_the_forecast_is_that_of_the_largest_link(text):
    def lexicon(*chain):
        return forecast(chain, text).lexicon

    plain, backed = (
        Aligner(forward=IBM1(lexical=each), reverse=IBM1(lexical=each))
        for each in (Categorical(), Categorical(backoff=Backoff()))
    )
    assert lexicon(backed) - lexicon(plain) == 20 * len(text.pairs.conditions)  # classes, and their M-step
    assert lexicon(plain, plain) == lexicon(plain)
    assert lexicon(backed, Agreement()) == max(lexicon(backed), lexicon(Agreement())) > lexicon(backed)


@pytest.mark.parametrize(("left", "n"), [("c.3", 2), ("c", 2), ("c.1", 1), ("c.12", 4)])
def test_a_checkpoint_of_another_chain_is_refused(left, n, text, tmp_path):
    for other in ("c.txt", "c.3.part", "d.9"):
        (tmp_path / other).write_text("no checkpoint")
    own = [part(tmp_path / "c", k, n) for k in range(n)]
    (tmp_path / left).write_text("no checkpoint, but a file of that name")
    assert parts(tmp_path / "c", n) == own
    (tmp_path / left).unlink()
    IBM1(max_iter=1).fit(text, checkpoint=tmp_path / left)
    with pytest.raises(InputError, match=rf"{left}: .*this one's {n}; delete it"):
        parts(tmp_path / "c", n)
    with pytest.raises(InputError, match=f"{left}: "):
        train(text, [Aligner(max_iter=1) for _ in range(n)], checkpoint=str(tmp_path / "c"))


def test_commands_check_before_they_say_that_they_go_on(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, line in (("a", "a b a\nb c\n"), ("b", "x y\ny z\n")):
        (tmp_path / name).write_text(line)
    words = ["align", "a", "b", "-o", "links", "--checkpoint", "c", "--threads", 1]
    bitext, chain = Bitext.read("a", "b"), recipe("hmm")
    for aligner in chain:
        aligner.verbose, aligner.n_jobs = 1, 1
    with monkeypatch.context() as patch:
        patch.setattr("emnlp.cli.checkpoints.remove", lambda args, n: None)
        assert command(*words)[0] == 0
    status, _, told = command(*words, "--model", "ibm1")
    assert (status, "c.1: a checkpoint left by" in told, "going on" in told) == (1, True, False)
    status, _, told = command(*words, "--alpha", 0.5)  # c.1 is of other settings
    assert (status, "c.1: a checkpoint of another fit" in told, "going on" in told) == (1, True, False)
    (tmp_path / "links").unlink()
    status, _, told = command(*words)
    assert status == 0
    assert told.index("going on from c.1") < told.index("IBM1:") < told.index("going on from c.2")
    assert len(bitext) == (tmp_path / "links").read_text().count("\n")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "links"}
