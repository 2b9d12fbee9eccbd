"""Check 75: the directory index of the Linux dialect, which finds an entry by a number that stays the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.jfs1 import DIRTABLE_SLOT
from ..maps.map_file import MapFile
from ..nodes.directory_node import FIRST_INDEX, INDEX_SLOTS_A_PAGE, INLINE_INDEXES
from ..nodes.extent_node import INDEX_ROOT_MAXENTRY
from ..nodes.index_slots import INDEX_SLOT_VALID, get_leaves, index_slots
from .dtree_checks import IndexedEntry
from .subject import Subject
from .xtree_checks import extents_of

_CHUNK_PAGES = 256


class IndexChecker:
    """Judges directory indexes.

    Args:
        subject: the file system.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._inode = subject.dialect.structures.inode
        # no index shares pages with another one, so all of them together are not longer than the file system
        self._pages_left = subject.volume.blocks // subject.volume.blocks_per_page

    def check(self, number: int, at: int, row: Any, entries: list[IndexedEntry]) -> int:
        """Judge the index of a directory; returns the blocks of its table."""
        handed_out = max(int(row["di_next_index"]) - FIRST_INDEX, 0)
        numbers = np.array([(e.number, e.address, e.position, e.at) for e in entries], np.int64).reshape(-1, 4)
        outside = (numbers[:, 0] < FIRST_INDEX) | (numbers[:, 0] >= FIRST_INDEX + handed_out)
        for index, _, _, place in numbers[outside].tolist():
            self._find(number, place, f"an entry has index {index}, handed out were {handed_out}")
        numbers = numbers[~outside]
        numbers = numbers[np.argsort(numbers[:, 0], kind="stable")]
        for index in numbers[1:][numbers[1:, 0] == numbers[:-1, 0], 0].tolist():
            self._find(number, at, f"two entries have index {index}")
        if handed_out <= INLINE_INDEXES:
            table = index_slots(np.ascontiguousarray(row["dirtable"]))[:handed_out]
            self._compare(number, at + self._inode.offset_of("dirtable"), table, FIRST_INDEX, numbers)
            return 0
        place = at + self._inode.offset_of("dirtable")
        extents, trees = extents_of(self._subject, number, place, row["dirtable"], (INDEX_ROOT_MAXENTRY,))
        self._table(number, at, MapFile(self._subject.volume, extents), handed_out, numbers)
        return int(trees.data[0] + trees.pages[0])

    def _table(self, number: int, at: int, table: MapFile, handed_out: int, entries: NDArray[np.int64]) -> None:
        pages = -(-handed_out // INDEX_SLOTS_A_PAGE)
        if table.pages < pages:
            self._find(number, at, f"its table has {table.pages} pages, {handed_out} indexes need {pages}")
            pages = table.pages
        pages = min(pages, self._pages_left)
        self._pages_left -= pages
        for first in range(0, pages, _CHUNK_PAGES):
            raw = table.read(first, min(_CHUNK_PAGES, pages - first))
            start = first * INDEX_SLOTS_A_PAGE
            slots = index_slots(raw.reshape(-1))[: handed_out - start]
            index = FIRST_INDEX + start
            chosen = entries[(entries[:, 0] >= index) & (entries[:, 0] < index + len(slots))]
            self._compare(number, table.place(first), slots, index, chosen)

    def _compare(self, number: int, at: int, slots: NDArray[Any], first: int, entries: NDArray[np.int64]) -> None:
        """Compare slots of indexes `first` and on with the entries that have those indexes."""
        named = np.zeros(len(slots), bool)
        index, address, position, places = entries.T
        slot = slots[index - first]
        named[index - first] = True
        found = get_leaves(slot)
        wrong = (slot["flag"] != INDEX_SLOT_VALID) | (found != address) | (slot["slot"] != position)
        for i in np.flatnonzero(wrong).tolist():
            text = f"index {index[i]} says page {found[i]}, position {slot['slot'][i]}"
            self._find(number, int(places[i]), f"{text}; its entry is in page {address[i]}, position {position[i]}")
        for i in np.flatnonzero(~named & (slots["flag"] == INDEX_SLOT_VALID)).tolist():
            self._find(number, at + i * DIRTABLE_SLOT.size, f"index {first + i} is in use, but no entry has it")

    def _find(self, number: int, at: int, text: str) -> None:
        name = "directory-index"
        self._subject.report.add(name, DIRTABLE_SLOT.name, "", at, f"directory {number}: {text}")
