"""Extent trees: what can still be read of a damaged one, and a new one from it.

Source: [jfs2 2.4, 3.4, invariants 52 to 59].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...block.overlay import Overlay
from ..building.xtree_build import ExtentTrees, FileRuns
from ..nodes.extent_node import FILE_EXTENT, ExtentNodeCodec
from ..nodes.extent_tree import walk
from ..reading.xtree import tree_limits
from ..volume import Volume
from .unclaimed_blocks import Ranges, UnclaimedBlocks

MOST_PAGES = 1 << 20
_RUN = 2048
"""Blocks that are copied at once."""


@dataclass(frozen=True)
class Salvage:
    """What a tree holds.

    Attributes:
        extents: those that make sense, array of `FILE_EXTENT`, ascending and not overlapping.
        dropped: how many make none.
        pages: first blocks of the pages of the tree.
    """

    extents: NDArray[Any]
    dropped: int
    pages: frozenset[int]


def salvage_extents(volume: Volume, root: NDArray[np.uint8]) -> Salvage:
    """All extents that can be reached from a root, 288 bytes (96 for the index of a directory)."""
    seen: set[int] = set()
    bpp, dropped = volume.blocks_per_page, 0
    leaves = [np.zeros(0, FILE_EXTENT)]

    def enter(block: int) -> bool:
        new = block not in seen and len(seen) <= MOST_PAGES
        if new:
            seen.add(block)
        return new

    root, codec = np.ascontiguousarray(root), ExtentNodeCodec(volume.dialect)
    reads = partial(volume.read, length=bpp)
    for _, node in walk(codec, root, tree_limits(volume, root), read=reads, enter=enter, doubtful=True):
        dropped += int((~node.inside).sum())
        if node.is_leaf:
            leaves.append(node.entries[node.inside])
        else:
            dropped += sum(fault.field == "len" or not fault.check for fault in node.faults)
    extents, cut = _apart(np.concatenate(leaves))
    return Salvage(extents, dropped + cut, frozenset(seen))


def _apart(extents: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Extents in their order, cut where one before them has the same part of the file, and how many were cut."""
    extents = extents[np.argsort(extents["offset"], kind="stable")]
    ends = extents["offset"] + extents["length"]
    before = np.concatenate(([0], np.maximum.accumulate(ends)[:-1])) if len(extents) else ends
    cut = np.maximum(before - extents["offset"], 0)
    extents["offset"] += cut
    extents["address"] += cut
    extents["length"] -= cut
    return extents[extents["length"] > 0], int((cut > 0).sum())


def build_tree(
    device: Overlay, volume: Volume, room: UnclaimedBlocks, extents: NDArray[Any]
) -> tuple[NDArray[np.uint8], int]:
    """A new tree for extents, its pages in free blocks; returns its root, shape (288,), and the blocks of its pages.

    Raises:
        NoSpace: there is no room for its pages.
    """
    dialect, bpp = volume.dialect, volume.blocks_per_page
    flags = extents["flag"] & np.uint8(dialect.extent_flags)
    offset, length, address = (extents[field].astype(np.int64) for field in ("offset", "length", "address"))
    runs = FileRuns(np.zeros(len(extents), np.int64), offset, length, address, flags)
    trees = ExtentTrees(dialect, runs, 1)
    count = int(trees.page_counts[0])
    first = room.take(count * bpp) if count else 0
    root = trees.roots(0, 1, np.array([first]), bpp)
    if count:
        device.write(first * volume.block_size, trees.pages(0, first, bpp))
    return root[0], count * bpp


def copy_shared(
    device: Overlay, source: BlockDevice, volume: Volume, room: UnclaimedBlocks, extents: NDArray[Any], shared: Ranges
) -> NDArray[Any]:
    """Extents whose parts in `shared` are copied from `source` to free blocks.

    Raises:
        NoSpace: there is no room for the copies.
    """
    result: list[tuple[int, int, int, int]] = []
    for offset, length, address, flag in extents.tolist():
        at = address
        for start, end in sorted(shared):
            start, end = max(start, at), min(end, address + length)
            if start >= end:
                continue
            if start > at:
                result.append((offset + at - address, start - at, at, flag))
            result += _copied(device, source, volume, room, (offset + start - address, end - start, start, flag))
            at = end
        if at < address + length:
            result.append((offset + at - address, address + length - at, at, flag))
    return np.array(result, FILE_EXTENT)


def copy_repeated(
    device: Overlay, source: BlockDevice, volume: Volume, room: UnclaimedBlocks, extents: NDArray[Any], taken: Ranges
) -> NDArray[Any]:
    """Extents of one file that lie in blocks of their own: what lies in those before, or in `taken`, is copied.

    Raises:
        NoSpace: there is no room for the copies.
    """
    result, taken = [np.zeros(0, FILE_EXTENT)], list(taken)
    for i in range(len(extents)):
        extent = extents[i : i + 1]
        address, length = int(extent["address"][0]), int(extent["length"][0])
        over = [(start, end) for start, end in taken if start < address + length and end > address]
        result.append(copy_shared(device, source, volume, room, extent, over) if over else extent)
        taken.append((address, address + length))
    return np.concatenate(result)


def _copied(
    device: Overlay, source: BlockDevice, volume: Volume, room: UnclaimedBlocks, extent: tuple[int, int, int, int]
) -> list[tuple[int, int, int, int]]:
    """An extent, a run at a time, at new places with the same bytes."""
    offset, length, address, flag = extent
    parts = []
    for step in range(0, length, _RUN):
        count = min(_RUN, length - step)
        new = room.take(count)
        data = source.read((address + step) * volume.block_size, count * volume.block_size)
        device.write(new * volume.block_size, data)
        parts.append((offset + step, count, new, flag))
    return parts
