"""The diagonal factor, and Model 2 with it: what fast_align is."""

import numpy as np
import pytest
from zoo import EXAMPLE

from emnlp import IBM1, IBM2, Aligner, Bitext, Categorical, Diagonal, Dirichlet, Fixed, HMMAligner, InputError, load
from emnlp.models.positions import Positions
from emnlp.models.recipes import RECIPES, recipe, train
from emnlp.support import Support

SHAPES = np.array([[1, 1], [1, 3], [2, 5], [4, 4], [7, 3], [40, 31]])
LONGER = Bitext.from_pairs(
    [
        (["b", "a", "c", "b", "a"], ["z", "y", "z", "x"]),  # lengths that EXAMPLE has not
        (["a", "b", "a"], ["x", "y"]),  # lengths that it has
        (["d", "d", "d", "d", "d"], ["w", "w", "w", "w"]),  # and words that it has not
    ]
)


def bound(**settings):
    return Diagonal(**settings).bind(Positions.by_shape(SHAPES, with_null=False).support())


def model(**settings):
    return IBM2(**{"lexical": Dirichlet(0.01), "position": Diagonal(), "null": Fixed(0.08)} | settings)


def by_the_paper(tension, n_source, n_target):
    """P(i | j, I, J), (I, J), one cell at a time."""
    table = np.empty((n_source, n_target))
    for i in range(1, n_source + 1):
        for j in range(1, n_target + 1):
            table[i - 1, j - 1] = np.exp(-tension * abs(i / n_source - j / n_target))
    return table / table.sum(0)


def objective(factor, counts, tension):
    return counts @ np.log(factor.theta(np.array([tension])))


def random_counts(factor, seed=0, tension=3.0):
    """Counts such as sentences have whose tension is this, and a row that none has."""
    rng = np.random.default_rng(seed)
    counts = rng.gamma(5 * factor.theta(np.array([tension])))
    counts[factor.support.row(2)] = 0
    return counts


@pytest.mark.parametrize("tension", [0.1, 4.0, 14.0])
def test_theta_is_the_papers(tension):
    positions = Positions.by_shape(SHAPES, with_null=False)
    factor = Diagonal().bind(positions.support())
    theta = factor.theta(np.array([tension]))
    np.testing.assert_allclose(factor.support.sum(theta), 1, rtol=1e-13)
    start = 0
    for n_source, n_target in SHAPES:
        table = theta[start : start + n_source * n_target].reshape(n_source, n_target)
        np.testing.assert_allclose(table, by_the_paper(tension, n_source, n_target), rtol=1e-12)
        start += n_source * n_target


