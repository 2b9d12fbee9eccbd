"""What the operands of file-system commands mean: a mount point or a device, with all that is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ....block import BlockDevice
from ....jfs2.superblock import Superblock, read_superblock
from ....lvm import LogicalVolume, VolumeGroup
from ....system.logs import log_of
from ....system.volume_types import LOG_TYPE
from ....units import GIB, MIB, SECTOR
from ...machine.running import Machine
from ...messages import refusal
from ...odm import devices, filesystems
from ...odm.filesystems import PATH, FileSystemStanza
from ..operands import group_of_volume

_SIZE = re.compile(r"([+-]?)(\d{1,15})([MmGg]?)")
_POINT = re.compile(r"/[!-9;-~]*")
"""A mount point is the head of a stanza: no blank, no colon in it."""


@dataclass(frozen=True)
class FileSystemTarget:
    """A logical volume that holds a file system or a log, or is to.

    Attributes:
        name: of the logical volume.
        group_name: of its group.
        group: the group.
        entry: its stanza in /etc/filesystems, if it has one.
        point: where it is mounted now.
    """

    name: str
    group_name: str
    group: VolumeGroup
    entry: FileSystemStanza | None
    point: str | None

    @property
    def path(self) -> str:
        """/dev/NAME."""
        return f"/dev/{self.name}"

    @property
    def volume(self) -> LogicalVolume:
        """The logical volume as it is now."""
        return self.group.logical_volumes[self.name]

    @property
    def superblock(self) -> Superblock:
        """Of the file system; errors as `read_superblock`."""
        return read_superblock(self.volume.device)

    @property
    def log(self) -> str | None:
        """Name of the logical volume that has the log of the file system, its own for an inline log; None if gone."""
        return log_of(self.group, self.name, self.superblock)[0]


@contextmanager
def opened(machine: Machine, target: FileSystemTarget) -> Iterator[tuple[BlockDevice, BlockDevice | None]]:
    """The device of a file system, and that of its log volume where it has one that is there."""
    log = target.log
    with ExitStack() as stack:
        device = stack.enter_context(machine.volume_device(target.name))
        separate = log is not None and log != target.name
        yield device, stack.enter_context(machine.volume_device(log)) if log and separate else None


def find(machine: Machine, operand: str, program: str) -> FileSystemTarget:
    """The logical volume behind an operand: /dev/NAME, /dev/rNAME, NAME, or a mount point.

    Raises:
        CommandFailed: there is no such thing, or its group is not varied on.
    """
    entries = machine.file_system_entries()
    name = operand.removeprefix("/dev/")
    if operand.startswith("/") and name == operand:
        device = next((e.device for e in entries if e.mount_point == operand), None)
        device = device or machine.running.device_at(operand)
        if device is None or not device.startswith("/dev/"):
            raise refusal("fs-no-record", program=program, operand=operand)
        name = device.removeprefix("/dev/")
    elif not machine.odm.get("CuDv", name=name) and machine.odm.get("CuDv", name=name.removeprefix("r")):
        name = name.removeprefix("r")  # the character device
    group_name, group = group_of_volume(machine, name, program)
    if name not in group.logical_volumes:
        raise refusal("volume-unknown", program=program, volume=name)
    path = f"/dev/{name}"
    entry = next((e for e in entries if e.device == path), None)
    return FileSystemTarget(name, group_name, group, entry, machine.running.point_of(path))


def find_entry(machine: Machine, operand: str, program: str) -> FileSystemStanza:
    """The stanza of /etc/filesystems that a mount point or a device names.

    Raises:
        CommandFailed: there is none.
    """
    for entry in machine.file_system_entries():
        if operand in (entry.mount_point, entry.device):
            return entry
    raise refusal("fs-no-record", program=program, operand=operand)


def put_entry(machine: Machine, mount_point: str, entry: FileSystemStanza | None) -> None:
    """Replace a stanza of /etc/filesystems, add it, or remove it."""
    before = machine.root.read(PATH)
    after = filesystems.edited(before, mount_point, entry)
    if after != before:
        machine.write_file(PATH, after)


def mount_point(text: str, program: str) -> str:
    """A new mount point, checked.

    Raises:
        CommandFailed: it is not one.
    """
    point = text.rstrip("/") or "/"
    if not _POINT.fullmatch(point) or any(part in (".", "..") for part in point.split("/")):
        raise refusal("fs-bad-mount-point", program=program, point=text)
    return point


def size_in_bytes(text: str, program: str) -> tuple[str, int]:
    """A size as `crfs` and `chfs` take it: blocks of 512 bytes, or M or G behind it.

    Returns:
        "+", "-" or "", and bytes.

    Raises:
        CommandFailed: it is not one.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise refusal("fs-bad-attribute", program=program, attribute="size", value=text)
    unit = {"m": MIB, "g": GIB}.get(found[3].lower(), SECTOR)
    return found[1], int(found[2]) * unit


def choose_log(machine: Machine, group_name: str, group: VolumeGroup, wanted: str, program: str) -> LogicalVolume:
    """The log volume that a command line names.

    Raises:
        CommandFailed: there is none by this name in the group.
    """
    name = wanted.removeprefix("/dev/")
    found = group.logical_volumes.get(name)
    if found is None or found.type != LOG_TYPE:
        raise refusal("fs-not-a-log", program=program, volume=name, group=group_name)
    return found


def number_of(machine: Machine, group_name: str, volume: LogicalVolume) -> int:
    """Device number of a logical volume: major << 32 | minor."""
    return devices.major_of(machine.odm, group_name) << 32 | volume.minor
