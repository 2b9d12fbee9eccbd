"""`View`: the files of a file system by path, for reading; it may be mounted, or lie as it was left."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from types import NoneType
from typing import TYPE_CHECKING, NamedTuple

from ...arguments import Checked, expect
from ...block import PieceList
from ...errors import CorruptImage, NotFound, OperationRefused
from ...escaping import escaped
from ..dialect import MAX_NAME_UNITS, Dialect
from ..geometry import BLOCK_MAP_OFFSET, PAGE
from ..inodes.inode import Inode
from ..reading.directory import DirectoryEntry, DirectoryReader
from ..reading.filedata import file_device
from ..reading.inodes import ROOT_DIRECTORY, InodeMap
from ..reading.xtree import read_extents
from ..superblock import Superblock
from ..volume import Volume
from .stat import Stat

if TYPE_CHECKING:
    from ..attributes import Acl, AttributeReader, Attributes
    from ..inventory.arrays import Inventory
    from .listing import Siblings
    from .walk import Found


class StatFs(NamedTuple):
    """Counts of a file system, as its control pages have them."""

    total_blocks: int
    free_blocks: int
    inodes_used: int
    inodes_backed: int


class View(Checked):
    """A file system by path. Paths are absolute in it, and symlinks are never followed.

    Args:
        superblock: of it.
        volume: its blocks.
        inodes: its inodes.

    Attributes:
        superblock: the superblock in use.
        dialect: AIX or Linux.
        volume: its blocks, as they are now.
        inodes: its inodes, as they are now.
        directories: reader of its directories.
    """

    def __init__(self, superblock: Superblock, volume: Volume, inodes: InodeMap) -> None:
        self.superblock = superblock
        self.dialect: Dialect = superblock.dialect
        self.volume, self.inodes = volume, inodes
        self.directories = DirectoryReader(volume, indexed=superblock.indexed_directories)

    def statfs(self) -> StatFs:
        """Block and inode counts; a file system that is not clean has stale ones.

        Raises:
            CorruptImage: the counts cannot be.
        """
        return StatFs(self.volume.blocks, self._free_blocks(), *self.inodes.counts())

    def _free_blocks(self) -> int:
        record = self.dialect.structures.dbmap
        page = record.table(self.volume.device.read(BLOCK_MAP_OFFSET, PAGE))
        total, free = self.volume.blocks, int(page["dn_nfree"][0])
        for field, right, expected in (
            ("dn_mapsize", page["dn_mapsize"][0] == total, total),
            ("dn_nfree", 0 <= free <= total, f"0 to {total}"),
        ):
            if not right:
                at = BLOCK_MAP_OFFSET + record.offset_of(field)
                raise self.volume.corrupt("dbmap", field, at, expected, page[field][0])
        return free

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
        directory = self._directory(path)
        found = self.directories.entries_of([(directory.root.tobytes(), directory.root_at)])
        return [name_text(name) for part in found for name in part.names()]

    def walk(
        self, top: str = "/", *, depth: int | None = None, problems: list[str] | None = None
    ) -> Iterator[tuple[str, Stat]]:
        """Every path from `top` down with its attributes, a directory before what is in it.

        Args:
            top: where to begin.
            depth: levels below `top` to go down; None means all.
            problems: receives what makes no sense, a line each, and the walk goes on; without it that is an error.

        Raises:
            CorruptImage: something makes no sense, or a directory has two names.
        """
        return ((found.path, found.status) for found in self.descend(top, depth=depth, problems=problems))

    def descend(
        self, top: str = "/", *, depth: int | None = None, problems: list[str] | None = None
    ) -> Iterator[Found]:
        """As `walk`, and where in the tree each path is."""
        from .walk import descend

        return descend(self.runs(top, depth=depth, problems=problems))

    def runs(
        self, top: str = "/", *, depth: int | None = None, problems: list[str] | None = None
    ) -> Iterator[Siblings]:
        """As `descend`, the entries of a directory that follow each other together, with the targets of links."""
        from .walk import runs

        path = "/" + "/".join(parts_of(top))
        return runs(self.volume, self.inodes, self.directories, path, self.inode(top), depth, problems)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a regular file; fewer than asked for at its end.

        Raises:
            OperationRefused: it is not a regular file, or more than the device holds was asked for (a sparse file
                can be larger; read it in parts).
        """
        return self.read_inode(self._regular_file(path), path, offset, length)

    def file_device(self, path: str) -> PieceList:
        """A read-only view of a regular file's bytes; holes read as zeros.

        Raises:
            OperationRefused: it is not a regular file.
        """
        return self._content(self._regular_file(path), path)

    def read_inode(self, inode: Inode, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """As `read`, of an inode; `path` is what to call it."""
        device = self._content(inode, path)
        expect(offset, int, "an offset in bytes")
        expect(length, (int, NoneType), "a length in bytes")
        offset = min(max(offset, 0), device.size)
        length = min(device.size - offset, max(length, 0) if length is not None else device.size)
        if length > self.volume.device.size:
            raise OperationRefused(f"{path}: {length} bytes are more than the device holds", hint="read it in parts")
        return device.read(offset, length).tobytes()

    def _regular_file(self, path: str) -> Inode:
        inode = self.inode(path)
        if inode.kind != stat.S_IFREG:
            raise OperationRefused(f"{path}: not a regular file", where=self.volume.where)
        return inode

    def _content(self, inode: Inode, path: str) -> PieceList:
        extents = read_extents(self.volume, inode.root, at=inode.root_at)
        return file_device(self.volume, extents, inode.size, f"{self.volume.where}:{path}")

    def readlink(self, path: str) -> str:
        """The target of a symlink.

        Raises:
            OperationRefused: it is not a symlink.
        """
        from ..inventory.reading import link_target

        inode = self.inode(path)
        if inode.kind != stat.S_IFLNK:
            raise OperationRefused(f"{path}: not a symbolic link", where=self.volume.where)
        return name_text(link_target(self.volume, inode.root, inode.size, inode.root_at))

    def target(self, path: str, status: Stat, problems: list[str]) -> str | None:
        """As `readlink` on a walk: None for what is no symlink, or has no target, which is noted in a line."""
        try:
            return self.readlink(path) if status.is_symlink else None
        except CorruptImage as error:
            problems.append(f"{escaped(path)}: {error}")
            return None

    def xattrs(self, path: str) -> dict[bytes, bytes]:
        """The extended attributes of a file, values by name; names are as they lie on the disk.

        Raises:
            NotFound: there is no such path.
            CorruptImage: the attributes make no sense.
            UnsupportedFeature: they are in a form that AIX does not publish; `attributes` gives their bytes.
        """
        return self.attribute_reader.xattrs(self.inode(path))

    def attributes(self, path: str) -> Attributes:
        """The extended attributes of a file with the form they are in, and how well that is known.

        Raises:
            NotFound: there is no such path.
            CorruptImage: the attributes make no sense.
        """
        return self.attribute_reader.attributes(self.inode(path))

    def acl(self, path: str) -> tuple[Acl, ...]:
        """The access control lists of a file, the one in force first; those of unpublished forms as bytes.

        Raises:
            NotFound: there is no such path.
            CorruptImage: the place of a list makes no sense.
        """
        return self.attribute_reader.acls(self.inode(path))

    @property
    def attribute_reader(self) -> AttributeReader:
        """What reads attributes by inode."""
        from ..attributes import AttributeReader

        return AttributeReader(self.volume, self.inodes.read, self.directories)

    def inventory(self, top: str = "/", *, salvage: bool = False) -> Inventory:
        """The tree below a directory as arrays; its one source is the device.

        Args:
            top: the directory.
            salvage: leave out what makes no sense, and say so in the problems of the inventory.

        Raises:
            CorruptImage: something of the tree makes no sense, without `salvage`.
            OperationRefused: `top` is not a directory.
        """
        from ..inventory.reading import read_inventory

        return read_inventory(self.volume, self.inodes, self.directories, self._directory(top).number, salvage=salvage)

    def inode(self, path: str) -> Inode:
        """The inode behind a path.

        Raises:
            NotFound: there is no such path.
        """
        inode = self.inodes.read(ROOT_DIRECTORY)
        for name in parts_of(path):
            number = None
            if inode.kind == stat.S_IFDIR:
                number = self.directories.lookup(inode.root.tobytes(), name_bytes(name), at=inode.root_at)
            if number is None:
                raise NotFound(f"no such path: {path}", where=self.volume.where)
            inode = self.inodes.read(number)
        return inode

    def entries(self, directory: Inode) -> list[DirectoryEntry]:
        """Entries of a directory, in the order of its tree."""
        return list(self.directories.entries(directory.root.tobytes(), at=directory.root_at))

    def _directory(self, path: str) -> Inode:
        inode = self.inode(path)
        if inode.kind != stat.S_IFDIR:
            raise OperationRefused(f"{path}: not a directory", where=self.volume.where)
        return inode


def check_name(dialect: Dialect, name: bytes, where: str) -> None:
    """Raise `OperationRefused` unless a directory can hold an entry of this name."""
    units = len(dialect.encode_name(name)) // dialect.name_unit
    if not 0 < units <= MAX_NAME_UNITS or name in (b".", b"..") or b"\0" in name:
        raise OperationRefused("a name has 1 to 255 characters, and is not . or ..", where=where)


def parts_of(path: str) -> list[str]:
    """The names in a path.

    Raises:
        OperationRefused: it is not text.
    """
    return [name for name in expect(path, str, "a path in a file system").split("/") if name]


def name_bytes(name: str) -> bytes:
    """A name as bytes; what is not UTF-8 in them became a lone surrogate."""
    return name.encode("utf-8", "surrogateescape")


def name_text(name: bytes) -> str:
    """A name as text, the other way round."""
    return name.decode("utf-8", "surrogateescape")
