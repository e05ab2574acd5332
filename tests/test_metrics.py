import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics import scores as nltk_scores
from nltk.translate import Alignment
from nltk.translate.metrics import alignment_error_rate

import emnlp
from emnlp.corpus.gold import Gold
from emnlp.corpus.links import Links
from emnlp.errors import InputError
from emnlp.metrics import AlignmentScores, alignment_scores, paired_bootstrap

some = settings(max_examples=50, deadline=None)
pair_links = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=10)
# Each pair: A, S and what P has beyond S
corpora = st.lists(st.tuples(pair_links, pair_links, pair_links), max_size=6)


def gold_of(sure, possible_only):
    return Gold(Links.from_lists(sure), Links.from_lists([s | p for s, p in zip(sure, possible_only)]))


def scores_of(corpus):
    found, sure, extra = ([row[column] for row in corpus] for column in range(3))
    return alignment_scores(Links.from_lists(found), gold_of(sure, extra))


def flat(links):
    """Make links of all pairs one set, with pairs apart, for an oracle of one pair."""
    return {(100 * k + i, j) for k, pair in enumerate(links) for i, j in pair}


def rates(scores):
    return scores.precision, scores.recall, scores.f1, scores.aer


@some
@given(corpora)
def test_nltk_agrees(corpus):
    scores = scores_of(corpus)
    found, sure, extra = (flat(row[column] for row in corpus) for column in range(3))
    possible = sure | extra
    if found and sure:
        aer = alignment_error_rate(Alignment(sure), Alignment(found), Alignment(possible))
        assert scores.aer == pytest.approx(aer, abs=1e-12)
        assert scores.precision == nltk_scores.precision(possible, found)
        assert scores.recall == nltk_scores.recall(sure, found)
    counts = (scores.n_links, scores.n_sure, scores.n_possible, scores.hits_sure, scores.hits_possible)
    assert counts == (len(found), len(sure), len(possible), len(found & sure), len(found & possible))


@some
@given(corpora)
def test_rates_are_numbers_from_0_to_1(corpus):
    assert all(0 <= rate <= 1 for rate in rates(scores_of(corpus)))


@some
@given(corpora)
def test_with_sure_links_only_aer_is_one_minus_f1(corpus):
    scores = scores_of([(found, sure, set()) for found, sure, _ in corpus])
    assert scores.aer == pytest.approx(1 - scores.f1, abs=1e-12)
    if scores.n_links and scores.n_sure:
        found, sure = (flat(row[column] for row in corpus) for column in range(2))
        assert scores.f1 == pytest.approx(nltk_scores.f_measure(sure, found) or 0)


@some
@given(corpora, st.randoms(use_true_random=False))
def test_order_of_pairs_and_repeated_links_do_not_matter(corpus, rng):
    scores = scores_of(corpus)
    rng.shuffle(corpus)
    found = [sorted(row[0]) * 2 for row in corpus]
    for pair in found:
        rng.shuffle(pair)
    gold = gold_of([row[1] for row in corpus], [row[2] for row in corpus])
    assert alignment_scores(Links.from_lists(found), gold) == scores


@some
@given(corpora)
def test_directions_score_alike(corpus):
    found, sure, extra = ([row[column] for row in corpus] for column in range(3))
    gold = gold_of(sure, extra)
    reverse = Gold(gold.sure.reversed(), gold.possible.reversed())
    assert alignment_scores(Links.from_lists(found).reversed(), reverse) == scores_of(corpus)


@some
@given(corpora)
def test_all_sure_and_any_possible_links_are_perfect(corpus):
    scores = scores_of([(sure | extra, sure, extra) for _, sure, extra in corpus])
    assert rates(scores) == (1, 1, 1, 0)


