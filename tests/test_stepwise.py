"""Stepwise EM that reads and writes of a lexicon what a batch has, beside the same over whole tables."""

from __future__ import annotations

import numpy as np
import pytest

from emnlp import (
    HMM,
    IBM1,
    IBM2,
    Agreement,
    Aligner,
    Categorical,
    Dirichlet,
    HMMAligner,
    InputError,
    StepwiseEM,
)
from emnlp.blocks import Blocks
from emnlp.corpus import Bitext
from emnlp.factors.backoff import Backoff
from emnlp.inference.narrow import add_at, read_at, renumbered
from emnlp.learners.running import Running
from emnlp.model import Model
from emnlp.models.directed import DirectedAligner
from emnlp.models.narrow import own_slots
from emnlp.support import Support

LEXICA = {"categorical": Categorical(), "map": Categorical(alpha=1.3), "dirichlet": Dirichlet(0.1)}
MODELS = {
    "ibm1": lambda lexical, **more: IBM1(lexical=lexical, **more),
    "ibm2": lambda lexical, **more: IBM2(lexical=lexical, null=Categorical(), **more),
    "hmm": lambda lexical, **more: HMMAligner(lexical=lexical, **more),
    "aligner": lambda lexical, **more: Aligner(forward=IBM1(lexical=lexical), reverse=IBM1(lexical=lexical), **more),
    "agreement": lambda lexical, **more: Agreement(
        forward=HMMAligner(lexical=lexical), reverse=HMMAligner(lexical=lexical), **more
    ),
}
STARTS = {"warm": {}, "cold": {"warm": False}, "head": {"warm": False, "head_start": 5.0}}


@pytest.fixture(scope="module")
def bitext():
    rng = np.random.default_rng(0)
    sides = []
    for letter in "ab":
        sides.append([[f"{letter}{int(w)}" for w in rng.integers(0, 60, n)] for n in rng.integers(1, 9, 60)])
    return Bitext.from_pairs(list(zip(*sides)))


@pytest.mark.parametrize(
    "more",
    [{}, {"warm": False}, {"warm": False, "head_start": 5.0}, {"warm": False, "replace": 1.0}, {"replace": 1.6}],
    ids=["warm", "cold", "head", "replaced", "relaxed"],
)
@pytest.mark.parametrize("lexicon", LEXICA)
@pytest.mark.parametrize("model", MODELS)
def test_a_batch_touches_its_own_slots_alone_and_ends_as_whole_tables_do(bitext, model, lexicon, more, monkeypatch):
    learner, sizes = StepwiseEM(batch_size=60, power=0.6, **more), []
    prepare = DirectedAligner.lexical_potentials
    monkeypatch.setattr(
        DirectedAligner, "lexical_potentials", lambda self, theta: (sizes.append(len(theta)), prepare(self, theta))[1]
    )
    narrow = MODELS[model](LEXICA[lexicon], learner=learner, max_iter=4, random_state=1).fit(bitext)
    seen, n = list(sizes), max(sizes)
    for kind in (DirectedAligner, Aligner):
        monkeypatch.setattr(kind, "narrowed", Model.narrowed)
    dense = MODELS[model](LEXICA[lexicon], learner=learner, max_iter=4, random_state=1).fit(bitext)
    assert np.median(seen) < n / 2
    assert np.median(sizes[len(seen) :]) > n / 2
    for name in narrow.params_:
        np.testing.assert_allclose(narrow.params_[name], dense.params_[name], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(narrow.trace_.objective, dense.trace_.objective, rtol=1e-10)


def test_what_other_lexicons_need_is_whole(bitext):
    for lexical in (Categorical(backoff=Backoff(1.0)), Categorical()):
        model = IBM1(lexical=lexical, max_iter=1).fit(bitext)
        batches = model.index(bitext, 60)
        found, slots = model.narrowed(batches[:1])
        assert (slots == {}) is (lexical.backoff is not None)
        assert (found[0] is batches[0]) is (lexical.backoff is not None)
        assert model.narrowed(batches) == (batches, {})
    words = len(model.target_vocabulary_)
    own = slots["lexical"][words:]
    np.testing.assert_array_equal(slots["lexical"][:words], np.arange(words))
    np.testing.assert_array_equal(own[found[0].cell_slots], batches[0].cell_slots + words)
    assert len(np.unique(own)) == len(own)


def test_pairs_that_were_dropped_have_no_slot_in_a_batch():
    slots, numbers = own_slots(np.array([3, 9, 0, 3, 9], np.int32), 9)
    assert slots.tolist() == [3, 0]
    assert numbers.tolist() == [0, 2, 1, 0, 2]


def test_slots_are_numbered_read_and_added_to_as_numpy_does():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 5000, 3000).astype(np.int32)
    found, numbers = renumbered(values)
    np.testing.assert_array_equal(found[numbers], values)
    assert sorted(found) == np.unique(values).tolist()
    conditions, table = rng.integers(0, 40, 5000).astype(np.int32), rng.random(5000)
    totals = np.bincount(conditions, table, 40)
    counts, sums, rows_found, rows = read_at(table, totals, found, conditions)
    np.testing.assert_array_equal(counts, table[found])
    np.testing.assert_array_equal(rows_found[rows], conditions[found])
    np.testing.assert_array_equal(sums, totals[rows_found])
    add_at(table, totals, found, conditions, 2.0, np.ones(len(found)))
    np.testing.assert_allclose(totals, np.bincount(conditions, table, 40))
    np.testing.assert_allclose(table[found], counts + 2)


