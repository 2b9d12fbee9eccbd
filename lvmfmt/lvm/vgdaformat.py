"""Where the tables of a VGDA copy lie: one description for classic, big and scalable groups.

Everything above works on the tables and does not ask which kind of group it has.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..block import Bytes
from ..layout.lvcb import LVCB
from ..layout.record import Record
from ..layout.vgda import LAYOUT_MARK, LV_ENTRY, LV_NAME, PP_ENTRY, PV_HEADER, VGDA_HEADER, VGDA_HEADER_BIG
from ..layout.vgda_scalable import (
    AREA_BEGIN,
    AREA_END,
    AREA_MARK,
    LV_ENTRY_SCALABLE,
    PP_ENTRY_SCALABLE,
    PV_INFO,
    VG_INFO,
)
from ..units import SECTOR, ceil_div
from .kinds import LIMITS, PPS_PER_ROW, VgKind

_AREA = 64 * SECTOR
_ENTRIES = _AREA // PP_ENTRY.size
"""Entries that a PV area has room for; its header takes the first."""


class Table(NamedTuple):
    """Rows of one structure in a VGDA copy: byte of the first, number, bytes from one to the next."""

    record: Record
    offset: int
    rows: int
    stride: int

    def view(self, raw: Bytes) -> NDArray[Any]:
        """The rows in the bytes of a copy, shape (rows,), without a copy."""
        return np.ndarray((self.rows,), self.record.dtype, raw.data, self.offset, (self.stride,))

    def at(self, row: int) -> int:
        """Byte of a row in the copy."""
        return self.offset + row * self.stride


class VgdaFormat(NamedTuple):
    """The places in a VGDA copy.

    Attributes:
        kind: of the group.
        sectors: length of a copy.
        factor: multiplies the PPs of a PV; 1 in a scalable group.
        header: the structure in the first sector.
        mark: what its field `layout` holds where the layout is ours; None for a classic group, which needs none.
        lvs: LV entries, by minor number - 1.
        pvs: PV headers, by PV number - 1.
        pps: PP entries of all PVs; `Slots` says whose they are.
        names: names of the LVs.
        lvcbs: control blocks by minor number - 1; None in a classic group.
        lvcb_in_lv: whether an LV begins with its control block.
        begins: bytes at which areas begin, with a stamp.
        ends: bytes at which their closing stamps lie.
    """

    kind: VgKind
    sectors: int
    factor: int
    header: Record
    mark: bytes | None
    lvs: Table
    pvs: Table
    pps: Table
    names: Table
    lvcbs: Table | None
    lvcb_in_lv: bool
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def room(self) -> int:
        """PPs that the tables have room for."""
        return self.pps.rows if self.kind is VgKind.SCALABLE else self.pvs.rows * PPS_PER_ROW * self.factor

    def slots(self, pvs: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First row and number of rows of each PV, as its header (a row of `pvs`) says it in a scalable group."""
        if self.kind is VgKind.SCALABLE:
            used = pvs["pv_id"].any(axis=1)
            return pvs["first_pp"].astype(np.int64), np.where(used, pvs["pp_count"], 0).astype(np.int64)
        first = np.arange(self.pvs.rows, dtype=np.int64) * (_ENTRIES * self.factor) + 1
        return first, np.full(self.pvs.rows, PPS_PER_ROW * self.factor, np.int64)


