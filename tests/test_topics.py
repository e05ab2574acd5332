"""Topic models: exact where they are exact, and LDA's bound against references that know nothing of the package."""

import itertools
import math

import numpy as np
import pytest
from reference import derivative, dot, expect
from scipy.special import digamma as scipy_digamma
from scipy.special import gammaln

from emnlp import Categorical, Dirichlet, Documents, Logistic, load
from emnlp.blocks import Blocks
from emnlp.engines import Serial, Threads
from emnlp.errors import InputError
from emnlp.inference import topics
from emnlp.learners import EM, DirectGradient, HardEM, StepwiseEM
from emnlp.models.lda import LDA
from emnlp.models.plsa import PLSA
from emnlp.models.topics import halves

FACTORS = {
    "categorical": Categorical(),
    "map": Categorical(alpha=1.5),
    "dirichlet": Dirichlet(0.3),
    "logistic": Logistic(kappa=0.1, spread=0.5),
}
PAIRS = list(itertools.product(FACTORS, FACTORS))
SMALL = Documents.from_tokens([list("aabc"), [], list("b"), list("cadd"), list("aaaa")])
MODELS = {
    "PLSA": lambda **settings: PLSA(3, **settings),
    "PLSA-VB": lambda **settings: PLSA(3, topic=Dirichlet(0.4), word=Dirichlet(0.2), **settings),
    "LDA": lambda **settings: LDA(3, **settings),
    "LDA-ML": lambda **settings: LDA(3, alpha=0.5, word=Categorical(alpha=1.1), **settings),
}
models = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())


def story(n_documents=60, n_words=40, n_topics=3, length=50, seed=0):
    """Documents of LDA's story."""
    rng = np.random.default_rng(seed)
    beta = rng.dirichlet(np.full(n_words, 0.1), n_topics)
    rows = [rng.multinomial(length, rng.dirichlet(np.full(n_topics, 0.3)) @ beta) for _ in range(n_documents)]
    return Documents.from_matrix(np.array(rows))


STORY = story()


# The gamma function's relatives


def test_digamma_and_log_gamma_equal_scipy():
    x = np.concatenate([10.0 ** np.linspace(-12, 12, 2000), np.linspace(0.01, 30, 2000)])
    for ours, theirs in ((topics.digamma, scipy_digamma), (topics.log_gamma, gammaln)):
        np.testing.assert_allclose([ours(each) for each in x], theirs(x), rtol=2e-14, atol=2e-14)
    found, usual = np.empty(len(x)), x > 0.006  # below, it underflows
    topics.exp_digamma(x, found)
    np.testing.assert_allclose(found[usual], np.exp(scipy_digamma(x[usual])), rtol=2e-13)
    assert (found > 0).all()
    assert (found[~usual] < 1e-70).all()


# PLSA: exact inference


def enumerated(model, theta, batch):
    """Return log P(x) and the expected counts of a batch of one document, by the definition: `count`."""
    tokens = np.repeat(np.arange(len(batch.words)), batch.times.astype(int))
    logs, counts = [], []
    for chosen in itertools.product(range(model.n_topics), repeat=len(tokens)):
        latent = np.zeros((len(batch.words), model.n_topics))
        np.add.at(latent, (tokens, list(chosen)), 1.0)
        counts.append(theta.zeros())
        model.count(batch, latent, counts[-1])
        logs.append(dot(counts[-1], theta))
    loglik = np.logaddexp.reduce(logs)
    total = theta.zeros()
    for log, each in zip(logs, counts):
        total += math.exp(log - loglik) * each
    return loglik, total


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_plsa_equals_enumeration(pair):
    model = PLSA(2, topic=FACTORS[pair[0]], word=FACTORS[pair[1]], max_iter=2, random_state=3).fit(SMALL)
    theta, batches = model.theta(model.params_), model.index(SMALL, 1)
    counts, loglik = expect(model, theta, batches)
    each = [enumerated(model, theta, batch) for batch in batches]
    assert loglik == pytest.approx(sum(value for value, _ in each), rel=1e-12)
    for name in theta:
        np.testing.assert_allclose(counts[name], sum(found[name] for _, found in each), rtol=1e-10, atol=1e-12)
        for slot in range(0, len(theta[name]), 2):
            slope = derivative(model, theta, batches, name, slot)
            assert counts[name][slot] == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_plsa_climbs(pair):
    model = PLSA(3, topic=FACTORS[pair[0]], word=FACTORS[pair[1]], max_iter=15).fit(STORY)
    assert model.learner.promises(model)
    rises = np.diff(model.trace_.objective)
    assert (rises > -1e-9 * abs(model.trace_[-1])).all()
    assert rises[0] > 1.0


