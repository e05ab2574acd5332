import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emnlp
from emnlp.errors import InputError
from emnlp.metrics import Contingency, tagging_scores

oracle = pytest.importorskip("sklearn.metrics")

some = settings(max_examples=50, deadline=None)
small = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("VWXYZ")), min_size=1, max_size=30)
wide = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=200)


def score(pairs, **options):
    found, gold = map(list, zip(*pairs))
    return tagging_scores(found, gold, **options)


def brute_force(table):
    """The most tokens that a one-to-one mapping gets right, by trying all of them."""
    table = table if table.shape[0] <= table.shape[1] else table.T
    rows = range(len(table))
    return max(sum(table[rows, chosen]) for chosen in itertools.permutations(range(table.shape[1]), len(table)))


# --- against other implementations


@some
@given(wide | small)
def test_scikit_learn_agrees(pairs):
    found, gold = map(list, zip(*pairs))
    scores = tagging_scores(found, gold)
    h, c, v = oracle.homogeneity_completeness_v_measure(gold, found)
    assert (scores.homogeneity, scores.completeness, scores.v_measure) == pytest.approx((h, c, v), abs=1e-9)
    assert scores.table.dense().T.tolist() == oracle.cluster.contingency_matrix(gold, found).tolist()


@some
@given(wide | small)
def test_variation_of_information_is_entropies_less_twice_the_mutual_information(pairs):
    found, gold = map(list, zip(*pairs))
    entropy = sum(
        -(n / len(pairs)) * math.log(n / len(pairs)) for side in (found, gold) for n in Counter(side).values()
    )
    nats = entropy - 2 * oracle.mutual_info_score(gold, found)
    assert tagging_scores(found, gold).variation_of_information == pytest.approx(nats / math.log(2), abs=1e-9)


@some
@given(wide | small)
def test_many_to_one_of_a_plain_dictionary(pairs):
    tags = {cluster: Counter(tag for each, tag in pairs if each == cluster) for cluster, _ in pairs}
    scores = score(pairs)
    assert scores.many_to_one == sum(max(counts.values()) for counts in tags.values()) / len(pairs)
    first = {cluster: min(counts, key=lambda tag: (-counts[tag], tag)) for cluster, counts in tags.items()}
    assert scores.mapping() == first


@some
@given(small)
def test_one_to_one_of_all_permutations(pairs):
    scores = score(pairs)
    assert scores.one_to_one == brute_force(scores.table.dense()) / len(pairs)


@some
@given(wide)
def test_one_to_one_of_the_dense_assignment(pairs):
    from scipy.optimize import linear_sum_assignment

    scores = score(pairs)
    table = scores.table.dense()
    assert scores.one_to_one == table[linear_sum_assignment(table, maximize=True)].sum() / len(pairs)


@some
@given(small)
def test_the_one_to_one_mapping_is_one_and_gives_the_score(pairs):
    scores = score(pairs)
    mapping = scores.mapping(one_to_one=True)
    assert len(set(mapping.values())) == len(mapping) <= min(scores.n_clusters, scores.n_tags)
    assert sum(mapping.get(cluster) == tag for cluster, tag in pairs) == round(scores.one_to_one * len(pairs))
    mapping = scores.mapping()
    assert sum(mapping[cluster] == tag for cluster, tag in pairs) == round(scores.many_to_one * len(pairs))


# --- properties


@some
@given(small | wide)
def test_rates_are_numbers_in_their_bounds(pairs):
    rates = score(pairs).rates()
    vi = rates.pop("VI")
    assert all(0 <= rate <= 1 for rate in rates.values())
    assert 0 <= vi <= 2 * math.log2(len(pairs))
    assert rates["1-1"] <= rates["M-1"]


