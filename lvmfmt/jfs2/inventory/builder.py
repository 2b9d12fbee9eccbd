"""Making an inventory row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import block
from ...arguments import Checked
from .arrays import ENTRY_ROW, EXTENT_ROW, INODE_ROW, Inventory


class Rows:
    """Rows of a table that grows; all but the last few are kept as arrays.

    Args:
        dtype: of the table; a row is a tuple of its fields.
    """

    _CHUNK = 1 << 14

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._full: list[NDArray[Any]] = []
        self._last: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return len(self._full) * self._CHUNK + len(self._last)

    def __setitem__(self, row: int, values: tuple[int, ...]) -> None:
        chunk, place = divmod(row, self._CHUNK)
        if chunk < len(self._full):
            self._full[chunk][place] = values
        else:
            self._last[place] = values

    def append(self, values: tuple[int, ...]) -> None:
        """Add a row."""
        self._last.append(values)
        if len(self._last) == self._CHUNK:
            self._full.append(np.array(self._last, self._dtype))
            self._last.clear()

    def table(self) -> NDArray[Any]:
        """All rows."""
        return np.concatenate((*self._full, np.array(self._last, self._dtype)))


class InventoryBuilder(Checked):
    """Collects rows of an inventory; `finish` makes the arrays."""

    def __init__(self) -> None:
        self.inodes = Rows(INODE_ROW)
        self.extents = Rows(EXTENT_ROW)
        self.sources: list[block.Source] = []
        self.links: dict[int, bytes] = {}
        self.attributes: dict[int, dict[bytes, bytes]] = {}
        self._entries = Rows(ENTRY_ROW)
        self._names = bytearray()

    def add_inode(
        self,
        mode: int,
        *,
        uid: int = 0,
        gid: int = 0,
        size: int = 0,
        atime: int = 0,
        mtime: int = 0,
        ctime: int = 0,
        otime: int = 0,
        rdev: int = 0,
        number: int = 0,
    ) -> int:
        """Add an inode (see `INODE_ROW`) and return its row."""
        self.inodes.append((mode, uid, gid, size, atime, mtime, ctime, otime, rdev, number))
        return len(self.inodes) - 1

    def add_entry(self, parent: int, child: int, name: bytes) -> None:
        """Name the inode in row `child` in the directory in row `parent`."""
        self._entries.append((parent, child, len(self._names), len(name)))
        self._names += name

    def add_extent(self, row: int, offset: int, length: int, source: int, source_offset: int) -> None:
        """Say where bytes of a file can be read."""
        self.extents.append((row, offset, length, source, source_offset))

    def add_source(self, source: block.Source) -> int:
        """Add something that extents can refer to and return its index."""
        self.sources.append(source)
        return len(self.sources) - 1

    def finish(self) -> Inventory:
        """The inventory."""
        extents = self.extents.table()
        return Inventory(
            inodes=self.inodes.table(),
            entries=self._entries.table(),
            names=bytes(self._names),
            extents=extents[np.argsort(extents["inode"], kind="stable")],
            sources=self.sources,
            links=self.links,
            attributes=self.attributes,
        )
