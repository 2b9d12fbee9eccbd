"""How inodes begin and end: a new one with its name, and what goes with the last name.

Source: [jfs2 3.3.4, 3.3.5, 3.6].
"""

from __future__ import annotations

import stat

import numpy as np

from ...errors import AlreadyExists, NoSpace, UnsupportedFeature
from ..attributes.descriptor import AttributeKind
from ..attributes.forms import descriptor_form
from ..inodes.inode import Inode
from ..inodes.inode_table import FILESET, blank_inodes, empty_root, mode_attributes, shorten_roots
from .core import Journal
from .dtree_change import DirectoryTree
from .file_extents import FileExtents
from .images import InodeImage
from .transaction import Transaction
from .tree import MountedTree

Place = tuple[InodeImage, DirectoryTree, bytes]
"""A directory, its entries, and the on-disk key of one."""


class Lifetimes(MountedTree):
    """Inodes of a mounted file system come and go."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._blank: dict[int, bytes] = {}  # new inodes by file type
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
        try:
            number = inodes.allocate(txn, directory.number)
        except NoSpace:
            if entries.lookup(key) is None:
                raise
            raise AlreadyExists("the directory has an entry of this name", where=self._volume.where) from None
        per_extent = self._journal.superblock.geometry.blocks_per_extent
        inode = txn.new_inode(number, inodes.place(number), bytearray(self._blank_inode(stat.S_IFMT(mode))))
        inode.set_identity(number, inodes.next_generation(), inodes.extent(number), per_extent)
        inode.mode_word |= mode
        inode.links, inode.uid, inode.gid = 1, uid, gid
        self._touch(inode, now, "di_atime", "di_mtime", "di_ctime", "di_otime")
        entries.insert(key, number)
        self._touch(directory, now, "di_mtime", "di_ctime")
        return inode, directory

    def _blank_inode(self, kind: int) -> bytes:
        """The bytes of a new inode of a file type: attributes beyond POSIX, and an empty extent tree."""
        if kind not in self._blank:
            row = blank_inodes(self._dialect, np.zeros(1), fileset=FILESET, stamp=self._journal.stamp, generation=0)
            row["di_mode"] = mode_attributes(self._dialect, np.array([kind], np.uint32))
            row["root"] = empty_root(self._dialect)
            if kind != stat.S_IFDIR:
                shorten_roots(self._dialect, row, np.zeros(1, np.int64))
            self._blank[kind] = row.tobytes()
        return self._blank[kind]

    def _lose_link(self, txn: Transaction, inode: InodeImage, now: int) -> None:
        """One name less; with the last one go content and attributes."""
        inode.links -= 1
        self._touch(inode, now, "di_ctime")
        if inode.links:
            return
        self._lose_attributes(txn, inode)
        self._lose_content(txn, inode)

    def _lose_content(self, txn: Transaction, inode: InodeImage) -> None:
        """The last name has gone, and with it the content and the inode."""
        FileExtents(txn, inode).drop()
        self._journal.inodes.release(txn, inode.number)

    def _lose_directory(self, txn: Transaction, parent: InodeImage, inode: InodeImage, now: int) -> None:
        """An empty directory goes, and with it the link that its `..` was."""
        self._lose_attributes(txn, inode)
        inode.links = 0
        parent.links -= 1
        self._touch(inode, now, "di_ctime")
        self._touch(parent, now, "di_mtime", "di_ctime")
        self._journal.inodes.release(txn, inode.number)

    def _lose_attributes(self, txn: Transaction, inode: InodeImage) -> None:
        """Free the extents of extended attributes and access control lists."""
        read = Inode(inode.number, inode.at, inode.row.copy())
        for found in descriptor_form(self._dialect).read_all(self._volume, read):
            if found.kind in (AttributeKind.OBJECTS, AttributeKind.UNKNOWN):
                # what belongs to them, and how it is given back, is not published [jfs2 item 12], [jfs2 item 13]
                raise UnsupportedFeature("removing a file with such attributes of AIX", where=self._volume.where)
            if found.length:
                txn.free(found.address, found.length)

    def _touch(self, inode: InodeImage, now: int, *fields: str) -> None:
        if self._instant[0] != now:
            self._instant = now, self._coding.time(now)
        inode.set_time(self._instant[1], *fields)
