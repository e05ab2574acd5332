import io
import json
import sys

import pytest

import emnlp
from emnlp import cli

GOLD = ["sport", "sport", "news", None, "news", "news"]
CLUSTERS = "0\n0\t0.9\tx\n1\n\n1\n0\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Clusters 0: sport sport news; 1: news news; the gold in every format."""
    monkeypatch.setattr(cli, "COMMANDS", ("evaluate",))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMNLP_DATA", str(tmp_path / "data"))
    files = {
        "clusters": CLUSTERS,
        "gold.jsonl": "".join(json.dumps({"label": label, "text": "a"}) + "\n" for label in GOLD),
        "gold.tsv": "".join(f"{label or ''}\ta\n" for label in GOLD),
        "gold.txt": "".join(f"{label or ''}\n" for label in GOLD),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "data/mine").mkdir(parents=True)
    (tmp_path / "data/mine/train.jsonl").write_text(files["gold.jsonl"])
    return tmp_path


@pytest.fixture
def run(command):
    return lambda *args: command("evaluate", "cluster", *args)


def signature(gold, lines="all"):
    return (
        "M-1 80.00 | 1-1 80.00 | V 43.25 | NMI 43.25 | VI 1.10 bits | H 43.25 | C 43.25 | clusters 2 | classes 2 | "
        f"documents 5 | without gold 1 | gold {gold} | lines {lines} | emnlp {emnlp.__version__}"
    )


@pytest.mark.parametrize(
    ("gold", "name"),
    [("gold.jsonl", "gold.jsonl"), ("gold.tsv", "gold.tsv"), ("gold.txt", "gold.txt"), ("mine", "train.jsonl")],
)
def test_table_and_signature(run, gold, name):
    status, out, err = run("clusters", gold)
    assert (status, err) == (0, "")
    table, last = out.rsplit("\n\n", 1)
    assert [line.split() for line in table.splitlines()] == [
        ["M-1", "1-1", "V", "NMI", "VI", "H", "C", "clusters", "classes"],
        ["80.00", "80.00", "43.25", "43.25", "1.10", "43.25", "43.25", "2", "2"],
    ]
    assert last == signature(name) + "\n"


def test_json(run):
    fields = json.loads(run("clusters", "gold.jsonl", "--json")[1])
    oracle = pytest.importorskip("sklearn.metrics")
    labels = [label for label in GOLD if label], ["0", "0", "1", "1", "0"]
    assert fields["nmi"] == pytest.approx(oracle.normalized_mutual_info_score(*labels))
    geometric = oracle.normalized_mutual_info_score(*labels, average_method="geometric")
    assert fields["nmi_geometric"] == pytest.approx(geometric)
    assert fields["v_measure"] == pytest.approx(oracle.v_measure_score(*labels))
    assert (fields["one_to_one"], fields["many_to_one"], fields["accuracy"]) == (0.8, 0.8, None)
    assert (fields["n_clusters"], fields["n_classes"], fields["n_documents"], fields["n_without_gold"]) == (2, 2, 5, 1)
    assert (fields["gold"], fields["lines"], fields["signature"]) == ("gold.jsonl", "all", signature("gold.jsonl"))
    assert "confusion" not in fields


def test_confusion(run, folder):
    out = run("clusters", "gold.txt", "--confusion")[1]
    assert [line.split() for line in out.split("\n\n")[1].splitlines()] == [
        ["cluster", "%", "M-1", "1-1", "classes,", "in", "%"],
        ["0", "60.00", "sport", "sport", "sport", "66.7,", "news", "33.3"],
        ["1", "40.00", "news", "news", "news", "100.0"],
    ]
    assert len(json.loads(run("clusters", "gold.txt", "--confusion", "--json")[1])["confusion"]) == 2
    (folder / "clusters").write_text("1\n" * 6 + "2\n")
    (folder / "gold.txt").write_text("a\nb\nc\nd\ne\nf\nf\n")
    lines = run("clusters", "gold.txt", "--confusion")[1].splitlines()
    assert lines[4].endswith("a 16.7, b 16.7, c 16.7, d 16.7, e 16.7, ...")
    (folder / "gold.txt").write_text("a\n" * 7)
    assert run("clusters", "gold.txt", "--confusion")[1].splitlines()[5].split() == [
        "2",
        "14.29",
        "a",
        "-",
        "a",
        "100.0",
    ]


@pytest.mark.parametrize(("lines", "counts"), [("0:2", (1, 1, 2)), ("1::2", (1, 2, 2)), (":", (2, 2, 5))])
def test_lines(run, lines, counts):
    fields = json.loads(run("clusters", "gold.txt", "--lines", lines, "--json")[1])
    assert (fields["n_clusters"], fields["n_classes"], fields["n_documents"]) == counts
    assert fields["lines"] == lines


