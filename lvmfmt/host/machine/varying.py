"""Varying volume groups of a running machine on and off: which hdisks belong to a group, and what the kernel notes.

A group's disks are those whose PVID the ODM of the running system lists for it, or that have joined it when the power
failed, so that only its VGDA names them yet. What is on them decides: a disk that holds another group by now (storage
copied another one over it) is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import lvm
from ...block import BlockDevice
from ...errors import ImageIOError, NotFound
from ..odm.devices import Disk, Group
from .running import Machine

if TYPE_CHECKING:
    from ...lvm import OnlineGroup, PvStatus


def readable(machine: Machine, disk: Disk) -> BlockDevice | None:
    """The image behind a disk, None if it is gone or has failed."""
    try:
        return machine.device(disk.slot)
    except (NotFound, ImageIOError):
        return None


def members(machine: Machine, group: Group) -> dict[str, BlockDevice]:
    """The disks that may be those of a group and are here, by name; its VGDA knows which of them are.

    On one of them at least is its VGID, on the others that or no LVM record; no other group has their PVIDs in the ODM.
    """
    others = {pvid for other in machine.groups() if other.vgid != group.vgid for pvid in other.pvids}
    mine = [d for d in machine.disks() if d.pvid is not None and (d.pvid in group.pvids or d.pvid not in others)]
    found = {d.name: device for d in mine if (device := readable(machine, d)) is not None and lvm.answers(device)}
    vgids = {name: lvm.scan([device])[0].vgid for name, device in found.items()}
    if group.vgid not in vgids.values():
        return {}
    return {name: device for name, device in found.items() if vgids[name] in (None, group.vgid)}


def in_use(machine: Machine, group: Group) -> set[str]:
    """Names of the disks through which a group that is varied on is used, whatever PVIDs other disks have."""
    members = machine.group(group.name).state.members.values()
    slots = {machine.slots.slot_of(member.device) for member in members}
    return {disk.name for disk in machine.disks() if disk.slot in slots}


def vary_on(machine: Machine, group: Group, *, force: bool = False, sync: bool = True) -> list[PvStatus]:
    """Vary a group on that the ODM knows; one that is on already takes back disks that were missing.

    Args:
        machine: the running machine; its ODM is saved.
        group: what the ODM says of it.
        force: go on without disks that are not here.
        sync: fill what is stale.

    Returns:
        The disks of the group, in the order of their numbers.

    Raises:
        NoQuorum: a disk is not here, or none is.
        OperationRefused: two disks have one PVID.
        CorruptImage: no valid VGDA.
    """
    machine.forget()
    here = members(machine, group)
    if not here:
        absent = [lvm.PvStatus(n, pvid, "", lvm.PvState.NOT_FOUND) for n, pvid in enumerate(group.pvids, 1)]
        raise lvm.NoQuorum(group.vgid, absent)
    online = lvm.varyon(list(here.values()), origin=machine.origin, force=force, sync=sync)
    machine.varied_on(online)
    return _statuses(online)


def vary_off(machine: Machine, group: Group) -> None:
    """Leave a group whose logical volumes are closed."""
    machine.varied_off(group.vgid)


def _statuses(online: OnlineGroup) -> list[PvStatus]:
    """The disks that the group is to have, without those that are split off it."""
    away = online.group.split_off
    return [
        lvm.PvStatus(
            pv.number,
            pv.pvid,
            pv.device.name if pv.device else "",
            lvm.PvState.NOT_FOUND if pv.number in online.missing else lvm.PvState.ACTIVE,
        )
        for pv in online.group.physical_volumes.values()
        if pv.number not in away
    ]
