"""One copy of the VGDA of a classic group, as numpy views on its bytes.

Bytes whose meaning is not known are kept as they were read, so a copy that AIX wrote and we rewrite keeps them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Bytes
from ..layout.vgda import LV_ENTRY, LV_NAME, PP_ENTRY, PV_HEADER, VGDA_HEADER, VGDA_TRAILER
from ..units import SECTOR
from .identity import stamp, stamp_words, uid_bytes
from .problems import Checker
from .record import LvmRecord
from .vgsa import MAX_PPS

MAX_LVS = 256
"""LV slots, of which 255 can be used: the group itself is LV 0."""
MAX_COPIES = 3
_AREA = 64 * SECTOR
_LVS, _AREAS, _NAMES, _TRAILER = SECTOR, 17 * SECTOR, 33 * SECTOR, SECTOR

PP_SEQUENTIAL, PP_PARALLEL, PP_STRIPED = 1, 2, 5
LV_DEFINED, LV_STALE = 1, 2
PV_ACTIVE, PV_STALE = 1, 16
PP_ALLOCATED, PP_STALE = 1, 2
YES, NO = 1, 2


class Vgda:
    """A writable view of the bytes of a copy.

    Args:
        raw: the bytes, shape (sectors x 512,), dtype uint8, sectors = 50 + 64 x PV areas.
        factor: of the group; a PV has 1,016 x factor PPs and takes that many areas.

    Attributes:
        header: the fields of `VGDA_HEADER`.
        lvs: table of `LV_ENTRY`, shape (256,), index minor - 1.
        pvs: table of `PV_HEADER`, shape (areas / factor,), index PV number - 1.
        pps: table of `PP_ENTRY`, shape (areas / factor, 1016 x factor), index [PV number - 1, PP - 1].
        names: shape (256,), dtype S64.
        trailer: the fields of `VGDA_TRAILER`.
    """

    def __init__(self, raw: Bytes, factor: int) -> None:
        self.raw = raw
        self.factor = factor
        area = np.dtype(
            {
                "names": ["header", "pps"],
                "formats": [PV_HEADER.dtype, (PP_ENTRY.dtype, (MAX_PPS * factor,))],
                "offsets": [0, PV_HEADER.size],
                "itemsize": _AREA * factor,
            }
        )
        end = _AREAS + (len(raw) - _AREAS - _NAMES) // area.itemsize * area.itemsize
        areas = raw[_AREAS:end].view(area)
        self.header: Any = raw[:SECTOR].view(VGDA_HEADER.dtype)[0]
        self.lvs: NDArray[Any] = raw[_LVS:_AREAS].view(LV_ENTRY.dtype)
        self.pvs: NDArray[Any] = areas["header"]
        self.pps: NDArray[Any] = areas["pps"]
        self.names: NDArray[np.bytes_] = raw[-_NAMES:-_TRAILER].view(LV_NAME.dtype)["name"]
        self.trailer: Any = raw[-_TRAILER:].view(VGDA_TRAILER.dtype)[0]

    @classmethod
    def empty(cls, record: LvmRecord, factor: int) -> Vgda:
        """The VGDA of a group without PVs and LVs, without a stamp."""
        vgda = cls(np.zeros(record.vgda_len * SECTOR, np.uint8), factor)
        header = vgda.header
        header["vg_id"] = np.frombuffer(uid_bytes(record.vgid), np.uint8)
        header["maxlvs"] = MAX_LVS
        header["pp_size"] = record.pp_shift
        header["vgda_size"] = record.vgda_len
        header["quorum"] = header["auto_varyon"] = 1
        return vgda

    def copy(self) -> Vgda:
        """An independent copy."""
        return Vgda(self.raw.copy(), self.factor)

    @property
    def stamp(self) -> int:
        """The time stamp of the header in nanoseconds since 1970, 0 if none."""
        return stamp(self.header["sec"], self.header["nsec"])

    @stamp.setter
    def stamp(self, ns: int) -> None:
        # a copy that keeps its ending stamp in the last 8 bytes goes on doing so
        trailer = self.trailer
        last = stamp(trailer["sec"], trailer["nsec"]) != self.stamp == stamp(trailer["alt_sec"], trailer["alt_nsec"])
        names = ("alt_sec", "alt_nsec") if last and self.stamp else ("sec", "nsec")
        for name, header_name, value in zip(names, ("sec", "nsec"), stamp_words(ns), strict=True):
            self.header[header_name] = trailer[name] = value

    @property
    def pv_used(self) -> NDArray[np.bool_]:
        """Whether each PV slot is in use, index PV number - 1."""
        return np.asarray(self.pvs["pv_id"].any(axis=1))

    @property
    def lv_used(self) -> NDArray[np.bool_]:
        """Whether each LV slot is in use, index minor - 1; an LV may have no LPs."""
        lvs = self.lvs
        return np.asarray((lvs["num_lps"] != 0) | (lvs["lv_state"] != 0) | (lvs["mirror"] != 0))

    @property
    def allocated(self) -> NDArray[np.bool_]:
        """Whether each PP holds an LP, shape of `pps`; entries beyond the last PP of a PV do not count."""
        return np.asarray((self.pps["lp_num"] != 0) & self.exists)

    @property
    def exists(self) -> NDArray[np.bool_]:
        """Whether there is such a PP, shape of `pps`."""
        count = np.where(self.pv_used, self.pvs["pp_count"], 0)
        return np.asarray(np.arange(self.pps.shape[1]) < count[:, None])

    def vgda_count(self, number: int) -> int:
        """VGDA copies on a PV: at byte 0x13 or 0x18 of its header; -1 if neither says so."""
        pv = self.pvs[number - 1]
        other = int.from_bytes(pv["reserved1"].tobytes(), "big")
        return next((n for n in (int(pv["pvnum_vgdas"]), other) if n in (1, 2)), 0 if pv["pvnum_vgdas"] == 0 else -1)

    def small_fields(self, minor: int) -> tuple[int, int, int]:
        """State, copies and mirror policy of an LV.

        Their bytes have two readings, {u8, u8, u16} and {u16, u8, u8}; of a live LV the first has a non-zero first
        byte and the second a zero one.
        """
        raw = self.lvs[minor - 1 : minor].view(np.uint8)[8:12].tolist()
        if raw[0]:
            return raw[0], raw[1], raw[2] << 8 | raw[3]
        return raw[1], raw[2], raw[3]

    def set_small_fields(self, minor: int, state: int, copies: int) -> None:
        """Set state and copies of an LV in the reading that its bytes have."""
        raw = self.lvs[minor - 1 : minor].view(np.uint8)
        at = 9 if not raw[8] and raw[9] else 8
        raw[at], raw[at + 1] = state, copies

    def name(self, minor: int) -> bytes:
        """The name of an LV; empty if its index leads nowhere."""
        index = int(self.lvs["lvname"][minor - 1])
        return bytes(self.names[index]).split(b"\0")[0] if 0 <= index < len(self.names) else b""

    def check(self, record: LvmRecord, offset: int, where: str) -> None:
        """Raise `CorruptImage` unless the copy, found at `offset`, is whole and belongs to the group.

        A copy is valid when its VGID is the LVM record's and its two stamps are equal and not zero (I7, H).
        """
        header = {name: self.header[name].item() for name in ("pp_size", "maxlvs", "vgda_size")}
        check = Checker(VGDA_HEADER, header, offset, where)
        vgid = self.header["vg_id"].tobytes()
        check.require("vg_id", vgid == uid_bytes(record.vgid), record.vgid, vgid.hex())
        check.require("sec", self.stamp != 0, "a time stamp", 0)
        trailer = self.trailer
        ends = [stamp(trailer[s], trailer[n]) for s, n in (("sec", "nsec"), ("alt_sec", "alt_nsec"))]
        Checker(VGDA_TRAILER, {}, offset + len(self.raw) - _TRAILER, where).require(
            "sec", self.stamp in ends, f"the time stamp of the header, {self.stamp} ns", f"{ends[0]} ns"
        )
        check.require("pp_size", header["pp_size"] == record.pp_shift, f"{record.pp_shift}, as in the LVM record")
        check.require("vgda_size", header["vgda_size"] == record.vgda_len, f"{record.vgda_len}, as in the LVM record")
        check.require("maxlvs", header["maxlvs"] == MAX_LVS, MAX_LVS)