@pytest.mark.parametrize("factor", [*LEXICA.values()], ids=list(LEXICA))
def test_theta_of_some_slots_is_that_of_an_m_step(factor):
    support = Support.pairs([0, 0, 1, 1, 1, 2], [0, 1, 0, 1, 2, 0], 3, 4)
    factor, counts = factor.bind(support), np.array([1.0, 0.0, 2.0, 0.5, 0.0, 0.0])
    slots, conditions, rows = np.array([5, 3, 0]), np.array([2, 1, 0], np.int32), np.array([0, 1, 2], np.int32)
    found = factor.theta_at(counts[slots], support.sum(counts)[conditions], conditions, rows)
    np.testing.assert_allclose(found, factor.theta(factor.maximize(counts, factor.start()))[slots], rtol=1e-12)


def test_counts_and_row_sums_stay_in_range(bitext):
    model = IBM1(max_iter=0).fit(bitext)
    _, slots = model.narrowed(model.index(bitext, 60)[:1])
    counts = Blocks({"lexical": np.ones(len(slots["lexical"])), "position": np.empty(0)})
    n, running = len(model.params_["lexical"]), Running(scale=1e-199)
    running.stored = Blocks({"lexical": np.full(n, 1e199), "position": np.empty(0)})
    running.theta(model, model.params_, slots)
    running.blend(model, 0.99, 3.0, counts, slots)
    assert running.scale == 1.0
    expected = np.full(n, 0.01)
    expected[slots["lexical"]] += 0.99 * 3
    np.testing.assert_allclose(running.counts["lexical"], expected)
    np.testing.assert_allclose(running.totals["lexical"], model.factors_["lexical"].support.sum(expected))


def test_a_head_start_keeps_alive_what_the_first_batch_lacks(bitext):
    def fit(head_start):
        learner = StepwiseEM(batch_size=60, warm=False, head_start=head_start)
        return IBM1(learner=learner, max_iter=3).fit(bitext)

    assert fit(10.0).trace_[-1] > fit(0.0).trace_[-1]
    model = HMM(2, random_state=0, learner=StepwiseEM(batch_size=4, warm=False, head_start=2.0), max_iter=2)
    model.fit([["a", "b"], ["b", "c", "a"], ["c", "c"]])
    assert np.isfinite(model.trace_.objective).all()
    with pytest.raises(InputError, match="head_start"):
        StepwiseEM(head_start=-1)
