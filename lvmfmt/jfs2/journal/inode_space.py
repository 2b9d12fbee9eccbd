"""The inode map of a mounted file system, in memory; its pages go home at sync points.

Recovery finds the inodes in use from the log, so nothing of it is logged. Inode extents without inodes stay backed:
giving them back [jfs2 3.3.4] is an economy of the kernel of Linux with a record of its own (NOREDOINOEXT), no condition
for a sound file system [jfs2 invariants 28 to 33], and the replay of a log does it for all of them anyway [jfs2 3.10].
Source: [jfs2 2.6, 3.3].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import NoSpace
from ..geometry import EXTENTS_PER_IAG, INODE_SIZE, INODES_PER_EXTENT, INODES_PER_IAG
from ..inodes.inode_table import get_generator
from ..nodes.inode_group import InodeGroups, InodeMapSums, group_pages, link_groups, renewed_groups
from ..nodes.page_faults import first_fault
from ..reading.iags import Iag
from ..reading.inodes import InodeMap
from ..superblock import Superblock
from ..volume import Volume
from .space import MountedSpace
from .transaction import Transaction


class MountedInodes(InodeMap):
    """Inodes of the fileset, given out and taken back.

    Args:
        volume: the file system with all committed changes.
        superblock: of it.

    Attributes:
        generation: number for the next new inode.
    """

    def __init__(self, volume: Volume, superblock: Superblock) -> None:
        self._pages: list[int] = []
        super().__init__(volume, superblock)
        groups = self.groups(0, self.iag_count)
        self._home, self._inodes_used, self._address = groups.table, groups.used, groups.address
        self._judged = False
        self._pages = self.file.places(0, self.iag_count + 1).tolist()
        backed = np.repeat(self._address != 0, INODES_PER_EXTENT, axis=1)
        # a byte for each inode: 0 for one that can be given out, so that `find` looks for it
        self._taken = [bytearray(row.tobytes()) for row in self._inodes_used | ~backed]
        self._free = (backed & ~self._inodes_used).sum(axis=1).tolist()
        self._missing = int((self._address == 0).sum())
        self._changed: set[int] = set()
        self.generation = get_generator(volume.dialect, self.map_inode.row[0])

    def iag(self, k: int) -> Iag:
        """See `InodeMap.iag`; as it is now."""
        lengths = np.where(self._address[k] != 0, self._geometry.blocks_per_extent, 0)
        return Iag(self._home[k : k + 1], self._address[k], lengths, self._inodes_used[k])

    def counts(self) -> tuple[int, int]:
        """See `InodeMap.counts`; as it is now."""
        backed = (len(self._address) * EXTENTS_PER_IAG - self._missing) * INODES_PER_EXTENT
        return backed - sum(self._free), backed

    def map_offset(self, iag: int) -> int:
        """See `InodeMap.map_offset`."""
        return self._pages[iag + 1] if self._pages else super().map_offset(iag)

    def needs_group(self, space: MountedSpace) -> bool:
        """Whether the next inode has to come from a new group.

        No inode is free then, and no group can take an inode extent in its own allocation group though there is
        another that has room.
        """
        if any(self._free):
            return False
        length = self._geometry.blocks_per_extent
        if any(space.has_room_in_group(length, near=self._near(k)) for k in self._incomplete()):
            return False
        return not self._missing or space.group_with_room(length, near=0) is not None

    def allocate(self, txn: Transaction, parent: int) -> int:
        """An inode for a file in the directory `parent`: of its group, or of another.

        A new inode extent is taken from the allocation group of its group, and only where that is not possible in any
        from elsewhere; its blank inodes are written before the commit that uses it.

        Raises:
            NoSpace: there is no room for more inodes.
        """
        home = parent // INODES_PER_IAG
        number = self._first_free(home) if self._free[home] else self._new_extent(txn, home)
        if number is None:
            k = next((k for k, free in enumerate(self._free) if free), None)
            number = self._first_free(k) if k is not None else None
        for elsewhere in (False, True):
            if number is None:
                taken = (self._new_extent(txn, k, elsewhere=elsewhere) for k in self._incomplete())
                number = next((first for first in taken if first is not None), None)
        if number is None:
            raise NoSpace("no room for more inodes", where=self.volume.where)
        self.mark(number, True)
        txn.undo.append(lambda: self.mark(number, False))
        return number

    def release(self, txn: Transaction, number: int) -> None:
        """Give an inode back; its extent stays backed."""
        self.mark(number, False)
        txn.undo.append(lambda: self.mark(number, True))

    def place(self, number: int) -> int:
        """Byte offset of an inode in use in the device.

        Raises:
            CorruptImage: there is no such inode.
        """
        k, within = divmod(number, INODES_PER_IAG)
        if not self.is_used(number):
            raise self.volume.corrupt("dtree_leaf_slot", "inumber", None, "an inode in use", number)
        address = int(self._address[k, within // INODES_PER_EXTENT])
        return address * self.volume.block_size + within % INODES_PER_EXTENT * INODE_SIZE

    def is_used(self, number: int) -> bool:
        """Whether there is an inode of this number."""
        k, within = divmod(number, INODES_PER_IAG)
        return 0 <= k < self.iag_count and bool(self._inodes_used[k, within])

    def extent(self, number: int) -> int:
        """Block address of the inode extent that an inode lies in."""
        return int(self._address[number // INODES_PER_IAG, number % INODES_PER_IAG // INODES_PER_EXTENT])

    def next_generation(self) -> int:
        """A generation number for a new inode."""
        result = self.generation
        self.generation = (result + 1) & 0xFFFFFFFF
        return result

    def add_group(self, page_at: int, page: NDArray[Any]) -> None:
        """A new group without inodes, whose page (shape (1,)) lies at a byte offset of the device."""
        self._inodes_used = np.concatenate((self._inodes_used, np.zeros((1, INODES_PER_IAG), bool)))
        self._address = np.concatenate((self._address, np.zeros((1, EXTENTS_PER_IAG), np.int64)))
        self._taken.append(bytearray(b"\1" * INODES_PER_IAG))
        self._free.append(0)
        self._missing += EXTENTS_PER_IAG
        self._home = self._joined([self._home, page])
        self._pages.append(page_at)
        self._changed.add(self.iag_count)
        self.iag_count += 1

    def blank_group(self, space: MountedSpace) -> NDArray[Any]:
        """The page of the next group, which allocates where the last one does or where there is room: shape (1,)."""
        self._judge()
        none = np.zeros(EXTENTS_PER_IAG, np.int64)
        page = group_pages(
            self.volume.dialect, self._geometry, np.zeros(INODES_PER_IAG, bool), none, first=self.iag_count
        )  # fmt: skip
        last = int(self._home["agstart"][-1])
        group = space.group_with_room(self._geometry.blocks_per_extent, near=last)
        page["agstart"] = last if group is None else group
        return page

    def write(self, device: BlockDevice) -> None:
        """Write the pages that have changed."""
        if not self._changed:
            return
        new, dialect, g = self._home.copy(), self.volume.dialect, self._geometry
        for k in self._changed:
            old = self._home[k : k + 1]
            new[k : k + 1] = renewed_groups(dialect, g, old, self._inodes_used[k], self._address[k], first=k)
        control = link_groups(dialect, g, new, self.control)
        for k in range(self.iag_count):
            if new[k].tobytes() != self._home[k].tobytes():
                device.write(self._pages[k + 1], new[k : k + 1])
        device.write(self._pages[0], control)
        self._home, self.control = new, control
        self._changed.clear()

    def _joined(self, rows: list[NDArray[Any]]) -> NDArray[Any]:
        """Pages one after the other; numpy's own concatenation would change their byte order."""
        return np.frombuffer(b"".join([part.tobytes() for part in rows]), self._home.dtype).copy()

    def mark(self, number: int, used: bool) -> None:
        """Set the state of an inode that has the other one.

        Raises:
            CorruptImage: the map is not right; nothing of it can be changed.
        """
        self._judge()
        k, within = divmod(number, INODES_PER_IAG)
        self._inodes_used[k, within] = self._taken[k][within] = used
        self._free[k] += -1 if used else 1
        self._changed.add(k)

    def _judge(self) -> None:
        """Refuse to change a map with a fault: one change links all its groups anew."""
        if self._judged:
            return
        dialect, g = self.volume.dialect, self._geometry
        groups = InodeGroups(dialect, g, self._home, variable=self._variable)
        if (fault := first_fault(groups.faults())) is not None:
            raise self.file.corrupt(fault, 1)
        sums = InodeMapSums(dialect, g, len(self._home))
        sums.add(groups)
        if (fault := first_fault(sums.faults(self.file.table(dialect.structures.dinomap, 0)))) is not None:
            raise self.file.corrupt(fault, 0)
        self._judged = True

    def _first_free(self, k: int) -> int:
        return k * INODES_PER_IAG + self._taken[k].find(0)

    def _incomplete(self) -> list[int]:
        """Groups that lack inode extents."""
        return np.flatnonzero((self._address == 0).any(axis=1)).tolist() if self._missing else []

    def _near(self, k: int) -> int:
        """Where the next inode extent of a group is best: behind its last one, if that lies in its allocation group."""
        start = int(self._home["agstart"][k])
        behind = int(self._address[k].max()) + self._geometry.blocks_per_extent
        return behind if start <= behind < min(start + self._geometry.ag_size, self._geometry.blocks) else start

    def _new_extent(self, txn: Transaction, k: int, *, elsewhere: bool = False) -> int | None:
        """Take an inode extent into a group; the number of its first inode, None where that is not possible."""
        missing = np.flatnonzero(self._address[k] == 0)
        if not len(missing):
            return None
        e, length = int(missing[0]), self._geometry.blocks_per_extent
        if elsewhere:
            try:
                [(found, _)] = txn.allocate(length, near=self._near(k), contiguous=True)
            except NoSpace:
                return None
            address: int | None = found
        else:
            address = txn.allocate_in_group(length, near=self._near(k))
        if address is None:
            return None
        self._back(k, e, address)
        txn.undo.append(lambda: self._back(k, e, 0))
        first = k * INODES_PER_IAG + e * INODES_PER_EXTENT
        txn.new_inode_extent(first, address)
        return first

    def _back(self, k: int, e: int, address: int) -> None:
        """Let an inode extent without inodes lie at a block address, or nowhere at 0."""
        self._judge()
        self._address[k, e] = address
        first, taken = e * INODES_PER_EXTENT, b"\0" if address else b"\1"
        self._taken[k][first : first + INODES_PER_EXTENT] = taken * INODES_PER_EXTENT
        self._free[k] += INODES_PER_EXTENT if address else -INODES_PER_EXTENT
        self._missing += -1 if address else 1
        self._changed.add(k)
