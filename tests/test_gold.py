import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emnlp.corpus.gold import Gold, check_positions
from emnlp.corpus.links import Links
from emnlp.errors import InputError


def sentences(links):
    return [set(pair) for pair in links]


def write(folder, text, name="dev.gold"):
    path = folder / name
    path.write_text(text)
    return path


some = settings(max_examples=50, deadline=None)
# Each pair: {(i, j): sure}
golds = st.lists(
    st.dictionaries(st.tuples(st.integers(0, 30), st.integers(0, 30)), st.booleans(), max_size=8), max_size=8
)


@some
@given(golds, st.sampled_from([0, 1]), st.randoms(use_true_random=False))
def test_project_layout_round_trip(pairs, base, rng):
    def line(pair):
        items = [f"{i + base}{'-' if sure else rng.choice('?p')}{j + base}" for (i, j), sure in pair.items()]
        rng.shuffle(items)
        return rng.choice([" ", "\t", "  "]).join(items)

    gold = Gold.parse("".join(line(pair) + "\n" for pair in pairs), base=base)
    assert gold.lines == len(pairs)
    assert gold.base == base
    assert list(gold.possible) == [sorted(pair) for pair in pairs]
    assert list(gold.sure) == [sorted(link for link, sure in pair.items() if sure) for pair in pairs]


@some
@given(golds.filter(any), st.sampled_from([None, 0, 1]), st.randoms(use_true_random=False))
def test_wa_round_trip_in_any_order(pairs, base, rng):
    shift = 0 if base == 0 else 1
    lines = []
    for k, pair in enumerate(pairs):
        for (i, j), sure in pair.items():
            mark = rng.choice([" S", "", " S 0.5", " 1", " .25"]) if sure else rng.choice([" P", " P 1e-3"])
            lines.append(f"{k + shift:0{rng.choice([1, 4])}d} {i + shift} {j + shift}{mark}")
    rng.shuffle(lines)
    gold = Gold.parse("\n".join(lines), base=base, n_pairs=len(pairs))
    assert gold.base == shift
    assert list(gold.possible) == [sorted(pair) for pair in pairs]
    assert list(gold.sure) == [sorted(link for link, sure in pair.items() if sure) for pair in pairs]


def test_the_three_marks_mixed_in_a_line_and_blank_lines():
    gold = Gold.parse("0-0 3p4 1?2\n\n   \n5-5\n")
    assert sentences(gold.sure) == [{(0, 0)}, set(), set(), {(5, 5)}]
    assert sentences(gold.possible) == [{(0, 0), (3, 4), (1, 2)}, set(), set(), {(5, 5)}]


@pytest.mark.parametrize("text", ["0-0 0?0 0-0", "0?0 0-0", "1 1 1 P\n1 1 1 S\n1 1 1 P", "1 1 1\n1 1 1 P"])
def test_a_link_given_twice_counts_once_and_as_sure(text):
    gold = Gold.parse(text)
    assert list(gold.sure) == list(gold.possible) == [[(0, 0)]]


@pytest.mark.parametrize(
    ("text", "lines"), [("", 0), ("\n", 1), ("0-0", 1), ("0-0\n", 1), ("0-0\n\n", 2), ("0-0\r\n1-1\r\n", 2)]
)
def test_number_of_lines(text, lines):
    assert Gold.parse(text).lines == lines


@pytest.mark.parametrize("name", ["test.wa", "gold.txt", "gold.txt.gz"])
def test_wa_is_known_by_its_content(tmp_path, name):
    import gzip

    content = b"\n0001 1 1 S\n\n0003 2 4 P 0.5\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    gold = Gold.read(path)
    assert (gold.base, gold.lines, gold.name) == (1, 3, str(path))
    assert list(gold.possible) == [[(0, 0)], [], [(1, 3)]]
    assert list(gold.sure) == [[(0, 0)], [], []]


def test_the_suffix_does_not_make_a_wa_file(tmp_path):
    assert Gold.read(write(tmp_path, "0-0 1?1\n", "gold.wa")).base == 0


def test_wa_number_of_pairs():
    assert Gold.parse("2 1 1").lines == 2
    assert Gold.parse("2 1 1", n_pairs=5).lines == 5


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("0-0\n0-0 1:1", {}, r"g:2: '1:1' is not a gold link; expected i-j"),
        ("0-0\n1--1", {}, "g:2: '1--1' is not"),
        ("0-0 -1-0", {}, "g:1: '-1-0' is not"),
        ("0-", {}, "g:1: '0-' is not"),
        ("١-٢", {}, "g:1: '١-٢' is not"),  # int() would take these digits
        ("0-" + "9" * 5000, {}, "g:1: '0-9+' is not"),
        ("1 2", {}, "g:1: '1' is not a gold link"),
        ("1-1\n\n0-1", {"base": 1}, r"g:3: position 0 in '0-1'.*base 0 .*NULL"),
        ("1-1 1?0", {"base": 1}, r"g:1: position 0 in '1\?0'.*--base 0"),
        ("1 1 1\n\n1 1 0 S", {}, "g:3: position 0 in '1 1 0 S'.*base 0.*NULL.*leave those links out"),
        ("1 1 1\n0 1 1 S", {}, "g:2: sentence 0.*--base 0"),
        ("1 1 1\n1 1", {}, r"g:2: '1 1' is not a .wa line; expected SENT i j \[S\|P\]"),
        ("1 1 1 X", {}, "g:1: '1 1 1 X' is not"),
        ("1 1 1 S 0.5 x", {}, "g:1: '1 1 1 S 0.5 x' is not"),
        ("1 1 1 S x", {}, "g:1: '1 1 1 S x' is not"),
        ("1 1 1\n1 -1 1", {}, "g:2: '1 -1 1' is not"),
        ("1 1 1\n999999999 1 1", {}, "g:2: '999999999 1 1' is not"),
        ("1 1 1\n4 1 1", {"n_pairs": 3}, "g:2: sentence 4, but there are 3 sentence pairs"),
        ("1 0 1\n3 1 1", {"n_pairs": 3, "base": 0}, "g:2: sentence 3, but there are 3 .*--base 1"),
        ("0-0\n1-1", {"n_pairs": 3}, "g: 2 lines, but 3 sentence pairs"),
        ("0-0", {"base": 2}, "g: base 2 is not known"),
    ],
)
def test_a_bad_file_is_an_error_that_names_its_line(text, options, message):
    with pytest.raises(InputError, match=f"^{message}"):
        Gold.parse(text, "g", **options)