def test_plsa_equals_a_plain_one():
    """EM with dense arrays, as on a blackboard."""
    model = PLSA(3, max_iter=0).fit(STORY)
    n, theta = STORY.within(model.vocabulary_).matrix.toarray(), model.probabilities()
    topic, word = theta["topic"].reshape(-1, 3), theta["word"].reshape(-1, 3).T
    for _ in range(7):
        joint = topic[:, :, None] * word
        responsible = n[:, None] * joint / joint.sum(axis=1, keepdims=True)
        topic = responsible.sum(axis=2) / responsible.sum(axis=(1, 2))[:, None]
        word = responsible.sum(axis=0) / responsible.sum(axis=(0, 2))[:, None]
    model = PLSA(3, max_iter=7).fit(STORY)
    np.testing.assert_allclose(model.proportions_, topic, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.topics_, word, rtol=1e-9, atol=1e-12)
    assert model.trace_[-1] == pytest.approx((n * np.log(topic @ word)).sum(), rel=1e-12)


def test_folding_in_leads_to_the_best_proportions():
    model = PLSA(3, max_iter=30, fold_iter=3000).fit(STORY)
    n, word = STORY.within(model.vocabulary_).matrix.toarray()[:5], model.topics_
    topic = model.transform(STORY.select(range(5)))
    slopes = (n / (topic @ word)) @ word.T  # of the log-likelihood: the number of tokens where a proportion is not 0
    np.testing.assert_allclose((topic * slopes), topic * n.sum(axis=1, keepdims=True), atol=1e-6)
    assert (slopes <= n.sum(axis=1, keepdims=True) + 1e-2).all()
    one = model.transform(STORY.select([3]))
    np.testing.assert_array_equal(one[0], topic[3])  # whatever is beside it
    assert model.perplexity(STORY.select(range(5))) == pytest.approx(
        np.exp(-(n * np.log(topic @ word)).sum() / n.sum()), rel=1e-12
    )


def test_plsa_learns_by_other_learners():
    hard = PLSA(3, learner=HardEM(), max_iter=20).fit(STORY)
    assert hard.trace_[-1] > hard.trace_[0]
    word = PLSA(3, topic=FACTORS["logistic"], word=FACTORS["logistic"], learner=DirectGradient(), max_iter=20).fit(
        STORY
    )
    assert (np.diff(word.trace_.objective) >= 0).all()
    with pytest.raises(InputError, match=r"use EM\(\)"):
        LDA(3, word=FACTORS["logistic"], learner=DirectGradient()).fit(STORY)


# LDA: mean field


def plain_lda(documents, lam, alpha, eta, n_passes, n_steps, warm):
    """Return the bounds and the last lambda, (K, V), of mean-field LDA, with every term of the bound written out."""
    n_topics, gammas, bounds = len(lam), {}, []
    for done in range(n_passes + 1):
        log_beta = scipy_digamma(lam) - scipy_digamma(lam.sum(axis=1, keepdims=True))
        counts, bound = np.zeros(lam.shape), 0.0
        for d, document in enumerate(documents):
            gamma = gammas[d] if warm and d in gammas else np.ones(n_topics)
            for _ in range(n_steps):
                before, phi = gamma, {}
                log_theta = scipy_digamma(gamma) - scipy_digamma(gamma.sum())
                for w in document:
                    joint = np.exp(log_theta + log_beta[:, w])
                    phi[w] = joint / joint.sum()
                gamma = alpha + sum((n * phi[w] for w, n in document.items()), np.zeros(n_topics))
            gammas[d] = gamma
            for w, n in document.items():
                counts[:, w] += n * phi[w]
                bound += n * (phi[w] * (log_theta + log_beta[:, w] - np.log(phi[w]))).sum()
            bound += gammaln(n_topics * alpha) - n_topics * gammaln(alpha) + ((alpha - 1) * log_theta).sum()
            bound -= gammaln(before.sum()) - gammaln(before).sum() + ((before - 1) * log_theta).sum()
        for row, log_row in zip(lam, log_beta):
            bound += gammaln(len(row) * eta) - len(row) * gammaln(eta) + ((eta - 1) * log_row).sum()
            bound -= gammaln(row.sum()) - gammaln(row).sum() + ((row - 1) * log_row).sum()
        bounds.append(bound)
        if done < n_passes:
            lam = eta + counts
    return bounds, lam


