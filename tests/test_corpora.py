"""Corpora: where they are found and how they are fetched; no test needs a network."""

import hashlib
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from emnlp.cli import main
from emnlp.corpus import registry, wheels
from emnlp.corpus.convert import CONVERTERS
from emnlp.errors import InputError

FILES = ["train.en", "train.gold", "train.grc", "train.ids"]
MEMBERS = {f"data/{file}": file.encode() for file in FILES}


def convert(members):
    """Stand in for a converter: the files are the members."""
    return {name.removeprefix("data/"): content for name, content in members.items()}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A checkout that is empty, a cache that is not there yet, no EMNLP_DATA."""
    (tmp_path / "checkout").mkdir()
    monkeypatch.delenv("EMNLP_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "_checkout", lambda: tmp_path / "checkout")
    return tmp_path


def folder(path, files=("train.grc", "train.en.gz", "train.gold", "train.ids")):
    path.mkdir(parents=True)
    for file in files:
        (path / file).touch()
    return path


class TestFind:
    def test_order_of_places(self, world, monkeypatch):
        spots = [world / "one", world / "two", world / "checkout", world / "cache/emnlp/corpora"]
        monkeypatch.setenv("EMNLP_DATA", os.pathsep.join([str(spots[0]), "", str(spots[1])]))
        assert registry.places()[:-1] == spots
        for spot in reversed(spots):
            here = folder(spot / "bible_grc_en")
            assert registry.find("bible_grc_en") == here

    def test_a_part_of_a_corpus_is_passed_over_and_named(self, world, monkeypatch):
        monkeypatch.setenv("EMNLP_DATA", str(world / "one"))
        folder(world / "one/bible_grc_en", ["train.en"])
        with pytest.raises(InputError, match=r"one.bible_grc_en lacks train.grc, train.gold, train.ids: complete it"):
            registry.find("bible_grc_en")
        whole = folder(world / "checkout/bible_grc_en")
        assert registry.find("bible_grc_en") == whole

    def test_own_folder(self, world):
        mine = folder(world / "checkout/mine", ["train.en"])
        (world / "checkout/.hidden").mkdir()
        (world / "checkout/file").touch()
        assert registry.find("mine") == registry.fetch("mine") == mine
        assert registry.own() == ["mine"]

    def test_unknown_name_has_close_matches(self, world):
        folder(world / "checkout/mine")
        with pytest.raises(InputError, match="did you mean bible_grc_en"):
            registry.find("bible_grc")
        with pytest.raises(InputError, match="did you mean mine"):
            registry.find("nine")
        with pytest.raises(InputError, match="emnlp corpora list"):
            registry.find("zzzz")

    @pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc", ".git", "a\n", "é", "a b", "a\0"])
    def test_no_way_out_by_name(self, world, name):
        for ask in (registry.find, registry.locate, registry.describe, registry.fetch):
            with pytest.raises(InputError, match="cannot be a corpus"):
                ask(name)

    @pytest.mark.parametrize("name", ["hansards_en_fr", "penn_treebank", "europarl_en_fr_200k", "ud_en_ewt", "bbc"])
    def test_what_cannot_be_fetched_says_who_has_it(self, world, name):
        for ask in (registry.find, registry.fetch):
            with pytest.raises(
                InputError,
                match=r"(WPT-2003|LDC99T42|statmt.org/europarl|UD_English-EWT|mlg.ucd.ie).* Put (train|bbc).* a folder "
                + name,
            ):
                ask(name)

    def test_cache_needs_an_absolute_home(self, world, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        monkeypatch.setenv("LOCALAPPDATA", "relative")
        assert registry.places() == [world / "checkout", Path(registry.__file__).parent / "samples"]

    def test_samples_of_this_project_are_here(self):
        assert registry.find("sample_en_fr").is_dir()
        assert registry.find("sample_en").is_dir()
        assert registry.find("sample_documents").is_dir()


def test_registry_is_consistent():
    for name in registry.names():
        entry = registry.describe(name)
        assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
        assert entry.files
        assert entry.kind in ("parallel", "tagged", "documents")
        assert "\n" not in entry.description + entry.licence + entry.source
        if entry.wheel:
            assert entry.wheel.converter in CONVERTERS
            assert re.fullmatch("[0-9a-f]{64}", entry.wheel.sha256)


@pytest.fixture
def shop(world, monkeypatch):
    """An index that has a small wheel; `shop.sell(...)` changes what the wheel holds."""

    class Shop:
        downloads = 0

        def sell(self, content, sha256=None):
            path = world / "a-1-py3-none-any.whl"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in {"../evil": b"evil", "/evil": b"evil", "setup.py": b"evil", **content}.items():
                    archive.writestr(name, data)
            self.wheel = path.read_bytes()
            checksum = sha256 or hashlib.sha256(self.wheel).hexdigest()
            wheel = wheels.Wheel("a", "1", checksum, "plain", dict.fromkeys(MEMBERS, 1000))
            entry = registry.Entry(
                "bible_grc_en", "parallel", "", "", "", registry.describe("bible_grc_en").files, (), wheel
            )
            monkeypatch.setattr(registry, "_entries", lambda: {"bible_grc_en": entry})

        def pip(self, *words):
            if words[0] == "download":
                self.downloads += 1
                (Path(words[words.index("-d") + 1]) / "a-1-py3-none-any.whl").write_bytes(self.wheel)
            return subprocess.CompletedProcess(words, 0, "", "")

    made = Shop()
    made.sell(MEMBERS)
    monkeypatch.setitem(CONVERTERS, "plain", convert)
    monkeypatch.setattr(wheels, "_pip", made.pip)
    return made


def nothing_written(world):
    return not list((world / "checkout").iterdir()) and not list(world.rglob("evil"))


class TestFetch:
    def test_writes_the_files_and_nothing_else(self, world, shop):
        path = registry.fetch("bible_grc_en")
        assert path == world / "checkout/bible_grc_en"
        assert sorted(file.name for file in path.iterdir()) == FILES
        assert {file.name: file.read_bytes() for file in path.iterdir()} == convert(MEMBERS)
        assert [file.name for file in (world / "checkout").iterdir()] == ["bible_grc_en"]
        assert not list(world.rglob("evil"))

    def test_twice_downloads_once_and_says_so(self, world, shop):
        said = []
        assert registry.fetch("bible_grc_en") == registry.fetch("bible_grc_en", said.append)
        assert shop.downloads == 1
        assert "already here" in said[0]

    def test_into_the_cache_without_a_checkout(self, world, shop, monkeypatch):
        monkeypatch.setattr(registry, "_checkout", lambda: None)
        assert registry.fetch("bible_grc_en") == world / "cache/emnlp/corpora/bible_grc_en"

    def test_into_the_cache_if_the_checkout_is_read_only(self, world, shop, monkeypatch):
        monkeypatch.setattr(registry.os, "access", lambda path, mode: False)
        assert registry.fetch("bible_grc_en") == world / "cache/emnlp/corpora/bible_grc_en"

    def test_wrong_checksum_is_never_opened(self, world, shop, monkeypatch):
        shop.sell(MEMBERS, sha256="0" * 64)
        monkeypatch.setattr(wheels.zipfile, "ZipFile", None)
        with pytest.raises(InputError, match=r"is not the file that the registry knows.*not 0{64}"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_missing_member(self, world, shop):
        shop.sell({"data/train.en": b""})
        with pytest.raises(InputError, match=r"data/train.gold: the wheel has no such member"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_oversized_member(self, world, shop):
        shop.sell({**MEMBERS, "data/train.en": b"0" * 1_000_000})
        with pytest.raises(InputError, match=r"data/train.en: larger than the 1000 bytes"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_not_a_wheel(self, world, shop, monkeypatch):
        shop.sell(MEMBERS, sha256=hashlib.sha256(b"x").hexdigest())
        shop.wheel = b"x"
        with pytest.raises(InputError, match="not a readable wheel"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_converter_cannot_write_elsewhere(self, world, shop, monkeypatch):
        monkeypatch.setitem(CONVERTERS, "plain", lambda members: {"../evil": b""})
        with pytest.raises(InputError, match="cannot be a corpus"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    @pytest.mark.parametrize("reason", [KeyboardInterrupt, MemoryError])
    def test_interrupted_leaves_nothing(self, world, shop, monkeypatch, reason):
        def write(path, content, real=Path.write_bytes):
            if path.name == "train.gold":
                raise reason
            return real(path, content)

        monkeypatch.setattr(Path, "write_bytes", write)
        with pytest.raises(reason):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_full_disk(self, world, shop, monkeypatch):
        monkeypatch.setattr(Path, "rename", lambda path, to: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(InputError, match=r"bible_grc_en: cannot be written \(No space left\)"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_offline(self, world, shop, monkeypatch):
        answer = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution\n")
        monkeypatch.setattr(wheels, "_pip", lambda *words: shop.pip(*words) if words == ("--version",) else answer)
        with pytest.raises(InputError, match=r"\(ERROR: No matching distribution\); is a package index reachable"):
            registry.fetch("bible_grc_en")
        assert nothing_written(world)

    def test_a_quicker_process_wins(self, world, shop, monkeypatch):
        def pip(*words):
            if words[0] == "download":
                folder(world / "checkout/bible_grc_en")
            return shop.pip(*words)

        monkeypatch.setattr(wheels, "_pip", pip)
        assert registry.fetch("bible_grc_en") == world / "checkout/bible_grc_en"

    def test_a_part_in_the_way_is_left_alone(self, world, shop):
        folder(world / "checkout/bible_grc_en", ["train.en"])
        with pytest.raises(InputError, match="complete it, or move it away"):
            registry.fetch("bible_grc_en")
        assert shop.downloads == 0


class TestCommand:
    def test_list(self, world, capsys):
        folder(world / "checkout/bible_grc_en")
        folder(world / "checkout/mine")
        assert main(["corpora", "list"]) == 0
        out = capsys.readouterr().out
        assert re.search(r"^bible_grc_en +yes +CC BY 4.0 +Greek", out, re.M)
        assert re.search(r"^hansards_en_fr +no ", out, re.M)
        assert re.search(r"^mine +yes +\? +a folder of your own$", out, re.M)

    def test_path(self, world, capsys):
        path = folder(world / "checkout/bible_grc_en")
        assert main(["corpora", "path", "bible_grc_en"]) == 0
        assert capsys.readouterr().out == f"{path}\n"

    def test_path_of_what_is_not_here(self, world, capsys):
        assert main(["corpora", "path", "bible_grc_en"]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "`emnlp corpora fetch bible_grc_en`" in captured.err

    def test_fetch_prints_the_folder_alone(self, world, shop, capsys):
        assert main(["corpora", "fetch", "bible_grc_en"]) == 0
        captured = capsys.readouterr()
        assert captured.out == f"{world / 'checkout/bible_grc_en'}\n"
        assert captured.err

    @pytest.mark.parametrize("words", [[], ["list"], ["fetch"], ["path"]])
    def test_help_has_an_example(self, words, capsys):
        with pytest.raises(SystemExit) as stop:
            main(["corpora", *words, "--help"])
        assert stop.value.code == 0
        assert "example:\n" in capsys.readouterr().out
