"""Feature templates against plain definitions of them."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_features import PAIRS, TENTHS, WORDS, bin_of, distance

from emnlp import features as templates
from emnlp import storage
from emnlp.errors import InputError
from emnlp.features import (
    Binned,
    BothNumbers,
    Capital,
    ClassPair,
    Columns,
    Constant,
    Custom,
    CustomPair,
    Digit,
    EditDistance,
    Feature,
    InDictionary,
    LengthRatio,
    PairFeature,
    Prefixes,
    SameSpelling,
    Shape,
    SharedPrefix,
    SharedSuffix,
    Slot,
    StemPair,
    Suffixes,
    Word,
    WordFeature,
    WordLength,
    bins,
    register,
    stacked,
)
from emnlp.features.base import edges_of, labels, written
from emnlp.support import Support

EXAMPLES = settings(max_examples=80, deadline=None)
LETTERS = "abcABXéÉßİıσςΣǅдД日हि\u0301\u0327\u0130-‐.,$`1٣²½ _'😀"
words = st.one_of(
    st.none(),
    st.text(LETTERS, max_size=6),
    st.text(max_size=6),
    st.text("ab", min_size=60, max_size=140),
    st.sampled_from(["", "the", "The", "1,000", "1.000", "1998-99", "...", "Berlin-2010", "naïve", "naive", "\ud800x"]),
)
lists = st.lists(words, max_size=8)


@st.composite
def supports(draw):
    """Some pairs of some words, in any order."""
    source, target = draw(lists), draw(lists)
    cells = [(c, o) for c in range(len(source)) for o in range(len(target))]
    some = draw(st.lists(st.sampled_from(cells), unique=True, max_size=30)) if cells else []
    return Support.pairs(*(zip(*some, strict=True) if some else ((), ())), len(source), len(target), (source, target))


def pairs_of(support):
    return [
        (support.names[0][c], support.names[1][o]) for c, o in zip(support.conditions, support.outcomes, strict=True)
    ]


def fired(columns):
    """The names of what fires in each row; all entries are 1, and the matrix is what the factor expects."""
    matrix = columns.matrix
    assert matrix.dtype == np.float64
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.has_canonical_format
    assert (matrix.data == 1).all()
    assert matrix.shape == (len(columns), len(columns.names))
    assert len(set(columns.names)) == len(columns.names)
    return [
        {columns.names[k] for k in matrix.indices[a:b].tolist()}
        for a, b in zip(matrix.indptr, matrix.indptr[1:], strict=False)
    ]


@pytest.mark.parametrize("feature", WORDS, ids=str)
@EXAMPLES
@given(some=lists)
def test_word_templates_are_their_definitions(feature, some):
    always = {"constant"} if feature == Constant() else set()
    columns = feature.columns(some)
    assert fired(columns) == [always if word is None else WORDS[feature](word) for word in some]
    assert fired(feature.columns(tuple(some))) == fired(columns)


@pytest.mark.parametrize("feature", PAIRS, ids=str)
@EXAMPLES
@given(support=supports())
def test_pair_templates_are_their_definitions(feature, support):
    expected = [set() if None in pair else PAIRS[feature](*pair) for pair in pairs_of(support)]
    assert fired(feature.columns(support)) == expected


@EXAMPLES
@given(
    source=st.lists(st.text("abc", max_size=200), max_size=4),
    target=st.lists(st.text("abcd", max_size=200), max_size=4),
)
def test_edit_distances_of_long_words(source, target):
    """Each distance of two words of one length is a bin of its own."""
    longest = max(map(len, source + target), default=1) or 1
    padded = [[word.ljust(longest, "-") for word in side] for side in (source, target)]
    edges = tuple((k - 0.5) / longest for k in range(1, longest + 1))
    support = Support.dense(len(source), len(target), tuple(padded))
    columns = EditDistance(edges).columns(support)
    assert columns.matrix.indices.tolist() == [distance(s, t) for s in padded[0] for t in padded[1]]


def test_pages_are_compared_by_their_beginning():
    page = "ab" * 100_000
    support = Support.dense(3, 3, ([page, "a" * 1024, "x"], [page + "b", "b" * 1024 + "c", None]))
    names = fired(EditDistance(4, lowercase=False).columns(support))
    assert names[0] == {"edit-distance<0.25"}  # the same 1,024 characters
    assert names[1] == {"0.5<=edit-distance<0.75"}
    assert names[3] == {"0.5<=edit-distance<0.75"}
    assert names[6] == names[7] == {"edit-distance>=0.75"}
    assert names[8] == set()
    assert fired(SharedPrefix(5).columns(support))[0] == {"lower-shared-prefix>=5"}


@given(st.lists(st.text("aàbcdé-", max_size=9), min_size=1, max_size=6), st.sampled_from([0.05, 0.3, 0.5, 0.99, 1.0]))
def test_edit_distance_below_leaves_out_the_other_bins_alone(words, below):
    """Pairs that cannot be near enough are not compared; the others have the bins that they would have had."""
    long = [word + "xyz" * 30 + word[::-1] for word in words[:2]]
    sides = [*words, *long, None], [None, *long, *words]
    pairs = Support.dense(len(sides[0]), len(sides[1]), sides)
    some, every = (EditDistance(10, below=least).columns(pairs) for least in (below, np.inf))
    assert list(some.names) == list(every.names)[: len(some.names)]
    np.testing.assert_array_equal(some.matrix.toarray(), every.matrix.toarray()[:, : len(some.names)])


def test_stems_that_several_pairs_share():
    left, right = ["house", None, "Houses", "dog", "houseboat"], ["maison", "chien", None, "maisons", "Maïs"]
    pairs = Support.pairs([0, 3, 2, 4, 1, 0, 3], [0, 1, 3, 4, 0, 2, 3], 5, 5, (left, right))
    columns = StemPair(4).columns(pairs)
    assert list(columns.names) == ["stems=hous|mais"]
    assert columns.matrix.toarray().ravel().tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert sorted(StemPair(4, 1).columns(pairs).names) == ["stems=dog|chie", "stems=dog|mais", "stems=hous|mais"]


@EXAMPLES
@given(some=lists)
def test_a_column_fires_on_the_words_that_its_name_says(some):
    for feature, name, says in (
        (Suffixes(4), "suffix=", str.endswith), (Prefixes(4), "prefix=", str.startswith), (Word(), "word=", str.__eq__),
    ):  # fmt: skip
        columns = feature.columns(some)
        dense = columns.matrix.toarray().T.tolist()
        for column, values in zip(columns.names, dense, strict=True):
            part = column.removeprefix(name)
            form = (lambda word: word) if name == "word=" else written
            assert values == [float(word is not None and says(form(word), part)) for word in some]


def test_characters_are_composed_and_cased_as_unicode_says():
    assert Suffixes(1).columns(["café", "café"]).names == ["suffix=é"]
    assert Suffixes(1, lowercase=True).columns(["ΟΔΟΣ", "οδος"]).names == ["lower-suffix=ς"]
    assert Capital().columns(["İstanbul", "ısı", "Ὀδυσσεύς", "ǅ", "1A", "日"]).matrix.toarray().ravel().tolist() == [
        1, 0, 1, 1, 0, 0,
    ]  # fmt: skip
    assert Shape().columns(["नमस्ते", "ét́", "٣٤٥"]).names == ["shape=oo", "shape=xx", "shape=dd"]
    assert Digit().columns(["x²", "½", "٣"]).counts.tolist() == [1]
    turkish = Support.dense(1, 2, (["İZMİR"], ["i̇zmi̇r", "izmir"]))
    assert fired(SharedPrefix(9).columns(turkish))[0] == {"lower-shared-prefix=7"}
    assert fired(SharedPrefix(5, accents=False).columns(turkish)) == [{"lower-plain-shared-prefix>=5"}] * 2


@EXAMPLES
@given(support=supports(), edges=st.lists(st.integers(-3, 3), unique=True).map(sorted), data=st.data())
def test_bins_of_a_number(support, edges, data):
    number = st.one_of(st.floats(-4, 4), st.integers(-4, 4), st.sampled_from([np.nan, np.inf, -np.inf]))
    values = data.draw(st.lists(number, min_size=len(support), max_size=len(support)))
    feature = Binned("dice", edges)
    told = [set() if np.isnan(value) else bin_of(value, edges, "dice") for value in values]
    known = support.having(dice=lambda: np.array(values, np.float64))
    expected = [set() if None in pair else name for pair, name in zip(pairs_of(support), told, strict=True)]
    assert fired(feature.columns(known)) == expected
    nameless = Support.pairs(known.conditions, known.outcomes, known.n_conditions, known.n_outcomes)
    assert fired(feature.columns(nameless.having(dice=lambda: np.array(values)))) == told
    with pytest.raises(InputError, match="no feature 'dice' here"):
        feature.columns(support)


@EXAMPLES
@given(support=supports())
def test_a_slot_is_a_column_even_of_null(support):
    columns = Slot().columns(support)
    assert columns.matrix.toarray().tolist() == np.eye(len(support)).tolist()
    named = [f"slot={'NULL' if s is None else s}|{'NULL' if t is None else t}" for s, t in pairs_of(support)]
    assert list(columns.names) == named
    nameless = Slot().columns(Support.pairs(support.conditions, support.outcomes, 99, 99))
    assert list(nameless.names) == [f"slot={c}|{o}" for c, o in zip(support.conditions, support.outcomes, strict=True)]


@EXAMPLES
@given(support=supports())
def test_the_other_direction_has_the_same_features(support):
    for feature in PAIRS:
        if not isinstance(feature, InDictionary | ClassPair | StemPair):
            assert fired(feature.columns(support)) == fired(feature.columns(support.transpose()))


EVERY = [*WORDS, *PAIRS, Slot(), Binned("dice", (0.1, 2)), Binned("dice", ())]


def test_every_template_is_tested():
    def kinds(kind):
        return {kind} | {each for sub in kind.__subclasses__() for each in kinds(sub)}

    ours = {kind for kind in kinds(Feature) if kind.__module__.startswith("emnlp.features.")}
    assert {type(feature) for feature in EVERY} == ours - {Feature, WordFeature, PairFeature}
    assert ours <= {getattr(templates, name) for name in templates.__all__}
    assert all(storage.Saved.registered[kind.__name__] is kind for kind in ours)


@pytest.mark.parametrize("feature", EVERY, ids=str)
def test_round_trip_through_a_header(feature):
    again = storage.build(json.loads(json.dumps(storage.describe(feature))))
    assert again == feature
    assert hash(again) == hash(feature)
    assert type(again) is type(feature)
    assert all(again != other for other in EVERY if other is not feature)
    support = Support.dense(2, 2, (["the", None], ["The", "x"])).having(dice=lambda: np.arange(4.0))
    of = ["the", None, "B-2"] if isinstance(feature, WordFeature) else support
    assert fired(again.columns(of)) == fired(feature.columns(of))


@pytest.mark.parametrize("feature", EVERY, ids=str)
def test_nothing_to_fire_on(feature):
    if isinstance(feature, WordFeature):
        assert len(feature.columns([])) == 0
        assert feature.columns([None, None]).matrix.nnz == 2 * (feature == Constant())
        return
    for names in ((), ()), ([None, "a"], ["b", None]):
        empty = Support.pairs([], [], len(names[0]), len(names[1]), names).having(dice=lambda: np.empty(0))
        columns = feature.columns(empty)
        assert columns.matrix.shape == (0, len(columns.names))
    null = Support.dense(2, 2, ([None, "a"], ["b", None])).having(dice=lambda: np.zeros(4))
    silent = [row for row, pair in zip(fired(feature.columns(null)), pairs_of(null), strict=True) if None in pair]
    assert isinstance(feature, Slot) or silent == [set()] * 3


@EXAMPLES
@given(some=lists, others=lists, least=st.integers(0, 4))
def test_columns_stack_cut_and_line_up(some, others, least):
    parts = [feature.columns(some) for feature in (Suffixes(2), Constant(), Shape(), Word())]
    rows = [set().union(*row) for row in zip(*map(fired, parts), strict=True)]
    columns = stacked(parts)
    assert fired(columns) == rows
    assert list(columns.names) == [name for part in parts for name in part.names]
    assert columns.counts.tolist() == [sum(name in row for row in rows) for name in columns.names]
    kept, dropped = columns.cut(least)
    frequent = {name for name, count in zip(columns.names, columns.counts.tolist(), strict=True) if count >= least}
    assert list(kept.names) == [name for name in columns.names if name in frequent]
    assert fired(kept) == [row & frequent for row in rows]
    assert dropped == len(columns.names) - len(frequent)
    new = stacked([feature.columns(others) for feature in (Word(), Suffixes(2))])
    lined = new.named(kept.names)
    assert list(lined.names) == list(kept.names)
    assert fired(lined) == [row & frequent for row in fired(new)]


def test_columns_of_slots_stack_and_cut_without_making_their_names():
    support = Support.dense(3, 2, (["a", "b", None], ["a", "x"]))
    columns = stacked([SameSpelling().columns(support), Slot().columns(support)])
    assert list(columns.names)[:4] == ["same", "same-lower", "slot=a|a", "slot=a|x"]
    assert columns.names[-1] == "slot=NULL|x"
    kept, dropped = columns.cut(1)
    assert (len(kept.names), dropped) == (8, 0)
    assert fired(kept)[0] == {"same", "same-lower", "slot=a|a"}
    kept, dropped = stacked([LengthRatio().columns(support), Slot().columns(support)]).cut(1)
    assert list(kept.names)[:2] == ["length-ratio>=0.8", "slot=a|a"]
    assert dropped == 4
    with pytest.raises(IndexError):
        kept.names[len(kept.names)]
    assert fired(kept.named(["slot=b|x"]))[3] == {"slot=b|x"}


def test_stacking_what_does_not_fit():
    assert stacked([], 3).matrix.shape == (3, 0)
    with pytest.raises(InputError, match="different numbers"):
        stacked([Word().columns(["a"]), Word().columns(["a", "b"])])
    with pytest.raises(InputError, match="'suffix=a'; give each feature once"):
        stacked([Suffixes(2).columns(["a"]), Suffixes(3).columns(["a"])])
    with pytest.raises(InputError, match="2 names"):
        Columns(Word().columns(["a"]).matrix, ["a", "b"])


def test_a_dictionary_is_read_and_saved(tmp_path):
    path = tmp_path / "dictionary"
    path.write_text("# animals\ndog\thund\nguinea pig\tmeerschweinchen\t3\ncat\tkatze\t0\n")
    feature = InDictionary.read(path)
    assert feature.entries == (("dog", "hund"), ("guinea", "meerschweinchen"), ("pig", "meerschweinchen"))
    path.write_text("LEX\t<NULL>\tund\t2\nLEX\tDog\tHund\t2\n")
    feature = InDictionary.read(path, lowercase=True)
    assert feature == InDictionary([["Dog", "Hund"]], True)
    assert fired(feature.columns(Support.dense(1, 2, (["DOG"], ["hund", "und"])))) == [{"lower-in-dictionary"}, set()]
    assert "Dog" not in repr(feature)
    path.write_text("dog hund\n")
    with pytest.raises(InputError, match="dictionary:1: expected source TAB target"):
        InDictionary.read(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Suffixes(0), "Suffixes: 0 is not a number of characters"),
        (lambda: Prefixes(1.5), "Prefixes: 1.5"),
        (lambda: SharedSuffix(-1), "SharedSuffix: -1"),
        (lambda: WordLength(5), "WordLength: 5 are no edges"),
        (lambda: WordLength("12"), "WordLength: '12' are no edges"),
        (lambda: EditDistance(0), "no 0 bins"),
        (lambda: EditDistance((0.5, 0.5)), "have to ascend"),
        (lambda: LengthRatio((0.5, np.nan)), "LengthRatio.* no edges"),
        (lambda: Binned("dice", ("a",)), "Binned"),
        (lambda: bins(1, 1, 2), "no 2 bins from 1 to 1"),
        (lambda: bins(0, 1, 2, log=True), "above 0"),
        (lambda: InDictionary((("a",),)), "expected pairs"),
        (lambda: InDictionary("ab"), "expected pairs"),
        (lambda: InDictionary((("a", None),)), "expected pairs"),
        (lambda: ClassPair((("a", "X"), ("a", "Y")), ()), "two classes"),
        (lambda: ClassPair({"a": 1}, {}), "expected pairs"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_edges():
    assert bins(0, 1, 1) == ()
    assert labels("dice", ()) == ["dice"]
    assert edges_of(np.array([0.25, 3]), "x") == (0.25, 3)
    assert labels("x", (1.00000001, 1.00000002)) == ["x<1.00000001", "1.00000001<=x<1.00000002", "x>=1.00000002"]
    assert bins(0, 1, 10) == TENTHS
    assert Binned("x", [1, 2]) == Binned("x", (1.0, 2.0))


@pytest.mark.parametrize("feature", PAIRS, ids=str)
def test_a_support_without_names(feature):
    with pytest.raises(InputError, match="no names"):
        feature.columns(Support.dense(2, 2))


def test_a_function_that_is_not_registered_is_named_with_what_to_do():
    for kind, of in (("Custom", "word"), ("CustomPair", "source_word, target_word")):
        with pytest.raises(InputError) as error:
            storage.build({"is": kind, "name": "stress"})
        assert f"import the module that defines it: @emnlp.features.register('stress') above def stress({of})" in str(
            error.value
        )
    with pytest.raises(InputError, match=r"takes 2 words; use CustomPair\('overlap'\)"):
        Custom("overlap")
    with pytest.raises(InputError, match=r"takes 1 words; use Custom\('length class'\)"):
        CustomPair("length class")


def test_registering():
    @register("again")
    def again(word):
        return "first"

    feature = Custom("again")
    assert feature.columns(["a"]).names == ["again=first"]

    def other(word):
        return "second"

    with pytest.raises(InputError, match="registered already"):
        register("again")(other)
    other.__qualname__ = again.__qualname__  # the cell of a notebook, run once more
    assert register("again")(other) is other
    assert feature.columns(["a"]).names == ["again=second"]
    for wrong in (lambda: None, lambda a, b, c: None, lambda *words: None, print):
        with pytest.raises(InputError, match="expected a function"):
            register("wrong")(wrong)
    register("with a default")(lambda word, n=2: word[:n])
    assert Custom("with a default").columns(["abc"]).names == ["with a default=ab"]


@pytest.mark.parametrize("value", [3, True, ["a", 3], b"a"])
def test_what_a_function_may_return(value):
    register("strange")(lambda word: value)
    register("strange pair")(lambda source, target: value)
    with pytest.raises(InputError, match=r"'strange' returned .* for 'a'; return a string"):
        Custom("strange").columns(["a"])
    with pytest.raises(InputError, match="'strange pair' returned"):
        CustomPair("strange pair").columns(Support.dense(1, 1, (["a"], ["b"])))


@dataclass(frozen=True)
class Doubled(WordFeature):
    """A template of a user's own."""

    times: int = 2

    def fires(self, word):
        return [f"doubled={letter}" for letter in word if letter * self.times in word]


def test_a_template_of_ones_own_is_saved():
    again = storage.build(storage.describe(Doubled(3)))
    assert again == Doubled(3)
    assert fired(again.columns(["baaab", None, "baab"])) == [{"doubled=a"}, set(), set()]


def test_real_words(real):
    """Templates on a real lexicon: what French and English have in common."""
    from emnlp import Bitext
    from emnlp.models.lexicon import lexical_support

    folder = real("hansards_en_fr")
    bitext = Bitext.read(folder / "dev.en", folder / "dev.fr")
    support = lexical_support(bitext.pairs)
    pairs = pairs_of(support)
    for feature in (EditDistance(), SharedPrefix(3), BothNumbers(), SameSpelling(), LengthRatio(2)):
        expected = [set() if None in pair else PAIRS[feature](*pair) for pair in pairs]
        assert fired(feature.columns(support)) == expected
        assert any(expected)