@pytest.mark.parametrize("n_steps", [1, 7])
@pytest.mark.parametrize("fresh", [0, 99])
def test_lda_equals_a_plain_one(n_steps, fresh):
    settings = {"alpha": 0.2, "word": Dirichlet(0.05), "fresh": fresh, "inner_iter": n_steps, "inner_tol": 0.0}
    start = LDA(3, max_iter=0, **settings).fit(STORY)
    model = LDA(3, max_iter=6, **settings).fit(STORY)
    known = STORY.within(model.vocabulary_)
    documents = [dict(zip(known.ids[a:b].tolist(), known.counts[a:b])) for a, b in itertools.pairwise(known.starts)]
    lam = start.params_["word"].reshape(-1, 3).T
    bounds, lam = plain_lda(documents, lam, 0.2, 0.05, 6, n_steps, not fresh)
    np.testing.assert_allclose(model.trace_, bounds, rtol=1e-10)
    np.testing.assert_allclose(model.params_["word"].reshape(-1, 3).T, lam, rtol=1e-8)
    np.testing.assert_allclose(model.topics_, lam / lam.sum(axis=1, keepdims=True), rtol=1e-8)


def test_lda_is_plsa_with_dirichlet_factors():
    """The same coordinate ascent: LDA's bound is PLSA's objective at the same gamma and lambda, pass after pass."""
    word = Dirichlet(0.1)
    plsa = PLSA(3, topic=Dirichlet(0.2), word=word, max_iter=12).fit(STORY)
    lda = LDA(3, alpha=0.2, word=word, fresh=0, inner_iter=1, max_iter=12).fit(STORY)
    np.testing.assert_allclose(lda.trace_[1:], plsa.trace_[1:], rtol=1e-12)
    np.testing.assert_allclose(lda.params_["word"], plsa.params_["word"], rtol=1e-9)
    (batch,) = lda.index(STORY)
    batch.local.update(gammas=plsa.params_["topic"].reshape(-1, 3), passes=1)
    bound = lda.likelihood(batch, lda.prepare(lda.theta(plsa.params_))) + lda.penalty(plsa.params_)
    assert bound == pytest.approx(plsa.trace_[-1], rel=1e-9)


def test_lda_equals_scikit_learn():
    from sklearn.decomposition import LatentDirichletAllocation

    documents = story(200, 60, 4, 80, seed=5)
    settings = {"alpha": 0.5, "word": Dirichlet(0.3), "inner_iter": 2000, "inner_tol": 1e-9, "fresh": 99}
    start = LDA(4, max_iter=15, word=Dirichlet(0.3)).fit(documents)  # near equal topics, gamma hardly settles
    first = start.params_["word"].reshape(-1, 4).T
    model = LDA(4, max_iter=5, **settings).fit(documents, start=start)

    class Started(LatentDirichletAllocation):
        def _init_latent_vars(self, *args, **kwargs):
            super()._init_latent_vars(*args, **kwargs)
            self.components_ = first.copy()
            log_beta = scipy_digamma(first) - scipy_digamma(first.sum(axis=1, keepdims=True))
            self.exp_dirichlet_component_ = np.exp(log_beta)

    matrix = documents.within(model.vocabulary_).matrix
    peer = Started(4, doc_topic_prior=0.5, topic_word_prior=0.3, max_iter=5, mean_change_tol=1e-9, random_state=0)
    peer.set_params(max_doc_update_iter=2000).fit(matrix)
    np.testing.assert_allclose(model.params_["word"].reshape(-1, 4).T, peer.components_, rtol=1e-5)
    bound = -np.log(peer.perplexity(matrix)) * matrix.sum()
    assert model.trace_[-1] == pytest.approx(bound, rel=1e-9)
    assert model.evidence_bound(documents) == pytest.approx(bound, rel=1e-9)
    np.testing.assert_allclose(model.transform(documents), peer.transform(matrix), atol=1e-6)


