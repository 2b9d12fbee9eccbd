"""File systems to mount: built empty, with inline or external logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.jfs2 import AIX, LINUX, Dialect, FileSystem, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.journal.block_map import MountedBlockMap
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.reading.xtree import read_extents
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
MIB = 1 << 20


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., BlockDevice]:
    """`volume(AIX)` is a new file system with a root directory, writable."""

    def make(dialect: Dialect, size: int = 16 * MIB, **options: Any) -> BlockDevice:
        tree = InventoryBuilder()
        tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
        path = tmp_path / f"{dialect.name}{len(list(tmp_path.iterdir()))}.img"
        image = ImageFile.create(path, size)
        build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), **{"log": InlineLog(), **options})
        return image

    return make


def shrink_directory(device: BlockDevice, size: int) -> None:
    """Give /d, whose ten entries are in a page of 4096 bytes, a page of `size` bytes at the same place."""
    fs = FileSystem.open(device)
    inode, block = fs.inode("/d"), fs.block_size
    row = inode.row.copy()
    root = row["root"][0]
    slot = root[24] * 32  # the only router
    address = int.from_bytes(root[slot + 3 : slot + 8].tobytes(), "big")
    names = [entry.name for entry in fs.entries(inode)]
    numbers = [entry.number for entry in fs.entries(inode)]
    slots, width = size // 32, {512: 1, 1024: 1, 2048: 2}[size]
    page = np.zeros(size, np.uint8)
    first, free = 1 + width, 1 + width + len(numbers)
    page[16:22] = [2, len(numbers), slots - free, free, slots, 1]
    page[24:32] = np.frombuffer((size // block).to_bytes(3, "big") + address.to_bytes(5, "big"), np.uint8)
    page[32 : 32 + len(numbers)] = range(first, free)
    for i, number in enumerate(numbers):
        entry = number.to_bytes(8, "big") + bytes([0xFF, len(names[i])]) + names[i]
        page[(first + i) * 32 :][: len(entry)] = np.frombuffer(entry, np.uint8)
    for i in range(free, slots):
        page[i * 32 : i * 32 + 2] = [i + 1 if i + 1 < slots else 0xFF, 1]
    device.write(address * block, page)
    root[slot : slot + 8] = page[24:32]
    row["di_size"], row["di_nblocks"] = size, size // block
    device.write(inode.at, row)
    map_inode = fs.inodes.aggregate_inode(2)
    file = MapFile(fs.volume, read_extents(fs.volume, map_inode.root, at=map_inode.root_at))
    bits = MountedBlockMap(fs.superblock.geometry, file)
    bits.mark(address + size // block, (4096 - size) // block, False)
    bits.write()


@pytest.fixture
def shrink() -> Callable[[BlockDevice, int], None]:
    """See `shrink_directory`."""
    return shrink_directory