def test_a_case_by_hand():
    # pair 0: A = {00 12 22}, S = {00 11}, P = S + {12}; pair 1: A = {}, S = {00}, P = S; pair 2: A = {01}, P = {01}
    gold = Gold.parse("0-0 1-1 1?2\n0-0\n0?1", "g")
    scores = alignment_scores(Links.from_lists([[(0, 0), (1, 2), (2, 2)], [], [(0, 1)]]), gold)
    assert dataclasses.astuple(scores)[:6] == (3, 4, 3, 5, 1, 3)
    assert scores.precision == 3 / 4
    assert scores.recall == 1 / 3
    assert scores.f1 == pytest.approx(2 * (3 / 4) * (1 / 3) / (3 / 4 + 1 / 3))
    assert scores.aer == pytest.approx(1 - (1 + 3) / (4 + 3))


@pytest.mark.parametrize(
    ("found", "gold", "expected"),
    [
        ([], "", (1, 1, 1, 0)),
        ([[]], "\n", (1, 1, 1, 0)),
        ([[]], "0?0", (1, 1, 1, 0)),
        ([[]], "0-0", (1, 0, 0, 1)),
        ([[(0, 0)]], "\n", (0, 1, 0, 1)),
        ([[(0, 0), (0, 1)]], "0?0", (0.5, 1, 2 / 3, 0.5)),
        ([[(1, 1)]], "0-0", (0, 0, 0, 1)),
    ],
)
def test_empty_cases(found, gold, expected):
    assert rates(alignment_scores(Links.from_lists(found), Gold.parse(gold))) == pytest.approx(expected)


@some
@given(st.sets(st.tuples(*[st.sampled_from([0, 1, 2**31 - 2, 2**31 - 1])] * 2)), st.integers(1, 9))
def test_absurd_positions_do_not_overflow(found, n):
    gold = Gold(Links.from_lists([found] * n), Links.from_lists([found] * n))
    scores = alignment_scores(Links.from_lists([found] * n), gold)
    assert scores.n_links == scores.hits_sure == scores.hits_possible == n * len(found)


def test_input_that_cannot_be_scored():
    gold = Gold.parse("0-0\n0-0", "g")
    with pytest.raises(InputError, match="3 lines of links, but 2 sentence pairs in g;"):
        alignment_scores(Links.from_lists([[], [], []]), gold)
    with pytest.raises(InputError, match="negative position"):
        alignment_scores(Links.from_lists([[(0, -1)], []]), gold)
    with pytest.raises(InputError, match="Sure link is not among the Possible"):
        alignment_scores(gold.sure, Gold(gold.sure, Links.from_lists([[(0, 0)], []])))


def test_signature():
    gold = Gold.parse("1 1 1\n2 1 1\n3 1 1 P\n", "there/dev.wa").select(slice(1, None))
    signature = alignment_scores(Links.from_lists([[(0, 0)], [(1, 1)]]), gold).signature()
    assert signature == (
        "AER 33.33 | P 50.00 | R 100.00 | F1 66.67 | pairs 2 | links 2 | sure 1 | possible 2 | "
        f"gold dev.wa | base 1 | lines 1: | emnlp {emnlp.__version__}"
    )
    assert re.search(r"\| lines all \|", AlignmentScores(1, 1, 1, 1, 1, 1).signature())


# --- the paired bootstrap


def noisy(gold, errors, seed):
    """Move a share of the Sure links one place on."""
    rng = np.random.default_rng(seed)
    target = gold.sure.target + (rng.random(len(gold.sure.target)) < errors)
    return Links(gold.sure.starts, gold.sure.source, target.astype(np.int32))


@pytest.fixture(scope="module")
def diagonal():
    lengths = np.random.default_rng(0).integers(3, 12, 200)
    return Gold.parse("".join(" ".join(f"{i}-{i}" for i in range(n)) + "\n" for n in lengths))


