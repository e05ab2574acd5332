"""Blocks, supports, factors, the index and the tokeniser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma
from zoo import EXAMPLE, bitexts

from emnlp import EM, IBM1, Bitext, Categorical, Dirichlet, Fixed, InputError, Text, Uniform
from emnlp.blocks import Blocks, prefixed
from emnlp.corpus import Vocabulary
from emnlp.corpus.cooccurrences import Cooccurrences
from emnlp.inference.index import look_up, sorted_rows
from emnlp.inference.tokens import tokenise
from emnlp.scratch import ranges
from emnlp.support import Support

quick = settings(max_examples=40, deadline=None)
supports = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, unique=True).map(
    lambda pairs: Support.pairs([c for c, _ in pairs], [o for _, o in pairs], 4, 5)
)


def test_blocks_add_scale_and_name_their_parts():
    one = Blocks(prefixed("a", {"x": np.ones(2)}) | {"b": np.full((1, 2), 3.0)})
    total = 2 * one + one - one * 0.5
    assert total["a.x"].tolist() == [2.5, 2.5]
    assert one.part("a")["x"] is one["a.x"]
    copy = one.copy()
    copy += one
    assert one["b"].tolist() == [[3, 3]]
    assert copy["b"].tolist() == [[6, 6]]
    assert (np.float64(2) * one)["b"].tolist() == [[6, 6]]
    assert one.like(one.flat)["b"].shape == (1, 2)
    assert one.nbytes == 32
    assert one.zeros().flat.sum() == 0


@quick
@given(supports, st.integers(0, 99))
def test_support_rows(support, seed):
    x = np.random.default_rng(seed).random(len(support))
    x[support.conditions == support.conditions[0]] = 0
    totals = support.sum(x)
    for c in range(4):
        rows = [s for s in range(len(support)) if support.conditions[s] == c]
        assert sorted(support.row(c)) == rows
        assert totals[c] == pytest.approx(sum(x[s] for s in rows))
        for o in range(5):
            slot = support.slot(c, o)
            expected = [s for s in rows if support.outcomes[s] == o]
            assert [slot] == (expected or [-1])
            assert support.transpose().slot(o, c) == slot
    normal = support.normalise(x)
    assert np.allclose(normal[support.conditions == support.conditions[0]], 1 / 5)
    soft = support.softmax(1000 * x)
    assert np.allclose(support.sum(soft)[support.sizes > 0], 1)
    assert np.isfinite(soft).all()
    assert support.spread(totals).tolist() == [totals[c] for c in support.conditions]


def test_support_constructors():
    ragged = Support.ragged([2, 1, 3])
    assert ragged.conditions.tolist() == [0, 0, 1, 2, 2, 2]
    assert ragged.outcomes.tolist() == [0, 1, 0, 0, 1, 2]
    assert ragged.space.tolist() == [2, 1, 3]
    assert Support.dense(2, 3).slot(1, 2) == 5


def test_dirichlet_is_the_plain_formula():
    support = Support.pairs([0, 1, 0, 1, 1], [0, 0, 1, 2, 3], 3, 4)
    factor, counts = Dirichlet(alpha=0.2).bind(support), np.array([1.0, 0.0, 2.5, 3.0, 0.5])
    params = factor.maximize(counts, factor.start())
    for c in (0, 1):
        row = support.row(c)
        total = (counts[row] + 0.2).sum()
        for s in row:
            assert factor.theta(params)[s] == pytest.approx(np.exp(digamma(counts[s] + 0.2) - digamma(total)))
            assert factor.probabilities(params)[s] == pytest.approx((counts[s] + 0.2) / total)
    assert factor.penalty(np.full(5, 0.2)) == pytest.approx(0)  # the prior has no divergence from itself
    assert factor.penalty(params) < 0


def test_dirichlet_starts_constant():
    support = Support.pairs([0, 0, 1, 1, 1, 2], [0, 1, 0, 1, 2, 0], 4, 3)
    theta = Dirichlet(alpha=0.01).bind(support)
    values = theta.theta(theta.start())
    assert np.allclose(values[:5], values[0])
    assert values[5] == 1  # one outcome: no freedom


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Categorical(alpha=0.5),
        lambda: Categorical(alpha=float("nan")),
        lambda: Dirichlet(alpha=0),
        lambda: Dirichlet(alpha=float("inf")),
        lambda: Fixed(1.5),
        lambda: Fixed((0.5, 0.2)),
        lambda: Fixed((0.5, 0.25, 0.25)).bind(Support.dense(1, 2)),
    ],
)
def test_factors_refuse_what_makes_no_sense(wrong):
    with pytest.raises(InputError):
        wrong()


def test_uniform_and_fixed_learn_nothing():
    support = Support.dense(2, 2)
    for factor, row in ((Uniform(), [0.5, 0.5]), (Fixed(0.25), [0.75, 0.25])):
        bound = factor.bind(support)
        params = bound.maximize(np.array([9.0, 0, 0, 0]), bound.start())
        assert bound.theta(params).tolist() == row * 2
        assert bound.penalty(params) == 0


@quick
@given(bitexts(4), st.integers(1, 5), st.integers(1, 20))
def test_cooccurrences_are_those_of_a_plain_loop(bitext, room, part):
    source, target = bitext.source, bitext.target
    cells = np.concatenate([[0], np.cumsum(source.lengths * target.lengths)])
    seen = Cooccurrences(len(source.vocabulary), len(target.vocabulary), room)
    pieces = [np.empty(0, np.int32)]
    for a, b in ranges(cells, part):
        one, other = source.part(a, b), target.part(a, b)
        pieces.append(seen.add(one.starts, one.ids, other.starts, other.ids))
    sources, targets = seen.lists()
    slots = np.concatenate(pieces)
    found = list(zip(sources[len(source.vocabulary) :].tolist(), targets[len(target.vocabulary) :].tolist()))
    assert len(set(found)) == len(found)
    plain = set()
    for k, (s, t) in enumerate(bitext):
        for i, e in enumerate(s):
            for j, f in enumerate(t):
                pair = (source.vocabulary.id(e), target.vocabulary.id(f))
                plain.add(pair)
                assert found[slots[cells[k] + i * len(t) + j]] == pair
    assert plain == set(found)
    assert slots.dtype == np.int32


@quick
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=15, unique=True))
def test_look_up_finds_the_slots_of_pairs(pairs):
    conditions, outcomes = np.array(pairs, np.int32).reshape(-1, 2).T.copy()
    starts, order = sorted_rows(conditions, outcomes, 4, 5)
    wanted = [(c, o) for c in range(-1, 4) for o in range(-1, 5)]
    found = look_up(starts, order, outcomes, *np.array(wanted, np.int32).T.copy(), -7, -8)
    assert found.tolist() == [-8 if c < 0 else pairs.index((c, o)) if (c, o) in pairs else -7 for c, o in wanted]


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00\t\n\x0b\x0c\r "), min_size=1, max_size=5)


@quick
@given(st.lists(st.lists(words, max_size=5), max_size=6), st.booleans())
def test_tokenise_equals_split(sentences, final_newline):
    content = "\n".join(" \t".join(sentence) + "\r" for sentence in sentences)
    content += "\n" if final_newline and sentences else ""
    text = Text.from_bytes(("\ufeff" + content).encode(), "x")
    assert list(text) == sentences or not content
    plain = Text.from_tokens(sentences)
    if content:
        assert text.vocabulary.words == plain.vocabulary.words
        assert np.array_equal(text.ids, plain.ids)


def test_tokenise_grows_its_tables():
    words = [f"w{n}" for n in range(50_000)]
    starts, ids, begins, _ = tokenise(np.frombuffer(" ".join(words + words[::-1]).encode(), np.uint8))
    assert len(begins) == 50_000
    assert ids.tolist() == [*range(50_000), *range(49_999, -1, -1)]
    assert starts.tolist() == [0, 100_000]


def test_vocabulary_survives_as_arrays():
    words = Vocabulary(["", "é", "日本", "a\nb", "\ud800"])
    data, offsets = words.to_arrays()
    assert Vocabulary.from_arrays(data, offsets).words == words.words
    with pytest.raises(ValueError, match="do not fit"):
        Vocabulary.from_arrays(data, offsets + 1)


def test_text_and_bitext_from_python():
    text = Text.from_tokens([["New York", "A"], []], lowercase=True)
    assert text[0] == ["new york", "a"]
    assert text[-1] == []
    with pytest.raises(InputError, match="split it first"):
        Text.from_tokens(["the house"])
    with pytest.raises(InputError, match="not a string"):
        Text.from_tokens([[1]])
    with pytest.raises(InputError, match="2 lines"):
        Bitext(Text.from_tokens([["a"], ["b"]]), Text.from_tokens([["x"]]))
    assert [len(each) for each in EXAMPLE[0]] == [3, 2]


def test_a_reversed_bitext_shares_the_index():
    pairs, back = EXAMPLE.pairs, EXAMPLE.reversed().pairs
    assert back.slots is pairs.slots
    assert back.transposed
    assert EXAMPLE.reversed().reversed() is EXAMPLE
    assert EXAMPLE.reversed().limited(2).pairs.slots is not pairs.slots
    assert EXAMPLE.limited(2).usable.sum() == 2
    assert EXAMPLE.too_long.sum() == 0


def test_the_last_parameters_need_not_be_scored():
    pairs = [(["a", "b"], ["x", "y"]), (["b"], ["y"])]
    steps = []
    scored = IBM1(max_iter=3).fit(pairs)
    model = IBM1(max_iter=3, learner=EM(score_last=False)).fit(pairs, callback=lambda n, step: steps.append(n))
    assert model.trace_.objective == scored.trace_.objective[:-1]
    assert all(np.array_equal(model.params_[name], scored.params_[name]) for name in model.params_)
    assert steps == [0, 1, 2, 3]
    assert "not scored" in model.trace_.reason
    assert len(IBM1(max_iter=0, learner=EM(score_last=False)).fit(pairs).trace_) == 1
