"""Opening the file system on a logical volume, with the log volume of its group that it shares with others."""

from __future__ import annotations

from ...jfs2 import FileSystem
from ...jfs2.superblock import Superblock, read_superblock
from ...lvm import LogicalVolume, VolumeGroup

LOG_TYPE = "jfs2log"
_MINOR = 0xFFFFFFFF


def open_file_system(group: VolumeGroup, name: str, *, writable: bool) -> FileSystem:
    """The file system on the logical volume `name`, for changes with its log.

    An external log is the log volume whose minor number the superblock names; where there is none, changes are not
    logged.

    Raises:
        CorruptImage: there is no file system that makes sense.
        OperationRefused: it is to be written, and not in order.
    """
    volume = group.logical_volumes[name]
    if not writable:
        return FileSystem.open(volume.device)
    log, number = log_of(group, name, read_superblock(volume.device))
    device = group.logical_volumes[log].device if log is not None and log != name else None
    return FileSystem.open(volume.device, writable=True, log_device=device, aggregate=number)


def log_of(group: VolumeGroup, name: str, superblock: Superblock) -> tuple[str | None, int]:
    """Which logical volume has the log of a file system, and by which number the log knows the file system.

    Args:
        group: the group of the file system.
        name: of its logical volume.
        superblock: of it.

    Returns:
        Name of the log volume, of the file system's own volume for an inline log, None if there is no such volume;
        and major number << 32 | minor number of the file system.
    """
    named = int(superblock.values["s_logdev"])
    number = (named >> 32 & 0x7FFFFFFF) << 32 | group.logical_volumes[name].minor
    if superblock.geometry.log_blocks:
        return name, number
    log = log_volume(group, superblock)
    return (None if log is None else log.name), number


def log_volume(group: VolumeGroup, superblock: Superblock) -> LogicalVolume | None:
    """The log volume that a superblock names by its minor number; None for an inline log, or where it is gone."""
    if superblock.geometry.log_blocks:
        return None
    minor = int(superblock.values["s_logdev"]) & _MINOR
    return next((v for v in group.logical_volumes.values() if v.type == LOG_TYPE and v.minor == minor), None)
