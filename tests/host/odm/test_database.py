"""The ODM's text form, queries and updates."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import CorruptImage
from lvmfmt.host.odm.database import CLASSES, Odm, OdmObject, format_class, parse_class

PUBLISHED = (Path(__file__).parents[3] / "fixtures" / "transcripts" / "odmget.txt").read_bytes()

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


def objects(name: str) -> st.SearchStrategy[list[OdmObject]]:
    kinds = {str: TEXTS, int: st.integers(-(2**31), 2**31 - 1)}
    return st.lists(st.fixed_dictionaries({key: kinds[kind] for key, kind in CLASSES[name].items()}), max_size=4)


def test_the_published_form() -> None:
    (found,) = parse_class("CuAt", PUBLISHED)
    assert found == {
        "name": "hdisk0", "attribute": "pvid", "value": "00ce4b6ade6da8490000000000000000", "type": "R", "generic": "D",
        "rep": "s", "nls_index": 11,
    }  # fmt: skip
    assert format_class("CuAt", [found]) == PUBLISHED


@pytest.mark.parametrize("name", CLASSES)
def test_round_trip(name: str) -> None:
    @given(objects(name))
    def check(wanted: list[OdmObject]) -> None:
        assert parse_class(name, format_class(name, wanted)) == wanted

    check()


@given(st.binary(max_size=60), st.integers(0, len(PUBLISHED)), st.integers(0, 30))
def test_garbled_text_is_objects_or_a_named_error(junk: bytes, at: int, cut: int) -> None:
    try:
        parse_class("CuAt", PUBLISHED[:at] + junk + PUBLISHED[at + cut :], where="/etc/objrepos/CuAt")
    except CorruptImage as error:
        assert error.structure == "odm" and error.offset is not None and error.where == "/etc/objrepos/CuAt"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b"CuAt:", b"CuDv:", ""),
        (b"nls_index = 11", b'nls_index = "11"', "CuAt.nls_index"),
        (b'"hdisk0"', b"hdisk0", "CuAt.name"),
        (b'"hdisk0"', b'"hdisk0', "CuAt.name"),
        (b"generic", b"general", "CuAt.general"),
        (b'\trep = "s"\n', b"", "CuAt.rep"),
        (b"11", b"11111111111", "CuAt.nls_index"),
    ],
)
def test_damage_names_class_and_descriptor(old: bytes, new: bytes, field: str) -> None:
    with pytest.raises(CorruptImage) as caught:
        parse_class("CuAt", PUBLISHED.replace(old, new))
    assert (caught.value.structure, caught.value.field) == ("odm", field)


def test_query_and_update() -> None:
    odm = Odm()
    odm.add("CuDv", name="hdisk0", status=1)
    odm.add_attribute("rootvg", "pv", "a")
    odm.add_attribute("rootvg", "pv", "b")
    assert [o["value"] for o in odm.get("CuAt", name="rootvg", attribute="pv")] == ["a", "b"]
    odm.set_attribute("rootvg", "pv", "c")
    assert [o["value"] for o in odm.get("CuAt", attribute="pv")] == ["c"]
    odm.set_attribute("rootvg", "pv", None)
    assert odm.attribute("rootvg", "pv") is None
    before = odm.copy()
    odm.get("CuDv", name="hdisk0")[0]["status"] = 0
    assert before.get("CuDv")[0]["status"] == 1 and before != odm
    assert odm.delete("CuDv", name="hdisk0") == 1 and odm.delete("CuDv", name="hdisk0") == 0
    with pytest.raises(KeyError):
        odm.add("CuDv", colour="red")
