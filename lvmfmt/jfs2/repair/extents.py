"""Extent trees: what can still be read of a damaged one, and a new one from it.

Source: reference sections 2.4 and 3.4, invariants 52 to 59.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...block.overlay import Overlay
from ..building.xtree_build import ExtentTrees, FileRuns
from ..volume import Volume
from ..xtree import FILE_EXTENT, FIRST_ENTRY, INTERNAL, LEAF, MAX_DEPTH, PAGE_MAXENTRY, file_extents
from .room import Ranges, Room

_KEPT_FLAGS = {"aix": 0x04 | 0x10 | 0x20 | 0x80, "linux": 0x04 | 0x08 | 0x10}
_MOST_PAGES = 1 << 20
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
    return _Walk(volume).walk(root)


class _Walk:
    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.header = volume.dialect.structures.xtree_header
        self.xad = volume.dialect.structures.xad
        self.seen: set[int] = set()
        self.dropped = 0

    def walk(self, root: NDArray[np.uint8]) -> Salvage:
        leaves: list[NDArray[Any]] = []
        level = [np.ascontiguousarray(root)]
        for _ in range(MAX_DEPTH):
            below: list[NDArray[np.uint8]] = []
            for node in level:
                entries, is_leaf = self._entries(node)
                if is_leaf:
                    leaves.append(entries)
                    continue
                for _, length, address, _ in entries.tolist():
                    if length != self.volume.blocks_per_page or address in self.seen or len(self.seen) > _MOST_PAGES:
                        self.dropped += 1
                        continue
                    self.seen.add(address)
                    below.append(self.volume.read(address, length))
            level = below
        extents = np.concatenate(leaves) if leaves else np.zeros(0, FILE_EXTENT)
        return Salvage(self._apart(extents), self.dropped, frozenset(self.seen))

    def _entries(self, node: NDArray[np.uint8]) -> tuple[NDArray[Any], bool]:
        """The entries of a node that lie inside the file system, and whether they are extents of the file."""
        room = len(node) // self.xad.size - FIRST_ENTRY
        header = self.header.table(node, 1)[0]
        entries = file_extents(self.volume.dialect, self.xad.table(node, room, FIRST_ENTRY * self.xad.size))
        good = ~self.volume.bad_extents(entries["address"], entries["length"])
        count = int(header["nextindex"]) - FIRST_ENTRY
        if not (0 if room != PAGE_MAXENTRY - FIRST_ENTRY else 1) <= count <= room:
            count = int(np.append(good, False).argmin())  # the header does not say: up to the first that cannot be
        self.dropped += int((~good[:count]).sum())
        entries, kind = entries[:count][good[:count]], int(header["flag"]) & (LEAF | INTERNAL)
        if kind not in (LEAF, INTERNAL):
            kind = INTERNAL if len(entries) and self._is_page(entries[0]) else LEAF
        return entries, kind == LEAF

    def _is_page(self, entry: Any) -> bool:
        """Whether an entry leads to a page of a tree, which knows its place."""
        length, address = int(entry["length"]), int(entry["address"])
        if length != self.volume.blocks_per_page:
            return False
        own = self.header.table(self.volume.read(address, length), 1)["self"][0]
        return tuple(int(value) for value in self.volume.dialect.get_pxd(own)) == (length, address)

    def _apart(self, extents: NDArray[Any]) -> NDArray[Any]:
        """Extents in their order, cut where one before them has the same part of the file."""
        extents = extents[np.argsort(extents["offset"], kind="stable")]
        ends = extents["offset"] + extents["length"]
        before = np.concatenate(([0], np.maximum.accumulate(ends)[:-1])) if len(extents) else ends
        cut = np.maximum(before - extents["offset"], 0)
        self.dropped += int((cut > 0).sum())
        extents["offset"] += cut
        extents["address"] += cut
        extents["length"] -= cut
        return extents[extents["length"] > 0]


def build_tree(device: Overlay, volume: Volume, room: Room, extents: NDArray[Any]) -> tuple[NDArray[np.uint8], int]:
    """A new tree for extents, its pages in free blocks; returns its root, shape (288,), and the blocks of its pages.

    Raises:
        NoSpace: there is no room for its pages.
    """
    dialect, bpp = volume.dialect, volume.blocks_per_page
    flags = extents["flag"] & np.uint8(_KEPT_FLAGS[dialect.name])
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
    device: Overlay, source: BlockDevice, volume: Volume, room: Room, extents: NDArray[Any], shared: Ranges
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


def _copied(
    device: Overlay, source: BlockDevice, volume: Volume, room: Room, extent: tuple[int, int, int, int]
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
