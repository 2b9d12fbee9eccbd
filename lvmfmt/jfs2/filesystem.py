"""`FileSystem`: a JFS2 file system on any block device, by path."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..block import BlockDevice, Buffer, PieceList
from ..errors import NotFound, OperationRefused
from .dialect import Dialect
from .dtree import DirectoryReader, Entry
from .filedata import file_device
from .geometry import BLOCK_MAP_OFFSET, PAGE
from .inodes import ROOT_DIRECTORY, Inode, InodeMap
from .inventory import Inventory
from .modify import Writer
from .read_inventory import link_target, read_inventory
from .stat import Stat
from .superblock import Superblock, describe_state, read_superblock
from .xtree import ROOT_OFFSET, read_extents


class StatFs(NamedTuple):
    """Counts of a file system, as its control pages have them."""

    total_blocks: int
    free_blocks: int
    inodes_used: int
    inodes_backed: int


class FileSystem:
    """A file system that is open. Paths are absolute in it, and symlinks are never followed.

    Attributes:
        device: where it lies.
        dialect: AIX or Linux.
        superblock: the superblock in use.
        block_size: bytes of a block.
        writable: whether changes are possible.
        problems: what is wrong with it as far as opening it has shown, a line each.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, *, writable: bool) -> None:
        self.device = device
        self.superblock = superblock
        self.dialect: Dialect = superblock.dialect
        self.block_size = superblock.geometry.block_size
        self.writable = writable
        self.volume = superblock.volume(device)
        self.inodes = InodeMap(self.volume, superblock)
        self.directories = DirectoryReader(self.volume, indexed=superblock.indexed_directories)
        self.problems = [*superblock.problems, *describe_state(superblock.state), *self.inodes.problems]

    @classmethod
    def open(cls, device: BlockDevice, *, writable: bool = False) -> FileSystem:
        """Open the file system on a device.

        Raises:
            CorruptImage: there is no file system that makes sense.
            UnsupportedFeature: it uses a feature that this program does not know.
            OperationRefused: writing was asked for, and the file system is not in order.
        """
        superblock = read_superblock(device)
        fs = cls(device, superblock, writable=writable)
        if writable:
            device.check_writable()
            if fs.problems or not superblock.writable_features:
                raise OperationRefused(
                    fs.problems[0] if fs.problems else "it has snapshots, which a writer must know about",
                    where=device.name,
                    hint="it can be opened for reading",
                )
        return fs

    def __enter__(self) -> FileSystem:
        return self

    def __exit__(self, *_: object) -> None:
        self.device.close()

    def statfs(self) -> StatFs:
        """Block and inode counts; a file system that is not clean has stale ones.

        Raises:
            CorruptImage: the counts cannot be.
        """
        record = self.dialect.structures.dbmap
        page = record.table(self.device.read(BLOCK_MAP_OFFSET, PAGE))
        total, free = self.volume.blocks, int(page["dn_nfree"][0])
        for field, right, expected in (
            ("dn_mapsize", page["dn_mapsize"][0] == total, total),
            ("dn_nfree", 0 <= free <= total, f"0 to {total}"),
        ):
            if not right:
                at = BLOCK_MAP_OFFSET + record.offset_of(field)
                raise self.volume.corrupt("dbmap", field, at, expected, page[field][0])
        control = self.inodes.control
        backed, unused = int(control["in_numinos"][0]), int(control["in_numfree"][0])
        if not 0 <= unused <= backed <= self.inodes.iag_count * 4096:
            raise self.volume.corrupt("dinomap", "in_numfree", self.inodes.map_offset(-1), f"0 to {backed}", unused)
        return StatFs(total, free, backed - unused, backed)

    def stat(self, path: str) -> Stat:
        """Attributes of a file, of the link itself for a symlink.

        Raises:
            NotFound: there is no such path.
        """
        return Stat.of(self.inode(path), self.dialect)

    def exists(self, path: str) -> bool:
        """Whether there is such a path."""
        try:
            self.inode(path)
        except NotFound:
            return False
        return True

    def listdir(self, path: str = "/") -> list[str]:
        """Names in a directory, in the order of the directory.

        Raises:
            OperationRefused: it is not a directory.
        """
        return [_text(entry.name) for entry in self.entries(self._directory(path))]

    def walk(self, top: str = "/") -> Iterator[tuple[str, Stat]]:
        """Every path from `top` down with its attributes, a directory before what is in it.

        Raises:
            CorruptImage: a directory has two names.
        """
        inode = self.inode(top)
        seen = {inode.number}
        pending = [("/" + "/".join(_parts(top)), Stat.of(inode, self.dialect), inode.root, inode.root_at)]
        while pending:
            path, status, root, at = pending.pop()
            yield path, status
            if not status.is_directory:
                continue
            found = self.directories.entries(root.tobytes(), at=at)
            numbers = [entry.number for entry in found]
            places, rows = self.inodes.read_many(np.array(numbers, np.int64))
            prefix = path.rstrip("/") + "/"
            below = [
                (prefix + _text(entry.name), child, rows["root"][i], int(places[i]) + ROOT_OFFSET)
                for i, (entry, child) in enumerate(zip(found, Stat.of_rows(numbers, rows, self.dialect), strict=True))
            ]
            for _, child, _, _ in below:
                if child.is_directory:
                    if child.number in seen:
                        raise self.volume.corrupt(
                            "dtree_leaf_slot", "inumber", at, "a directory that has no name yet", child.number
                        )
                    seen.add(child.number)
            pending.extend(reversed(below))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a regular file; fewer than asked for at its end.

        Raises:
            OperationRefused: it is not a regular file, or more than the device holds was asked for (a sparse file
                can be larger; read it in parts).
        """
        device = self.file_device(path)
        offset = min(max(offset, 0), device.size)
        length = min(device.size - offset, max(length, 0) if length is not None else device.size)
        if length > self.device.size:
            raise OperationRefused(f"{path}: {length} bytes are more than the device holds", hint="read it in parts")
        return device.read(offset, length).tobytes()

    def file_device(self, path: str) -> PieceList:
        """A read-only view of a regular file's bytes; holes read as zeros.

        Raises:
            OperationRefused: it is not a regular file.
        """
        inode = self.inode(path)
        if inode.kind != stat.S_IFREG:
            raise OperationRefused(f"{path}: not a regular file", where=self.device.name)
        extents = read_extents(self.volume, inode.root, at=inode.root_at)
        return file_device(self.volume, extents, inode.size, f"{self.device.name}:{path}")

    def readlink(self, path: str) -> str:
        """The target of a symlink.

        Raises:
            OperationRefused: it is not a symlink.
        """
        inode = self.inode(path)
        if inode.kind != stat.S_IFLNK:
            raise OperationRefused(f"{path}: not a symbolic link", where=self.device.name)
        return _text(link_target(self.volume, inode.root, inode.size, inode.root_at))

    def write_file(
        self,
        path: str,
        data: Buffer,
        *,
        now: int,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Make a regular file, or give an existing one other content.

        Args:
            path: the file; its directory must exist.
            data: all of its content.
            now: instant in nanoseconds.
            mode: permissions; None keeps those of an existing file and gives a new one 0644.
            uid: owner; None keeps it, or 0.
            gid: group; None keeps it, or 0.

        Raises:
            NotFound: there is no such directory.
            NoSpace: it does not fit; nothing was changed.
            OperationRefused: not open for writing, or the path is not that of a regular file.
        """
        directory, name = self._parent(path)
        self.writer.write_file(directory, name, data, now=now, mode=mode, uid=uid, gid=gid)

    def remove(self, path: str, *, now: int) -> None:
        """Take a name away that is not a directory; what it belongs to goes with its last name.

        Raises:
            NotFound: there is no such path.
            OperationRefused: not open for writing, or it is a directory.
        """
        directory, name = self._parent(path)
        self.writer.remove(directory, name, now=now)

    def set_identity(
        self, *, fname: str | None = None, fpack: str | None = None, label: str | None = None, logdev: int | None = None
    ) -> None:
        """Change names in both superblocks; what is None stays.

        Args:
            fname: AIX: name of the file system, 6 characters of it are kept.
            fpack: AIX: name of the volume, 6 characters; Linux: label, 11.
            label: Linux: label, 16 characters.
            logdev: AIX: device of the log, major << 32 | minor.

        Raises:
            OperationRefused: not open for writing, or the dialect has no such name.
        """
        self.writer.set_identity(
            {"s_fname": fname, "s_fpack": fpack, "s_label": label},
            None if logdev is None else logdev | 1 << 63,
        )
        self.superblock = read_superblock(self.device)

    def changing(self) -> AbstractContextManager[None]:
        """Make several changes between two marks: dirty on the way in, clean on the way out.

        Raises:
            OperationRefused: not open for writing.
        """
        return self.writer.changing()

    @cached_property
    def writer(self) -> Writer:
        """What changes this file system.

        Raises:
            OperationRefused: not open for writing.
            UnsupportedFeature: it has something that a writer of this program does not handle.
        """
        if not self.writable:
            raise OperationRefused("the file system was opened for reading", where=self.device.name)
        return Writer(self.volume, self.superblock, self.inodes, self.directories)

    def inventory(self) -> Inventory:
        """The whole tree as arrays; its one source is the device.

        Raises:
            CorruptImage: something of the tree makes no sense.
        """
        return read_inventory(self.volume, self.inodes, self.directories)

    def inode(self, path: str) -> Inode:
        """The inode behind a path.

        Raises:
            NotFound: there is no such path.
        """
        inode = self.inodes.read(ROOT_DIRECTORY)
        for name in _parts(path):
            number = None
            if inode.kind == stat.S_IFDIR:
                number = self.directories.lookup(inode.root.tobytes(), _bytes(name), at=inode.root_at)
            if number is None:
                raise NotFound(f"no such path: {path}", where=self.device.name)
            inode = self.inodes.read(number)
        return inode

    def entries(self, directory: Inode) -> list[Entry]:
        """Entries of a directory, in the order of its tree."""
        return self.directories.entries(directory.root.tobytes(), at=directory.root_at)

    def _parent(self, path: str) -> tuple[Inode, bytes]:
        """The directory that a path lies in, and its last part."""
        parts = _parts(path)
        if not parts:
            raise OperationRefused("the root directory is not a file", where=self.device.name)
        return self._directory("/".join(parts[:-1])), _bytes(parts[-1])

    def _directory(self, path: str) -> Inode:
        inode = self.inode(path)
        if inode.kind != stat.S_IFDIR:
            raise OperationRefused(f"{path}: not a directory", where=self.device.name)
        return inode


def _parts(path: str) -> list[str]:
    return [name for name in path.split("/") if name]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
