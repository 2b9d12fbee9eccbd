"""Entries of directories being built: how many slots each takes, and its bytes in them.

Source: [jfs2 2.5] and [jfs2 3.5].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..nodes.directory_node import CONTINUED, END, SLOT, DirectoryCodec, HeadSlot

_TOGETHER = 1 << 15
"""Entries that are written at a time, since arrays of their single bytes are large."""

Words = NDArray[np.uint8]


@dataclass(frozen=True)
class PlannedNode:
    """A root or page that is going to be written. Its entries are rows `first` to `last` - 1 of their kind."""

    first: int
    last: int
    page: int  # index among the pages, -1 for a root
    leaf: bool
    previous: int = -1  # sibling pages
    next: int = -1


class SlotRows:
    """Entries of one kind (of leaves, or routers), and the slots that they take.

    Args:
        codec: of the file system.
        names: as they lie on the disk.
        leaf: they are entries.

    Attributes:
        head: the form of their head slots.
        lengths: bytes of each name, shape (entries,).
        slots: slots of each, shape (entries,).
        running: slots of all before each and of all, shape (entries + 1,).
    """

    def __init__(self, codec: DirectoryCodec, names: list[bytes], *, leaf: bool) -> None:
        self.names = names
        self.head: HeadSlot = codec.leaf if leaf else codec.internal
        self.lengths = np.array([len(name) for name in names], np.int64)
        self.slots = 1 + -(-np.maximum(self.lengths - self.head.name_bytes, 0) // CONTINUED)
        self._unit = codec.dialect.name_unit
        self.running = np.concatenate(([0], np.cumsum(self.slots)))

    def slot_count(self, node: PlannedNode) -> int:
        """Slots that the entries of a node take."""
        return int(self.running[node.last] - self.running[node.first])

    def head_slots(self, node: PlannedNode, first_slot: int) -> NDArray[np.int64]:
        """Slot number of each entry of a node, in key order."""
        heads: NDArray[np.int64] = self.running[node.first : node.last] - self.running[node.first] + first_slot
        return heads

    def place(
        self, area: Words, chosen: list[tuple[int, PlannedNode]], first_slot: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Write names and chains of the chosen nodes into their roots or pages, as `directory_writer.put_entry` does.

        Returns:
            Rows of the entries, and the index of their head slots in `area` seen as an array of slots.
        """
        counts = np.array([node.last - node.first for _, node in chosen], np.int64)
        firsts = np.array([node.first for _, node in chosen], np.int64)
        rows = np.repeat(firsts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts) + np.arange(counts.sum())
        container = np.repeat(np.array([i for i, _ in chosen], np.int64), counts)
        slot = self.running[rows] - np.repeat(self.running[firsts], counts) + first_slot
        heads = container * (area.shape[1] // SLOT) + slot
        for at in range(0, len(rows), _TOGETHER):
            part = slice(at, at + _TOGETHER)
            self._chain(area.reshape(-1, SLOT), rows[part], slot[part], heads[part])
            self._write_names(area.reshape(-1), rows[part], heads[part])
        return rows, heads

    def _chain(self, table: Words, rows: NDArray[np.int64], slot: NDArray[np.int64], heads: NDArray[np.int64]) -> None:
        slots, lengths = self.slots[rows], self.lengths[rows]
        steps = np.arange(slots.sum()) - np.repeat(np.cumsum(slots) - slots, slots)
        at = np.repeat(heads, slots) + steps
        following = np.where(steps + 1 < np.repeat(slots, slots), np.repeat(slot, slots) + steps + 1, END)
        more = steps > 0
        table[at[more], 0] = following[more]
        table[at[~more], self.head.next] = following[~more]
        table[heads, self.head.length] = lengths // self._unit
        # `cnt` of a continuation: units in it (a hint that readers do not rely on [jfs2 2.5])
        left = np.repeat(lengths, slots) - self.head.name_bytes - (steps - 1) * CONTINUED
        table[at[more], 1] = np.minimum(left[more], CONTINUED) // self._unit

    def _write_names(self, flat: Words, rows: NDArray[np.int64], heads: NDArray[np.int64]) -> None:
        blob = np.frombuffer(b"".join([self.names[row] for row in rows.tolist()]), np.uint8)
        lengths = self.lengths[rows]
        at = np.arange(len(blob)) - np.repeat(np.cumsum(lengths) - lengths, lengths)  # place in the name
        base = np.repeat(heads * SLOT, lengths)
        tail = at - self.head.name_bytes
        step = tail // CONTINUED
        in_tail = (step + 1) * SLOT + SLOT - CONTINUED + tail - step * CONTINUED
        flat[base + np.where(tail < 0, self.head.name + at, in_tail)] = blob
