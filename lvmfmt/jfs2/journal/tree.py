"""Reading a mounted file system by path, committed changes included."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from ...errors import NotFound, OperationRefused
from ..dialect import MAX_NAME_UNITS
from ..dtree import DirectoryReader
from ..filedata import file_device
from ..inodes import ROOT_DIRECTORY, Inode
from ..read_inventory import link_target
from ..stat import Stat
from ..xtree import read_extents
from .core import Journal
from .dtree_change import DirectoryTree
from .images import InodeImage
from .transaction import Transaction


class MountedTree:
    """Names and files of a mounted file system. Paths are absolute in it, and symlinks are never followed.

    Args:
        journal: what commits its changes.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._volume = journal.volume
        self._dialect = journal.volume.dialect
        self._directories = DirectoryReader(journal.volume, indexed=False)

    def stat(self, path: str) -> Stat:
        """Attributes of a file, of the link itself for a symlink.

        Raises:
            NotFound: there is no such path.
        """
        return Stat.of(self._read_inode(path), self._dialect)

    def exists(self, path: str) -> bool:
        """Whether there is such a path."""
        try:
            self._read_inode(path)
        except NotFound:
            return False
        return True

    def listdir(self, path: str = "/") -> list[str]:
        """Names in a directory, in its order.

        Raises:
            OperationRefused: it is not a directory.
        """
        inode = self._read_inode(path)
        if inode.kind != stat.S_IFDIR:
            raise OperationRefused(f"{path}: not a directory", where=self._volume.where)
        entries = self._directories.entries(inode.root.tobytes(), at=inode.root_at)
        return [entry.name.decode("utf-8", "surrogateescape") for entry in entries]

    def walk(self, top: str = "/") -> Iterator[tuple[str, Stat]]:
        """Every path from `top` down with its attributes, a directory before what is in it."""
        pending = [top]
        while pending:
            path = pending.pop()
            status = self.stat(path)
            yield path, status
            if status.is_directory:
                prefix = path.rstrip("/") + "/"
                pending += [prefix + name for name in reversed(self.listdir(path))]

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a regular file; fewer than asked for at its end.

        Raises:
            OperationRefused: it is not a regular file.
        """
        inode = self._read_inode(path)
        if inode.kind != stat.S_IFREG:
            raise OperationRefused(f"{path}: not a regular file", where=self._volume.where)
        extents = read_extents(self._volume, inode.root, at=inode.root_at)
        device = file_device(self._volume, extents, inode.size, f"{self._volume.where}:{path}")
        offset = min(max(offset, 0), inode.size)
        rest = inode.size - offset
        return device.read(offset, rest if length is None else min(max(length, 0), rest)).tobytes()

    def readlink(self, path: str) -> str:
        """The target of a symlink.

        Raises:
            OperationRefused: it is not a symlink.
        """
        inode = self._read_inode(path)
        if inode.kind != stat.S_IFLNK:
            raise OperationRefused(f"{path}: not a symbolic link", where=self._volume.where)
        target = link_target(self._volume, inode.root, inode.size, inode.root_at)
        return target.decode("utf-8", "surrogateescape")

    def _read_inode(self, path: str) -> Inode:
        image = self._resolve(self._journal.view(), path)
        return Inode(image.number, image.at, image.row.copy())

    def _inode(self, txn: Transaction, number: int) -> InodeImage:
        return txn.inode(number, self._journal.inodes.place(number))

    def _resolve(self, txn: Transaction, path: str) -> InodeImage:
        """The inode behind a path."""
        inode = self._inode(txn, ROOT_DIRECTORY)
        for name in _parts(path):
            number = None
            if inode.kind == stat.S_IFDIR:
                coded = self._dialect.encode_name(name.encode("utf-8", "surrogateescape"))
                number = DirectoryTree(txn, inode).lookup(coded)
            if number is None:
                raise NotFound(f"no such path: {path}", where=self._volume.where)
            inode = self._inode(txn, number)
        return inode

    def _parent(self, txn: Transaction, path: str) -> tuple[InodeImage, DirectoryTree, bytes]:
        """The directory that a path lies in, its entries, and the on-disk key of the last part.

        Raises:
            OperationRefused: the path is that of the root, its parent is not a directory, or the name cannot be
                stored.
        """
        parts = _parts(path)
        if not parts:
            raise OperationRefused("the root directory cannot be changed so", where=self._volume.where)
        inode = self._resolve(txn, "/".join(parts[:-1]))
        if inode.kind != stat.S_IFDIR:
            raise OperationRefused(f"{path}: its parent is not a directory", where=self._volume.where)
        name = parts[-1].encode("utf-8", "surrogateescape")
        coded = self._dialect.encode_name(name)
        if len(coded) // self._dialect.name_unit > MAX_NAME_UNITS or name in (b".", b"..") or b"\0" in name:
            raise OperationRefused("a name has 1 to 255 characters, and is not . or ..", where=self._volume.where)
        return inode, DirectoryTree(txn, inode), coded

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


def _parts(path: str) -> list[str]:
    return [name for name in path.split("/") if name]
