"""The formats of documents: every line keeps its place, and a wrong one is named."""

import gzip
import io
import json
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emnlp import Documents
from emnlp.corpus import docfiles, registry
from emnlp.corpus.docfiles import find_documents, read_documents, records
from emnlp.errors import InputError

JSONL = (
    '{"label": "sport", "text": "A goal, a GOAL!", "id": 7}\n'
    "\n"
    '{"text": "Don\'t vote"}\r\n'
    '{"label": null, "tokens": ["A", "two words"]}\n'
    '{"label": "", "text": "\\u2028 a\\nb2"}\n'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMNLP_DATA", str(tmp_path / "data"))
    return tmp_path


def words(documents):
    return [documents[k] for k in range(len(documents))]


class TestFormats:
    def test_json_lines(self, folder):
        (folder / "a.jsonl").write_text(JSONL)
        documents = Documents.read("a.jsonl")
        assert words(documents) == [{"goal": 2}, {}, {"don": 1, "vote": 1}, {"a": 1, "two words": 1}, {"b2": 1}]
        assert documents.names() == ["sport", None, None, None, None]
        assert documents.name == "a.jsonl"

    def test_labels_that_are_no_strings_have_their_json_as_name(self, folder):
        (folder / "a.json").write_text("".join(f'{{"label": {x}, "text": ""}}\n' for x in ("3", "true", "-1", "2.5")))
        assert Documents.read("a.json").names() == ["3", "true", "-1", "2.5"]

    def test_tsv(self, folder):
        (folder / "a.tsv").write_text("sport\tone goal\ttwo\n\n\tno label\nspam \t\n")
        documents = Documents.read("a.tsv")
        assert documents.names() == ["sport", None, None, "spam"]
        assert words(documents) == [{"one": 1, "goal": 1, "two": 1}, {}, {"no": 1, "label": 1}, {}]

    def test_plain(self, folder):
        (folder / "a.txt").write_text("one goal\n\n \nlast")
        documents = Documents.read("a.txt")
        assert words(documents) == [{"one": 1, "goal": 1}, {}, {}, {"last": 1}]
        assert len(documents.classes) == 0

    @pytest.mark.parametrize(("text", "n"), [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\n\n", 2)])
    def test_the_end_of_a_file(self, folder, text, n):
        (folder / "a.txt").write_text(text)
        assert len(Documents.read("a.txt")) == n

    @pytest.mark.parametrize(
        ("name", "form"),
        [("a.jsonl", "jsonl"), ("a.JSON.gz", "jsonl"), ("a.tab.zst", "tsv"), ("a.tsv", "tsv"), ("a.gz", "plain"),
         ("a", "plain"), ("a.csv", "plain"), ("-", "plain"), ("", "plain"), (".", "folder")],
    )  # fmt: skip
    def test_the_name_says_the_format(self, folder, name, form):
        assert docfiles.format_of(name) == form

    def test_the_format_may_be_said_and_files_compressed(self, folder):
        (folder / "a.gz").write_bytes(gzip.compress(JSONL.encode()))
        assert Documents.read("a.gz", format="jsonl").names()[0] == "sport"
        assert Documents.read("a.gz")[0] == {"label": 1, "sport": 1, "text": 1, "goal": 2, "id": 1}

    def test_standard_input(self, folder, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSONL.encode())))
        assert Documents.read("-", format="jsonl").name == "<stdin>"

    def test_class_folders_are_read_by_name(self, folder):
        names = ("b/2", "b/10", "a/x.txt", "a/deep/er/y", "loose", ".hidden", "b/.hidden", ".git/config", "a/.b/c")
        for name in names:
            (folder / "news" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "news" / name).write_text(f"in {name}\n")
        (folder / "news/a/z.gz").write_bytes(gzip.compress(b"packed"))
        (folder / "news/a/loop").symlink_to(folder / "news")
        assert records("news") == [
            (None, "in loose\n"),
            ("a", "in a/deep/er/y\n"),
            ("a", "in a/x.txt\n"),
            ("a", "packed"),
            ("b", "in b/10\n"),
            ("b", "in b/2\n"),
        ]
        assert Documents.read("news").names() == [None, "a", "a", "a", "b", "b"]


class TestTokens:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=5))
    def test_the_default_is_that_of_scikit_learn(self, texts):
        text = pytest.importorskip("sklearn.feature_extraction.text")
        split = text.CountVectorizer().build_analyzer()
        assert list(docfiles.tokens([(None, each) for each in texts])) == [split(each) for each in texts]

    def test_options(self, folder):
        (folder / "a.txt").write_text("Don't  panic, É!\n")
        assert words(Documents.read("a.txt", pattern=None)) == [{"don't": 1, "panic,": 1, "é!": 1}]
        assert words(Documents.read("a.txt", lowercase=False)) == [{"Don": 1, "panic": 1}]
        assert words(Documents.read("a.txt", pattern=r"[\w']+")) == [{"don't": 1, "panic": 1, "é": 1}]
        assert words(Documents.read("a.txt", pattern=r"(\w)anic")) == [{"p": 1}]
        (folder / "b.jsonl").write_text('{"tokens": ["A", "B c"]}\n')
        assert words(Documents.read("b.jsonl", lowercase=False, pattern="x")) == [{"A": 1, "B c": 1}]


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("a.jsonl", '\n{"text": "a"\n', {}, r"^a.jsonl:2: not valid JSON \(Expecting .*such as {\"label\""),
        ("a.jsonl", '[{"text": "a"}]\n', {}, "^a.jsonl:1: a list, not an object"),
        ("a.json", '[\n{"text": "a"}\n]\n', {}, "^a.json:1: not valid JSON .* one list of documents"),
        ("a.jsonl", "3\n", {}, "^a.jsonl:1: a int, not an object"),
        ("a.jsonl", "{}\n", {}, '^a.jsonl:1: no "text" and no "tokens"'),
        ("a.jsonl", '{"text": null}\n', {}, '^a.jsonl:1: its "text" is not a string'),
        ("a.jsonl", '{"tokens": ["a", 1]}\n', {}, '^a.jsonl:1: its "tokens" are not a list of strings'),
        ("a.jsonl", '{"tokens": "a"}\n', {}, '^a.jsonl:1: its "tokens" are not a list of strings'),
        ("a.jsonl", '{"text": "", "label": ["a"]}\n', {}, "^a.jsonl:1: the label is a list"),
        ("a.jsonl", '{"text": "", "label": "a\\nb"}\n', {}, "^a.jsonl:1: the label .* cannot be printed"),
        ("a.jsonl", '{"text": "", "label": "\\ud800"}\n', {}, "^a.jsonl:1: the label .* cannot be printed"),
        ("a.jsonl", '{"text": "", "label": NaN}\n', {}, r"^a.jsonl:1: not valid JSON \(NaN is not JSON\)"),
        ("a.jsonl", "[" * 100_000, {}, "^a.jsonl:1: not valid JSON"),
        ("a.jsonl", '{"text": "", "label": ' + "9" * 5000 + "}", {}, "^a.jsonl:1: not valid JSON"),
        ("a.tsv", "sport\tgoal\nno tab\n", {}, "^a.tsv:2: no TAB; a line is label TAB text"),
        ("a.txt", "a\nb\0\n", {}, "^a.txt:2: a NUL byte"),
        (
            "a.txt",
            "a",
            {"format": "csv"},
            "^a.txt: no format 'csv' of documents; give one of jsonl, tsv, plain, folder",
        ),
        ("a.txt", "a", {"format": "folder"}, r"^a.txt: cannot be read as a folder \(Not a directory\)"),
        ("a.txt", "a", {"pattern": "("}, r"^pattern '\(' is not a regular expression"),
        ("a.txt", "a", {"pattern": "(a)(b)"}, r"^pattern '\(a\)\(b\)' has 2 groups; use \(\?:...\)"),
    ],
)
def test_bad_input_is_named(folder, name, text, options, message):
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=message):
        Documents.read(name, **options)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(["", " ", "a\tb", "\t", '{"text": "one goal"}', '{"label": 1, "tokens": []}', "[]", "{", "\r"])
        | st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=20),
        max_size=6,
    ),
    st.sampled_from(["jsonl", "tsv", "plain"]),
)
def test_any_text_is_a_document_a_line_or_an_error_with_its_line(tmp_path_factory, lines, form):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    try:
        assert len(Documents.read(path, format=form)) == len(lines)
    except InputError as error:
        assert form != "plain"
        place = str(error).removeprefix(f"{path}:").partition(":")[0]
        assert lines[int(place) - 1].strip()


