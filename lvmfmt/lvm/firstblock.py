"""The first sector of a logical volume: a control block, or what an application has put there [lvm 13.3]."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ..errors import CorruptImage, LvmfmtError
from ..layout.lvcb import LVCB
from . import lvcb as lvcbs
from .groupstate import GroupState
from .lvcb import Lvcb
from .problems import Problem
from .volume import LogicalVolume


class FirstBlock(NamedTuple):
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
            data = lv.first_sector()
            return cls(data, lvcbs.read(data, where=lv.name), None)
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


class Blocks(Mapping[int, FirstBlock]):
    """What each LV of a group has in its first sector, by minor number; read when it is asked for.

    Args:
        state: of the group.
        volume: the LV with a minor number.
    """

    def __init__(self, state: GroupState, volume: Callable[[int], LogicalVolume]) -> None:
        self._vgda = state.vgda
        self._minors = state.maps
        self._volume = volume
        self._known: dict[int, FirstBlock] = {}

    def __getitem__(self, minor: int) -> FirstBlock:
        if minor not in self._minors:
            raise KeyError(minor)
        if minor not in self._known:
            self._known[minor] = FirstBlock.of(self._volume(minor), self._vgda.control_block(minor))
        return self._known[minor]

    def __iter__(self) -> Iterator[int]:
        return iter(self._minors)

    def __len__(self) -> int:
        return len(self._minors)
