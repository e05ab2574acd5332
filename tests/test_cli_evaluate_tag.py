import io
import json
import math
import sys

import pytest

import emnlp
from emnlp import cli

OUTPUT = "the/0 dog/1 barks/2\n\nthe/0 cat/1 sleeps/1\n"
GOLD = "The/DT dog/NN barks/VBZ\n\nThe/DT cat/NN sleeps/VBZ\n"


def conllu(*sentences):
    """Return CoNLL-U of sentences of (word, upos, xpos)."""
    blocks = (
        "".join(f"{n}\t{word}\t_\t{upos}\t{xpos}\t_\t_\t_\t_\t_\n" for n, (word, upos, xpos) in enumerate(sentence, 1))
        for sentence in sentences
    )
    return "\n".join(blocks) + "\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Clusters 0: DT DT; 1: NN NN VBZ; 2: VBZ; the same gold as word/TAG and, without the blank line, as CoNLL-U."""
    monkeypatch.setattr(cli, "COMMANDS", ("evaluate",))
    monkeypatch.chdir(tmp_path)
    sentences = [
        [("The", "DET", "DT"), ("dog", "NOUN", "NN"), ("barks", "VERB", "VBZ")],
        [("The", "DET", "DT"), ("cat", "NOUN", "NN"), ("sleeps", "NOUN", "VBZ")],
    ]
    files = {
        "dev.out": OUTPUT,
        "dev.gold": GOLD,
        "two.out": OUTPUT.replace("\n\n", "\n"),
        "dev.conllu": conllu(*sentences),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def run(command):
    return lambda *args: command("evaluate", "tag", *args)


SIGNATURE = (
    "M-1 83.33 | 1-1 83.33 | V 73.97 | VI 0.79 bits | H 71.03 | C 77.16 | clusters 3 | tags 3 | tokens 6 | "
    f"without gold 0 | gold dev.gold | lines all | emnlp {emnlp.__version__}"
)


def test_table_and_signature(run):
    status, out, err = run("dev.out", "dev.gold")
    assert (status, err) == (0, "")
    table, signature = out.rsplit("\n\n", 1)
    assert [line.split() for line in table.splitlines()] == [
        ["M-1", "1-1", "V", "VI", "H", "C", "clusters", "tags"],
        ["83.33", "83.33", "73.97", "0.79", "71.03", "77.16", "3", "3"],
    ]
    assert signature == SIGNATURE + "\n"


def test_names_and_rates_are_in_line(run):
    header, rates = run("dev.gold", "dev.gold")[1].splitlines()[:2]
    assert header.split()[6] == "Acc"
    assert [len(line) for line in (header, rates)] == [len(header)] * 2


def test_json(run):
    fields = json.loads(run("dev.out", "dev.gold", "--json")[1])
    assert (fields["many_to_one"], fields["one_to_one"], fields["accuracy"]) == (5 / 6, 5 / 6, None)
    # cluster 1 has half of the tokens, and its tags are 2 : 1; VBZ has a third, and its clusters are 1 : 1
    given_cluster = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3)) / 2
    assert fields["variation_of_information"] == pytest.approx(given_cluster + 1 / 3)
    assert fields["homogeneity"] == pytest.approx(1 - given_cluster / math.log2(3))
    assert (fields["n_clusters"], fields["n_tags"], fields["n_tokens"], fields["n_without_gold"]) == (3, 3, 6, 0)
    assert (fields["gold"], fields["column"], fields["lines"]) == ("dev.gold", "", "all")
    assert fields["signature"] == SIGNATURE
    assert "confusion" not in fields


def test_confusion(run):
    status, out, _ = run("dev.out", "dev.gold", "--confusion")
    assert status == 0
    blocks = out.split("\n\n")
    assert [line.split() for line in blocks[1].splitlines()] == [
        ["cluster", "%", "M-1", "1-1", "gold", "tags,", "in", "%"],
        ["1", "50.00", "NN", "NN", "NN", "66.7,", "VBZ", "33.3"],
        ["0", "33.33", "DT", "DT", "DT", "100.0"],
        ["2", "16.67", "VBZ", "VBZ", "VBZ", "100.0"],
    ]
    assert blocks[2] == SIGNATURE + "\n"
    rows = json.loads(run("dev.out", "dev.gold", "--confusion", "--json")[1])["confusion"]
    assert (rows[0]["cluster"], rows[0]["n_tokens"], rows[0]["own_tag"]) == ("1", 3, "NN")
    assert rows[0]["tags"] == [["NN", pytest.approx(2 / 3)], ["VBZ", pytest.approx(1 / 3)]]


