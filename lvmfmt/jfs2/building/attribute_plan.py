"""Extended attributes of a new file system: which go into inodes, and where the others lie.

Linux keeps a short list in the inode while its place is free. For AIX every list goes into an extent: what shares the
inline area there is not published. Source: [jfs2 2.10], [jfs2 invariant 49], [jfs2 invariant 50] and [jfs2 item 12].
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import OperationRefused
from ...units import ceil_div
from ..attributes.acl import POSIX_NAMES
from ..attributes.descriptor import INLINE_BYTES
from ..attributes.forms import descriptor_form
from ..attributes.writing import pack, put_inline
from ..dialect import Dialect
from ..inodes.inode_table import INLINE_EA_START
from ..inventory.arrays import Inventory

_RUN = 256  # lists of one write


class AttributePlan:
    """The attributes of an inventory in a new file system.

    Args:
        inventory: the tree.
        dialect: AIX or Linux.
        block_size: bytes of a block.
        roomy: which inode rows have extent trees that leave the inline area free, shape (rows,).

    Attributes:
        blocks: blocks of all extents.
        problems: what cannot be kept, a line each.
    """

    def __init__(self, inventory: Inventory, dialect: Dialect, block_size: int, roomy: NDArray[np.bool_]) -> None:
        self._dialect, self._block_size, self._form = dialect, block_size, descriptor_form(dialect)
        self.problems: list[str] = []
        self._lists: dict[int, bytes] = {}
        self._counts: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        self._addresses: dict[int, int] = {}
        lost = 0
        for row in sorted(inventory.attributes):
            values = {name: v for name, v in inventory.attributes[row].items() if self._keeps(name)}
            lost += len(inventory.attributes[row]) - len(values)
            try:
                data = pack(dialect, block_size, values)
            except OperationRefused as error:
                self.problems.append(f"inode {inventory.inodes['number'][row]} of the source: {error.what}, left out")
                continue
            if not data:
                continue
            self._lists[row], self._counts[row] = data, len(values)
            if not (len(data) <= INLINE_BYTES and self._is_free(inventory, row, roomy)):
                self._lengths[row] = ceil_div(len(data), block_size)
        if lost:
            self.problems.append(f"{lost} access control lists of Linux, which AIX has no published form for, left out")
        self.blocks = sum(self._lengths.values())

    def _keeps(self, name: bytes) -> bool:
        """Whether the dialect has a place for an attribute: access control lists of Linux mean nothing to AIX."""
        return self._form.keeps_posix_acls or name not in POSIX_NAMES

    def _is_free(self, inventory: Inventory, row: int, roomy: NDArray[np.bool_]) -> bool:
        """Whether the inline area of an inode has nothing else in it."""
        if not self._form.uses_inline_area:
            return False
        kind = stat.S_IFMT(int(inventory.inodes["mode"][row]))
        if kind == stat.S_IFLNK and len(inventory.links[row]) < self._dialect.symlink_inline_limit:
            return len(inventory.links[row]) < INLINE_EA_START
        return kind != stat.S_IFDIR and bool(roomy[row])

    def place(self, first: int) -> int:
        """Give every extent its address, from block `first` on; returns the block after the last."""
        for row, length in self._lengths.items():
            self._addresses[row] = first
            first += length
        return first

    def fill(self, table: NDArray[Any], rows: NDArray[np.int64]) -> None:
        """Put descriptors and inline lists into inodes that are otherwise complete.

        Args:
            table: rows of the inode record.
            rows: the inventory row of each.
        """
        if not self._lists:
            return
        for i, row in enumerate(rows.tolist()):
            data = self._lists.get(row)
            if data is None:
                continue
            length = self._lengths.get(row, 0)
            inode = table[i : i + 1]
            self._form.describe(inode, len(data), self._counts[row], self._addresses.get(row, 0), length)
            inode["di_nblocks"] += length
            if not length:
                put_inline(inode, data)

    def write(self, device: BlockDevice) -> None:
        """Write the lists that have extents, many at a time."""
        for at, data in self._runs():
            device.write(at, data)

    def _runs(self) -> Iterator[tuple[int, bytes]]:
        rows = list(self._lengths)
        for i in range(0, len(rows), _RUN):
            part = rows[i : i + _RUN]
            padded = [self._lists[row].ljust(self._lengths[row] * self._block_size, b"\0") for row in part]
            yield self._addresses[part[0]] * self._block_size, b"".join(padded)
