"""Aligners on a text that lies on disk: the same bits as in memory, bounded memory, nothing left behind."""

import gzip
import os
from functools import partial

import numpy as np
import pytest

from emnlp import IBM1, IBM2, Agreement, Aligner, Bitext, Diagonal, Fixed, HMMAligner, InputError, PooledJump, Text
from emnlp.cli import main
from emnlp.corpus import chunks as chunks_module
from emnlp.corpus import pairs as pairs_module
from emnlp.corpus import text as text_module
from emnlp.factors import FLOOR
from emnlp.learners import HardEM, IncrementalEM, StepwiseEM
from emnlp.models.forecast import forecast
from emnlp.models.pruning import prune, split
from emnlp.models.recipes import RECIPES, recipe, train
from emnlp.scratch import Left, OnDisk, kept

WORDS = [f"w{n}" for n in range(40)]


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 9, (n, 2))

    def words(size):
        return [WORDS[int(w)] for w in rng.zipf(1.4, size) % len(WORDS)]

    return [(words(a), words(b)) for a, b in lengths.tolist()] + [(["long"] * 60, ["lang"] * 3)]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    """Have several parts and batches of small texts."""
    monkeypatch.setattr(pairs_module, "PART", 300)
    monkeypatch.setattr(text_module, "ROOM", 50)


@pytest.fixture
def both(tmp_path):
    """The same text in memory and on disk."""
    pairs = sentences(120)
    return Bitext.from_pairs(pairs, max_length=50), Bitext.from_pairs(pairs, max_length=50).moved(tmp_path)


def same_bits(one, other):
    assert one.params_.keys() == other.params_.keys()
    for name, array in one.params_.items():
        assert array.tobytes() == other.params_[name].tobytes(), name
    assert one.trace_.objective == other.trace_.objective


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_recipes_have_the_same_bits(name, threads, both):
    in_memory, on_disk = both
    one, other = (train(text, recipe(name), n_jobs=threads) for text in both)
    same_bits(one, other)
    assert one.predict(in_memory) == other.predict(on_disk)
    assert np.array_equal(one.scores(in_memory), other.scores(on_disk), equal_nan=True)
    assert list(one.posteriors(in_memory)) == list(other.posteriors(on_disk))
    unseen = sentences(40, seed=1) + [(["new"], ["neu", "w1"])]
    there = Bitext.from_pairs(unseen, max_length=50)
    assert one.predict(there) == other.predict(there.moved(on_disk.source.folder))


MODELS = {
    "ibm1": IBM1,
    "ibm1 with null": partial(IBM1, null=Fixed(0.2)),
    "ibm2": IBM2,
    "diagonal": partial(IBM2, position=Diagonal(), null=Fixed(0.1)),
    "hmm": HMMAligner,
    "hmm, table": partial(HMMAligner, jump=PooledJump(width=3)),
    "hard": partial(IBM1, learner=[*[IBM1().learner.leg(2, False)], HardEM()]),
    "stepwise": partial(HMMAligner, learner=StepwiseEM(batch_size=200)),
    "incremental": partial(IBM2, learner=IncrementalEM(batch_size=200, parts=3)),
    "aligner": partial(Aligner, forward=HMMAligner(), reverse=None, random_state=3),
    "agreement": partial(Agreement, rounds=2, random_state=1, n_init=2),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_have_the_same_bits(name, both):
    one, other = (MODELS[name](max_iter=3).fit(text) for text in both)
    same_bits(one, other)
    assert one.predict(both[0]) == other.predict(both[1])


def test_batches_are_the_same(both):
    model = Aligner().fit(both[0])
    ways = [[(b.forward.first, b.forward.last) for b in model.index(text, 100)] for text in both]
    assert len(ways[0]) > 5
    assert ways[0] == ways[1]
    for one, other in zip(*(model.index(text, 100) for text in both)):
        for mine, theirs in zip(one.reverse.kernel[2], other.reverse.kernel[2]):
            assert np.array_equal(mine, theirs)
            assert np.asarray(mine).dtype == np.asarray(theirs).dtype
        assert isinstance(other.local, Left)


def test_files_are_read_as_they_are_in_one_piece(tmp_path, monkeypatch):
    lines = [" ".join(s) + " ||| " + " ".join(t) for s, t in sentences(50)]
    lines[3:3] = ["", "  "]
    content = ("\ufeff" + "\n".join(lines)).encode()  # no newline at the end
    (tmp_path / "both").write_bytes(content)
    (tmp_path / "both.gz").write_bytes(gzip.compress(content))
    for side in (0, 1):
        part = "\n".join(line.split("|||")[side] if line.strip() else "" for line in lines)
        (tmp_path / f"side{side}").write_text(part)
    whole = Bitext.from_bytes(content)
    monkeypatch.setattr(chunks_module.chunks, "__defaults__", (64,))
    sides = tmp_path / "side0", tmp_path / "side1"
    for paths in ([tmp_path / "both"], [tmp_path / "both.gz"], sides):
        for scratch in (None, tmp_path):
            read = Bitext.read(*paths, scratch=scratch)
            assert isinstance(read.source.ids, OnDisk) == (scratch is not None)
            for one, other in ((whole.source, read.source), (whole.target, read.target)):
                assert one.vocabulary.words == other.vocabulary.words
                assert np.array_equal(one.starts, other.starts)
                assert np.array_equal(one.ids, other.ids)


def test_errors_still_name_the_line(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks_module.chunks, "__defaults__", (20,))
    bad = tmp_path / "bad"
    bad.write_bytes(b"a ||| b\n" * 30 + b"no separator\n" + b"a ||| b\n")
    with pytest.raises(InputError, match=r"bad:31: no '\|\|\|'"):
        Bitext.read(bad)
    bad.write_bytes(b"fine\n" * 30 + b"\xff\n")
    with pytest.raises(InputError, match="bad:31: not valid UTF-8"):
        Text.read(bad)
    packed = tmp_path / "cut.gz"
    packed.write_bytes(gzip.compress(os.urandom(5000).hex().encode())[:-9])
    with pytest.raises(InputError, match=r"not a whole \.gz file"):
        Text.read(packed)


def test_nothing_is_left_in_the_scratch_folder(both, tmp_path):
    assert os.listdir(tmp_path) == []
    train(both[1], recipe("hmm"))
    assert os.listdir(tmp_path) == []


def test_scratch_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(InputError, match="scratch folder"):
        Bitext.from_pairs(sentences(3)).moved(tmp_path / "missing")


def test_an_array_on_disk_is_read_like_an_array(tmp_path):
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 1000, 50_000).astype(np.int32)
    array = kept(np.array_split(plain, 7), np.int32, tmp_path)
    assert len(array) == len(plain)
    for key in (
        slice(None),
        slice(5, 5),
        slice(9_000, 40_123),
        slice(-3, None),
        slice(0, 9, 2),
        7,
        [3, 1],
        plain > 500,
    ):
        assert np.array_equal(array[key], plain[key])
    assert np.array_equal(np.bincount(array), np.bincount(plain))
    assert np.array_equal(np.arange(1000)[array], plain)
    array[10:20][:] = -1  # a private copy
    assert np.array_equal(array, plain)


