"""Symmetrisation against a plain implementation of its pseudo-code, and its properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emnlp import IBM1, Aligner, InputError, Links
from emnlp.symmetrize import HEURISTICS, symmetrize

NEIGHBOURS = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]


def plain(forward, reverse, method):
    """Koehn, Och & Marcu 2003, as in the pseudo-code that everybody copies; sets of points, no arrays."""
    union, points = forward | reverse, forward & reverse
    if method == "union":
        return union
    n = 1 + max((max(point) for point in union), default=0)

    def done(point):
        return any(i == point[0] for i, _ in points), any(j == point[1] for _, j in points)

    if method.startswith("grow-diag"):
        grown = True
        while grown:
            grown = False
            for i in range(n):
                for j in range(n):
                    if (i, j) not in points:
                        continue
                    for di, dj in NEIGHBOURS:
                        new = (i + di, j + dj)
                        if new in union and new not in points and not all(done(new)):
                            points.add(new)
                            grown = True
    if method.startswith("grow-diag-final"):
        for direction in (forward, reverse):
            for new in sorted(direction):
                free = [not each for each in done(new)]
                if new not in points and (all(free) if method.endswith("and") else any(free)):
                    points.add(new)
    return points


points = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(points, points), min_size=1, max_size=3), st.sampled_from(HEURISTICS))
def test_equals_the_pseudo_code(pairs, method):
    forward, reverse = (Links.from_lists([sorted(pair[side]) for pair in pairs]) for side in (0, 1))
    found = symmetrize(forward, reverse, method)
    assert [set(links) for links in found] == [plain(set(f), set(r), method) for f, r in pairs]
    assert all(links == sorted(links) for links in found)


@settings(max_examples=50, deadline=None)
@given(points, points)
def test_the_methods_are_nested(one, other):
    each = [Links.from_lists([sorted(side)]) for side in (one, other)]
    intersection, union, grown, final, final_and = (set(symmetrize(*each, method)[0]) for method in HEURISTICS)
    assert intersection <= grown
    assert grown <= final_and <= union
    assert grown <= final <= union


def test_refuses_what_does_not_fit():
    with pytest.raises(InputError, match="2 sentence pairs forward, 1 reverse"):
        symmetrize(Links.from_lists([[], []]), Links.from_lists([[]]))
    with pytest.raises(InputError, match="posteriors"):
        symmetrize(Links.from_lists([[]]), Links.from_lists([[]]), "product")
    with pytest.raises(InputError, match="not known"):
        symmetrize(Links.from_lists([[]]), Links.from_lists([[]]), "grow")


PAIRS = [(["a", "b", "c"], ["x", "y"]), (["b"], ["y"]), ([], ["x"]), (["c", "a"], ["z", "x", "x"])]


@pytest.mark.parametrize("method", HEURISTICS)
def test_an_aligner_combines_the_links_of_its_directions(method):
    aligner = Aligner(forward=IBM1(), reverse=IBM1(), symmetrize=method).fit(PAIRS)
    forward, reverse = (aligner.only(name).predict(PAIRS) for name in ("forward", "reverse"))
    assert aligner.predict(PAIRS) == symmetrize(forward, reverse, method)
    assert forward == aligner.forward.predict(PAIRS)
    back = [(t, s) for s, t in PAIRS]
    assert reverse == aligner.reverse.predict(back).reversed()


@pytest.mark.parametrize("method", ["product", "mean"])
def test_an_aligner_combines_the_posteriors_of_its_directions(method):
    aligner = Aligner(symmetrize=method, threshold=0.3).fit(PAIRS)
    forward = aligner.forward.predict_proba(PAIRS)
    reverse = aligner.reverse.predict_proba([(t, s) for s, t in PAIRS])
    for k, found in enumerate(aligner.predict_proba(PAIRS)):
        one, other = forward[k][1:], reverse[k][1:].T
        expected = np.sqrt(one * other) if method == "product" else (one + other) / 2
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert aligner.predict(PAIRS)[k] == list(zip(*(axis.tolist() for axis in np.nonzero(expected > 0.3))))
    for k, posterior in enumerate(aligner.posteriors(PAIRS)):
        assert posterior.line == k
        assert [(i, j) for i, j, _ in posterior.links] == aligner.predict(PAIRS)[k]
        if PAIRS[k][0] and PAIRS[k][1]:
            np.testing.assert_allclose(posterior.null_target, forward[k][0])
            np.testing.assert_allclose(posterior.null_source, reverse[k][0])


def grown(points, candidates):
    """Grow points by candidates, as on a blackboard."""
    points = points.copy()
    source, target = points.any(1), points.any(0)
    while True:
        before = points.copy()
        for i, j in np.ndindex(points.shape):
            for a, b in NEIGHBOURS if points[i, j] else []:
                x, y = i + a, j + b
                inside = 0 <= x < points.shape[0] and 0 <= y < points.shape[1]
                if inside and candidates[x, y] and not points[x, y] and not (source[x] and target[y]):
                    points[x, y] = source[x] = target[y] = True
        if (points == before).all():
            return points


def test_product_grow_is_the_product_and_its_neighbours():
    pairs = [(s.split(), t.split()) for s, t in (("a b c", "x y z"), ("a b", "y x x"), ("c", "z"), ("b c a", "y"))]
    aligner = Aligner(forward=IBM1(), reverse=IBM1(), max_iter=4, symmetrize="product-grow").fit(pairs)
    one, other = aligner.forward.predict_proba(pairs), aligner.reverse.predict_proba([(t, s) for s, t in pairs])
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6):
        aligner.threshold = threshold
        for found, forward, reverse in zip(aligner.predict(pairs), one, other):
            f, r = forward[1:], reverse[1:].T
            expected = grown(np.sqrt(f * r) > threshold, np.maximum(f, r) > threshold)
            assert found == [tuple(point) for point in np.argwhere(expected).tolist()]
    aligner.symmetrize = "product"
    fewer = aligner.predict(pairs)
    aligner.symmetrize = "product-grow"
    assert all(set(a) <= set(b) for a, b in zip(fewer, aligner.predict(pairs)))
