"""The maps, made anew by the routines that make those of a new file system.

Source: [jfs2 2.6, 2.7], [jfs2 invariants 24 to 39, 76 to 83].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import AIT_OFFSET, INODE_SIZE, PAGE
from ..inodes.inode_table import FILESET
from ..maps.block_map import BlockMapWriter
from ..maps.levels import unused_control_pages
from ..maps.map_file import MapFile
from ..maps.used_blocks import UsedBlocks
from ..nodes.extent_node import FILE_EXTENT
from ..nodes.inode_group import link_groups, renewed_groups
from ..nodes.map_page import is_level_page
from ..superblock import Superblock
from .aggregate import superblock_place
from .extents import build_tree
from .fixes import Plan
from .inode_repair import RepairContext
from .inode_survey import InodeSurvey


def write_inode_map(work: RepairContext, survey: InodeSurvey, *, sound: bool) -> None:
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
    old = file.table(dialect.structures.iag, 1, count)
    new = renewed_groups(dialect, g, old, survey.used.ravel(), survey.extents.ravel())
    before = file.table(dialect.structures.dinomap, 0)
    control = link_groups(dialect, g, new, before)
    if file.write_changed(0, before, control):
        work.plan.add("inode-map", "the inode map: the control page")
    for k in np.flatnonzero(old != new).tolist():
        work.plan.add("inode-map", f"the inode map: group {k}")
    file.write_changed(1, old, new)


def _without_gaps(work: RepairContext, extents: NDArray[Any]) -> NDArray[Any]:
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


def _write_tree(work: RepairContext, extents: NDArray[Any]) -> None:
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


def write_blocks(superblock: Superblock, file: MapFile, used: UsedBlocks, plan: Plan) -> None:
    """Write those pages of the block map that are not as `used` says, and empty control pages that nothing needs."""
    writer = BlockMapWriter(file, superblock.geometry, used)
    writer.write()
    changed = writer.changed
    for _, page in unused_control_pages(superblock.geometry):
        if is_level_page(file.table(superblock.dialect.structures.dmapctl, page)):
            file.write(page, np.zeros(PAGE, np.uint8))
            changed += 1
    if changed:
        plan.add("block-map", f"{changed} pages of the block map")