def test_read_names_the_file_in_errors(tmp_path):
    path = write(tmp_path, "0-0\n0+0\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:2: '0+0'")):
        Gold.read(path)


def test_lengths_that_fit():
    gold = Gold.parse("0-0 6?2\n\n1-1")
    gold.check([7, 0, 2], [3, 0, 2])
    gold.check(np.array([7, 0, 2]))
    gold.check(target_lengths=[3, 5, 2])


@pytest.mark.parametrize(
    ("text", "options", "source", "target", "message"),
    [
        ("1-1\n1-1 7-2", {}, [7, 7], [7, 7], "g:2: position 7 of a source sentence of 7 words; .*1-based.*--base 1"),
        ("0-0\n1-1 7-2", {}, [7, 7], [7, 7], "g:2: position 7 of a source sentence of 7 words; are these"),
        ("1-1\n1-1 8-2", {}, [7, 7], [7, 7], "g:2: position 8 of a source sentence of 7 words; are these"),
        ("0-5", {}, [6], [3], "g:1: position 5 of a target sentence of 3 words; are source and target exchanged"),
        ("1-1 1-4", {"base": 1}, [3], [3], "g:1: position 4 of a target sentence of 3 words; are these"),
        ("2 4 1\n\n1 1 1", {}, [3, 3], [3, 3], "g:1: position 4 of a source sentence of 3 words"),
        ("\n0-0", {}, [3, 0], [3, 3], "g:2: position 0 of a source sentence of 0 words"),
        ("0-0", {}, [3, 3], [3], "g: 1 sentence pairs, but 2 source sentences"),
        ("0-0", {}, [3], [], "g: 1 sentence pairs, but 0 target sentences"),
    ],
)
def test_positions_beyond_the_sentence(text, options, source, target, message):
    with pytest.raises(InputError, match=f"^{message}"):
        Gold.parse(text, "g", **options).check(source, target)


def test_one_side_is_enough_to_check():
    with pytest.raises(InputError, match=r"g:1: position 2 of a target sentence of 2 words; is the file 1-based"):
        Gold.parse("1-2", "g").check(target_lengths=[2])


def test_check_of_links_recommends_what_is_given():
    with pytest.raises(InputError, match=r"a\.links:1: position 2 .* 1-based\? subtract"):
        check_positions(Links.from_lists([[(1, 2)]]), [2], [2], "a.links", remedy="subtract")


def test_a_file_that_looks_one_based_is_doubted():
    with pytest.warns(UserWarning, match=r"g: no position 0 in 20 pairs.*base 1"):
        Gold.parse("1-1 2-3\n" * 20, "g")
    with pytest.warns(UserWarning, match="g: no sentence 0"):
        Gold.parse("\n".join(f"{k} 0 0" for k in range(1, 30)), "g", base=0)


@pytest.mark.parametrize(
    ("text", "base"), [("1-1\n" * 19, None), ("1-1\n" * 20, 1), ("\n" * 30, None), ("1-1\n" * 20 + "3-0\n", None)]
)
def test_no_doubt_without_reason(text, base):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Gold.parse(text, base=base)


@some
@given(golds, st.slices(8))
def test_select_is_as_of_lists(pairs, part):
    gold = Gold.parse("".join(" ".join(f"{i}?{j}" for i, j in pair) + "\n" for pair in pairs))
    selected = gold.select(part)
    assert list(selected.possible) == list(gold.possible)[part]
    assert list(selected.sure) == list(gold.sure)[part]
    assert len(selected.places) == len(selected.possible.source)


def test_a_selection_keeps_the_lines_of_the_file():
    gold = Gold.parse("0-0\n0-0\n0-0 0-9\n0-0", "g").select(slice(0, None, 2))
    assert gold.selection == "0::2"
    assert gold.select(slice(1, 2)).selection == "0::2[1:2]"
    with pytest.raises(InputError, match=r"^g:3: position 9"):
        gold.check([3, 3], [3, 3])


def test_gold_built_by_hand():
    sure, possible = Links.from_lists([[(0, 0)]]), Links.from_lists([[(0, 0), (1, 5)]])
    gold = Gold(sure, possible, name="g")
    assert gold == Gold.parse("0-0 1?5", "g")
    with pytest.raises(InputError, match="g:1: position 5"):
        gold.check([2], [2])
    with pytest.raises(InputError, match="g: Sure links of 1 pairs, but Possible links of 0"):
        Gold(sure, Links.from_lists([]), name="g")
