"""Which PV an image is that its PVID and LVM record do not tell, as far as the evidence carries.

* A new PVID: the LVM record says the number, and the VGDA on the disk knows that PV by the same PVID as the group.
* No LVM record and no PVID of the group: the control blocks where LVs begin on a PV, more than on any other PV.
* Nothing of these: it is the only image, and only one PV is left without one. That is taken for so, and no proof where
  the group has other PVs.

Nothing is inferred against evidence: not with a control block of another LV in the place, nor where the PPs do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..errors import CorruptImage, ImageIOError
from .descriptor.copies import Place
from .disk.boot import pvid_of
from .disk.scan import DiskInfo
from .diskcontent import Content, content_as
from .groupstate import GroupState
from .problems import Problem

_PVID_AT = 0x80


class Recognised(NamedTuple):
    """An image that is taken for a PV.

    Attributes:
        image: the image.
        number: of the PV.
        problem: what it lacks, and the evidence.
    """

    image: DiskInfo
    number: int
    problem: Problem


def recognised(
    state: GroupState, claims: Mapping[int, Sequence[DiskInfo]], strangers: Sequence[DiskInfo]
) -> list[Recognised]:
    """The images of PVs without one, each at most once.

    Args:
        state: the group by its newest VGDA.
        claims: images by PV number that are known by PVID or record.
        strangers: images with the group's LVM record, or areas that lead to one, that are not.
    """
    free = {n for n, images in claims.items() if not images and n not in state.split_off}
    contents = {id(image): {n: content_as(state, image, n) for n in claims} for image in strangers}
    found = [
        *(r for image in strangers for r in _renamed(state, image, free, contents[id(image)])),
        *(r for image in strangers for r in _by_blocks(image, free, contents[id(image)])),
    ]
    doubled = {number for number in free if sum(r.number == number for r in found) > 1}
    found = [r for r in found if r.number not in doubled]
    left = free - {r.number for r in found}
    lost = [image for image in strangers if not _number(image) and all(r.image is not image for r in found)]
    if len(left) == len(lost) == 1 and not doubled:
        (number,), (image,) = left, lost
        if _allowed(contents[id(image)][number]):
            alone = len(claims) == 1
            text = "its group has no other PV" if alone else "no other PV is without a disk"
            rule = "disk-inferred" if alone else "disk-assumed"
            found.append(_taken(rule, image, number, f"taken for PV {number}: {text}"))
    return found


def _number(image: DiskInfo) -> int:
    return image.record.pv_number if image.record is not None else 0


def _allowed(content: Content) -> bool:
    return content.fits and not content.other_blocks


def _taken(rule: str, image: DiskInfo, number: int, text: str) -> Recognised:
    problem = Problem(rule, "boot_record", "pv_id", _PVID_AT, text, image.device.name)
    return Recognised(image, number, problem.about(pvs=[number]))


def _renamed(state: GroupState, image: DiskInfo, free: set[int], contents: Mapping[int, Content]) -> list[Recognised]:
    number = _number(image)
    if number not in free or not _allowed(contents[number]):
        return []
    for index in (0, 1):
        assert image.record is not None  # it has a number
        with suppress(CorruptImage, ImageIOError):
            vgda = Place(image.device, image.record, index).read_vgda(state.vgda.factor)
            if pvid_of(vgda.pvs["pv_id"][number - 1].tobytes()) == state.pvids[number]:
                text = f"expected {state.pvids[number]}, found {image.pvid or 'none'}: its LVM record says PV {number}"
                blocks = contents[number].own_blocks
                text += f", and {blocks} control blocks" if blocks else ""
                return [_taken("pvid-new", image, number, text)]
    return []


def _by_blocks(image: DiskInfo, free: set[int], contents: Mapping[int, Content]) -> list[Recognised]:
    if _number(image):
        return []
    most = max((content.own_blocks for content in contents.values()), default=0)
    likely = [n for n, content in contents.items() if content.own_blocks == most and _allowed(content)]
    if not most or len(likely) != 1 or likely[0] not in free:
        return []
    text = f"its PVID is lost, but {most} control blocks lie where LVs begin on PV {likely[0]}"
    return [_taken("disk-inferred", image, likely[0], text)]
