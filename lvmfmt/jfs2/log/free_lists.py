"""Free lists of directory nodes, made anew from the slots that the entries use.

The records of a new node hold its entries, not its free slots (reference section 3.10.7).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..nodes.directory_node import INTERNAL, ROOT_SLOTS, SLOT
from ..volume import Volume

_END = 0xFF
_STBL_SLOTS = {16: 1, 32: 1, 64: 2, 128: 4}


def rebuild_page(volume: Volume, page: NDArray[np.uint8], at: int) -> None:
    """Link the free slots of a directory page, in place.

    Args:
        volume: the file system.
        page: shape (512, 1024, 2048 or 4096,).
        at: byte offset of the page in the device, for messages.

    Raises:
        CorruptImage: its entries make no sense.
    """
    slots = len(page) // SLOT
    width, stbl, count = _STBL_SLOTS[slots], int(page[21]), int(page[17])
    if page[20] != slots:
        raise volume.corrupt("dtree_page_header", "maxslot", at + 20, slots, int(page[20]))
    if not 1 <= stbl <= slots - width:
        raise volume.corrupt("dtree_page_header", "stblindex", at + 21, f"1 to {slots - width}", stbl)
    if count >= slots - width:
        raise volume.corrupt("dtree_page_header", "nextindex", at + 17, f"at most {slots - width - 1}", count)
    heads = page[stbl * SLOT : stbl * SLOT + count]
    _link(volume, page, heads.tolist(), {0, *range(stbl, stbl + width)}, at)


def rebuild_root(volume: Volume, root: NDArray[np.uint8], at: int) -> None:
    """Link the free slots of a directory root, in place.

    Args:
        volume: the file system.
        root: shape (288,).
        at: byte offset of the root in the device, for messages.

    Raises:
        CorruptImage: its entries make no sense.
    """
    count = int(root[17])
    if count >= ROOT_SLOTS:
        raise volume.corrupt("dtree_root", "nextindex", at + 17, f"at most {ROOT_SLOTS - 1}", count)
    stbl = volume.dialect.structures.dtree_root.offset_of("stbl")
    _link(volume, root, root[stbl : stbl + count].tolist(), {0}, at)


def _link(volume: Volume, node: NDArray[np.uint8], heads: list[int], used: set[int], at: int) -> None:
    s = volume.dialect.structures
    head_next = (s.internal_slot if node[16] & INTERNAL else s.leaf_slot).offset_of("next")
    slots = len(node) // SLOT
    for head in heads:
        slot, link = head, head_next
        while slot != _END:
            if slot >= slots or slot in used:
                raise volume.corrupt(
                    "dtree_continuation_slot", "next", at, "chains of slots of the node, each slot once", slot
                )
            used.add(slot)
            slot, link = int(node[slot * SLOT + link]), 0
    free = [slot for slot in range(slots) if slot not in used]
    for slot, following in zip(free, [*free[1:], _END], strict=False):
        node[slot * SLOT], node[slot * SLOT + 1] = following, 1
    node[18], node[19] = len(free), free[0] if free else _END
