"""``emnlp tag`` on good and bad input: the words in their lines, the same model again, errors that name the place."""

from __future__ import annotations

import gzip
import io
import sys
from functools import partial
from pathlib import Path

import pytest

from emnlp import HMM, IBM1, InputError, Tagged, load

TEXT = """\
the dog sees a cat
a cat sees the bird

The bird sings and/or sleeps
the dog sleeps
the dog sleeps
a / b 1/2 //
"""
LINES = [line.split() for line in TEXT.splitlines()]
TAGGED = """\
the/D dog/N sees/V a/D cat/N
a cat/N sees/V the bird

The/D bird sings/V and/or/C sleeps
the/D dog sleeps/V
"""
DICTIONARY = "the\tD\na\tD\ndog\tN V\nThe\tD\nsleeps\tV\nbird\tN\n"
QUICK = ("--states", 3, "--iterations", 4, "--emission", "categorical")
BLANK = "emnlp: warning: 1 of 7 sentences are blank; they keep their place and teach nothing\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of small files, in which no temporary file may be left."""
    monkeypatch.chdir(tmp_path)
    put("t.txt", TEXT)
    put("t.tagged", TAGGED)
    put("d.tsv", DICTIONARY)
    yield tmp_path
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def tag(command):
    """Run the command; return its status, standard output and standard error."""
    return partial(command, "tag")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m"
    HMM(3, max_iter=4).fit(LINES).save(path)
    return path


def put(name, content):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def words(text, format="slash"):
    """The words of the command's output."""
    put("words." + format, text)
    return [[word for word, _ in sentence] for sentence in Tagged.read("words." + format, format=format, tag=None)]


def tags(text):
    """The tags of slash output, a set."""
    return {token.rpartition("/")[2] for token in text.split()}


# What works


def test_words_stay_in_their_lines(tag):
    status, out, err = tag("t.txt", *QUICK, "-q")
    assert (status, err) == (0, BLANK)
    assert words(out) == LINES
    assert out.count("\n") == len(LINES)
    assert tags(out) <= {"0", "1", "2"}
    assert tag("t.txt", *QUICK, "-q", "--format", "slash", "-o", "-") == (0, out, err)
    model = HMM(3, max_iter=4).fit(LINES)
    assert [
        [int(token.rpartition("/")[2]) for token in line.split()] for line in out.split("\n")[:-1]
    ] == model.predict(LINES)


def test_conllu(tag):
    pytest.importorskip("conllu")
    status, out, _ = tag("t.txt", *QUICK, "-q", "--format", "conllu")
    assert status == 0
    assert words(out, "conllu") == LINES
    assert tag("t.txt", *QUICK, "-q", "-o", "o.conllu.gz")[1] == ""
    assert gzip.decompress(Path("o.conllu.gz").read_bytes()).decode() == out
    plain = tag("t.txt", *QUICK, "-q")[1]
    assert tag("o.conllu.gz", *QUICK, "-q")[1] == plain  # its words alone
    upos = tag("t.txt", *QUICK, "-q", "--format", "slash", "--gold", "o.conllu.gz", "--tag", "upos")
    assert upos[0] == 1
    assert "tag='xpos'" in upos[2]
    for args in ((), ("--decode", "viterbi")):
        status, again, err = tag("o.conllu.gz", "-q", "--use-tags", "--gold", "o.conllu.gz", *args)
        assert (status, again) == (0, plain)
        assert "M-1 100.00 | 1-1 100.00" in err


def test_saved_and_loaded(tag, model):
    for more in ((), ("--decode", "viterbi"), ("--precision", 32), ("--emission", "dirichlet")):
        status, out, _ = tag("t.txt", *QUICK, "-q", "--save", "m", *more)
        assert status == 0
        assert tag("t.txt", "-q", "--load", "m") == (0, out, BLANK)
        assert load("m").dtype == ("float32" if 32 in more else "float64")
    assert load("m").emission.alpha == 0.1
    assert tag("t.txt", *QUICK, "-q", "-o", "o", "--save", "m2.gz")[0] == 0
    assert Path("m2.gz").read_bytes() == model.read_bytes()
    assert tag("t.txt", "-q", "--load", "m2.gz")[1] == Path("o").read_text()


def test_unknown_words_are_told_of(tag, model):
    put("new", "quite other words\nthe dog\n")
    status, out, err = tag("new", "--load", model)
    assert (status, words(out)) == (0, [["quite", "other", "words"], ["the", "dog"]])
    assert f"60% of the words are unknown to {model}" in err