def test_what_an_e_step_leaves_is_kept_in_its_place(tmp_path):
    file = OnDisk(tmp_path, np.uint8)
    batches = [Left(file) for _ in range(3)]
    for n, batch in enumerate(batches):
        batch["duals"] = np.full(5 + n, n, np.float32)
        batch["more"] = np.full(3, -n, np.int64)
    size = len(file)
    batches[1]["duals"] = np.full(6, 9.0, np.float32)
    assert len(file) == size
    assert [batch["duals"].tolist() for batch in batches] == [[0.0] * 5, [9.0] * 6, [2.0] * 7]
    assert [batch["more"].tolist() for batch in batches] == [[0] * 3, [-1] * 3, [-2] * 3]
    batches[0]["duals"] = np.zeros(9, np.float32)  # longer: in another place
    assert batches[0]["duals"].tolist() == [0.0] * 9
    batches[0].clear()
    assert batches[0].get("duals") is None


def plain_prune(aligner, text, least):
    """Return, for each direction, the word pairs that are kept with their probabilities, by plain loops."""
    tables = {
        name: {(s, t): p for s, t, p in way.entries(0.0) if s is not None} for name, way in aligner.directions.items()
    }
    flipped = {(s, t): p for (t, s), p in tables["reverse"].items()}
    kept = {pair for pair, p in tables["forward"].items() if p >= least or flipped[pair] >= least}
    found = {}
    for name, table in tables.items():
        mine = {pair: p for pair, p in table.items() if (pair if name == "forward" else pair[::-1]) in kept}
        nulls = {(None, t): p for s, t, p in aligner.directions[name].entries(0.0) if s is None}
        totals = {}
        for (s, _), p in mine.items():
            totals[s] = totals.get(s, 0) + p
        found[name] = {(s, t): p / totals[s] for (s, t), p in mine.items() if totals[s] > 0} | nulls
    return kept, found


