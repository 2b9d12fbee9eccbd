"""One copy of the VGDA of a group, as numpy views on its bytes.

Bytes whose meaning is not known are kept as they were read, so a copy that AIX wrote and we rewrite keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Bytes
from ...errors import NoSpace
from ...layout.vgda import PV_HEADER
from ...layout.vgda_scalable import AREA_BEGIN
from ...units import SECTOR, align_up
from ..disk.identity import stamp_of, stamp_words, uid_bytes
from ..disk.record import LvmRecord
from ..kinds import LIMITS, VgKind
from ..vgdaformat import VgdaFormat
from .pptable import PpTable, Slots
from .vgdalvs import LvTables

MAX_COPIES = 3
_STAMP = np.dtype([("sec", ">u4"), ("nsec", ">u4")])

PP_SEQUENTIAL, PP_PARALLEL, PP_STRIPED = 1, 2, 5
PV_ACTIVE, PV_MISSING, PV_REMOVED, PV_NO_ALLOCATION, PV_STALE, PV_SPLIT = 1, 2, 4, 8, 16, 64
PP_ALLOCATED, PP_STALE = 1, 2
YES, NO = 1, 2


class Vgda(LvTables):
    """A writable view of the bytes of a copy. The names of the fields are the same in all formats.

    Args:
        raw: the bytes, shape (format.sectors x 512,), dtype uint8.
        format: where the tables lie.
        slots: which rows of the table of PP entries are whose; default as the PV headers say it.

    Attributes:
        header: the fields of the first sector.
        lvs: table of LV entries, index minor - 1.
        pvs: table of PV headers, index PV number - 1.
        pps: `PpTable` of PP entries, index [PV number - 1, PP - 1].
        names: shape of `lvs`, dtype S64.
        lvcbs: the control blocks that the VGDA holds, shape (LVs, 512), dtype uint8; None in a classic group.
        slots: which rows of the table of PP entries are whose.
        begins: the time stamp at the start of each area, rows of `sec` and `nsec`.
        ends: the one at its end.
    """

    def __init__(self, raw: Bytes, format: VgdaFormat, slots: Slots | None = None) -> None:
        self.raw = raw
        self.format = format
        self.header: Any = np.ndarray((1,), format.header.dtype, raw.data)[0]
        self.lvs: NDArray[Any] = format.lvs.view(raw)
        self.pvs: NDArray[Any] = format.pvs.view(raw)
        self.names: NDArray[np.bytes_] = format.names.view(raw)["name"]
        blocks = format.lvcbs
        self.lvcbs = None if blocks is None else raw[blocks.offset : blocks.at(blocks.rows)].reshape(-1, SECTOR)
        self.slots = slots or Slots(*format.slots(self.pvs), format.pps.rows, format.room)
        self.pps = PpTable(format.pps.view(raw), self.slots)
        self.begins = [np.ndarray((1,), _STAMP, raw.data, at) for at in format.begins]
        self.ends = [np.ndarray((1,), _STAMP, raw.data, at) for at in format.ends]
        self._allocated: PpTable | None = None

    @classmethod
    def empty(cls, format: VgdaFormat, record: LvmRecord, max_lvs: int, max_pps: int) -> Vgda:
        """The VGDA of a group without PVs and LVs, without a stamp.

        Args:
            format: where the tables lie.
            record: an LVM record of the group.
            max_lvs: LVs possible, LV 0 included.
            max_pps: PPs possible in the group.
        """
        vgda = cls(np.zeros(format.sectors * SECTOR, np.uint8), format)
        header = vgda.header
        header["vg_id"] = np.frombuffer(uid_bytes(record.vgid), np.uint8)
        header["maxlvs"] = max_lvs
        header["pp_size"] = record.pp_shift
        header["quorum"] = header["auto_varyon"] = 1
        if format.kind is VgKind.SCALABLE:
            header["maxpvs"] = LIMITS[format.kind].pvs
            header["maxpps"] = max_pps
            header["ltg_shift"] = record.ltg_shift
            mark = np.frombuffer((format.mark or b"").ljust(8, b"\0"), np.uint8)
            for at in format.begins:
                vgda.raw[at + 8 : at + 16] = mark
        else:
            header["vgda_size"] = format.sectors
            if format.mark:
                header["layout"] = format.mark
        return vgda

    def copy(self) -> Vgda:
        """An independent copy."""
        twin = Vgda(self.raw.copy(), self.format, self.slots.copy())
        twin.numbers, twin.last_row = self.numbers, self.last_row
        if self._allocated is not None:
            twin._allocated = PpTable(self._allocated.flat.copy(), twin.slots)
        return twin

    @property
    def factor(self) -> int:
        """What multiplies the PPs of a PV and divides the PVs; 1 in a scalable group."""
        return self.format.factor

    @property
    def max_lvs(self) -> int:
        """LVs that the group is made for, the reserved LV 0 included."""
        return min(int(self.header["maxlvs"]), len(self.lvs))

    @property
    def max_pps(self) -> int:
        """PPs that the group is made for."""
        return int(self.header["maxpps"]) if self.format.kind is VgKind.SCALABLE else LIMITS[self.format.kind].pps[0]

    @property
    def stamp(self) -> int:
        """The time stamp of the header in nanoseconds since 1970, 0 if none."""
        return stamp_of(self.begins[0])

    @stamp.setter
    def stamp(self, ns: int) -> None:
        # a classic copy that keeps its ending stamp in the last 8 bytes goes on doing so
        ends = self.ends
        alternate = self.alternate_end
        if alternate is not None and self.stamp and stamp_of(ends[0]) != self.stamp == stamp_of(alternate):
            ends = [alternate]
        words = stamp_words(ns)
        for place in (*self.begins, *ends):
            place[0] = words

    @property
    def alternate_end(self) -> NDArray[Any] | None:
        """Where a classic copy may keep its closing stamp instead: its last 8 bytes."""
        return None if self.format.kind is VgKind.SCALABLE else self.raw[-8:].view(_STAMP)

    @property
    def pv_used(self) -> NDArray[np.bool_]:
        """Whether each PV slot is in use, index PV number - 1."""
        return np.asarray(self.pvs["pv_id"].any(axis=1))

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the PVs in use, in ascending order."""
        return np.asarray(self.pv_used.nonzero()[0] + 1)

    @property
    def allocated(self) -> PpTable:
        """Whether each PP holds an LP, not to be written to; entries beyond the last PP of a PV do not count."""
        if self._allocated is None:
            held = self.pps.flat["lp_num"]
            self._allocated = self.table()
            for first, end in self._ranges():
                np.not_equal(held[first:end], 0, out=self._allocated.flat[first:end])
        return self._allocated

    def set_pps(self, rows: NDArray[np.int64], entries: NDArray[Any]) -> None:
        """Change PP entries, the only way to do so.

        Args:
            rows: of the table; see `Slots.rows_of`.
            entries: what they become, shape of `rows` or one for all, dtype of `pps`.
        """
        self.pps.flat[rows] = entries
        self.allocated.flat[rows] = entries["lp_num"] != 0

    @property
    def idle(self) -> tuple[int, int]:
        """The bytes of the table of PP entries behind those of the last PV, first and end: whole sectors."""
        pps = self.format.pps
        return align_up(pps.at(self.last_row), SECTOR), pps.at(pps.rows) // SECTOR * SECTOR

    @cached_property
    def last_row(self) -> int:
        """The row behind the PP entries of the last PV."""
        return int((self.slots.first + self.slots.width)[self.numbers - 1].max(initial=0))

    @property
    def exists(self) -> PpTable:
        """Whether there is such a PP."""
        result = self.table()
        for first, end in self._ranges():
            result.flat[first:end] = True
        return result

    def _ranges(self) -> Iterator[tuple[int, int]]:
        """The rows of the PPs that there are, first and end, of each PV."""
        for number in (np.flatnonzero(self.pv_used) + 1).tolist():
            first = int(self.slots.first[number - 1])
            yield first, first + self.pp_count(number)

    def pp_count(self, number: int) -> int:
        """PPs of a PV, as far as the table has room for them."""
        return min(int(self.pvs["pp_count"][number - 1]), int(self.slots.width[number - 1]))

    def table(self) -> PpTable:
        """False for every PP."""
        return PpTable.zeros(self.slots)

    def remove_pv(self, number: int) -> None:
        """Take a PV out of the tables."""
        rows = np.arange(self.slots.width[number - 1]) + self.slots.first[number - 1]
        self.set_pps(rows, np.zeros((), self.pps.dtype))
        self.pvs[number - 1] = np.zeros((), self.pvs.dtype)
        self._forget_pvs()

    def _forget_pvs(self) -> None:
        for name in ("numbers", "last_row"):
            self.__dict__.pop(name, None)

    def define_pv(self, number: int, pvid: str, pp_count: int, first_psn: int) -> None:
        """Take a PV into the tables.

        Raises:
            NoSpace: the table of PP entries has no run of free entries that long.
        """
        slots, index = self.slots, number - 1
        if self.format.kind is VgKind.SCALABLE:
            slots.width[~self.pv_used] = 0
            slots.first[index] = self._free_rows(pp_count)
            slots.width[index] = pp_count
        pv = self.pvs[index]
        pv["pv_id"] = np.frombuffer(uid_bytes(pvid), np.uint8)
        pv["pp_count"] = pp_count
        pv["pv_state"] = PV_ACTIVE
        pv["psn_part1"] = first_psn
        pv["pv_num"] = number
        self._forget_pvs()
        rows = np.arange(slots.first[index], slots.first[index] + pp_count)
        self.set_pps(rows, np.zeros((), self.pps.dtype))
        if self.format.kind is VgKind.SCALABLE:
            pv["first_pp"] = slots.first[index]
            self.header["next_pp"] = int((slots.first + slots.width).max())

    def _free_rows(self, count: int) -> int:
        owners = np.flatnonzero(self.slots.width)
        owners = owners[np.argsort(self.slots.first[owners])]
        starts = np.append(self.slots.first[owners], min(self.max_pps, self.slots.rows))
        ends = np.concatenate(([0], self.slots.first[owners] + self.slots.width[owners]))
        fitting = np.flatnonzero(starts - ends >= count)
        if not len(fitting):
            raise NoSpace(f"no room for {count} PPs in a row among the {self.max_pps} that the group is made for")
        return int(ends[fitting[0]])

    def vgda_count(self, number: int) -> int:
        """VGDA copies on a PV: at byte 0x13 or 0x18 of a classic header; -1 if neither says so."""
        said = int(self.pvs["pvnum_vgdas"][number - 1])
        if said not in (1, 2) and self.format.pvs.record is PV_HEADER:
            other = int.from_bytes(self.pvs["reserved1"][number - 1].tobytes(), "big")
            said = other if other in (1, 2) else said
        return said if said in (0, 1, 2) else -1

    @property
    def is_ours(self) -> bool:
        """Whether the layout is one that we can read: published, or marked as our own."""
        mark = self.format.mark
        if mark is None:
            return True
        if self.format.kind is VgKind.BIG:
            return bytes(self.header["layout"]) == mark
        begins = [self.raw[at : at + AREA_BEGIN.size].view(AREA_BEGIN.dtype)[0] for at in self.format.begins]
        return all(bytes(begin["layout"]) == mark for begin in begins)
