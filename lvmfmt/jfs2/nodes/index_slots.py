"""Slots of a directory's index (Linux dialect, DIR_INDEX): where the entry with an index is.

Source: [jfs2 2.5].
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.jfs1 import DIRTABLE_SLOT

INDEX_SLOT_FREE, INDEX_SLOT_VALID = 0, 1
"""Flags of a slot."""
NO_INDEX = 0xFFFFFFFF
"""What a free slot names as the next index where there is none."""
_SLOT = Struct("<xBBBI")


def index_slot(address: int, position: int) -> bytes:
    """The slot of an entry: block of its leaf, 0 for the root, and its place in the leaf's order."""
    return _SLOT.pack(INDEX_SLOT_VALID, position, address >> 32, address & 0xFFFFFFFF)


def free_index_slot(following: int | None) -> bytes:
    """The slot of an entry that is gone; `following` is the index of the entry behind it."""
    return _SLOT.pack(INDEX_SLOT_FREE, 0, 0, NO_INDEX if following is None else following)


def index_slots(raw: NDArray[np.uint8]) -> NDArray[Any]:
    """Bytes of a table, shape (slots * 8,), as its slots; changes go through."""
    return raw.view(DIRTABLE_SLOT.dtype)


def get_leaves(slots: NDArray[Any]) -> NDArray[np.int64]:
    """The blocks that slots name, same shape."""
    return np.asarray(slots["addr_hi"].astype(np.int64) << 32 | slots["addr_lo"].astype(np.int64))


def put_leaves(slots: NDArray[Any], address: NDArray[np.int64]) -> None:
    """Let slots name blocks."""
    slots["addr_hi"], slots["addr_lo"] = address >> 32, address & 0xFFFFFFFF