def test_lowercase(tag):
    out = tag("t.txt", *QUICK, "-q", "--lowercase", "--save", "m")[1]
    assert words(out) == [[word.lower() for word in line] for line in LINES]
    assert tag("t.txt", "-q", "--load", "m")[1] == tag("t.txt", "-q", "--load", "m", "--lowercase")[1] == out
    assert load("m").vocabulary_.words[:2] == ["the", "dog"]
    status, out, err = tag("t.tagged", "-q", "--lowercase", "--input", "slash", "--gold", "t.tagged", *QUICK)
    assert status == 0
    assert "gold t.tagged" in err
    put("capitals", "DOG\tN\nThe\tD\nSees\tV\n")
    out = tag("t.txt", "-q", "--lowercase", "--dictionary", "capitals")[1]
    assert [out.count(token) for token in ("dog/N", "the/D", "sees/V")] == [3, 5, 2]


def test_decoding(tag):
    outs = {}
    for how in ("posterior", "viterbi"):
        outs[how] = tag(
            "t.txt", *QUICK, "-q", "--states", 4, "--iterations", 1, "--seed", 1, "--decode", how, "--save", how
        )[1]
        model = load(how)
        assert model.decoding == how
        assert outs[how].split() == [f"{w}/{t}" for s in model.tag(LINES) for w, t in s]
        assert tag("t.txt", "-q", "--load", how)[1] == outs[how]
    assert tag("t.txt", "-q", "--load", "posterior", "--decode", "viterbi")[1] == outs["viterbi"] != outs["posterior"]


@pytest.fixture
def gold():
    """Gold tags of the text: of words of one letter A, of others B."""
    return put("gold", "".join(" ".join(f"{word}/{'AB'[len(word) > 1]}" for word in line) + "\n" for line in LINES))


def test_gold(tag, command, gold):
    status, out, err = tag("t.txt", *QUICK, "-q", "--gold", gold)
    assert status == 0
    assert err.startswith(BLANK + "M-1 ")
    put("o", out)
    assert command("evaluate", "tag", "o", gold)[1].splitlines()[-1] == err.splitlines()[-1]
    assert tag("gold", "-q", "--input", "slash", "--use-tags", "--gold", "gold")[2].startswith(BLANK + "M-1 100.00")


@pytest.mark.parametrize(
    ("args", "times"),
    [
        (("c.conllu", "--gold", "c.conllu"), 1),
        (("c.conllu", "--gold", "c.conllu", "--lowercase"), 1),
        (("c.conllu", "--gold", "./c.conllu"), 2),
        (("g.tagged", "--input", "slash", "--gold", "g.tagged"), 1),
        (("g.tagged", "--input", "slash", "--use-tags", "--states", 0, "--gold", "g.tagged"), 1),
    ],
)
def test_text_that_is_gold_is_read_once(tag, monkeypatch, args, times):
    put("g.tagged", TAGGED)
    Tagged.read("g.tagged").write("c.conllu", "conllu")
    options = [*QUICK, *args[1:], "-o", "out.tagged"]
    one = tag(args[0], *options)
    read, paths = Tagged.read, []
    monkeypatch.setattr(Tagged, "read", lambda path, **how: paths.append(path) or read(path, **how))
    two = tag(args[0], *options)
    assert one[0] == two[0] == 0
    assert len(paths) == times
    score = [line for line in two[2].splitlines() if line.startswith("M-1")]
    put("copy" + Path(args[0]).suffix, Path(args[0]).read_text("utf-8"))
    apart = tag(args[0], *("copy" + Path(args[0]).suffix if each == "g.tagged" else each for each in options))
    assert len(score) == 1
    assert score[0].split(" | gold")[0] in apart[2]


def test_rare_features_are_dropped_and_counted(tag):
    short = ("--states", 2, "--iterations", 2, "--entropy", 0, "-o", "out.tagged")
    status, _, errors = tag("t.txt", *short, "--min-count", 2, "--save", "m")
    emission = load("m").factors_["emission"]
    assert status == 0
    assert emission.min_count == 2
    assert emission.dropped > 0
    assert f"emnlp: {emission.dropped} features seen fewer than 2 times were dropped\n" in errors
    assert "dropped" not in tag("t.txt", *short)[2]
    assert "dropped" not in tag("t.txt", *short, "--min-count", 2, "-q")[2]


