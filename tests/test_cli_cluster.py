"""``emnlp cluster`` on good and bad input: documents in their lines, the same model again, errors name the place."""

from __future__ import annotations

import gzip
import io
import json
import math
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from emnlp import IBM1, Documents, NaiveBayesMixture, clustering_scores, load
from emnlp.models.clusterrecipes import clustering

TEXTS = [
    ("sport", "The goal and the match, a goal for the team"),
    ("law", "The vote and the law: a vote of the party"),
    ("sport", "match team coach goal"),
    ("law", "party law Vote court"),
    (None, ""),
    ("sport", "the coach of the team and the match"),
    ("law", "the court and the law of the vote"),
]
LABELS = [label for label, _ in TEXTS]
QUICK = ("--components", 2, "--iterations", 4, "--learner", "em")
BLANK = (
    "emnlp: warning: 1 of 7 documents have no word that the model knows; "
    "they keep their place, in the component of most documents\n"
)


def jsonl(pairs):
    return "".join(json.dumps({"label": label, "text": text}) + "\n" for label, text in pairs)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of small files, in which no temporary file may be left."""
    monkeypatch.chdir(tmp_path)
    put("d.jsonl", jsonl(TEXTS))
    put("d.txt", "".join(text + "\n" for _, text in TEXTS))
    put("labels", "".join(f"{label or ''}\n" for label in LABELS))
    put("some.jsonl", jsonl([(label if k < 2 else None, text) for k, (label, text) in enumerate(TEXTS)]))
    yield tmp_path
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def cluster(command):
    """Run the command; return its status, standard output and standard error."""
    return partial(command, "cluster")


def put(name, content):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def names(out):
    """The components of the command's output."""
    return [line.split("\t")[0] for line in out.splitlines()]


def mixture(**more):
    return clustering(2, "em", iterations=4, **more)


# What works


def test_a_line_a_document(cluster):
    status, out, err = cluster("d.jsonl", *QUICK, "-q")
    assert (status, err) == (0, BLANK)
    documents = Documents.read("d.jsonl")
    shares = mixture().fit(documents.hidden()).predict_proba(documents)
    assert out == "".join(f"{row.argmax()}\t{row.max():.4f}\n" for row in shares)
    assert clustering_scores(names(out), LABELS).one_to_one == 1
    assert cluster("d.txt", *QUICK, "-q") == (0, out, err)
    assert cluster("d.jsonl", *QUICK, "-q", "-o", "o.gz") == (0, "", err)
    assert gzip.decompress(Path("o.gz").read_bytes()).decode() == out


def test_a_document_without_words_has_the_prior(cluster):
    put("x", "goal goal\ngoal match\nmatch\n\nvote law\nvote\n")
    out = cluster("x", *QUICK, "-q", "--save", "m")[1].splitlines()
    prior = load("m").probabilities()["component"]
    assert out[3] == f"{prior.argmax()}\t{prior.max():.4f}"
    assert out[3].split("\t")[0] == out[0].split("\t")[0]


def test_the_recipe_finds_the_classes_of_the_sample(cluster):
    status, out, err = cluster("sample_documents", "--components", 4, "--gold", "-q")
    assert status == 0
    assert err.startswith("M-1 100.00 | 1-1 100.00 | V 100.00")
    sample = Documents.read(Path(__file__).parent.parent / "corpora/sample_documents/train.jsonl")
    assert names(out) == clustering(4).fit(sample.pruned(3).hidden()).classify(sample)


def test_formats(cluster, folder):
    put("d.tsv", "".join(f"{label or ''}\t{text}\n" for label, text in TEXTS))
    for k, (label, text) in enumerate(TEXTS):
        place = folder / "all" / (label or "sport")
        place.mkdir(parents=True, exist_ok=True)
        (place / str(k)).write_text(text)
    out = cluster("d.jsonl", *QUICK, "-q")[1]
    assert cluster("d.tsv", *QUICK, "-q")[1] == out
    put("anything", Path("d.tsv").read_bytes())
    assert cluster("anything", *QUICK, "-q", "--format", "tsv", "--gold")[1] == out
    status, many, _ = cluster("all", *QUICK, "-q", "--gold")
    assert (status, many.count("\n")) == (0, 7)


