"""`bootinfo` and `ipl_varyon`: what was booted, and what could be."""

from __future__ import annotations

from typing import TextIO

from .... import lvm
from ....errors import ImageIOError, NotFound
from ....escaping import printable
from ....units import MIB
from ...boot import image as boot
from ...machine.running import Machine
from ...messages import refusal
from ...rootvg import ROOTVG
from ...syntax import Command, demand, flags

KERNEL_BITS = "64"
"""Every release of the profiles can run the 64-bit kernel, and what is in a boot image here is not executed."""


def bootinfo(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Tell the last boot disk (`-b`), its group (`-v`), a disk's size in MB (`-s`), whether it boots (`-B`), `-K`."""
    given, operands = flags(argv, "bvKs:B:")
    demand(len(given) == 1 and not operands)
    asked, name = next(iter(given.items()))
    if asked == "b":
        slot = machine.nvram.last_boot
        print(printable(next((d.name for d in machine.disks() if d.slot == slot), "")), file=stdout)
    elif asked == "v":
        print(ROOTVG, file=stdout)
    elif asked == "K":
        print(KERNEL_BITS, file=stdout)
    else:
        disk = machine.disk(name)
        if disk is None:
            raise refusal("bootinfo-device", disk=name)
        device = machine.device(disk.slot)
        print(device.size // MIB if asked == "s" else int(boot.bootable(device)), file=stdout)


def ipl_varyon(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List the disks that belong to groups, and whether they boot (`-i`)."""
    given, operands = flags(argv, "i")
    demand("i" in given and not operands)
    print(f"{'PVNAME':<16}{'BOOT DEVICE':<16}{'PVID':<40}{'VOLUME GROUP ID'}", file=stdout)
    for disk in machine.disks():
        try:
            device = machine.device(disk.slot)
            found = lvm.scan([device])[0]
        except (NotFound, ImageIOError):
            continue
        if found.vgid is not None:
            answer = "YES" if boot.bootable(device) else "NO"
            pvid = f"{found.pvid or '':0<32}"
            print(f"{printable(disk.name):<16}{answer:<16}{pvid:<40}{found.vgid}", file=stdout)


COMMANDS = {"bootinfo": Command(bootinfo), "ipl_varyon": Command(ipl_varyon)}
