"""Writing a changed group so that stopping after any sector leaves the group as it was or as it shall be.

Everything is prepared in memory first. Then, with a barrier after every step:

1. PVIDs and bad block directories of new disks, which mean nothing to the group.
2. Control blocks of new LVs, into PPs that the old group calls free.
3. VGSA with what is stale before *or* after: a PP that the new group calls stale must not be read as fresh once the
   VGDA names it. Stale bits of free PPs mean nothing.
4. VGDA, one copy after the other: header with the new time stamp, then the body, then the trailer with the stamp. A
   copy between header and trailer is not valid, and all others are old; the first complete new copy is the newest
   and so makes the group new. Copies on new disks come first: they count only when the rest names the disk.
5. VGSA with what is stale after, if that is less.
6. LVM records of new disks, backup first. Until then the disks are found by the PVID that the VGDA names; of a new
   group the first record is what makes it exist.
7. LVM records, VGSA and VGDA of removed disks, zeroed; the newest VGDA does not name them any more.
8. Control blocks of LVs that existed before: one sector each.
9. Copies that the group no longer counts (a disk that had two and now has one), zeroed.

A VGSA goes out the same way as a VGDA: its first sector, its middle, its last sector with the closing stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, Bytes
from ..errors import CorruptImage, OperationRefused
from ..units import SECTOR
from . import record as lvm_record
from .boot import read_pvid, write_pvid
from .copies import Place
from .state import GroupState, Member

_BAD_BLOCK_PSNS = (8, 71)
_EMPTY_DIRECTORY = b"DEFECT\0\0"


@dataclass
class Changes:
    """What a commit writes besides VGSA and VGDA.

    Attributes:
        joined: PV numbers of new disks.
        left: disks that are no members any more.
        new_lvcbs: control blocks of new LVs, by minor number.
        lvcbs: control blocks of LVs that existed before.
    """

    joined: set[int] = field(default_factory=set)
    left: list[Member] = field(default_factory=list)
    new_lvcbs: dict[int, bytes] = field(default_factory=dict)
    lvcbs: dict[int, bytes] = field(default_factory=dict)


def commit(
    old: GroupState, new: GroupState, changes: Changes, *, lv_device: Callable[[int], BlockDevice], now: int
) -> None:
    """Write `new` over `old`.

    Args:
        old: the group as it is on the disks.
        new: the group as it shall be; it gets its time stamps here.
        changes: what else is to be written.
        lv_device: the device of the LV with a minor number, as it shall be.
        now: the time stamp, nanoseconds since 1970.

    Raises:
        OperationRefused: a disk is not there or not writable; nothing was written.
        ImageIOError: the system refused a write; the group is as it was or as it shall be.
    """
    _check_writable(new, changes)
    for number in sorted(changes.joined):
        _prepare(new.members[number].device, new.pvids[number])
    for minor, block in changes.new_lvcbs.items():
        _write(lv_device(minor), 0, block)
    _write_vgsas(old, new, changes, new.stale | old.stale, now)
    if changes.joined or not np.array_equal(old.vgda.raw, new.vgda.raw):
        new.vgda.stamp = max(now, old.vgda.stamp + 1)
        for place in in_order(new, changes.joined, lambda p: p.read_vgda(old.vgda.factor).stamp == old.vgda.stamp):
            _write_area(place.device, place.vgda_offset, new.vgda.raw)
    _write_vgsas(new, new, changes, new.stale, now)
    for number in sorted(changes.joined):
        lvm_record.write(new.members[number].device, new.members[number].record)
    for member in changes.left:
        _leave(member)
    for minor, block in changes.lvcbs.items():
        _write(lv_device(minor), 0, block)
    for place in set(_places(new, 0, 1)) - set(counted(new)):
        for offset in (place.vgda_offset, place.vgsa_offset):
            if place.device.read(offset, SECTOR).any():
                _write(place.device, offset, bytes(SECTOR))


def _check_writable(new: GroupState, changes: Changes) -> None:
    missing = [pvid for number, pvid in new.pvids.items() if number not in new.members]
    if missing:
        raise OperationRefused(
            f"PVs {', '.join(missing)} are not here", hint="a group is changed only when all its disks can be written"
        )
    for member in (*new.members.values(), *changes.left):
        member.device.check_writable()


def _places(state: GroupState, *indices: int) -> Iterable[Place]:
    for member in state.members.values():
        for index in indices:
            yield Place(member.device, member.record, index)


def counted(state: GroupState) -> list[Place]:
    """The places that hold the copies of a group: a PV with one copy has it in the first."""
    return [
        Place(member.device, member.record, index)
        for number, member in state.members.items()
        for index in range(max(0, state.vgda.vgda_count(number)))
    ]


def in_order(new: GroupState, joined_numbers: Iterable[int], holds_old: Callable[[Place], bool]) -> list[Place]:
    """Where to write: new disks, then places without a sound old copy, then the others.

    So one sound copy of the old group is left while a place is being written.
    """
    joined = {id(new.members[number].device) for number in joined_numbers}

    def rank(place: Place) -> int:
        if id(place.device) in joined:
            return 0
        try:
            return 2 if holds_old(place) else 1
        except CorruptImage:
            return 1

    return sorted(counted(new), key=rank)


def _write_vgsas(old: GroupState, new: GroupState, changes: Changes, stale: NDArray[np.bool_], now: int) -> None:
    """Write all copies of the VGSA unless they hold these stale bits already."""
    same_places = set(counted(new)) <= set(counted(old))
    if same_places and np.array_equal(new.vgsa.stale[: len(stale)], stale):
        return
    before = new.vgsa.stamp
    full = np.zeros_like(new.vgsa.stale)
    full[: len(stale)] = stale
    new.vgsa.stale = full
    new.vgsa.stamp = max(now, before + 1)
    for place in in_order(new, changes.joined, lambda p: p.read_vgsa().stamp == before):
        _write_area(place.device, place.vgsa_offset, new.vgsa.raw)


def area_parts(offset: int, raw: Bytes) -> Iterator[tuple[int, Bytes]]:
    """The parts of a copy in the order in which it is valid only before the first and after the last was written.

    Yields:
        Byte offset and bytes of a part; `offset` is that of the copy.
    """
    for start, end in ((0, SECTOR), (SECTOR, len(raw) - SECTOR), (len(raw) - SECTOR, len(raw))):
        yield offset + start, raw[start:end]


def _write_area(device: BlockDevice, offset: int, raw: Bytes) -> None:
    for at, part in area_parts(offset, raw):
        _write(device, at, part)


def _write(device: BlockDevice, offset: int, data: bytes | Bytes) -> None:
    device.write(offset, data)
    device.flush()


def _prepare(device: BlockDevice, pvid: str) -> None:
    """Give a new disk its PVID and an empty bad block directory with its trailer (place assumed) and backup."""
    if read_pvid(device) != pvid:
        write_pvid(device, pvid)
    for psn in _BAD_BLOCK_PSNS:
        if bytes(device.read(psn * SECTOR, 6)) != _EMPTY_DIRECTORY[:6]:
            _write(device, psn * SECTOR, (2 * _EMPTY_DIRECTORY).ljust(SECTOR, b"\0"))


def _leave(member: Member) -> None:
    device, record = member.device, member.record
    lvm_record.clear(device)
    for index in (0, 1):
        device.punch(record.vgsa_psn[index] * SECTOR, record.vgsa_len * SECTOR)
        device.punch(record.vgda_psn[index] * SECTOR, record.vgda_len * SECTOR)
    device.flush()