def test_bootstrap_finds_a_difference_and_its_sign(diagonal):
    good, bad = noisy(diagonal, 0.1, 1), noisy(diagonal, 0.3, 2)
    expected = alignment_scores(good, diagonal).aer - alignment_scores(bad, diagonal).aer
    test = paired_bootstrap(good, bad, diagonal)
    assert test.difference == pytest.approx(expected)
    assert test.low < test.mean < test.high < 0
    assert test.mean == pytest.approx(expected, abs=0.01)
    assert test.p_value == 2 / 1001
    other = paired_bootstrap(bad, good, diagonal)
    assert (other.difference, other.low, other.high) == pytest.approx((-test.difference, -test.high, -test.low))
    assert other.p_value == test.p_value


def test_bootstrap_of_equal_systems(diagonal):
    links = noisy(diagonal, 0.2, 1)
    test = paired_bootstrap(links, links, diagonal)
    assert (test.difference, test.mean, test.low, test.high, test.p_value) == (0, 0, 0, 0, 1)


def test_bootstrap_rarely_finds_what_is_not_there(diagonal):
    tests = [
        paired_bootstrap(noisy(diagonal, 0.2, 2 * k), noisy(diagonal, 0.2, 2 * k + 1), diagonal, n=200)
        for k in range(100)
    ]
    assert sum(test.p_value < 0.05 for test in tests) <= 12  # 5 expected; P(> 12) < 0.002
    assert all((test.low <= 0 <= test.high) or test.p_value < 0.1 for test in tests)


def test_bootstrap_interval_is_that_of_the_normal_approximation(diagonal):
    # With Sure links alone and |A| = |S|, AER is the share of errors; its standard error follows from the pairs.
    good, bad = noisy(diagonal, 0.1, 1), noisy(diagonal, 0.3, 2)
    per_pair = np.array([
        [len(set(a) - set(s)), len(set(b) - set(s)), len(s)] for a, b, s in zip(good, bad, diagonal.sure)
    ], float)  # fmt: skip
    gap, size = per_pair[:, 0] - per_pair[:, 1], per_pair[:, 2]
    ratio = gap.sum() / size.sum()
    error = math.sqrt(((gap - ratio * size) ** 2).sum()) / size.sum()
    test = paired_bootstrap(good, bad, diagonal, n=4000)
    assert (test.high - test.low) / (2 * 1.96) == pytest.approx(error, rel=0.06)


def test_bootstrap_seed_and_number(diagonal):
    links = noisy(diagonal, 0.2, 1), noisy(diagonal, 0.2, 2)
    assert paired_bootstrap(*links, diagonal, seed=3) == paired_bootstrap(*links, diagonal, seed=3)
    assert paired_bootstrap(*links, diagonal, seed=3).mean != paired_bootstrap(*links, diagonal, seed=4).mean
    assert paired_bootstrap(*links, diagonal, n=1).n == 1


def test_bootstrap_in_blocks_is_the_same(diagonal, monkeypatch):
    links = noisy(diagonal, 0.2, 1), noisy(diagonal, 0.2, 2)
    whole = paired_bootstrap(*links, diagonal, n=50)
    monkeypatch.setattr("emnlp.metrics.alignment._DRAWS_AT_ONCE", 7 * diagonal.lines)
    assert paired_bootstrap(*links, diagonal, n=50) == whole


def test_bootstrap_without_links_and_of_nothing():
    gold = Gold.parse("\n\n\n")
    assert paired_bootstrap(gold.sure, gold.sure, gold).p_value == 1
    with pytest.raises(InputError, match="0 sentence pairs"):
        paired_bootstrap(Links.from_lists([]), Links.from_lists([]), Gold.parse(""))
    with pytest.raises(InputError, match="0 resamples"):
        paired_bootstrap(gold.sure, gold.sure, gold, n=0)


def test_lists_of_links_are_scored_and_mixed_up_arguments_refused():
    gold = Gold.parse("0-0 1-1\n0-0")
    assert alignment_scores([[(0, 0), (1, 1)], [(0, 0)]], gold).aer == 0
    assert str(alignment_scores([[], []], gold)).startswith("AER 100.00")
    assert "2 pairs, 3 sure" in repr(gold)
    with pytest.raises(InputError, match="links and then gold"):
        alignment_scores(gold, gold.sure)
