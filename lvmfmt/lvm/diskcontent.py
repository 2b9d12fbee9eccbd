"""What an image holds where a PV of its group has its LVs: whether it can be that PV."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ..block import BlockDevice
from ..errors import CorruptImage, ImageIOError
from ..units import SECTOR
from . import lvcb as lvcbs
from .disk.identity import lvid
from .disk.record import LvmRecord
from .disk.scan import DiskInfo
from .groupstate import GroupState


class Content(NamedTuple):
    """What speaks for an image being a PV: room for its PPs, control blocks of its LVs, those of others (negative)."""

    fits: bool
    own_blocks: int
    other_blocks: int


def content_as(state: GroupState, info: DiskInfo, number: int) -> Content:
    """What an image would hold if it were a PV."""
    right = wrong = 0
    for minor in state.maps if state.vgda.format.lvcb_in_lv else ():
        for at in _first_blocks(state, minor, number):
            try:
                block = lvcbs.read(info.device.read(at, SECTOR).tobytes())
            except (CorruptImage, ImageIOError):
                continue
            right += block.lvid == lvid(state.vgid, minor)
            wrong += block.lvid != lvid(state.vgid, minor)
    return Content(end_of(state, number) <= info.device.size, right, -wrong)


def _first_blocks(state: GroupState, minor: int, number: int) -> Collection[int]:
    """Bytes of a PV at which copies of LP 1 of an LV begin."""
    lv_map, first = state.maps[minor], int(state.vgda.pvs["psn_part1"][number - 1]) * SECTOR
    if not lv_map.lps:
        return ()
    places = zip(lv_map.pv[:, 0].tolist(), lv_map.pp[:, 0].tolist(), strict=True)
    return [first + (pp - 1 << state.record.pp_shift) for pv, pp in places if pv == number]


def end_of(state: GroupState, number: int) -> int:
    """The byte behind the last PP of a PV."""
    pv = state.vgda.pvs[number - 1]
    return int(pv["psn_part1"]) * SECTOR + (int(pv["pp_count"]) << state.record.pp_shift)


def pool_fits(state: GroupState, number: int, device: BlockDevice, record: LvmRecord) -> bool:
    """Whether the relocation pool of a record lies behind the PPs of its PV and inside the disk."""
    return end_of(state, number) // SECTOR <= record.reloc_psn <= device.size // SECTOR - record.reloc_len
