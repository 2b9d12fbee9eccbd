"""The VGSA bit by bit [lvm 7]: 127 bytes of stale PPs a PV from byte 12, missing PVs in words, stamps at both ends."""

import struct
from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.lvm import VgKind
from lvmfmt.lvm.descriptor.pptable import PpTable, Slots
from lvmfmt.lvm.descriptor.vgsa import Vgsa
from lvmfmt.lvm.disk.record import LvmRecord

SECTOR = 512
CLASSIC = LvmRecord.new("00f7b72a00004c0000000124dd891ce8", VgKind.CLASSIC, 8, 20)
BIG = LvmRecord.new("00f7b72a00004c0000000124dd891ce8", VgKind.BIG, 10, 20)


def slots(*widths: int, rows: int = 1016) -> Slots:
    """PVs of so many PPs, each in an area of its own."""
    first = np.arange(len(widths), dtype=np.int64) * rows
    return Slots(first, np.array(widths, np.int64), rows * len(widths), rows * len(widths))


@pytest.mark.parametrize(
    ("number", "pp", "factor", "byte", "bit"),
    [
        (1, 1, 1, 12, 0),
        (1, 8, 1, 12, 7),
        (1, 9, 1, 13, 0),
        (1, 1016, 1, 138, 7),
        (2, 1, 1, 139, 0),
        (3, 10, 1, 12 + 2 * 127 + 1, 1),
        (1, 1017, 2, 139, 0),  # a PV owns `factor` rows
        (2, 1, 2, 12 + 2 * 127, 0),
    ],
)
def test_a_stale_pp_is_one_bit(number: int, pp: int, factor: int, byte: int, bit: int) -> None:
    vgsa = Vgsa.empty(CLASSIC, factor)
    assert (len(vgsa.raw), vgsa.factor) == (4096, factor)
    assert not vgsa.rows.any() and vgsa.rows.shape == (32 // factor, 1016 * factor)
    table = PpTable.zeros(slots(1016 * factor, 1016 * factor, 1016 * factor, rows=1016 * factor))
    table[number - 1, pp - 1] = True
    vgsa.put_stale(table)
    changed = np.flatnonzero(vgsa.raw != Vgsa.empty(CLASSIC, factor).raw)
    assert changed.tolist() == [byte] and int(vgsa.raw[byte]) == 1 << bit
    assert np.argwhere(vgsa.rows).tolist() == [[number - 1, pp - 1]]
    assert np.flatnonzero(vgsa.stale(table.slots).flat).tolist() == np.flatnonzero(table.flat).tolist()
    table[number - 1, pp - 1] = False
    vgsa.put_stale(table)
    assert not vgsa.rows.any()


def test_tables_of_another_size() -> None:
    vgsa = Vgsa.empty(CLASSIC, 1)
    vgsa.fields["stalepp"][:] = 0xFF
    wide = vgsa.stale(slots(2032, 9, rows=2032))  # only the VGDA has a larger factor
    assert np.flatnonzero(wide.flat).tolist() == [*range(1016), *range(2032, 2041)]
    many = vgsa.stale(slots(*[5] * 34))
    assert int(many.sum()) == 32 * 5  # there are bits of 32 PVs


@pytest.mark.parametrize(("record", "last"), [(CLASSIC, 32), (BIG, 128)])
def test_missing_pvs(record: LvmRecord, last: int) -> None:
    vgsa = Vgsa.empty(record, 1)
    assert vgsa.all_missing == [] and vgsa.is_ours
    for numbers in ([1], [2, last], [last - 1], [1, 2, 31, 32], []):
        vgsa.set_missing(numbers)
        assert vgsa.all_missing == numbers
        assert [n for n in range(1, last + 1) if vgsa.missing(n)] == numbers
    vgsa.mark_missing(3, True)
    vgsa.mark_missing(3, True)
    vgsa.mark_missing(4, True)
    vgsa.mark_missing(3, False)
    assert vgsa.all_missing == [4]


def test_pv_n_is_bit_n_of_a_word() -> None:
    vgsa = Vgsa.empty(CLASSIC, 1)
    vgsa.mark_missing(5, True)
    assert bytes(vgsa.raw[8:12]) == struct.pack(">I", 1 << 4)
    big = Vgsa.empty(BIG, 1)
    big.mark_missing(33, True)
    assert big.fields["pv_missing"].tolist() == [0, 1, 0, 0]


def test_stamps_at_both_ends() -> None:
    vgsa = Vgsa.empty(CLASSIC, 1)
    vgsa.stamp = 1_300_000_000 * 10**9 + 7
    assert bytes(vgsa.raw[:8]) == bytes(vgsa.raw[0xFF8:]) == struct.pack(">II", 1_300_000_000, 7)
    assert vgsa.stamp == 1_300_000_000 * 10**9 + 7
    vgsa.check(65536, "disk")
    twin = vgsa.copy()
    twin.stamp = 1
    assert vgsa.stamp != 1


@pytest.mark.parametrize(
    ("at", "data", "field", "offset"),
    [(0, bytes(8), "begin_sec", 0), (0xFF8, b"\1", "end_sec", 0xFF8), (0xFFC, b"\1", "end_sec", 0xFF8),
     (0xFEC, b"\0\3", "factor", 0xFEC), (0xFEC, b"\0\x40", "factor", 0xFEC)],
)  # fmt: skip
def test_what_is_not_whole(at: int, data: bytes, field: str, offset: int) -> None:
    vgsa = Vgsa.empty(CLASSIC, 1)
    vgsa.stamp = 1_300_000_000 * 10**9
    vgsa.raw[at : at + len(data)] = np.frombuffer(data, np.uint8)
    with pytest.raises(CorruptImage) as torn:
        vgsa.check(65536, "disk")
    assert (torn.value.field, torn.value.offset, torn.value.where) == (field, 65536 + offset, "disk")


def test_factors_by_kind() -> None:
    for record, most in ((CLASSIC, 32), (BIG, 64)):  # [lvm 1.3]
        for factor, sound in ((most, True), (most * 2, False)):
            vgsa = Vgsa.empty(record, factor)
            vgsa.stamp = 10**18
            if sound:
                vgsa.check(0, "disk")
            else:
                with pytest.raises(CorruptImage):
                    vgsa.check(0, "disk")


class TestScalable:
    """Areas of their own for stale PPs, missing PVs and MWC; each begins with a stamp and a mark, and ends with one."""

    @pytest.fixture
    def vgsa(self, make_group: Any) -> Any:
        return make_group(2, kind=VgKind.SCALABLE)[0].state.vgsa.copy()

    def test_stale_pps_are_bits_of_the_first_area(self, vgsa: Any) -> None:
        begin = 16  # stamp and mark
        for row in (0, 7, 8, 1000):
            table = PpTable.zeros(slots(1016, 1016))
            table.flat[row] = True
            vgsa.put_stale(table)
            assert int(vgsa.raw[begin + row // 8]) == 1 << row % 8
            assert np.flatnonzero(vgsa.stale(table.slots).flat).tolist() == [row]

    def test_missing_pvs_are_bits_of_the_second(self, vgsa: Any) -> None:
        at = vgsa.areas[0] * SECTOR + 16
        for number in (1, 8, 9, 33, 1024):
            vgsa.set_missing([number])
            assert int(vgsa.raw[at + (number - 1) // 8]) == 1 << (number - 1) % 8
            assert vgsa.all_missing == [number] and vgsa.missing(number) and not vgsa.missing(number % 1024 + 1)
        vgsa.set_missing([])
        vgsa.mark_missing(9, True)
        vgsa.mark_missing(10, True)
        vgsa.mark_missing(9, False)
        assert vgsa.all_missing == [10] and vgsa.factor == 1

    @pytest.mark.parametrize("area", [0, 1, 2])
    @pytest.mark.parametrize("end", [False, True])
    def test_each_area_has_the_stamp_at_both_ends(self, vgsa: Any, area: int, end: bool) -> None:
        vgsa.stamp = 1_300_000_000 * 10**9 + 5
        vgsa.check(0, "disk")
        start = SECTOR * sum(vgsa.areas[:area])
        at = start + (SECTOR * vgsa.areas[area] - 8 if end else 0)
        assert bytes(vgsa.raw[at : at + 8]) == struct.pack(">II", 1_300_000_000, 5)
        if area or end:
            vgsa.raw[at] ^= 1
            with pytest.raises(CorruptImage, match="time stamp of the start"):
                vgsa.check(0, "disk")

    def test_no_stamp_and_no_mark(self, vgsa: Any) -> None:
        twin = vgsa.copy()
        twin.raw[SECTOR * twin.areas[0] + 8] ^= 1
        assert vgsa.is_ours and not twin.is_ours
        with pytest.raises(CorruptImage, match="in each area"):
            twin.check(0, "disk")
        vgsa.stamp = 0
        with pytest.raises(CorruptImage, match="a time stamp"):
            vgsa.check(0, "disk")
