"""Direct gradient ascent against differences, SciPy, dense formulas, and EM."""

from copy import copy
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import expect
from scipy.optimize import minimize
from zoo import EXAMPLE, EXAMPLES, ROWS

from emnlp import (
    EM,
    HMM,
    IBM1,
    IBM2,
    Aligner,
    Bitext,
    Categorical,
    DirectGradient,
    Fixed,
    HMMAligner,
    InputError,
    Logistic,
    Text,
    Uniform,
    load,
)
from emnlp.ascent import EXACT, RISE, SLOPE, Memory, Point, line_search
from emnlp.blocks import Blocks
from emnlp.engines import Serial
from emnlp.factors.linear import Crossed, Tied
from emnlp.features import Constant, SameSpelling, Slot, Suffixes, Word

MANY = settings(max_examples=60, deadline=None)
BOTH = pytest.mark.parametrize("direction", ["lbfgs", "cg"])
TEXT = Text.from_tokens([list(each) for each in ["abcab", "", "b", "cabba", "aab", "bbbc", "ca", "abcab"]])
PAIRS = Bitext.from_pairs([*EXAMPLE, (["ab", "b"], ["ab", "x"])])


def tables(kappa=0.1, **more):
    return Logistic(kappa=kappa, spread=0.5, **more)


def spelt(**more):
    terms = (Word(), Suffixes(1), Tied(Word()), Crossed(Constant(), Suffixes(2)))
    return Logistic(terms, (0.1, 0.5, 1.0, 2.0), spread=0.5, **more)


def hmm(emission=None, **more):
    return HMM(3, initial=tables(), transition=tables(), emission=emission or spelt(), **more)


ALIKE = Logistic((SameSpelling(), Slot(), Tied(Word())), 0.3, spread=0.5)
MODELS = {
    "hmm": (hmm, TEXT),
    "hmm-no-end": (lambda **more: hmm(tables(), ends=False, **more), TEXT),
    "hmm-tagged": (lambda **more: HMM(2, initial=tables(), transition=Uniform(), emission=spelt(), init="random",
                                      **more), EXAMPLES["tagged"]),
    "ibm1": (lambda **more: IBM1(lexical=ALIKE, **more), PAIRS),
    "ibm1-null": (lambda **more: IBM1(lexical=tables(), null=tables(), **more), PAIRS),
    "ibm2": (lambda **more: IBM2(lexical=ALIKE, position=tables(), null=Fixed(0.1), **more), PAIRS),
    "hmm-aligner": (lambda **more: HMMAligner(lexical=ALIKE, jump=tables(), null=tables(), beam=0.0, **more), PAIRS),
    "both": (lambda **more: Aligner(forward=IBM1(lexical=ALIKE), reverse=IBM2(lexical=tables(), position=tables()),
                                    **more), PAIRS),
}  # fmt: skip
models = pytest.mark.parametrize(("make", "corpus"), MODELS.values(), ids=MODELS)


def started(make, corpus, seed=1, **more):
    return make(random_state=seed, max_iter=0, **more).fit(corpus)


def evaluator(model, corpus):
    """The penalised log-likelihood and its gradient, of parameters as one vector."""
    batches, params = model.index(corpus), model.params_

    def evaluate(x):
        at = params.like(x)
        theta = model.theta(at)
        counts, loglik = expect(model, theta, batches)
        return loglik + model.penalty(at), model.gradient(counts, at, theta).flat

    return evaluate


@models
def test_the_gradient_of_the_penalised_log_likelihood(make, corpus):
    for seed, pressed in ((1, False), (2, True)):
        model = started(make, corpus, seed)
        if pressed:  # a round of what takes off, in every logistic factor
            heavy = {name: copy(each) for name, each in model.factors_.items()}
            for each in heavy.values():
                if isinstance(each, Logistic):
                    object.__setattr__(each, "entropy", 0.7)
            model._hold(heavy)
            model.refresh(expect(model, model.theta(model.params_), model.index(corpus))[0], model.params_)
            assert model.regulariser(model.params_) > 0
        evaluate, x = evaluator(model, corpus), model.params_.flat
        gradient, step = evaluate(x)[1], 1e-4
        for k in range(0, len(x), 1 + len(x) // 40):
            e = np.zeros(len(x))
            e[k] = step
            near, far = ((evaluate(x + n * e)[0] - evaluate(x - n * e)[0]) / (2 * n * step) for n in (1, 2))
            slope = (4 * near - far) / 3  # Richardson
            assert gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-6 * np.abs(gradient).max()), k


# The learner on plain functions