def test_saved_and_loaded(cluster):
    for more in ((), ("--kind", "bernoulli"), ("--feature", "dirichlet"), ("--feature", "logistic"), ("--keep-case",)):
        status, out, _ = cluster("d.jsonl", *QUICK, "-q", "--save", "m", *more)
        assert status == 0
        assert cluster("d.jsonl", "-q", "--load", "m")[:2] == (0, out)
    assert "Vote" in load("m").vocabulary_
    put("capitals", "Zeus team\nlaw Hera\nZeus goal\n")
    cluster("capitals", *QUICK, "-q", "--save", "m", "--keep-case")
    for more, known in (((), 100), (("--keep-case",), 100), (("--lowercase",), 50)):
        assert f"known words {known}.0%" in cluster("capitals", "--load", "m", "--held-out", "capitals", *more)[2]
    cluster("d.jsonl", *QUICK, "-q", "--save", "m", "--kind", "bernoulli", "--feature", "dirichlet", "--alpha", 0.5)
    assert (load("m").kind, load("m").feature.alpha) == ("bernoulli", 0.5)


def test_unknown_words_are_told_of(cluster):
    cluster("d.jsonl", *QUICK, "--save", "m")
    put("new", "quite other words\nthe coach\n")
    status, out, err = cluster("new", "--load", "m")
    assert (status, out.count("\n")) == (0, 2)
    assert "1 of 2 documents have no word that the model knows" in err
    assert "60% of the words are unknown to m" in err


def test_words_left_out(cluster):
    put("stop", "The\ngoal\n")
    assert cluster("d.jsonl", *QUICK, "-q", "--min-df", 2, "--max-df", 0.5, "--stop", "stop", "--save", "m")[0] == 0
    sizes = {word: sum(word in text.lower().replace(",", "").split() for _, text in TEXTS) for word in ("and", "match")}
    assert sizes == {"and": 4, "match": 3}  # of 7
    assert sorted(load("m").vocabulary_) == ["coach", "court", "law", "match", "of", "party", "team", "vote"]
    cluster("d.jsonl", *QUICK, "-q", "--stop", "stop", "--save", "m", "--keep-case")
    assert {"the", "Vote"} <= set(load("m").vocabulary_)
    assert not {"The", "goal"} & set(load("m").vocabulary_)


def test_rare_words_are_left_out_of_many_documents(cluster):
    few, many = ("goal team\nvote law\n" * n for n in (24, 25))
    for name, text, kept in (("few", few + "goal rare\n", True), ("many", many + "goal rare\n", False)):
        cluster(put(name, text), *QUICK, "-q", "--save", "m")
        assert ("rare" in load("m").vocabulary_) == kept


def test_gold(cluster, command):
    status, out, err = cluster("d.jsonl", *QUICK, "-q", "--gold", "-o", "o")
    assert (status, out) == (0, "")
    assert err.startswith(BLANK + "M-1 100.00 | 1-1 100.00")
    assert err.endswith(command("evaluate", "cluster", "o", "d.jsonl")[1].splitlines()[-1] + "\n")
    for gold in ("labels", "d.jsonl"):
        assert cluster("d.txt", *QUICK, "-q", "--gold", gold)[2].startswith(BLANK + "M-1 100.00")


def test_held_out(cluster):
    put("new.txt", "the goal of the zebra\n\n")
    new, documents = Documents.read("new.txt"), Documents.read("d.jsonl").hidden()
    err = cluster("d.jsonl", *QUICK, "-q", "--held-out", "new.txt")[2]
    perplexity = mixture().fit(documents).perplexity(new)
    assert err == f"{BLANK}perplexity {perplexity:.2f} | known words 80.0% | documents 2 | held out new.txt\n"
    err = cluster("d.jsonl", *QUICK, "-q", "--held-out", "new.txt", "--kind", "bernoulli")[2]
    assert f"\nlog-likelihood {mixture(kind='bernoulli').fit(documents).score(new):.2f} |" in err