def test_confusion_shows_the_first_tags_and_the_cluster_left_over(run, folder):
    (folder / "a").write_text("a/0 b/0 c/0 d/0 e/0 f/0 g/1\n")
    (folder / "b").write_text("a/A b/B c/C d/D e/E f/F g/A\n")
    lines = run("a", "b", "--confusion")[1].splitlines()
    assert lines[4].endswith("A 16.7, B 16.7, C 16.7, D 16.7, E 16.7, ...")
    (folder / "b").write_text("a/A b/A c/A d/A e/A f/A g/A\n")
    assert run("a", "b", "--confusion")[1].splitlines()[5].split() == ["1", "14.29", "A", "-", "A", "100.0"]


@pytest.mark.parametrize(
    ("options", "counts", "facts"),
    [
        ([], "clusters 3 | tags 3 | tokens 6", "tag xpos | lines all"),
        (["--tag", "upos"], "clusters 3 | tags 3 | tokens 6", "tag upos | lines all"),
        (["--lines", "1::8"], "clusters 2 | tags 3 | tokens 3", "tag xpos | lines 1::8"),
    ],
)
def test_conllu(run, options, counts, facts):
    status, out, _ = run("two.out", "dev.conllu", *options)
    assert status == 0
    assert f"| {counts} | without gold 0 | gold dev.conllu | {facts} |" in out


def test_the_column_matters(run):
    assert "M-1 83.33" in run("two.out", "dev.conllu")[1]
    assert "M-1 100.00" in run("two.out", "dev.conllu", "--tag", "upos")[1]
    assert "Acc 100.00" in run("dev.conllu", "dev.conllu", "--tag", "upos")[1]


@pytest.mark.parametrize(("lines", "counts"), [("0:1", (3, 3)), (":3:2", (3, 6)), ("2:", (2, 3))])
def test_lines(run, lines, counts):
    fields = json.loads(run("dev.out", "dev.gold", "--lines", lines, "--json")[1])
    assert (fields["n_clusters"], fields["n_tokens"], fields["lines"]) == (*counts, lines)


def test_words_without_gold_are_left_out(run, folder):
    (folder / "dev.gold").write_text("The/DT dog barks/VBZ\n\nThe cat/NN sleeps/VBZ\n")
    assert "tokens 4 | without gold 2" in run("dev.out", "dev.gold")[1]
    (folder / "dev.out").write_text("the/0 dog barks/2\n\nthe cat/1 sleeps/1\n")
    assert "tokens 4 | without gold 2" in run("dev.out", "dev.gold")[1]


def test_output_from_standard_input(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OUTPUT.encode())))
    assert run("-", "dev.gold")[1].endswith(SIGNATURE + "\n")


def test_gold_from_standard_input(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOLD.encode())))
    assert "| gold <stdin> |" in run("dev.out", "-")[1]


def test_white_space_within_words_may_be_written(run, folder):
    (folder / "a.conllu").write_text(conllu([("New York", "PROPN", "NNP"), ("A", "X", "FW")]))
    (folder / "a.out").write_text("new_york/3 a/4\n")
    assert "M-1 100.00" in run("a.out", "a.conllu")[1]


