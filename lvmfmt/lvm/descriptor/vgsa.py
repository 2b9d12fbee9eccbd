"""One copy of the VGSA of a group: which PVs are missing, which PPs are stale."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Bytes
from ...layout.lvm_disk import VGSA_BIG, VGSA_CLASSIC
from ...layout.record import Record
from ...layout.vgda_scalable import AREA_BEGIN, AREA_END, AREA_MARK
from ...units import SECTOR
from ..disk.identity import stamp, stamp_words
from ..disk.record import LvmRecord
from ..kinds import LIMITS, PPS_PER_ROW, VgKind
from ..problems import Checker
from .pptable import PpTable, Slots


class Vgsa:
    """A writable view of a copy of a classic or big group.

    Args:
        raw: the bytes, shape (4096,) or (16384,), dtype uint8.
        record: `VGSA_CLASSIC` or `VGSA_BIG`.
    """

    def __init__(self, raw: Bytes, record: Record = VGSA_CLASSIC) -> None:
        self.raw = raw
        self.record = record
        self.fields: Any = raw.view(record.dtype)[0]

    @staticmethod
    def of(record: LvmRecord, raw: Bytes) -> Vgsa:
        """The bytes as the VGSA of the group that `record` is of."""
        if record.kind is VgKind.SCALABLE:
            return ScalableVgsa(raw, record.areas[:3])
        return Vgsa(raw, VGSA_BIG if record.kind is VgKind.BIG else VGSA_CLASSIC)

    @staticmethod
    def empty(record: LvmRecord, factor: int) -> Vgsa:
        """A status area in which nothing is missing or stale."""
        vgsa = Vgsa.of(record, np.zeros(record.vgsa_len * SECTOR, np.uint8))
        vgsa._begin(factor)
        return vgsa

    def _begin(self, factor: int) -> None:
        self.fields["factor"] = factor

    def copy(self) -> Vgsa:
        """An independent copy."""
        return Vgsa(self.raw.copy(), self.record)

    @property
    def stamp(self) -> int:
        """Begin time stamp in nanoseconds since 1970, 0 if none."""
        return stamp(self.fields["begin_sec"], self.fields["begin_nsec"])

    @stamp.setter
    def stamp(self, ns: int) -> None:
        sec, nsec = stamp_words(ns)
        for end in ("begin", "end"):
            self.fields[f"{end}_sec"], self.fields[f"{end}_nsec"] = sec, nsec

    @property
    def factor(self) -> int:
        """What multiplies the PPs and divides the PVs."""
        return int(self.fields["factor"])

    @property
    def rows(self) -> NDArray[np.bool_]:
        """Whether PP p of PV n is stale: a copy, shape (PVs / factor, 1016 x factor), index [n - 1, p - 1].

        Bits count from the lowest (inferred from D1); PV n owns `factor` rows in sequence (assumed).
        """
        bits = np.unpackbits(self.fields["stalepp"], bitorder="little").astype(np.bool_)
        return bits.reshape(-1, PPS_PER_ROW * self.factor)

    def stale(self, slots: Slots) -> PpTable:
        """Whether each PP of a group is stale."""
        table = PpTable.zeros(slots)
        rows = self.rows
        for index, (first, width) in enumerate(zip(slots.first.tolist(), slots.width.tolist(), strict=True)):
            if index < len(rows):
                count = min(width, rows.shape[1])  # less if only one of VGSA and VGDA has a new factor
                table.flat[first : first + count] = rows[index, :count]
        return table

    def put_stale(self, table: PpTable) -> None:
        """Set what is stale."""
        if not table.any():
            self.fields["stalepp"][:] = 0
            return
        rows = np.zeros_like(self.rows)
        for index in range(min(len(table), len(rows))):
            values = table[index]
            rows[index, : len(values)] = values
        self.fields["stalepp"][:] = np.packbits(rows.reshape(-1), bitorder="little")

    def missing(self, number: int) -> bool:
        """Whether the PV with a number (from 1) is marked missing."""
        return bool(self._missing_words()[(number - 1) // 32] >> (number - 1) % 32 & 1)

    def mark_missing(self, number: int, missing: bool) -> None:
        """Say whether the PV with a number (from 1) is missing."""
        words = self._missing_words()
        bit = 1 << (number - 1) % 32
        words[(number - 1) // 32] = words[(number - 1) // 32] & ~bit | (bit if missing else 0)
        self.fields["pv_missing"] = words if self.record is VGSA_BIG else words[0]

    def set_missing(self, numbers: Collection[int]) -> None:
        """Say that the PVs with these numbers are missing, and no others."""
        for number in {*self.all_missing, *numbers}:
            self.mark_missing(number, number in numbers)

    def _missing_words(self) -> list[int]:
        words = self.fields["pv_missing"].tolist()
        return words if isinstance(words, list) else [words]

    @property
    def all_missing(self) -> list[int]:
        """The numbers of all PVs that are marked missing."""
        return [
            32 * index + bit + 1
            for index, word in enumerate(self._missing_words())
            for bit in range(32 if word else 0)
            if word >> bit & 1
        ]

    @property
    def is_ours(self) -> bool:
        """Whether its layout is one that we can read; a big one is when its VGDA is."""
        return True

    def check(self, offset: int, where: str) -> None:
        """Raise `CorruptImage` unless the copy, found at `offset`, is whole and can be used."""
        values = {n: self.fields[n].item() for n in ("begin_sec", "end_sec", "factor")}
        check = Checker(self.record, values, offset, where)
        end = stamp(self.fields["end_sec"], self.fields["end_nsec"])
        check.require("begin_sec", self.stamp != 0, "a time stamp")
        check.require("end_sec", end == self.stamp, f"the time stamp of the start, {self.stamp} ns", f"{end} ns")
        factors = LIMITS[VgKind.BIG if self.record is VGSA_BIG else VgKind.CLASSIC].factors
        check.require("factor", self.factor in factors, f"one of {', '.join(map(str, factors))}")


class ScalableVgsa(Vgsa):
    """A writable view of a copy of a scalable group: the areas ppsa, pv_miss and mwc_db ([lvm 7.3], assumed).

    Args:
        raw: the bytes of the three areas.
        areas: their sectors.
    """

    def __init__(self, raw: Bytes, areas: tuple[int, ...]) -> None:
        self.raw = raw
        self.record = AREA_BEGIN
        self.areas = areas
        starts = [SECTOR * sum(areas[:i]) for i in range(3)]
        ends = [start + SECTOR * length - AREA_END.size for start, length in zip(starts, areas, strict=True)]
        self._starts = starts
        self._begins = [raw[at : at + AREA_BEGIN.size].view(AREA_BEGIN.dtype) for at in starts]
        self._ends = [raw[at : at + AREA_END.size].view(AREA_END.dtype) for at in ends]
        self._stale, self._missing = (
            raw[start + AREA_BEGIN.size : end] for start, end in zip(starts[:2], ends[:2], strict=True)
        )

    def _begin(self, factor: int) -> None:
        for begin in self._begins:
            begin["layout"] = AREA_MARK

    def copy(self) -> Vgsa:
        """An independent copy."""
        return ScalableVgsa(self.raw.copy(), self.areas)

    @property
    def stamp(self) -> int:
        """Begin time stamp in nanoseconds since 1970, 0 if none."""
        return stamp(self._begins[0]["sec"][0], self._begins[0]["nsec"][0])

    @stamp.setter
    def stamp(self, ns: int) -> None:
        sec, nsec = stamp_words(ns)
        for begin, end in zip(self._begins, self._ends, strict=True):
            begin["sec"], begin["nsec"] = end["end_sec"], end["end_nsec"] = sec, nsec

    @property
    def factor(self) -> int:
        """1: a scalable group has no factor."""
        return 1

    def stale(self, slots: Slots) -> PpTable:
        """Whether each PP of a group is stale; a bit belongs to a PP entry."""
        bits = np.unpackbits(self._stale, count=min(slots.rows, 8 * len(self._stale)), bitorder="little")
        table = PpTable.zeros(slots)
        table.flat[: len(bits)] = bits
        return table

    def put_stale(self, table: PpTable) -> None:
        """Set what is stale."""
        packed = np.packbits(table.flat, bitorder="little")[: len(self._stale)]
        self._stale[: len(packed)] = packed

    def _missing_words(self) -> list[int]:
        whole = self._missing[: len(self._missing) // 4 * 4].tobytes()
        return [int(word) for word in np.frombuffer(whole, "<u4")]

    def mark_missing(self, number: int, missing: bool) -> None:
        """Say whether the PV with a number (from 1) is missing."""
        byte, bit = (number - 1) // 8, 1 << (number - 1) % 8
        self._missing[byte] = int(self._missing[byte]) & ~bit | (bit if missing else 0)

    @property
    def is_ours(self) -> bool:
        """Whether every area bears our mark."""
        return all(bytes(begin["layout"][0]) == AREA_MARK for begin in self._begins)

    def check(self, offset: int, where: str) -> None:
        """Raise `CorruptImage` unless the copy, found at `offset`, is whole and can be used."""
        check = Checker(AREA_BEGIN, {"sec": self.stamp}, offset, where)
        check.require("sec", self.stamp != 0, "a time stamp")
        check.require("layout", self.is_ours, f"{AREA_MARK!r} in each area", "another text")
        for start, begin, end in zip(self._starts, self._begins, self._ends, strict=True):
            for record, at, found in (
                (AREA_BEGIN, start, stamp(begin["sec"][0], begin["nsec"][0])),
                (AREA_END, start, stamp(end["end_sec"][0], end["end_nsec"][0])),
            ):
                name = "sec" if record is AREA_BEGIN else "end_sec"
                expected = f"the time stamp of the start, {self.stamp} ns"
                Checker(record, {}, offset + at, where).require(name, found == self.stamp, expected, f"{found} ns")