def test_show_classes(tag):
    status, out, _ = tag("t.txt", *QUICK, "-q", "--show-classes", "-o", "o")
    assert status == 0
    heading, *lines = out.splitlines()
    assert heading.split() == ["class", "tokens", "types", "words"]
    tokens = Path("o").read_text().split()
    counts = sorted(
        ((sum(t.endswith(f"/{k}") for t in tokens), k) for k in "012"), key=lambda each: (-each[0], each[1])
    )
    assert [line.split()[:2] for line in lines] == [[k, f"{n / len(tokens):.1%}"] for n, k in counts if n]
    for line in lines:
        name, _, types, *found = line.split()
        assert len(found) == int(types) == len({t for t in tokens if t.endswith(f"/{name}")})
    status, out, _ = tag("t.txt", *QUICK, "-q", "--show-classes", 1)
    assert (status, out.splitlines()) == (0, [heading, *lines[:1]])  # and no tagged text


def test_tags_and_dictionaries(tag):
    status, out, _ = tag("t.tagged", "--input", "slash", "--use-tags", "-q")
    assert (status, words(out)) == (0, words(TAGGED))
    assert all(token in out.split() for token in ("the/D", "dog/N", "and/or/C", "sings/V"))
    assert tags(out) <= set("DNVC")
    put("all", out)
    assert tag("t.tagged", "--input", "slash", "--use-tags", "-q", "--states", 6, "--gold", "all")[0] == 0
    status, out, _ = tag("t.txt", "--dictionary", "d.tsv", "-q", "--save", "m")
    assert status == 0
    for token in out.split():
        word, _, name = token.rpartition("/")
        assert name in {"dog": "NV", "the": "D", "The": "D", "a": "D", "sleeps": "V", "bird": "N"}.get(word, "DNV")
    put("only", "dog\tN\n")
    again = tag("t.txt", "--dictionary", "only", "-q", "--load", "m")[1]
    assert {token for token in again.split() if token.startswith("dog")} == {"dog/N"}
    six = tag("t.txt", "--dictionary", "d.tsv", "-q", "--states", 6, "--init", "random")[1]
    assert {token for token in six.split() if token.startswith("dog")} <= {"dog/N", "dog/V"}
    put("plain", "".join(" ".join(line) + "\n" for line in words(TAGGED)))
    assert tag("t.tagged", "-q", "--input", "slash", *QUICK)[1] == tag("plain", "-q", *QUICK)[1]  # its words alone


def test_restarts_are_shown(tag):
    status, out, err = tag("t.txt", *QUICK, "--restarts", 3, "--seed", 5, "--probes", 6, "--save", "m")
    assert status == 0
    restarts = load("m").trace_.restarts
    seeds = [int(line.split()[4].rstrip(":")) for line in err.splitlines() if "start of seed" in line]
    assert seeds == sorted(restarts, key=lambda seed: -restarts[seed])
    assert len(seeds) == 3
    assert set(seeds) <= set(range(5, 11))
    assert tag("t.txt", *QUICK, "-q", "--seed", seeds[0])[1] == out


def test_talk(tag):
    err = tag("t.txt", *QUICK)[2]
    assert BLANK + "emnlp: read 7 sentences, 26 tokens, 14 types\nemnlp: HMM of 3 states, seed 0: -" in err
    assert "nats a token; max_iter: 4 M-steps done\nemnlp: tagged 26 tokens in " in err
    put("full", TEXT.replace("\n\n", "\n"))
    assert tag("full", *QUICK, "-q", "--restarts", 2, "-o", "o", "--save", "m") == (0, "", "")
    assert words(Path("o").read_text()) == [line for line in LINES if line]


def test_the_same_bits_at_any_number_of_threads(tag):
    for n in (1, 2, 3):
        assert tag("t.txt", *QUICK, "-q", "--threads", n, "-o", f"o{n}", "--save", f"m{n}")[0] == 0
    assert Path("o1").read_bytes() == Path("o2").read_bytes() == Path("o3").read_bytes()
    assert Path("m1").read_bytes() == Path("m2").read_bytes() == Path("m3").read_bytes()


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
def test_same_text_same_tags(tag, change):
    out = tag("t.txt", *QUICK, "-q")
    put("a", change(TEXT.encode()))
    assert tag("a", *QUICK, "-q") == out


@pytest.mark.parametrize("args", [("t.txt",), ("t.txt", "--dictionary", "d.tsv"), ("t.txt", "--gold", "gold")])
def test_stdin(tag, monkeypatch, gold, args):
    """The last file of the arguments, by its name and from standard input."""
    expected = tag(*args, *QUICK, "-q")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(args[-1]).read_bytes())))
    status, out, err = tag(*args[:-1], "-", *QUICK, "-q")
    assert (status, out, err.replace("<stdin>", args[-1])) == expected
    assert status == 0


