"""`reducevg`: takes disks out of a volume group."""

from __future__ import annotations

from collections.abc import Container
from typing import TextIO

from .. import devices
from ..machine import Machine
from ..messages import CommandFailed, message
from ..registry import Command, UsageError, flags
from .groups import varied_on_group


def reducevg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Remove disks, which keep their PVIDs; all of them, or none when one of them cannot go."""
    _, operands = flags(argv, "")
    if len(operands) < 2:
        raise UsageError
    name, *disks = operands
    group = varied_on_group(machine, name, "reducevg")
    pvids = [_member(machine, group.physical_volumes, disk) for disk in disks]
    if len(set(pvids)) != len(pvids):
        raise UsageError
    for disk, pvid in zip(disks, pvids, strict=True):
        if group.physical_volumes[pvid].used.any():
            raise CommandFailed(message("partitions-in-use"), message("reducevg-failed", disk=disk))
    with group.change(machine.origin) as change:
        for pvid in pvids:
            change.remove_pv(pvid)
    devices.reconcile(machine.odm, name, group)
    machine.save_odm()
    return 0


def _member(machine: Machine, members: Container[str], name: str) -> str:
    disk = machine.disk(name)
    pvid = disk.pvid if disk else name
    if disk is None and name not in members:
        raise CommandFailed(message("disk-unknown", program="reducevg", disk=name))
    if pvid is None or pvid not in members:
        raise CommandFailed(message("disk-without-group", program="reducevg", disk=name))
    return pvid


COMMANDS = {"reducevg": Command(reducevg, "Usage: reducevg VGname PVname ...", changes=True)}
