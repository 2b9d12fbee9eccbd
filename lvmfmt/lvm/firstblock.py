"""The first sector of a logical volume: a control block, or what an application has put there (lvm-format 13.3)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import CorruptImage, LvmfmtError
from ..layout.lvcb import LVCB
from ..units import SECTOR
from . import lvcb as lvcbs
from .lvcb import Lvcb
from .problems import Problem
from .volume import LogicalVolume


@dataclass(frozen=True)
class FirstBlock:
    """What the first sector holds.

    Attributes:
        data: its bytes, empty if it cannot be read.
        lvcb: the control block, None if it is none.
        error: why it is none.
    """

    data: bytes
    lvcb: Lvcb | None
    error: LvmfmtError | None

    @classmethod
    def of(cls, lv: LogicalVolume, known: bytes | None = None) -> FirstBlock:
        """Read the first sector of an LV, or the control block that its VGDA has; nothing in it makes this fail.

        Args:
            lv: the volume.
            known: the control block in the VGDA of a big or scalable group.
        """
        data = known or b""
        try:
            if known is not None:
                return cls(data, lvcbs.read(data, where=lv.name), None)
            device = lv.device
            data = bytes(device.read(0, min(SECTOR, device.size)))
            return cls(data, lvcbs.read(data, where=device.name), None)
        except LvmfmtError as error:
            return cls(data, None, error)

    def problems(self, lv: LogicalVolume) -> list[Problem]:
        """A control block that is missing (legal: databases write over it) or contradicts the VGDA."""
        if self.lvcb is None:
            if isinstance(self.error, CorruptImage):
                return [Problem.of("lvcb-absent" if self.error.field == "tag" else "lvcb-members", self.error)]
            return [Problem("lvcb-unreadable", "lvcb", "", None, "cannot be read", lv.name)]
        return [
            Problem(
                "lvcb-vgda",
                "lvcb",
                field,
                LVCB.offset_of(field),
                f"expected {expected} as in the VGDA, found {found}",
                lv.name,
            )
            for field, expected, found in (
                ("lvname", lv.name, self.lvcb.name),
                ("lvid", lv.lvid, self.lvcb.lvid),
                ("num_lps", min(lv.lps, lvcbs.MOST_LPS), self.lvcb.lps),
                ("copies", lv.copies, self.lvcb.copies),
            )
            if expected != found
        ]
