"""Opening the file system on a logical volume, with the log volume of its group that it shares with others."""

from __future__ import annotations

from ..jfs2 import FileSystem
from ..jfs2.superblock import read_superblock
from ..lvm import VolumeGroup

_LOG_TYPE = "jfs2log"
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
    named = int(read_superblock(volume.device).values["s_logdev"])
    logs = (other for other in group.logical_volumes.values() if other.type == _LOG_TYPE)
    log = next((other.device for other in logs if other.minor == named & _MINOR), None)
    major = named >> 32 & 0x7FFFFFFF
    return FileSystem.open(volume.device, writable=True, log_device=log, aggregate=major << 32 | volume.minor)
