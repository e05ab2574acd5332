"""Restarts and probes, of every kind of model that has random starts."""

import numpy as np
import pytest
from tagger_story import ragged

from emnlp import (
    EM,
    HMM,
    IBM1,
    IBM2,
    LDA,
    Agreement,
    Aligner,
    Bitext,
    Categorical,
    Dirichlet,
    Documents,
    InputError,
    Logistic,
    NaiveBayesMixture,
    NumericalError,
    load,
)
from emnlp.engines import Threads

PAIRS = Bitext.from_pairs([(list("ab"), list("xy")), (list("abc"), list("xyzz")), (list("bc"), list("yz")), ([], [])])
TEXT = ragged(9, 12)
BAGS = Documents.from_tokens(TEXT)
MODELS = {
    "hmm": (lambda **more: HMM(3, **more), TEXT),
    "bayes": (lambda **more: HMM(3, emission=Dirichlet(0.1), init="classes", **more), TEXT),
    "rounds": (lambda **more: HMM(2, emission=Logistic(entropy=2.0), learner=EM(refresh_at=(1, 2)), **more), TEXT),
    "ibm1": (lambda **more: IBM1(**more), PAIRS),
    "ibm2": (lambda **more: IBM2(position=Categorical(), **more), PAIRS),
    "aligner": (lambda **more: Aligner(forward=IBM1(), reverse=IBM2(), **more), PAIRS),
    "mixture": (lambda **more: NaiveBayesMixture(2, init="random", **more), BAGS),
    "lda": (lambda **more: LDA(2, **more), BAGS),
    "agreement": (lambda **more: Agreement(forward=IBM1(), reverse=IBM1(), rounds=2, **more), PAIRS),
}
plain = Threads.map
models = pytest.mark.parametrize(("make", "corpus"), MODELS.values(), ids=MODELS)


def objective(model):
    """The last objective, without what a regulariser takes off: rounds differ in it."""
    return model.trace_[-1] + model.regulariser(model.params_)


@models
def test_the_best_of_several_starts_is_kept(make, corpus, tmp_path):
    alone = {seed: make(random_state=seed, max_iter=5).fit(corpus) for seed in range(4, 8)}
    seen = []
    model = make(random_state=4, n_init=4, max_iter=5).fit(corpus, callback=lambda k, step: seen.append(step.objective))
    assert model.trace_.restarts == {seed: objective(one) for seed, one in alone.items()}
    best = max(alone.values(), key=objective)
    assert list(model.trace_) == list(best.trace_)
    assert all(np.array_equal(model.params_[name], best.params_[name]) for name in best.params_)
    assert np.all(model.predict(corpus) == best.predict(corpus))
    assert seen == [value for one in alone.values() for value in one.trace_]
    assert objective(model) == objective(best)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.trace_.restarts == model.trace_.restarts
    assert again == model
    assert alone[4].trace_.restarts == {}


@models
def test_probing_goes_by_the_objective_after_one_iteration(make, corpus):
    after_one = {seed: objective(make(random_state=seed, max_iter=1).fit(corpus)) for seed in range(6)}
    chosen = sorted(after_one, key=lambda seed: -after_one[seed])[:2]
    model = make(random_state=0, n_init=2, n_probes=6, max_iter=5).fit(corpus)
    alone = {seed: make(random_state=seed, max_iter=5).fit(corpus) for seed in chosen}
    assert model.trace_.restarts == {seed: objective(one) for seed, one in alone.items()}
    assert list(model.trace_) == list(max(alone.values(), key=objective).trace_)
    assert model.max_iter == 5
    few = make(random_state=0, n_init=2, n_probes=2, max_iter=2).fit(corpus)  # nothing to choose
    assert list(few.trace_.restarts) == [0, 1]
    none = make(random_state=0, n_init=2, max_iter=0).fit(corpus)
    assert len(none.trace_) == 1


@models
def test_starts_that_make_no_sense(make, corpus):
    for wrong in ({"n_init": 0}, {"n_probes": -1}, {"n_init": 2}, {"n_probes": 2}):
        with pytest.raises(InputError, match="start"):
            make(random_state=None, **wrong).fit(corpus)


@models
def test_starts_side_by_side_have_the_same_bits(make, corpus, monkeypatch):
    """Also where a model's batches hold something, which starts would mix up."""
    threads = []
    monkeypatch.setattr(Threads, "map", lambda self, *args: threads.append(len(args[1])) or plain(self, *args))
    for more in ({}, {"n_probes": 6}, {"n_probes": 6, "n_init": 1}):
        one, two = (
            make(**{"random_state": 4, "n_init": 4, "max_iter": 5, **more}, n_jobs=n).fit(corpus) for n in (1, 2)
        )
        assert one.trace_ == two.trace_
        assert list(one.trace_.restarts) == list(two.trace_.restarts)
        assert all(np.array_equal(one.params_[name], two.params_[name]) for name in one.params_)
        assert one.factors_.keys() == two.factors_.keys()
        assert one.regulariser(one.params_) == two.regulariser(two.params_)
        assert np.all(one.predict(corpus) == two.predict(corpus))
        assert two.n_jobs == 2
    side_by_side = [n for n in threads if n in (4, 6)]
    assert len(side_by_side) >= 4 or one.keeps_local


def test_what_wants_an_order_runs_in_order(tmp_path):
    def fit(n_jobs, **more):
        seen = []
        model = HMM(3, random_state=4, n_init=4, max_iter=5, n_jobs=n_jobs)
        model.fit(TEXT, callback=lambda k, step: seen.append((k, step.objective)), **more)
        return seen

    assert fit(2) == fit(1)
    assert fit(2, checkpoint=tmp_path / "c") == fit(1)


def test_a_start_side_by_side_that_fails_is_told():
    class Broken(HMM):
        def expect(self, batch, potentials, counts):
            return np.nan

    with pytest.raises(NumericalError, match="iteration 0"):
        Broken(2, random_state=0, n_init=3, n_jobs=2).fit(TEXT)
