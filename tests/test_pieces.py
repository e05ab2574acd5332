"""Pairs that are too long: cut into pieces, aligned in time that grows with their length, and put together again."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import copy
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli_align import align, check_posteriors, folder, model, put  # noqa: F401

from emnlp import IBM1, IBM2, Agreement, Aligner, Bitext, HMMAligner, InputError, Links
from emnlp.corpus.pieces import Pieces
from emnlp.models.posteriors import block_diagonal
from emnlp.models.recipes import RECIPES, recipe, train
from emnlp.symmetrize import METHODS

SAMPLE = Path(__file__).parent.parent / "corpora" / "sample_en_fr"
TEXT = Bitext.read(SAMPLE / "train.en", SAMPLE / "train.fr", max_length=20)
PAIRS = list(TEXT)
sentences = st.lists(st.sampled_from("abc.15"), max_size=40)
corpora = st.lists(st.tuples(sentences, sentences), max_size=6)


@pytest.fixture(scope="module")
def aligner():
    return train(TEXT, recipe("hmm"))


def several(n):
    """Return one pair made of n pairs of the sample."""
    chosen = [PAIRS[k % len(PAIRS)] for k in range(n)]
    return [word for source, _ in chosen for word in source], [word for _, target in chosen for word in target]


# Cutting


@given(pairs=corpora, max_length=st.integers(1, 12))
def test_pieces_cover_the_long_pairs_and_no_others(pairs, max_length):
    bitext = Bitext.from_pairs(pairs, max_length=max_length)
    pieces = Pieces.of(bitext)
    assert set(pieces.lines.tolist()) == set(np.flatnonzero(bitext.too_long).tolist())
    lengths = np.stack([pieces.bitext.source.lengths, pieces.bitext.target.lengths], 1)
    assert lengths.max(initial=0) <= max_length
    assert (lengths.max(1) > 0).all()
    for line in set(pieces.lines.tolist()):
        of = np.flatnonzero(pieces.lines == line)
        parts = [pieces.bitext[k] for k in of]
        assert [[w for part in parts for w in part[side]] for side in (0, 1)] == [list(side) for side in bitext[line]]
        assert np.array_equal(pieces.firsts[of], np.cumsum(lengths[of], 0) - lengths[of])
        sizes = [len(side) for side in pairs[line]]
        assert -(-max(sizes) // max_length) <= len(of) <= -(-sum(sizes) // max_length)
        assert (lengths[of].min(1) > 0).any()


@given(n_source=st.integers(0, 60), n_target=st.integers(0, 60), max_length=st.integers(1, 25))
def test_shares_are_equal_where_nothing_says_otherwise(n_source, n_target, max_length):
    bitext = Bitext.from_pairs([(["a"] * n_source, ["x"] * n_target)], max_length=max_length)
    pieces = Pieces.of(bitext).bitext
    if bitext.usable[0] or bitext.blank[0]:
        assert len(pieces) == 0
        return
    assert len(pieces) == -(-max(n_source, n_target) // max_length)
    for lengths in (pieces.source.lengths, pieces.target.lengths):
        assert np.ptp(lengths) <= 2  # a token at either end goes to the nearest cut


def test_landmarks_lead_the_cuts():
    source = ["a"] * 30 + ["1999"] + ["b"] * 10 + ["2000"] + ["c"] * 20
    target = ["x"] * 25 + ["1999"] + ["y"] * 15 + ["2000"] + ["z"] * 20
    pieces = Pieces.of(Bitext.from_pairs([(source, target)], max_length=10))
    for s, t in pieces.bitext:
        assert {"1999", "2000"} & set(s) == {"1999", "2000"} & set(t)
    apart = Pieces.of(Bitext.from_pairs([(source, [word.replace("1999", "MIM") for word in target])], max_length=10))
    assert not any("1999" in s and "MIM" in t for s, t in apart.bitext)
    far = [*["a"] * 30, "1999", *["a"] * 30], ["1999", *["x"] * 60]  # too far from the diagonal to be the same
    assert len(Pieces.of(Bitext.from_pairs([far], max_length=20))) == 4


def test_a_bitext_of_either_limit():
    pairs = [(["a"] * 30, ["x"] * 30)]
    for limits in ((10, 200), (200, 10), (10, 10)):
        assert len(Pieces.of(Bitext.from_pairs(pairs, max_length=limits[0]), limits[1])) == 3
    assert len(Pieces.of(Bitext.from_pairs(pairs).reversed(), 10)) == 3
    assert len(Pieces.of(Bitext.from_pairs([]))) == 0


def test_links_go_back_to_their_places():
    bitext = Bitext.from_pairs([(["a"] * 4, ["x"] * 4), (["a"], ["x"]), (["a"] * 3, ["x"])], max_length=2)
    pieces = Pieces.of(bitext)
    assert list(pieces) == [(0, 0, 0), (0, 2, 2), (2, 0, 0), (2, 1, 0)]
    found = Links.from_lists([[(0, 1)], [(0, 0), (1, 1)], [], [(1, 0)]])
    whole = pieces.into(Links.from_lists([[], [(0, 0)], []]), found)
    assert list(whole) == [[(0, 1), (2, 2), (3, 3)], [(0, 0)], [(2, 0)]]
    assert whole.source.dtype == whole.target.dtype == np.int32


def test_a_block_diagonal():
    blocks = [np.array([[0, 1], [2, 3], [4, 5]]), np.ones((1, 3))]
    expected = [[0, 1, 1, 1, 1], [2, 3, 0, 0, 0], [4, 5, 0, 0, 0]]
    assert block_diagonal(blocks, 1).toarray().tolist() == expected


# Models


@pytest.mark.parametrize("name", RECIPES)
def test_other_pairs_are_not_affected(name):
    mixed = Bitext.from_pairs([*PAIRS[:5], several(9), *PAIRS[5:20], ([], ["la"]), several(40)], max_length=20)
    plain = Bitext.from_pairs([*PAIRS[:5], *PAIRS[5:20]], max_length=20)
    found = [k for k in range(len(mixed)) if mixed.usable[k]]
    fitted = train(TEXT, recipe(name))
    for each in (fitted, fitted.forward, fitted.reverse):
        sides = [each_.reversed() if each is fitted.reverse else each_ for each_ in (mixed, plain)]
        links, expected = (each.predict(side) for side in sides)
        assert [links[k] for k in found] == list(expected)
        assert all(links[k] for k in (5, 22))
        assert not links[21]
        for k, matrix in zip(found, each.predict_proba(sides[1])):
            np.testing.assert_array_equal(each.predict_proba(sides[0])[k], matrix)
    np.testing.assert_array_equal(fitted.scores(mixed)[found], fitted.scores(plain))
    rows = list(fitted.posteriors(mixed))
    assert [row.line for row in rows] == list(range(len(mixed)))
    for k, row in zip(found, fitted.posteriors(plain)):
        assert (rows[k].links, rows[k].null_target) == (row.links, row.null_target)
    assert train(mixed, recipe(name)).params_["forward.lexical"].tolist() == (
        train(plain, recipe(name)).params_["forward.lexical"].tolist()  # long pairs train nothing
    )


@settings(max_examples=30, deadline=None)
@given(pairs=corpora, method=st.sampled_from(METHODS), max_length=st.integers(1, 20))
def test_what_is_said_of_a_pair_is_what_is_said_of_its_pieces(aligner, pairs, method, max_length):
    bitext = Bitext.from_pairs(pairs, max_length=max_length)
    pieces = Pieces.of(bitext)
    aligner = copy.copy(aligner)
    aligner.symmetrize = method
    links, rows, scores = aligner.predict(bitext), list(aligner.posteriors(bitext)), aligner.scores(bitext)
    both, forward = aligner.predict_proba(bitext), aligner.forward.predict_proba(bitext)
    apart = list(aligner.posteriors(pieces.bitext)) if len(pieces) else []
    for line in range(len(bitext)):
        source, target = (len(side) for side in bitext[line])
        assert [row[:2] for row in rows[line].links] == links[line] == sorted(set(links[line]))
        assert both[line].shape == (source, target)
        assert forward[line].shape == (source + 1, target)
        assert np.isnan(scores[line]).all() == bitext.blank[line]
        if not bitext.blank[line]:
            assert (len(rows[line].null_source), len(rows[line].null_target)) == (source, target)
            np.testing.assert_allclose(forward[line].sum(0), 1)
        of = np.flatnonzero(pieces.lines == line)
        assert isinstance(both[line], np.ndarray) == (len(of) == 0)
        if len(of):
            shifted = [
                (i + s, j + t, p) for k in of for s, t in [pieces.firsts[k].tolist()] for i, j, p in apart[k].links
            ]
            assert rows[line].links == shifted
            parts = aligner.scores(pieces.bitext)[of]
            assert scores[line, 0] == pytest.approx(np.nansum(parts[:, 0]))
            tokens = np.nansum(parts[:, 0] / parts[:, 1])
            assert scores[line, 1] == pytest.approx(np.nansum(parts[:, 0]) / tokens)


def test_the_same_links_as_pair_by_pair(aligner):
    source, target = several(60)
    right, i, j = [], 0, 0
    for k in range(60):
        s, t = PAIRS[k % len(PAIRS)]
        right += [(i + a, j + b) for a, b in aligner.align(s, t)]
        i, j = i + len(s), j + len(t)
    found = aligner.align(source, target)
    assert len(set(found) & set(right)) > 0.75 * len(right)
    assert aligner.align([word.upper() for word in source[:5]], target[:5]) is not None


@pytest.mark.parametrize("kind", [IBM1, IBM2, HMMAligner])
def test_one_direction(kind):
    fitted = kind().fit(TEXT)
    links = fitted.predict([several(30)])[0]
    assert len(links) > 150
    assert fitted.align(*several(30)) == links


def test_very_long_pairs(aligner):
    rng = np.random.default_rng(0)
    vocabularies = TEXT.source.vocabulary.words, TEXT.target.vocabulary.words
    wide = train(Bitext(TEXT.source, TEXT.target), recipe("hmm-fast"))
    for n_source, n_target in ((30_000, 25_000), (1, 5_000), (5_000, 1), (50_000, 200)):
        pair = [
            [words[k] for k in rng.integers(len(words), size=n)] for words, n in zip(vocabularies, (n_source, n_target))
        ]
        begin = time.perf_counter()
        for each in (aligner, wide, wide.forward):
            links = np.array(each.align(*pair)).reshape(-1, 2)
            assert (links >= 0).all()
            assert (links < [n_source, n_target]).all()
            matrix = each.predict_proba([pair])[0]
            assert matrix.shape[1] == n_target
            assert matrix.nnz <= (n_source + n_target) * 200
        assert np.isfinite(wide.scores([pair])).all()
        row = next(wide.posteriors([pair]))
        assert (len(row.null_source), len(row.null_target)) == (n_source, n_target)
        assert time.perf_counter() - begin < 60


def test_a_bitext_names_its_limit():
    with pytest.raises(InputError, match="1 to 1000; longer pairs are cut"):
        Bitext.from_pairs([], max_length=1001)


def test_agreement_needs_no_more():
    fitted = Agreement(rounds=1).fit(TEXT, start=Aligner().fit(TEXT))
    assert len(fitted.align(*several(30))) > 150


# The command line


def test_the_command_says_it(align, model):
    source, target = (" ".join(side) for side in several(80))
    put("a", f"the house\n{source}\n\n{source}\n")
    put("b", f"la maison\n{target}\nx\n{target}\n")
    status, out, err = align("a", "b", "--load", model, "--posteriors", "p", "--scores", "s")
    lines = out.split("\n")
    assert (status, len(lines), lines[2]) == (0, 5, "")
    assert lines[1] == lines[3]
    assert len(lines[1].split()) > 400
    assert "2 pairs are longer than 200 tokens, first a:2; such pairs are aligned in pieces of at most 200" in err
    assert "1 pair is blank on a side, first a:3; no links there" in err
    check_posteriors("p", 4)
    rows = [json.loads(line) for line in Path("p").read_text().splitlines()]
    assert [f"{i}-{j}" for i, j, _ in rows[1]["links"]] == lines[1].split()
    assert [line == "-\t-" for line in Path("s").read_text().splitlines()] == [False, False, True, False]
    again = align("a", "b", "--load", model, "--max-length", "10", "-q")
    assert "longer than 10 tokens, first a:2; such pairs are aligned in pieces of at most 10" in again[2]
    assert again[1] != out


def test_threads_give_the_same_bytes(align, model):
    put("x", "\n".join(" ||| ".join(" ".join(side) for side in several(n)) for n in (3, 300, 2, 77)))
    for n in ("1", "2"):
        assert align("x", "-q", "--load", model, "--threads", n, "-o", f"o{n}", "--posteriors", f"p{n}")[0] == 0
    for name in "op":
        assert Path(f"{name}1").read_bytes() == Path(f"{name}2").read_bytes()
