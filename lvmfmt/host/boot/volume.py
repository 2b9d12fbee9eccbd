"""The boot logical volume (hd5): its copies, two slots for images in each, and boot records that point to one of them.

A new image goes into the slot that the boot record does not point to, and the record, one sector, is written last: a
`bosboot` that is interrupted leaves the old image bootable. The slots are our own (grade C).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...block import BlockDevice, PieceList
from ...errors import CorruptImage, ImageIOError, NoSpace, OperationRefused
from ...layout.boot_image import BOOT_IMAGE, BOOT_STAMP
from ...lvm import LogicalVolume, answers, read_boot_record, write_boot_record
from ...units import SECTOR, align_up
from ..messages import message
from .image import STAMP_FIELD, STAMP_MAGIC, find_image

_FIRST_SLOT = 4096  # the LVCB lies before it


@dataclass(frozen=True)
class BootCopy:
    """A copy of the boot logical volume on one disk: a run of bytes."""

    disk: BlockDevice
    offset: int
    length: int


def boot_copies(volume: LogicalVolume) -> list[BootCopy]:
    """Where the copies of a boot logical volume lie.

    Raises:
        OperationRefused: a copy is not one run of bytes, so firmware could not load from it.
    """
    found = []
    here = [bool(row.all()) for row in volume.within_reach(volume.map.held)]
    for number in range(1, volume.copies + 1):
        if not here[number - 1] and any(here):
            continue  # on a disk that has failed
        copy = volume.copy_device(number)
        pieces = copy.pieces if isinstance(copy, PieceList) else []
        if len(pieces) != 1:
            raise OperationRefused("a copy of the boot logical volume is not one run of partitions", where=volume.name)
        found.append(BootCopy(*pieces[0]))
    return found


def slot_size(size: int) -> int:
    """Bytes of the largest image that fits a boot logical volume of `size` bytes."""
    return (size - _FIRST_SLOT) // 2 // SECTOR * SECTOR


def volume_size(image_size: int) -> int:
    """Bytes that a boot logical volume needs for images of `image_size` bytes."""
    return _FIRST_SLOT + 2 * align_up(image_size, SECTOR)


def install(
    volume: LogicalVolume,
    image: bytes,
    start_from: Callable[[BlockDevice], bool] = lambda _: True,
    device: BlockDevice | None = None,
) -> int:
    """Write an image into a boot logical volume and make disks boot it; returns its length in blocks.

    Args:
        volume: the logical volume; every copy of it receives the image.
        image: as `build_image` makes it.
        start_from: which of the disks that hold a copy get a boot record for the image.
        device: the volume opened for writing, if its group is varied on: a disk that fails becomes stale there.

    Raises:
        ImageIOError: no disk took the image, or one that answers did not take its boot record.
        NoSpace: the image does not fit a slot.
        OperationRefused: a copy is not contiguous.
    """
    copies = boot_copies(volume)
    size = slot_size(volume.size)
    if len(image) > size:
        raise NoSpace(message("bosboot-no-room", blocks=len(image) // SECTOR, volume=volume.name, slot=size // SECTOR))
    offsets = (_FIRST_SLOT, _FIRST_SLOT + size)
    current = next((at for copy in copies if (at := _current_offset(copy)) is not None), None)
    slot = 1 if current == offsets[0] else 0
    device = device or volume.device
    device.write(offsets[slot], image)
    device.flush()
    header = BOOT_IMAGE.parse(image)
    for copy in copies:
        if start_from(copy.disk):
            try:
                _write_record(copy, offsets[slot], header.blocks, header.base_blocks, header.stamp)
            except ImageIOError:
                if answers(copy.disk) or len(copies) == 1:
                    raise
    return int(header.blocks)


def _current_offset(copy: BootCopy) -> int | None:
    """Where in its copy of the volume the image lies that a disk boots now."""
    try:
        return find_image(copy.disk).offset - copy.offset
    except (CorruptImage, ImageIOError):
        return None


def _write_record(copy: BootCopy, at: int, blocks: int, base_blocks: int, stamp: int) -> None:
    fields: dict[str, object] = {}
    for prefix in ("boot", "ser"):
        fields |= {
            f"{prefix}_code_length": blocks,
            f"{prefix}_lv_start": copy.offset // SECTOR,
            f"{prefix}_prg_start": (copy.offset + at) // SECTOR,
            f"{prefix}_lv_length": copy.length // SECTOR,
        }
    for mode in ("basecn", "basecs"):
        fields |= {f"{mode}_start": (copy.offset + at) // SECTOR + 1, f"{mode}_length": min(base_blocks, 0xFFFF)}
    room = len(getattr(read_boot_record(copy.disk), STAMP_FIELD))
    fields[STAMP_FIELD] = BOOT_STAMP.build({"magic": STAMP_MAGIC, "stamp": stamp}).ljust(room, b"\0")
    write_boot_record(copy.disk, **fields)
