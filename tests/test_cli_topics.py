"""``emnlp topics`` on good and bad input: a line a document, the same model again, errors that name the place."""

from __future__ import annotations

import gzip
import io
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from emnlp import LDA, PLSA, Documents, InputError, NaiveBayesMixture, load
from emnlp.metrics.coherence import npmi, umass

SPORT, NEWS = ["goal match team", "match Goal goal", "team coach match goal"], ["vote law", "Law party vote law"]
LINES = [*SPORT, "", *NEWS, "the goal of the party", "vote vote zebra"]
TEXT = "\n".join(LINES) + "\n"
QUICK = ("--topics", 2, "--iterations", 12)
BLANK = "emnlp: warning: 1 of 8 documents have no word that the model knows; they keep their place, "
BLANK += "with the same share of each topic\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of small files, in which no temporary file may be left."""
    monkeypatch.chdir(tmp_path)
    put("d.txt", TEXT)
    put("stop", "the\nOF\n")
    yield tmp_path
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def topics(command):
    """Run the command; return its status, standard output and standard error."""
    return partial(command, "topics")


@pytest.fixture
def model(topics):
    """A model file, of lower-cased words."""
    assert topics("d.txt", *QUICK, "-q", "-o", "o", "--save", "m")[0] == 0
    return Path("m")


def put(name, content):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def shares(text):
    """The proportions of the command's output, (N, K)."""
    fields = [line.split("\t") for line in text.splitlines()]
    assert [row[0] for row in fields] == [str(k) for k in range(len(fields))]
    return np.array([[float(field) for field in row[2:]] for row in fields])


# What works


def test_documents_stay_in_their_lines(topics):
    status, out, err = topics("d.txt", *QUICK, "-q")
    assert (status, err) == (0, BLANK)
    documents = Documents.read("d.txt")
    expected = LDA(2, max_iter=12).fit(documents).transform(documents)
    np.testing.assert_allclose(shares(out), expected, atol=6e-7)
    assert expected[3].tolist() == [0.5, 0.5]
    best = expected.argmax(axis=1)
    assert len({*best[:3]}) == len({*best[4:6]}) == 1
    assert best[0] != best[4]
    assert topics("d.txt", *QUICK, "-q", "-o", "-") == (0, out, err)
    assert topics("d.txt", *QUICK, "-q", "-o", "o.gz")[1] == ""
    assert gzip.decompress(Path("o.gz").read_bytes()).decode() == out


@pytest.mark.parametrize("learner", ["batch", "online"])
@pytest.mark.parametrize("name", ["lda", "plsa"])
def test_models_and_learners(topics, name, learner):
    size = ("--batch-size", 3, "--power", 0.9) if learner == "online" else ()
    args = ("--model", name, "--learner", learner, *size)
    status, out, err = topics("d.txt", *QUICK, *args, "--save", "m", "-o", "o")
    assert (status, out) == (0, "")
    assert f"emnlp: {name.upper()} of 2 topics, 10 words, seed 0: -" in err
    saved = load("m")
    assert type(saved) is {"lda": LDA, "plsa": PLSA}[name]
    assert getattr(saved.learner, "batch_size", None) == (3 if learner == "online" else None)
    assert getattr(saved.learner, "power", 0.9) == 0.9
    np.testing.assert_allclose(shares(Path("o").read_text()), saved.transform(Documents.read("d.txt")), atol=6e-7)
    assert topics("d.txt", "-q", "--load", "m") == (0, Path("o").read_text(), BLANK)


def test_priors(topics):
    assert topics("d.txt", *QUICK, "-q", "--alpha", 3, "--eta", 0.7, "--seed", 5, "--tol", 0.1, "--save", "m")[0] == 0
    model = load("m")
    assert (model.alpha, model.word.alpha, model.random_state, model.tol) == (3, 0.7, 5, 0.1)
    same = topics("d.txt", "--topics", 2, "-q", "--seed", 5)[1]
    assert same != topics("d.txt", "--topics", 2, "-q", "--seed", 5, "--alpha", 3)[1]