@pytest.mark.parametrize("on_disk", [False, True])
def test_pruning_is_that_of_plain_loops(both, on_disk):
    text = both[on_disk]
    aligner = train(text, recipe("ibm1"))
    kept, wanted = plain_prune(aligner, text, 0.02)
    before = text.pairs
    cells = [(before.conditions[s], before.outcomes[s]) if s >= 0 else None for s in before.slots[:].tolist()]
    dropped = prune(aligner, text, 0.02)
    pairs = text.pairs
    assert dropped == len(before.conditions) - len(kept)
    assert 0 < dropped < len(before.conditions)
    for name, way in aligner.directions.items():
        found = {(s, t): p for s, t, p in way.entries(0.0)}
        wanted_here = {pair: p for pair, p in wanted[name].items() if p > 0}
        assert {pair for pair, p in found.items() if p > 0} == wanted_here.keys()
        for pair, p in wanted_here.items():
            assert found[pair] == pytest.approx(p)
    sides = pairs.source.vocabulary.words, pairs.target.vocabulary.words
    for slot, (c, o) in zip(pairs.slots[:].tolist(), cells, strict=True):
        if (sides[0][c], sides[1][o]) in kept:
            assert (pairs.conditions[slot], pairs.outcomes[slot]) == (c, o)
        else:
            assert slot == len(kept)
    forward = aligner.forward
    lost = next((sides[0][c], sides[1][o]) for c, o in cells if (sides[0][c], sides[1][o]) not in kept)
    potentials = forward.prepare(forward.theta(forward.params_))
    assert forward.tables(potentials)[1][len(kept)] == FLOOR
    fresh = Bitext.from_pairs([([lost[0]], [lost[1]])])
    assert forward.lexicon.slots_of(fresh.pairs)[0].tolist() == [len(kept)]
    other = Bitext.from_pairs(list(text), max_length=50)  # the same text, whose index has all pairs
    assert aligner.predict(other) == aligner.predict(text)
    assert prune(aligner, text, 0.05) > 0  # once more
    with pytest.raises(InputError, match="very bitext"):
        prune(aligner, other, 0.1)


@pytest.mark.parametrize("name", [name for name in RECIPES if "logistic" not in name])
def test_training_goes_on_with_a_pruned_lexicon(name, both):
    results = []
    all_slots = len(both[0].pairs.conditions)
    for text in both:
        chain, last = split(recipe(name), 2)
        where = chain[last]
        results.append(train(text, chain, after=lambda a, w=where, t=text: a is w and prune(a, t, 0.01)))
        scores = results[-1].scores(text)
        assert np.isfinite(scores[text.usable]).all()
    same_bits(*results)
    assert 0 < len(both[0].pairs.conditions) < all_slots
    assert results[0].predict(both[0]) == results[1].predict(both[1])


def test_split_leaves_the_steps_as_they_are(both):
    chain, last = split([Aligner(max_iter=2), Aligner(max_iter=5)], 4)
    assert ([each.max_iter for each in chain], last) == ([2, 2, 3], 1)
    whole = train(both[0], [Aligner(max_iter=5)])
    parts = train(both[0], split([Aligner(max_iter=5)], 3)[0])
    assert whole.params_["forward.lexical"].tobytes() == parts.params_["forward.lexical"].tobytes()
    for steps in (0, 7):
        with pytest.raises(InputError, match="after 1 to 6"):
            split([Aligner(max_iter=2), Aligner(max_iter=5)], steps)
    logistic = train(both[0], recipe("ibm1-logistic"))
    with pytest.raises(InputError, match="features"):
        prune(logistic, both[0], 0.1)


@pytest.fixture
def files(tmp_path):
    for side, name in enumerate(("en", "fr")):
        (tmp_path / name).write_text("".join(" ".join(pair[side]) + "\n" for pair in sentences(200)))
    (tmp_path / "scratch").mkdir()
    return tmp_path


def align(files, *options):
    command = ["align", str(files / "en"), str(files / "fr"), "-o", str(files / "links"), *options]
    assert main(command) == 0
    return (files / "links").read_text()


def test_the_command_line_goes_to_disk_and_back(files, capsys):
    plain = align(files)
    assert "all in memory" in capsys.readouterr().err
    scratch = ("--scratch", str(files / "scratch"))
    assert align(files, "--memory", "2G", *scratch) == plain
    assert "all in memory" in capsys.readouterr().err
    expected = forecast(recipe("hmm"), Bitext.read(files / "en", files / "fr"))
    assert align(files, "--memory", str(expected.lexicon + expected.corpus // 2), *scratch) == plain
    assert "out of core" in capsys.readouterr().err
    assert os.listdir(files / "scratch") == []
    pruned = align(files, "--prune", "0.02@2")
    assert "word pairs dropped" in capsys.readouterr().err
    assert pruned.count("\n") == plain.count("\n")


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--memory", "1M"], 1, "the lexicon alone"),
        (["--memory", "4X"], 2, "size"),
        (["--memory", "0"], 2, "size"),
        (["--scratch", "."], 2, "--memory"),
        (["--prune", "2@1"], 2, "P@N"),
        (["--prune", "0.1"], 2, "P@N"),
        (["--prune", "0.1@99"], 1, "after 1 to 7"),
        (["--prune", "0.1@3", "--model", "ibm1-logistic", "--iterations", "2"], 1, "features"),
    ],
)
def test_the_command_line_refuses_what_makes_no_sense(options, status, message, files, capsys):
    command = ["align", str(files / "en"), str(files / "fr"), "-o", str(files / "links"), *options]
    if status == 2:
        with pytest.raises(SystemExit) as error:
            main(command)
        assert error.value.code == 2
    else:
        assert main(command) == 1
    assert message in capsys.readouterr().err
    assert not (files / "links").exists()
