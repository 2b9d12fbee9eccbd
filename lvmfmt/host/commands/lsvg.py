"""`lsvg`: volume groups, and the logical volumes of one."""

from __future__ import annotations

from typing import TextIO

from ...errors import printable
from ...lvm import LogicalVolume
from .. import devices, formats
from ..machine import Machine
from ..messages import message
from ..registry import Command, UsageError, flags

FILE_SYSTEMS = ("jfs", "jfs2")
LOGS = ("jfslog", "jfs2log")


def lsvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List the groups, those that are varied on (`-o`), or the logical volumes of some (`-l`)."""
    given, operands = flags(argv, "ol")
    if ("l" in given) != bool(operands) or len(given) > 1:
        raise UsageError
    if "l" in given:
        return max(_list_volumes(machine, name, stdout, stderr) for name in operands)
    for group in machine.groups():
        if "o" not in given or machine.is_varied_on(group):
            print(printable(group.name), file=stdout)
    return 0


def _list_volumes(machine: Machine, name: str, stdout: TextIO, stderr: TextIO) -> int:
    known = devices.group(machine.odm, name)
    if known is None:
        print(message("group-unknown", program="", group=name), file=stderr)
        return 1
    if not machine.is_varied_on(known):
        print(message("not-varied-on", program=""), file=stderr)
        return 1
    print(f"{printable(name)}:", file=stdout)
    print(formats.lsvg_volumes_header(machine.profile), file=stdout)
    volumes = machine.group(name).logical_volumes.values()
    mounted = {device.removeprefix("/dev/") for device, _ in machine.running.mounts}
    logs_open = any(v.name in mounted for v in volumes)
    for volume in volumes:
        is_open = volume.name in mounted or volume.type == "paging" or (volume.type in LOGS and logs_open)
        print(_row(machine, volume, is_open), file=stdout)
    return 0


def _row(machine: Machine, volume: LogicalVolume, is_open: bool) -> str:
    state = f"{'open' if is_open else 'closed'}/{'stale' if volume.stale_pps else 'syncd'}"
    mount_point = (volume.label or "N/A") if volume.type in FILE_SYSTEMS else "N/A"
    return formats.lsvg_volumes_row(
        machine.profile,
        volume.name,
        volume.type,
        volume.lps,
        volume.pps,
        len(volume.pv_numbers),
        state,
        mount_point,
    )


COMMANDS = {"lsvg": Command(lsvg, "Usage: lsvg [-o]\n       lsvg -l VGname ...")}