def test_the_largest_shares_alone(topics):
    full = shares(topics("d.txt", *QUICK, "--topics", 4, "-q")[1])
    out = topics("d.txt", *QUICK, "--topics", 4, "-q", "--top", 2)[1]
    for row, line in zip(full, out.splitlines(), strict=True):
        first, one, second, two = line.split("\t")[2:]
        assert [float(one), float(two)] == sorted(row, reverse=True)[:2] == [row[int(first)], row[int(second)]]
        assert first != second
    fields = [line.split("\t")[2:] for line in topics("d.txt", *QUICK, "-q", "--top", 9)[1].splitlines()]
    assert {len(row) for row in fields} == {4}


def test_labels_are_written_and_not_learned_from(topics):
    labels = ["sport", "a b c", None, "", 7, "x", "y", "z"]
    put("d.jsonl", "".join(json.dumps({"label": a, "text": b}) + "\n" for a, b in zip(labels, LINES)))
    with_labels, plain = (topics(name, *QUICK, "-q")[1].splitlines() for name in ("d.jsonl", "d.txt"))
    assert [line.split("\t", 2)[2] for line in with_labels] == [line.split("\t", 2)[2] for line in plain]
    assert {line.split("\t")[1] for line in plain} == {"-"}
    named = [line.split("\t")[1] for line in topics("d.jsonl", *QUICK, "-q")[1].splitlines()]
    assert named == ["sport", "a_b_c", "-", "-", "7", "x", "y", "z"]
    put("d.tsv", "".join(f"{label}\t{line}\n" for label, line in zip(named, LINES)))
    assert topics("d.tsv", *QUICK, "-q")[1].splitlines()[0] == with_labels[0]
    put("e.tsv", Path("d.tsv").read_text())
    Path("e.tsv").rename("e")
    assert topics("e", *QUICK, "-q", "--format", "tsv") == topics("d.tsv", *QUICK, "-q")


def test_vocabulary(topics):
    for more, words in (
        ((), {"goal", "match", "team", "coach", "vote", "law", "party", "the", "of", "zebra"}),
        (("--min-df", 2), {"goal", "match", "team", "vote", "law", "party"}),
        (("--min-df", 2, "--max-df", 0.35), {"team", "law", "party"}),
        (("--min-df", 1, "--stop", "stop"), {"goal", "match", "team", "coach", "vote", "law", "party", "zebra"}),
        (("--min-df", 2, "--keep-case"), {"goal", "match", "team", "vote", "law", "party"}),
        (("--keep-case", "--stop", "stop"), {"Goal", "Law"}),
    ):
        assert topics("d.txt", *QUICK, "-q", *more, "--save", "m")[0] == 0
        found = set(load("m").vocabulary_.words)
        assert words <= found if "--keep-case" in more else words == found
    assert {"of", "Goal", "goal"} <= found  # OF is another word
    assert "the" not in found


def test_words(topics):
    status, out, err = topics("d.txt", *QUICK, "--show-words", 3, "--save", "m", "-o", "o")
    assert status == 0
    documents, model = Documents.read("d.txt"), load("m")
    best = [[word for word, _ in each] for each in model.top_words(3)]
    sizes = documents.lengths @ model.transform(documents) / documents.lengths.sum()
    scores = npmi(best, documents), umass(best, documents)
    heading, *lines = out.splitlines()
    assert heading.split() == ["topic", "tokens", "NPMI", "UMass", "words"]
    for line, k in zip(lines, np.argsort(-sizes), strict=True):
        expected = [f"{k}", f"{sizes[k]:.1%}", f"{scores[0][k]:.3f}", f"{scores[1][k]:.3f}", *best[k]]
        assert line.split() == expected
    means = f"NPMI {scores[0].mean():.3f}, UMass {scores[1].mean():.3f}, means of 2 topics"
    assert f"coherence of 3 words by contrast: {means}\n" in err
    assert len(Path("o").read_text().splitlines()) == 8
    assert topics("d.txt", *QUICK, "-q", "--show-words", 3) == (0, out, BLANK)  # and no proportions
    put("the", "the goal goal\nthe the the vote vote vote\n" * 2)
    outs = [topics("the", *QUICK, "-q", "--show-words", 2, "--by", by)[1] for by in ("probability", "contrast")]
    assert [each.count(" the") for each in outs] == [2, 1]