def test_posteriors(cluster):
    status, out, _ = cluster("d.jsonl", *QUICK, "-q", "--posteriors", "p.jsonl.gz", "--save", "m")
    assert status == 0
    lines = [json.loads(line) for line in gzip.decompress(Path("p.jsonl.gz").read_bytes()).splitlines()]
    assert [line["component"] for line in lines] == names(out)
    shares = load("m").predict_proba(Documents.read("d.jsonl"))
    assert all(list(line["posterior"]) == ["0", "1"] for line in lines)
    assert np.allclose([list(line["posterior"].values()) for line in lines], shares, atol=1e-6)
    status, alone, _ = cluster("d.jsonl", *QUICK, "-q", "--posteriors", "-", "-o", "o")
    assert [json.loads(line) for line in alone.splitlines()] == lines


def test_show_words(cluster):
    status, out, _ = cluster("d.jsonl", *QUICK, "-q", "--show-words", 3, "-o", "o", "--save", "m")
    assert status == 0
    heading, *lines = out.splitlines()
    assert heading.split() == ["component", "documents", "%", "words"]
    found, best = names(Path("o").read_text()), load("m").top_words(3)
    assert len(found) == 7
    order = sorted("01", key=lambda name: -found.count(name))
    for name, line in zip(order, lines, strict=True):
        words = [word for word, _ in best[int(name)]]
        assert line.split() == [name, str(found.count(name)), f"{found.count(name) / 7:.1%}", *words]
    assert cluster("d.jsonl", *QUICK, "-q", "--show-words", 3)[1] == out  # and no lines
    by = cluster("d.jsonl", *QUICK, "-q", "--show-words", 1, "--by", "probability")[1]
    assert {line.split()[-1] for line in by.splitlines()[1:]} == {"the"}
    assert all(len(line.split()) > 10 for line in cluster("d.jsonl", *QUICK, "-q", "--show-words")[1].splitlines()[1:])


def test_some_labels(cluster):
    status, out, err = cluster("some.jsonl", "--use-labels", "-q", "--gold", "labels")
    assert status == 0
    assert set(names(out)) == {"law", "sport"}
    assert "Acc 100.00" in err
    some = Documents.read("some.jsonl")
    shares = clustering(None, "em", tfidf=3.0).fit(some).predict_proba(some)
    assert out == "".join(f"{['law', 'sport'][row.argmax()]}\t{row.max():.4f}\n" for row in shares)
    assert (
        "the labels that the scores are of are those it learned from"
        in cluster("some.jsonl", "--use-labels", "--gold")[2]
    )
    counts = clustering(None, "em").fit(some).classify(some)
    assert names(cluster("some.jsonl", "--use-labels", "--tfidf", 0, "-q")[1]) == counts
    for weight in (0, 0.5):
        cluster("some.jsonl", "--use-labels", "-q", "--unlabelled-weight", weight, "--save", "m")
        weighted = clustering(None, "em", unlabelled=weight, tfidf=3.0).fit(some)
        assert np.array_equal(load("m").predict_proba(some), weighted.predict_proba(some))
        assert not np.allclose(weighted.predict_proba(some), shares, atol=1e-6)
    status, out, _ = cluster("some.jsonl", "--use-labels", "-q", "--components", 4, "--init", "random", "--restarts", 2)
    assert (status, set(names(out)) <= {"law", "sport", "0", "1"}) == (0, True)
    assert set(names(cluster("some.jsonl", *QUICK, "-q")[1])) == {"0", "1"}  # its labels are left alone