def test_names_of_classes_have_an_accuracy(run, folder):
    (folder / "clusters").write_text("sport\nsport\nnews\nnews\nnews\nsport\n")
    assert "| Acc 80.00 |" in run("clusters", "gold.txt")[1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_standard_input(run, monkeypatch, end):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CLUSTERS.replace("\n", end).encode())))
    assert run("-", "gold.txt")[1].endswith(signature("gold.txt") + "\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(x or "" for x in GOLD).encode())))
    assert run("clusters", "-")[1].endswith(signature("<stdin>") + "\n")


@pytest.mark.parametrize(
    ("files", "args", "message"),
    [
        ({}, ["none", "gold.txt"], "none: cannot be read"),
        ({}, ["clusters", "none.txt"], "none.txt: cannot be read"),
        ({}, ["clusters", "none"], "none: no such file or folder; no corpus is called 'none'"),
        ({}, ["-", "-"], "more than one file is '-'"),
        ({"clusters": "0\n"}, ["clusters", "gold.txt"], "clusters has 1 lines, but gold.txt has 6 documents"),
        ({"clusters": ""}, ["clusters", "gold.jsonl"], "clusters has 0 lines, but gold.jsonl has 6 documents"),
        ({"clusters": "0\n\n\t1\n\n\n0\n"}, ["clusters", "gold.txt"],
         "clusters:2: no cluster, but gold.txt has the label 'sport'"),
        ({"gold.jsonl": '{"text": "a"}\n{"label": 1\n'}, ["clusters", "gold.jsonl"], "gold.jsonl:2: not valid JSON"),
        ({"gold.tsv": "a\n"}, ["clusters", "gold.tsv"], "gold.tsv:1: no TAB"),
        ({"gold.txt": "\n" * 6}, ["clusters", "gold.txt"], "gold.txt: no document has a gold class"),
        ({"gold.txt": "", "clusters": ""}, ["clusters", "gold.txt"], "gold.txt: no document has a gold class"),
        ({}, ["clusters", "gold.txt", "--lines", "9::2"], "--lines 9::2 selects none of the lines of clusters"),
    ],
)  # fmt: skip
def test_bad_input_says_what_and_where(run, folder, files, args, message):
    for name, text in files.items():
        (folder / name).write_text(text)
    status, out, err = run(*args)
    assert (status, out) == (1, "")
    assert f"emnlp: {message}" in err
    assert err.count("\n") == 1


NUMBERED = "".join(f"{d}\n" for d in range(10))
SCORES = "".join(f"{-d / 7:.4f}\t0.1\n" for d in range(10))
TOPICS = "0\tsport\t0.900000\t0.100000\n1\t-\t0.250000\t0.750000\n2\tx\t1.000000\t0.000000\n"
TOP = "0\tsport\t1\t0.900000\n1\t-\t0\t0.750000\n2\tx\t1\t1.000000\n"


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        (TOPICS, "clusters:1: this is the output of emnlp topics"),
        (TOP, "clusters:1: this is the output of emnlp topics"),
        (TOP.replace("\n", "\r\n"), "clusters:1: this is the output of emnlp topics"),
        (NUMBERED, "clusters:10: no cluster in 10 lines has a second document"),
        (NUMBERED + "\n", "clusters:11: no cluster in 10 lines has a second document"),
        (SCORES, "clusters:10: no cluster in 10 lines has a second document"),
        ('0\n{"component": "0", "posterior": {"0": 1.0}}\n', "clusters:2: this is JSON"),
    ],
)
def test_what_cannot_be_clusters_is_refused(run, folder, clusters, message):
    (folder / "clusters").write_text(clusters)
    (folder / "gold.txt").write_text("a\n" * 2 + "b\n" * (clusters.count("\n") - 3) + "\n" * (clusters.count("\n") > 2))
    status, out, err = run("clusters", "gold.txt")
    assert (status, out) == (1, "")
    assert err.startswith(f"emnlp: {message}")
    assert "emnlp cluster -o" in err or "cut -f 3" in err


@pytest.mark.parametrize("args", [[], ["-o", "topics"], ["--top", "1", "-o", "topics"]])
def test_what_the_commands_write(run, command, folder, monkeypatch, args):
    """Topics are refused, as the help says, but for their best topics; clusters are not."""
    monkeypatch.setattr(cli, "COMMANDS", ("cluster", "evaluate", "topics"))
    text = "".join(f'{{"label": "{label}", "text": "{label} is {n} here"}}\n' for n, label in enumerate("abab"))
    (folder / "gold.jsonl").write_text(text)
    assert command("cluster", "gold.jsonl", "--components", "2", "-q", "-o", "found", "--posteriors", "json")[0] == 0
    assert run("found", "gold.jsonl")[0] == 0
    assert "json:1: this is JSON" in run("json", "gold.jsonl")[2]
    status, out, _ = command("topics", "gold.jsonl", "--topics", "2", "-q", *args)
    assert status == 0
    written = out or (folder / "topics").read_text()
    (folder / "found").write_text(written)
    assert "found:1: this is the output of emnlp topics" in run("found", "gold.jsonl")[2]
    if "--top" in args:
        (folder / "found").write_text("".join(line.split("\t")[2] + "\n" for line in written.splitlines()))
        assert run("found", "gold.jsonl")[0] == 0


def test_clusters_that_look_odd_are_scored(run, folder):
    """Two documents in two clusters; numbers in order, one of them twice; names with a share; floats."""
    for clusters in ("0\n1\n", NUMBERED + "9\n", "0\ta\t0.900000\n0\tb\t0.900000\n", "1.0e+00\n" * 3, "{a}\n" * 2):
        (folder / "clusters").write_text(clusters)
        (folder / "gold.txt").write_text("a\n" * clusters.count("\n"))
        assert run("clusters", "gold.txt")[0] == 0


@pytest.mark.parametrize("args", [[], ["a"], ["a", "b", "--lines", "x"]])
def test_bad_usage(run, args):
    assert run(*args)[0] == 2


def test_help_has_examples(run):
    status, out, _ = run("--help")
    assert status == 0
    assert "emnlp evaluate cluster train.clusters reuters_r8" in out
    assert "--lines" in out
