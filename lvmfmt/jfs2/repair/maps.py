"""The maps, made anew by the routines that make those of a new file system.

Source: reference sections 2.6 and 2.7, invariants 24 to 39 and 76 to 83.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice, Buffer, Extent, Piece, PieceList
from ...block.device import byte_view
from ..check.mapfile import MapFile
from ..geometry import AIT_OFFSET, BLOCK_MAP_OFFSET, INODE_SIZE, L2_PAGE, PAGE, l1_page
from ..inodes.inode_table import FILESET
from ..maps.blockmap import UsedBlocks, write_block_map
from ..maps.inode_map import control_page, iag_pages
from ..nodes.extent_node import FILE_EXTENT
from ..superblock import Superblock
from .aggregate import superblock_place
from .extents import build_tree
from .fixes import Plan
from .mend import Work
from .survey import Survey


def write_inode_map(work: Work, survey: Survey, *, sound: bool) -> None:
    """Write control page and groups of the fileset's inode map, and its extent tree where it is not `sound`.

    Raises:
        NoSpace: there is no room for a new tree.
    """
    g, dialect = work.superblock.geometry, work.superblock.dialect
    extents = _without_gaps(work, survey.map_extents)
    if not sound or len(extents) != len(survey.map_extents):
        _write_tree(work, extents)
    file = MapFile(work.volume, extents)
    count = len(survey.used)
    raw, places = file.read(0, count + 1)
    iag, dinomap = dialect.structures.iag, dialect.structures.dinomap
    old = raw[1:].reshape(-1).view(iag.dtype)
    new = iag_pages(dialect, g, survey.used.ravel(), survey.extents.ravel())
    start = old["agstart"].astype(np.int64)
    right = (start >= 0) & (start < g.blocks) & (start % g.ag_size == 0)
    new["agstart"] = np.where(right, start, new["agstart"])
    new["pad"] = old["pad"]
    control = control_page(dialect, g, new)
    before = raw[0].view(dinomap.dtype)
    for field in ("in_unused", "in_rsvd"):
        control[field] = before[field]
    for page, what, at in zip(
        (control, *(new[k : k + 1] for k in range(count))), ("the control page", *range(count)), places.tolist(),
        strict=True,
    ):  # fmt: skip
        if not np.array_equal(page.view(np.uint8).ravel(), work.device.read(at, PAGE)):
            work.plan.add("inode-map", f"the inode map: {what if isinstance(what, str) else f'group {what}'}")
            work.device.write(at, page)


def _without_gaps(work: Work, extents: NDArray[Any]) -> NDArray[Any]:
    """The extents of a map, with free blocks where they leave parts out: pages of groups without inodes."""
    rows, end = [], 0
    for extent in extents[np.argsort(extents["offset"], kind="stable")].tolist():
        offset = extent[0]
        if offset > end:
            address = work.room.take(offset - end)
            work.device.write(address * work.volume.block_size, bytes((offset - end) * work.volume.block_size))
            rows.append((end, offset - end, address, 0))
        rows.append(extent)
        end = max(end, offset + extent[1])
    return np.array(rows, FILE_EXTENT)


def _write_tree(work: Work, extents: NDArray[Any]) -> None:
    """Give the inode of the map, and its copy, a new extent tree."""
    root, pages = build_tree(work.device, work.volume, work.room, extents)
    block = work.superblock.geometry.block_size
    for table in (AIT_OFFSET, superblock_place(work.superblock, "s_ait2") * block):
        at = table + FILESET * INODE_SIZE
        row = work.read_row(at)
        row["root"][0] = root
        row["di_nblocks"] = int(extents["length"].sum()) + pages
        row["di_size"] = int(extents["length"].sum()) * block
        work.write_row(at, row)
    work.plan.add("tree", f"the tree of the inode map is built anew from {len(extents)} extents")


def write_blocks(device: BlockDevice, superblock: Superblock, file: MapFile, used: UsedBlocks, plan: Plan) -> None:
    """Write those pages of the block map that are not as `used` says, and empty control pages that nothing needs."""
    pages = _Changes(device, superblock, file)
    write_block_map(pages, superblock.geometry, superblock.dialect, used)
    for level, page in ((1, l1_page(0)), (2, L2_PAGE)):
        if level > superblock.geometry.max_level:
            at = superblock.geometry.map_address * superblock.geometry.block_size + page * PAGE
            if _is_control_page(superblock, device.read(at, PAGE)):
                pages.write(at, bytes(PAGE))
    if pages.changed:
        plan.add("block-map", f"{pages.changed} pages of the block map")


def _is_control_page(superblock: Superblock, page: NDArray[np.uint8]) -> bool:
    row = superblock.dialect.structures.dmapctl.table(page, 1)[0]
    return (row["nleafs"], row["l2nleafs"], row["leafidx"], row["height"]) == (1024, 10, 341, 5)


class _Changes(BlockDevice):
    """The block map as if in one piece at its place; pages that are right already are not written.

    Attributes:
        changed: how many pages were written.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, file: MapFile) -> None:
        places = file.places(0, superblock.geometry.map_pages)
        pieces = [Piece(device, at, PAGE) for at in places.tolist()]
        self._pages = PieceList([Piece(device, 0, BLOCK_MAP_OFFSET), *pieces], name=device.name)
        self.name, self.size, self.writable = device.name, self._pages.size, True
        self.changed = 0

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        self._pages.read_into(offset, buffer)

    def write(self, offset: int, buffer: Buffer) -> None:
        """Write the pages among whole pages that differ."""
        new = np.frombuffer(byte_view(buffer), np.uint8).reshape(-1, PAGE)
        old = self._pages.read(offset, new.nbytes).reshape(-1, PAGE)
        edges = np.flatnonzero(np.diff((old != new).any(axis=1), prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            self._pages.write(offset + start * PAGE, new[start:end])
            self.changed += end - start

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """See `BlockDevice.extents`."""
        return self._pages.extents(offset, length)

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        self._pages.punch(offset, length)

    def flush(self) -> None:
        """See `BlockDevice.flush`."""
        self._pages.flush()

    def close(self) -> None:
        """Nothing to give back."""