def test_restarts_are_shown(cluster):
    args = ("d.jsonl", "--components", 3, "--iterations", 2, "--learner", "em", "--init", "random")
    status, out, err = cluster(*args, "--restarts", 3, "--seed", 5, "--save", "m")
    assert status == 0
    restarts = load("m").trace_.restarts
    seeds = [int(line.split()[4].rstrip(":")) for line in err.splitlines() if "start of seed" in line]
    assert seeds == sorted(restarts, key=lambda seed: -restarts[seed])
    assert set(seeds) == {5, 6, 7}
    assert cluster(*args, "-q", "--seed", seeds[0])[1] == out


def test_talk(cluster):
    err = cluster("d.jsonl", *QUICK)[2]
    assert err.startswith("emnlp: read Documents(d.jsonl: 7 documents, ")
    assert "\nemnlp: mixture of 2 components, " in err
    assert " nats a document; max_iter: 4 M-steps done\n" + BLANK + "emnlp: clustered 7 documents in " in err
    put("full", Path("d.txt").read_text().replace("\n\n", "\n"))
    assert cluster("full", *QUICK, "-q", "-o", "o", "--save", "m") == (0, "", "")


def test_the_same_bits_at_any_number_of_threads(cluster):
    put("big", Path("d.txt").read_text() * 150)
    for n in (1, 2, 3):
        args = ("-q", "--threads", n, "-o", f"o{n}", "--save", f"m{n}", "--posteriors", f"p{n}")
        assert cluster("big", "--components", 3, "--iterations", 3, *args)[0] == 0
    for name in "omp":
        assert Path(f"{name}1").read_bytes() == Path(f"{name}2").read_bytes() == Path(f"{name}3").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.removesuffix(b"\n"),
        lambda text: text.replace(b" ", b" \t\x0b "),
    ],
    ids=["crlf", "bom", "no final newline", "white space"],
)
def test_same_text_same_clusters(cluster, change):
    out = cluster("d.txt", *QUICK, "-q")
    put("a", change(Path("d.txt").read_bytes()))
    assert cluster("a", *QUICK, "-q") == out


@pytest.mark.parametrize("args", [("d.txt",), ("d.txt", "--gold", "labels"), ("d.txt", "--held-out", "d.txt")])
def test_stdin(cluster, monkeypatch, args):
    """The last file of the arguments, by its name and from standard input."""
    expected = cluster(*args, *QUICK, "-q")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(args[-1]).read_bytes())))
    status, out, err = cluster(*args[:-1], "-", *QUICK, "-q")
    assert (status, out, err.replace("<stdin>", args[-1])) == expected
    assert status == 0


@pytest.mark.parametrize("content", ["", "\n\n\n", "a\u00a0b \u2028 \u0085 c\x1c\n\U0001f600 \u200b\n", "ab\rcd"])
def test_load_on_odd_text(cluster, content):
    cluster("d.jsonl", *QUICK, "-q", "--save", "m")
    put("a", content)
    for more in ((), ("--show-words",), ("--posteriors", "p")):
        status, out, _ = cluster("a", "-q", "--load", "m", *more)
        assert status == 0
        if "--show-words" not in more:
            assert out.count("\n") == len(content.removesuffix("\n").split("\n") if content else [])


def test_a_huge_word_and_a_long_document(cluster):
    put("a", f"a {'y' * 1_000_000}\n{' '.join(f'w{n % 700}' for n in range(20_000))}\nw1 w2\n")
    status, out, _ = cluster("a", *QUICK, "-q", "--show-words", 3, "-o", "o")
    assert (status, len(names(Path("o").read_text()))) == (0, 3)
    assert all(len(line) <= 200 for line in out.splitlines())


