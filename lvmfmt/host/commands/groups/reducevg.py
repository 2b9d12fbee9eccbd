"""`reducevg`: takes disks out of a volume group, and with the last one the group is gone."""

from __future__ import annotations

from typing import TextIO

from .... import lvm
from ....lvm import VolumeGroup
from ....lvm.change import Change
from ....lvm.errors import LastGoodCopy, PartitionsInUse
from ...machine.running import Machine
from ...machine.using import open_volumes
from ...messages import CommandFailed, message
from ...odm import devices
from ...syntax import Command, demand, flags
from ..aixwords import as_aix
from ..operands import ask, finish, known_group, members, varied_on_group
from .importvg import forget


def reducevg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Remove disks, which keep their PVIDs; all of them, or none when one of them cannot go.

    With `-d` the copies on them go too, and logical volumes that are not whole without them (AIX would keep what is
    left of such a volume); `-f` asks no questions then.
    """
    given, operands = flags(argv, "df")
    demand(len(operands) >= 2)
    name, *disks = operands
    group = varied_on_group(machine, name, "reducevg")
    for disk in disks:
        known = machine.disk(disk)
        if known is not None and devices.group_of(machine.odm, known.pvid) not in (None, name):
            text = message("disk-of-another-group", program="reducevg", disk=disk, group=name)
            raise CommandFailed(text, message("reducevg-failed", disk=disk), status=2)
    pvids = members(machine, group, disks, "reducevg")
    demand(len(pvids) == len(disks))
    names = dict(zip(pvids, disks, strict=True))
    doomed = _doomed(group, pvids) if "d" in given else []
    gone = _rehearse(machine, group, names, doomed)
    for volume in open_volumes(machine, group) & set(gone):
        text = message("volume-open", program="rmlv", volume=volume)
        raise CommandFailed(text, message("reducevg-failed", disk=" ".join(disks)))
    if "f" not in given:
        for volume, pvid in doomed:
            warning = message("rmlv-on-disk", volume=volume, disk=names[pvid])
            if not ask(machine, stderr, warning, message("rmlv-question")):
                return 1
    with as_aix("reducevg", message("reducevg-failed", disk=" ".join(disks))):
        here = [pvid for pvid, pv in group.physical_volumes.items() if pv.device is not None]
        last = here[0] if set(pvids) == set(group.physical_volumes) else None
        with group.change(machine.origin) as change:
            _take_away(change, doomed)
            for pvid in pvids:
                if pvid != last:
                    change.remove_pv(pvid)
        if last is None:
            finish(machine, name, group)
            machine.slots.forget()
        elif (image := group.physical_volumes[last].device) is not None:
            forget(machine, known_group(machine, name, "reducevg"))  # a group that is known has disks
            lvm.free_group_metadata(image)
    for volume in gone:
        print(message("rmlv-removed", volume=volume), file=stdout)
    if last is not None:
        print(message("last-disk"), file=stdout)
    return 0


def _doomed(group: VolumeGroup, pvids: list[str]) -> list[tuple[str, str]]:
    """(logical volume, disk) of everything that lies on the disks."""
    numbers = {pvid: group.physical_volumes[pvid].number for pvid in pvids}
    return [
        (name, pvid)
        for pvid, number in numbers.items()
        for name, volume in group.logical_volumes.items()
        if number in volume.pv_numbers
    ]


def _rehearse(machine: Machine, group: VolumeGroup, names: dict[str, str], doomed: list[tuple[str, str]]) -> list[str]:
    """Which volumes go as a whole; refuses what cannot be done, and writes nothing."""
    draft = group.begin(machine.origin)
    gone = _take_away(draft, doomed)
    for pvid, disk in names.items():
        with as_aix("reducevg", message("reducevg-failed", disk=disk)):
            used = int(draft.state.vgda.allocated[group.physical_volumes[pvid].number - 1].sum())
            if used:
                raise PartitionsInUse(pvid, used)
    return gone


def _take_away(change: Change, doomed: list[tuple[str, str]]) -> list[str]:
    gone: list[str] = []
    for name, pvid in doomed:
        if name in gone:
            continue
        try:
            change.unmirror(name, pvid)
        except LastGoodCopy:
            change.remove_lv(name)
            gone.append(name)
    return gone


COMMANDS = {"reducevg": Command(reducevg, changes=True)}
