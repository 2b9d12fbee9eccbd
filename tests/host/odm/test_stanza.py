"""Stanza files: round trips and damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import CorruptImage
from lvmfmt.host.odm import stanza
from lvmfmt.host.odm.stanza import Stanza

KEYS = st.text("abcdefgXYZ_0123", min_size=1, max_size=8)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20).map(lambda v: v.strip(" \t"))


@given(st.lists(st.tuples(KEYS, st.dictionaries(KEYS, VALUES, max_size=4)), max_size=5))
def test_round_trip(wanted: list[tuple[str, dict[str, str]]]) -> None:
    data = stanza.build([Stanza(name, items) for name, items in wanted], "\t{key} = {value}")
    found = stanza.parse(data, structure="x", comment="*")
    assert [(s.name, s.items) for s in found] == [
        (name, {k: v.rstrip(" ") for k, v in items.items()}) for name, items in wanted
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_stanzas_or_a_named_error(data: bytes) -> None:
    try:
        stanza.parse(data, structure="x", comment="*")
    except CorruptImage as error:
        assert error.structure == "x" and error.offset is not None


@pytest.mark.parametrize(
    ("data", "offset", "expected"),
    [
        (b"\tkey = value\n", 0, "the head of a stanza"),
        (b"name:\n\tkey value\n", 6, "key = value"),
        (b"name:\n\ta = 1\n\ta = 2\n", 13, "once in a stanza"),
    ],
)
def test_damage_is_named(data: bytes, offset: int, expected: str) -> None:
    with pytest.raises(CorruptImage) as caught:
        stanza.parse(data, structure="odm", comment="#", where="/etc/objrepos/CuDv")
    assert (caught.value.offset, caught.value.expected) == (offset, expected)


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(CorruptImage, match="at most"):
        stanza.parse(bytes(stanza.MAX_SIZE + 1), structure="odm", comment="#")
