"""`df`: sizes and free space of the mounted file systems."""

from __future__ import annotations

from typing import TextIO

from ....errors import NotFound
from ....units import GIB, KIB, MIB, SECTOR
from ...formats import rows
from ...machine.paths import holder
from ...machine.running import Machine
from ...messages import refusal
from ...syntax import Command, demand, flags

_UNITS = {"m": ("MB blocks", MIB), "g": ("GB blocks", GIB), "k": ("1024-blocks", KIB)}
_BLOCKS = ("512-blocks", SECTOR)
_BLOCK = 4 * KIB


def df(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List the mounted file systems, or those that hold the operands, in the order in which they were mounted.

    In blocks of 512 bytes, `-k` KB, `-m` MB, `-g` GB; with `-I` what is used in place of inodes.
    """
    given, operands = flags(argv, "mkgIivtP")
    units = {"m", "k", "g"} & set(given)
    demand(len(units) <= 1 and not {"P", "v", "t"} & set(given))
    name, _ = unit = _UNITS[units.pop()] if units else _BLOCKS
    used = "I" in given
    print(rows.df_used_header(name) if used else rows.df_header(name), file=stdout)
    for device, point in _chosen(machine, operands):
        if not device.startswith("/dev/"):
            row = rows.df_used_pseudo_row(device, point, name) if used else rows.df_pseudo_row(device, point, name)
            print(row, file=stdout)
            continue
        files = machine.mounted(point)
        counts = files.statfs()
        size, free = files.device.size, counts.free_blocks * files.block_size  # AIX counts the work area of fsck in
        if used:
            print(rows.df_used_row(device, size, free, point, unit), file=stdout)
            continue
        percent = rows.percent_inodes(counts.inodes_used, counts.inodes_backed, free // _BLOCK)
        print(rows.df_row(device, size, free, counts.inodes_used, percent, point, unit), file=stdout)


def _chosen(machine: Machine, operands: list[str]) -> list[tuple[str, str]]:
    """Device and mount point of what is to be listed; an operand is a device, or a file in the file system."""
    mounts = list(machine.running.mounts)
    chosen = []
    for operand in operands:
        found = [m for m in mounts if operand == m[0] or (operand.rstrip("/") or "/") == m[1]]
        if not found and operand.startswith("/"):
            point, inside = holder((p for _, p in mounts), operand)
            try:
                machine.mounted(point).stat(inside)
            except NotFound as error:
                raise refusal("df-unknown", operand=operand) from error
            found = [m for m in mounts if m[1] == point]
        if not found:
            raise refusal("df-unknown", operand=operand)
        chosen += found[:1]
    return chosen if operands else mounts


COMMANDS = {"df": Command(df)}
