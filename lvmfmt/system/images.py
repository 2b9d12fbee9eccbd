"""Opening what a command works on: images, and the logical volume or range of them that it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING

from ..block import BlockDevice, DeviceLike, Window, opened, opened_all
from ..errors import ImageIOError, LvmfmtError, OperationRefused
from ..origin import Origin, origin_or_system
from .place import FileSystemPlace, place_in

if TYPE_CHECKING:
    from ..lvm import LogicalVolume, VolumeGroup


@contextmanager
def open_volume(
    images: DeviceLike | Iterable[DeviceLike],
    *,
    lv: str | None = None,
    offset: int | None = None,
    writable: bool = False,
    tell: Callable[[str], None] | None = None,
    numbers: Mapping[int, str] | None = None,
    origin: Origin | None = None,
) -> Iterator[BlockDevice]:
    """Open images and yield the device meant on them; leaving closes them.

    Args:
        images: the disks of one or more volume groups, or one image.
        lv: name of a logical volume on them, or mount point of its file system.
        offset: byte of the one image where the device begins.
        writable: open for writing.
        tell: is told what may make the content of a logical volume old, wrong or missing.
        numbers: which image is which PV as a person says it: names of images by PV number.
        origin: clock of what is written beside a mirrored volume; None for that of this machine.

    Raises:
        NotFound: no group on these images has such a logical volume.
        OperationRefused: several images without a logical volume's name, or several groups have one of that name.
    """
    with opened_all(images, writable=writable) as devices:
        if lv is None:
            yield _only(devices, offset)
        else:
            group, volume = _volume(devices, lv, tell, infer=not writable, numbers=numbers)
            with _devices(group, origin, writable=writable) as device_of:
                yield device_of(volume)


@contextmanager
def open_place(
    images: DeviceLike | Iterable[DeviceLike],
    *,
    lv: str | None = None,
    offset: int | None = None,
    log: str | None = None,
    writable: bool = False,
    layer: Callable[[BlockDevice], BlockDevice] | None = None,
    tell: Callable[[str], None] | None = None,
    numbers: Mapping[int, str] | None = None,
    origin: Origin | None = None,
) -> Iterator[FileSystemPlace]:
    """As `open_volume`, and yield the log with it: beside a logical volume it is found by the minor number.

    Args:
        images: the disks of one or more volume groups, or one image.
        lv: name of a logical volume on them, or mount point of its file system.
        offset: byte of the one image where the file system begins.
        log: name of the log's volume with `lv`, else path of its image; None for the one that the superblock names.
        writable: open for writing.
        layer: goes over each image.
        tell: is told what may make the content of the logical volume old, wrong or missing.
        numbers: which image is which PV as a person says it: names of images by PV number.
        origin: clock of what is written beside a mirrored volume; None for that of this machine.

    Raises:
        NotFound: no group on these images has such a logical volume.
        OperationRefused: several images without a logical volume's name, or several groups have one of that name.
    """
    with ExitStack() as stack:
        devices = stack.enter_context(opened_all(images, writable=writable))
        if layer is not None:
            devices = [layer(device) for device in devices]
        if lv is None:
            beside = None if log is None else stack.enter_context(opened(log, writable=writable))
            yield FileSystemPlace(_only(devices, offset), layer(beside) if layer and beside else beside)
        else:
            group, volume = _volume(devices, lv, tell, infer=not writable, numbers=numbers)
            with _devices(group, origin, writable=writable) as device_of:
                yield place_in(group, volume.name, log, device_of)


@contextmanager
def _devices(
    group: VolumeGroup, origin: Origin | None, *, writable: bool
) -> Iterator[Callable[[LogicalVolume], BlockDevice]]:
    """What gives the device of a volume of a group; what was written is in all copies at the end, or noted."""
    if not writable:
        yield attrgetter("device")
        return
    from ..lvm import OfflineWrites
    from .mirrored_heads import of_equal_copies

    writes = OfflineWrites(group, origin_or_system(origin))
    try:
        yield of_equal_copies(group, writes.device)
    except ImageIOError:
        raise
    except LvmfmtError:
        writes.end()
        raise
    writes.end()


def _volume(
    devices: Sequence[BlockDevice],
    name: str,
    tell: Callable[[str], None] | None,
    *,
    infer: bool,
    numbers: Mapping[int, str] | None,
) -> tuple[VolumeGroup, LogicalVolume]:
    """The logical volume, and what there is to doubt about it told."""
    from ..lvm import doubts
    from .groups import find_logical_volume, open_groups
    from .mirrored_heads import unequal_heads

    group, volume = find_logical_volume(open_groups(devices, infer=infer, numbers=numbers), name)
    if tell is not None:
        for doubt in doubts(group, volume, [*group.problems, *unequal_heads(group, volume.name)]):
            if doubt.misleads:
                tell(doubt.text if doubt.text.startswith(f"{volume.name}: ") else f"{volume.name}: {doubt.text}")
    return group, volume


def _only(devices: Sequence[BlockDevice], offset: int | None) -> BlockDevice:
    if len(devices) != 1:
        raise OperationRefused(f"{len(devices)} images, and nothing says which volume", hint="name it with --lv")
    if offset is None:
        return devices[0]
    if offset >= devices[0].size:
        raise ImageIOError(f"byte {offset} is beyond the end ({devices[0].size} bytes)", where=devices[0].name)
    return Window(devices[0], offset)
