"""Which logical volume has the log of a file system: its own, or the log volume that its superblock names."""

from __future__ import annotations

from ..errors import NotFound
from ..jfs2.dialect.log_members import MINOR
from ..jfs2.superblock import Superblock
from ..lvm import VolumeGroup
from .volume_types import LOG_TYPE

_MAJOR = 0x7FFFFFFF


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
    if name not in group.logical_volumes:
        raise NotFound(f"no logical volume of the group is called {name!r}")
    named = int(superblock.values["s_logdev"])
    number = (named >> 32 & _MAJOR) << 32 | group.logical_volumes[name].minor
    if superblock.geometry.log_blocks:
        return name, number
    logs = (v for v in group.logical_volumes.values() if v.type == LOG_TYPE and v.minor == named & MINOR)
    return next((v.name for v in logs), None), number
