"""Opening what a command works on: images, and the logical volume or range of them that it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import block
from ..block import BlockDevice, Window
from ..errors import CorruptImage, ImageIOError, NotFound, OperationRefused

if TYPE_CHECKING:  # a plain image needs nothing of volume groups
    from ..lvm import LogicalVolume, VolumeGroup


@contextmanager
def open_volume(
    images: Sequence[str], *, lv: str | None = None, offset: int | None = None, writable: bool = False
) -> Iterator[BlockDevice]:
    """Open images and yield the device meant on them; leaving closes them.

    Args:
        images: paths of the disks of one or more volume groups, or of one image.
        lv: name of a logical volume on them.
        offset: byte of the one image where the device begins.
        writable: open for writing.

    Raises:
        NotFound: no group on these images has such a logical volume.
        OperationRefused: several images without a logical volume's name, or several groups have one of that name.
    """
    with ExitStack() as stack:
        devices = [stack.enter_context(block.open(image, writable=writable)) for image in images]
        yield find_volume(devices, lv) if lv is not None else _only(devices, offset)


@dataclass(frozen=True)
class Logged:
    """A file system with what a replay, a repair or a change needs beside it.

    Attributes:
        device: the file system.
        log: the volume of its log; None for an inline log, or where none is known.
        aggregate: AIX: number of the file system's device, by which a log that several share knows it.
    """

    device: BlockDevice
    log: BlockDevice | None = None
    aggregate: int | None = None


@contextmanager
def open_logged(
    images: Sequence[str],
    *,
    lv: str | None = None,
    offset: int | None = None,
    log: str | None = None,
    writable: bool = False,
    layer: Callable[[BlockDevice], BlockDevice] | None = None,
) -> Iterator[Logged]:
    """As `open_volume`, and yield the log with it: beside a logical volume it is found by the minor number.

    Args:
        images: paths of the disks of one or more volume groups, or of one image.
        lv: name of a logical volume on them.
        offset: byte of the one image where the file system begins.
        log: name of the log's volume with `lv`, else path of its image; None for the one that the superblock names.
        writable: open for writing.
        layer: goes over each image.

    Raises:
        NotFound: no group on these images has such a logical volume.
        OperationRefused: several images without a logical volume's name, or several groups have one of that name.
    """
    with ExitStack() as stack:

        def opened(path: str) -> BlockDevice:
            image = stack.enter_context(block.open(path, writable=writable))
            return image if layer is None else layer(image)

        devices = [opened(image) for image in images]
        if lv is not None:
            yield _logged(*find_logical_volume(devices, lv), log)
        else:
            yield Logged(_only(devices, offset), None if log is None else opened(log))


def _logged(group: VolumeGroup, volume: LogicalVolume, log: str | None) -> Logged:
    from ..host.machine.volumes import log_of
    from ..jfs2.superblock import read_superblock

    if log is not None and log not in group.logical_volumes:
        raise NotFound(f"no logical volume of the group is called {log!r}")
    try:
        named, number = log_of(group, volume.name, read_superblock(volume.device))
    except CorruptImage:  # a repair may find a superblock
        named, number = None, None
    name = log if log is not None else named
    beside = None if name in (None, volume.name) else group.logical_volumes[str(name)].device
    return Logged(volume.device, beside, number)


def _only(devices: Sequence[BlockDevice], offset: int | None) -> BlockDevice:
    if len(devices) != 1:
        raise OperationRefused(f"{len(devices)} images, and nothing says which volume", hint="name it with --lv")
    if offset is None:
        return devices[0]
    if offset >= devices[0].size:
        raise ImageIOError(f"byte {offset} is beyond the end ({devices[0].size} bytes)", where=devices[0].name)
    return Window(devices[0], offset)


def find_volume(devices: Sequence[BlockDevice], name: str) -> BlockDevice:
    """The logical volume called `name` of the only group on `devices` that has one."""
    return find_logical_volume(devices, name)[1].device


def find_logical_volume(devices: Sequence[BlockDevice], name: str) -> tuple[VolumeGroup, LogicalVolume]:
    """The only logical volume called `name` on `devices`, and its group.

    Raises:
        NotFound: no group on these images has such a logical volume.
        OperationRefused: several groups have one of that name.
    """
    groups = open_groups(devices)
    found = [group for group in groups if name in group.logical_volumes]
    if len(found) == 1:
        return found[0], found[0].logical_volumes[name]
    if found:
        vgids = ", ".join(group.vgid for group in found)
        raise OperationRefused(
            f"{len(found)} volume groups have an LV {name!r}: {vgids}", hint="name the images of one"
        )
    names = [known for group in groups for known in group.logical_volumes]
    hint = f"there are {', '.join(names)}" if names else "there is no volume group on these images"
    raise NotFound(f"no logical volume is called {name!r}", hint=hint)


def open_groups(devices: Sequence[BlockDevice]) -> list[VolumeGroup]:
    """The volume groups on `devices`, in the order of their first disks."""
    from ..lvm import VolumeGroup

    return [VolumeGroup.open(members) for members in by_group(devices).values()]


def by_group(devices: Sequence[BlockDevice]) -> dict[str, list[BlockDevice]]:
    """The disks of each volume group by VGID; disks whose LVM records are lost are in none."""
    from ..lvm import scan

    groups: dict[str, list[BlockDevice]] = {}
    for device, disk in zip(devices, scan(devices), strict=True):
        if disk.vgid:
            groups.setdefault(disk.vgid, []).append(device)
    return groups
