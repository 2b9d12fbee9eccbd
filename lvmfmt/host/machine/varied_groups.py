"""The volume groups that are varied on, while one process uses the machine.

A reading process opens them as they were left. A writing one goes on with them: mirrored writes, stale marks, quorum.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ... import lvm
from ...block import BlockDevice
from ...errors import NotFound
from ...lvm import Standing, VolumeGroup
from ...lvm.mirrors import alone
from ...origin import Origin
from ..folder.kernel import Kernel, Varied
from .slots import DiskSlots

if TYPE_CHECKING:
    from ...lvm import OnlineGroup


class Loss(NamedTuple):
    """A disk that a group has lost while a process used it, or what became stale on it.

    Attributes:
        slot: of the disk.
        volume: whose partitions are stale there; "" for the disk itself.
        partitions: their numbers; "" where the disk missed a change, and only it has partitions of the volume.
    """

    slot: str
    volume: str = ""
    partitions: str = ""


class VariedGroups:
    """Groups by VGID.

    Args:
        kernel: knows which are varied on, and how they were left.
        slots: the disks.
        origin: clock for stamps.
        writable: go on with them for writing.

    Attributes:
        losses: of the groups that have come to rest.
    """

    def __init__(self, kernel: Kernel, slots: DiskSlots, origin: Origin, *, writable: bool) -> None:
        self._kernel, self._slots, self._origin, self._writable = kernel, slots, origin, writable
        self._left = dict(kernel.groups)
        self._groups: dict[str, VolumeGroup] = {}
        self._online: dict[str, OnlineGroup] = {}
        self._homes: dict[str, dict[int, str]] = {}  # slots by PV number, by VGID
        self._known: dict[str, set[tuple[int, str, int]]] = {}  # stale before, by VGID: PV, volume, LP
        self.losses: list[Loss] = []

    def open(self, vgid: str) -> VolumeGroup:
        """A group that is varied on.

        Raises:
            NotFound: none of its disks is here.
            CorruptImage: it has no valid VGDA.
            ImageIOError: it has lost its quorum.
        """
        if vgid not in self._groups:
            left = self._left.get(vgid)
            members = self._slots.members(vgid, among=left.slots if left else None)
            if not members:
                raise NotFound(f"no disk of volume group {vgid} is there")
            standing = Standing(left.votes, left.missing) if left else None
            if self._writable:
                online = lvm.resume(members, standing, origin=self._origin)
                if left:
                    here = sorted(set(online.group.state.pvids) - set(left.missing) - online.group.split_off)
                    self._homes[vgid] = dict(zip(here, left.slots, strict=False))
                self.adopt(online)
            else:
                self._groups[vgid] = lvm.read_left(members, standing)
        return self._groups[vgid]

    def adopt(self, online: OnlineGroup) -> VolumeGroup:
        """Take a group in that was just varied on."""
        members = online.group.state.members.items()
        homes = {number: self._slots.slot_of(member.device) for number, member in members}
        self._homes[online.group.vgid] = self._homes.get(online.group.vgid, {}) | homes
        told = online.missing - online.lost - online.old
        self._known[online.group.vgid] = set(_stale(online.group, told))
        self._groups[online.group.vgid] = online.group
        self._online[online.group.vgid] = online
        return online.group

    def group_of_volume(self, name: str) -> VolumeGroup:
        """The group that has a logical volume.

        Raises:
            NotFound: none that is varied on has.
        """
        for vgid in self._kernel.varied_on:
            group = self.open(vgid)
            if name in group.logical_volumes:
                return group
        raise NotFound(f"no logical volume {name}")

    def volume_device(self, name: str) -> BlockDevice:
        """A logical volume as a device; in a writing process to be closed after use, so that its group can change.

        Raises:
            NotFound: there is no such LV.
        """
        group = self.group_of_volume(name)
        online = self._online.get(group.vgid)
        return group.logical_volumes[name].device if online is None else online.open_lv(name)

    def down(self) -> list[str]:
        """VGIDs of the groups that have lost their quorum meanwhile."""
        return [vgid for vgid, online in self._online.items() if online.down]

    def rest(self) -> dict[str, Varied]:
        """Bring all groups to rest and say how they were left; what was opened of them is to be used no more.

        Raises:
            ImageIOError: one has lost its quorum.
        """
        for vgid, online in self._online.items():
            if online.down:
                continue
            standing = lvm.leave(online)
            self.losses += self._losses(online)
            members = sorted(online.group.state.members.items())
            slots = tuple(self._slots.slot_of(member.device) for _, member in members)
            self._left[vgid] = Varied(standing.votes, standing.missing, slots)
        self.drop()
        return dict(self._left)

    def _losses(self, online: OnlineGroup) -> Iterator[Loss]:
        """What is stale on disks that have failed or came back old, and newly stale on those that are away."""
        away = online.missing - online.group.split_off | online.lost | online.old
        known = self._known[online.group.vgid]
        new = [place for place in _stale(online.group, away) if place not in known]
        for number in sorted(away):
            slot = self._homes[online.group.vgid].get(number) or online.group.pvs[number].pvid
            for volume in online.group.logical_volumes.values():
                if stale := [lp for pv, name, lp in new if (pv, name) == (number, volume.name)]:
                    yield Loss(slot, volume.name, ", ".join(map(str, stale)))
                if number in online.old and alone(volume, number):
                    yield Loss(slot, volume.name)
            if number in online.lost:
                yield Loss(slot)

    def drop(self) -> None:
        """Forget what is open, as a power failure does."""
        self._groups.clear()
        self._online.clear()


def _stale(group: VolumeGroup, numbers: set[int]) -> Iterator[tuple[int, str, int]]:
    """What is stale on some disks: number of the PV, name of the volume, number of the LP."""
    for number in sorted(numbers):
        for volume in group.logical_volumes.values():
            for lp in (volume.stale & (volume.map.pv == number)).any(axis=0).nonzero()[0].tolist():
                yield number, volume.name, lp + 1
