"""The small JSON files of a host (`lvmfmt.host.folder.fields`): every field is checked when it is taken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.host.folder.fields import MAX_FILE, Fields, read_text, replace_file, write_json


def fields(**raw: object) -> Fields:
    return Fields(Path("some.json"), raw)


def test_what_is_there_is_taken() -> None:
    f = fields(a=["x", "y"], p=[["a", "b"]], n=7, ns=[1, 2], yes=True, o={"k": {"n": 3}}, s="text")
    assert (f.names("a"), f.pairs("p"), f.count("n"), f.counts("ns")) == (("x", "y"), (("a", "b"),), 7, (1, 2))
    assert (f.flag("yes"), f.name("s")) == (True, "text")
    assert {name: inner.count("n") for name, inner in f.objects("o").items()} == {"k": 3}


def test_what_is_not_there_is_nothing() -> None:
    f = fields()
    assert (f.names("x"), f.pairs("x"), f.count("x"), f.counts("x")) == ((), (), 0, ())
    assert (f.flag("x"), f.name("x"), f.objects("x")) == (False, None, {})


@pytest.mark.parametrize(
    ("take", "wrong"),
    [
        (Fields.names, "x"), (Fields.names, ["x", 1]),
        (Fields.pairs, "xy"), (Fields.pairs, [["a"]]), (Fields.pairs, [["a", "b", "c"]]), (Fields.pairs, [["a", 1]]),
        (Fields.count, "7"), (Fields.count, True), (Fields.count, -1), (Fields.count, 1 << 63), (Fields.count, 1.0),
        (Fields.counts, 7), (Fields.counts, [-1]), (Fields.counts, [1 << 63]), (Fields.counts, [True]),
        (Fields.flag, 1), (Fields.flag, None),
        (Fields.objects, [1]), (Fields.objects, {"k": 1}),
        (Fields.name, 7),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_is_named(take: Callable[[Fields, str], object], wrong: object) -> None:
    with pytest.raises(CorruptImage, match=r"some\.json: some\.json\.field: expected "):
        take(fields(field=wrong), "field")


def test_the_ends_of_what_a_number_may_be() -> None:
    assert fields(n=0).count("n") == 0 and fields(n=(1 << 63) - 1).count("n") == (1 << 63) - 1
    assert fields(n=[0, (1 << 63) - 1]).counts("n") == (0, (1 << 63) - 1)


def test_a_file_is_read_or_missing_or_no_object(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert Fields.read(path) is None
    write_json(path, {"n": 5})
    found = Fields.read(path)
    assert found is not None and found.count("n") == 5
    assert path.read_text() == '{\n  "n": 5\n}\n'
    for text, expected in (("{", "expected JSON"), ("[1]", "expected a JSON object, found list"), ("[" * 5000, "JSON")):
        path.write_text(text)
        with pytest.raises(CorruptImage, match=expected):
            Fields.read(path)


def test_a_file_is_cut_and_what_is_not_utf_8_replaced(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"a\xff" + b"x" * MAX_FILE)
    assert read_text(path) == "a\N{REPLACEMENT CHARACTER}" + "x" * (MAX_FILE - 2)


def test_a_replaced_file_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("old")
    replace_file(path, "new\n")
    assert path.read_text() == "new\n" and [p.name for p in tmp_path.iterdir()] == ["text"]
