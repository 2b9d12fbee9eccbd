"""Writing the nodes of directory trees: empty ones, free lists, and entries in their slots.

A new node has its free slots in ascending order, and an entry takes them from the head of the list in the order of its
name. `building.dtree_slots` does the same for many nodes at once. Source: [jfs2 2.5] and [jfs2 3.5].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .directory_node import (
    CONTINUED,
    COUNT_AT,
    END,
    FLAG_AT,
    FREE_COUNT_AT,
    FREE_LIST_AT,
    FULL_PAGE_SLOTS,
    ROOT_BYTES,
    ROOT_SLOTS,
    SELF_AT,
    SLOT,
    SLOTS_AT,
    TABLE_AT,
    TABLE_SLOTS,
    DirectoryCodec,
    NodeHeader,
)
from .tree_flags import INTERNAL, LEAF, ROOT_LEAF

TABLE_SLOT = 1
"""Where we put the sorted table of a page."""
FIRST_SLOT = TABLE_SLOT + TABLE_SLOTS[FULL_PAGE_SLOTS]
"""The first slot of a full page that entries may have."""
PAGE_CAPACITY = FULL_PAGE_SLOTS - FIRST_SLOT
ROOT_CAPACITY = ROOT_SLOTS - 1
"""Slots for entries of a full page, and of a root."""
Node = bytearray | NDArray[np.uint8]


def empty_root(codec: DirectoryCodec, parent: int) -> bytearray:
    """The root of an empty directory in the directory `parent`, 288 bytes."""
    root = bytearray(ROOT_BYTES)
    codec.number.pack_into(root, codec.parent_at, parent)
    clear(root, ROOT_LEAF)
    return root


def empty_page(codec: DirectoryCodec, address: int, *, leaf: bool) -> bytearray:
    """A full page at a block, without entries."""
    page = bytearray(FULL_PAGE_SLOTS * SLOT)
    page[SLOTS_AT], page[TABLE_AT] = FULL_PAGE_SLOTS, TABLE_SLOT
    page[SELF_AT : SELF_AT + 8] = codec.extents.pxd(address, len(page) // codec.block_size)
    clear(page, LEAF if leaf else INTERNAL)
    return page


def clear(raw: Node, flag: int, at: int = 0) -> None:
    """Take all entries out of a root or full page that begins at an offset of a buffer, and give it a flag."""
    raw[at + FLAG_AT], raw[at + COUNT_AT] = flag, 0
    is_root = flag & ROOT_LEAF & ~LEAF
    link_free(raw, list(range(1, ROOT_SLOTS) if is_root else range(FIRST_SLOT, FULL_PAGE_SLOTS)), at)


def link_free(raw: Node, slots: list[int], at: int = 0) -> None:
    """Make these slots the free list of a node that begins at an offset of a buffer."""
    for slot, following in zip(slots, [*slots[1:], END], strict=False):
        raw[at + slot * SLOT], raw[at + slot * SLOT + 1] = following, 1
    raw[at + FREE_COUNT_AT], raw[at + FREE_LIST_AT] = len(slots), slots[0] if slots else END


def put_entry(
    codec: DirectoryCodec, raw: bytearray, at: int, slots: list[int], coded: bytes, value: bytes, *, leaf: bool
) -> None:
    """Write an entry or router into slots of a node that begins at an offset of a buffer.

    Args:
        codec: of the file system.
        raw: the buffer.
        at: where the node begins.
        slots: as many as the name takes, in its order.
        coded: the name as it lies on the disk.
        value: inode number (and index) or extent, as their bytes.
        leaf: it is an entry.
    """
    head, unit = codec.leaf if leaf else codec.internal, codec.dialect.name_unit
    links = [*slots[1:], END]
    first = at + slots[0] * SLOT
    name = coded[: head.name_bytes].ljust(head.name_bytes, b"\0")
    link = bytes((links[0], len(coded) // unit))
    raw[first : first + SLOT] = value[: head.next] + link + name + value[head.next :]
    for i, slot in enumerate(slots[1:]):
        base, start = at + slot * SLOT, head.name_bytes + i * CONTINUED
        part = coded[start : start + CONTINUED]
        raw[base], raw[base + 1] = links[i + 1], len(part) // unit
        raw[base + 2 : base + 2 + len(part)] = part


def relocated(codec: DirectoryCodec, node: NodeHeader, block: Callable[[int], int]) -> bytearray:
    """The bytes of a node after pages of its tree have moved: siblings, itself and children are named anew.

    Args:
        codec: of the file system.
        node: it, before.
        block: where the page at a block is now; it is told 0 for no sibling, too.
    """
    raw = bytearray(node.raw)
    own = [] if node.is_root else [SELF_AT]
    if own:
        codec.links.pack_into(raw, 0, *map(block, codec.siblings(node.raw)))
    for at in own + [slot * SLOT for slot in node.table if not node.is_leaf]:
        address, length = codec.extents.get_pxd(node.raw, at)
        raw[at : at + codec.extents.PXD] = codec.extents.pxd(block(address), length)
    return raw
