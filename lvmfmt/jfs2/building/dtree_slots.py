"""Entries of directories being built: how many slots each takes, and its bytes in them.

Source: reference sections 2.5 and 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import PAGE

SLOT = 32
ROOT_SLOTS = 8
PAGE_SLOTS = PAGE // SLOT
STBL_SLOT = 1
FIRST_SLOT = 5  # slot 0 is the header, the four slots 1..4 hold the sorted table (stbl)
PAGE_CAPACITY = PAGE_SLOTS - FIRST_SLOT
ROOT_SIZE = 288
"""Bytes of a tree root in an inode: header, then 256 bytes of slots."""

_TOGETHER = 1 << 15
"""Entries that are written at a time, since arrays of their single bytes are large."""

Words = NDArray[np.uint8]


@dataclass(frozen=True)
class Node:
    """One container of entries: the root of a directory or a page. Its entries are rows `first` to `last` - 1."""

    first: int
    last: int
    page: int  # index among the pages, -1 for a root
    leaf: bool
    previous: int = -1  # sibling pages
    next: int = -1


class Level:
    """Entries of one kind (leaf or internal), and how many slots each takes."""

    def __init__(self, names: list[bytes], slots: NDArray[np.int64]) -> None:
        self.names = names
        self.slots = slots
        self.running = np.concatenate(([0], np.cumsum(slots)))

    def slot_count(self, node: Node) -> int:
        """Slots that the entries of a node take."""
        return int(self.running[node.last] - self.running[node.first])

    def head_slots(self, node: Node, first_slot: int) -> NDArray[np.int64]:
        """Slot number of each entry of a node, in key order."""
        heads: NDArray[np.int64] = self.running[node.first : node.last] - self.running[node.first] + first_slot
        return heads

    def place(
        self, area: Words, chosen: list[tuple[int, Node]], first_slot: int, dialect: Dialect, leaf: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Write names and slot chains of the chosen nodes into their containers.

        Returns:
            Rows of the entries, and the index of their head slots in `area` seen as an array of slots.
        """
        counts = np.array([node.last - node.first for _, node in chosen], np.int64)
        firsts = np.array([node.first for _, node in chosen], np.int64)
        rows = np.repeat(firsts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts) + np.arange(counts.sum())
        container = np.repeat(np.array([i for i, _ in chosen], np.int64), counts)
        slot = self.running[rows] - np.repeat(self.running[firsts], counts) + first_slot
        heads = container * (area.shape[1] // SLOT) + slot
        flat = area.reshape(-1)
        for at in range(0, len(rows), _TOGETHER):
            part = slice(at, at + _TOGETHER)
            self._chain(flat, rows[part], slot[part], heads[part], dialect, leaf)
            self._write_names(flat, rows[part], heads[part], dialect, leaf)
        return rows, heads

    def _chain(
        self,
        flat: Words,
        rows: NDArray[np.int64],
        slot: NDArray[np.int64],
        heads: NDArray[np.int64],
        dialect: Dialect,
        leaf: bool,
    ) -> None:
        structures = dialect.structures
        slots = self.slots[rows]
        steps = np.arange(slots.sum()) - np.repeat(np.cumsum(slots) - slots, slots)
        at = np.repeat(heads, slots) + steps
        following = np.where(steps + 1 < np.repeat(slots, slots), np.repeat(slot, slots) + steps + 1, -1)
        more = steps > 0
        table = flat.view(structures.continuation_slot.dtype)
        table["next"][at[more]] = following[more]
        head = flat.view((structures.leaf_slot if leaf else structures.internal_slot).dtype)
        lengths = np.array([len(self.names[row]) for row in rows.tolist()], np.int64)
        head["next"][at[~more]] = following[~more]
        head["namlen"][heads] = lengths // dialect.name_unit
        # `cnt` of a continuation: units in it (a hint that readers do not rely on, section 2.5)
        head_bytes = dialect.head_bytes(leaf)
        left = np.repeat(lengths, slots) - head_bytes - (steps - 1) * dialect.continuation_bytes
        table["cnt"][at[more]] = np.minimum(left[more], dialect.continuation_bytes) // dialect.name_unit

    def _write_names(
        self, flat: Words, rows: NDArray[np.int64], heads: NDArray[np.int64], dialect: Dialect, leaf: bool
    ) -> None:
        blob = np.frombuffer(b"".join([self.names[row] for row in rows.tolist()]), np.uint8)
        lengths = np.array([len(self.names[row]) for row in rows.tolist()], np.int64)
        at = np.arange(len(blob)) - np.repeat(np.cumsum(lengths) - lengths, lengths)  # place in the name
        base = np.repeat(heads * SLOT, lengths)
        head_bytes, head_offset = dialect.head_bytes(leaf), dialect.head_offset(leaf)
        tail = at - head_bytes
        step = tail // dialect.continuation_bytes
        in_tail = (step + 1) * SLOT + dialect.continuation_offset + tail - step * dialect.continuation_bytes
        flat[base + np.where(tail < 0, head_offset + at, in_tail)] = blob


def chain_free_slots(area: Words, first: int, end: int) -> None:
    """Link slots `first` to `end` - 1 of every container: `next` in byte 0, `cnt` 1 in byte 1 of each."""
    for slot in range(first, end):
        area[:, slot * SLOT] = slot + 1 if slot + 1 < end else 0xFF
        area[:, slot * SLOT + 1] = 1
