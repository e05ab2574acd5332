"""Tagged text: its formats, and which tags each token may bear."""

import gzip
import io
import sys
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emnlp.corpus.tagged import TagDictionary, Tagged
from emnlp.corpus.text import Text, Vocabulary
from emnlp.errors import InputError

SPACE = " \t\n\r\v\f"
SAMPLE = """# newdoc
# text = Du chien, on parle.
1-2\tDu\t_\t_\t_\t_\t_\t_\t_\t_
1\tDe\tde\tADP\tP\t_\t3\tcase\t_\t_
2\tle\tle\tDET\t_\t_\t3\tdet\t_\t_
3\tchien\tchien\tNOUN\tNC\tGender=Masc\t0\troot\t_\tSpaceAfter=No

# a comment alone is no sentence

1\t_\t_\tSYM\tS\t_\t0\troot\t_\t_
1.1\tparle\tparler\tVERB\tV\t_\t_\t_\t1:conj\t_
2\tNew York\tNew York\tPROPN\tNPP\t_\t1\tflat\t_\t_
"""
READ = [[("De", "P"), ("le", None), ("chien", "NC")], [("_", "S"), ("New York", "NPP")]]

some = settings(max_examples=60, deadline=None)
letters = st.characters(codec="utf-8", exclude_characters="\0\ufeff" + SPACE)
words = st.one_of(st.text(letters, min_size=1, max_size=6), st.text("a/_-", min_size=1, max_size=4))
names = st.text(st.characters(codec="utf-8", exclude_characters="\0/" + SPACE), min_size=1, max_size=3)
names = names.filter(lambda tag: tag != "_")
corpora = st.lists(st.lists(st.tuples(words, st.one_of(st.none(), names)), max_size=6), max_size=5)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder that hypothesis' examples may share."""
    return tmp_path_factory.mktemp("tagged")


@pytest.fixture(scope="session")
def conllu():
    return pytest.importorskip("conllu")


@pytest.fixture
def sample(tmp_path, conllu):
    path = tmp_path / "sample.conllu"
    path.write_text(SAMPLE, "utf-8")
    return path