@pytest.mark.parametrize("content", ["", "\n\n\n", "a\u00a0b \u2028 \u0085 c\x1c\n\U0001f600 \u200b\n", "a\rb"])
def test_load_on_odd_text(tag, content, model):
    put("a", content)
    for more in ((), ("--show-classes",), ("--format", "conllu")):
        status, out, _ = tag("a", "-q", "--load", model, *more)
        assert status == 0
        if not more:
            lines = content.removesuffix("\n").split("\n") if content else []
            assert out.count("\n") == len(lines)
            assert len(words(out)) == len(lines)


def test_a_huge_token_and_a_long_sentence(tag):
    huge, long = "y" * 1_000_000, " ".join(f"w{n % 700}" for n in range(20_000))
    put("a", f"a {huge}\n\n{long}\n{huge}/{huge} a\n")
    status, out, _ = tag("a", *QUICK, "-q", "--show-classes", 3, "-o", "o")
    assert (status, [len(line) for line in words(Path("o").read_text())]) == (0, [2, 0, 20_000, 2])
    assert all(len(line) <= 120 for line in out.splitlines())


@pytest.mark.parametrize(
    "args",
    [
        ("--states", 1),
        ("--states", 200),
        ("--iterations", 0),
        ("--tol", "1e9"),
        ("--alpha", 1e-300, "--emission", "dirichlet"),
        ("--alpha", 1e4, "--emission", "dirichlet"),
        ("--init", "classes"),
        ("--init", "constant"),
        ("--precision", 64),
        ("--emission", "logistic", "--kappa", 1, "--entropy", 0),
        ("--emission", "logistic", "--learner", "em", "--iterations", 3),
        ("--runs", 2, "--emission", "logistic", "--iterations", 3),
        ("--runs", 2),
        ("--probes", 3),
        ("--learner", "em"),
        ("--threads", 1000),
        ("--seed", 10**30),
    ],
    ids=str,
)
def test_options_that_work(tag, args):
    states = () if "--states" in args else ("--states", 4)
    status, out, err = tag("t.txt", "-q", *states, *args)
    assert (status, words(out), err) == (0, LINES, BLANK)


# Bad input: status 1, a message that names the place, and no output


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a b\nc \xff\n", "x:2: not valid UTF-8"),
        (b"a b\n\nd\0\n", "x:3: a NUL byte"),
        ("a b".encode("utf-16"), "x:1: "),
        (b"", "x: nothing to learn from: there is no word in it"),
        (b"\n \t\n\n", "x: nothing to learn from: there is no word in it"),
    ],
)
def test_bad_text(tag, content, place):
    put("x", content)
    status, out, err = tag("x", "-o", "out", "--save", "m")
    assert (status, out, Path("out").exists(), Path("m").exists()) == (1, "", False, False)
    assert f"emnlp: {place}" in err


LONG = "a" * 300


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("none",), "none: cannot be read"),
        ((".",), ".: cannot be read"),
        ((LONG,), "cannot be read"),
        (("nltk:none",), "NLTK has no corpus 'none'"),
        (("t.txt", "--load", "none"), "none: no such model file"),
        (("t.txt", "--load", "t.txt"), "t.txt: not a model file"),
        (("t.txt", "--load", "aligner"), "aligner: the file holds a IBM1, not a HMM"),
        (("t.txt", "--load", "cut"), "cut: not a model file, or a truncated one"),
        (("t.txt", "-o", "."), "it is a folder"),
        (("t.txt", "-o", "no/folder"), "no/folder: cannot be written"),
        (("t.txt", "-o", LONG), "cannot be written"),
        (("t.txt", "--save", "no/folder"), "no/folder: cannot be written"),
        (("t.txt", "--dictionary", "none"), "none: cannot be read"),
        (("t.txt", "--dictionary", "t.txt"), "t.txt:1: no TAB"),
        (("t.txt", "--gold", "none"), "none: cannot be read"),
        (("t.txt", "--gold", "t.tagged"), "t.txt has 7 sentences, but t.tagged has 5"),
        (("t.tagged", "--input", "slash", "--use-tags", "--states", 3), "4 tags, more than the 3 states"),
        (
            ("t.tagged", "--input", "slash", "--use-tags", "--gold", "t.txt"),
            "t.tagged:4: word 4 is 'and/or', but 'and'",
        ),
        (("t.txt", "--states", 0), "the corpus has no tags"),
        (("t.txt", "--states", 10**15), "can be 1 to 10,000"),
        (("t.txt", "--load", "model", "--dictionary", "d.tsv"), "the tag 'D' is none of those known"),
        (("t.txt", "--load", "model", "--lowercase"), "leave --lowercase out"),
        (("t.txt", "--input", "conllu"), "t.txt:1: not CoNLL-U"),
        (("t.txt", "--emission", "dirichlet", "--alpha", "1e-320"), "alpha has to be above 0"),
    ],
    ids=str,
)
def test_bad_files_and_sizes(tag, args, what, model):
    IBM1().fit([(["a"], ["b"])]).save("aligner")
    put("cut", model.read_bytes()[:-9])
    put("model", model.read_bytes())
    more = () if "-o" in args else ("-o", "out")
    status, out, err = tag(*args, *more)
    assert (status, out, Path("out").exists()) == (1, "", False)
    assert err.splitlines()[-1].startswith("emnlp: ")
    assert what in err.splitlines()[-1]


