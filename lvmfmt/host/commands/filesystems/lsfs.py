"""`lsfs`, `lsvgfs`: the file systems of /etc/filesystems."""

from __future__ import annotations

from typing import TextIO

from ....errors import LvmfmtError
from ....escaping import printable
from ....jfs2.superblock import Superblock, read_superblock
from ....units import MIB, SECTOR
from ...machine.running import Machine
from ...messages import refusal
from ...odm import devices
from ...odm.filesystems import FileSystemStanza
from ...syntax import Command, demand, flags
from . import targets

_COLUMNS = "#MountPoint:Device:Vfs:Nodename:Type:Size:Options:AutoMount:Acct"
_NONE = "--"
_MOUNTED_AT_BOOT = ("true", "automatic")


def lsfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List file systems: all, those named, or those of a type of vfs (`-v`) or a mount group (`-u`).

    `-c` prints colons between the fields, `-l` a table, which is the usual form; `-q` adds what the disk says.
    """
    given, operands = flags(argv, "clqav:u:")
    demand(not {"c", "l"} <= set(given) and ("a" not in given or not operands))
    if operands:
        entries = [targets.find_entry(machine, operand, "lsfs") for operand in operands]
    else:
        entries = machine.file_system_entries()
    if "v" in given:
        entries = [entry for entry in entries if entry.vfs == given["v"]]
    if "u" in given:
        entries = [entry for entry in entries if entry.attributes.get("type") == given["u"]]
    print(_COLUMNS if "c" in given else _row(
        "Name", "Nodename", "Mount Pt", "VFS", "Size", "Options", "Auto", "Accounting"
    ), file=stdout)  # fmt: skip
    for entry in entries:
        found = _superblock(machine, entry)
        size = None if found is None else found[1]
        attributes = entry.attributes
        node, options = attributes.get("nodename", ""), attributes.get("options", "")
        auto = "yes" if attributes.get("mount") in _MOUNTED_AT_BOOT else "no"
        account = "yes" if attributes.get("account") == "true" else "no"
        text = "" if size is None else str(size // SECTOR)
        if "c" in given and entry.volume is None:
            text = "0"  # as /proc has it
        if "c" in given:
            fields = [entry.mount_point, entry.device, entry.vfs, node, attributes.get("type", ""), text,
                      options or "rw", auto, account]  # fmt: skip
            print(":".join(map(printable, fields)), file=stdout)
        else:
            print(
                _row(entry.device, node or _NONE, entry.mount_point, entry.vfs, text or _NONE, options or _NONE, auto,
                     account),
                file=stdout,
            )  # fmt: skip
        if "q" in given and found is not None:
            print(_quota(*found, colons="c" in given), file=stdout)


def _row(*fields: str) -> str:
    name, node, point, vfs, size, options, auto, account = map(printable, fields)
    return f"{name:<15} {node:<10} {point:<22} {vfs:<5} {size:<7} {options:<10} {auto:<4} {account}"


def _superblock(machine: Machine, entry: FileSystemStanza) -> tuple[Superblock, int] | None:
    """The superblock of a file system and bytes of its logical volume; None where it cannot be read."""
    if entry.volume is None:
        return None
    try:
        volume = machine.group_of_volume(entry.volume).logical_volumes[entry.volume]
        return read_superblock(volume.device), volume.size
    except LvmfmtError:
        return None


def _quota(superblock: Superblock, lv_size: int, *, colons: bool) -> str:
    """The line of `-q`; with `-c` too, colons stand between its fields."""
    g = superblock.geometry
    log = g.log_blocks * g.block_size
    fields = [
        ("lv size", lv_size // SECTOR),
        ("fs size", lv_size // SECTOR),
        ("block size", g.block_size),
        ("sparse files", "yes"),
        ("inline log", "yes" if log else "no"),
        ("inline log size", log // MIB),
        ("EAformat", f"v{2 if superblock.variable_inode_extents else 1}"),
        ("Quota", "no"),
        ("DMAPI", "no"),
        ("VIX", "yes" if superblock.variable_inode_extents else "no"),
        ("EFS", "no"),
        ("ISNAPSHOT", "no"),
        ("MAXEXT", 0),
        ("MountGuard", "no"),
    ]
    if colons:
        return "(" + ":".join(f"{name} {value}" for name, value in fields) + ")"
    return "  (" + ", ".join(f"{name}: {value}" for name, value in fields) + ")"


def lsvgfs(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """List the mount points of a volume group, in the order of /etc/filesystems."""
    _, operands = flags(argv, "", operands=1)
    known = devices.group(machine.odm, operands[0])
    if known is None:
        raise refusal("group-unknown", program="lsvgfs", group=operands[0])
    volumes = devices.volumes(machine.odm, known.name)
    for entry in machine.file_system_entries():
        if entry.volume in volumes:
            print(printable(entry.mount_point), file=stdout)


COMMANDS = {"lsfs": Command(lsfs), "lsvgfs": Command(lsvgfs)}
