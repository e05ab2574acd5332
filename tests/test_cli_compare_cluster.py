"""``emnlp compare cluster``: tables with the figures of single models; the same documents and starts for all."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from emnlp import Documents, Logistic, NaiveBayesMixture, clustering_scores
from emnlp.cli import compare_cluster
from emnlp.errors import NumericalError
from emnlp.features import Suffixes, Word
from emnlp.learners import DirectGradient
from emnlp.models.clusterrecipes import clustering
from emnlp.report.comparison import Comparison

SAMPLE = Path(__file__).parent.parent / "corpora/sample_documents/train.jsonl"
QUICK = ("--iterations", 4, "--seeds", 2, "--threads", 1, "--json", "c.json")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.txt").write_text("goal match team\nvote law party\n\ngoal team\nlaw vote\n")
    Path("labels").write_text("sport\nlaw\n\nsport\nlaw\n")
    yield tmp_path
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.fixture
def cluster(command):
    return partial(command, "compare", "cluster")


def read(name="c.json"):
    return Comparison.from_json(Path(name).read_text(), name)


def parts(step=10):
    whole = Documents.read(SAMPLE)
    held = np.arange(len(whole))[step - 1 :: step]
    train = np.setdiff1d(np.arange(len(whole)), held)
    labels = np.array(whole.names())[train].tolist()
    return whole.hidden().select(train).pruned(3), whole.hidden().select(held), labels


def test_every_variant_is_what_it_says(cluster):
    status, out, err = cluster("sample_documents", *QUICK, "--variants", ",".join(compare_cluster.VARIANTS))
    assert status == 0
    train, held_out, gold = parts()
    sizes = f"documents 54 | tokens {train.counts.sum():.0f} | words {len(train.vocabulary)} | components 4"
    assert out.startswith(f"corpus train.jsonl | {sizes} | held out 6 | seeds 2 | gold train.jsonl\n")
    found = read()
    assert "\n".join(found.table()) + "\n" == out
    assert found.variants == list(compare_cluster.VARIANTS)
    assert err.count("nats a token; ") == 2 * len(compare_cluster.VARIANTS)
    plain, words = (Logistic(features, kappa=0.1) for features in (Logistic().features, (Word(), Suffixes(3))))
    direct = {"component": plain, "learner": DirectGradient(), "max_iter": 4}
    models = {
        "categorical": clustering(4, "em", iterations=4, random_state=1),
        "dirichlet": clustering(4, "em", "dirichlet", iterations=4, random_state=1),
        "logistic-em": NaiveBayesMixture(4, feature=plain, max_iter=4, random_state=1),
        "logistic-direct": NaiveBayesMixture(4, feature=plain, random_state=1, **direct),
        "recipe": clustering(4, iterations=4, random_state=1),
        "hard": clustering(4, "hard", iterations=4, random_state=1),
        "spelling-em": NaiveBayesMixture(4, feature=words, max_iter=4, random_state=1),
        "spelling-direct": NaiveBayesMixture(4, feature=words, random_state=1, **direct),
    }
    for name, model in models.items():
        run = found.of(name)[1]
        model.fit(train)
        scores = clustering_scores(model.classify(train), gold)
        assert run.seed == 1
        assert run.scores == {"1-1": scores.one_to_one, "V": scores.v_measure, "NMI": scores.nmi()}
        assert run.objective == pytest.approx(model.trace_[-1] / train.counts.sum(), rel=1e-12)
        assert run.perplexity == pytest.approx(model.perplexity(held_out), rel=1e-12)


def test_the_usual_ones(cluster):
    assert cluster(SAMPLE, *QUICK, "-q", "--held-out", 0, "--components", 3)[2] == ""
    found = read()
    assert found.variants == list(compare_cluster.USUAL)
    assert (found.about["components"], found.about["held out"], found.about["documents"]) == (3, 0, 60)
    assert all(run.perplexity is None for run in found.runs)
    assert len(found.of("categorical")[0].curve) == 5


def test_gold_of_a_file_and_none(cluster):
    args = (*QUICK, "--variants", "categorical", "--held-out", 5)
    assert cluster("d.txt", "--gold", "labels", *args)[0] == 0
    assert (read().about["components"], read().about["gold"], read().about["held out"]) == (2, "labels", 1)
    assert read().runs[0].scores["1-1"] == 1
    status, out, err = cluster("d.txt", "--components", 2, *args[:-2])
    assert (status, "1-1" in out, "perplexity" in out) == (0, False, False)
    assert "no perplexity: no 10th document of 5 has a word" in err
    assert json.loads(Path("c.json").read_text())["about"]["gold"] == "none"


def test_a_variant_that_fails(cluster, monkeypatch):
    fit = NaiveBayesMixture.fit

    def failing(self, *args, **more):
        if isinstance(self.feature, Logistic) and self.random_state == 1:
            raise NumericalError("iteration 2: the objective is nan")
        return fit(self, *args, **more)

    monkeypatch.setattr(NaiveBayesMixture, "fit", failing)
    status, out, _ = cluster("sample_documents", *QUICK, "--variants", "logistic-em,hard")
    assert status == 0
    assert "logistic-em: 1 of 2 runs failed: iteration 2: the objective is nan" in out


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("d.txt",), 2, "d.txt has no labels, so say how many components: --components K"),
        (("d.txt", "--components", 0), 2, "--components"),
        (("d.txt", "--components", 2, "--variants", "logistics"), 2, "'logistics' is not known; choose from categ"),
        (("d.txt", "--components", 2, "--held-out", 1), 2, "leaves nothing to learn from"),
        (("d.txt", "--components", 2, "--json", "d.txt"), 2, "also an input"),
        (("d.txt", "--components", 2, "--stop", "labels", "--json", "labels"), 2, "also an input"),
        (("-", "--gold", "-"), 2, "standard input can be read once"),
        (("none.txt",), 1, "none.txt"),
        (("d.txt", "--gold", "short"), 1, "d.txt has 5 documents, but short has 1 labels"),
        (("blank", "--components", 2), 1, "blank: nothing to learn from"),
        (("d.txt", "--components", 2, "--min-df", 9), 1, "words is left"),
    ],
)
def test_what_is_refused(cluster, args, status, words):
    Path("short").write_text("sport\n")
    Path("blank").write_text("\n\n")
    found = cluster(*args)
    assert found[:2] == (status, "")
    assert words in found[2]


def test_the_picture(cluster):
    pytest.importorskip("matplotlib")
    assert cluster("sample_documents", *QUICK, "--variants", "hard", "-q", "--plot", "c.svg")[0] == 0
    assert Path("c.svg").read_bytes().startswith(b"<?xml")


def test_help_says_what_is_alike(cluster):
    status, out, _ = cluster("--help")
    assert status == 0
    for words in ("spherical k-means of the same seeds", *compare_cluster.VARIANTS):
        assert words in " ".join(out.split())
