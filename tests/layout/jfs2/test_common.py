"""Structures that both dialects lay out alike: one declaration, two byte orders, and how well a field is known."""

import numpy as np
import pytest

from lvmfmt.layout.jfs2.common import PAGE, Declarations, shared
from lvmfmt.layout.record import BIG, LITTLE, Grade, Ints

TELLS = Declarations("x", BIG, (Grade.B, "H"), "P", "L")


@pytest.mark.parametrize(
    ("field", "grade", "source"),
    [
        (TELLS.field("a", BIG.u8, "a"), "B", "H"),
        (TELLS.seen("a", BIG.u8, "a"), "A", "P"),
        (TELLS.published("a", BIG.u8, "a"), "B", "L"),
        (TELLS.reserved("a", 4), "B", "L"),
        (TELLS.unknown("a", BIG.u8, "a"), "C", "own"),
    ],
)
def test_how_well_a_field_is_known_comes_from_the_dialect(field, grade: str, source: str) -> None:
    assert (field.grade, field.source) == (grade, source)
    record = TELLS.record("name", "title", 4 if "reserved" in field.meaning else 1, "place", field)
    assert (record.name, record.title, record.place) == ("x_name", "title", "place")


@pytest.mark.parametrize("ints", [BIG, LITTLE], ids=["big", "little"])
def test_a_dialect_gives_every_shared_structure_its_byte_order(ints: Ints) -> None:
    made = shared(Declarations("x", ints, (Grade.B, "H"), "P", "L"))
    assert {name: record.size for name, record in made.items() if record.size == PAGE} == dict.fromkeys(
        ("dinomap", "iag", "dbmap", "dmap", "dmapctl"), 4096
    )
    number = np.array([0x01020304], ints.order + "u4").tobytes()
    assert made["dmap"].parse(number.ljust(4096, b"\0")).nblocks == 0x01020304
    assert made["log_page_header"].parse(number.ljust(8, b"\0")).page == 0x01020304


def test_both_orders_have_the_same_places() -> None:
    big, little = (shared(Declarations("x", ints, (Grade.B, "H"), "P", "L")) for ints in (BIG, LITTLE))
    for name, record in big.items():
        places = [[(f.name, f.offset, f.size) for f in r.fields()] for r in (record, little[name])]
        assert places[0] == places[1]