def test_coherence_without_words(topics, model):
    assert [line.split()[2:4] for line in topics("d.txt", *QUICK, "-q", "--show-words", 1)[1].splitlines()[1:]] == [
        ["-", "-"],
        ["-", "-"],
    ]
    put("one", "word\n")
    status, out, err = topics("one", *QUICK, "--show-words")
    assert (status, [line.split()[4] for line in out.splitlines()[1:]]) == (0, ["word", "word"])
    assert "coherence" not in err
    put("other", "goal match\n")  # it lacks words of the model
    status, out, err = topics("other", "--load", model, "--show-words", 5)
    assert status == 0
    assert {line.split()[3] for line in out.splitlines()[1:]} == {"-"}
    assert "UMass -, means of 2 topics" in err
    put("empty", "")
    status, out, _ = topics("empty", "--load", model, "--show-words", 5)
    assert status == 0
    assert [line.split()[1:4] for line in out.splitlines()[1:]] == [["0.0%", "-", "-"]] * 2


@pytest.mark.parametrize("name", ["lda", "plsa"])
def test_held_out(topics, name):
    put("more", "goal match team goal\nlaw vote giraffe law\n\n")
    status, _, err = topics("d.txt", *QUICK, "-q", "--model", name, "--held-out", "more", "--save", "m")
    model, documents = load("m"), Documents.read("more")
    completed, fitted = model.completion_perplexity(documents), model.perplexity(documents)
    line = f"completion perplexity {completed:.2f} | fitted {fitted:.2f} | known words 87.5% | documents 3"
    assert (status, err) == (0, f"{BLANK}{line} | held out more\n")
    assert topics("d.txt", "-q", "--load", "m", "--held-out", "more")[2] == err


def test_unknown_words_are_told_of(topics, model):
    put("new", "goal giraffe\nGOAL goal\nquite other words\n")
    status, out, err = topics("new", "--load", model)
    assert (status, len(shares(out))) == (0, 3)
    assert "1 of 3 documents have no word that the model knows" in err
    assert f"emnlp: warning: 4 of 7 tokens are words unknown to {model}, and left out; are these the" in err
    put("new", "goal giraffe\n")
    assert topics("new", "-q", "--load", model)[2].endswith(
        f"1 of 2 tokens are words unknown to {model}, and left out\n"
    )
    kept = topics("d.txt", *QUICK, "-q", "--keep-case", "--save", "cased")
    assert topics("d.txt", "-q", "--load", "cased") == kept  # the case is that of the model's words
    assert "4 of 4" in topics(put("big", "GOAL MATCH\nTEAM VOTE\n"), "-q", "--load", "cased")[2]


def test_talk(topics):
    err = topics("d.txt", *QUICK, "--save", "m")[2]
    assert "emnlp: read Documents(d.txt: 8 documents, 24 tokens, 10 types)\n" in err
    documents, model = Documents.read("d.txt"), load("m")
    said = f"{model.trace_[-1] / 8:.4f} nats a document; max_iter: 12 M-steps done\n"
    assert f"emnlp: LDA of 2 topics, 10 words, seed 0: {said}" in err
    bound = np.exp(-model.evidence_bound(documents) / 24)
    assert float(err.split("training documents: at most ")[1].split()[0]) == pytest.approx(bound, rel=0.01)
    assert "emnlp: found the topics of 8 documents in " in err
    err = topics("d.txt", *QUICK, "--model", "plsa", "--save", "m")[2]
    exact = np.exp(-load("m").trace_[-1] / 24)
    assert f"emnlp: perplexity of the training documents: {exact:.2f}\n" in err


