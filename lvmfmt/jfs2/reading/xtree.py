"""Reading extent trees: which blocks hold which part of a file.

Source: [jfs2 2.4], [jfs2 invariants 52 to 58].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nodes.extent_node import ROOT_MAXENTRY, ExtentNodeCodec, ExtentTreeLimits
from ..nodes.extent_tree import walk
from ..nodes.packed_extents import ENTRY
from ..volume import Volume


def tree_limits(volume: Volume, root: NDArray[np.uint8]) -> ExtentTreeLimits:
    """What holds for the nodes of a tree with this root, of a file or (96 bytes) of the index of a directory."""
    room = len(root) // ENTRY
    capacities = volume.dialect.root_capacities if room == ROOT_MAXENTRY else (room,)
    return ExtentTreeLimits(volume.blocks, volume.blocks_per_page, capacities)


def read_extents(volume: Volume, root: NDArray[np.uint8], *, at: int, pages: list[int] | None = None) -> NDArray[Any]:
    """All extents of a tree in ascending offset: array of `FILE_EXTENT`.

    Args:
        volume: the file system.
        root: the tree root, at least header and entries: 288 bytes (96 for the index of a directory).
        at: byte offset of the root in the device, for messages.
        pages: receives the block address of every page of the tree.

    Raises:
        CorruptImage: the tree makes no sense.
    """
    found: list[NDArray[Any]] = []
    codec, bpp = ExtentNodeCodec(volume.dialect), volume.blocks_per_page
    for place, node in walk(codec, root, tree_limits(volume, root), read=lambda block: volume.read(block, bpp)):
        for fault in node.faults:
            if fault.misleads:
                raise volume.refuse(fault, at if place.block is None else place.block * volume.block_size)
        if node.is_leaf:
            found.append(node.entries)
        if pages is not None and place.block is not None:
            pages.append(place.block)
    if pages is not None:
        pages.sort()
    return np.concatenate(found) if len(found) != 1 else found[0]
