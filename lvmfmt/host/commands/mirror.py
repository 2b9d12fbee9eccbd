"""`unmirrorvg`: takes mirror copies out of a volume group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ...errors import OperationRefused
from ...lvm import VolumeGroup
from .. import devices
from ..machine import Machine
from ..messages import CommandFailed, message
from ..registry import Command, UsageError, flags
from .groups import varied_on_group

BOOT_TYPE = "boot"


def unmirrorvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Remove copies until each logical volume has `-c` of them (default 1), those on the named disks."""
    given, operands = flags(argv, "c:")
    copies = given.get("c", "1")
    if not operands or copies not in ("1", "2"):
        raise UsageError
    name, *disks = operands
    group = varied_on_group(machine, name, "unmirrorvg")
    pvids = [_member(machine, group, name, disk) for disk in disks] or list(reversed(group.physical_volumes))
    plan = _plan(group, pvids, int(copies))
    if not plan:
        raise CommandFailed(message("unmirror-nothing", group=name))
    boot_volumes = [v for v, _ in plan if group.logical_volumes[v].type == BOOT_TYPE]
    with group.change(machine.origin) as change:
        for volume, pvid in plan:
            try:
                change.unmirror(volume, pvid)
            except OperationRefused as error:
                disk = machine.disk_names([pvid])[0]
                raise CommandFailed(message("unmirror-stale", volume=volume, disk=disk)) from error
        change.set_options(quorum=True)
    devices.reconcile(machine.odm, name, group)
    machine.save_odm()
    for volume in dict.fromkeys(boot_volumes):
        print(message("chpv-reminder", volume=volume), file=stderr)
    print(message("quorum-changed"), file=stderr)
    left = " ".join(machine.disk_names(_boot_disks(group, pvids)))
    print(message("unmirrored", group=name, disks=left), file=stderr)
    return 0


def _member(machine: Machine, group: VolumeGroup, name: str, disk_name: str) -> str:
    disk = machine.disk(disk_name)
    if disk is None:
        raise CommandFailed(message("disk-unknown", program="unmirrorvg", disk=disk_name))
    if disk.pvid not in group.physical_volumes:
        raise CommandFailed(message("disk-without-group", program="unmirrorvg", disk=disk.name))
    return disk.pvid


def _plan(group: VolumeGroup, pvids: Sequence[str], copies: int) -> list[tuple[str, str]]:
    """(logical volume, disk) of every copy to remove."""
    numbers = {pv.number: pvid for pvid, pv in group.physical_volumes.items()}
    plan = []
    for name, volume in group.logical_volumes.items():
        present = {numbers[n] for n in volume.pv_numbers}
        spare = volume.copies - copies
        plan += [(name, pvid) for pvid in pvids if pvid in present][: max(spare, 0)]
    return plan


def _boot_disks(group: VolumeGroup, removed: Sequence[str]) -> list[str]:
    """The disks that still hold a boot volume, or, where there is none, all that were not named."""
    numbers = {pv.number: pvid for pvid, pv in group.physical_volumes.items()}
    holding = {n for v in group.logical_volumes.values() if v.type == BOOT_TYPE for n in v.pv_numbers}
    found = [pvid for number, pvid in numbers.items() if number in holding]
    return found or [pvid for pvid in numbers.values() if pvid not in removed]


COMMANDS = {
    "unmirrorvg": Command(unmirrorvg, "Usage: unmirrorvg [-c Copies] VolumeGroup [PhysicalVolume ...]", changes=True)
}
