"""How inodes begin and end: a new one with its name, and what goes with the last name.

Source: reference sections 3.3.4, 3.3.5 and 3.6.
"""

from __future__ import annotations

import stat

import numpy as np

from ...errors import UnsupportedFeature
from ..inode_table import FILESET, blank_inodes, empty_root, mode_attributes, shorten_roots
from .core import Journal
from .dtree_change import DirectoryTree
from .file_extents import FileExtents
from .images import InodeImage, time_bytes
from .transaction import Transaction
from .tree import MountedTree

_EXTENT_FLAG = 0x20

Place = tuple[InodeImage, DirectoryTree, bytes]
"""A directory, its entries, and the on-disk key of one."""


class Lifetimes(MountedTree):
    """Inodes of a mounted file system come and go."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._empty_root = empty_root(journal.volume.dialect)
        self._instant = -1, b""  # the last time stamp, coded

    def _new(
        self, txn: Transaction, place: Place, mode: int, now: int, uid: int, gid: int
    ) -> tuple[InodeImage, InodeImage]:
        """A new inode with a name and an empty extent tree; returns it and its directory.

        Raises:
            AlreadyExists: the directory has an entry of this name.
        """
        directory, entries, key = place
        inodes = self._journal.inodes
        number = inodes.allocate(txn, directory.number)
        row = blank_inodes(
            self._dialect, np.array([number]), fileset=FILESET, stamp=self._journal.stamp,
            generation=inodes.next_generation(),
        )  # fmt: skip
        per_extent = self._journal.superblock.geometry.blocks_per_extent
        self._dialect.put_pxd(row["di_ixpxd"], slice(None), inodes.extent(number), per_extent)
        modes = np.array([mode], np.uint32)
        row["di_mode"] = modes | mode_attributes(self._dialect, modes)
        row["di_nlink"], row["di_uid"], row["di_gid"] = 1, uid, gid
        row["root"] = self._empty_root
        if stat.S_IFMT(mode) != stat.S_IFDIR:
            shorten_roots(self._dialect, row, np.zeros(1, np.int64))
        inode = txn.inode(number, inodes.place(number), new=row.tobytes())
        self._touch(inode, now, "di_atime", "di_mtime", "di_ctime", "di_otime")
        entries.insert(key, number)
        self._touch(directory, now, "di_mtime", "di_ctime")
        return inode, directory

    def _lose_link(self, txn: Transaction, inode: InodeImage, now: int) -> None:
        """One name less; with the last one go content and attributes."""
        row = inode.row
        row["di_nlink"] -= 1
        self._touch(inode, now, "di_ctime")
        if inode.links:
            return
        self._lose_attributes(txn, inode)
        FileExtents(txn, inode).drop()
        self._journal.inodes.release(txn, inode.number)

    def _lose_directory(self, txn: Transaction, parent: InodeImage, inode: InodeImage, now: int) -> None:
        """An empty directory goes, and with it the link that its `..` was."""
        self._lose_attributes(txn, inode)
        inode.row["di_nlink"] = 0
        parent.row["di_nlink"] -= 1
        self._touch(inode, now, "di_ctime")
        self._touch(parent, now, "di_mtime", "di_ctime")
        self._journal.inodes.release(txn, inode.number)

    def _lose_attributes(self, txn: Transaction, inode: InodeImage) -> None:
        """Free the extents of extended attributes and access control lists."""
        row = inode.row
        if self._dialect.name == "aix":
            # what AIX keeps there, and how, is not published (reference 5, items 12 and 13)
            if row["ea"].any():
                raise UnsupportedFeature("removing a file with extended attributes of AIX", where=self._volume.where)
            return
        for field in ("di_acl", "di_ea"):
            if row[field]["flag"][0] & _EXTENT_FLAG:
                length, address = (int(value[0]) for value in self._dialect.get_pxd(row[field]["xd"]))
                self._volume.check_extent(address, length, "inode", field, inode.at)
                txn.free(address, length)

    def _touch(self, inode: InodeImage, now: int, *fields: str) -> None:
        if self._instant[0] != now:
            self._instant = now, time_bytes(self._dialect, now)
        inode.set_time(self._instant[1], *fields)
