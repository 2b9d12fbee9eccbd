"""One copy of the VGSA of a classic group: which PVs are missing, which PPs are stale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import Bytes
from ..layout.lvm_disk import VGSA_CLASSIC
from .identity import stamp, stamp_words
from .problems import Checker

FACTORS = (1, 2, 4, 8, 16, 32)
_ROW = 127
MAX_PPS = 8 * _ROW
"""PPs of one PV area: 1,016. A factor multiplies it."""


class Vgsa:
    """A writable view of the 4,096 bytes of a copy.

    Args:
        raw: the bytes, shape (4096,), dtype uint8.
    """

    def __init__(self, raw: Bytes) -> None:
        self.raw = raw
        self.fields: Any = raw.view(VGSA_CLASSIC.dtype)[0]

    @classmethod
    def empty(cls, factor: int) -> Vgsa:
        """A status area in which nothing is missing or stale."""
        vgsa = cls(np.zeros(VGSA_CLASSIC.size, np.uint8))
        vgsa.fields["factor"] = factor
        return vgsa

    def copy(self) -> Vgsa:
        """An independent copy."""
        return Vgsa(self.raw.copy())

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
    def stale(self) -> NDArray[np.bool_]:
        """Whether PP p of PV n is stale: a copy, shape (32 / factor, 1016 x factor), index [n - 1, p - 1].

        Bits count from the lowest (inferred from D1); PV n owns `factor` rows in sequence (assumed).
        """
        bits = np.unpackbits(self.fields["stalepp"], bitorder="little").astype(np.bool_)
        return bits.reshape(-1, MAX_PPS * self.factor)

    @stale.setter
    def stale(self, value: NDArray[np.bool_]) -> None:
        self.fields["stalepp"][:] = np.packbits(value.reshape(-1), bitorder="little")

    def missing(self, number: int) -> bool:
        """Whether the PV with a number (from 1) is marked missing."""
        return bool(int(self.fields["pv_missing"]) >> (number - 1) & 1)

    def check(self, offset: int, where: str) -> None:
        """Raise `CorruptImage` unless the copy, found at `offset`, is whole and can be used."""
        check = Checker(
            VGSA_CLASSIC, {n: self.fields[n].item() for n in ("begin_sec", "end_sec", "factor")}, offset, where
        )
        end = stamp(self.fields["end_sec"], self.fields["end_nsec"])
        check.require("begin_sec", self.stamp != 0, "a time stamp")
        check.require("end_sec", end == self.stamp, f"the time stamp of the start, {self.stamp} ns", f"{end} ns")
        check.require("factor", self.factor in FACTORS, "1, 2, 4, 8, 16 or 32")
