"""`mirrorvg`, `unmirrorvg`, `syncvg`: mirror copies of whole volume groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ....errors import OperationRefused
from ....lvm import VolumeGroup
from ....system.volume_types import BOOT_TYPE
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...odm import devices
from ...syntax import Command, demand, flags, refuse, with_flag
from ..aixwords import as_aix
from ..operands import disk_called, finish, group_of_volume, members, varied_on_group
from ..syncing import synchronise, tell_left

_NOT_MIRRORED = ("sysdump",)
"""Types that `mirrorvg` leaves alone; it leaves striped volumes alone too."""


def mirrorvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Give every logical volume so many copies (`-c`, default 2), on the disks named, and synchronise them.

    Quorum checking goes off, unless `-Q` keeps it. Boot records are not written: the new copy of the boot volume does
    not boot before `bosboot`. There is nothing in the background here, so `-S` synchronises before it returns.
    """
    given, operands = flags(argv, "Ssc:Qmp:")
    copies = given.get("c", "2")
    demand(operands and copies in ("2", "3") and not {"S", "s"} <= set(given))
    name, *disks = operands
    with as_aix("mirrorvg", message("mirrorvg-failed")):
        refuse(given, "mirrorvg", "mp")
        group = varied_on_group(machine, name, "mirrorvg")
        pvids = members(machine, group, disks, "mirrorvg")
        before = boot_disks(group)
        wanted = [
            volume
            for volume in group.logical_volumes.values()
            if volume.copies < int(copies) and not volume.policy.width and volume.type not in _NOT_MIRRORED
        ]
        if not wanted:
            raise refusal("mirror-nothing", group=name)
        with as_aix("mirrorvg", message("mklvcopy-failed")), group.change(machine.origin) as change:
            for volume in wanted:
                change.mirror(volume.name, *pvids, copies=int(copies))
            if "Q" not in given:
                change.set_options(quorum=False)
    finish(machine, name, group)
    status = 0 if "s" in given else tell_left(synchronise(machine, group), stderr)
    if "Q" not in given:
        print(message("quorum-changed"), file=stderr)
    if before:
        ordered = [*before, *(pvid for pvid in boot_disks(group) if pvid not in before)]
        print(message("mirrored", group=name, disks=" ".join(machine.disk_names(ordered))), file=stderr)
    return status


def unmirrorvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Remove copies until each logical volume has `-c` of them (default 1), those on the named disks."""
    given, operands = flags(argv, "c:")
    copies = given.get("c", "1")
    demand(operands and copies in ("1", "2"))
    name, *disks = operands
    group = varied_on_group(machine, name, "unmirrorvg")
    pvids = members(machine, group, disks, "unmirrorvg") or list(reversed(group.physical_volumes))
    plan = _plan(group, pvids, int(copies))
    if not plan:
        raise refusal("unmirror-nothing", group=name)
    boot_volumes = [v for v, _ in plan if group.logical_volumes[v].type == BOOT_TYPE]
    with group.change(machine.origin) as change:
        for volume, pvid in plan:
            try:
                change.unmirror(volume, pvid)
            except OperationRefused as error:
                disk = machine.disk_names([pvid])[0]
                raise refusal("unmirror-stale", volume=volume, disk=disk) from error
        change.set_options(quorum=True)
    finish(machine, name, group)
    for volume in dict.fromkeys(boot_volumes):
        print(message("chpv-reminder", volume=volume), file=stderr)
    print(message("quorum-changed"), file=stderr)
    if left := boot_disks(group):
        print(message("unmirrored", group=name, disks=" ".join(machine.disk_names(left))), file=stderr)


def _plan(group: VolumeGroup, pvids: Sequence[str], copies: int) -> list[tuple[str, str]]:
    """(logical volume, disk) of every copy to remove."""
    numbers = {pv.number: pvid for pvid, pv in group.physical_volumes.items()}
    plan = []
    for name, volume in group.logical_volumes.items():
        present = {numbers[n] for n in volume.pv_numbers}
        spare = volume.copies - copies
        plan += [(name, pvid) for pvid in pvids if pvid in present][: max(spare, 0)]
    return plan


def boot_disks(group: VolumeGroup) -> list[str]:
    """PVIDs of the disks that hold a boot volume, in the order of their numbers."""
    holding = {n for v in group.logical_volumes.values() if v.type == BOOT_TYPE for n in v.pv_numbers}
    return [pvid for pvid, pv in group.physical_volumes.items() if pv.number in holding]


def syncvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Synchronise stale copies of logical volumes (`-l`), on disks (`-p`), or in groups (`-v`).

    With `-f` one good copy is taken for the right one and all others are filled again, stale or not.
    """
    given, operands = flags(argv, "ifHP:lpv")
    if "i" in given:
        operands = [*operands, *machine.stdin.read().split()]
    kinds = set(given) & {"l", "p", "v"}
    demand(len(kinds) == 1 and operands)
    kind, status = kinds.pop(), 0
    for operand in operands:
        try:
            name, left = _sync(machine, kind, operand, force="f" in given)
        except CommandFailed as error:
            print(error, file=stderr)
            status = error.status
            continue
        if left:
            print(message("sync-incomplete"), file=stderr)
            print(message("syncvg-failed", group=name), file=stderr)
            status = 1
    return status


def _sync(machine: Machine, kind: str, operand: str, *, force: bool) -> tuple[str, list[str]]:
    """Synchronise one operand; returns the name of its group, and the volumes that have stale PPs still."""
    pvids = None
    if kind == "l":
        name, group = group_of_volume(machine, operand, "syncvg")
        volumes = [operand]
    elif kind == "p":
        disk = disk_called(machine, operand, "syncvg")
        known = devices.group_of(machine.odm, disk.pvid)
        if known is None or disk.pvid is None:
            raise refusal("disk-without-group", program="syncvg", disk=operand)
        name, group = known, varied_on_group(machine, known, "syncvg")
        pvids = [disk.pvid]
        volumes = list(group.logical_volumes)
    else:
        name, group = operand, varied_on_group(machine, operand, "syncvg")
        volumes = list(group.logical_volumes)
    return name, synchronise(machine, group, *volumes, pvids=pvids, force=force)


COMMANDS = {
    "mirrorvg": Command(mirrorvg, changes=True),
    "unmirrorvg": Command(unmirrorvg, changes=True),
    "syncvg": Command(syncvg, changes=True, listens=with_flag("i")),
}
