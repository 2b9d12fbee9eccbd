"""The inode map of a mounted file system, in memory; its pages go home at sync points.

Source: reference sections 2.6 and 3.3. Recovery finds the inodes in use from the log, so nothing of it is logged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import NoSpace
from ..geometry import EXTENTS_PER_IAG, INODE_SIZE, INODES_PER_EXTENT, INODES_PER_IAG, Geometry
from ..inode_map import control_page, iag_pages
from ..inodes import InodeMap
from ..volume import Volume
from .transaction import Transaction

_DERIVED = ("inosmap", "extsmap", "nfreeinos", "nfreeexts", "wmap", "pmap", "inoext", "inofreefwd", "inofreeback",
            "extfreefwd", "extfreeback", "iagfree")  # fmt: skip


class MountedInodes:
    """Inodes of the fileset, given out and taken back.

    Args:
        volume: the file system.
        inodes: its inode map as it was at the mount.
        geometry: of it.
        generation: number for the next new inode.
    """

    def __init__(self, volume: Volume, inodes: InodeMap, geometry: Geometry, generation: int) -> None:
        self._volume, self._geometry = volume, geometry
        groups = [inodes.iag(k) for k in range(inodes.iag_count)]
        self._used = np.array([group.used for group in groups])
        self._address = np.array([group.address for group in groups])
        self._record = volume.dialect.structures.iag
        self._home = self._joined([group.row for group in groups])
        self._pages = [inodes.map_offset(k) for k in range(-1, len(groups))]
        self._control = inodes.control.copy()
        backed = np.repeat(self._address != 0, INODES_PER_EXTENT, axis=1)
        self._free = (backed & ~self._used).sum(axis=1)
        self.generation = generation

    @property
    def count(self) -> int:
        """Inode allocation groups."""
        return len(self._used)

    @property
    def is_full(self) -> bool:
        """Whether no group has room for one more inode."""
        return not self._free.any() and bool((self._address != 0).all())

    def allocate(self, txn: Transaction, parent: int) -> int:
        """An inode for a file in the directory `parent`: of its group, or of another.

        A new inode extent is taken from free space; its blank inodes are written before the commit that uses it.

        Raises:
            NoSpace: there is no room for more inodes.
        """
        home = parent // INODES_PER_IAG
        groups = [home, *(k for k in range(self.count) if k != home)]
        number = None
        for k in groups:
            if self._free[k]:
                number = self._first_free(k)
                break
            if k == home and (number := self._new_extent(txn, k)) is not None:
                break
        else:
            number = next((n for k in groups if (n := self._new_extent(txn, k)) is not None), None)
        if number is None:
            raise NoSpace("no room for more inodes", where=self._volume.where)
        self._set(number, True)
        txn.undo.append(lambda: self._set(number, False))
        return number

    def release(self, txn: Transaction, number: int) -> None:
        """Give an inode back; its extent stays backed."""
        self._set(number, False)
        txn.undo.append(lambda: self._set(number, True))

    def place(self, number: int) -> int:
        """Byte offset of an inode in use in the device.

        Raises:
            CorruptImage: there is no such inode.
        """
        k, within = divmod(number, INODES_PER_IAG)
        if not 0 <= k < self.count or not self._used[k, within]:
            raise self._volume.corrupt("dtree_leaf_slot", "inumber", None, "an inode in use", number)
        address = int(self._address[k, within // INODES_PER_EXTENT])
        return address * self._volume.block_size + within % INODES_PER_EXTENT * INODE_SIZE

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
        self._used = np.concatenate((self._used, np.zeros((1, INODES_PER_IAG), bool)))
        self._address = np.concatenate((self._address, np.zeros((1, EXTENTS_PER_IAG), np.int64)))
        self._free = np.append(self._free, 0)
        self._home = self._joined([self._home, page])
        self._pages.append(page_at)

    def blank_group(self) -> NDArray[Any]:
        """The page of the next group, which allocates where the last one does: shape (1,)."""
        none = np.zeros(EXTENTS_PER_IAG, np.int64)
        page = iag_pages(
            self._volume.dialect, self._geometry, np.zeros(INODES_PER_IAG, bool), none, first=self.count
        )  # fmt: skip
        page["agstart"] = self._home["agstart"][-1]
        return page

    def write(self, device: BlockDevice) -> None:
        """Write the pages that have changed."""
        rows = iag_pages(self._volume.dialect, self._geometry, self._used.ravel(), self._address.ravel())
        rows["agstart"] = self._home["agstart"]
        control = control_page(self._volume.dialect, self._geometry, rows)
        for field in ("in_unused", "in_rsvd"):
            control[field] = self._control[field]
        new = self._home.copy()
        for field in _DERIVED:
            new[field] = rows[field]
        for k in range(self.count):
            if new[k].tobytes() != self._home[k].tobytes():
                device.write(self._pages[k + 1], new[k : k + 1])
        if control.tobytes() != self._control.tobytes():
            device.write(self._pages[0], control)
        self._home, self._control = new, control

    def _joined(self, rows: list[NDArray[Any]]) -> NDArray[Any]:
        """Pages one after the other; numpy's own concatenation would change their byte order."""
        return self._record.table(b"".join([part.tobytes() for part in rows])).copy()

    def _set(self, number: int, used: bool) -> None:
        k, within = divmod(number, INODES_PER_IAG)
        self._used[k, within] = used
        self._free[k] += -1 if used else 1

    def _first_free(self, k: int) -> int:
        backed = np.repeat(self._address[k] != 0, INODES_PER_EXTENT)
        return k * INODES_PER_IAG + int((backed & ~self._used[k]).argmax())

    def _new_extent(self, txn: Transaction, k: int) -> int | None:
        """Take an inode extent into a group; the number of its first inode, None where that is not possible."""
        missing = np.flatnonzero(self._address[k] == 0)
        if not len(missing):
            return None
        e, length = int(missing[0]), self._geometry.blocks_per_extent
        near = int(self._address[k, e - 1]) + length if e else int(self._home["agstart"][k])
        try:
            [(address, _)] = txn.allocate(length, near=near, contiguous=True)
        except NoSpace:
            return None
        self._back(k, e, address)
        txn.undo.append(lambda: self._back(k, e, 0))
        first = k * INODES_PER_IAG + e * INODES_PER_EXTENT
        txn.new_inode_extent(first, address)
        return first

    def _back(self, k: int, e: int, address: int) -> None:
        self._address[k, e] = address
        self._free[k] += INODES_PER_EXTENT if address else -INODES_PER_EXTENT
