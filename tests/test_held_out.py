"""Early stopping: text that is held out says when to stop, and which parameters to keep."""

import numpy as np
import pytest
from test_checkpoint import DOCUMENTS, LEARNERS, agreement, killed_at_each_step, same
from zoo import EXAMPLES

import emnlp
from emnlp import EM, HMM, IBM1, LDA, InputError

TRAIN, HELD = [list(each) for each in ["abab", "cab", "aa", "bbb"]], [list(each) for each in ["ba", "cc", "abc"]]


@pytest.mark.parametrize("learner", [*LEARNERS.values(), [EM(3), EM()]], ids=[*LEARNERS, "two"])
@pytest.mark.parametrize("patience", [1, 3])
def test_the_best_by_held_out_text_is_kept(learner, patience, tmp_path):
    def make(n=40):
        return HMM(3, random_state=2, max_iter=n, learner=learner)

    steps = []
    found = make().fit(TRAIN, held_out=HELD, patience=patience, callback=lambda k, step: steps.append(step))
    curve = found.trace_.held_out
    assert curve == [step.held_out for step in steps]
    assert found.score(HELD) == max(curve)
    best = curve.index(max(curve))
    assert all(np.array_equal(found.params_[name], steps[best].params[name]) for name in found.params_)
    rises = [k for k in range(len(curve)) if k == 0 or curve[k] > max(curve[:k])]
    if found.trace_.reason.startswith("held_out"):
        assert len(curve) - 1 - best == patience
    assert all(b - a <= patience for a, b in zip(rises, rises[1:]))
    resumed, _ = killed_at_each_step(make, TRAIN, tmp_path / "c", held_out=HELD, patience=patience)
    assert same(resumed, found)
    found.save(tmp_path / "m")
    assert emnlp.load(tmp_path / "m").trace_ == found.trace_


def test_it_stops_at_all():
    found = HMM(3, random_state=2, max_iter=300).fit(TRAIN, held_out=HELD)
    assert found.trace_.reason.startswith("held_out: no rise in 3 M-steps; the parameters after")
    assert len(found.trace_) < 100
    with pytest.raises(InputError, match="patience"):
        HMM(3).fit(TRAIN, held_out=HELD, patience=0)
    with pytest.raises(InputError, match="nothing to score"):
        HMM(3).fit(TRAIN, held_out=[])


def test_starts_are_compared_by_held_out_text():
    alone = {k: HMM(3, random_state=k, max_iter=20).fit(TRAIN, held_out=HELD) for k in range(4)}
    found = HMM(3, random_state=0, n_init=4, max_iter=20).fit(TRAIN, held_out=HELD)
    assert found.trace_.restarts == {k: max(model.trace_.held_out) for k, model in alone.items()}
    assert found.score(HELD) == max(found.trace_.restarts.values())


def test_held_out_text_of_aligners_and_topics():
    pairs = EXAMPLES["bitext"]
    for model in (IBM1(), agreement(), LDA(2)):
        corpus = DOCUMENTS if isinstance(model, LDA) else pairs
        found = model.fit(corpus, held_out=corpus)
        assert len(found.trace_.held_out) == len(found.trace_)
        assert found.score(corpus) == max(found.trace_.held_out)