@pytest.mark.parametrize("args", [(), ("--model", "plsa"), ("--learner", "online", "--batch-size", 100)], ids=str)
def test_the_same_bits_at_any_number_of_threads(topics, args):
    rng = np.random.default_rng(0)
    put("many", "".join(" ".join(f"w{k}" for k in rng.integers(0, 60, 9) // (1 + d % 3)) + "\n" for d in range(700)))
    for n in (1, 2, 3):
        names = ("-o", f"o{n}", "--save", f"m{n}")
        assert topics("many", "--topics", 3, "--iterations", 4, "-q", *args, "--threads", n, *names)[0] == 0
    assert Path("o1").read_bytes() == Path("o2").read_bytes() == Path("o3").read_bytes()
    assert Path("m1").read_bytes() == Path("m2").read_bytes() == Path("m3").read_bytes()


@pytest.mark.parametrize("args", [("d.txt",), ("d.txt", "--stop", "stop"), ("d.txt", "--held-out", "more")])
def test_stdin(topics, monkeypatch, args):
    """The last file of the arguments, by its name and from standard input."""
    put("more", "goal match vote law\n")
    expected = topics(*args, *QUICK, "-q")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(args[-1]).read_bytes())))
    status, out, err = topics(*args[:-1], "-", *QUICK, "-q")
    assert (status, out, err.replace("<stdin>", args[-1])) == expected
    assert status == 0


@pytest.mark.parametrize("content", ["", "\n\n\n", "a\u00a0b \u2028 \u0085 c\x1c\n\U0001f600 \u200b\n", "goal\rlaw"])
def test_load_on_odd_text(topics, content, model):
    put("a", content)
    status, out, _ = topics("a", "-q", "--load", model)
    lines = content.removesuffix("\n").split("\n") if content else []
    assert (status, len(out.splitlines())) == (0, len(lines))
    if lines:
        np.testing.assert_allclose(shares(out).sum(axis=1), 1, atol=2e-6)


@pytest.mark.parametrize(
    "args",
    [
        ("--topics", 1),
        ("--topics", 200),
        ("--iterations", 0),
        ("--iterations", 0, "--learner", "online"),
        ("--iterations", 1, "--learner", "online", "--model", "plsa", "--batch-size", 1),
        ("--learner", "online", "--batch-size", 10**9),
        ("--learner", "online", "--power", 1),
        ("--tol", "1e9"),
        ("--alpha", 1e-9),
        ("--alpha", 1e9, "--eta", 1e9),
        ("--eta", 1e-9),
        ("--threads", 1000),
        ("--seed", 10**30),
    ],
    ids=str,
)
def test_options_that_work(topics, args):
    given = () if "--topics" in args else ("--topics", 3)
    status, out, err = topics("d.txt", "-q", *given, *args)
    assert (status, err) == (0, BLANK)
    np.testing.assert_allclose(shares(out).sum(axis=1), 1, atol=1e-4)