def test_a_corpus_of_nltk(run, folder):
    from nltk.corpus import treebank

    try:
        sents = treebank.tagged_sents()
    except LookupError:
        pytest.skip("NLTK has no treebank here")
    words = [[word.lower() for word, tag in sent if tag != "-NONE-"] for sent in sents]
    (folder / "a.out").write_text("".join(" ".join(f"{word}/{len(word)}" for word in sent) + "\n" for sent in words))
    status, out, _ = run("a.out", "nltk:treebank")
    assert status == 0
    assert f"tokens {sum(map(len, words))} | without gold 0 | gold nltk:treebank | tag xpos" in out
    (folder / "a.out").write_text("Pierre/1\n")
    assert "a.out:1: word 2 is the end, but 'Vinken' in nltk:treebank: sentence 1" in run("a.out", "nltk:treebank")[2]


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, ["none", "dev.gold"], "none: cannot be read"),
        ({}, ["dev.out", "none.conllu"], "none.conllu: cannot be read"),
        ({}, ["dev.out", "nltk:nothing"], "NLTK has no corpus 'nothing'"),
        ({"dev.out": ""}, ["dev.out", "dev.gold"], "dev.out has 0 sentences, but dev.gold has 3;"),
        ({"dev.gold": ""}, ["dev.out", "dev.gold"], "dev.out has 3 sentences, but dev.gold has 0;"),
        ({"dev.out": "", "dev.gold": ""}, ["dev.out", "dev.gold"], "dev.gold: no token has a gold tag"),
        ({"dev.out": "\n\n", "dev.gold": "\n\n"}, ["dev.out", "dev.gold"], "dev.gold: no token has a gold tag"),
        ({"dev.gold": "The dog barks\n\nThe cat sleeps\n"}, ["dev.out", "dev.gold"], "dev.gold: no token has a gold"),
        ({}, ["dev.out", "dev.gold", "--lines", "1:2"], "dev.gold: no token has a gold tag"),
        ({"dev.out": "the dog barks\n\nthe cat sleeps\n"}, ["dev.out", "dev.gold"],
         "dev.out:1: 'the' and 5 words after it have no tag, but a gold one; tag every word"),
        ({"dev.out": OUTPUT.replace("cat/1", "cat")}, ["dev.out", "dev.gold"],
         "dev.out:3: 'cat' has no tag, but a gold one"),
        ({"dev.out": OUTPUT.replace("cat", "cow")}, ["dev.out", "dev.gold"],
         "dev.out:3: word 2 is 'cow', but 'cat' in dev.gold:3; score the same sentences"),
        ({"dev.out": OUTPUT.replace("dog", "DOG")}, ["dev.out", "dev.gold"],
         "dev.out:1: word 2 is 'DOG', but 'dog' in dev.gold:1"),
        ({"dev.out": "the/0 dog/1\n\nthe/0 cat/1 sleeps/1\n"}, ["dev.out", "dev.gold"],
         "dev.out:1: word 3 is the end, but 'barks' in dev.gold:1"),
        ({"dev.out": OUTPUT.replace("\n", " ./3\n")}, ["dev.out", "dev.gold"],
         "dev.out:1: word 4 is '.', but the end in dev.gold:1"),
        ({}, ["two.out", "dev.gold"], "two.out:2: word 1 is 'the', but the end in dev.gold:2"),
        ({}, ["dev.out", "dev.conllu"], "dev.out:2: word 1 is the end, but 'The' in dev.conllu: sentence 2"),
        ({"dev.conllu": "1\tThe\n\n"}, ["two.out", "dev.conllu"], "dev.conllu:1: not CoNLL-U"),
        ({"dev.conllu": conllu([("The", "DET", "_")])}, ["two.out", "dev.conllu"], "dev.conllu: no word has a tag"),
        ({}, ["dev.out", "dev.gold", "--lines", "9::2"], "--lines 9::2 selects none of the 3 sentences"),
        ({}, ["-", "-"], "more than one file is '-'"),
    ],
)  # fmt: skip
def test_bad_input_says_what_and_where(run, folder, files, options, message):
    for name, text in files.items():
        (folder / name).write_text(text)
    status, out, err = run(*options)
    assert (status, out) == (1, "")
    assert f"emnlp: {message}" in err
    assert err.count("\n") == 1


def test_a_file_that_is_not_text(run, folder):
    (folder / "dev.out").write_bytes(b"the/0\n\xff\xfe/1\n")
    assert run("dev.out", "dev.gold")[0] == 1
    (folder / "dev.out.gz").write_bytes(b"the/0\n")
    assert "dev.out.gz: not a whole .gz file" in run("dev.out.gz", "dev.gold")[2]


@pytest.mark.parametrize("args", [[], ["a"], ["a", "b", "--tag", "lemma"], ["a", "b", "--lines", "x"]])
def test_bad_usage(run, args):
    assert run(*args)[0] == 2


def test_help_has_examples(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "emnlp evaluate tag dev.tagged dev.gold" in out
    assert "--lines" in out
