"""Agreement and symmetric posteriors against a plain implementation, and what they must not depend on."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import agreement_item, climbed, column, expect, hmm, symmetric_item
from stories import classes_of, letters, story
from zoo import EXAMPLE

from emnlp import (
    IBM1,
    Agreement,
    Aligner,
    Bitext,
    Categorical,
    Dirichlet,
    Fixed,
    HMMAligner,
    InputError,
    Jump,
    PooledJump,
    load,
)
from emnlp.models import directed

EXAMPLES = settings(max_examples=25, deadline=None)
FLOAT32 = {"rtol": 1e-5, "atol": 1e-6}  # what duals are kept as
EXACT = {"rtol": 1e-9, "atol": 1e-12}


def sentences(words):
    return st.lists(st.sampled_from(words), min_size=1, max_size=7)


bitexts = st.lists(st.tuples(sentences("abc"), sentences("xyz")), min_size=1, max_size=3).map(Bitext.from_pairs)
WAYS = {
    "forward": {"jump": Jump(words=2, width=2), "null": Fixed(0.2)},
    "reverse": {"jump": PooledJump(width=3), "null": Categorical(), "lexical": Dirichlet(0.3)},
}


def agreement(kind=HMMAligner, **more):
    ways = {name: kind(**(way | {"beam": 0.0} if kind is HMMAligner else {})) for name, way in WAYS.items()}
    return Agreement(**ways, **{"max_iter": 0, "random_state": 1} | more)


def told(model, bitext, source, target, duals):
    """`hmm` of either direction, its emissions times exp(-duals) and exp(duals); links as (I, J) in both."""
    found, links = {}, {}
    for name, part in model.directions.items():
        ways = (source, target) if name == "forward" else (target, source)
        rows, emit, p_null = story(part, bitext if name == "forward" else bitext.reversed(), *ways)
        emit = np.array(emit)
        emit[1:] *= np.exp(-duals) if name == "forward" else np.exp(duals).T
        found[name] = hmm(rows, emit.tolist(), p_null)
        links[name] = found[name][1][1:] if name == "forward" else found[name][1][1:].T
    return found, links


def raised(model, duals, links):
    return duals + (model.step * (links["forward"] - links["reverse"]) if model.rounds else 0)


@EXAMPLES
@given(bitext=bitexts, seed=st.integers(0, 99), rounds=st.sampled_from([0, 1, 2]), step=st.sampled_from([0.5, 1.5]))
def test_expected_counts_by_the_story(bitext, seed, rounds, step):
    """Links count for both lexicons by the product; what a direction has of its own, by its own posterior."""
    model = agreement(rounds=rounds, step=step, random_state=seed).fit(bitext)
    theta, batches = model.theta(model.params_), model.index(bitext, 1)
    every = [np.zeros((len(source), len(target))) for source, target in bitext]
    for _ in range(3):
        counts, loglik = expect(model, theta, batches)
        words, total = Counter(), 0.0
        own = {name: {"null": np.zeros(2), "jump": np.zeros(way.factors_["jump"].jumps.shape), "NULL": Counter()}
               for name, way in model.directions.items()}  # fmt: skip
        for k, (source, target) in enumerate(bitext):
            found, links = told(model, bitext, source, target, every[k])
            every[k] = raised(model, every[k], links)
            for i, j in np.ndindex(*links["forward"].shape):
                words[source[i], target[j]] += links["forward"][i, j] * links["reverse"][i, j]
            for name, (value, posterior, jumps, _) in found.items():
                total += value
                own[name]["null"] += [posterior[1:].sum(), posterior[0].sum()]
                sides = (source, target) if name == "forward" else (target, source)
                for f, p in zip(sides[1], posterior[0], strict=True):
                    own[name]["NULL"][f] += p
                part = model.directions[name]
                classes = classes_of(part, bitext if name == "forward" else bitext.reversed(), sides[0])
                for (m, i), p in jumps.items():
                    own[name]["jump"][classes[m], column(part.jump.width, m, i, len(sides[0]))] += p
        close = FLOAT32 if rounds else EXACT
        np.testing.assert_allclose(loglik, total, **close)
        for name, part in model.directions.items():
            weights = own[name]["jump"].ravel()
            np.testing.assert_allclose(counts[f"{name}.jump"][: len(weights)], weights, **close)
            np.testing.assert_allclose(counts[f"{name}.jump"].sum(), 2 * weights.sum(), **close)  # and the rows'
            np.testing.assert_allclose(counts[f"{name}.null"], own[name]["null"], **close)
            support = part.lexicon.support
            for slot, (c, o) in enumerate(zip(support.conditions.tolist(), support.outcomes.tolist(), strict=True)):
                e, f = support.names[0][c], support.names[1][o]
                plain = own[name]["NULL"][f] if e is None else words[(e, f) if name == "forward" else (f, e)]
                np.testing.assert_allclose(counts[f"{name}.lexical"][slot], plain, **close)


@EXAMPLES
@given(
    bitext=bitexts, seed=st.integers(0, 99), rounds=st.sampled_from([0, 1, 2, 5]),
    symmetrize=st.sampled_from(["product", "mean", "intersection", "union"]),
)  # fmt: skip
def test_links_by_the_story(bitext, seed, rounds, symmetrize):
    model = agreement(rounds=rounds, symmetrize=symmetrize, random_state=seed).fit(bitext)
    pairs = zip(model.predict(bitext), model.predict_proba(bitext), bitext, strict=True)
    for links, combined, (source, target) in pairs:
        duals = np.zeros((len(source), len(target)))
        for _ in range(rounds):
            duals = raised(model, duals, told(model, bitext, source, target, duals)[1])
        found, each = told(model, bitext, source, target, duals)
        mean = (each["forward"] + each["reverse"]) / 2
        plain = mean if symmetrize == "mean" else np.sqrt(each["forward"] * each["reverse"])
        np.testing.assert_allclose(combined, plain, **FLOAT32 if rounds else EXACT)
        if symmetrize in ("product", "mean"):
            wanted, sure = plain > model.threshold, abs(plain - model.threshold) > 1e-4
        else:  # heuristics combine each token's most probable component, NULL among them
            one, other = found["forward"][1], found["reverse"][1]
            best = (one[1:] == one.max(0), (other[1:] == other.max(0)).T)
            wanted = best[0] & best[1] if symmetrize == "intersection" else best[0] | best[1]
            gaps = [np.diff(np.sort(table, 0)[-2:], axis=0).min() for table in (one, other)]
            sure = np.full(wanted.shape, min(gaps) > 1e-4)
        chosen = np.zeros(wanted.shape, bool)
        for i, j in links:
            chosen[i, j] = True
        assert (chosen == wanted)[sure].all()


@pytest.mark.parametrize("kind", [IBM1, HMMAligner])
@pytest.mark.parametrize("rounds", [0, 2])
def test_a_whole_fit(kind, rounds):
    """Four iterations, with the duals of one E-step those of the next; the last parameters are scored under them."""
    bitext = EXAMPLE.limited(2)
    first, last = (agreement(kind, rounds=rounds, max_iter=n).fit(bitext) for n in (0, 4))
    params, batches, objective = first.params_, first.index(bitext, 1), []
    every = [np.zeros(batch.sizes[0], np.float32) for batch in batches]
    for _ in range(5):
        theta = first.theta(params)
        items = [agreement_item(first, theta, *each) for each in zip(batches, every, strict=True)]
        objective.append(sum(value for value, *_ in items) + first.penalty(params))
        every = [climbed(first, duals, links) for duals, (*_, links) in zip(every, items, strict=True)]
        total = theta.zeros()
        for _, counts, _ in items:
            total += counts
        before, params = params, first.maximize(total, params)
    np.testing.assert_allclose(last.trace_.objective, objective, **FLOAT32 if rounds else EXACT)
    for name in before:
        np.testing.assert_allclose(last.params_[name], before[name], **FLOAT32 if rounds else {"atol": 1e-10})
    assert not last.learner.promises(last)


def test_links_do_not_depend_on_what_was_asked_before(sample, tmp_path):
    """Duals live with the batches of a fit: a second fit, another text, a loaded model start from none."""
    model = Agreement(max_iter=2).fit(sample)
    links, score = model.predict(sample), model.score(sample)
    posteriors = model.predict_proba(sample)
    assert model.predict(sample) == links
    assert list(model.predict(sample[5:9])) == list(links[5:9])
    assert model.score(sample) == score
    assert score == pytest.approx(Aligner.score(model, sample))
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.predict(sample) == links
    assert again.score(sample) == score
    assert all(np.array_equal(*each) for each in zip(again.predict_proba(sample), posteriors, strict=True))
    first = model.params_
    assert all(np.array_equal(first[name], array) for name, array in model.fit(sample).params_.items())
    assert model.trace_ == again.trace_


def test_the_same_bits_at_any_number_of_threads(sample, monkeypatch):
    monkeypatch.setattr(directed, "batch_cells", lambda total: 500)
    models = [Agreement(max_iter=3, n_jobs=n).fit(sample) for n in (1, 2, 3)]
    assert len(models[0].index(sample)) > 5
    for other in models[1:]:
        assert other.trace_ == models[0].trace_
        assert np.array_equal(other.params_.flat, models[0].params_.flat)
        assert other.predict(sample) == models[0].predict(sample)
    monkeypatch.undo()
    np.testing.assert_allclose(Agreement(max_iter=3).fit(sample).params_.flat, models[0].params_.flat, atol=1e-4)


def test_posteriors_become_symmetric():
    """With many rounds, and NULL to take what cannot be matched, the directions agree; without, they need not."""
    bitext = letters(("abc", "xyz"), ("ab", "xyx"), ("cab", "zx"))
    gaps = []
    for rounds in (0, 100):
        model = agreement(rounds=rounds, step=0.5).fit(bitext)
        theta, batches = model.theta(model.params_), model.index(bitext, 1)
        links = [symmetric_item(model, theta, batch) for batch in batches[-1:]]
        gaps.append(max(abs(each["forward"] - each["reverse"]).max() for each in links))
    assert gaps[1] < 0.02 < gaps[0]


def test_the_beam_changes_no_link_of_the_sample(sample):
    parts = [
        {name: HMMAligner(beam=beam) for name in ("forward", "reverse")}  # a model each
        for beam in (0.0, HMMAligner().beam)
    ]
    exact, rough = (Agreement(**ways).fit(sample, start=Aligner().fit(sample)) for ways in parts)
    assert exact.predict(sample) == rough.predict(sample)
    for one, other in zip(exact.predict_proba(sample), rough.predict_proba(sample), strict=True):
        assert abs(one - other).max() < 1e-4


@pytest.mark.parametrize("kind", [IBM1, HMMAligner])
@pytest.mark.parametrize(("rounds", "step"), [(0, 1.0), (2, 1.5), (30, 10.0)])
def test_long_and_repeated(kind, rounds, step):
    bitext = Bitext.from_pairs([(["a"] * 100, ["x"]), (["a"], ["x"] * 100), (["a"] * 60, ["x"] * 60), (["b"], ["y"])])
    model = Agreement(forward=kind(), reverse=kind(), rounds=rounds, step=step, max_iter=5).fit(bitext)
    assert np.isfinite(model.trace_.objective).all()
    assert np.isfinite(model.params_.flat).all()
    for posterior in model.predict_proba(bitext):
        assert np.isfinite(posterior).all()
        assert posterior.min() >= 0
        assert posterior.max() <= 1 + 1e-9


@pytest.mark.parametrize("settings", [{"max_iter": 1000}, {"step": 400.0}])
def test_posteriors_that_cannot_be_symmetric(settings):
    """Without NULL, two target words have a link each, and their one source word a half of either."""
    ways = {name: HMMAligner(null=Fixed(0.0)) for name in ("forward", "reverse")}
    model = Agreement(**ways, **settings).fit(letters(("a", "xy")))
    assert np.isfinite(model.predict_proba(letters(("a", "xy")))[0]).all()


@pytest.mark.parametrize("settings", [{"rounds": -1}, {"step": 0.0}, {"step": -1.0}, {"reverse": None}])
def test_settings_that_make_no_sense(settings):
    with pytest.raises(InputError):
        Agreement(**settings)


@pytest.fixture(scope="module")
def sample():
    folder = Path(__file__).parent.parent / "corpora/sample_en_fr"
    return Bitext.read(folder / "train.en", folder / "train.fr", lowercase=True)
