"""Directories of AIX whose only page is smaller than 4096 bytes (2.5, 3.5 step 3): made by hand, then changed."""

import numpy as np
import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import AIX, FileSystem
from lvmfmt.jfs2.check import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.block_map import MountedBlockMap
from lvmfmt.jfs2.log import redo
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.reading.xtree import read_extents
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
NAMES = [f"name{i}" for i in range(10)]


def shrink(device, size):
    """Give /d, whose ten entries are in a page of 4096 bytes, a page of `size` bytes at the same place."""
    fs = FileSystem.open(device)
    inode, block = fs.inode("/d"), fs.block_size
    row = inode.row.copy()
    root = row["root"][0]
    slot = root[24] * 32  # the only router
    address = int.from_bytes(root[slot + 3 : slot + 8].tobytes(), "big")
    numbers = [entry.number for entry in fs.entries(inode)]
    slots, width = size // 32, {512: 1, 1024: 1, 2048: 2}[size]
    page = np.zeros(size, np.uint8)
    first, free = 1 + width, 1 + width + len(numbers)
    page[16:22] = [2, len(numbers), slots - free, free, slots, 1]
    page[24:32] = np.frombuffer((size // block).to_bytes(3, "big") + address.to_bytes(5, "big"), np.uint8)
    page[32 : 32 + len(numbers)] = range(first, free)
    for i, number in enumerate(numbers):
        entry = number.to_bytes(8, "big") + bytes([0xFF, len(NAMES[i])]) + NAMES[i].encode()
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


@pytest.mark.parametrize(("block_size", "size"), [(512, 512), (512, 2048), (1024, 1024), (2048, 2048)])
def test_a_small_page_is_read_and_gives_way_to_a_full_one(volume, block_size, size):
    device = volume(AIX, block_size=block_size)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.mkdir("/d", now=NOW)
        for name in NAMES:
            mounted.create(f"/d/{name}", now=NOW)
    shrink(device, size)
    assert [str(f) for f in check(device).findings] == []
    for change in (
        lambda m: m.create("/d/new", now=NOW),
        lambda m: m.unlink("/d/name3", now=NOW),
        lambda m: m.rename("/d/name3", "/d/name4", now=NOW),
        lambda m: [m.unlink(f"/d/{name}", now=NOW) for name in NAMES],
    ):
        changed = Overlay(device)
        mounted = mount(changed, origin=FixedOrigin(NOW))
        assert mounted.listdir("/d") == NAMES and mounted.exists("/d/name9")
        change(mounted)
        left = mounted.listdir("/d")
        mounted.sync()
        crashed = Overlay(changed)
        redo(crashed)
        check_state(crashed, left)  # before the unmount writes what lies below
        mounted.unmount()
        check_state(changed, left)


def check_state(device, names):
    assert [str(f) for f in check(device).findings] == []
    assert FileSystem.open(device).listdir("/d") == names