class Plain:
    """A function to climb, as a model: its gradient is what the E-step counts, and theta the parameters."""

    counts_climb = True
    factors_: ClassVar = {}

    def __init__(self, function):
        self.function, self.calls = function, 0

    def theta(self, params):
        return params

    def penalty(self, params):
        return 0.0

    def gradient(self, counts, params, theta):
        return counts

    def expect(self, model, theta, batches):
        self.calls += 1
        value, gradient = self.function(theta["x"])
        return Blocks({"x": gradient}), value


def climb(function, x, learner=None, most=2000):
    """Climb to the end; return the last step, the values, and how often the function was called."""
    plain, values = Plain(function), []
    for step in (learner or DirectGradient()).iterate(plain, Blocks({"x": x}), [], plain):
        values.append(step.objective)
        if step.ended or len(values) > most:
            return step, values, plain.calls
    raise AssertionError("a learner goes on")


def quadratic(seed=0, n=30, scale=1.0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    a, top = scale * (q * np.geomspace(1, 1e3, n)) @ q.T, rng.standard_normal(n)
    return lambda x: (-10 - 0.5 * (x - top) @ a @ (x - top), -a @ (x - top))


def log_loss(seed=1, n=20):
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((200, n)) * (rng.random(200) < 0.5)[:, None]

    def value(x):
        z = data @ x + 0.3
        return -np.logaddexp(0, z).sum() - 0.5 * x @ x, -data.T @ (1 / (1 + np.exp(-z))) - x

    return value


def valley(x):
    """Rosenbrock's function, upside down."""
    a, b = x[:-1], x[1:]
    gradient = np.zeros(len(x))
    gradient[:-1] += 400 * a * (b - a**2) + 2 * (1 - a)
    gradient[1:] -= 200 * (b - a**2)
    return -(100 * (b - a**2) ** 2 + (1 - a) ** 2).sum(), gradient


FUNCTIONS = {"quadratic": (quadratic(), 30), "log-loss": (log_loss(), 20), "valley": (valley, 8)}


@pytest.mark.parametrize(("function", "n"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_it_finds_what_scipy_finds_with_about_as_many_calls(function, n):
    start = np.random.default_rng(3).standard_normal(n)
    options = {"maxiter": 5000, "maxcor": 6, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(
        lambda x: tuple(-each for each in function(x)), start, jac=True, method="L-BFGS-B", options=options
    )
    one, values, calls = climb(function, start)
    assert one.ended.startswith("converged")
    assert one.objective == pytest.approx(-found.fun, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(one.params["x"], found.x, rtol=1e-4, atol=1e-4)
    enough = next(k for k, value in enumerate(values) if value >= -found.fun - 1e-7 * max(1, abs(found.fun)))
    assert climb(function, start, most=enough)[2] <= 1.3 * found.nfev + 10
    assert calls <= 2 * found.nfev + 60  # the rest is for the last digits
    peer = minimize(lambda x: tuple(-each for each in function(x)), start, jac=True, method="CG")
    other, values, calls = climb(function, start, DirectGradient("cg"))
    assert other.objective == pytest.approx(one.objective, rel=1e-9, abs=1e-9)
    assert calls <= 2 * peer.nfev + 60 or peer.fun > -one.objective + 1
    assert (np.diff(values) >= 0).all()


@BOTH
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12, 1e30])
def test_functions_of_any_scale(direction, scale):
    """Steps and changes are kept in float32, of which they must not leave the range."""
    step, values, _ = climb(quadratic(n=4, scale=scale), np.ones(4), DirectGradient(direction), most=1000)
    assert np.isfinite(step.params["x"]).all()
    assert (np.diff(values) >= 0).all()
    if 1e-10 < scale < 1e10:
        assert step.ended.startswith("converged")
        assert step.objective == pytest.approx(-10, abs=1e-8)


@BOTH
def test_a_function_that_is_not_finite_everywhere(direction):
    def barrier(x):
        with np.errstate(all="ignore"):
            return np.log(1 - x).sum() + 3 * x.sum(), 3 - 1 / (1 - x)

    step, values, _ = climb(barrier, np.full(3, -5.0), DirectGradient(direction))
    np.testing.assert_allclose(step.params["x"], 2 / 3, rtol=1e-5)
    assert np.isfinite(values).all()


# Its parts


@MANY
@given(st.integers(0, 9999), st.floats(-6, 6), st.booleans())
def test_a_line_search_ends_where_the_wolfe_conditions_hold(seed, size, exact):
    """On functions that are bounded above, from a first length of any size."""
    rng = np.random.default_rng(seed)
    waves, n = rng.standard_normal((4, 3)), 3

    def value(x):
        z = waves @ x
        return Point(x, np.sin(z).sum() - 0.05 * x @ x, waves.T @ np.cos(z) - 0.1 * x)

    point = value(rng.standard_normal(n))
    direction = point.gradient + 0.1 * rng.standard_normal(n)
    slope = point.gradient @ direction
    found = line_search(value, point, direction, 10**size, exact)
    if slope <= 0:
        assert found is None
        return
    along = (found.x - point.x) @ direction / (direction @ direction)
    np.testing.assert_allclose(found.x, point.x + along * direction, atol=1e-12)
    assert along > 0
    assert found.value >= point.value + RISE * along * slope - 1e-12
    assert (-EXACT * slope if exact else -np.inf) <= found.gradient @ direction <= (EXACT if exact else SLOPE) * slope


def test_a_line_search_that_has_no_end_or_no_way_up():
    def endless(x):
        return Point(x, float(x[0]), np.ones(1))

    start = endless(np.zeros(1))
    assert line_search(endless, start, np.ones(1), 1.0).value > 1e6
    assert line_search(endless, start, -np.ones(1), 1.0) is None
    assert line_search(endless, start, np.array([np.nan]), 1.0) is None
    wrong = Point(start.x, 0.0, -np.ones(1))  # a gradient that points down
    assert line_search(endless, wrong, -np.ones(1), 1.0) is None
    nowhere = Point(start.x, 5.0, np.ones(1))
    assert line_search(lambda x: Point(x, np.nan, np.ones(1)), nowhere, np.ones(1), 1.0) is None


def single(x):
    """Numbers that float32 has exactly."""
    return np.asarray(x, np.float32).astype(np.float64)


def walked(rng, n, steps, size):
    """A memory after steps on a random quadratic, with the steps and changes that it should hold, all of them."""
    a = rng.standard_normal((n, n))
    a = a @ a.T + 0.1 * np.eye(n)
    memory, pairs = Memory(), []
    x = single(rng.standard_normal(n))
    for _ in range(steps):
        new = single(x + rng.standard_normal(n))
        memory = memory.then(Point(x, 0.0, -a @ x), Point(new, 0.0, -a @ new), size)
        pairs.append((new - x, a @ (new - x)))
        x = new
    return memory, pairs


@MANY
@given(st.integers(0, 9999), st.integers(1, 12), st.integers(1, 8))
def test_directions_equal_those_of_dense_updates(seed, steps, size):
    rng = np.random.default_rng(seed)
    memory, pairs = walked(rng, 6, steps, size)
    gradient = rng.standard_normal(6)
    used = pairs[-size:]
    s, y = used[-1]
    inverse = np.eye(6) * (s @ y) / (y @ y)
    for s, y in used:
        left = np.eye(6) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    expected, found = inverse @ gradient, memory.lbfgs(gradient)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert found @ gradient > 0
    s, y = pairs[-1]  # Hager and Zhang (2005), equation 1.3, of the function upside down
    beta = (y - 2 * s * (y @ y) / (s @ y)) @ -gradient / (s @ y)
    expected = gradient + beta * s
    np.testing.assert_allclose(memory.conjugate(gradient), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert memory.conjugate(gradient) @ gradient >= 7 / 8 * (gradient @ gradient) * (1 - 1e-3)
    assert Memory().conjugate(gradient) is gradient
    np.testing.assert_allclose(Memory().lbfgs(gradient), gradient, rtol=1e-6)


def test_a_memory_leaves_out_what_curves_upwards():
    memory = walked(np.random.default_rng(0), 4, 3, 5)[0]
    x = np.ones(4)
    for gradient in (2 * x, x * 0, x * 1e-30, x * 1e30, x * np.nan, x * np.inf):  # at x it is 0
        here, there = Point(0 * x, 0.0, 0 * x), Point(x, 0.0, gradient)
        with np.errstate(all="ignore"):
            assert memory.then(here, there, 5) is memory
    there = Point(x, 0.0, -x)
    assert len(memory.then(Point(0 * x, 0.0, 0 * x), there, 5).steps) == 4
    assert len(memory.then(Point(0 * x, 0.0, 0 * x), there, 2).steps) == 2


# On models


def test_a_tagger_ends_where_scipy_ends():
    model = started(lambda **more: hmm(init="random", **more), TEXT, 4)
    evaluate = evaluator(model, TEXT)
    options = {"maxiter": 1000, "maxcor": 6, "ftol": 1e-14, "gtol": 1e-8}
    first = model.params_.flat
    found = minimize(
        lambda x: tuple(-each for each in evaluate(x)), first, jac=True, method="L-BFGS-B", options=options
    )
    step, _, calls = climb(evaluate, first)
    assert step.objective == pytest.approx(-found.fun, rel=1e-7)
    assert calls <= 3 * found.nfev + 60
    fitted = hmm(init="random", random_state=4, learner=DirectGradient(), max_iter=1000).fit(TEXT)
    assert fitted.trace_[-1] == step.objective
    assert fitted.trace_.reason.startswith("converged: no way up after")
    assert len(fitted.trace_) == 1 + int(fitted.trace_.reason.split()[-2])


def climbable(row):
    return all(isinstance(each, Logistic | Uniform | Fixed) for each in row.model().unbound().values())


CLIMBABLE = {name: row for name, row in ROWS.items() if climbable(row) and row.model().guarantee == "monotone"}


@BOTH
@pytest.mark.parametrize("row", CLIMBABLE.values(), ids=CLIMBABLE)
def test_the_objective_never_falls(row, direction):
    learner = DirectGradient(direction, memory=3)
    for seed in (None, 1, 2):
        model = row.model(learner=learner, random_state=seed, max_iter=8).fit(row.example)
        assert learner.promises(model)
        assert (np.diff(model.trace_.objective) >= 0).all()
        again = row.model(random_state=seed, max_iter=0).fit(row.example)
        assert model.trace_[0] == pytest.approx(again.trace_[0], rel=1e-12)


def rounds(learner, model, batches):
    """The objective of each step, and again under the factors of the round that begins there."""
    found, params = [], None
    for step in learner.iterate(model, model.params_, batches, Serial()):
        if params is not None:
            theta = model.theta(params)
            found[-1] = (*found[-1], expect(model, theta, batches)[1] + model.penalty(params))
        if step.ended or len(found) > model.max_iter:
            return [(before, after) for before, after in found if after is not None], step
        params = step.params
        found.append((step.objective,))
    return [each for each in found if len(each) == 2], step


@pytest.mark.parametrize("learner", [DirectGradient(refresh_at=(0, 3, 7)), DirectGradient("cg", refresh_at=(2, 3)),
                                     EM(refresh_at=(0, 4))], ids=str)  # fmt: skip
def test_the_objective_never_falls_within_a_round(learner):
    model = started(lambda **more: hmm(spelt(entropy=2.0), **more), TEXT)
    assert learner.guarantee == "none"
    assert not learner.promises(model)
    model.max_iter = 12
    steps, _ = rounds(learner, model, model.index(TEXT))
    assert len(steps) >= 12
    for k, ((before, after), (following, _)) in enumerate(zip(steps, steps[1:])):
        assert following >= after - 1e-12 * abs(after), k
        if k in learner.refresh_at:
            assert after != pytest.approx(before, abs=1e-6), k
        else:
            assert after == pytest.approx(before, rel=1e-12), k
    assert model.regulariser(model.params_) > 0
    whole = hmm(spelt(entropy=2.0), random_state=1, learner=learner, max_iter=12).fit(TEXT)
    assert whole.trace_.objective[:12] == pytest.approx([before for before, _ in steps[:12]], rel=1e-12)


def test_a_round_that_ends_early_hands_over_to_the_next():
    def make(refresh_at):
        learner = DirectGradient(refresh_at=refresh_at)
        return hmm(spelt(entropy=2.0), random_state=1, learner=learner, max_iter=1000).fit(TEXT)

    never, late = make(()), make((900, 950))
    assert never.trace_.reason.startswith("converged")
    assert late.trace_.reason.startswith("converged")
    assert late.trace_[: len(never.trace_)] == never.trace_[:]
    assert never.regulariser(never.params_) == 0
    assert late.regulariser(late.params_) > 0


def test_tol_does_not_mistake_a_new_round_for_the_end():
    for learner in (DirectGradient(refresh_at=(3,)), EM(refresh_at=(3,))):
        model = hmm(spelt(entropy=2.0), random_state=1, learner=learner, max_iter=500, tol=1e-3).fit(TEXT)
        assert len(model.trace_) > 6
        assert model.regulariser(model.params_) > 0
        assert model.trace_.reason.startswith("tol")


def test_restarts_are_compared_without_what_a_round_takes_off():
    corpus = Text.from_tokens([list(each) for each in ["abcab", "b", "cabba", "aab", "bbbc", "ca"]])
    for learner in (DirectGradient(refresh_at=(2, 5)), EM(refresh_at=(1, 4))):

        def make(learner=learner, **more):
            return hmm(spelt(entropy=3.0), learner=learner, max_iter=9, init="random", **more).fit(corpus)

        alone = {seed: make(random_state=seed) for seed in range(4)}
        bare = {seed: one.trace_[-1] + one.regulariser(one.params_) for seed, one in alone.items()}
        model = make(random_state=0, n_init=4)
        assert model.trace_.restarts == bare
        best = alone[max(bare, key=bare.get)]
        assert list(model.trace_) == list(best.trace_)
        assert all(np.array_equal(model.params_[name], best.params_[name]) for name in best.params_)
        assert model.penalty(model.params_) == best.penalty(best.params_)
        probed = make(random_state=0, n_init=2, n_probes=4)
        assert all(probed.trace_.restarts[seed] == bare[seed] for seed in probed.trace_.restarts)


@models
def test_the_same_bits_with_any_number_of_threads_and_after_loading(make, corpus, tmp_path):
    fits = [make(random_state=1, learner=DirectGradient(), max_iter=5, n_jobs=n).fit(corpus) for n in (1, 2, 3)]
    for other in fits[1:]:
        assert other.trace_ == fits[0].trace_
        assert all(np.array_equal(other.params_[name], fits[0].params_[name]) for name in other.params_)
    fits[0].save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == fits[0]
    assert again.learner == DirectGradient()
    assert again.score(corpus) == fits[0].score(corpus)


def test_when_to_stop():
    none = hmm(random_state=1, learner=DirectGradient(), max_iter=0).fit(TEXT)
    assert len(none.trace_) == 1
    assert none.trace_.reason == "max_iter: 0 M-steps done"
    five = hmm(random_state=1, learner=DirectGradient(), max_iter=5).fit(TEXT)
    assert len(five.trace_) == 6
    assert five.trace_[0] == none.trace_[0]
    some = hmm(random_state=1, learner=DirectGradient(), max_iter=500, tol=1e-2).fit(TEXT)
    assert some.trace_.reason.startswith("tol")
    assert some.trace_[-1] - some.trace_[-2] < 1e-2 * some.trace_.n_items <= some.trace_[-2] - some.trace_[-3]
    flat = HMM(2, **dict.fromkeys(("initial", "transition", "emission"), Uniform()), learner=DirectGradient()).fit(TEXT)
    assert flat.trace_.reason == "converged: no way up after 0 steps"
    seen = []
    hmm(random_state=1, learner=DirectGradient(), max_iter=3).fit(TEXT, callback=lambda k, step: seen.append(k))
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("model", [HMM(2), IBM1(), IBM2(lexical=Logistic()), HMMAligner(lexical=Logistic()),
                                   Aligner(forward=IBM1(lexical=Logistic()), reverse=IBM1())], ids=str)  # fmt: skip
def test_a_factor_without_a_gradient_is_refused(model):
    model.learner = DirectGradient()
    with pytest.raises(InputError, match=r"(Categorical|Jump)\(.*has no gradient.*use Logistic\(\).*or learner=EM\(\)"):
        model.fit(TEXT if isinstance(model, HMM) else PAIRS)


def test_settings_that_make_no_sense():
    for wrong in ({"direction": "up"}, {"direction": None}, {"memory": 0}, {"memory": 2.5}, {"memory": None},
                  {"refresh_at": 3}, {"refresh_at": (1.5,)}, {"refresh_at": (-1,)}, {"refresh_at": "5"}):  # fmt: skip
        with pytest.raises(InputError, match=rf"DirectGradient\({next(iter(wrong))}="):
            DirectGradient(**wrong)
    assert DirectGradient(refresh_at=[1, 2]) == DirectGradient(refresh_at=(1, 2))


@pytest.mark.parametrize("learner", [DirectGradient(), EM()], ids=str)
def test_from_near_the_optimum_of_em_it_ends_no_lower(learner):
    """Tables are log-linear models with an indicator a slot: what EM finds, the others keep, or better it."""
    table = HMM(2, random_state=3, max_iter=400).fit(TEXT)
    make = dict.fromkeys(("initial", "transition", "emission"), Logistic(kappa=0.0, steps=30))
    model = HMM(2, **make, random_state=3, max_iter=0).fit(TEXT)
    rng = np.random.default_rng(0)
    near = {
        name: np.log(np.maximum(p, 1e-6)) + 0.01 * rng.standard_normal(p.shape) for name, p in table.params_.items()
    }
    model._share(Blocks(near))
    model.max_iter, last = 400, None
    for k, step in enumerate(learner.iterate(model, model.params_, model.index(TEXT), Serial())):
        last = step
        if step.ended or k == model.max_iter:
            break
    assert last.objective >= table.trace_[-1] - 1e-5 * abs(table.trace_[-1])
    assert isinstance(table.factors_["emission"], Categorical)
