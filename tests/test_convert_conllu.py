"""How treebank_tr comes out of its package: rows that are parts of words are joined."""

import collections
import gzip
import os
from pathlib import Path

import pytest

from emnlp.cli import main
from emnlp.corpus import registry, wheels
from emnlp.corpus.convert import CONVERTERS, WEB, WIKI, turkish_treebanks
from emnlp.errors import InputError


def row(number, form, upos="NOUN", xpos="NN", deprel="dobj", misc="_"):
    return "\t".join([str(number), form, form.lower(), upos, xpos, "Case=Bare|Proper=False", "0", deprel, "_", misc])


def section(*blocks, end="\n"):
    return f"{end}{end}".join(end.join(block) for block in blocks).encode()


WORDS = [  # invented: the second word has three groups, the third one row that only lacks a space after it
    ["# sent_id = zu:1", "# text = Dala kurimosne, _ pof", row(1, "Dala")],
    [row(2, "kuri", "NOUN", "NN", "ig", "SpaceAfter=No"), row(3, "mo", "VERB", "VB", "ig", "SpaceAfter=No")],
    [row(4, "sne", "ADJ", "VJ", "amod", "SpaceAfter=No"), row(5, ",", "PUNCT", ",", "p")],
    [row(6, "_", "X", "LS", "p"), row(7, "pof", "ADV", "RB", "root")],
]
FIRST = [line for part in WORDS for line in part]
SECOND = ["# sent_id = ab:9", row(1, "_", "X", "LS", "ig"), row(2, "_", "X", "GW", "igx")]
ONE = section([row(1, "pof")])


def plain(files):
    return {name: gzip.decompress(content).decode().replace("\t", " ") for name, content in files.items()}


class TestTurkishTreebanks:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_follows_every_rule(self, end):
        files = turkish_treebanks({WEB: section(FIRST, SECOND, end=end), WIKI: ONE})
        assert plain(files) == {
            "train.conllu.gz": "# sent_id = zu:1\n"
            "1 Dala _ NOUN NN _ _ _ _ _\n"
            "2 kurimosne _ ADJ VJ _ _ _ _ _\n"
            "3 , _ PUNCT , _ _ _ _ _\n"
            "4 _ _ X LS _ _ _ _ _\n"
            "5 pof _ ADV RB _ _ _ _ _\n"
            "\n"
            "# sent_id = ab:9\n"
            "1 __ _ X GW _ _ _ _ _\n"
            "\n",
            "test.conllu.gz": "1 pof _ NOUN NN _ _ _ _ _\n\n",
        }

    @pytest.mark.parametrize("tail", [b"", b"\n", b"\n\n", b"\n\n\n"])
    def test_the_end_of_a_member_does_not_matter(self, tail):
        once = turkish_treebanks({WEB: section(FIRST, SECOND), WIKI: ONE})
        assert turkish_treebanks({WEB: section(FIRST, SECOND) + tail, WIKI: ONE + tail}) == once

    def test_same_members_give_the_same_bytes_without_time_stamp(self):
        files = turkish_treebanks({WEB: section(FIRST), WIKI: ONE})
        assert files == turkish_treebanks({WEB: section(FIRST), WIKI: ONE})
        assert all(content[3:8] == b"\0" * 5 for content in files.values())  # no name, no time

    @pytest.mark.parametrize("member", [WEB, WIKI])
    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ([row(1, "a"), row(2, "b").rsplit("\t", 1)[0]], "3: 9 columns, not 10"),
            ([row(1, "a"), row(2, "b") + "\t_"], "3: 11 columns, not 10"),
            ([row(1, "a"), "  "], "3: 1 columns, not 10"),
            ([row(1, "a", deprel="ig"), row("2-3", "b")], "3: the id '2-3' is not 2"),
            ([row(1, "a"), row("1.1", "b")], "3: the id '1.1' is not 2"),
            ([row(1, "a"), row(1, "b")], "3: the id '1' is not 2"),
            ([row(1, "")], "2: column 2 is empty"),
            ([row(1, "a", xpos="")], "2: column 5 is empty"),
            ([row(1, "a"), row(2, "b", deprel="ig")], "3: DEPREL is ig, but the sentence has no next row"),
            ([row(1, "a", deprel="ig"), "", row(1, "b")], "2: DEPREL is ig, but the sentence has no next row"),
            (["# text = a", "", row(1, "a")], "2: comments, but no word after them"),
        ],
    )
    def test_malformed_member_is_named_with_its_line(self, member, lines, message):
        content = section(["# sent_id = a", *lines])
        with pytest.raises(InputError) as caught:
            turkish_treebanks({WEB: ONE, WIKI: ONE, member: content})
        assert str(caught.value).startswith(f"{member}:{message}")

    @pytest.mark.parametrize("member", [WEB, WIKI])
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", ":1: no sentence in it"),
            (b"\r\n\n", ":1: no sentence in it"),
            (ONE + b"\n\n\n1\t\xff", ":4: not valid UTF-8"),
            (None, ": the member is missing"),
        ],
    )
    def test_member_that_is_no_text_of_sentences(self, member, content, message):
        members = {WEB: ONE, WIKI: ONE, member: content}
        with pytest.raises(InputError) as caught:
            turkish_treebanks({name: data for name, data in members.items() if data is not None})
        assert str(caught.value).startswith(f"{member}{message}")


