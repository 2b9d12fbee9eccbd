"""Writing to the logical volumes of a group that no system has varied on.

Where an LV has copies, an interruption must not leave them different without a word of it. So its MWC records name
what is being written, as those of a system do, and the next varyon makes it equal [lvm 6].
"""

from __future__ import annotations

from ...arguments import expect
from ...block import BlockDevice
from ...origin import Origin
from ..volume import LogicalVolume
from ..volumegroup import VolumeGroup
from .onlinegroup import OnlineGroup, OnlineVolume


class OfflineWrites:
    """What writes to LVs of one group; a disk that dies under a mirror is gone on without, as a system does.

    Args:
        group: on disks that are open for writing. Nothing is written to it before something is to an LV.
        origin: clock for the stamps.
    """

    def __init__(self, group: VolumeGroup, origin: Origin) -> None:
        self._group, self._origin = group, origin
        self._online: OnlineGroup | None = None
        self._was_clean = True

    def device(self, volume: LogicalVolume) -> BlockDevice:
        """A device to write an LV; one that refuses to be written where a good copy is out of reach."""
        plain = expect(volume, LogicalVolume, "a logical volume").device
        if volume.copies == 1 or not plain.writable:
            return plain
        if self._online is None:
            if self._group.state.absent:  # a change of the group is to be refused then, as without this
                return plain
            self._online = OnlineGroup(self._group, origin=self._origin, votes=self._group.state.quorum_votes)
            self._was_clean = not self._online.names_writes
        return OnlineVolume(self._online, volume)

    def end(self) -> None:
        """Make all copies equal, and say so; to be left out where something went wrong.

        Raises:
            ImageIOError: the group is down.
        """
        if self._online is not None:
            self._online.barrier()
            if self._was_clean:
                self._online.clear_mwc()
            self._group.keeper = None
            self._online = None
