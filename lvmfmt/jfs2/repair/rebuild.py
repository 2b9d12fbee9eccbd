"""A new directory tree from names, by the bulk builder; with its index where the file system has one.

Source: reference section 2.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block.overlay import Overlay
from ...layout.jfs2 import LEAF_SLOT_INDEXED
from ...layout.jfs2.jfs1 import DIRTABLE_SLOT
from ..check.index_checks import FIRST_INDEX, INLINE_SLOTS
from ..dialect import Dialect
from ..dtree_build import PAGE_LEAF, ROOT_SIZE, SLOT, STBL_SLOT, Directories
from ..geometry import PAGE
from ..superblock import Superblock
from ..xtree_build import FIRST_ENTRY, ROOT_LEAF
from .directories import Name
from .room import Room

_INDEX_ROOT_ENTRIES = 6
_HEAD_UNITS_WITH_INDEX = 11


def build_directory(
    device: Overlay, superblock: Superblock, room: Room, row: NDArray[Any], parent: int, names: Sequence[Name]
) -> None:
    """Make `names` the content of a directory: new pages in free blocks, and its inode row (shape (1,)) changed.

    `di_nblocks` stays as it is.

    Raises:
        NoSpace: there is no room for its pages.
    """
    volume, bpp = superblock.volume(device), superblock.geometry.blocks_per_page
    indexed = superblock.indexed_directories
    dialect = _with_index(superblock.dialect) if indexed else superblock.dialect
    tree = Directories(
        dialect, np.array([row["di_number"][0]]), np.array([parent]), np.zeros(len(names), np.int64),
        np.array([name.number for name in names], np.uint64), [name.name for name in names],
    )  # fmt: skip
    addresses = np.array([room.take(bpp) for _ in range(tree.page_total)], np.int64)
    roots, pages = tree.render(addresses, bpp)
    row["di_size"] = tree.sizes()
    if indexed:
        _number(device, superblock, room, row, roots, pages, addresses)
    for address, page in zip(addresses.tolist(), pages, strict=True):
        device.write(address * volume.block_size, page)
    row["root"] = roots


def _with_index(dialect: Dialect) -> Dialect:
    """The dialect with entries that have room for their index."""
    structures = replace(dialect.structures, leaf_slot=LEAF_SLOT_INDEXED)
    return replace(dialect, structures=structures, leaf_head_units=_HEAD_UNITS_WITH_INDEX)


def _number(
    device: Overlay,
    superblock: Superblock,
    room: Room,
    row: NDArray[Any],
    roots: NDArray[np.uint8],
    pages: NDArray[np.uint8],
    addresses: NDArray[np.int64],
) -> None:
    """Give every entry the next index, and build the table that finds it by that."""
    slots: list[NDArray[Any]] = []
    index = FIRST_INDEX
    stbl = superblock.dialect.structures.dtree_root.offset_of("stbl")
    if roots[0, 16] & PAGE_LEAF:
        nodes = [(roots[0, :ROOT_SIZE], stbl, 0)]
    else:
        nodes = [
            (page, STBL_SLOT * SLOT, address)
            for page, address in zip(pages, addresses.tolist(), strict=True)
            if page[16] & PAGE_LEAF
        ]
    for node, table_at, address in nodes:
        count = int(node[17])
        heads = node[table_at : table_at + count].astype(np.int64)
        entries = node[: len(node) // SLOT * SLOT].view(LEAF_SLOT_INDEXED.dtype)
        entries["index"][heads] = index + np.arange(count)
        part = DIRTABLE_SLOT.empty_table(count)
        part["flag"], part["slot"] = 1, np.arange(count)
        part["addr_hi"], part["addr_lo"] = address >> 32, address & 0xFFFFFFFF
        slots.append(part)
        index += count
    table = np.concatenate(slots) if slots else DIRTABLE_SLOT.empty_table(0)
    row["di_next_index"] = index
    row["dirtable"] = 0
    if len(table) <= INLINE_SLOTS:
        row["dirtable"][0, : table.nbytes] = table.view(np.uint8)
        row["di_size"] = table.nbytes or 1
        return
    count = -(-table.nbytes // PAGE)
    bpp = superblock.geometry.blocks_per_page
    address = room.take(count * bpp)
    raw = np.zeros(count * PAGE, np.uint8)
    raw[: table.nbytes] = table.view(np.uint8)
    device.write(address * superblock.geometry.block_size, raw)
    dialect = superblock.dialect
    header = {"flag": ROOT_LEAF, "nextindex": FIRST_ENTRY + 1, "maxentry": _INDEX_ROOT_ENTRIES}
    root = np.frombuffer(dialect.structures.xtree_header.build(header).ljust(96, b"\0"), np.uint8).copy()
    dialect.put_xad(root[32:48].view(dialect.structures.xad.dtype), slice(None), 0, address, count * bpp)
    row["dirtable"] = root
    row["di_size"] = count * PAGE