def row_format(kind: VgKind, sectors: int, factor: int) -> VgdaFormat:
    """The format of a classic VGDA, or of a big one, which is the classic one scaled [lvm 8, 9].

    Args:
        kind: CLASSIC or BIG.
        sectors: of a copy; those of early classic groups have fewer PV areas.
        factor: of the group: a PV takes that many areas.
    """
    lvs = LIMITS[kind].lvs[0]
    big = kind is VgKind.BIG
    entries = SECTOR, lvs * LV_ENTRY.size
    blocks = lvs * LVCB.size if big else 0
    areas_at = sum(entries)
    end = sectors * SECTOR - SECTOR
    names_at = end - blocks - lvs * LV_NAME.size
    areas = (names_at - areas_at) // _AREA
    return VgdaFormat(
        kind,
        sectors,
        factor,
        VGDA_HEADER_BIG if big else VGDA_HEADER,
        LAYOUT_MARK if big else None,
        lvs=Table(LV_ENTRY, SECTOR, lvs, LV_ENTRY.size),
        pvs=Table(PV_HEADER, areas_at, areas // factor, _AREA * factor),
        pps=Table(PP_ENTRY, areas_at, areas * _ENTRIES, PP_ENTRY.size),
        names=Table(LV_NAME, names_at, lvs, LV_NAME.size),
        lvcbs=Table(LVCB, end - blocks, lvs, LVCB.size) if big else None,
        lvcb_in_lv=True,
        begins=(0,),
        ends=(end,),
    )


def row_sectors(kind: VgKind) -> int:
    """Sectors of a full-size VGDA: 2098 classic, 8802 big."""
    limits = LIMITS[kind]
    lvs = limits.lvs[0]
    entries, names = ceil_div(lvs * LV_ENTRY.size, SECTOR), ceil_div(lvs * LV_NAME.size, SECTOR)
    return 2 + entries + names + limits.pvs * _AREA // SECTOR + (lvs if kind is VgKind.BIG else 0)


def table_sectors(rows: int, size: int) -> int:
    """Sectors of an area of a scalable group with a table of `rows` rows of `size` bytes."""
    return ceil_div(AREA_BEGIN.size + rows * size + AREA_END.size, SECTOR)


def bit_sectors(bits: int) -> int:
    """Sectors of an area of a scalable group with a bit each."""
    return table_sectors(ceil_div(bits, 8), 1)


@cache
def scalable_areas(max_pvs: int, max_lvs: int, max_pps: int) -> tuple[int, ...]:
    """Sectors of ppsa, pv_miss, mwc_db, vg_info, pv_info, lvcb_info, lvea, ppea [lvm 10]."""
    status = (bit_sectors(max_pps), bit_sectors(max_pvs), bit_sectors(max_lvs))
    pvs = table_sectors(max_pvs, PV_INFO.size)
    lvs = table_sectors(max_lvs, LV_ENTRY_SCALABLE.size)
    return (*status, 1, pvs, 1 + max_lvs + 1, lvs, table_sectors(max_pps, PP_ENTRY_SCALABLE.size))


def scalable_format(areas: tuple[int, ...]) -> VgdaFormat:
    """The format of a scalable VGDA.

    Args:
        areas: sectors of vg_info, pv_info, lvcb_info, lvea, ppea.
    """
    starts = [SECTOR * sum(areas[:i]) for i in range(5)]
    room = [length * SECTOR - AREA_BEGIN.size - AREA_END.size for length in areas]
    pvs, blocks, lvs, pps = starts[1] + AREA_BEGIN.size, starts[2] + SECTOR, *(s + AREA_BEGIN.size for s in starts[3:])
    lv_count = min(room[3] // LV_ENTRY_SCALABLE.size, areas[2] - 2)
    names = lvs + LV_ENTRY_SCALABLE.offset_of("name")
    return VgdaFormat(
        VgKind.SCALABLE,
        sum(areas),
        1,
        VG_INFO,
        AREA_MARK,
        lvs=Table(LV_ENTRY_SCALABLE, lvs, lv_count, LV_ENTRY_SCALABLE.size),
        pvs=Table(PV_INFO, pvs, min(room[1] // PV_INFO.size, LIMITS[VgKind.SCALABLE].pvs), PV_INFO.size),
        pps=Table(PP_ENTRY_SCALABLE, pps, room[4] // PP_ENTRY_SCALABLE.size // 1024 * 1024, PP_ENTRY_SCALABLE.size),
        names=Table(LV_NAME, names, lv_count, LV_ENTRY_SCALABLE.size),
        lvcbs=Table(LVCB, blocks, lv_count, LVCB.size),
        lvcb_in_lv=False,
        begins=tuple(starts),
        ends=tuple(s + length * SECTOR - AREA_END.size for s, length in zip(starts, areas, strict=True)),
    )