# Bad input: status 1, a message that names the place, and no output


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("x", b"a b\nc \xff\n", "x:2: not valid UTF-8"),
        ("x", b"a b\n\nd\0\n", "x:3: a NUL byte"),
        ("x", b"", "x: nothing to learn from: there is no word in it"),
        ("x", b"\n \t\na\n", "x: nothing to learn from: there is no word in it"),
        ("x.jsonl", b'{"text": "a"}\n{"text": 1}\n', 'x.jsonl:2: its "text" is not a string'),
        ("x.tsv", b"sport\tgoal\ngoal\n", "x.tsv:2: no TAB"),
    ],
)
def test_bad_text(topics, name, content, place):
    put(name, content)
    status, out, err = topics(name, *QUICK, "-o", "out", "--save", "m")
    assert (status, out, Path("out").exists(), Path("m").exists()) == (1, "", False, False)
    assert f"emnlp: {place}" in err


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("none", *QUICK), "none: no such file or folder"),
        (("d.txt", "--load", "none"), "none: no such model file"),
        (("d.txt", "--load", "d.txt"), "d.txt: not a model file"),
        (("d.txt", "--load", "mixture"), "mixture: the file holds a NaiveBayesMixture, not a TopicModel"),
        (("d.txt", "--load", "cut"), "cut: not a model file, or a truncated one"),
        (("d.txt", *QUICK, "-o", "."), "it is a folder"),
        (("d.txt", *QUICK, "-o", "no/folder"), "no/folder: cannot be written"),
        (("d.txt", *QUICK, "--save", "no/folder"), "no/folder: cannot be written"),
        (("d.txt", *QUICK, "--stop", "none"), "none: cannot be read"),
        (("d.txt", *QUICK, "--held-out", "none"), "none: no such file"),
        (("d.txt", *QUICK, "--held-out", "stop"), "stop: no word of it is known"),
        (("d.txt", *QUICK, "--min-df", 7), "d.txt: none of the 10 words is left"),
        (("d.txt", *QUICK, "--max-df", 0), "d.txt: none of the 10 words is left"),
        (("d.txt", *QUICK, "--format", "jsonl"), "d.txt:1: not valid JSON"),
        (("d.txt", "--topics", 10**9), "expected a number of topics"),
        (("d.txt", *QUICK, "--alpha", "1e-300"), "alpha"),
    ],
    ids=str,
)
def test_bad_files_and_sizes(topics, args, what, model):
    NaiveBayesMixture(2, max_iter=1).fit([["a", "b"], ["c"]]).save("mixture")
    put("cut", model.read_bytes()[:-9])
    if "--held-out" in args:
        put("stop", "quite\nother\n")
    more = () if "-o" in args else ("-o", "out")
    status, out, err = topics(*args, *more)
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert err.splitlines()[-1].startswith("emnlp: ")
    assert what in err.splitlines()[-1]


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("d.txt",),
        ("d.txt", "--topics", "0"),
        ("d.txt", "--topics", "many"),
        *(
            ("d.txt", "--topics", "2", *option)
            for option in (
                ("--model", "lsi"),
                ("--learner", "direct"),
                ("--alpha", "0"),
                ("--eta", "0"),
                ("--alpha", "nan"),
                ("--model", "plsa", "--alpha", "1"),
                ("--model", "plsa", "--eta", "1"),
                ("--batch-size", "9"),
                ("--power", "0.7"),
                ("--learner", "batch", "--power", "0.7"),
                ("--learner", "online", "--power", "0.5"),
                ("--learner", "online", "--power", "1.1"),
                ("--learner", "online", "--batch-size", "0"),
                ("--iterations", "-1"),
                ("--tol", "inf"),
                ("--threads", "0"),
                ("--top", "0"),
                ("--top", "2", "--show-words"),
                ("--show-words", "0"),
                ("--by", "contrast"),
                ("--by", "size", "--show-words"),
                ("--format", "xml"),
                ("--max-df", "1.5"),
                ("--min-df", "0"),
                ("--save", "-"),
                ("--save", ""),
                ("-o", "./d.txt"),
                ("-o", "x", "--save", "x"),
                ("-o", "stop", "--stop", "stop"),
                ("--save", "stop", "--held-out", "stop"),
                ("--stop", "-", "--held-out", "-"),
            )
        ),
        ("-", "--topics", "2", "--held-out", "-"),
        *(
            ("d.txt", "--load", "m", *option)
            for option in (
                ("--topics", "3"),
                ("--model", "lda"),
                ("--learner", "batch"),
                ("--alpha", "1"),
                ("--eta", "1"),
                ("--iterations", "3"),
                ("--tol", "0"),
                ("--batch-size", "2"),
                ("--power", "0.7"),
                ("--seed", "0"),
                ("--min-df", "1"),
                ("--max-df", "1"),
                ("--stop", "stop"),
                ("--save", "x"),
            )
        ),
    ],
)
def test_bad_usage(topics, args):
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    status, out, err = topics(*args)
    assert (status, out) == (2, "")
    assert err.startswith("usage: emnlp topics DOCS --topics K")
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_help(topics):
    status, out, _ = topics("--help")
    assert status == 0
    assert "emnlp topics news.jsonl --topics 20 -o news.topics --save news.model" in out


@pytest.mark.parametrize("place", ["params/word", "kept/frequencies_"])
def test_tampered_models(topics, model, place):
    from emnlp import storage

    header, arrays = storage.read(model)
    del header["format"]
    storage.write("bad", header, arrays | {place: arrays[place] * float("nan")})
    status, out, err = topics("d.txt", "--load", "bad")
    assert (status, out) == (1, "")
    assert err.startswith("emnlp: bad: the model file is damaged")
    with pytest.raises(InputError):
        load("bad")