@pytest.mark.parametrize(
    "args",
    [
        ("--components", 1),
        ("--components", 20),
        ("--iterations", 0),
        ("--tol", "1e9"),
        ("--alpha", 0),
        ("--alpha", 1e-300, "--feature", "dirichlet"),
        ("--alpha", 1e4),
        ("--learner", "hard"),
        ("--learner", "annealed", "--kind", "bernoulli"),
        ("--init", "documents"),
        ("--init", "random", "--restarts", 3),
        ("--feature", "logistic", "--kappa", 1),
        ("--feature", "logistic", "--kappa", 0, "--kind", "bernoulli"),
        ("--use-labels", "--components", 3, "--feature", "logistic"),
        ("--use-labels", "--learner", "annealed", "--unlabelled-weight", 0.1),
        ("--threads", 1000),
        ("--seed", 10**30),
    ],
    ids=str,
)
def test_options_that_work(cluster, args):
    more = () if {"--components", "--use-labels"} & set(args) else ("--components", 3)
    status, out, err = cluster("d.jsonl", "-q", *more, *args)
    assert (status, out.count("\n"), err) == (0, 7, BLANK)
    assert all(0 < float(line.split("\t")[1]) <= 1 for line in out.splitlines())
    assert not math.isnan(sum(float(line.split("\t")[1]) for line in out.splitlines()))


