"""Who owns which block: ranges of blocks with their owners, and blocks that have two.

Source: [jfs2 invariant 15].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..maps.used_blocks import UsedBlocks
from .findings import Report

RESERVED, INODE_TABLE, SECOND_COPY = -1, -2, -3
_AGGREGATE = -16
_NAMES = {
    RESERVED: "the reserved area with the superblocks",
    INODE_TABLE: "the inode table",
    SECOND_COPY: "the second copy of the aggregate's tables",
}
_COMPACT_AT = 1 << 18


def aggregate_owner(number: int) -> int:
    """The owner that stands for an inode of the aggregate; files own as their inode number."""
    return _AGGREGATE - number


def owner_name(owner: int) -> str:
    """The owner in words."""
    if owner >= 0:
        return f"inode {owner}"
    return _NAMES.get(owner) or f"aggregate inode {_AGGREGATE - owner}"


class Owners:
    """Ranges of blocks and who owns them; memory is bounded by the blocks that exist.

    Args:
        report: receives blocks with two owners.
        block_size: bytes of a block.
    """

    def __init__(self, report: Report, block_size: int) -> None:
        self._report = report
        self._block_size = block_size
        self._ranges = np.zeros((3, 0), np.int64)  # starts, ends, owners: sorted and disjoint
        self._new: list[NDArray[np.int64]] = []
        self._single: list[tuple[int, int, int]] = []
        self._pending = 0
        self._pages: set[int] = set()

    def claim(self, address: int, length: int, owner: int) -> None:
        """Blocks `address` and on belong to `owner`; the range lies inside the file system."""
        self._single.append((address, address + length, owner))
        if len(self._single) > _COMPACT_AT:
            self._compact()

    def claim_many(self, address: NDArray[np.int64], length: NDArray[np.int64], owner: NDArray[np.int64]) -> None:
        """The same for many ranges: three arrays of one shape (ranges,)."""
        if not len(address):
            return
        self._new.append(np.stack((address, address + length, owner)))
        self._pending += len(address)
        if self._pending > _COMPACT_AT:
            self._compact()

    def enter(self, address: int, length: int, owner: int) -> bool:
        """Claim a page of a tree or an extent of inodes, and tell whether nobody has entered it before.

        What was entered before is not to be read again: that bounds the work on trees that share pages.
        """
        self.claim(address, length, owner)
        return self.first_visit(address)

    def first_visit(self, address: int) -> bool:
        """Whether nobody has asked this for the block `address` before."""
        if address in self._pages:
            return False
        self._pages.add(address)
        return True

    def used(self) -> UsedBlocks:
        """All owned blocks."""
        starts, ends, _ = self.ranges()
        return UsedBlocks(np.stack((starts, ends - starts), axis=1))

    def ranges(self) -> NDArray[np.int64]:
        """First block, block after the last, and owner of every range, shape (3, ranges), ascending and disjoint."""
        self._compact()
        return self._ranges

    @property
    def pages(self) -> frozenset[int]:
        """Blocks that `first_visit` was asked for."""
        return frozenset(self._pages)

    def _compact(self) -> None:
        single = np.array(self._single, np.int64).reshape(-1, 3).T
        ranges = np.concatenate((self._ranges, *self._new, single), axis=1)
        self._new, self._single, self._pending = [], [], 0
        ranges = ranges[:, np.argsort(ranges[0], kind="stable")]
        starts, ends, owners = ranges
        reach = np.maximum.accumulate(ends)
        before = np.concatenate(([0], reach[:-1]))
        double = starts < before
        if double.any():
            self._tell(ranges, reach, before, double)
        starts = np.maximum(starts, before)
        keep = ends > starts
        starts, ends, owners = starts[keep], ends[keep], owners[keep]
        if len(starts):
            first = np.ones(len(starts), bool)
            first[1:] = (starts[1:] != ends[:-1]) | (owners[1:] != owners[:-1])
            last = np.append(first[1:], True)
            self._ranges = np.stack((starts[first], ends[last], owners[first]))

    def _tell(
        self,
        ranges: NDArray[np.int64],
        reach: NDArray[np.int64],
        before: NDArray[np.int64],
        double: NDArray[np.bool_],
    ) -> None:
        starts, ends, owners = ranges

        def text(row: int) -> str:
            other = int(np.searchsorted(reach, before[row]))  # the range that reaches so far
            last = min(int(ends[row]), int(before[row])) - 1
            names = owner_name(int(owners[other])), owner_name(int(owners[row]))
            return f"blocks {starts[row]} to {last} belong to {names[0]} and to {names[1]}"

        self._report.add_rows("block-owners", "", "", double, lambda row: int(starts[row]) * self._block_size, text)
