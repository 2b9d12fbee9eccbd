"""Extents out of damaged trees, new trees for them, and copies of what two own."""

import numpy as np

from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2.nodes.extent_node import FILE_EXTENT
from lvmfmt.jfs2.reading.xtree import read_extents
from lvmfmt.jfs2.repairing.extents import build_tree, copy_shared, salvage_extents
from lvmfmt.jfs2.repairing.unclaimed_blocks import UnclaimedBlocks


def rows(*values):
    return np.array(list(values), FILE_EXTENT)


def free_from(volume, first):
    free = UnclaimedBlocks(volume)
    free.keep(np.array([0]), np.array([first]))
    return free


def test_what_makes_no_sense_is_dropped_and_what_overlaps_is_cut(image):
    i = image("aix")
    root = i.fs.inode("/few").root.copy()
    good = salvage_extents(i.fs.volume, root)
    assert good.dropped == 0 and good.pages == frozenset()
    assert good.extents["offset"].tolist() == [0, 2, 4, 6, 8]
    xads = root[32:].view(i.s.xad.dtype)
    xads["addr_lo"][1] = i.geometry.blocks  # outside
    xads["off_lo"][3] = 4  # over the one before
    found = salvage_extents(i.fs.volume, root)
    assert found.dropped == 2
    assert found.extents["offset"].tolist() == [0, 4, 8]


def test_a_tree_with_pages_is_built_in_free_blocks(image):
    i = image("linux-small")
    device = Overlay(i.device)
    volume = i.fs.superblock.volume(device)
    extents = rows(*((n * 2, 1, 1000 + n * 2, 0) for n in range(300)))
    root, blocks = build_tree(device, volume, free_from(volume, 2000), extents)
    assert blocks == 2  # of 254 entries each
    pages: list[int] = []
    again = read_extents(volume, root, at=0, pages=pages)
    assert (again == extents).all() and pages == [2000, 2001]
    few, none = build_tree(device, volume, free_from(volume, 3000), extents[:16])
    assert none == 0 and (read_extents(volume, few, at=0) == extents[:16]).all()


def test_shared_parts_move_with_their_bytes(image):
    i = image("linux-small")
    device = Overlay(i.device)
    volume = i.fs.superblock.volume(device)
    for block in range(1000, 1010):
        i.device.write(block * 4096, bytes([block - 999]) * 4096)
    moved = copy_shared(
        device, i.device, volume, free_from(volume, 2000), rows((0, 10, 1000, 0)), [(1002, 1004), (1009, 1020)]
    )
    assert moved.tolist() == [(0, 2, 1000, 0), (2, 2, 2000, 0), (4, 5, 1004, 0), (9, 1, 2002, 0)]
    assert device.read(2000 * 4096, 2 * 4096)[[0, 4096]].tolist() == [3, 4]
    assert device.read(2002 * 4096, 1)[0] == 10
    same = copy_shared(device, i.device, volume, free_from(volume, 2000), rows((0, 10, 1000, 0)), [(990, 1000)])
    assert same.tolist() == [(0, 10, 1000, 0)]
