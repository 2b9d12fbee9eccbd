"""Where the tables of a VGDA lie [lvm 8, 9, 10]."""

import numpy as np
import pytest

from lvmfmt.layout.vgda import PV_HEADER
from lvmfmt.layout.vgda_scalable import AREA_BEGIN, AREA_END
from lvmfmt.lvm.kinds import LIMITS, PPS_PER_ROW, VgKind
from lvmfmt.lvm.vgdaformat import (
    Table,
    bit_sectors,
    row_format,
    row_sectors,
    scalable_areas,
    scalable_format,
    table_sectors,
)

SECTOR = 512
ROOM = SECTOR - AREA_BEGIN.size - AREA_END.size
"""Bytes of a table that an area of one sector has."""


def test_a_classic_copy() -> None:
    found = row_format(VgKind.CLASSIC, 2098, 1)
    assert row_sectors(VgKind.CLASSIC) == 2098 == found.sectors
    assert (found.lvs.offset, found.lvs.rows, found.lvs.stride) == (SECTOR, 256, 32)
    assert (found.pvs.offset, found.pvs.rows, found.pvs.stride) == (17 * SECTOR, 32, 64 * SECTOR)
    assert (found.names.offset, found.names.rows, found.names.stride) == (2065 * SECTOR, 256, 64)
    assert (found.begins, found.ends, found.mark, found.lvcb_in_lv) == ((0,), (2097 * SECTOR,), None, True)
    assert found.lvcbs is None and found.room == 32 * 1016 == LIMITS[VgKind.CLASSIC].pps[0]
    assert found.pps.at(1) - found.pps.offset == 32 and found.pvs.at(2) == (17 + 128) * SECTOR


def test_a_factor_gives_a_pv_more_areas() -> None:
    found = row_format(VgKind.CLASSIC, 2098, 4)
    assert (found.pvs.rows, found.pvs.stride, found.room) == (8, 256 * SECTOR, 32 * 1016)
    first, width = found.slots(np.zeros(8, PV_HEADER.dtype))
    assert first[:2].tolist() == [1, 4097] and set(width.tolist()) == {4 * PPS_PER_ROW}
    assert row_format(VgKind.CLASSIC, 2098 - 64, 1).pvs.rows == 31  # an early group with fewer disks


def test_a_big_copy() -> None:
    sectors = row_sectors(VgKind.BIG)
    found = row_format(VgKind.BIG, sectors, 1)
    assert sectors == 8802 and (found.pvs.rows, found.lvs.rows, found.names.rows) == (128, 512, 512)
    assert found.lvcbs is not None and found.lvcb_in_lv and found.mark
    assert found.lvcbs.offset == found.ends[0] - 512 * SECTOR == found.names.offset + 512 * 64


@pytest.mark.parametrize("bits, sectors", [(1, 1), (ROOM * 8, 1), (ROOM * 8 + 1, 2), ((ROOM + 512) * 8, 2)])
def test_areas_of_bits(bits: int, sectors: int) -> None:
    assert bit_sectors(bits) == sectors == table_sectors((bits + 7) // 8, 1)


def test_a_scalable_copy() -> None:
    areas = scalable_areas(1024, 256, 32768)
    found = scalable_format(areas[3:])
    assert len(areas) == 8 and areas[3] == 1 and areas[5] == 258
    assert found.sectors == sum(areas[3:]) and found.begins[0] == 0 and len(found.begins) == len(found.ends) == 5
    assert found.begins[1] == SECTOR and not found.lvcb_in_lv and found.factor == 1
    assert found.lvs.rows == 256 and found.pvs.rows == 1024 and found.pps.rows >= 32768 and found.room == found.pps.rows
    assert all(end > begin for begin, end in zip(found.begins, found.ends, strict=True))


def test_rows_are_a_view() -> None:
    raw = np.zeros(4096, np.uint8)
    table = Table(PV_HEADER, 512, 3, 1024)
    rows = table.view(raw)
    rows["pv_num"] = [1, 2, 3]
    at = PV_HEADER.offset_of("pv_num")
    size = PV_HEADER.dtype["pv_num"].itemsize
    assert [int.from_bytes(raw[table.at(n) + at :][:size].tobytes(), "big") for n in range(3)] == [1, 2, 3]
