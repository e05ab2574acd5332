"""Converters: how bible_grc_en comes out of its package."""

import gzip
import json
import os
from pathlib import Path

import pytest

from emnlp.corpus import registry, wheels
from emnlp.corpus.convert import ALIGNMENT, ENGLISH, GREEK, bible_alignments
from emnlp.corpus.files import read_bytes
from emnlp.errors import InputError


def table(*rows, end="\n"):
    return "".join("\t".join(row) + end for row in rows).encode()


GREEK_ROWS = [
    ("id", "altId", "text"),
    ("n40001002001", "-", "δύο"),  # the second verse comes first in the file
    ("n40001001001", "-", " ἐν ἀρχῇ "),
    ("n40001001002", "-", "ἦν"),
    ("n40001001003", "-", "λόγος"),
    ("n40001003001", "-", "μόνος"),  # a verse without a link
]
ENGLISH_ROWS = [
    ("id", "source_verse", "text", "exclude"),
    ("40001001001", "40001001", " in the ", ""),
    ("40001001002", "40001001", ",", "y"),
    ("40001001003", "40001001", "beginning", ""),
    ("40001001004", "40001001", "", ""),
    ("40001001005", "40001002", '"two', ""),  # the verse is the column's, not the id's
    ("40001003001", "40001003", "alone", ""),
]
RECORDS = [
    (["n40001001002"], ["40001001001", "40001001003"]),  # one source: Sure
    (["n40001001001", "n40001001003"], ["40001001001", "40001001004"]),  # several of both: Possible
    (["40001001003"], ["40001001004"]),  # without its n; Sure although Possible above
    (
        ["n40001001002", "n99999999999"],
        ["40001001004", "40001001002"],
    ),  # as written 2 x 2: Possible, though 1 x 1 is left
    (["n40001003001"], ["40001001001"]),  # across verses
    (["n40001002001"], ["40001001005"]),
    ([], ["40001001001"]),
]


def members(greek=GREEK_ROWS, english=ENGLISH_ROWS, records=RECORDS):
    pairs = [{"source": source, "target": target, "meta": {}} for source, target in records]
    alignment = json.dumps({"records": pairs}).encode()
    return {GREEK: table(*greek, end="\r\n"), ENGLISH: table(*english), ALIGNMENT: alignment}


class TestBibleAlignments:
    def test_follows_every_rule(self):
        files = {name: gzip.decompress(content).decode() for name, content in bible_alignments(members()).items()}
        assert files == {
            "train.grc.gz": "δύο\nἐν_ἀρχῇ ἦν λόγος\n",
            "train.en.gz": '"two\nin_the beginning _\n',
            "train.gold.gz": "0-0\n1-0 1-1 2-2 0?0 0?2 1?2 2?0\n",
            "train.ids.gz": "40001002\n40001001\n",
        }

    def test_links_are_sorted_as_numbers(self):
        greek = [GREEK_ROWS[0], ("n40001001001", "-", "a")]
        ids = [f"400010010{k:02}" for k in range(1, 13)]
        english = [ENGLISH_ROWS[0], *((token, "40001001", "b", "") for token in ids)]
        files = bible_alignments(members(greek, english, [(["n40001001001"], [ids[10], ids[1], ids[9]])]))
        assert gzip.decompress(files["train.gold.gz"]) == b"0-1 0-9 0-10\n"

    def test_same_members_give_the_same_bytes_without_time_stamp(self):
        files = bible_alignments(members())
        assert files == bible_alignments(members())
        assert all(content[3:8] == b"\0" * 5 for content in files.values())  # no name, no time

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            (GREEK, b"id\tword\n", r"SBLGNT.tsv:1: no column 'text'"),
            (GREEK, b"", r"SBLGNT.tsv:1: no column 'id'"),
            (GREEK, b"id\ttext\nn40001001001\n", r"SBLGNT.tsv:2: 1 columns, but the header has 2"),
            (GREEK, b"id\ttext\nn4000\ta\n", r"SBLGNT.tsv:2: the verse '4000' is not 8 digits"),
            (GREEK, b"id\ttext\nn40001001001\ta\n40001001001\tb\n", r"SBLGNT.tsv:3: the id '40001001001' has come"),
            (GREEK, b"id\ttext\nn40001001001\t\xff\n", r"SBLGNT.tsv:2: not valid UTF-8"),
            (ENGLISH, b"id\ttext\n", r"nt_BSB.tsv:1: no column 'source_verse'"),
            (ALIGNMENT, b'{\n"records": [', r"manual.json:2: not valid JSON"),
            (ALIGNMENT, b"[]", r"manual.json:1: no list 'records'"),
            (ALIGNMENT, b'{"records": [{"source": ["a"]}]}', r"manual.json: records\[0\] lacks"),
            (ALIGNMENT, b'{"records": [{"source": [["a"]], "target": []}]}', r"manual.json: records\[0\] lacks"),
        ],
    )
    def test_malformed_member_is_named_with_its_line(self, name, content, message):
        with pytest.raises(InputError, match=message):
            bible_alignments({**members(), name: content})

    def test_missing_member(self):
        with pytest.raises(InputError, match=r"SBLGNT.tsv: the member is missing"):
            bible_alignments({})


def test_real_wheel_gives_the_real_folder(real):
    """Set EMNLP_BIBLE_WHEEL to the wheel of bible-alignments 0.4.2."""
    path = os.environ.get("EMNLP_BIBLE_WHEEL")
    if not path:
        pytest.skip("EMNLP_BIBLE_WHEEL does not name the wheel of bible-alignments 0.4.2")
    files = bible_alignments(wheels.members(registry.describe("bible_grc_en").wheel, Path(path)))
    for name, content in files.items():
        assert gzip.decompress(content) == read_bytes(real("bible_grc_en") / name), name
