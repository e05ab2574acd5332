"""Checkpoints: a fit that is killed at any step, and started again, ends with the bits of one that never was."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from zoo import CHAIN, EXAMPLES, ROWS

import emnlp
from emnlp import (
    EM,
    HMM,
    IBM1,
    LDA,
    Agreement,
    AnnealedEM,
    Categorical,
    DirectGradient,
    HardEM,
    IncrementalEM,
    InputError,
    Logistic,
    Priors,
    StepwiseEM,
    storage,
)
from emnlp.checkpoint import Checkpoint
from emnlp.learners import Learner, Step

NAMES = [
    "IBM1-dirichlet-null-learned", "IBM2-map-logistic", "IBM2-fast-align", "Aligner-IBM2-mixed",
    "HMMAligner-backoff", "HMM-3-classes", "HMM-tags",
]  # fmt: skip
ROUNDS = {"refresh_at": (1, 3)}
LEARNERS = {
    "em": EM(), "hard": HardEM(), "annealed": AnnealedEM(start=0.4, every=1), "stepwise": StepwiseEM(batch_size=3),
    "exact": StepwiseEM(batch_size=3, exact=True), "incremental": IncrementalEM(parts=3, batch_size=3),
    "replacing": StepwiseEM(batch_size=3, replace=1.5),
    "chain": [EM(2), HardEM(2), IncrementalEM(parts=2, batch_size=3)], "unscored": EM(score_last=False),
}  # fmt: skip
SPELT = Logistic(kappa=0.1, spread=0.5, entropy=2.0)
TABLES = {"initial": Logistic(kappa=0.1), "transition": Logistic(kappa=0.1)}
DOCUMENTS = [list(each) for each in ["abab", "b", "cab", "aa", "bbbd", "ca"]]


def _hmm(**more):
    return HMM(2, **{"emission": SPELT, "random_state": 2, "max_iter": 6, **more})


def agreement(**more):
    return Agreement(forward=CHAIN(), reverse=CHAIN(), rounds=2, random_state=1, **{"max_iter": 5, **more})


FITS = {f"{row}-{name}": (lambda row=row, each=each: ROWS[row].model(random_state=3, max_iter=5, learner=each),
                          ROWS[row].example) for row in NAMES for name, each in LEARNERS.items()}  # fmt: skip
FITS |= {
    "rounds": (lambda: _hmm(learner=EM(**ROUNDS)), EXAMPLES["text"]),
    "direct": (lambda: _hmm(**TABLES, learner=DirectGradient(**ROUNDS), max_iter=12), EXAMPLES["text"]),
    "cg": (lambda: _hmm(**TABLES, learner=DirectGradient("cg"), max_iter=12), EXAMPLES["text"]),
    "converging": (lambda: _hmm(**TABLES, learner=[DirectGradient(steps=200), EM(2)], max_iter=400), EXAMPLES["text"]),
    "agreement": (agreement, EXAMPLES["bitext"]),
    "agreement-annealed": (lambda: agreement(learner=AnnealedEM(start=0.4, every=1)), EXAMPLES["bitext"]),
    "agreement-stepwise": (lambda: agreement(learner=StepwiseEM(batch_size=4)), EXAMPLES["bitext"]),
    "agreement-starts": (lambda: agreement(n_init=2, n_probes=3, max_iter=2), EXAMPLES["bitext"]),
    "lda": (lambda: LDA(2, fresh=2, max_iter=5), DOCUMENTS),
    "starts": (lambda: _hmm(n_init=3, max_iter=2, learner=EM(refresh_at=(1,))), EXAMPLES["text"]),
    "probes": (lambda: _hmm(n_init=2, n_probes=4, max_iter=2, emission=Categorical()), EXAMPLES["text"]),
    "tol": (lambda: IBM1(tol=0.01, max_iter=50), EXAMPLES["bitext"]),
}
fits = pytest.mark.parametrize(("make", "corpus"), FITS.values(), ids=FITS)


class Killed(BaseException):
    """What no handler of the package expects."""


def killer(after):
    """Return a callback that ends a fit at the step of this number."""
    steps = []

    def callback(done, step):
        steps.append(done)
        if len(steps) > after:
            raise Killed

    return callback


def same(one, other):
    """Whether two fitted models have the same bits: parameters, trace and predictions."""
    assert one.trace_ == other.trace_
    assert list(one.params_) == list(other.params_)
    assert one.factors_ == other.factors_
    return all(one.params_[name].tobytes() == other.params_[name].tobytes() for name in one.params_)


def killed_at_each_step(make, corpus, path, **more):
    """Start again and again, and be killed at each new step; return the model that ends at last, and the kills."""
    for kills in range(1000):
        try:
            return make().fit(corpus, checkpoint=path, callback=killer(1), **more), kills
        except Killed:
            pass
    raise AssertionError("it never ends")


@fits
def test_killed_at_every_step_it_ends_with_the_same_bits(make, corpus, tmp_path):
    whole = make().fit(corpus)
    found, kills = killed_at_each_step(make, corpus, tmp_path / "c")
    assert same(found, whole)
    assert kills > 0
    assert np.all(found.predict(corpus) == whole.predict(corpus))
    assert found.trace_.seconds == sorted(found.trace_.seconds)
    assert len(found.trace_.seconds) == len(found.trace_)
    again = make().fit(corpus, checkpoint=tmp_path / "c", callback=killer(0))  # done: not one step more
    assert same(again, whole)
    assert os.listdir(tmp_path) == ["c"]
    found.save(tmp_path / "model")


@pytest.mark.parametrize("every", [2, 3, 100])
def test_written_after_so_many_steps(every, tmp_path):
    make, corpus = FITS["HMM-3-classes-em"]
    seen = []

    def callback(done, step):
        seen.append(done)
        if len(seen) == 5:
            raise Killed

    whole = make().fit(corpus)
    with pytest.raises(Killed):
        make().fit(corpus, checkpoint=tmp_path / "c", every=every, callback=callback)
    assert same(make().fit(corpus, checkpoint=tmp_path / "c", every=every, callback=callback), whole)
    assert seen == [0, 1, 2, 3, 4, *range(1 + (3 // every) * every, 6)]


@pytest.mark.parametrize("name", ["rounds", "agreement", "starts", "IBM2-fast-align-incremental"])
def test_killed_during_the_write(name, tmp_path, monkeypatch):
    """Writes in turn end well, are cut off in the middle of the bytes, and just before the file takes its place."""
    (make, corpus), path = FITS[name], tmp_path / "c"
    whole, fill, place, writes, kills = make().fit(corpus), storage.fill, Path.replace, [], [0, 0]

    def broken(part, header, arrays):
        writes.append(part)
        fill(part, header, arrays)
        if len(writes) % 3 == 0:
            os.truncate(part, len(writes) * part.stat().st_size // 40 % part.stat().st_size)
            kills[0] += 1
            raise Killed

    def late(part, target):
        if len(writes) % 3 == 2:
            kills[1] += 1
            raise Killed
        return place(part, target)

    monkeypatch.setattr(storage, "fill", broken)
    monkeypatch.setattr(Path, "replace", late)
    monkeypatch.setattr(Path, "unlink", lambda *args, **more: None)  # no process is left to tidy up
    for _ in range(100):
        try:
            found = make().fit(corpus, checkpoint=path)
            break
        except Killed:
            assert path.exists()
    assert same(found, whole)
    assert min(kills) > 1


@pytest.mark.parametrize("name", ["converging", "starts", "probes", "tol"])
def test_killed_after_each_write(name, tmp_path, monkeypatch):
    """Each place that a fit can go on from is gone on from; a chain may have nothing left to do there."""
    make, corpus = FITS[name]
    whole, write, kills = make().fit(corpus), Checkpoint.write, 0

    def last(self, standing):
        write(self, standing)
        raise Killed

    monkeypatch.setattr(Checkpoint, "write", last)
    while True:
        try:
            found = make().fit(corpus, checkpoint=tmp_path / "c")
            break
        except Killed:
            kills += 1
    assert same(found, whole)
    assert kills > 3


def test_what_it_does_not_belong_to_is_refused(tmp_path, monkeypatch):
    path, text, other = tmp_path / "c", EXAMPLES["text"], [["a", "b"], ["b", "c"]]

    def fit(corpus=text, model=None, **more):
        return (model or HMM(2, random_state=1, max_iter=3)).fit(corpus, checkpoint=path, **more)

    first = fit()
    assert same(fit(HMM(2).corpus(text)), first)
    before = path.read_bytes()
    wrong = {
        "its corpus": {"corpus": other}, "max_iter was 3": {"model": HMM(2, random_state=1, max_iter=4)},
        "emission was": {"model": HMM(2, emission=Logistic(), random_state=1, max_iter=3)},
        "its model": {"model": IBM1(max_iter=3), "corpus": EXAMPLES["bitext"]}, "its start": {"start": first},
        "its held-out text": {"held_out": other},
    }  # fmt: skip
    for match, how in wrong.items():
        with pytest.raises(InputError, match=match) as caught:
            fit(**how)
        assert str(path) in str(caught.value)
        assert "delete it to begin anew" in str(caught.value)
    monkeypatch.setattr(emnlp, "__version__", "9.9")
    with pytest.raises(InputError, match=r"this is 9\.9"):
        fit()
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert same(fit(model=HMM(2, random_state=1, max_iter=3, n_jobs=2, verbose=0)), first)


def test_a_prior_belongs_to_it(tmp_path):
    (tmp_path / "p.tsv").write_text("a\tx\n")
    pairs, bitext = Priors.read(tmp_path / "p.tsv"), EXAMPLES["bitext"]
    model = IBM1(lexical=Categorical(alpha=1.5), max_iter=2)
    model.fit(bitext, prior=pairs, checkpoint=tmp_path / "c")
    model.fit(bitext, prior=pairs, checkpoint=tmp_path / "c")
    with pytest.raises(InputError, match="its prior"):
        model.fit(bitext, checkpoint=tmp_path / "c")


def test_damage_is_an_input_error(tmp_path):
    path, make = tmp_path / "c", lambda: HMM(2, random_state=1, max_iter=3)
    with pytest.raises(Killed):
        make().fit(EXAMPLES["text"], checkpoint=path, callback=killer(2))
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [b"", b"x", good[:100], good[:-1], good + b"x"]
    for at in rng.integers(0, len(good), 150).tolist():
        damaged.append(good[:at] + bytes([good[at] ^ (1 << rng.integers(8))]) + good[at + 1 :])
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(InputError, match="delete it to begin anew"):
            make().fit(EXAMPLES["text"], checkpoint=path)
    path.unlink()
    make().fit(EXAMPLES["text"]).save(path)
    with pytest.raises(InputError, match="not a checkpoint"):
        make().fit(EXAMPLES["text"], checkpoint=path)
    header, arrays = storage.read(path)
    assert json.dumps(header)
    assert arrays  # the model file is as it was


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").mkdir()
    for path, match in {tmp_path / "folder": "plain file", tmp_path / "no" / "c": "cannot be written"}.items():
        with pytest.raises(InputError, match=match):
            HMM(2).fit(EXAMPLES["text"], checkpoint=path)
    with pytest.raises(InputError, match="plain file"):
        HMM(2).fit(EXAMPLES["text"], checkpoint="/dev/null")
    for every in (0, 1.5, -1):
        with pytest.raises(InputError, match="every"):
            HMM(2).fit(EXAMPLES["text"], checkpoint=tmp_path / "c", every=every)


def test_a_learner_without_state_is_told(tmp_path):
    class Plain(Learner):
        def iterate(self, model, params, batches, engine, done=0, state=None):
            while True:
                counts, loglik = engine.expect(model, model.theta(params), batches)
                yield Step(params, loglik)
                params = model.maximize(counts, params)

    IBM1(learner=Plain(), max_iter=2).fit(EXAMPLES["bitext"])
    with pytest.raises(InputError, match="no state"):
        IBM1(learner=Plain(), max_iter=2).fit(EXAMPLES["bitext"], checkpoint=tmp_path / "c")