@pytest.mark.parametrize("inner_iter", [1, 3, 100])
def test_a_warm_bound_never_falls(inner_iter):
    for word in (Dirichlet(0.1), Categorical(), Categorical(alpha=1.2), FACTORS["logistic"]):
        model = LDA(3, word=word, fresh=0, inner_iter=inner_iter, max_iter=25).fit(STORY)
        assert model.learner.promises(model)
        assert (np.diff(model.trace_.objective) > -1e-9 * abs(model.trace_[-1])).all()
    assert not LDA(3).learner.promises(LDA(3).fit(STORY))


def test_lda_counts_are_the_derivative_of_the_bound():
    """Where gamma has settled."""
    model = LDA(2, alpha=0.7, inner_iter=5000, inner_tol=1e-13, max_iter=2).fit(SMALL)
    theta, batches = model.theta(model.params_), model.index(SMALL)
    counts, _ = expect(model, theta, batches)
    for slot in range(len(theta["word"])):
        assert counts["word"][slot] == pytest.approx(
            derivative(model, theta, batches, "word", slot), rel=1e-5, abs=1e-6
        )


def test_lda_online():
    documents = story(1500, 60, 4, 60, seed=2)
    batch = LDA(4, max_iter=40).fit(documents)
    learner = StepwiseEM(power=0.7, offset=8, batch_size=50)
    online = LDA(4, learner=learner, max_iter=4).fit(documents)
    assert len(online.index(documents, learner.batch_size)) == 30
    assert online.evidence_bound(documents) > batch.trace_[4]  # four passes of either
    assert online.evidence_bound(documents) > batch.trace_[-1] - 0.03 * abs(batch.trace_[-1])


def test_restarts_begin_anew():
    one = LDA(3, random_state=4, max_iter=5, fresh=1).fit(STORY)
    many = LDA(3, random_state=3, n_init=2, max_iter=5, fresh=1).fit(STORY)
    assert many.trace_.restarts[4] == one.trace_[-1]


# What both share


@models
def test_tokens_have_the_topics_that_the_counts_say(make):
    model = make(max_iter=3).fit(STORY)
    theta = model.theta(model.params_)
    potentials = model.prepare(theta)
    (batch,) = model.index(STORY)
    posterior = np.concatenate(list(model.posterior(batch, potentials)))
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)
    soft, counts = theta.zeros(), potentials.zeros()
    model.count(batch, posterior * batch.times[:, None], soft)
    model.expect(batch, potentials, counts)
    close = 1e-9 if "topic" in theta else 1e-2  # LDA's gamma is settled up to `inner_tol`
    for name, each in model.collect(counts).items():
        np.testing.assert_allclose(soft[name], each, rtol=close, atol=close)
    best = model.decode(batch, potentials)
    np.testing.assert_array_equal(best.sum(axis=1), batch.times)
    np.testing.assert_array_equal(best.argmax(axis=1), posterior.argmax(axis=1))


@models
def test_the_same_bits_on_any_engine_and_after_loading(make, tmp_path):
    documents = story(300)
    model = make(max_iter=4).fit(documents)
    assert make(max_iter=4, n_jobs=3).fit(documents).trace_.objective == model.trace_.objective
    theta = model.theta(model.params_)
    one, value = Serial().expect(model, theta, model.index(documents, 7))
    other, same = Threads(3).expect(model, theta, model.index(documents, 7))
    assert value == same
    assert all(np.array_equal(one[name], other[name]) for name in one)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == model
    np.testing.assert_array_equal(again.transform(documents), model.transform(documents))
    assert again.perplexity(documents) == model.perplexity(documents)
    assert again.top_words(3) == model.top_words(3)


@models
def test_damage_is_found(make, tmp_path):
    model = make(max_iter=1).fit(STORY)
    model.n_topics = 4
    model.save(tmp_path / "model")
    with pytest.raises(InputError, match="damaged"):
        load(tmp_path / "model")


