"""Which image is which PV of a group: all evidence is weighed, and the order in which images are given is none.

* The PVID in the boot record, by which AIX finds its disks.
* The PV number in the LVM record, whose VGID is that of the group [lvm 4.1].
* The time stamps of VGDA and VGSA: a copy made earlier is behind the newest VGDA of the group [lvm 11].
* The control blocks where the VGDA has LP 1 of an LV: each says the LVID, which is VGID and minor number [lvm 13].
* The size: a disk does not end before its last PP.

Of two images of one PV the one is believed that alone has the newest VGDA, and the other is named with it as what it
is: an older copy. Where the evidence contradicts itself or does not tell, the images are named and refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import ImageIOError, OperationRefused
from ..units import NS_PER_S, SECTOR
from .descriptor.copies import Place
from .disk.record import PRIMARY_PSN
from .disk.recordcopies import sound_copies
from .disk.scan import DiskInfo
from .diskcontent import Content, content_as, end_of, pool_fits
from .groupstate import GroupState, MemberDisk
from .inference import version_known
from .problems import Problem
from .recognition import recognised

COPY, EXCHANGED = "disk-copy", "disk-exchanged"
"""The rules about images that are not what their PVID says."""


class Stamps(NamedTuple):
    """Time stamps of the newest whole VGDA and VGSA on a disk, 0 where none is whole."""

    vgda: int
    vgsa: int


def attach(state: GroupState, infos: Sequence[DiskInfo], *, infer: bool = False) -> list[Problem]:
    """Find the disk of each PV and make it a member of the group.

    Args:
        state: the group by its newest VGDA, without members.
        infos: images of the group, and those without an LVM record.
        infer: know an image by what else is on it where PVID or LVM record are lost or new.

    Returns:
        What is wrong with the disks: PVs without an image, images that are copies or strangers.

    Raises:
        OperationRefused: several images may be one PV, and nothing tells which is; they are named.
    """
    disks, problems = match(state, infos, infer=infer)
    for number, pvid in state.pvids.items():
        if number in state.split_off:  # goes its own way until it is joined
            continue
        if number not in disks:
            text = f"PV {number} ({pvid}) is not here"
            problems.append(Problem("pv-absent", "pv_header", "pv_id", None, text).about(pvs=[number]))
            continue
        info = disks[number]
        record = info.record
        if record is None or not record.pv_number:
            record = state.record.for_disk(info.device.size, number)
            state.version_known = proved = version_known(record, infos)
            text = f"no LVM record, but the group knows the disk as PV {number}"
            text += "" if proved else "; no disk tells the LVM version"
            rule = "record-missing" if proved else "record-unproved"
            problem = Problem(rule, "lvm_record", "", PRIMARY_PSN * SECTOR, text, info.device.name)
            problems.append(problem.about(pvs=[number]))
        elif record.pv_number != number:
            text = f"expected {number}, found {record.pv_number}"
            at = PRIMARY_PSN * SECTOR + record.structure.offset_of("pv_num")
            problems.append(Problem("record-number", record.structure.name, "pv_num", at, text, info.device.name))
        if not pool_fits(state, number, info.device, record):  # of the two copies the one that can be believed
            fitting = [c for c in sound_copies(info.device) if (c.shared, c.pv_number) == (record.shared, number)]
            record = next((c for c in fitting if pool_fits(state, number, info.device, c)), record)
        state.members[number] = MemberDisk(info.device, record)
        if (end := end_of(state, number)) > info.device.size:
            text = f"its PPs end at byte {end}, the disk at byte {info.device.size}"
            problem = Problem("pv-size", "pv_header", "pp_count", None, text, info.device.name)
            problems.append(problem.about(pvs=[number]))
    return problems


def match(
    state: GroupState, infos: Sequence[DiskInfo], *, infer: bool = False
) -> tuple[dict[int, DiskInfo], list[Problem]]:
    """The image of each PV by number, and what the others are; see `attach`."""
    claims: dict[int, list[DiskInfo]] = {number: [] for number in state.pvids}
    strangers, unnamed = [], []
    for info in infos:
        number = _by_pvid(state.pvids, info)
        if info.said:
            _refuse_said(state, info, number)
            number = info.said
            if info.pvid != state.pvids[number]:
                text = (
                    f"expected {state.pvids[number]}, found {info.pvid or 'none'}; a person says that it is PV {number}"
                )
                unnamed.append(Problem("disk-pvid", "boot_record", "pv_id", 0x80, text, info.device.name))
        if number is not None:
            claims[number].append(info)
        elif info.record is not None:
            strangers.append(info)
    exchanged = _uncross(state, claims)
    known = recognised(state, claims, strangers) if infer else []
    for info, number, _ in known:
        claims[number].append(info)
        strangers = [stranger for stranger in strangers if stranger is not info]
    disks, problems = {}, [*unnamed, *(problem for *_, problem in known)]
    state.assumed |= {number for _, number, problem in known if problem.rule == "disk-assumed"}
    for number, images in claims.items():
        if number in state.split_off or not images:
            continue
        disks[number] = best = _best(state, number, images)
        problems += [_copy_of(state, number, best, image) for image in images if image is not best]
    for info, pvid_of, number in exchanged:
        other = f", as {disks[pvid_of].device.name} is" if pvid_of in disks else ""
        text = f"its PVID is that of PV {pvid_of}{other}; LVM record and control blocks say that it is PV {number}"
        problems.append(Problem(EXCHANGED, "boot_record", "pv_id", 0x80, text, info.device.name))
    for info in strangers:
        text = f"PVID {info.pvid} is not a member by the newest VGDA"
        if not _number(info):
            free = ", ".join(str(number) for number in claims if number not in disks)
            text = f"its VGDA is the group's, and nothing tells which PV it is (of {free or 'none'}); --pv says it"
        problems.append(Problem("disk-stranger", "lvm_record", "", PRIMARY_PSN * SECTOR, text, info.device.name))
    return disks, problems


def refuse_copies(problems: Sequence[Problem]) -> None:
    """Refuse images that are not what their PVID says, for who cannot tell of them and go on.

    Raises:
        OperationRefused: there are some among the problems of a group; all are named.
    """
    found = [f"{p.where}: {p.text}" for p in problems if p.rule in (COPY, EXCHANGED)]
    if found:
        raise OperationRefused("; ".join(sorted(found)), hint="leave copies out; `vg check` tells more")


def _by_pvid(pvids: Mapping[int, str], info: DiskInfo) -> int | None:
    """The PV that an image is by its PVID, or by its LVM record if it has lost its PVID; None if it is none."""
    own = _number(info)
    if info.pvid is None:
        return own if own in pvids else None
    named = [number for number, pvid in pvids.items() if pvid == info.pvid]
    return own if own in named else min(named, default=None)


def _number(info: DiskInfo) -> int:
    """The PV number in the LVM record, 0 without one."""
    return info.record.pv_number if info.record is not None else 0


def _refuse_said(state: GroupState, info: DiskInfo, number: int | None) -> None:
    """Refuse what a person says of an image that contradicts it.

    Raises:
        OperationRefused: the group has no such PV, or PVID, LVM record or control blocks say another one.
    """
    said, name = info.said, info.device.name
    if said not in state.pvids:
        known = ", ".join(map(str, state.pvids))
        raise OperationRefused(f"the group has no PV {said}: it has PVs {known}", where=name)
    own, other = content_as(state, info, said)[1:]
    for found, what in ((number if info.pvid else 0, f"PVID {info.pvid}"), (_number(info), "LVM record")):
        if found and found != said:
            raise OperationRefused(f"said to be PV {said}, but its {what} says that it is PV {found}", where=name)
    if other and not own:
        raise OperationRefused(f"said to be PV {said}, but where LVs begin on it lie the blocks of others", where=name)
    if not own and (likely := [n for n in state.pvids if content_as(state, info, n).own_blocks]):
        numbers = " or ".join(map(str, likely))
        raise OperationRefused(
            f"said to be PV {said}, but its control blocks lie where LVs begin on PV {numbers}", where=name
        )


def _uncross(state: GroupState, claims: dict[int, list[DiskInfo]]) -> list[tuple[DiskInfo, int, int]]:
    """Move images to the PV that their LVM records say, where the PVID is another's and control blocks agree.

    Returns:
        Each of them, the PV whose PVID it has, and the PV that it is.

    Raises:
        OperationRefused: PVIDs or numbers of several images are exchanged, and nothing tells which of the two.
    """
    sound = {number for number, images in claims.items() if any(_number(image) == number for image in images)}
    crossed = [
        (image, number, _number(image))
        for number, images in claims.items()
        for image in images
        if _number(image) in state.pvids.keys() - sound
    ]
    for_record = [_sign(content_as(state, info, own), content_as(state, info, number)) for info, number, own in crossed]
    moved = [cross for cross, sign in zip(crossed, for_record, strict=True) if sign > 0]
    unclear = [cross for cross, sign in zip(crossed, for_record, strict=True) if sign == 0]
    if len(unclear) > 1:
        said = sorted(f"{i.device.name} (PVID of PV {number}, LVM record of PV {own})" for i, number, own in unclear)
        raise OperationRefused(f"PVIDs or PV numbers are exchanged: {', '.join(said)}", where=state.vgid)
    # where one of two exchanged disks is known, the other one is too
    moved += [cross for cross in unclear if any(own == cross[1] for *_, own in moved)]
    for info, number, own in moved:
        claims[number] = [image for image in claims[number] if image is not info]
        claims[own].append(info)
    return moved


def _best(state: GroupState, number: int, images: Sequence[DiskInfo]) -> DiskInfo:
    """Which of the images is a PV.

    Raises:
        OperationRefused: it cannot be told.
    """
    if len(images) == 1:
        return images[0]
    stamps = {id(image): _stamps(state, number, image) for image in images}
    numbered = [image for image in images if _number(image) == number] or images
    best = max(numbered, key=lambda image: stamps[id(image)])
    newest = stamps[id(best)]
    older = [stamps[id(image)] for image in numbered if image is not best]
    if (
        newest.vgda != state.vgda.stamp
        or not all(0 < vgda <= newest.vgda and vgsa <= newest.vgsa and (vgda, vgsa) != newest for vgda, vgsa in older)
        or any(stamps[id(image)].vgda >= newest.vgda for image in images if not _number(image) and image is not best)
    ):
        names = " and ".join(sorted(image.device.name for image in images))
        raise OperationRefused(
            f"PVID {state.pvids[number]} is on {names}, and nothing tells which is PV {number}",
            hint="some are copies: leave them out",
        )
    return best


def _copy_of(state: GroupState, number: int, best: DiskInfo, image: DiskInfo) -> Problem:
    """What an image is that is not chosen although it has the PVID of a PV."""
    newest, own = _stamps(state, number, best), _stamps(state, number, image)
    if not _number(image):
        text = "it has no LVM record"
    elif _number(image) != number:
        text = f"its LVM record says PV {_number(image)}"
    elif own.vgda < newest.vgda:
        text = f"it is an older copy: its VGDA is {(newest.vgda - own.vgda) / NS_PER_S:.9f} s behind"
    else:
        text = f"it is an older copy: its VGSA is {(newest.vgsa - own.vgsa) / NS_PER_S:.9f} s behind"
    text = f"PVID {state.pvids[number]} is that of {best.device.name}, PV {number}; {text}"
    return Problem(COPY, "boot_record", "pv_id", 0x80, text, image.device.name)


def _stamps(state: GroupState, number: int, info: DiskInfo) -> Stamps:
    record = info.record or state.record.for_disk(info.device.size, number)
    vgda, vgsa = 0, 0
    for index in (0, 1):
        place = Place(info.device, record, index)
        try:
            vgda, vgsa = (
                max(known, stamp if whole else 0)
                for known, (stamp, whole) in ((vgda, place.vgda_stamp()), (vgsa, place.vgsa_stamp()))
            )
        except ImageIOError:  # the image ends before the place
            continue
    return Stamps(vgda, vgsa)


def _sign(a: Content, b: Content) -> int:
    """1 where `a` says more for an image than `b` and nothing less, -1 the other way round, else 0."""
    return int(all(x >= y for x, y in zip(a, b, strict=True))) - int(all(x <= y for x, y in zip(a, b, strict=True)))
