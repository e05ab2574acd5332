"""Pruning says what it takes away, and refuses to take everything."""

import re

import numpy as np
import pytest

from emnlp import Aligner, Bitext, InputError
from emnlp.cli import main
from emnlp.models.pruning import prune

PAIRS = [("the house", "das haus"), ("the book", "das buch"), ("a book", "ein buch"), ("a house", "ein haus")]
PAIRS += [("yes", "ja"), ("no", "nein")] * 2


def text():
    return Bitext.from_pairs([(s.split(), t.split()) for s, t in [*PAIRS, ("only", "")]])


def words_with_a_pair(aligner):
    """Return the words of either side that any other word than NULL has a slot for."""
    entries = [(s, t) for s, t, _ in aligner.forward.entries(0.0) if s is not None]
    return {s for s, _ in entries}, {t for _, t in entries}


def test_words_without_a_translation_are_counted():
    bitext = text()
    aligner = Aligner(max_iter=1).fit(bitext)
    before, n = words_with_a_pair(aligner), len(bitext.pairs.conditions)
    with pytest.warns(UserWarning, match="no translation left") as found:
        dropped = prune(aligner, bitext, 0.6)  # yes - ja and no - nein alone are as probable
    after = words_with_a_pair(aligner)
    assert after == ({"yes", "no"}, {"ja", "nein"})
    assert (dropped, n) == (12, 14)
    message = (
        "12 of 14 word pairs are less probable than 0.6; without them, 4 of 6 source words and 4 of 6 target words "
        "have no translation left"
    )
    assert [str(each.message) for each in found] == [message]
    assert [len(was - now) for was, now in zip(before, after)] == [4, 4]
    assert found[0].filename == __file__
    assert np.isfinite(aligner.score(bitext))
    assert aligner.predict(bitext)[4] == [(0, 0)]
    prune(aligner, bitext, 0.6)  # what was bare before is no news


def test_no_warning_where_all_words_keep_a_translation():
    bitext = text()
    assert prune(Aligner(max_iter=3).fit(bitext), bitext, 0.3) > 0


def test_a_lexicon_that_would_be_empty_is_refused():
    bitext = text()
    aligner = Aligner(max_iter=0).fit(bitext)
    before = {name: array.copy() for name, array in aligner.params_.items()}
    every = "14 of 14 word pairs are less probable than 0.99; without them, 6 of 6 source words and 6 of 6 target words"
    with pytest.raises(InputError, match=f"^{every} have no translation left, 100.0% of the text; choose a lower"):
        prune(aligner, bitext, 0.99)
    assert len(bitext.pairs.conditions) == 14
    for name, array in aligner.params_.items():
        np.testing.assert_array_equal(array, before[name])


def test_next_to_nothing_is_refused_too():
    frequent = [(f"a{k} b", f"x{k} y") for k in range(30)]
    bitext = Bitext.from_pairs([(s.split(), t.split()) for s, t in [*frequent, ("yes", "ja")]])
    with pytest.raises(InputError, match=r"^91 of 92 word pairs .* 98\.4% of the text"):
        prune(Aligner(max_iter=1).fit(bitext), bitext, 0.9)


def test_the_command_line_refuses_it(tmp_path, capsys):
    for side, name in enumerate(("en", "de")):
        (tmp_path / name).write_text("".join(pair[side] + "\n" for pair in PAIRS[:4] * 9))
    output = tmp_path / "links"
    command = ["align", str(tmp_path / "en"), str(tmp_path / "de"), "-q", "--prune", "0.999@1", "-o", str(output)]
    assert main(command) == 1
    err = capsys.readouterr().err
    assert re.match(r"emnlp: \d+ of \d+ word pairs are less probable than 0.999; .*; choose a lower threshold", err)
    assert not output.exists()


def test_the_command_line_warns(tmp_path, capsys):
    for side, name in enumerate(("en", "de")):
        (tmp_path / name).write_text("".join(pair[side] + "\n" for pair in PAIRS))
    command = ["align", tmp_path / "en", tmp_path / "de", "-q", "--prune", "0.6@1", "-o", tmp_path / "links"]
    assert main([str(each) for each in command]) == 0
    lost = "4 of 6 source words and 4 of 6 target words have no translation left"
    message = f"12 of 14 word pairs are less probable than 0.6; without them, {lost}"
    assert capsys.readouterr().err == f"emnlp: warning: --prune: {message}\n"