def write(folder, content, name="a.conllu"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def same(a, b):
    return (
        list(a) == list(b)
        and a.text.vocabulary.words == b.text.vocabulary.words
        and np.array_equal(a.text.starts, b.text.starts)
        and np.array_equal(a.text.ids, b.text.ids)
    )


@some
@given(corpora)
@example([[("/", None), ("//", None), ("/", "/N".strip("/")), ("1/2", None), ("1/2", "CD"), ("http://x", "NN")], []])
def test_slash_round_trip(place, sents):
    tagged, path = Tagged.from_sents(sents), place / "a.pos"
    assert list(tagged) == sents
    tagged.write(path)
    again = Tagged.read(path)
    assert same(again, tagged)
    assert again.tagset.words == tagged.tagset.words
    assert again.tags.dtype == again.text.ids.dtype == np.int32


@some
@given(corpora, st.sampled_from(["xpos", "upos"]), st.sampled_from(["", ".gz"]))
def test_conllu_round_trip(place, conllu, sents, column, packed):
    tagged, path = Tagged.from_sents(sents), place / f"a.conllu{packed}"
    tagged.write(path, "conllu", tag=column)
    has_tags = any(tag for sent in sents for _, tag in sent)
    again = Tagged.read(path, tag=column if has_tags else None)
    assert same(again, tagged)
    assert again.tagset.words == tagged.tagset.words


@some
@given(st.lists(st.lists(st.text("a/ \t\n\v", max_size=4), max_size=4)), st.sampled_from(["slash", "conllu"]))
def test_words_that_a_format_cannot_hold_are_changed_and_counted(place, conllu, sents, form):
    def fits(word):
        parts = [word] if form == "slash" else word.split(" ")
        return all(parts) and not any(set(part) & set(SPACE) for part in parts)

    tagged, path = Tagged.from_sents([[(word, "X") for word in sent] for sent in sents]), place / f"b.{form}"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tagged.write(path, form)
    again = Tagged.read(path, tag="xpos" if any(sents) else None)
    assert [len(sent) for sent in again] == [len(sent) for sent in sents]
    pairs = [pair for before, after in zip(sents, again.text) for pair in zip(before, after)]
    for before, after in pairs:
        assert (before == after) == fits(before)
        assert [c for c in before if c in "a/"] == [c for c in after if c in "a/"]
    changed = sum(not fits(before) for before, _ in pairs)
    assert [str(each.message).split(" tokens")[0] for each in caught] == [f"{path}: in {changed}"] * (changed > 0)
    assert all(each.filename == __file__ for each in caught)


def test_white_space_in_words_says_so(tmp_path):
    tagged = Tagged.from_sents([[("New York", "NNP"), ("", None), ("New York", "NN")]])
    with pytest.warns(UserWarning, match="x.pos: in 3 tokens, white space .* is written as _; slash cannot hold it"):
        tagged.write(tmp_path / "x.pos")
    assert (tmp_path / "x.pos").read_text() == "New_York/NNP _ New_York/NN\n"


@pytest.mark.parametrize(
    ("token", "pair"),
    [
        ("dog/NN", ("dog", "NN")),
        ("dog", ("dog", None)),
        ("dog/", ("dog", None)),
        ("1/2/CD", ("1/2", "CD")),
        ("1/2/", ("1/2", None)),
        ("http://x/NN", ("http://x", "NN")),
        ("http://x", ("http:/", "x")),
        ("/", ("/", None)),
        ("//", ("/", None)),
        ("///", ("//", None)),
        ("//SYM", ("/", "SYM")),
        ("/NN", ("/NN", None)),
    ],
)
def test_where_a_slash_token_is_split(tmp_path, token, pair):
    assert list(Tagged.read(write(tmp_path, token, "a.pos"))) == [[pair]]
    assert list(Tagged.read(write(tmp_path, token, "a.pos"), format="plain")) == [[(token, None)]]


@pytest.mark.parametrize("format", ["slash", "plain"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_is_a_sentence(tmp_path, format, end):
    path = write(tmp_path, f"A/X b\r\n\r\n \nc{end}", "a.txt")
    tagged = Tagged.read(path, format=format, lowercase=True)
    first = [("a", "X"), ("b", None)] if format == "slash" else [("a/x", None), ("b", None)]
    assert list(tagged) == [first, [], [], [("c", None)]]
    assert tagged.text.lowercase
    assert len(Tagged.read(write(tmp_path, "", "a.txt"), format=format)) == 0


def test_lower_case_leaves_tags_and_merges_words(tmp_path, sample):
    tagged = Tagged.read(write(tmp_path, "The/DT the/dt THE/DT", "a.pos"), lowercase=True)
    assert tagged.text.vocabulary.words == ["the"]
    assert tagged.tagset.words == ["DT", "dt"]
    assert Tagged.read(sample, lowercase=True)[0] == [(word.lower(), tag) for word, tag in READ[0]]


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize("end", ["\n", "", "\n\n \n"])
@pytest.mark.parametrize("packed", [False, True])
def test_conllu(tmp_path, conllu, crlf, end, packed):
    content = (SAMPLE.rstrip("\n") + end).replace("\n", "\r\n" if crlf else "\n").encode()
    path = write(tmp_path, gzip.compress(content) if packed else content, "a.CoNLLU.gz" if packed else "a.conllu")
    assert list(Tagged.read(path)) == READ
    assert Tagged.read(path).tagset.words == ["P", "NC", "S", "NPP"]
    assert [tag for _, tag in Tagged.read(path, tag="UPOS")[0]] == ["ADP", "DET", "NOUN"]
    assert [tag for _, tag in Tagged.read(path, tag="deprel")[1]] == ["root", "flat"]
    assert [tag for _, tag in Tagged.read(path, tag="feats")[0]] == [None, None, "Gender=Masc"]
    words = Tagged.read(path, tag=None)
    assert len(words.tagset) == 0
    assert same(words, Tagged.untagged(Tagged.read(path).text))


def test_conllu_plus(tmp_path, conllu):
    text = "# global.columns = ID FORM MWE:TYPE\n1\tKick\tVID\n2\tit\t_\n"
    path = write(tmp_path, text, "a.conllup")
    assert list(Tagged.read(path, tag="mwe:type")) == [[("Kick", "VID"), ("it", None)]]
    with pytest.raises(
        InputError, match=r"a\.conllup: no column 'xpos'; the columns are ID, FORM and the tags mwe:type"
    ):
        Tagged.read(path)
    with pytest.raises(InputError, match="no column 'form'"):
        Tagged.read(write(tmp_path, "# global.columns = ID WORD\n1\ta\n", "b.conllup"))
    with pytest.raises(InputError, match="all _; tag=None"):
        Tagged.read(write(tmp_path, text.replace("VID", "_"), "b.conllup"), tag="mwe:type")


GOOD = "1\ta\ta\tX\tX\t_\t0\troot\t_\t_\n"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("2\tb\tb\tX\tX\t_\t0\troot\t_\n", "9 columns, not 10"),
        ("2\tb\tb\tX\tX\t_\t0\troot\t_\t_\t_\n", "11 columns, not 10"),
        ("2\tb\tX\n", "3 columns, not 10"),
        ("2 b b X X _ 0 root _ _\n", "tabs or two spaces"),
        ("EU\tNNP\tB-NP\tB-ORG\tX\t_\t0\troot\t_\t_\n", "'EU' is not a valid ID"),
        ("_\tb\tb\tX\tX\t_\t0\troot\t_\t_\n", "'_' is not a number"),
        ("9" * 5000 + "\tb\tb\tX\tX\t_\t0\troot\t_\t_\n", "digits"),
        ("2\t\tb\tX\tX\t_\t0\troot\t_\t_\n", "'form': it is empty"),
        ("2\tb  c\tb\tX\tX\t_\t0\troot\t_\t_\n", "11 columns, not 10"),
        (GOOD, "word 1 comes after word 1; does a new sentence begin"),
        (GOOD[2:], "not CoNLL-U"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "# end\n" + GOOD.replace("1", "9", 1) + "\n" + GOOD])
def test_a_line_that_is_not_conllu(tmp_path, conllu, bad, message, end):
    path = write(tmp_path, f"# one\n{GOOD}\n\n# two\n{GOOD}# odd, but allowed\n{bad}{end}")
    with pytest.raises(InputError, match=rf"a\.conllu:8: .*{message}") as error:
        Tagged.read(path)
    assert len(str(error.value)) < 600 + len(str(path))


def test_columns_by_spaces_are_read(tmp_path, conllu):
    path = write(tmp_path, GOOD.replace("\t", "   "))
    assert list(Tagged.read(path)) == [[("a", "X")]]


def test_a_column_without_tags(tmp_path, conllu):
    only_upos = GOOD.replace("\tX\tX\t", "\tX\t_\t")
    with pytest.raises(InputError, match=r"a\.conllu: no word has a tag, the XPOS column is all _; .*tag='upos'"):
        Tagged.read(write(tmp_path, only_upos))
    with pytest.raises(InputError, match="the UPOS column is all _; tag=None reads the words only"):
        Tagged.read(write(tmp_path, GOOD.replace("X", "_")), tag="upos")
    assert list(Tagged.read(write(tmp_path, only_upos), tag="upos")) == [[("a", "X")]]


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", "# nothing\n", "\ufeff"])
def test_nothing_is_no_sentence(tmp_path, conllu, text):
    tagged = Tagged.read(write(tmp_path, text))
    assert (len(tagged), len(tagged.tags), list(tagged)) == (0, 0, [])
    assert tagged.allowed()[0].shape == (1, 0)


def test_a_token_longer_than_a_page(tmp_path, conllu):
    tagged = Tagged.from_sents([[("x/" * 50_000, "N" * 10_000)]])
    for form in ("slash", "conllu"):
        tagged.write(tmp_path / f"a.{form}", form)
        assert same(Tagged.read(tmp_path / f"a.{form}"), tagged)


def test_no_conllu_package(monkeypatch, sample):
    monkeypatch.setitem(sys.modules, "conllu", None)
    with pytest.raises(InputError, match=r"pip install 'emnlp\[conllu\]'"):
        Tagged.read(sample)


def test_standard_input(monkeypatch, conllu):
    for text, format in (("a/X", None), (GOOD, "conllu")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert list(Tagged.read("-", format=format)) == [[("a", "X")]]


def test_bad_files_and_formats(tmp_path, conllu):
    with pytest.raises(InputError, match="format 'xml' is not known; it can be conllu, slash, plain"):
        Tagged.read(tmp_path / "a", format="xml")
    with pytest.raises(InputError, match=r"none\.conllu: cannot be read"):
        Tagged.read(tmp_path / "none.conllu")
    for name in ("a.conllu", "a.pos"):
        with pytest.raises(InputError, match=rf"{name}:2: not valid UTF-8"):
            Tagged.read(write(tmp_path, b"#\n\xff", name))
    tagged = Tagged.from_sents([[("a", "X/Y")]])
    with pytest.raises(InputError, match="tag 'X/Y' has a slash"):
        tagged.write(tmp_path / "b.pos")
    assert not (tmp_path / "b.pos").exists()
    tagged.write(tmp_path / "b.conllu", "conllu")
    assert same(Tagged.read(tmp_path / "b.conllu"), tagged)
    with pytest.raises(InputError, match="tag '_' would not be read"):
        Tagged.from_sents([[("a", "_")]]).write(tmp_path / "b.conllu", "conllu")
    with pytest.raises(InputError, match="tag 'a b' would not be read"):
        Tagged.from_sents([[("a", "a b")]]).write(tmp_path / "b.pos")
    for settings_ in ({"format": "plain"}, {"tag": "feats"}):
        with pytest.raises(InputError, match="write slash or conllu, with the tag xpos or upos"):
            tagged.write(tmp_path / "b", **settings_)


@pytest.mark.parametrize(
    "sents", ["ab", ["ab"], [["ab"]], [[("a", "b", "c")]], [[("a", 1)]], [[(1, "a")]], [3], [[None]], [[("a", "X"), 1]]]
)
def test_what_is_not_tagged_sentences(sents):
    with pytest.raises(InputError):
        Tagged.from_sents(sents)


def test_sequence():
    tagged = Tagged.from_sents(READ, name="f")
    assert tagged[-1] == READ[1]
    assert len(tagged) == 2
    assert tagged.text[0] == ["De", "le", "chien"]
    assert repr(tagged) == "Tagged(f: 2 sentences, 5 tokens, 4 with a tag, 4 tags)"
    with pytest.raises(IndexError):
        tagged[2]
    assert list(Tagged.from_sents([[["a", ""]]])) == [[("a", None)]]


@some
@given(corpora.filter(bool), st.data())
def test_select(sents, data):
    chosen = data.draw(st.lists(st.integers(0, len(sents) - 1), max_size=6))
    tagged = Tagged.from_sents(sents).constrained(TagDictionary({"a": ("N",)}))
    part = tagged.select(np.array(chosen, np.int64))
    assert list(part) == [sents[k] for k in chosen]
    assert (part.tagset, part.dictionary) == (tagged.tagset, tagged.dictionary)
    masks, which = part.allowed()
    whole, whole_which = tagged.allowed()
    tokens = [n for k in chosen for n in range(*tagged.text.starts[k : k + 2])]
    assert np.array_equal(masks[which], whole[whole_which[tokens]])


@some
@given(corpora)
def test_with_tags(sents):
    tagged = Tagged.from_sents(sents)
    by_name = [[tag for _, tag in sent] for sent in sents]
    by_id = np.split(tagged.tags, tagged.text.starts[1:-1]) if sents else []
    for tags, tagset in (
        (by_name, None),
        (by_name, tagged.tagset),
        (by_id, tagged.tagset),
        (tagged.tags, tagged.tagset),
    ):
        assert list(Tagged.with_tags(tagged.text, tags, tagset)) == sents
    backwards = tagged.tagset.words[::-1]
    assert Tagged.with_tags(tagged.text, by_name, backwards).tagset.words == backwards


def test_states_have_numbers_for_names():
    text = Text.from_tokens([["a", "b"], [], ["c"]])
    assert list(Tagged.with_tags(text, [[2, 0], [], [-1]])) == [[("a", "2"), ("b", "0")], [], [("c", None)]]
    assert Tagged.with_tags(text, np.array([2, 0, 0], np.uint8)).tagset.words == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("tags", "tagset", "message"),
    [
        ([["X"]], None, "1 sentences, but tags for 1|2 sentences, but tags for 1"),
        ([["X"], ["X"]], None, "sentence 0 has 2 tokens"),
        (["XY", "X"], None, "sentence 0 has 2 tokens"),
        ([["X", "Y"], ["Z"]], ["X", "Y"], "tag 'Z' is not in the tagset"),
        ([[0, 1], [2]], ["X", "Y"], "tag id outside -1 .. 1"),
        ([[0, 1], [-2]], ["X", "Y"], "tag id outside -1 .. 1"),
        ([[0, 1], [2**40]], ["X", "Y"], "tag id outside -1 .. 1"),
        ([[0, 1], [None]], ["X", "Y"], "expected tag names or None, or ids"),
        ([["X", "Y"], [1]], None, "expected tag names or None, or ids"),
        ([[0.5, 1], [1]], None, "expected tag names or None, or ids"),
        (np.array([0, 1]), ["X", "Y"], "3 tokens, but tags of shape"),
        ([["X", "Y"], ["X"]], ["X", "Y", "X"], "a name twice"),
    ],
)
def test_tags_that_do_not_fit(tags, tagset, message):
    with pytest.raises(InputError, match=message):
        Tagged.with_tags(Text.from_tokens([["a", "b"], ["c"]]), tags, tagset)


entries = st.dictionaries(words, st.lists(names, min_size=1, max_size=3, unique=True).map(tuple), max_size=6)


@some
@given(corpora, entries, st.data())
def test_allowed_is_what_it_says(sents, listed, data):
    for sent in sents:  # so that the dictionary knows some of the words
        for word, _ in sent:
            if data.draw(st.booleans()):
                listed[word] = tuple(data.draw(st.lists(st.sampled_from("NVDX"), min_size=1, max_size=4, unique=True)))
    tagged = Tagged.from_sents(sents).constrained(TagDictionary(listed))
    tagset = tagged.tagset.words
    masks, which = tagged.allowed()
    assert (masks.dtype, which.dtype, which.shape) == (bool, np.int32, tagged.tags.shape)
    assert masks.shape[1] == len(tagset)
    assert masks[0].all()
    assert len({row.tobytes() for row in masks[1:]}) == len(masks) - 1  # the first is of tokens that are free
    assert set(which.tolist()) | {0} == set(range(len(masks)))
    for (word, tag), k in zip([token for sent in sents for token in sent], which):
        expected = {tag} if tag else set(listed.get(word, tagset))
        assert {name for name, may in zip(tagset, masks[k]) if may} == expected


def test_constrained_appends_to_the_tagset():
    tagged = Tagged.from_sents([[("A", "X"), ("b", None)]], lowercase=True)
    both = tagged.constrained(TagDictionary({"B": ("Y", "X"), "b": ("Z",)}))
    assert both.tagset.words == ["X", "Y", "Z"]
    assert both.dictionary["b"] == ("Y", "X", "Z")
    assert both.constrained(None).dictionary is None
    assert Tagged.untagged(tagged.text, TagDictionary({"b": ("Y",)})).tagset.words == ["Y"]
    with pytest.raises(InputError, match="the dictionary has tags that the tagset lacks"):
        Tagged(tagged.text, tagged.tagset, tagged.tags, TagDictionary({"b": ("Y",)}))
    with pytest.raises(InputError, match="2 tokens, but tags of shape"):
        Tagged(tagged.text, Vocabulary(["X"]), np.zeros(3, np.int32))


@some
@given(entries)
def test_dictionary_round_trip(place, listed):
    path = place / "words.dict.gz"
    TagDictionary(listed).write(path)
    assert dict(TagDictionary.read(path)) == listed


def test_dictionary_file(tmp_path):
    text = "#\t#\nNew York\tNNP\r\n\nthe\tDT  NN\nthe\tNN\tJJ\nThe\tX\n"
    path = write(tmp_path, text, "words.dict")
    dictionary = TagDictionary.read(path)
    assert dict(dictionary) == {"#": ("#",), "New York": ("NNP",), "the": ("DT", "NN", "JJ"), "The": ("X",)}
    assert TagDictionary.read(path, lowercase=True)["the"] == ("DT", "NN", "JJ", "X")
    assert "New" not in dictionary
    assert repr(dictionary) == "TagDictionary(4 words, 6 tags)"
    for line, problem in (("the", "no TAB in 'the'"), ("the DT", "no TAB"), ("the\t ", "no tag"), ("\tDT", "no word")):
        with pytest.raises(InputError, match=rf"words\.dict:3: {problem}.*; expected a word, a TAB and its tags"):
            TagDictionary.read(write(tmp_path, f"a\tX\n\n{line}\n", "words.dict"))


@pytest.mark.parametrize("listed", [{"a": ()}, {"a": "NN"}, {"a": ("",)}, {"a": (1,)}])
def test_dictionary_without_tags(listed):
    with pytest.raises(InputError, match="the tags of 'a' are"):
        TagDictionary(listed)


@pytest.mark.parametrize("listed", [{"a\tb": ("X",)}, {"": ("X",)}, {"a": ("X Y",)}])
def test_dictionary_that_cannot_be_written(tmp_path, listed):
    with pytest.raises(InputError, match="cannot be written"):
        TagDictionary(listed).write(tmp_path / "a")


@some
@given(corpora, st.integers(1, 3))
def test_dictionary_from_tagged(sents, least):
    tokens = [(word, tag) for sent in sents for word, tag in sent if tag]
    listed = TagDictionary.from_tagged(Tagged.from_sents(sents), least)
    counts = {word: sum(word == other for other, _ in tokens) for word, _ in tokens}
    assert {word: set(tags) for word, tags in listed.items()} == {
        word: {tag for other, tag in tokens if other == word} for word, count in counts.items() if count >= least
    }


def test_nltk_errors(tmp_path, monkeypatch):
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    with pytest.raises(InputError, match=r"NLTK has no corpus 'nothing'; .* treebank"):
        Tagged.from_nltk("nothing")
    with pytest.raises(InputError, match=r"NLTK's 'mac_morpho' is not installed; .*nltk\.download\('mac_morpho'\)"):
        Tagged.from_nltk("mac_morpho")


def test_nltk_corpora_of_ones_own(tmp_path, monkeypatch):
    import nltk
    from nltk.corpus.reader import PlaintextCorpusReader, TaggedCorpusReader

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    (tmp_path / "a.pos").write_text("The/DT *T*/-NONE- dog/NN runs\n*/-NONE-\n")
    (tmp_path / "b.pos").write_text("A/DT\n")
    monkeypatch.setattr(nltk.corpus, "mine", TaggedCorpusReader(str(tmp_path), r".*\.pos"), raising=False)
    monkeypatch.setattr(nltk.corpus, "plain", PlaintextCorpusReader(str(tmp_path), r".*\.pos"), raising=False)
    first = [[("the", "DT"), ("dog", "NN"), ("runs", None)], []]
    assert list(Tagged.from_nltk("mine", lowercase=True)) == [*first, [("a", "DT")]]
    assert list(Tagged.from_nltk("mine", lowercase=True, fileids="a.pos")) == first
    with pytest.raises(InputError, match="'plain' has no tagged sentences"):
        Tagged.from_nltk("plain")
    with pytest.raises(InputError, match="which universal tags"):
        Tagged.from_nltk("mine", universal=True)
    with pytest.raises(InputError, match=r"'mine' cannot be read .*are its fileids right"):
        Tagged.from_nltk("mine", fileids="none.pos")


def installed(*resources):
    import nltk

    for resource in resources:
        try:
            nltk.data.find(resource)
        except LookupError:
            pytest.skip(f"NLTK's {resource} is not installed")


@pytest.mark.parametrize(
    ("name", "sizes"), [("treebank", (3914, 94_084, 45, 12)), ("conll2000", (10_948, 259_104, 44, 12))]
)
def test_nltk_as_it_is_known(tmp_path, name, sizes):
    installed(f"corpora/{name}.zip", "taggers/universal_tagset.zip")
    import nltk

    tagged = Tagged.from_nltk(name)
    universal = Tagged.from_nltk(name, universal=True)
    assert (len(tagged), len(tagged.tags), len(tagged.tagset), len(universal.tagset)) == sizes
    assert (tagged.tags >= 0).all()
    corpus = getattr(nltk.corpus, name)
    for k, (sent, mapped) in enumerate(zip(corpus.tagged_sents(), corpus.tagged_sents(tagset="universal"))):
        assert tagged[k] == [token for token in sent if token[1] != "-NONE-"]
        assert universal[k] == [token for token, (_, tag) in zip(mapped, sent) if tag != "-NONE-"]
    tagged.write(tmp_path / "a.pos")
    assert same(Tagged.read(tmp_path / "a.pos"), tagged)


def test_universal_dependencies_as_the_library_reads_them(tmp_path, conllu, real):
    path = real("ud_en_ewt") / "train.conllu.gz"
    xpos, upos = Tagged.read(path), Tagged.read(path, tag="upos")
    assert [len(xpos), len(xpos.tags), len(xpos.tagset), len(upos.tagset)] == [12_544, 204_577, 49, 17]
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for k, sent in enumerate(conllu.parse_incr(stream)):
            sent = sent.filter(id=lambda number: isinstance(number, int))
            assert xpos[k] == [(token["form"], token["xpos"]) for token in sent]
            assert upos[k] == [(token["form"], token["upos"]) for token in sent]
    for form in ("slash", "conllu"):
        xpos.write(tmp_path / f"a.{form}", form)
        assert same(Tagged.read(tmp_path / f"a.{form}"), xpos)
    dictionary = TagDictionary.from_tagged(xpos)
    masks, which = Tagged.untagged(xpos.text, dictionary).allowed()
    order = [dictionary.tags.index(tag) for tag in xpos.tagset]
    assert masks[which, np.array(order)[xpos.tags]].all()