def test_a_tag_that_cannot_be_written(tag):
    put("t.conllu", "1\tnow\t_\t_\tA/B\t_\t_\t_\t_\t_\n\n")
    pytest.importorskip("conllu")
    status, out, err = tag("t.conllu", "-q", "--use-tags")
    assert (status, out) == (1, "")
    assert "tag 'A/B' has a slash" in err
    assert tag("t.conllu", "-q", "--use-tags", "--format", "conllu")[:2] == (0, Path("t.conllu").read_text())


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("t.txt", "--states", "-1"),
        ("t.txt", "--states", "many"),
        ("t.txt", "--iterations", "-1"),
        ("t.txt", "--emission", "logit"),
        ("t.txt", "--emission", ""),
        ("t.txt", "--init", "best"),
        ("t.txt", "--decode", "map"),
        ("t.txt", "--format", "plain"),
        ("t.txt", "--input", "xml"),
        ("t.txt", "--tag", "feats"),
        ("t.txt", "--alpha", "0.1"),
        ("t.txt", "--alpha", "0", "--emission", "dirichlet"),
        ("t.txt", "--alpha", "nan", "--emission", "dirichlet"),
        ("t.txt", "--tol", "inf"),
        ("t.txt", "--restarts", "0"),
        ("t.txt", "--probes", "-1"),
        ("t.txt", "--threads", "0"),
        ("t.txt", "--show-classes", "0"),
        ("t.txt", "--seed", "1.5"),
        ("t.txt", "--use-tags"),
        ("t.txt", "--save", "-"),
        ("t.txt", "--save", ""),
        ("t.txt", "--load", ""),
        ("t.txt", "-o", "t.txt"),
        ("t.txt", "-o", "./t.txt"),
        ("t.txt", "-o", "x", "--save", "x"),
        ("t.txt", "-o", "d.tsv", "--dictionary", "d.tsv"),
        ("t.txt", "--save", "t.tagged", "--gold", "t.tagged"),
        ("-", "--gold", "-"),
        ("-", "--dictionary", "-"),
        ("t.txt", "--dictionary", "-", "--gold", "-"),
        *(
            ("t.txt", "--load", "m", *option)
            for option in (
                ("--states", "3"),
                ("--emission", "categorical"),
                ("--emission", "dirichlet"),
                ("--kappa", "1"),
                ("--entropy", "1"),
                ("--min-count", "2"),
                ("--runs", "2"),
                ("--alpha", "1"),
                ("--learner", "em"),
                ("--iterations", "3"),
                ("--tol", "0"),
                ("--init", "random"),
                ("--seed", "0"),
                ("--restarts", "1"),
                ("--probes", "0"),
                ("--save", "x"),
                ("--use-tags",),
                ("--precision", "32"),
            )
        ),
    ],
)
def test_bad_usage(tag, args):
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    status, out, err = tag(*args)
    assert (status, out) == (2, "")
    assert err.startswith("usage: emnlp tag TEXT")
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_help(tag):
    status, out, _ = tag("--help")
    assert status == 0
    assert "emnlp tag train.txt -o train.tagged --save en.model" in out


@pytest.mark.parametrize("place", ["params/emission", "kept/frequencies_"])
def test_tampered_models(tag, model, place):
    from emnlp import storage

    header, arrays = storage.read(model)
    del header["format"]
    storage.write("m", header, arrays | {place: arrays[place] * float("nan")})
    status, out, err = tag("t.txt", "--load", "m")
    assert (status, out) == (1, "")
    assert err.startswith("emnlp: m: the model file is damaged")
    with pytest.raises(InputError):
        HMM.load("m")
