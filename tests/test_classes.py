"""Word classes against a plain count of everything, and against all assignments there are."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emnlp.classes import WordClasses, log_likelihood, word_classes
from emnlp.corpus.text import Text, Vocabulary
from emnlp.errors import InputError
from emnlp.inference import exchange

EXAMPLES = settings(max_examples=60, deadline=None)
texts = st.lists(st.lists(st.sampled_from("abcde"), max_size=7), min_size=1, max_size=8).filter(any)
texts = texts.map(Text.from_tokens)
seeds = st.integers(0, 99)
ways = st.fixed_dictionaries(
    {"seed": seeds, "init": st.sampled_from(["frequency", "random"]), "annealing": st.sampled_from([0, 3])}
)


def plain(text, class_of):
    """log P(words, classes) with relative frequencies: a dictionary for each distribution, and a token at a time."""
    events = []
    for sentence in text:
        classes = ["boundary", *(class_of[word] for word in sentence), "boundary"]
        events += [("class", before, after) for before, after in itertools.pairwise(classes)]
        events += [("word", class_of[word], word) for word in sentence]
    numerator, denominator = Counter(events), Counter(event[:2] for event in events)
    return math.fsum(math.log(numerator[event] / denominator[event[:2]]) for event in events)


def plain_of(text, classes):
    return plain(text, dict(zip(text.vocabulary, np.asarray(classes).tolist(), strict=True)))


def fitted(text, n_classes, **options):
    return word_classes(text, min(n_classes, len(text.vocabulary)), **options)


@EXAMPLES
@given(text=texts, seed=seeds, n_classes=st.integers(1, 5))
def test_the_log_likelihood_is_that_of_the_model(text, seed, n_classes):
    classes = np.random.default_rng(seed).integers(n_classes, size=len(text.vocabulary))
    assert log_likelihood(text, classes) == pytest.approx(plain_of(text, classes), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("table", [exchange._TABLE, 3])
@EXAMPLES
@given(text=texts, seed=seeds, n_classes=st.integers(1, 5), heat=st.sampled_from([0.0, 2.0]))
def test_a_move_gains_what_it_promises_and_is_the_best(table, text, seed, n_classes, heat):
    """One word at a time, against the likelihood of every class it could join; with and without the table of logs."""
    rng, V = np.random.default_rng(seed), len(text.vocabulary)
    stream, frequencies, left, right = exchange.bigrams(text.starts, text.ids, V)
    classes = np.append(rng.integers(n_classes, size=V), n_classes).astype(np.int32)
    joint = exchange.class_bigrams(stream, classes[:-1], n_classes)
    both = np.stack([joint, joint.T])
    state = (both, exchange._n_log_n(both), joint.sum(1))
    logs = exchange._n_log_n(np.arange(table if table < 9 else 99))
    for w in [*range(V)] * 2:
        before = plain_of(text, classes[:-1])
        each = [plain_of(text, np.where(np.arange(V) == w, k, classes[:-1])) for k in range(n_classes)]
        home = classes[w]
        moved, gain = exchange.sweep(np.array([w]), frequencies, left, right, classes, state, logs, 1e-10, heat, rng)
        assert moved == (classes[w] != home)
        assert before + gain == pytest.approx(plain_of(text, classes[:-1]), abs=1e-9)
        if heat == 0:
            assert each[classes[w]] == pytest.approx(max(each), abs=1e-9)
            assert not moved or each[classes[w]] > before + 1e-11
        again = exchange.class_bigrams(stream, classes[:-1], n_classes)
        np.testing.assert_array_equal(state[0], [again, again.T])
        np.testing.assert_allclose(state[1], exchange._n_log_n(state[0]), rtol=1e-14)
        np.testing.assert_array_equal(state[2], again.sum(1))


def test_annealing_draws_by_the_gain():
    rng, gains = np.random.default_rng(3), np.array([5.0, 7.0, -900.0, 6.0, 99.0])  # the last is the boundary
    drawn = [exchange._draw(gains, 2.0, rng, np.empty(4)) for _ in range(20_000)]
    chances = np.exp(gains[:4] / 2) / np.exp(gains[:4] / 2).sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / len(drawn), chances, atol=0.015)


def test_annealing_pays():
    """Words of 12 kinds in 12 classes: plain sweeps stop early, after hot ones they get further."""
    rng = np.random.default_rng(0)
    follow = rng.dirichlet(np.full(12, 0.2), size=12)
    sentences, kind = [[]], 0
    for _ in range(4000):
        kind = rng.choice(12, p=follow[kind])
        sentences[-1].append(f"{kind}.{rng.integers(10)}")
        if rng.random() < 0.1:
            sentences.append([])
    text = Text.from_tokens(sentences)
    hot, cold = (
        np.mean([word_classes(text, 12, seed=seed, annealing=n).trace[-1] for seed in range(5)]) for n in (20, 0)
    )
    assert hot > cold


@EXAMPLES
@given(text=texts, n_classes=st.integers(1, 5), way=ways, min_count=st.integers(1, 4))
def test_no_single_exchange_improves_the_result(text, n_classes, way, min_count):
    classes = fitted(text, n_classes, max_iter=100, min_count=min_count, **way)
    found, n_classes = classes.classes, min(n_classes, len(text.vocabulary))
    top = plain_of(text, found)
    assert classes.trace[-1] == pytest.approx(top, rel=1e-12, abs=1e-12)
    assert classes.trace[-1] == classes.trace[-2]
    assert (np.diff(classes.trace) >= 0).all()
    for w in range(len(found)):
        for k in range(n_classes):
            assert plain_of(text, np.where(np.arange(len(found)) == w, k, found)) <= top + 1e-9
    rivals = itertools.product(range(min(n_classes, 2)), repeat=len(found))
    if n_classes <= 2:
        assert max(plain_of(text, rival) for rival in rivals) >= top - 1e-9


@settings(max_examples=20, deadline=None)
@given(text=texts.filter(lambda text: len(text.vocabulary) > 2), seed=seeds)
def test_enough_starts_find_the_best_of_all_assignments(text, seed):
    best = max(plain_of(text, rival) for rival in itertools.product(range(2), repeat=len(text.vocabulary)))
    found = word_classes(text, 2, n_init=60, init="random", seed=seed, annealing=0)
    assert found.trace[-1] == pytest.approx(best, rel=1e-12)


@EXAMPLES
@given(text=texts, n_classes=st.integers(1, 5), way=ways)
def test_the_same_seed_gives_the_same_classes(text, n_classes, way):
    one, other = (fitted(text, n_classes, **way) for _ in range(2))
    assert one.classes.tolist() == other.classes.tolist()
    assert one.trace.tolist() == other.trace.tolist()
    more = fitted(text, n_classes, n_init=4, **way)
    assert more.trace[-1] >= one.trace[-1]


@EXAMPLES
@given(text=texts, n_classes=st.integers(1, 5), seed=seeds)
def test_classes_are_numbered_by_their_tokens_and_list_their_words(text, n_classes, seed):
    classes = fitted(text, n_classes, seed=seed, annealing=0, init="random")
    count = Counter(word for sentence in text for word in sentence)
    listed = [classes.words(k) for k in range(classes.n_classes)]
    assert sorted(itertools.chain(*listed)) == sorted(count)
    assert classes.n_classes == min(n_classes, len(count))
    assert len(classes) == len(count)
    sizes = [sum(count[word] for word in words) for words in listed]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > 0
    for k, words in enumerate(listed):
        assert words == sorted(words, key=lambda word: -count[word])
        assert all(classes.class_of(word) == k for word in words)


def test_words_of_one_kind_share_a_class():
    rng = np.random.default_rng(0)
    kinds = [["the", "a", "this"], ["dog", "cat", "cow", "hen"], ["runs", "eats"], ["well", "much", "now"]]
    text = Text.from_tokens([[rng.choice(kind) for kind in kinds] for _ in range(300)])
    classes = word_classes(text, 4)
    assert sorted(sorted(classes.words(k)) for k in range(4)) == sorted(sorted(kind) for kind in kinds)
    assert len(set(classes.label(text)[:4].tolist())) == 4


def test_words_with_the_same_neighbours_and_sentences_of_one_word():
    text = Text.from_tokens([[word] for word in "abcdefgh"])
    classes = word_classes(text, 3, annealing=0)
    assert classes.trace.tolist() == [pytest.approx(8 * math.log(1 / 8))] * 2  # all assignments are as good
    assert classes.n_classes == 3
    same = word_classes(Text.from_tokens([["a"] * 5, [], ["a"]]), 1)
    assert same.classes.tolist() == [0]
    assert np.isfinite(same.trace).all()


def test_a_class_for_every_word_and_one_for_all():
    text = Text.from_tokens([["the", "house", "the", "garden"], ["the", "tree"]])
    assert sorted(word_classes(text, 4, annealing=0).classes.tolist()) == [0, 1, 2, 3]
    assert word_classes(text, 1).classes.tolist() == [0] * 4


def test_words_that_do_not_occur_have_no_class():
    text = Text.from_tokens([["a", "b"], ["c", "d"]]).select(np.array([1]))
    classes = word_classes(text, 2)
    assert classes.classes.tolist()[:2] == [-1, -1]
    assert (len(classes), classes.class_of("a"), classes.words(-1)) == (2, -1, ["a", "b"])
    assert classes.label(Text.from_tokens([["a", "d", "new"]])).tolist() == [-1, classes.class_of("d"), -1]
    with pytest.raises(InputError, match="3 classes, but 2 distinct words"):
        word_classes(text, 3)


def test_rare_words_join_when_the_others_have_settled():
    rng = np.random.default_rng(1)
    text = Text.from_tokens([[f"w{n}" for n in rng.zipf(1.5, size=9) if n < 200] for _ in range(200)])
    rare = np.bincount(text.ids) < 3
    still = word_classes(text, 6, min_count=3, max_iter=0, annealing=0)
    assert len(set(still.classes[rare].tolist())) == 1
    joined = word_classes(text, 6, min_count=3, annealing=0)
    assert len(set(joined.classes[rare].tolist())) > 1
    assert joined.trace[-1] > still.trace[-1]


lines = st.characters(exclude_characters="\n\0\ufeff", exclude_categories=["Cs"])


@EXAMPLES
@given(words=st.lists(st.text(lines, max_size=5), min_size=1, unique=True), seed=seeds)
def test_files_round_trip(tmp_path_factory, words, seed):
    path = tmp_path_factory.mktemp("classes") / "classes.gz"
    rng = np.random.default_rng(seed)
    classes = rng.integers(4, size=len(words)).astype(np.int32)
    before = WordClasses(Vocabulary(words), classes, frequencies=rng.integers(1, 9, size=len(words)))
    before.write(path)
    after = WordClasses.read(path)
    assert [after.words(k) for k in range(5)] == [before.words(k) for k in range(5)]
    assert after.n_classes == before.n_classes


def test_a_file_of_mkcls(tmp_path):
    path = tmp_path / "en.classes"
    path.write_bytes(b"house\t12\r\nthe\t2\r\n")
    classes = WordClasses.read(path)
    assert (classes.class_of("the"), classes.class_of("house"), len(classes), classes.n_classes) == (2, 12, 2, 13)
    classes.write(path)
    assert path.read_text() == "house\t12\nthe\t2\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ":1: expected a word, a tab"),
        ("the\t1\nhouse 2\n", ":2: expected a word, a tab"),
        ("the\t1\n\nhouse\t2\n", ":2: expected a word, a tab"),
        ("the\t-1\n", ":1: expected a word, a tab"),
        ("the\t99999999999\n", ":1: expected a word, a tab"),
        ("the\t1\nthe\t2\n", ":2: 'the' is in class 1 already"),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = tmp_path / "en.classes"
    path.write_text(content)
    with pytest.raises(InputError, match=f"en.classes{message}"):
        WordClasses.read(path)


@pytest.mark.parametrize("word", ["a\nb", "\0", "\ud800", "\ufeffa"])
def test_words_that_no_line_can_hold(tmp_path, word):
    classes = WordClasses(Vocabulary([word]), np.zeros(1, np.int32))
    with pytest.raises(InputError, match="a line cannot hold"):
        classes.write(tmp_path / "classes")
    assert not (tmp_path / "classes").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_classes": 0}, "n_classes is 0"), ({"n_classes": 4}, "4 classes, but 3 distinct words"),
        ({"n_classes": 1.5}, "n_classes is 1.5"), ({"max_iter": -1}, "max_iter"), ({"min_count": 0}, "min_count"),
        ({"seed": -1}, "seed"), ({"n_init": 0}, "n_init"), ({"annealing": -1}, "annealing"),
        ({"init": "ward"}, "'ward' is not known"), ({"heat": 0}, "heat is 0"), ({"heat": float("nan")}, "heat is nan"),
        ({"text": Text.from_tokens([])}, "no words"), ({"text": Text.from_tokens([[], []])}, "no words"),
        ({"text": [["the", "house"]]}, "expected a Text"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(options, message):
    options = {"text": Text.from_tokens([["the", "house"], ["the", "garden"]]), "n_classes": 2} | options
    with pytest.raises(InputError, match=message):
        word_classes(options.pop("text"), options.pop("n_classes"), **options)


def test_arrays_that_do_not_fit():
    text = Text.from_tokens([["the", "house"]])
    with pytest.raises(InputError, match="every one of its 2 words"):
        log_likelihood(text, [0])
    with pytest.raises(InputError, match="every one of its 2 words"):
        log_likelihood(text, [0, -1])
    with pytest.raises(InputError, match="2 words, 1 classes"):
        WordClasses(text.vocabulary, np.zeros(1, np.int32))


def test_tags_of_the_treebank():
    """45 classes, many tags to one: mkcls has 58.4 %, Brown clusters 65.5 %."""
    nltk = pytest.importorskip("nltk")
    try:
        nltk.data.find("corpora/treebank.zip")
    except LookupError:
        pytest.skip("NLTK has no treebank sample here")
    sentences = [[(w, t) for w, t in s if t != "-NONE-"] for s in nltk.corpus.treebank.tagged_sents()]
    text, tags = Text.from_tokens([[w for w, _ in s] for s in sentences]), [t for s in sentences for _, t in s]
    scores = []
    for seed in range(3):
        labels = word_classes(text, 45, seed=seed).label(text).tolist()
        most = {}
        for (label, _), n in Counter(zip(labels, tags, strict=True)).items():
            most[label] = max(most.get(label, 0), n)
        scores.append(sum(most.values()) / len(tags))
    assert np.mean(scores) > 0.66
