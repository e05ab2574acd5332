"""Back-off against dictionaries."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import backoff
from zoo import EXAMPLE

from emnlp import IBM1, Backoff, Bitext, Categorical, Fixed, HMMAligner, InputError, Jump, load
from emnlp.factors.backoff import Classing, Prefix
from emnlp.support import Support

EXAMPLES = settings(max_examples=60, deadline=None)
SOURCE = [None, "Élève", "eleve", "élevé", "elevate", "a", "", "None", "HAUS", "Häuser", "häuser", "日本", "日本語"]
TARGET = ["", "x", "X", "Xy", "xyz", "naïve", "naive", "ﬁ", "fi", "ß", "ss", "İ", "i"]


@dataclass(frozen=True)
class Length(Classing):
    """A user's own classes: words of so many letters, counted up to a most."""

    most: int = 3

    def key(self, name):
        return str(min(len(name), self.most))


@dataclass(frozen=True)
class Everything(Classing):
    """One class."""

    def key(self, name):
        return ""


@dataclass(frozen=True)
class Nothing(Classing):
    """A class each."""

    def key(self, name):
        return name


classings = st.sampled_from([Prefix(), Prefix(1), Prefix(0), Length(), Length(1), Everything(), Nothing()])
tables = st.lists(
    st.tuples(st.sampled_from(range(len(SOURCE))), st.sampled_from(range(len(TARGET)))), min_size=1, unique=True
)


def class_of(classing):
    """NULL is a class of its own, whatever the words' classes are called."""
    return lambda name: (name is None, None if name is None else classing.key(name))


@EXAMPLES
@given(
    cells=tables, conditions=classings, outcomes=classings, strength=st.sampled_from([0.5, 20.0]),
    smoothing=st.sampled_from([1e-3, 0.1, 5.0]), alpha=st.sampled_from([1.0, 1.5]), seed=st.integers(0, 99),
)  # fmt: skip
def test_pseudo_counts_are_those_of_dictionaries(cells, conditions, outcomes, strength, smoothing, alpha, seed):
    support = Support.pairs(*zip(*cells, strict=True), len(SOURCE), len(TARGET), (SOURCE, TARGET))
    factor = Categorical(alpha, Backoff(strength, conditions, outcomes, smoothing)).bind(support)
    rng = np.random.default_rng(seed)
    counts = rng.gamma(0.5, size=len(support)) * rng.integers(0, 2, len(support))
    named = {(SOURCE[c], TARGET[o]): count for (c, o), count in zip(cells, counts, strict=True)}
    told = backoff(named, strength, smoothing, class_of(conditions), class_of(outcomes), TARGET)
    total = np.array([named[pair] + told[pair] + alpha - 1 for pair in named])
    np.testing.assert_allclose(factor.maximize(counts, factor.start()), support.normalise(total), rtol=1e-11)
    before = counts.copy()
    factor.maximize(counts, factor.start())
    assert np.array_equal(counts, before)  # they are the caller's


def test_prefixes():
    key = Prefix(4).key
    assert [key(word) for word in ("Élevé", "élevé", "elevation", "ÉLEVER")] == ["elev"] * 4  # composed or not
    assert [key(word) for word in ("", "a", "日本語を話す", "été")] == ["", "a", "日本語を", "ete"]
    assert Prefix(0).key("word") == ""
    numbers, n = Prefix(2).classes([None, "abc", "abd", "", "None", None])
    assert numbers.tolist() == [0, 1, 1, 2, 3, 0]
    assert n == 4


def test_a_rare_word_translates_like_its_relatives():
    pairs = [(["walk"], ["gehen"]), (["walks"], ["geht"]), (["walked"], ["gehen", "haus"]), (["house"], ["haus"])] * 3
    table = Categorical(backoff=Backoff(5.0, Prefix(3), Prefix(3)))
    plain, coarse = (IBM1(lexical=lexical, max_iter=3).fit(pairs) for lexical in (Categorical(), table))
    by_model = [dict(model.translations("walked"))["haus"] for model in (plain, coarse)]
    assert by_model[1] < by_model[0]


@pytest.mark.parametrize("kind", [IBM1, HMMAligner])
def test_em_with_a_back_off_is_counts_and_pseudo_counts(kind):
    """One M-step of a model: its expected counts by word, plus what dictionaries say."""
    table = Categorical(backoff=Backoff(3.0, Prefix(1), Length(1), 0.2))
    settings = {"lexical": table, "null": Fixed(0.2), "random_state": 1}
    first, then = (kind(max_iter=n, **settings).fit(EXAMPLE) for n in (0, 1))
    assert not first.learner.promises(first)
    support, counts = first.factors_["lexical"].support, {}
    for posterior, (source, target) in zip(first.predict_proba(EXAMPLE), EXAMPLE, strict=True):
        for i, e in enumerate([None, *source] if source and target else []):
            for j, f in enumerate(target):
                counts[e, f] = counts.get((e, f), 0.0) + posterior[i, j]
    words = support.names[1]
    names = [(support.names[0][c], words[o]) for c, o in zip(support.conditions, support.outcomes, strict=True)]
    counts = {pair: counts.get(pair, 0.0) for pair in names}
    told = backoff(counts, 3.0, 0.2, class_of(Prefix(1)), class_of(Length(1)), words)
    total = support.normalise(np.array([counts[pair] + told[pair] for pair in names]))
    np.testing.assert_allclose(then.params_["lexical"], total, rtol=1e-9)


def test_a_classing_of_ones_own_is_saved(tmp_path):
    model = IBM1(lexical=Categorical(backoff=Backoff(conditions=Length(2), outcomes=Length()))).fit(EXAMPLE)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again == model
    assert again.lexical.backoff.conditions == Length(2)
    assert again.predict(EXAMPLE) == model.predict(EXAMPLE)
    assert IBM1(lexical=again.lexical).fit(EXAMPLE).params_["lexical"].tolist() == model.params_["lexical"].tolist()


@pytest.mark.parametrize("part", ["jump", "null"])
def test_a_table_without_names_has_no_relatives(part):
    model = HMMAligner(**{"jump": Jump(words=0)} | {part: Categorical(backoff=Backoff())})
    with pytest.raises(InputError, match="no names"):
        model.fit(EXAMPLE)


@pytest.mark.parametrize("wrong", [{"strength": 0.0}, {"smoothing": -1.0}, {"strength": float("nan")}])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError, match="above 0"):
        Backoff(**wrong)


def test_a_class_that_has_no_key():
    with pytest.raises(NotImplementedError):
        IBM1(lexical=Categorical(backoff=Backoff(conditions=Classing()))).fit(Bitext.from_pairs([(["a"], ["x"])]))