@models
def test_new_documents(make):
    model = make(max_iter=20).fit([list("aabb"), list("ab"), list("ccdd"), list("cd"), [], list("ccd")])
    found = model.transform([list("ab"), ["zebra"], [], ["c", "d", "zebra"]])
    np.testing.assert_allclose(found[1:3], 1 / 3)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert model.unseen_tokens([["zebra", "a"], ["zebra"]]) == 2.0
    assert model.predict([list("ab"), list("cd")]).tolist() == found[[0, 3]].argmax(axis=1).tolist()
    assert model.transform([]).shape == (0, 3)
    np.testing.assert_allclose(model.topics_.sum(axis=1), 1.0)
    for call in (model.perplexity, model.completion_perplexity):
        with pytest.raises(InputError, match="no word of it is known"):
            call([["zebra"]])
    with pytest.raises(InputError, match="no word of it is known"):
        model.score([])


@models
def test_completion_tells_the_other_half(make):
    train, test = story(400, seed=0), story(460, seed=0).select(range(400, 460))
    model = make(max_iter=40).fit(train)
    seen, rest = halves(test.within(model.vocabulary_))
    assert (seen.lengths + rest.lengths == test.within(model.vocabulary_).lengths).all()
    assert (np.abs(seen.lengths - rest.lengths) <= 1).all()
    told = np.log(model.transform(seen) @ model.topics_)[rest.rows, rest.ids] @ rest.counts
    assert model.completion_perplexity(test) == pytest.approx(np.exp(-told / rest.counts.sum()), rel=1e-9)
    unigram = model.frequencies_ / model.frequencies_.sum()
    assert model.completion_perplexity(test) < 0.8 * np.exp(
        -(np.log(unigram[rest.ids]) @ rest.counts) / rest.counts.sum()
    )


@models
def test_a_weight_is_so_many_documents(make):
    """For tables by maximum likelihood, and for LDA; the rows of a Dirichlet factor are pseudo-counted once."""
    few = STORY.select(range(20))
    twice = Documents.from_matrix(np.repeat(few.matrix.toarray(), 2, axis=0), few.vocabulary.words)
    a, b = make(max_iter=3).fit(few.weighted(np.full(20, 2.0))), make(max_iter=3).fit(twice)
    if "topic" not in a.factors_:
        assert a.trace_[-1] == pytest.approx(b.trace_[-1], rel=1e-9)
        np.testing.assert_allclose(a.topics_, b.topics_, rtol=1e-6)
    elif isinstance(a.topic, Categorical):
        np.testing.assert_allclose(a.topics_, b.topics_, rtol=1e-6)


def test_a_sample_is_of_the_model():
    model = LDA(3).fit(STORY)
    drawn = model.sample(2000, 30, seed=1)
    assert drawn.lengths.tolist() == [30.0] * 2000
    assert model.sample(5, 30, seed=1)[4] == model.sample(5, 30, seed=1)[4]
    shares = drawn.matrix.toarray().sum(axis=0) / 60000
    np.testing.assert_allclose(shares, model.topics_.mean(axis=0), atol=0.01)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: LDA(0), "number of topics"),
        (lambda: PLSA(2.5), "number of topics"),
        (lambda: LDA(2, alpha=0.0), "alpha is"),
        (lambda: LDA(2, alpha=math.nan), "alpha is"),
        (lambda: LDA(2, inner_iter=0), "1 step"),
        (lambda: LDA(2, inner_tol=math.nan), "1 step"),
        (lambda: PLSA(2, fold_iter=0), "1 step"),
        (lambda: LDA(2).fit([[], []]), "no word"),
        (lambda: LDA(2).transform([["a"]]), "not fitted"),
        (lambda: PLSA(2, word=0.1), "expected a Factor"),
    ],
)
def test_wrong_settings_are_named(make, problem):
    with pytest.raises(InputError, match=problem):
        make()


def test_a_fit_goes_on_where_another_ended():
    first = LDA(3, max_iter=4).fit(STORY)
    on = LDA(3, max_iter=0, learner=EM()).fit(STORY, start=first)
    np.testing.assert_array_equal(on.params_["word"], first.params_["word"])
    plsa = PLSA(3, word=Dirichlet(0.1), max_iter=0).fit(STORY, start=first)
    np.testing.assert_array_equal(plsa.params_["word"], first.params_["word"])
    assert isinstance(plsa.params_, Blocks)
