"""Where a file system is, with its log: all that reading, a change, a replay or a repair needs of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from .. import jfs2, lvm
from ..arguments import Checked
from ..block import BlockDevice
from ..errors import CorruptImage, NotFound
from ..origin import Origin


@dataclass(frozen=True)
class FileSystemPlace(Checked):
    """A file system on a device, and its log.

    Attributes:
        device: the file system.
        log: the volume of its log; None for an inline log, or where none is known.
        aggregate: AIX: number of the file system's device, by which a log that several share knows it.
        log_name: name of the logical volume that has the log, its own for an inline log; None where none is known.
    """

    device: BlockDevice
    log: BlockDevice | None = None
    aggregate: int | None = None
    log_name: str | None = None

    def open(self, *, writable: bool = False, replay: bool = True, origin: Origin | None = None) -> jfs2.FileSystem:
        """The file system, for reading or for changes that its log has.

        Args:
            writable: for changes.
            replay: read one that was not unmounted as a replay of its log would leave it; `problems` says so.
            origin: clock of changes; None for that of this machine.

        Raises:
            CorruptImage: there is no file system that makes sense.
            UnsupportedFeature: it uses a feature that this program does not know.
            OperationRefused: it is to be changed, and not in order.
        """
        from ..jfs2.access.recovery import open_recovered

        if writable or not replay:
            return jfs2.FileSystem.open(
                self.device, writable=writable, log_device=self.log, aggregate=self.aggregate, origin=origin
            )
        recovered, notes = open_recovered(self.device, log=self.log, aggregate=self.aggregate)
        files = jfs2.FileSystem.open(recovered)
        files.problems[:0] = notes
        return files


def place_in(
    group: lvm.VolumeGroup,
    name: str,
    log: str | None = None,
    device_of: Callable[[lvm.LogicalVolume], BlockDevice] = attrgetter("device"),
) -> FileSystemPlace:
    """The file system in a logical volume of a group.

    Args:
        group: the group.
        name: of the logical volume.
        log: name of the logical volume with its log; None for the one that the superblock names by its minor number.
        device_of: gives the device of a volume; for writing that of `lvm.OfflineWrites`.

    Raises:
        NotFound: the group has no such volume, or none for the log.
    """
    from ..jfs2.superblock import read_superblock
    from .logs import log_of

    volumes = group.logical_volumes
    for wanted in (name, log or name):
        if wanted not in volumes:
            raise NotFound(f"no logical volume of the group is called {wanted!r}")
    number = None
    try:
        named, number = log_of(group, name, read_superblock(volumes[name].device))
        log = log or named
    except CorruptImage:
        pass  # a repair may find a superblock
    beside = None if log is None or log == name else device_of(volumes[log])
    return FileSystemPlace(device_of(volumes[name]), beside, number, log)
