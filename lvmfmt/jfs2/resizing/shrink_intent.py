"""The intent record of a shrink: all that is to be written in place, kept until it is written.

Everything else that a shrink moves is written to free blocks, where nobody looks. What makes it visible, single sectors
with inodes and parts of inode maps, is listed here first; then the superblock says that a shrink is going on, and from
then on the sectors can be written as often as it takes. The head lies in the first page of the work space of fsck,
which is scratch space by definition and stays where it is until all this is done. The form is ours (grade C).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import CorruptImage
from ...units import SECTOR
from ..geometry import Geometry

HEAD = np.dtype(
    [("magic", "S8"), ("blocks", "<i8"), ("at", "<i8"), ("taken", "<i8"), ("freed", "<i8"), ("sectors", "<i8"),
     ("ait2", "<i8"), ("aim2", "<i8"), ("body", "<u4"), ("crc", "<u4")]
)  # fmt: skip
"""Blocks of the file system, byte offset of the body, its counts, the second tables afterwards, checksums."""
SECTOR_ROW = np.dtype([("offset", "<i8"), ("data", "u1", SECTOR)])
"""dtype of a sector to be written: byte offset in the device, and its bytes."""
RANGE = np.dtype("<i8")
MAGIC = b"lvmSHRNK"
_CHUNK = 4096
"""Sectors that are held in memory at a time."""


@dataclass(frozen=True)
class ShrinkIntent:
    """What a shrink has prepared.

    Attributes:
        taken, freed: (first block, length) that are used, and free, afterwards, shape (ranges, 2).
        ait2, aim2: blocks of the second inode table and map afterwards.
        at: byte offset of the sectors in the device.
        count: how many there are.
    """

    taken: NDArray[np.int64]
    freed: NDArray[np.int64]
    ait2: int
    aim2: int
    at: int
    count: int

    def sectors(self, device: BlockDevice) -> Iterator[NDArray[np.void]]:
        """The sectors, arrays of `SECTOR_ROW`."""
        for first in range(0, self.count, _CHUNK):
            rows = min(_CHUNK, self.count - first)
            raw = device.read(self.at + first * SECTOR_ROW.itemsize, rows * SECTOR_ROW.itemsize)
            yield raw.view(SECTOR_ROW)


def body_bytes(ranges: int, sectors: int) -> int:
    """Bytes of an intent record's body."""
    return ranges * 2 * RANGE.itemsize + sectors * SECTOR_ROW.itemsize


def write_intent(
    device: BlockDevice,
    geometry: Geometry,
    at: int,
    *,
    taken: NDArray[np.int64],
    freed: NDArray[np.int64],
    second: tuple[int, int],
    sectors: Iterator[NDArray[np.void]],
) -> None:
    """Write an intent record: its body at byte `at`, then, after a barrier, its head.

    Args:
        device: the file system.
        geometry: of it as it is.
        at: byte offset of free blocks that are enough (`body_bytes`).
        taken, freed: see `ShrinkIntent`.
        second: blocks of the second inode table and map afterwards.
        sectors: arrays of `SECTOR_ROW`.
    """
    place, crc, count = at, 0, 0
    for ranges in (taken, freed):
        raw = np.ascontiguousarray(ranges, RANGE).tobytes()
        device.write(place, raw)
        place, crc = place + len(raw), zlib.crc32(raw, crc)
    for rows in sectors:
        raw = rows.tobytes()
        device.write(place, raw)
        place, crc, count = place + len(raw), zlib.crc32(raw, crc), count + len(rows)
    device.flush()
    head = np.zeros(1, HEAD)
    for name, value in {
        "magic": MAGIC, "blocks": geometry.blocks, "at": at, "taken": len(taken), "freed": len(freed),
        "sectors": count, "ait2": second[0], "aim2": second[1], "body": crc,
    }.items():  # fmt: skip
        head[name] = value
    head["crc"] = zlib.crc32(head.tobytes())
    device.write(_place(geometry), head.tobytes().ljust(SECTOR, b"\0"))
    device.flush()


def read_intent(device: BlockDevice, geometry: Geometry) -> ShrinkIntent | None:
    """The intent record in the work space of fsck, None where there is none.

    Raises:
        CorruptImage: its head is whole, its body is not.
    """
    head = device.read(_place(geometry), HEAD.itemsize).view(HEAD).copy()
    crc, head["crc"] = int(head["crc"][0]), 0
    if head["magic"][0] != MAGIC or crc != zlib.crc32(head.tobytes()) or head["blocks"][0] != geometry.blocks:
        return None
    taken, freed, at = (int(head[name][0]) for name in ("taken", "freed", "at"))
    count = int(head["sectors"][0])
    device.check_range(at, body_bytes(taken + freed, count))
    ranges = device.read(at, body_bytes(taken + freed, 0))
    values = ranges.view(RANGE).reshape(-1, 2).astype(np.int64)
    place = at + ranges.nbytes
    book = ShrinkIntent(values[:taken], values[taken:], int(head["ait2"][0]), int(head["aim2"][0]), place, count)
    found = zlib.crc32(ranges.tobytes())
    for rows in book.sectors(device):
        found = zlib.crc32(rows.tobytes(), found)
    if found != head["body"][0]:
        raise CorruptImage(
            "shrink intent", "body", offset=at, expected=hex(head["body"][0]), found=hex(found), where=device.name
        )
    return book


def erase_intent(device: BlockDevice, geometry: Geometry) -> None:
    """There is no intent record any more; nothing is written where there was none."""
    if device.read(_place(geometry), len(MAGIC)).tobytes() == MAGIC:
        device.flush()
        device.write(_place(geometry), bytes(SECTOR))
        device.flush()


def _place(geometry: Geometry) -> int:
    return geometry.fsck_address * geometry.block_size
