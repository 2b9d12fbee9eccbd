"""`bootlist` and `bosboot`: from which disks the machine boots, and what they boot."""

from __future__ import annotations

from typing import TextIO

from ...errors import LvmfmtError, OperationRefused, printable
from .. import boot
from ..machine import Machine
from ..messages import CommandFailed, message
from ..registry import Command, UsageError, flags
from ..rootvg import BOOT_VOLUME, ROOTVG

MODES = {"normal": ("normal",), "service": ("service",), "both": ("normal", "service")}
DEFAULT_DEVICE = "/dev/ipldevice"


def bootlist(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Set the boot list of a mode, or show it (`-o`)."""
    given, operands = flags(argv, "m:o")
    modes = MODES.get(given.get("m", ""))
    if modes is None or ("o" not in given and not operands):
        raise UsageError
    slots = []
    for name in operands:
        disk = machine.disk(name)
        if disk is None:
            raise CommandFailed(message("bootlist-device", disk=name))
        slots.append(disk.slot)
    for mode in modes:
        if slots:
            machine.set_boot_list(mode, slots)
        if "o" in given:
            for slot in getattr(machine.nvram, mode):
                print(boot_line(machine, slot), file=stdout)
    return 0


def boot_line(machine: Machine, slot: str) -> str:
    """A line of `bootlist -o`: the disk, and its boot volume if it can be booted; `-` for a disk that is gone."""
    name = next((d.name for d in machine.disks() if d.slot == slot), None)
    try:
        valid = boot.bootable(machine.device(slot))
    except LvmfmtError:
        name = None
    if name is None:
        return "-"
    pathid = " pathid=0" if machine.profile.bootlist_pathid else ""
    return f"{printable(name)}{f' blv={BOOT_VOLUME}' if valid else ''}{pathid}"


def bosboot(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Build a boot image and make disks boot it: every disk with a copy of the boot volume, or the one given (`-d`)."""
    given, operands = flags(argv, "ad:")
    if operands or "a" not in given:
        raise UsageError
    name = given.get("d", DEFAULT_DEVICE)
    disk = machine.disk(name)
    if disk is None and name != DEFAULT_DEVICE:
        raise CommandFailed(message("bosboot-device"))
    target = machine.device(disk.slot) if disk else None
    shown = disk.name if disk else machine.running.booted
    volume = machine.group(ROOTVG).logical_volumes.get(BOOT_VOLUME)
    try:
        holders = [copy.disk for copy in boot.boot_copies(volume)] if volume else []
        if volume is None or (target is not None and target not in holders):
            raise CommandFailed(message("bosboot-no-volume", volume=BOOT_VOLUME, disk=shown))
        image = boot.compose(machine.read_file, machine.odm.files(), machine.origin)
        blocks = boot.install(volume, image, lambda device: target is None or device is target)
    except OperationRefused as error:
        raise CommandFailed(error.what) from error
    print(message("bosboot-done", blocks=blocks), file=stdout)
    return 0


COMMANDS = {
    "bootlist": Command(bootlist, "Usage: bootlist -m normal|service|both [-o] [Device ...]"),
    "bosboot": Command(bosboot, "Usage: bosboot -a [-d Device]", changes=True),
}
