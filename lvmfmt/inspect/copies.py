"""The copies of VGSA and VGDA on a disk and their time stamps, as they lie there, believed or not."""

from __future__ import annotations

from dataclasses import dataclass

from ..block import BlockDevice
from ..layout.lvm_disk import VGSA_CLASSIC
from ..layout.vgda import VGDA_HEADER, VGDA_TRAILER
from ..lvm import LvmRecord
from ..units import SECTOR
from .instant import rfc3339


@dataclass(frozen=True)
class AreaCopy:
    """One copy of a VGSA or VGDA."""

    area: str
    """vgsa or vgda."""
    copy: int
    """1 or 2."""
    psn: int
    stamp: str | None
    """When it was written; None if it never was."""
    whole: bool
    """The stamps at its two ends agree."""


def area_copies(device: BlockDevice, record: LvmRecord) -> list[AreaCopy]:
    """The copies that the LVM record gives places for; none for groups that are not classic."""
    found = []
    for index in range(2):
        if record.vgsa_len:
            psn = record.vgsa_psn[index]
            vgsa = VGSA_CLASSIC.parse(device.read(psn * SECTOR, VGSA_CLASSIC.size))
            begin, end = (vgsa.begin_sec, vgsa.begin_nsec), (vgsa.end_sec, vgsa.end_nsec)
            found.append(_copy("vgsa", index, psn, begin, end))
        if record.vgda_len:
            psn = record.vgda_psn[index]
            header = VGDA_HEADER.parse(device.read(psn * SECTOR, SECTOR))
            trailer = VGDA_TRAILER.parse(device.read((psn + record.vgda_len - 1) * SECTOR, SECTOR))
            ends = (trailer.sec, trailer.nsec), (trailer.alt_sec, trailer.alt_nsec)
            begin = (header.sec, header.nsec)
            found.append(_copy("vgda", index, psn, begin, begin if begin in ends else ends[0]))
    return found


def _copy(area: str, index: int, psn: int, begin: tuple[int, int], end: tuple[int, int]) -> AreaCopy:
    stamp = rfc3339(begin[0] * 10**9 + begin[1]) if any(begin) else None
    return AreaCopy(area, index + 1, psn, stamp, begin == end)
