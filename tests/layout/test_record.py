"""The Record kit: one declaration, and every view of it says the same of the same bytes."""

from typing import Any

import construct as c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import CorruptImage
from lvmfmt.layout.record import BIG, LITTLE, Grade, Ints, Record, array, field, reserved, text

A, B, C = Grade


def specimen(i: Ints) -> Record:
    """One field of every kind that the kit knows."""
    x, y = field("x", i.u16, "first", A, "T"), field("y", i.s32, "second", A, "T")
    inner = Record("inner", "Nested", 6, "", x, y)
    return Record(
        "specimen",
        "Every kind of field",
        83,
        "in this test",
        field("magic", c.Bytes(4), "identifies", A, "T"),
        field("u8", i.u8, "a byte", A, "T"),
        field("s8", i.s8, "a signed byte", B, "T"),
        field("u16", i.u16, "two bytes", B, "T"),
        field("s16", i.s16, "two bytes", B, "T"),
        field("u32", i.u32, "four bytes", B, "T"),
        field("s32", i.s32, "four bytes", B, "T"),
        field("u64", i.u64, "eight bytes", B, "T"),
        field("s64", i.s64, "eight bytes", B, "T"),
        field("u24", i.u24, "three bytes", B, "T"),
        field("label", text(9), "a name", B, "T"),
        field("psn", array(2, i.u32), "two of a kind", B, "T"),
        field("one", inner, "a nested structure", B, "T"),
        field("many", array(3, inner), "nested structures", B, "T"),
        reserved("rest", 5, C, "T"),
    )


def plain(value: Any) -> Any:
    """A construct value or a numpy value in Python's own types, for comparing the two."""
    if isinstance(value, c.Container):
        return {k: plain(v) for k, v in value.items() if k != "_io"}
    if isinstance(value, np.void):
        assert value.dtype.names is not None
        return {k: plain(value[k]) for k in value.dtype.names}
    if isinstance(value, np.ndarray):
        if value.dtype == np.uint8 and value.dtype.names is None:
            return value.tobytes()
        return [plain(v) for v in value]
    if isinstance(value, c.ListContainer):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize("ints", [BIG, LITTLE], ids=["big", "little"])
def test_construct_and_numpy_read_the_same_bytes_alike(ints: Ints) -> None:
    record = specimen(ints)

    @given(st.binary(min_size=2 * record.size, max_size=2 * record.size))
    def check(data: bytes) -> None:
        parsed = plain(record.parse(data[record.size :]))
        row = plain(record.table(data)[1])
        row["u24"] = int.from_bytes(row["u24"], "big" if ints is BIG else "little")  # numpy has no such integer
        assert row == parsed == plain(record.struct.parse(data[record.size :]))
        assert record.build(record.parse(data)) == data[: record.size]
        for info in record.fields():  # and the field list says where
            if info.type.startswith("u") and "[" not in info.type:
                raw = data[record.size + info.offset : record.size + info.offset + info.size]
                assert parsed[info.name] == int.from_bytes(raw, "big" if ints is BIG else "little")

    check()


def test_the_field_list() -> None:
    infos = specimen(BIG).fields()
    assert [(f.name, f.offset, f.size, f.type) for f in infos] == [
        ("magic", 0, 4, "bytes[4]"),
        ("u8", 4, 1, "u8"),
        ("s8", 5, 1, "s8"),
        ("u16", 6, 2, "u16be"),
        ("s16", 8, 2, "s16be"),
        ("u32", 10, 4, "u32be"),
        ("s32", 14, 4, "s32be"),
        ("u64", 18, 8, "u64be"),
        ("s64", 26, 8, "s64be"),
        ("u24", 34, 3, "u24be"),
        ("label", 37, 9, "text[9]"),
        ("psn", 46, 8, "u32be[2]"),
        ("one", 54, 6, "inner"),
        ("many", 60, 18, "inner[3]"),
        ("rest", 78, 5, "bytes[5]"),
    ]
    assert {f.grade for f in infos} == {A, B, C}
    assert specimen(LITTLE).fields()[3].type == "u16le"
    assert specimen(BIG).offset_of("one") == 54


def test_a_declaration_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match="short: fields add up to 4 bytes, not 8"):
        Record("short", "Too short", 8, "", field("x", BIG.u32, "x", A, "T"))


def test_build_fills_what_is_not_given_with_zeros() -> None:
    record = specimen(BIG)
    assert record.build({}) == bytes(record.size)
    built = record.build({"u16": 0x0102, "label": b"hd4", "psn": [1, 2]})
    assert (
        built[6:8] == b"\x01\x02"
        and built[37:46] == b"hd4" + bytes(6)
        and built[46:54] == bytes.fromhex("0000000100000002")
    )
    assert sum(map(bool, built)) == 2 + 3 + 2


def test_text_keeps_what_stands_before_a_nul_in_the_middle() -> None:
    record = Record("name", "A name", 6, "", field("n", text(6), "name", A, "T"))
    assert record.parse(b"a\0b\0\0\0").n == b"a\0b" == record.table(b"a\0b\0\0\0")[0]["n"]


@pytest.mark.parametrize("buffer", [b"", b"x" * 82, np.empty(0, np.uint8), memoryview(b"abc")])
def test_a_short_buffer_is_a_corrupt_image(buffer: Any) -> None:
    size = memoryview(buffer).nbytes
    with pytest.raises(CorruptImage, match=f"a.img: specimen at byte 0x200: expected 83 bytes, found {size} bytes"):
        specimen(BIG).parse(buffer, offset=512, where="a.img")
    with pytest.raises(CorruptImage, match=f"expected 1 x 83 bytes, found {size} bytes"):
        specimen(BIG).table(buffer, 1)
    assert len(specimen(BIG).table(buffer)) == 0


def test_parse_takes_any_buffer_and_ignores_what_follows() -> None:
    record = specimen(BIG)
    data = bytes(range(100))
    for buffer in (data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8), np.frombuffer(data, ">u4")):
        assert record.parse(buffer).u16 == 0x0607


def test_tables_are_views_and_bounded() -> None:
    record = specimen(BIG)
    data = bytearray(3 * record.size + 10)
    table = record.table(data, 2, offset=10)
    table[1]["u16"] = 0xABCD
    assert data[10 + record.size + 6 : 10 + record.size + 8] == b"\xab\xcd"
    assert len(record.table(data)) == 3 and len(record.table(data, offset=len(data) + 1)) == 0
    with pytest.raises(CorruptImage):
        record.table(data, 1 << 60)
    assert record.empty_table(4).nbytes == 4 * record.size
