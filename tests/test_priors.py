"""Priors: their files, what fits make of them, and that they keep what the factors promise."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import expect
from zoo import CHAIN, EXAMPLE, ROWS, project

from emnlp import (
    IBM1,
    Agreement,
    Aligner,
    Backoff,
    Bitext,
    Categorical,
    Dirichlet,
    HMMAligner,
    InputError,
    Jump,
    Links,
    PooledJump,
    Priors,
    Uniform,
    load,
)
from emnlp.models.recipes import recipe, train

ENTRIES = [("a", "x", 3.0), ("b", "z", 0.5), ("a", "nowhere", 2.0), ("c", "x", 4.0), (None, "y", 1.5), ("b", None, 2.5)]
JUMPS = {"jumps": {-1: 1.0, 1: 6.0, 2: 2.0, 30: 1.0}, "reverse_jumps": {0: 1.0, 1: 3.0}}
PRIOR = Priors.of(ENTRIES, **JUMPS)
EFLOMAL = """LEX\t<NULL>\ty\t1.5
LEX\ta\tx\t3
LEX\tb\t<NULL>\t2.5
FERF\ta\t2\t4
FERR\tx\t1\t0.25
HMMF\t-1\t1
HMMF\t1\t6
HMMR\t0\t2
"""


def _hmm(**settings):
    return Aligner(forward=CHAIN(), reverse=CHAIN(jump=Jump(words=1, width=2)), **settings)


TABLES = [
    name
    for name, row in ROWS.items()
    if row.family == "bitext" and not {"uniform", "logistic", "features", "open"} & {*name.split("-")}
]
MODELS = {name: ROWS[name].make for name in TABLES} | {
    "HMM": CHAIN,
    "HMM-null": lambda **settings: CHAIN(null=Categorical(), jump=Jump(words=2, width=1, sweeps=1), **settings),
    "HMM-dirichlet": lambda **settings: CHAIN(lexical=Dirichlet(alpha=0.2), **settings),
    "HMM-both": _hmm,
}
models = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
RISING = {name: make for name, make in MODELS.items() if name not in ROWS or ROWS[name].monotone}
rising = pytest.mark.parametrize("make", RISING.values(), ids=RISING.keys())
categorical = [name for name in MODELS if isinstance(MODELS[name]().unbound().get("lexical"), Categorical)]


# Files


def test_a_dictionary(tmp_path):
    text = "# words\n\ndog\thund\ndog\tköter\t0.25\r\nswimming  pool\tpiscine\t3\na b\tx y\n#\tnr\n"
    (tmp_path / "d.tsv.gz").write_bytes(gzip.compress(("\ufeff" + text).encode()))
    priors = Priors.read(tmp_path / "d.tsv.gz", weight=2)
    assert priors.lexical == {
        ("dog", "hund"): 2, ("dog", "köter"): 0.25, ("swimming", "piscine"): 1.5, ("pool", "piscine"): 1.5,
        ("a", "x"): 0.5, ("a", "y"): 0.5, ("b", "x"): 0.5, ("b", "y"): 0.5, ("#", "nr"): 2,
    }  # fmt: skip
    assert len(priors) == priors.n_pairs == 9
    assert not priors.jumps
    assert Priors.parse("").lexical == {}
    assert Priors.parse("LEX\tlex\t2").lexical == {("LEX", "lex"): 2}
    assert Priors.parse("HMMF\t1\t2", form="dictionary").lexical == {("HMMF", "1"): 2}


def test_lower_case_adds_up():
    priors = Priors.parse("The\tLe\nthe\tle\t3\n", lowercase=True)
    assert priors.lexical == {("the", "le"): 4}
    assert Priors.parse("FERF\tA\t1\t2\nFERF\ta\t1\t3\n", lowercase=True).fertilities == {("a", 1): 5}


def test_eflomals_file(tmp_path):
    priors = Priors.parse(EFLOMAL)
    assert priors.lexical == {("a", "x"): 3, (None, "y"): 1.5, ("b", None): 2.5}
    assert (priors.jumps, priors.reverse_jumps) == ({-1: 1, 1: 6}, {0: 2})
    assert (priors.fertilities, priors.reverse_fertilities) == ({("a", 2): 4}, {("x", 1): 0.25})
    assert "fertilities are not used" in priors.report(1)
    assert "1 of 1 word pairs" in priors.report(1)
    priors.write(tmp_path / "p")
    assert (tmp_path / "p").read_text() == EFLOMAL
    again = priors.reversed().reversed() * 2
    assert again.lexical[("a", "x")] == 6
    assert again.jumps == {-1: 2, 1: 12}
    assert repr(priors) == "Priors(3 word pairs, jumps, fertilities)"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("dog", "expected source TAB target"),
        ("dog\t", "expected source TAB target"),
        (" \thund", "expected source TAB target"),
        ("dog\thund\t1\t2", "expected source TAB target"),
        ("dog\thund\tmany", "not a pseudo-count"),
        ("dog\thund\t-1", "not a pseudo-count"),
        ("dog\thund\tnan", "not a pseudo-count"),
        ("dog\thund\tinf", "not a pseudo-count"),
    ],
)
def test_a_bad_line_of_a_dictionary_is_named(tmp_path, line, why):
    path = tmp_path / "d.tsv"
    path.write_text(f"# c\ncat\tkatze\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"d\.tsv:3: .*{why}"):
        Priors.read(path)


@pytest.mark.parametrize("line", ["LEX\ta\t1", "LEX\ta\t\t1", "HMMF\tx\t1", "HMMR\t1\t-2", "FERF\ta\tb\t1", "a\tb\t1"])
def test_a_bad_line_of_eflomals_file_is_named(line):
    with pytest.raises(InputError, match="priors:9: "):
        Priors.parse(EFLOMAL + line, "priors")


def test_errors_teach(tmp_path):
    (tmp_path / "bad").write_bytes(b"a\tb\n\xff\tc\n")
    bitext = Bitext.from_pairs([(["a"], ["x"])])
    for call, why in (
        (lambda: Priors.read(tmp_path / "bad"), "bad:2: not valid UTF-8"),
        (lambda: Priors.read(tmp_path / "none"), "cannot be read"),
        (lambda: Priors.parse("a\tb", form="xml"), "choose dictionary or eflomal"),
        (lambda: Priors.of([("a", "b", -1.0)]), "negative"),
        (lambda: Priors.of([], jumps={1: np.nan}), "negative"),
        (lambda: Priors.of([("a\tb", "c", 1.0)]).write(tmp_path / "p"), "TAB"),
        (lambda: Priors.of([("", "c", 1.0)]).write(tmp_path / "p"), "empty"),
        (lambda: Priors.from_links(bitext, Links.from_lists([])), "0 pairs for a text of 1"),
        (lambda: Priors.from_links(bitext, Links.from_lists([[(0, 1)]])), "pair 1 lies outside"),
        (lambda: Priors.from_model(IBM1()), "not fitted"),
        (lambda: IBM1().fit(bitext, prior="prior.tsv"), "expected Priors"),
        (lambda: Aligner().fit(bitext, prior={("a", "x"): 1}), "expected Priors"),
        (lambda: IBM1(lexical=Uniform()).fit(bitext, prior=PRIOR), "learns from no prior"),
    ):
        with pytest.raises(InputError, match=why):
            call()
    assert not (tmp_path / "p").exists()


# Other ways to make them


def test_links_are_counted():
    bitext = Bitext.from_pairs([(["a", "b"], ["x", "y", "z"]), (["a"], ["x"])])
    priors = Priors.from_links(bitext, Links.from_lists([[(0, 0), (0, 2), (1, 1)], []]))
    assert priors.lexical == {("a", "x"): 1, ("a", "z"): 1, ("b", "y"): 1}
    assert priors.jumps == {1: 2, -1: 1, 2: 2}  # start to 0, 0 to 1, 1 to 0, 0 to the end; start to end
    assert priors.reverse_jumps == {1: 1, -1: 1, 2: 2}  # start to 0; 2 to 1; 1 to the end; start to end
    assert priors.fertilities == {("a", 2): 1, ("b", 1): 1}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_same_counts_and_files_as_eflomals(data, tmp_path_factory):
    eflomal = pytest.importorskip("eflomal")
    words = st.lists(st.sampled_from("abC"), min_size=1, max_size=4)
    pairs = data.draw(st.lists(st.tuples(words, words), min_size=1, max_size=4))
    ways = []
    for _ in range(2):
        cells = [[(i, j) for i in range(len(s)) for j in range(len(t))] for s, t in pairs]
        ways.append([data.draw(st.lists(st.sampled_from(each), unique=True)) for each in cells])
    lines = [[" ".join(f"{i}-{j}" for i, j in each) for each in way] for way in ways]
    texts = [" ".join(s) for s, _ in pairs], [" ".join(t) for _, t in pairs]
    theirs = eflomal.calculate_priors(*texts, *lines)
    ours = Priors.from_links(Bitext.from_pairs(pairs), *(Links.from_lists(way) for way in ways))

    def same(priors):
        assert priors.lexical == dict(theirs[0])
        assert [priors.jumps, priors.reverse_jumps] == [dict(each) for each in theirs[1:3]]
        assert [priors.fertilities, priors.reverse_fertilities] == [dict(each) for each in theirs[3:]]

    same(ours)
    stream = io.StringIO()
    eflomal.write_priors(stream, *theirs)
    same(Priors.parse(stream.getvalue(), form="eflomal"))
    path = tmp_path_factory.mktemp("priors") / "p"
    ours.write(path)
    with open(path, encoding="utf-8") as file:
        read = eflomal.read_priors(file)
    assert {(s, t): alpha for s, t, alpha in read[0]} == dict(theirs[0])
    assert list(read[1:3]) == [dict(each) for each in theirs[1:3]]
    assert [{(w, n): alpha for w, n, alpha in each} for each in read[3:]] == [dict(each) for each in theirs[3:]]


def test_a_model_is_a_prior():
    aligner = Aligner().fit(EXAMPLE)
    for model, table in ((aligner.forward, {}), (aligner, {})):
        priors = Priors.from_model(model, strength=5, prune=0)
        table |= priors.lexical
        assert None not in {word for pair in table for word in pair}
    p = {pair: dict(aligner.forward.translations(pair[0], 99))[pair[1]] for pair in table}
    q = {pair: dict(aligner.reverse.translations(pair[1], 99))[pair[0]] for pair in table}
    assert table == pytest.approx({pair: 5 * np.sqrt(p[pair] * q[pair]) for pair in table})
    alone = Priors.from_model(aligner.only("reverse"), strength=1, prune=0.3).lexical
    assert alone == pytest.approx({pair: value for pair, value in q.items() if value >= 0.3})


# What fits make of them


@rising
def test_the_guarantee_holds_with_a_prior(make):
    for seed in (None, 4):
        model = make(random_state=seed, max_iter=8).fit(EXAMPLE, prior=PRIOR)
        assert model.prior_found_ == 2
        assert model.learner.promises(model)
        objective = np.array(model.trace_.objective)
        assert (np.diff(objective) >= -1e-10 * np.abs(objective[:-1]) - 1e-12).all()
        _, loglik = expect(model, model.theta(model.params_), model.index(EXAMPLE))
        assert objective[-1] == pytest.approx(loglik + model.penalty(model.params_))


@rising
def test_the_maximization_step_is_a_maximum_with_a_prior(make):
    model = make(random_state=3, max_iter=2).fit(EXAMPLE, prior=PRIOR)
    counts, _ = expect(model, model.theta(model.params_), model.index(EXAMPLE))
    best = model.maximize(counts, model.params_)
    rng = np.random.default_rng(0)

    def bound(name, params):
        factor, used = model.factors_[name], counts[name] > 0
        return counts[name][used] @ np.log(factor.theta(params)[used]) + factor.penalty(params)

    for name, params in best.items():
        factor = model.factors_[name]
        top = bound(name, params)
        if isinstance(factor, Jump):  # climbed, not solved
            assert top >= bound(name, model.params_[name])
            continue
        for _ in range(5 if params.size else 0):
            nearby = project(factor, params * np.exp(0.01 * rng.standard_normal(params.size)))
            assert bound(name, nearby) <= top + 1e-12 * abs(top)


@models
def test_a_model_with_a_prior_is_saved(make, tmp_path):
    model = make(max_iter=2).fit(EXAMPLE, prior=PRIOR)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again == model
    assert again.predict(EXAMPLE) == model.predict(EXAMPLE)
    assert again.score(EXAMPLE) == model.score(EXAMPLE)


def test_pseudo_counts_add_to_the_counts():
    model = IBM1(max_iter=1).fit(EXAMPLE, prior=PRIOR)
    support, pseudo = model.factors_["lexical"].support, model.factors_["lexical"].pseudo
    ids = model.source_vocabulary_.id, model.target_vocabulary_.id
    expected = np.zeros(len(support))
    for s, t, count in [("a", "x", 3.0), ("b", "z", 0.5), (None, "y", 1.5)]:  # c and x are never together
        expected[support.slot(0 if s is None else 1 + ids[0](s), ids[1](t))] = count
    np.testing.assert_array_equal(pseudo, expected)
    first = IBM1(max_iter=0).fit(EXAMPLE, prior=PRIOR)
    counts, _ = expect(first, first.theta(first.params_), first.index(EXAMPLE))
    np.testing.assert_allclose(model.params_["lexical"], support.normalise(counts["lexical"] + expected))
    reverse = Aligner(forward=None, max_iter=0).fit(EXAMPLE, prior=PRIOR)
    factor, part = reverse.factors_["reverse.lexical"], reverse.reverse
    assert factor.pseudo.sum() == 3 + 0.5 + 2.5
    assert factor.pseudo[part.target_vocabulary_.id("b")] == 2.5  # NULL with b
    assert IBM1().fit(EXAMPLE).prior_found_ == 0


@pytest.mark.parametrize("factor", [Categorical(), Categorical(alpha=1.5), Categorical(backoff=Backoff())])
def test_the_derivative_of_the_penalty(factor):
    model = IBM1(lexical=factor, random_state=1, max_iter=1).fit(EXAMPLE, prior=PRIOR)
    bound, params = model.factors_["lexical"], model.params_["lexical"]
    for slot in range(len(params)):
        step = np.zeros(len(params))
        step[slot] = 1e-6 * params[slot]
        slope = (bound.penalty(params + step) - bound.penalty(params - step)) / 2e-6
        assert slope == pytest.approx(factor.alpha - 1 + bound.pseudo[slot], abs=1e-6)


def test_a_first_theta_leans_to_the_prior():
    model = IBM1(max_iter=0).fit(EXAMPLE, prior=PRIOR)
    words = len(model.target_vocabulary_)
    assert dict(model.translations("a"))["x"] == pytest.approx((3 + 1 / words) / 4)
    assert dict(model.translations("c"))["z"] == pytest.approx(1 / words)
    # a probability of 0 where the prior has counts is no obstacle
    start = IBM1().fit(EXAMPLE)
    start.params_["lexical"][:] = np.where(model.factors_["lexical"].pseudo > 0, 0, start.params_["lexical"])
    fitted = IBM1(max_iter=3).fit(EXAMPLE, start=start, prior=PRIOR)
    assert np.isfinite(fitted.trace_.objective).all()
    assert fitted.trace_[1] > fitted.trace_[0]


def test_a_second_fit_forgets_the_prior():
    model = IBM1().fit(EXAMPLE, prior=PRIOR)
    model.fit(EXAMPLE)
    assert np.array_equal(model.params_["lexical"], IBM1().fit(EXAMPLE).params_["lexical"])


def test_text_in_lower_case_lowers_the_prior():
    pairs = Bitext.from_pairs([(["The", "House"], ["Das", "Haus"])] * 2, lowercase=True)
    shouted = Priors.of([("HOUSE", "HAUS", 3.0), ("House", "Haus", 1.0)])
    aligner = Aligner().fit(pairs, prior=shouted)
    assert aligner.prior_found_ == 2
    assert aligner.factors_["forward.lexical"].pseudo.max() == 4
    assert (1, 1) in aligner.align(["the", "house"], ["das", "haus"])


def test_what_text_cannot_tell_a_prior_does():
    pairs = [(["the", "house"], ["haus", "das"])] * 3
    known = Priors.of([("house", "haus", 1.0)])
    for chain in (recipe("ibm1"), recipe("hmm-single"), recipe("hmm")):
        aligner = train(Bitext.from_pairs(pairs), chain, prior=known)
        links = aligner.align(*pairs[0])
        assert (1, 0) in links
        assert (1, 1) not in links


def test_many_pseudo_jumps_decide():
    true = {-2: 0.5, -1: 1.0, 0: 1.5, 1: 4.0, 2: 2.0, 3: 1.0}
    room, made = dict.fromkeys(true, 0), dict.fromkeys(true, 0.0)
    for n in EXAMPLE.pairs.source.lengths.tolist():
        for m in range(n + 1):
            for d in (distances := [i - m for i in range(1, n + 1)]):
                room[d] += 1
                made[d] += true[d] / sum(true[each] for each in distances)
    told = {d: 1e6 * made[d] / room[d] for d in true}  # of the jumps that there is room for
    prior = Priors.of([], jumps=told | {-30: 1e6})
    factor = (model := HMMAligner(jump=Jump(words=1, width=3), max_iter=30).fit(EXAMPLE, prior=prior)).factors_["jump"]
    weights = model.params_["jump"][:10]
    ratios = [weights[3 + d] / true[d] for d in true]
    assert ratios == pytest.approx([ratios[0]] * 6, rel=1e-2)
    assert weights[0] == pytest.approx(1)  # there is no room for it: it is left alone
    assert factor.pseudo[: factor.jumps.n_weights].sum() == pytest.approx(factor.pseudo[factor.jumps.n_weights :].sum())


def test_pooled_pseudo_jumps_are_added():
    model = HMMAligner(jump=PooledJump(width=3), max_iter=1).fit(EXAMPLE, prior=Priors.of([], jumps={1: 1e6, -1: 1e6}))
    weights = model.factors_["jump"].weights(model.params_["jump"]).sum(0)
    assert weights[4] > weights[2] > 1e5 > weights[3]  # there is less room for a step back


def test_an_earlier_model_and_its_links_help():
    words = [(f"s{k}", f"t{k}") for k in range(12)]
    rng = np.random.default_rng(0)

    def text(n):
        pairs = [[words[k] for k in rng.choice(12, 4, replace=False)] for _ in range(n)]
        return Bitext.from_pairs([([s for s, _ in pair], [t for _, t in pair][::-1]) for pair in pairs])

    def right(aligner, bitext):
        return np.mean([sum(i + j == 3 for i, j in each) / 4 for each in aligner.predict(bitext)])

    early, late = text(200), text(3)
    earlier = Aligner().fit(early)
    plain = right(Aligner().fit(late), late)
    for prior in (Priors.from_model(earlier), Priors.from_links(early, earlier.predict(early))):
        assert right(Aligner().fit(late, prior=prior), late) > plain
        assert right(Agreement().fit(late, start=Aligner().fit(late), prior=prior), late) > plain
