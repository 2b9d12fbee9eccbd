"""`lspv`: the disks, as the ODM of the running system knows them."""

from __future__ import annotations

from typing import TextIO

from .. import devices, formats
from ..machine import Machine
from ..registry import Command, UsageError, flags


def lspv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List all disks."""
    _, operands = flags(argv, "")
    if operands:
        raise UsageError
    active = {g.name for g in machine.groups() if machine.is_varied_on(g)}
    for disk in machine.disks():
        group = devices.group_of(machine.odm, disk.pvid)
        print(formats.lspv_row(disk.name, disk.pvid, group, "active" if group in active else ""), file=stdout)
    return 0


COMMANDS = {"lspv": Command(lspv, "Usage: lspv")}
