"""The copies of VGSA and VGDA on a disk and their time stamps, as they lie there, believed or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..block import BlockDevice
from ..lvm import LvmRecord
from ..lvm.descriptor.copies import Place
from .grading import of_area
from .timestamps import rfc3339


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
    grades: dict[str, str] = field(default_factory=dict, compare=False)
    """Of `stamp` and `whole`, if it is not A."""


def area_copies(device: BlockDevice, record: LvmRecord) -> list[AreaCopy]:
    """The copies that the LVM record gives places for; none for groups whose layout is not ours."""
    found = []
    for index in range(2) if record.described else ():
        place = Place(device, record, index)
        for area, psn, (stamp, whole) in (
            ("vgsa", record.vgsa_psn[index], place.vgsa_stamp()),
            ("vgda", record.vgda_psn[index], place.vgda_stamp()),
        ):
            found.append(
                AreaCopy(area, index + 1, psn, rfc3339(stamp) if stamp else None, whole, of_area(record, area))
            )
    return found
