"""The tree that an archive makes member by member: of two members of one name the later one counts."""

from __future__ import annotations

import stat

import numpy as np

from ..inventory.arrays import Inventory
from ..inventory.builder import InventoryBuilder


class MemberTree:
    """Collects the members of an archive.

    Args:
        now: instant in nanoseconds, for directories that are only implied.

    Attributes:
        builder: takes inodes, data and attributes.
        root: row of the root directory.
        folders: rows of all directories.
    """

    def __init__(self, now: int) -> None:
        self.builder = InventoryBuilder()
        self._now = now
        self._entries: dict[tuple[int, bytes], int] = {}  # what `finish` links, in order
        self.folders: set[int] = set()
        self.root = self._directory()

    def _directory(self) -> int:
        now = self._now
        row = self.builder.add_inode(stat.S_IFDIR | 0o755, atime=now, mtime=now, ctime=now, otime=now)
        self.folders.add(row)
        return row

    def get(self, parent: int, name: bytes | None) -> int | None:
        """Row of what has a name in a directory; None as the name is the root."""
        return self.root if name is None else self._entries.get((parent, name))

    def link(self, parent: int, name: bytes, row: int) -> int:
        """Give the inode in a row a name, which something else may have had."""
        self._entries.pop((parent, name), None)  # so that data stays in the order of the archive
        self._entries[parent, name] = row
        return row

    def folder(self, parent: int, name: bytes | None) -> int:
        """The directory of a name, made where there is none."""
        there = self.get(parent, name)
        if there is None or there not in self.folders:
            there = self.link(parent, name or b"", self._directory())
        return there

    def parent(self, names: list[bytes]) -> int | None:
        """The directory called so, made where it is only implied; None if something else is in the way."""
        row = self.root
        for name in names:
            there = self.get(row, name)
            if there is not None and there not in self.folders:
                return None
            row = self.folder(row, name)
        return row

    def finish(self) -> Inventory:
        """The tree; what later members have replaced is gone."""
        for (parent, name), child in self._entries.items():
            self.builder.add_entry(parent, child, name)
        whole = self.builder.finish()
        return whole.select(np.ones(len(whole.entries), bool))
