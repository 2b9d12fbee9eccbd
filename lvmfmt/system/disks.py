"""`System`: the volume groups on a set of disks, and the file systems in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from operator import attrgetter

from ..arguments import Checked
from ..block import BlockDevice, DeviceLike, opened_all
from ..errors import NotFound, OperationRefused
from ..jfs2 import FileSystem
from ..jfs2.journal import Mount, SharedLog, mount, open_shared_log
from ..lvm import LogicalVolume, OfflineWrites, VolumeGroup
from ..origin import Origin, origin_or_system
from .groups import find_logical_volume, open_groups
from .mirrored_heads import of_equal_copies
from .place import FileSystemPlace, place_in
from .volume_types import FILE_SYSTEM_TYPE


class System(Checked):
    """Disks that are open; as a context manager it unmounts what it mounted, and closes the images that it opened.

    Made by `open`. After a change of a group the methods see its new state.

    Attributes:
        groups: the volume groups on the disks.
        writable: whether they can be changed.
        origin: clock and identities of changes.
    """

    def __init__(self, groups: Sequence[VolumeGroup], *, writable: bool, origin: Origin | None = None) -> None:
        self.groups = list(groups)
        self.writable = writable
        self.origin = origin_or_system(origin)
        self._mounts: list[Mount] = []
        self._logs: dict[tuple[str, str], SharedLog] = {}
        self._writes: dict[str, OfflineWrites] = {}
        self._opened = ExitStack()

    @classmethod
    def open(
        cls,
        disks: DeviceLike | Iterable[DeviceLike],
        *,
        writable: bool = False,
        origin: Origin | None = None,
    ) -> System:
        """Open the disks of one or more volume groups.

        Args:
            disks: paths of images, which `close` closes, or devices and binary files, which stay the caller's; one or
                several.
            writable: for changes.
            origin: clock and identities of changes; None for those of this machine.

        Raises:
            NotFound: there is no volume group on the disks.
            CorruptImage: a group has no valid VGDA.
            ImageIOError: an image cannot be opened.
        """
        with ExitStack() as stack:
            devices = stack.enter_context(opened_all(disks, writable=writable))
            system = cls(open_groups(devices), writable=writable, origin=origin)
            if not system.groups:
                raise NotFound("there is no volume group on these disks")
            system._opened = stack.pop_all()
        return system

    def __repr__(self) -> str:
        how = "writable" if self.writable else "read-only"
        return f"<System: {len(self.groups)} volume groups, {len(self.file_systems)} file systems, {how}>"

    @property
    def group(self) -> VolumeGroup:
        """The only volume group on the disks.

        Raises:
            OperationRefused: there are several.
        """
        if len(self.groups) != 1:
            raise OperationRefused(f"there are {len(self.groups)} volume groups", hint="`groups` has them all")
        return self.groups[0]

    @property
    def file_systems(self) -> dict[str, str]:
        """Mount point by name of the logical volume; "" for one that is not to be mounted."""
        volumes = (volume for group in self.groups for volume in group.logical_volumes.values())
        return {volume.name: volume.label for volume in volumes if volume.type == FILE_SYSTEM_TYPE}

    def logical_volume(self, name: str) -> LogicalVolume:
        """The logical volume that is called `name`, or whose file system is mounted at `name`.

        Raises:
            NotFound: there is none.
            OperationRefused: several groups have one.
        """
        return find_logical_volume(self.groups, name)[1]

    def place(self, name: str) -> FileSystemPlace:
        """Device and log of the file system in a logical volume, as a check or a repair takes them.

        Args:
            name: of the logical volume, or mount point of the file system.

        Raises:
            NotFound, OperationRefused: as `logical_volume`.
        """
        group, volume = find_logical_volume(self.groups, name)
        return place_in(group, volume.name, device_of=self._device_of(group))

    def file_system(self, name: str, *, writable: bool | None = None, replay: bool = True) -> FileSystem:
        """The file system in a logical volume. Each change mounts it, and unmounts it again.

        Args:
            name: of the logical volume, or mount point of the file system.
            writable: for changes; None if the system is writable.
            replay: read one that was not unmounted as a replay of its log would leave it.

        Raises:
            NotFound, OperationRefused: as `logical_volume`; or it is to be changed, and not in order.
            CorruptImage: there is no file system that makes sense.
        """
        how = self.writable if writable is None else writable
        return self.place(name).open(writable=how, replay=replay, origin=self.origin)

    def mount(self, name: str) -> Mount:
        """Mount a file system for many changes; several that share a log can be mounted at once.

        It is unmounted when its `with` block or that of the system is left without an error.

        Args:
            name: of the logical volume, or mount point of the file system.

        Raises:
            NotFound, OperationRefused: as `logical_volume`; or it is not clean, or its log is not.
            CorruptImage: file system or log make no sense.
        """
        group, volume = find_logical_volume(self.groups, name)
        place = place_in(group, volume.name, device_of=self._device_of(group))
        if place.log_name is None:
            raise OperationRefused("its group has no such log volume as its superblock names", where=volume.name)
        key = (group.vgid, place.log_name)
        if place.log is not None and key not in self._logs:
            self._logs[key] = open_shared_log(place.log)
        shared = self._logs.get(key)
        mounted = mount(place.device, origin=self.origin, log=shared, aggregate=place.aggregate)
        self._mounts.append(mounted)
        return mounted

    def _device_of(self, group: VolumeGroup) -> Callable[[LogicalVolume], BlockDevice]:
        """What gives the device of a volume of a group."""
        if not self.writable:
            return attrgetter("device")
        writes = self._writes.setdefault(group.vgid, OfflineWrites(group, self.origin))
        return of_equal_copies(group, writes.device)

    def close(self) -> None:
        """Unmount what is mounted, and close the images that were opened by their paths."""
        with self._opened:
            for mounted in self._mounts:
                if mounted.is_mounted:
                    mounted.unmount(now=self.origin.now())
            for writes in self._writes.values():
                writes.end()

    def __enter__(self) -> System:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._mounts.clear()  # they may be halfway through a change: their logs have what is true
            self._writes.clear()
        self.close()
