"""A mounted file system by path, with all committed changes; and what an operation finds at a path."""

from __future__ import annotations

import stat

from ...errors import NotFound, OperationRefused
from ...origin import Origin, SystemOrigin, check_instant
from ..inodes.inode import Inode
from ..paths.view import View, check_name, name_bytes, parts_of
from ..reading.inodes import ROOT_DIRECTORY
from .core import Journal
from .dtree_change import DirectoryTree
from .images import InodeImage
from .transaction import Transaction


class MountedTree(View):
    """Names and files of a mounted file system. Paths are absolute in it, and symlinks are never followed.

    Args:
        journal: what commits its changes.

    Attributes:
        origin: the clock of changes that are not dated otherwise.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal.superblock, journal.volume, journal.inodes)
        self._journal = journal
        self._volume = journal.volume
        self._dialect = journal.volume.dialect
        self._coding = journal.coding
        self.origin: Origin = SystemOrigin()

    def inode(self, path: str) -> Inode:
        """The inode behind a path.

        Raises:
            NotFound: there is no such path.
        """
        image = self._resolve(self._journal.view(), path)
        return Inode(image.number, image.at, image.row.copy())

    def _moment(self, now: int | None) -> int:
        """The instant of a change, in nanoseconds: the one that was given, or that of the clock."""
        return self.origin.now() if now is None else check_instant(now)

    def _free_blocks(self) -> int:
        return self._journal.free_blocks

    def _inode(self, txn: Transaction, number: int) -> InodeImage:
        return txn.inode(number, self._journal.inodes.place(number))

    def _resolve(self, txn: Transaction, path: str) -> InodeImage:
        """The inode behind a path."""
        return self._descend(txn, parts_of(path), path)

    def _descend(self, txn: Transaction, parts: list[str], path: str) -> InodeImage:
        return self._way(txn, parts, path)[-1]

    def _way(self, txn: Transaction, parts: list[str], path: str) -> list[InodeImage]:
        """The inodes on the way down, the root's first."""
        inode = self._inode(txn, ROOT_DIRECTORY)
        way = [inode]
        for name in parts:
            number = None
            if inode.kind == stat.S_IFDIR:
                number = DirectoryTree(txn, inode).lookup(self._key(name_bytes(name)))
            if number is None:
                raise NotFound(f"no such path: {path}", where=self._volume.where)
            inode = self._inode(txn, number)
            way.append(inode)
        return way

    def _parent(self, txn: Transaction, path: str) -> tuple[InodeImage, DirectoryTree, bytes]:
        """The directory that a path lies in, its entries, and the key of the last part.

        Raises:
            OperationRefused: the path is that of the root, its parent is not a directory, or the name cannot be
                stored.
        """
        parts = parts_of(path)
        if not parts:
            raise OperationRefused("the root directory cannot be changed this way", where=self._volume.where)
        way = self._way(txn, parts[:-1], path)
        inode = way[-1]
        if inode.kind != stat.S_IFDIR:
            raise OperationRefused(f"{path}: its parent is not a directory", where=self._volume.where)
        name = name_bytes(parts[-1])
        check_name(self._dialect, name, self._volume.where)
        return inode, DirectoryTree(txn, inode, way[-2].number if way[1:] else ROOT_DIRECTORY), self._key(name)

    def _key(self, name: bytes) -> bytes:
        return self._dialect.sort_key(self._dialect.encode_name(name))

    def _existing(self, txn: Transaction, path: str) -> tuple[InodeImage, DirectoryTree, bytes, InodeImage]:
        """As `_parent`, with the inode behind the path last.

        Raises:
            NotFound: there is no such path.
        """
        directory, entries, key = self._parent(txn, path)
        number = entries.lookup(key)
        if number is None:
            raise NotFound(f"no such path: {path}", where=self._volume.where)
        return directory, entries, key, self._inode(txn, number)