# Bad input: status 1, a message that names the place, and no output


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("x", b"ab cd\nc \xff\n", "x:2: not valid UTF-8"),
        ("x", b"ab cd\n\nd\0\n", "x:3: a NUL byte"),
        ("x", "ab cd".encode("utf-16"), "x:1: "),
        ("x", b"", "x: nothing to learn from: there is no word in it"),
        ("x", b"\n \t\n\na b c\n", "x: nothing to learn from: there is no word in it"),
        ("x.jsonl", b'{"text": "ab"}\n{"text": 3}\n', 'x.jsonl:2: its "text" is not a string'),
        ("x.jsonl", b'{"text": "ab"\n', "x.jsonl:1: not valid JSON"),
        ("x.tsv", b"a\tab\nab\n", "x.tsv:2: no TAB"),
    ],
)
def test_bad_text(cluster, name, content, place):
    put(name, content)
    status, out, err = cluster(name, *QUICK, "-o", "out", "--save", "m")
    assert (status, out, Path("out").exists(), Path("m").exists()) == (1, "", False, False)
    assert f"emnlp: {place}" in err


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("none", *QUICK), "none: no such file or folder"),
        (("d.txt", "--load", "none"), "none: no such model file"),
        (("d.txt", "--load", "d.txt"), "d.txt: not a model file"),
        (("d.txt", "--load", "aligner"), "aligner: the file holds a IBM1, not a NaiveBayesMixture"),
        (("d.txt", "--load", "cut"), "cut: not a model file, or a truncated one"),
        (("d.txt", *QUICK, "-o", "."), "it is a folder"),
        (("d.txt", *QUICK, "-o", "no/folder"), "no/folder: cannot be written"),
        (("d.txt", *QUICK, "--save", "no/folder"), "no/folder: cannot be written"),
        (("d.txt", *QUICK, "--posteriors", "no/folder"), "no/folder: cannot be written"),
        (("d.txt", *QUICK, "--stop", "none"), "none: cannot be read"),
        (("d.txt", *QUICK, "--gold"), "d.txt: there is no label in it to score against"),
        (("d.txt", *QUICK, "--gold", "none"), "none: no such file or folder"),
        (("d.txt", *QUICK, "--gold", "short"), "d.txt has 7 documents, but short has 1 labels"),
        (("d.txt", *QUICK, "--held-out", "none"), "none: no such file or folder"),
        (("d.txt", *QUICK, "--held-out", "short"), "short: no word of it is known"),
        (("d.txt", "--use-labels"), "d.txt: --use-labels, but no document has a label"),
        (("d.jsonl", "--use-labels", "--components", 1), "2 classes, more than the 1 components"),
        (("d.txt", *QUICK, "--min-df", 8), "words is left: each is in fewer than 8 documents"),
        (("d.txt", *QUICK, "--max-df", 0), "words is left"),
        (("d.txt", *QUICK, "--format", "jsonl"), "d.txt:1: not valid JSON"),
        (("d.txt", *QUICK, "--format", "folder"), "d.txt: cannot be read as a folder"),
    ],
    ids=str,
)
def test_bad_files_and_sizes(cluster, args, what):
    IBM1().fit([(["a"], ["b"])]).save("aligner")
    NaiveBayesMixture(2, max_iter=1).fit([["ab"], ["cd"]]).save("model")
    put("cut", Path("model").read_bytes()[:-9])
    put("short", "xyzzy\n")
    more = () if "-o" in args else ("-o", "out")
    status, out, err = cluster(*args, *more)
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert err.splitlines()[-1].startswith("emnlp: ")
    assert what in err.splitlines()[-1]


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("d.jsonl",),
        *(("d.jsonl", "--components", k) for k in ("0", "-1", "many", "1000000000000")),
        *(("d.jsonl", *map(str, QUICK), *option) for option in (
            ("--iterations", "-1"), ("--learner", "vb"), ("--feature", ""), ("--init", "best"), ("--kind", "poisson"),
            ("--format", "csv"), ("--alpha", "nan"), ("--alpha", "0", "--feature", "dirichlet"), ("--kappa", "1"),
            ("--alpha", "1", "--feature", "logistic"), ("--tol", "inf"), ("--restarts", "0"), ("--threads", "0"),
            ("--show-words", "0"), ("--by", "contrast"), ("--seed", "1.5"), ("--unlabelled-weight", "1"),
            ("--min-df", "0"), ("--max-df", "2"), ("--lowercase", "--keep-case"), ("--save", "-"), ("--save", ""),
            ("--posteriors", "-"), ("--posteriors", "-", "-o", "o", "--show-words"), ("-o", "d.jsonl"),
            ("-o", "./d.jsonl"), ("-o", "x", "--save", "x"), ("-o", "x", "--posteriors", "x"),
            ("-o", "labels", "--gold", "labels"), ("-o", "d.txt", "--held-out", "d.txt"),
            ("--gold", "-", "--stop", "-"), ("--use-labels", "--init", "random"), ("--use-labels", "--restarts", "2"),
        )),
        *(("d.jsonl", "--load", "m", *option) for option in (
            ("--components", "3"), ("--feature", "categorical"), ("--kappa", "1"), ("--alpha", "1"), ("--kind",
            "bernoulli"), ("--learner", "em"), ("--iterations", "3"), ("--tol", "0"), ("--init", "random"),
            ("--seed", "0"), ("--restarts", "1"), ("--save", "x"), ("--use-labels",), ("--min-df", "1"),
            ("--max-df", "1"), ("--stop", "labels"), ("--unlabelled-weight", "1"),
        )),
    ],
)  # fmt: skip
def test_bad_usage(cluster, args):
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    status, out, err = cluster(*args)
    assert (status, out) == (2, "")
    assert "usage: emnlp cluster DOCS" in err
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_help(cluster):
    status, out, _ = cluster("--help")
    assert status == 0
    assert "emnlp cluster news.jsonl --components 5 --show-words --gold" in out


@pytest.mark.parametrize("place", ["params/feature", "kept/frequencies_"])
def test_tampered_models(cluster, place):
    from emnlp import storage

    cluster("d.jsonl", *QUICK, "-q", "--save", "good")
    header, arrays = storage.read("good")
    del header["format"]
    storage.write("m", header, arrays | {place: arrays[place] * float("nan")})
    status, out, err = cluster("d.jsonl", "--load", "m")
    assert (status, out) == (1, "")
    assert err.startswith("emnlp: m: the model file is damaged")


def test_held_out_documents_are_checked_before_training(cluster):
    put("zebras", "zebra okapi\n")
    status, _, err = cluster("d.jsonl", *QUICK, "--held-out", "zebras")
    assert (status, "no word of it is known" in err, "nats a document" in err) == (1, True, False)
