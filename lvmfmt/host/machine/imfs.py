"""Stanzas of /etc/filesystems that come and go with logical volumes (`imfs`); all other bytes of the file stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import suppress

from ...errors import LvmfmtError
from ...lvm import LogicalVolume
from ..messages import message
from ..odm import filesystems
from ..odm.filesystems import PATH, FileSystemStanza
from .running import Machine

_MOUNT_POINT = re.compile(r"/[!-9;-~]*")  # no blank, no colon: it is the head of a stanza
_KEY, _VALUE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), re.compile(r"[!-~]*")


def entry_of(volume: LogicalVolume) -> FileSystemStanza | None:
    """The stanza that the control block of a volume tells: mount point from its label, the rest from its `fs` text.

    None where the volume is not to be mounted, or where the texts do not make a stanza.
    """
    items = dict(item.split("=", 1) for item in volume.fs.split(":") if "=" in item)
    if "vfs" not in items or not _MOUNT_POINT.fullmatch(volume.label):
        return None
    if not all(_KEY.fullmatch(key) and _VALUE.fullmatch(value) for key, value in items.items()):
        return None
    return FileSystemStanza(
        volume.label, f"/dev/{volume.name}", {key: value for key, value in items.items() if key != "dev"}
    )


def add(machine: Machine, volumes: Iterable[LogicalVolume]) -> list[str]:
    """Add the stanzas of volumes, where their mount points are not there yet; a line for each that is.

    The directories to mount on are made (recalled).
    """
    before = data = machine.root.read(PATH)
    points = {entry.mount_point for entry in filesystems.parse(data)}
    lines = []
    added = []
    for volume in volumes:
        entry = entry_of(volume)
        if entry is None:
            continue
        if entry.mount_point in points:
            lines.append(message("mount-point-exists", point=entry.mount_point))
        else:
            points.add(entry.mount_point)
            added.append(entry.mount_point)
            data = filesystems.edited(data, entry.mount_point, entry)
    if data != before:
        machine.write_file(PATH, data)
    for point in added:
        with suppress(LvmfmtError):  # mount says what is in the way
            machine.make_directory(point)
    return lines


def remove(machine: Machine, volumes: Collection[str]) -> None:
    """Remove the stanzas whose devices are these volumes."""
    before = data = machine.root.read(PATH)
    for entry in filesystems.parse(data):
        if entry.volume in volumes:
            data = filesystems.edited(data, entry.mount_point, None)
    if data != before:
        machine.write_file(PATH, data)


def rename(machine: Machine, old: str, new: str) -> None:
    """Let the stanzas that name a volume, as device or as log, name it otherwise."""
    data = machine.root.read(PATH)
    pattern = rb"(?m)^([ \t]+(?:dev|log)[ \t]*=[ \t]*/dev/)" + re.escape(old.encode()) + rb"(?=[ \t\r]*$)"
    renamed = re.sub(pattern, lambda found: found[1] + new.encode(), data)
    if renamed != data:
        machine.write_file(PATH, renamed)
