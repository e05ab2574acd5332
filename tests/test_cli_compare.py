"""``emnlp compare``: tables of taggers and aligners with the figures of single models; errors that name the place."""

import json
from functools import partial
from pathlib import Path

import pytest

from emnlp import HMM, Aligner, Bitext, Dirichlet, Gold, HMMAligner, Tagged, alignment_scores, tagging_scores
from emnlp.cli import compare_tag
from emnlp.errors import NumericalError
from emnlp.factors import Fixed
from emnlp.models import IBM1
from emnlp.report.comparison import Comparison

CORPORA = Path(__file__).parent.parent / "corpora"
EN, FR = (CORPORA / "sample_en_fr" / f"train.{side}" for side in ("en", "fr"))
TAGGED = """\
the/D dog/N sees/V a/D cat/N
a/D cat/N sees/V the/D bird/N
The/D bird/N sings/V
the/D dog/N sleeps/V
a/D bird/N sleeps/V
"""
QUICK = ("--iterations", 4, "--seeds", 2, "--threads", 1)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder of small files, in which no temporary file may be left."""
    monkeypatch.chdir(tmp_path)
    Path("t.tagged").write_text(TAGGED)
    Path("t.txt").write_text("".join(" ".join(w.split("/")[0] for w in s.split()) + "\n" for s in TAGGED.splitlines()))
    yield tmp_path
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def tag(command):
    """Compare taggers; return the status, standard output and standard error."""
    return partial(command, "compare", "tag")


@pytest.fixture
def align(command):
    """Compare aligners."""
    return partial(command, "compare", "align")


def read(name):
    return Comparison.from_json(Path(name).read_text(), name)


def rows(out):
    """The cells of the table, by variant, with means alone."""
    lines = [line for line in out.splitlines() if line]
    return {line.split()[0]: [cell for cell in line.split()[1:] if "(" not in cell] for line in lines[2:]}


# Taggers


def test_every_variant(tag):
    status, out, err = tag("t.txt", "--gold", "t.tagged", *QUICK, "--held-out", 3, "--json", "c.json", "--states", 4)
    assert status == 0
    assert out.startswith("corpus t.txt | sentences 4 | tokens 16 | states 4 | held out 1 | seeds 2 | gold t.tagged\n")
    found = read("c.json")
    assert found.variants == list(compare_tag.USUAL)
    assert "\n".join(found.table()) + "\n" == out
    assert len(found.runs) == err.count("nats a token; ") == 10
    assert all(set(run.scores) == {"M-1", "1-1", "V", "VI"} for run in found.runs)
    assert all(run.perplexity and not run.error for run in found.runs)
    assert [len(found.of(name)[0].curve) for name in ("categorical", "logistic-em")] == [5, 5]


def test_the_figures_are_those_of_single_models(tag):
    assert tag("t.tagged", "--input", "slash", *QUICK, "--held-out", 4, "--json", "c.json", "-q")[2] == ""
    gold = Tagged.read("t.tagged")
    train = gold.select([0, 1, 2, 4])
    for k, run in enumerate(read("c.json").of("categorical")):
        model = HMM(3, truecase=True, max_iter=4, random_state=k).fit(train.text)
        scores = tagging_scores(model.tag(train.text).tags, train.tags)
        assert (run.scores["M-1"], run.scores["VI"]) == (scores.many_to_one, scores.variation_of_information)
        assert run.objective == pytest.approx(model.trace_[-1] / 16, rel=1e-12)
        assert run.perplexity == pytest.approx(model.perplexity(gold.text.select([3])), rel=1e-12)


def test_text_without_gold(tag):
    status, out, err = tag("t.txt", *QUICK, "--variants", "dirichlet,categorical", "--states", 2, "--held-out", 0)
    assert (status, list(rows(out))[:2]) == (0, ["dirichlet", "categorical"])
    assert "perplexity" not in out
    assert "M-1" not in out + err
    status, out, err = tag("t.txt", *QUICK, "--variants", "categorical", "--states", 2)
    assert (status, "perplexity" in out) == (0, False)
    assert "no perplexity: no 10th sentence of 5 has a word" in err


def test_conllu_has_its_own_gold(tag):
    pytest.importorskip("conllu")
    path = CORPORA / "sample_en" / "train.conllu"
    status, out, _ = tag(path, "--tag", "upos", *QUICK, "--variants", "categorical", "--json", "-")
    found = Comparison.from_json(out)
    gold = Tagged.read(path, tag="upos")
    assert (status, found.about["states"], found.about["tag"]) == (0, len(gold.tagset), "upos")
    assert found.about["held out"] == len(gold) // 10
    assert all(0 < run.scores["M-1"] < 1 for run in found.runs)


def test_the_consensus_when_asked(tag, monkeypatch):
    monkeypatch.setattr(compare_tag, "RUNS", 2)
    args = ("--variants", "recipe-consensus", "--seeds", 1, "--iterations", 2, "--states", 3, "--json", "c.json")
    assert tag("t.txt", "--gold", "t.tagged", *args)[0] == 0
    (run,) = read("c.json").runs
    assert (len(run.curve), run.curve[0][2]) == (1, run.scores["M-1"])


def test_a_variant_that_fails(tag, monkeypatch):
    fit, bad = HMM.fit, {1}

    def failing(self, *args, **more):
        if isinstance(self.emission, Dirichlet) and self.random_state in bad:
            raise NumericalError("iteration 2: the objective is nan")
        return fit(self, *args, **more)

    monkeypatch.setattr(HMM, "fit", failing)
    args = ("t.txt", *QUICK, "--states", 2, "--held-out", 0, "--variants")
    status, out, err = tag(*args, "dirichlet,categorical", "--json", "c.json")
    assert status == 0
    assert "dirichlet: 1 of 2 runs failed: iteration 2: the objective is nan" in out
    assert "warning: dirichlet, seed 1: failed after" in err
    assert [bool(run.error) for run in read("c.json").runs] == [False, False, True, False]
    bad.add(0)
    assert tag(*args, "dirichlet")[0] == 1


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("t.txt", "--variants", "categorical,logistics"), 2, "'logistics' is not known; choose from categorical,"),
        (("t.txt", "--held-out", 1), 2, "leaves nothing to learn from"),
        (("t.txt", "--json", "t.txt"), 2, "also an input"),
        (("t.txt", "--json", "a", "--plot", "./a"), 2, "named twice"),
        (("-", "--gold", "-"), 2, "standard input can be read once"),
        (("t.txt", "--plot", "-"), 2, "needs a file"),
        (("t.txt", "--states", 0), 2, "--states"),
        (("none.txt",), 1, "none.txt"),
        (("t.txt", "--gold", "t.txt"), 1, "there is no tag in it to score against"),
        (("t.txt", "--gold", "short"), 1, "score the output of exactly the sentences that have gold"),
        (("blank",), 1, "blank: nothing to learn from"),
        (("t.txt", "--json", "nowhere/c.json"), 1, "nowhere/c.json: cannot be written"),
        (("t.txt", "--plot", "c.docx"), 1, "c.docx: the suffix is not that of a picture"),
        (("t.txt", "--plot", "nowhere/c.png"), 1, "cannot be written"),
    ],
)
def test_what_is_refused(tag, args, status, words):
    if ".docx" in words or "c.png" in args:
        pytest.importorskip("matplotlib")
    Path("short").write_text(TAGGED[: TAGGED.index("\n") + 1])
    Path("blank").write_text("\n\n")
    found = tag(*args, *(() if "--states" in args else ("--states", 3)))
    assert (found[0], found[1]) == (status, "")
    assert words in found[2]


def test_the_picture(tag):
    pytest.importorskip("matplotlib")
    args = ("t.txt", "--gold", "t.tagged", *QUICK, "--variants", "categorical", "--held-out", 0, "-q")
    assert tag(*args, "--plot", "c.svg")[0] == 0
    assert Path("c.svg").read_bytes().startswith(b"<?xml")


def test_help_says_what_is_alike(tag):
    status, out, _ = tag("--help")
    assert status == 0
    for words in ("same random seeds", "truecased alike", *compare_tag.VARIANTS):
        assert words in " ".join(out.split())


# Aligners


def gold_of(bitext, name="gold"):
    Path(name).write_text("".join("0-0 1?1\n" if min(len(s), len(t)) > 1 else "\n" for s, t in bitext))
    return Gold.read(name)


@pytest.mark.parametrize("model", ["ibm1", "hmm-single"])
def test_aligners(align, model):
    bitext = Bitext.read(EN, FR)
    gold = gold_of(bitext)
    args = (EN, FR, "--gold", "gold", "--model", model, "--iterations", 3, "--threads", 1, "--json", "c.json")
    status, out, _ = align(*args, "--variants", "categorical,dirichlet")
    assert status == 0
    found = {run.variant: run for run in read("c.json").runs}
    for name, lexical in {"categorical": {}, "dirichlet": {"lexical": Dirichlet(0.1)}}.items():
        aligner = Aligner(forward=IBM1(**lexical), reverse=IBM1(**lexical), max_iter=3).fit(bitext)
        if model == "hmm-single":
            parts = (HMMAligner(null=Fixed(0.2), **lexical) for _ in range(2))
            aligner = Aligner(**dict(zip(("forward", "reverse"), parts)), max_iter=3).fit(bitext, start=aligner)
        run = found[name]
        assert run.scores["AER gdfa"] == alignment_scores(aligner.predict(bitext), gold).aer
        assert run.scores["AER rev"] == alignment_scores(aligner.only("reverse").predict(bitext), gold).aer
        assert run.objective == pytest.approx(aligner.trace_[-1] / (len(bitext.source.ids) + len(bitext.target.ids)))
        assert len(run.curve) == (4 if model == "ibm1" else 8)
        assert rows(out)[name][0] == f"{100 * run.scores['AER gdfa']:.2f}"


def test_gold_of_some_pairs(align):
    bitext = Bitext.read(EN, FR)
    gold_of(bitext)
    gold_of(bitext[40:], "dev")
    args = (EN, FR, "--model", "ibm1", "--variants", "categorical", "-q")
    outs = [align(*args, "--lines", "40:", "--gold", name, "--json", "-") for name in ("gold", "dev")]
    first, second = (Comparison.from_json(out).runs[0].scores for _, out, _ in outs)
    assert first == second != {}
    assert Comparison.from_json(outs[0][1]).about["scored"] == len(bitext) - 40
    status, _, err = align(*args, "--gold", "dev")
    assert status == 1
    assert f"dev has gold for {len(bitext) - 40} pairs, but the text has {len(bitext)}; give --lines FIRST:END" in err
    assert align(*args, "--gold", "gold", "--lines", f"{len(bitext)}:")[:2] == (1, "")
    assert align(*args, "--lines", "3:")[0] == 2
    Path("wrong").write_text("99-0\n" * len(bitext))
    status, _, err = align(*args, "--gold", "wrong")
    assert status == 1
    assert "wrong:1: position 99 of a source sentence" in err


def test_a_bitext_without_gold(align):
    Path("both").write_text("the house ||| das haus\nthe book ||| das buch\n ||| ein buch\n")
    status, out, err = align("both", "--model", "ibm1", "--json", "c.json")
    assert status == 0
    assert json.loads(Path("c.json").read_text())["about"]["gold"] == "none"
    assert "AER" not in out
    assert "1 pair is blank on a side, first both:3" in err