@some
@given(small, st.permutations(range(5)), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(pairs, names, rng):
    renamed = [(f"cluster {names[cluster]}", tag) for cluster, tag in pairs]
    rng.shuffle(renamed)
    assert score(renamed).rates() == pytest.approx(score(pairs).rates(), abs=1e-12)


@some
@given(wide)
def test_exchanging_the_sides(pairs):
    one, other = score(pairs), score([(tag, cluster) for cluster, tag in pairs])
    assert one.one_to_one == other.one_to_one
    assert one.homogeneity == pytest.approx(other.completeness, abs=1e-12)
    assert one.v_measure == pytest.approx(other.v_measure, abs=1e-12)
    assert one.variation_of_information == pytest.approx(other.variation_of_information, abs=1e-12)
    assert one.table.dense().tolist() == other.table.dense().T.tolist()


@some
@given(small)
def test_splitting_a_cluster_never_lowers_many_to_one_or_homogeneity(pairs):
    split = [(2 * cluster + k % 2, tag) for k, (cluster, tag) in enumerate(pairs)]
    assert score(split).many_to_one >= score(pairs).many_to_one
    assert score(split).homogeneity >= score(pairs).homogeneity - 1e-12


@some
@given(small)
def test_a_renaming_of_gold_is_perfect(pairs):
    scores = score([(tag.lower(), tag) for _, tag in pairs])
    assert scores.rates() == {"M-1": 1, "1-1": 1, "V": 1, "VI": 0, "H": 1, "C": 1}


@some
@given(small, st.lists(st.integers(1, 5), min_size=1, max_size=10), st.sampled_from([list, np.array]))
def test_sentences_score_as_their_tokens(pairs, cuts, kind):
    ends = sorted({min(end, len(pairs)) for end in np.cumsum(cuts).tolist()} | {len(pairs)})
    found, gold = (
        [kind([pair[side] for pair in pairs[a:b]]) for a, b in zip([0, 0, *ends], [0, *ends, len(pairs)])]
        for side in range(2)
    )
    assert tagging_scores(found, gold).rates() == score(pairs).rates()


# --- by hand


def test_a_case_by_hand():
    # cluster 5: DT 2; cluster 6: NN 3, DT 1; cluster 9: NN 1, VB 1
    found = [5, 5, 6, 6, 6, 6, 9, 9]
    gold = ["DT", "DT", "NN", "NN", "NN", "DT", "NN", "VB"]
    scores = tagging_scores(found, gold)
    assert (scores.n_clusters, scores.n_tags, scores.n_tokens, scores.n_without_gold) == (3, 3, 8, 0)
    assert (scores.many_to_one, scores.one_to_one, scores.accuracy) == (6 / 8, 6 / 8, None)
    assert scores.mapping() == {5: "DT", 6: "NN", 9: "NN"}
    assert scores.mapping(one_to_one=True) == {5: "DT", 6: "NN", 9: "VB"}
    given_cluster = (4 / 8) * -(3 / 4 * math.log2(3 / 4) + 1 / 4 * math.log2(1 / 4)) + (2 / 8) * 1
    of_tags = -(3 / 8 * math.log2(3 / 8) + 4 / 8 * math.log2(4 / 8) + 1 / 8 * math.log2(1 / 8))
    assert scores.homogeneity == pytest.approx(1 - given_cluster / of_tags)


@pytest.mark.parametrize(
    ("found", "gold", "expected"),
    [
        ([0], ["N"], (1, 1, 1, 0, 1, 1)),
        ([0, 0, 0], ["N", "N", "N"], (1, 1, 1, 0, 1, 1)),
        ([0, 0, 0, 0], ["N", "N", "V", "D"], (0.5, 0.5, 0, 1.5, 0, 1)),
        ([0, 0, 1, 2], ["N", "N", "N", "N"], (1, 0.5, 0, 1.5, 1, 0)),
        ([0, 0, 1, 1], ["N", "V", "N", "V"], (0.5, 0.5, 0, 2, 0, 0)),
    ],
)
def test_degenerate_cases(found, gold, expected):
    assert tuple(tagging_scores(found, gold).rates().values()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "gold",
    [["N", None, "V", None], np.array([3, -1, 4, -1]), [3, None, 4, -1], np.array(["N", None, "V", None], object)],
)
def test_tokens_without_gold_are_left_out(gold):
    scores = tagging_scores([0, 7, 1, -1], gold)
    assert (scores.n_tokens, scores.n_without_gold, scores.n_clusters, scores.one_to_one) == (2, 2, 2, 1)


@pytest.mark.parametrize(
    "labels",
    [np.array([2, 0, 2], np.int32), np.array([2, 0, 2], np.uint8), [np.int64(2), 0, 2], (2, 0, 2), [2**70, 0, 2**70]],
)
def test_any_integers_are_labels(labels):
    scores = tagging_scores(labels, np.array(["N", "V", "N"]))
    assert scores.one_to_one == 1
    assert all(type(name) is int for name in scores.table.clusters)
    assert all(type(name) is str for name in scores.table.tags)


@pytest.mark.parametrize(
    ("found", "gold", "accuracy"),
    [
        (["N", "V", "V"], ["N", "V", "N"], 2 / 3),
        (["N", "c7", "c7"], ["N", "V", "N"], 1 / 3),  # a semi-supervised tagger with clusters beside its tags
        (["N", "X", "X"], ["V", "V", "N"], 0),
        (["a", "b", "b"], ["N", "V", "N"], None),
        (["a", "b", "N"], ["N", "V", "N"], None),  # a name in common by chance
        (["0", "1", "1"], ["0", "1", "0"], None),  # numbers of two runs mean nothing to each other
        ([0, 1, 1], [0, 1, 0], None),
        ([-2, 1, 1], [-2, 1, 0], None),
    ],
)
def test_accuracy_only_where_names_are_shared(found, gold, accuracy):
    scores = tagging_scores(found, gold)
    assert scores.accuracy == accuracy
    assert ("Acc" in scores.rates()) == (accuracy is not None)


def test_signature():
    scores = tagging_scores(
        [[0, 1], [1, 1]], [["N", "V"], ["V", None]], gold_name="there/dev.conllu", column="upos", lines="1::8"
    )
    assert str(scores) == scores.signature()
    rates, facts = scores.signature().split(" | clusters ")
    assert rates == "M-1 100.00 | 1-1 100.00 | V 100.00 | VI 0.00 bits | H 100.00 | C 100.00"
    assert facts == (
        f"2 | tags 2 | tokens 3 | without gold 1 | gold dev.conllu | tag upos | lines 1::8 | emnlp {emnlp.__version__}"
    )
    assert "| C 100.00 | Acc 50.00 |" in tagging_scores(["N", "W"], ["N", "V"]).signature()
    assert "| gold <gold> | lines all |" in tagging_scores(["N", "W"], ["N", "V"]).signature()


def test_confusion():
    rows = tagging_scores([5, 5, 5, 6], ["N", "V", "N", "V"]).table.confusion()
    assert [row[:4] for row in rows] == [(5, 3, 0.75, "N"), (6, 1, 0.25, "V")]
    assert rows[0].tags == [("N", pytest.approx(2 / 3)), ("V", pytest.approx(1 / 3))]
    extra = tagging_scores([0, 0, 1], ["N", "N", "N"]).table.confusion()
    assert [row.own_tag for row in extra] == ["N", None]
    assert (
        repr(Contingency.of(np.array([0, 0]), np.array([0, 1]), [3], "NV"))
        == "Contingency(1 clusters, 2 tags, 2 tokens)"
    )


def test_more_clusters_than_memory_for_a_dense_table():
    n = 20_000  # a dense table of this would have 400 million cells
    scores = tagging_scores(np.arange(n), np.arange(n)[::-1])
    assert (scores.one_to_one, scores.v_measure) == (1, pytest.approx(1))
    assert tagging_scores(np.arange(n), np.zeros(n, int)).one_to_one == 1 / n


# --- input that cannot be scored


@pytest.mark.parametrize(
    ("found", "gold", "message"),
    [
        ([0, 1], ["N"], "2 labels found, but 1 gold tags"),
        ([[0], [0, 1]], [["N"], ["N"]], "sentence 1: 2 labels found, but 1 gold tags"),
        ([[0], [0]], [["N"]], "2 sentences of labels found, but 1 of gold"),
        ([0, 0], [["N", "N"]], "sentences on one side"),
        ([[0, 0]], np.array([1, 1]), "sentences on one side"),
        ([[0], 0], [["N"], ["N"]], "found: sentence 1 is 0, not a list"),
        ([], [], "<gold>: no token has a gold tag"),
        ([[]], [[]], "<gold>: no token has a gold tag"),
        ([0, 1], [None, -1], "<gold>: no token has a gold tag"),
        (np.zeros(0, int), np.zeros(0, int), "<gold>: no token has a gold tag"),
        ([0, -1], ["N", "V"], "token 1: a gold tag, but no label"),
        ([[0], [], [1, None]], [["N"], [], ["N", "V"]], "sentence 2, token 1: a gold tag, but no label"),
        ([0.5, 1.0], ["N", "V"], "found: 0.5 is not a label"),
        (np.array([0.0, np.nan]), ["N", "V"], "found: 0.0 is not a label"),
        ([0, "N"], ["N", "V"], "found: 'N' is not a label"),
        (["N", "V"], [None, b"N"], "<gold>: b'N' is not a label"),
        ([[[0]], [[1]]], [["N"], ["V"]], r"found: \[0\] is not a label"),
        ("NV", ["N", "V"], "found: expected labels, or sentences of labels, not 'NV'"),
        (3, ["N"], "found: expected labels"),
        (np.array(3), ["N"], "found: expected labels"),
    ],
)
def test_what_cannot_be_scored_is_said(found, gold, message):
    with pytest.raises(InputError, match=message):
        tagging_scores(found, gold)