def test_registry_fetches_it_by_this_converter(tmp_path, monkeypatch, capsys):
    wheel = registry.describe("treebank_tr").wheel
    assert CONVERTERS[wheel.converter] is turkish_treebanks
    assert list(wheel.members) == [WEB, WIKI]
    monkeypatch.delenv("EMNLP_DATA", raising=False)
    monkeypatch.setattr(registry, "_checkout", lambda: tmp_path)
    monkeypatch.setattr(registry, "download", lambda wheel, folder: folder)
    monkeypatch.setattr(registry, "members", lambda wheel, path: {WEB: section(FIRST), WIKI: ONE})
    assert main(["corpora", "fetch", "treebank_tr"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'treebank_tr'}\n"
    assert "Apache 2.0" in captured.err
    assert "never tune" in captured.err
    files = {path.name: path.read_bytes() for path in (tmp_path / "treebank_tr").iterdir()}
    assert files == turkish_treebanks({WEB: section(FIRST), WIKI: ONE})


def sentences(content):
    """Return the comments, and the rows as lists of cells, of each sentence."""
    blocks = [block.split("\n") for block in content.decode().strip("\n").split("\n\n")]
    return [
        ([line for line in block if line[0] == "#"], [line.split("\t") for line in block if line[0] != "#"])
        for block in blocks
    ]


@pytest.mark.parametrize(
    ("member", "file", "figures"),
    [
        (WEB, "train.conllu.gz", (2_541, 26_519, 14, 44)),
        (WIKI, "test.conllu.gz", (2_310, 39_947, 14, 44)),
    ],
)
def test_real_wheel(member, file, figures):
    """Set EMNLP_TURKISH_WHEEL to the wheel of turkish-treebanks 1.0.0."""
    path = os.environ.get("EMNLP_TURKISH_WHEEL")
    if not path:
        pytest.skip("EMNLP_TURKISH_WHEEL does not name the wheel of turkish-treebanks 1.0.0")
    members = wheels.members(registry.describe("treebank_tr").wheel, Path(path))
    files = turkish_treebanks(members)
    assert files == turkish_treebanks(members)
    made, source = sentences(gzip.decompress(files[file])), sentences(members[member])
    words = [cells for _, rows in made for cells in rows]
    assert (len(made), len(words), *(len({cells[k] for cells in words}) for k in (3, 4))) == figures
    assert collections.Counter(map(len, words)) == {10: len(words)}
    for (comments, rows), (original, _) in zip(made, source, strict=True):
        assert comments == original[:1]
        assert "".join(cells[1] for cells in rows) == original[1].removeprefix("# text = ").replace(" ", "")