def test_the_gradient_is_the_difference_quotient():
    factor = bound()
    for seed, tension in enumerate([0.2, 1.0, 4.0, 12.0]):
        counts, h = random_counts(factor, seed), 1e-5
        slope = (objective(factor, counts, tension + h) - objective(factor, counts, tension - h)) / (2 * h)
        assert factor.slope(counts, np.array([tension])) == pytest.approx([slope], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("true", [0.0, 0.3, 3.0, 10.0, 30.0])
@pytest.mark.parametrize("first", [0.1, 4.0, 14.0])
def test_the_m_step_is_the_best_of_a_scan(true, first):
    factor = bound()
    for seed in range(3):
        counts = random_counts(factor, seed, true)
        (best,) = factor.maximize(counts, np.array([first]))
        scan = np.linspace(*factor.bounds, 1391)
        values = [objective(factor, counts, tension) for tension in scan]
        assert objective(factor, counts, best) >= max(values) - 1e-9 * abs(max(values))
        assert best == pytest.approx(scan[np.argmax(values)], abs=0.011)


@pytest.mark.parametrize("bounds", [(0.1, 2.0), (5.0, 14.0), (3.0, 3.0)])
def test_the_m_step_on_a_bound(bounds):
    factor = bound(tension=bounds[0], bounds=bounds)
    found = factor.maximize(random_counts(factor), factor.start())
    assert found == [2.0 if bounds[1] == 2 else bounds[0]]
    assert factor.accepts(found)


def test_the_m_step_without_anything_to_learn_from():
    factor = bound()
    assert factor.maximize(np.zeros(len(factor.support)), np.array([2.0])) == [2.0]
    lonely = Diagonal().bind(Positions.by_shape(np.array([[1, 3]]), with_null=False).support())
    assert lonely.maximize(np.ones(3), np.array([2.0])) == [2.0]  # one source word: any tension is as good


def test_the_tension_of_a_text_that_was_made_with_one():
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(400):
        n_source, n_target = rng.integers(5, 12, 2)
        source = rng.permutation(100)[:n_source]
        places = [rng.choice(n_source, p=by_the_paper(6.0, n_source, n_target)[:, j]) for j in range(n_target)]
        pairs.append(([f"s{k}" for k in source], [f"t{source[i]}" for i in places]))
    fitted = model(null=Fixed(0.01), max_iter=15).fit(pairs)
    assert fitted.params_["position"] == pytest.approx([6.0], rel=0.1)


def test_lagged_distances():
    """The M-step makes theta expect the distance that is counted, from the diagonal of the word before."""
    positions = Positions.by_shape(SHAPES, with_null=False)
    factor, plain = (Diagonal(lagged=lagged).bind(positions.support()) for lagged in (True, False))
    lagged = [abs(i / n - j / m) for n, m in SHAPES for i in range(1, n + 1) for j in range(m)]
    counts = random_counts(factor)
    params = factor.maximize(counts, factor.start())
    expected = factor.support.spread(factor.support.sum(counts)) * factor.theta(params)
    assert expected @ positions.distances() == pytest.approx(counts @ lagged, rel=1e-9)
    assert params[0] < plain.maximize(counts, plain.start())[0]
    fitted = model(position=Diagonal(lagged=True)).fit(EXAMPLE)
    assert not fitted.learner.promises(fitted)


def test_a_tension_that_is_not_learned():
    fitted = model(position=Diagonal(5.0, bounds=(5, 5))).fit(EXAMPLE)
    assert fitted.params_["position"] == [5.0]


def weights(fitted, blocks, source, target):
    """P(component, target word), (I + 1, J), by the paper's prior and `blocks` of the other factors."""
    prior, lexicon, (tension,) = blocks["null"], fitted.lexicon, fitted.params_["position"]
    table = np.vstack([np.full(len(target), prior[1]), prior[0] * by_the_paper(tension, len(source), len(target))])
    for i, word in enumerate([None, *source]):
        condition = 0 if word is None else 1 + fitted.source_vocabulary_.id(word)
        for j, outcome in enumerate(target):
            slot = lexicon.support.slot(condition, fitted.target_vocabulary_.id(outcome))
            table[i, j] *= blocks["lexical"][slot] if slot >= 0 else 0
    return table


@pytest.mark.parametrize("null", [Fixed(0.08), Categorical(), Dirichlet(2.0)])
def test_lengths_unseen_in_training_have_the_diagonal_prior(null):
    fitted = model(null=null, max_iter=2).fit(EXAMPLE)
    table = weights(fitted, fitted.theta(fitted.params_), "bacba", "zyzx")
    np.testing.assert_allclose(fitted.predict_proba(LONGER)[0], table / table.sum(0), rtol=1e-9, atol=1e-12)
    table = weights(fitted, fitted.probabilities(), "bacba", "zyzx")
    assert fitted.score(LONGER[:1]) == pytest.approx(np.log(table.sum(0)).sum(), rel=1e-9)
    assert fitted.score(LONGER) == pytest.approx(np.mean([fitted.score(LONGER[k : k + 1]) for k in range(3)]))


def test_lengths_unseen_in_training_beside_others():
    """A text's own tables say of lengths seen in training what the tables of training say."""
    fitted = model().fit(EXAMPLE)
    alone, among = fitted.predict_proba(LONGER[1:2])[0], fitted.predict_proba(LONGER)[1]
    np.testing.assert_array_equal(among, alone)
    assert fitted.predict(LONGER)[1] == fitted.predict(LONGER[1:2])[0]


def test_a_table_has_a_uniform_prior_for_lengths_unseen_in_training():
    fitted = IBM2(null=Fixed(0.08)).fit(EXAMPLE)
    assert fitted.places(LONGER.pairs)[1].tolist() == [0, 1, 0]
    assert fitted.places(LONGER.pairs)[2] is None


def test_after_loading_the_same_links(tmp_path):
    aligner = Aligner(forward=model(), reverse=model(position=Diagonal(2.0, bounds=(1, 9)))).fit(EXAMPLE)
    aligner.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == aligner
    for bitext in (EXAMPLE, LONGER):
        assert again.predict(bitext) == aligner.predict(bitext)
        assert again.score(bitext) == aligner.score(bitext)
        assert aligner.only("reverse").predict(bitext) == again.only("reverse").predict(bitext)


def test_the_tension_goes_on_where_another_text_ended():
    fitted = model().fit(EXAMPLE)
    again = model(max_iter=0).fit(LONGER, start=fitted)
    assert again.params_["position"] == fitted.params_["position"]
    clipped = model(max_iter=0, position=Diagonal(1.0, bounds=(0.5, 1.5))).fit(LONGER, start=model().fit(LONGER))
    assert 0.5 <= clipped.params_["position"][0] <= 1.5


@pytest.mark.parametrize("kind", [IBM1, IBM2, HMMAligner])
def test_where_there_is_no_diagonal(kind):
    slot = "jump" if kind is HMMAligner else "position"
    with pytest.raises(InputError, match="null=Fixed"):
        kind(**{slot: Diagonal()}).fit(EXAMPLE)


@pytest.mark.parametrize(
    "settings",
    [{"tension": 20.0}, {"tension": float("nan")}, {"bounds": (5, 1)}, {"bounds": (1,)}, {"bounds": (-1, 9)}],
)
def test_settings_that_make_no_sense(settings):
    with pytest.raises(InputError, match="Diagonal"):
        Diagonal(**settings)


def test_features_of_a_support():
    support = Support.dense(2, 2).having(one=lambda: np.arange(4)).having(two=lambda: np.ones(3))
    assert support.feature("one").tolist() == support.transpose().feature("one").tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match="'three' here; this support has one, two"):
        support.feature("three")
    with pytest.raises(InputError, match="each of 4 slots"):
        support.feature("two")


def test_the_recipe():
    (aligner,) = recipe("fast-align")
    assert "fast-align" in RECIPES
    assert aligner.forward == model(position=Diagonal(lagged=True))
    assert recipe("fast-align", 0.5)[0].reverse.lexical == Dirichlet(0.5)
    assert recipe("fast-align", directions=("reverse",))[0].forward is None
    assert len(train(EXAMPLE, [aligner]).predict(LONGER)) == 3