def test_bad_folders_are_named(folder):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no file in it; a folder of documents has a folder a class"):
        Documents.read("empty")
    (folder / "mixed").mkdir()
    (folder / "mixed/train.jsonl.gz").write_bytes(gzip.compress(JSONL.encode()))
    with pytest.raises(InputError, match=r"mixed.train.jsonl.gz holds many documents; give that file"):
        Documents.read("mixed")
    assert len(Documents.read("mixed", format="folder")) == 1
    (folder / "latin/a").mkdir(parents=True)
    (folder / "latin/a/1").write_bytes(b"ok\n\xe9")
    with pytest.raises(InputError, match=r"latin.a.1:2: not valid UTF-8"):
        Documents.read("latin")
    with pytest.raises(InputError, match=r"none.jsonl: cannot be read"):
        Documents.read("none.jsonl")


class TestByName:
    def corpus(self, folder, name, *files):
        (folder / "data" / name).mkdir(parents=True)
        for file in files:
            line = json.dumps({"label": "x", "text": file.partition(".")[0]}) + "\n"
            content = gzip.compress(line.encode()) if file.endswith(".gz") else line.encode()
            (folder / "data" / name / file).write_bytes(content)

    def test_parts_of_a_corpus(self, folder):
        self.corpus(folder, "reuters_r8", "train.jsonl.gz", "test.jsonl")
        for ask, part in ((["reuters_r8"], "train"), (["reuters_r8/test"], "test"), (["reuters_r8", "test"], "test")):
            assert read_documents(*ask).vocabulary.words == [part]
        assert read_documents(folder / "data/reuters_r8").vocabulary.words == ["train"]
        with pytest.raises(InputError, match=r"reuters_r8/dev: .* has no dev.jsonl"):
            find_documents("reuters_r8/dev")

    def test_the_only_file_of_a_corpus(self, folder):
        self.corpus(folder, "bbc", "bbc.jsonl.gz")
        assert read_documents("bbc").vocabulary.words == ["bbc"]
        self.corpus(folder, "half", "test.jsonl")
        with pytest.raises(InputError, match=r"test.jsonl holds many documents; give that file"):
            read_documents("half")

    def test_own_class_folders(self, folder):
        (folder / "data/mine/sport").mkdir(parents=True)
        (folder / "data/mine/sport/1.txt").write_text("goal")
        assert read_documents("mine").names() == ["sport"]

    def test_a_path_comes_first(self, folder):
        self.corpus(folder, "bbc", "bbc.jsonl")
        (folder / "bbc").write_text("here\n")
        assert read_documents("bbc").vocabulary.words == ["here"]

    def test_what_is_not_here_says_how_to_get_it(self, folder, monkeypatch):
        monkeypatch.setattr(registry, "_checkout", lambda: None)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        monkeypatch.setenv("LOCALAPPDATA", str(folder))
        self.corpus(folder, "ud_en_ewt", "train.conllu")
        for name, advice in (
            ("reuters_r8", "emnlp corpora fetch reuters_r8"),
            ("bbc", r"mlg\.ucd\.ie.* Put bbc\.jsonl, plain or \.gz, into a folder bbc"),
            ("bbb", r"^bbb: no such file or folder; no corpus is called 'bbb'; did you mean bbc\?"),
            ("a b", "^a b: no such file or folder; 'a b' cannot be a corpus"),
            ("none.jsonl", r"^none\.jsonl: cannot be read"),
            ("no/where", "^no.where: cannot be read"),
            ("ud_en_ewt", "ud_en_ewt has no corpus of documents"),
        ):
            with pytest.raises(InputError, match=advice):
                read_documents(name)


def test_the_sample_has_four_classes():
    documents = read_documents("sample_documents")
    assert documents.classes.words == ["astronomy", "cooking", "football", "gardening"]
    assert np.bincount(documents.labels).tolist() == [15] * 4
    assert documents.lengths.min() > 15


def test_reading_is_no_slower_than_the_vectoriser_of_scikit_learn(folder):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{k}" for k in range(20_000)])
    texts = [" ".join(vocabulary[rng.zipf(1.3, 200) % 20_000]) for _ in range(1500)]
    (folder / "a.txt").write_text("\n".join(texts))
    read, oracle = [], []
    for _ in range(3):
        begin = time.process_time()
        documents = Documents.read("a.txt")
        read.append(time.process_time() - begin)
        begin = time.process_time()
        matrix = text.CountVectorizer().fit_transform(texts)
        oracle.append(time.process_time() - begin)
    assert documents.counts.sum() == matrix.sum()
    assert np.median(read) < 2 * np.median(oracle)
