"""`df`: sizes and free space of the mounted file systems."""

from __future__ import annotations

from typing import TextIO

from ...units import ceil_div
from .. import formats
from ..machine import Machine
from ..registry import Command, UsageError, flags


def df(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List the mounted file systems in MB (`-m`), in the order in which they were mounted."""
    given, operands = flags(argv, "m")
    if operands or "m" not in given:
        raise UsageError
    print(formats.df_header("MB blocks"), file=stdout)
    for device, mount_point in machine.running.mounts:
        if not device.startswith("/dev/"):
            print(formats.df_pseudo_row(device, mount_point), file=stdout)
            continue
        files = machine.mounted(mount_point)
        counts = files.statfs()
        # JFS2 makes inodes as it needs them. AIX's %Iused follows no simple rule; this one says how many more the
        # free space could hold, at a block each
        percent = ceil_div(100 * counts.inodes_used, counts.inodes_used + counts.free_blocks)
        row = formats.df_row(
            device,
            files.device.size,  # AIX counts the work area of fsck in too
            counts.free_blocks * files.block_size,
            counts.inodes_used,
            percent,
            mount_point,
        )
        print(row, file=stdout)
    return 0


COMMANDS = {"df": Command(df, "Usage: df -m")}
