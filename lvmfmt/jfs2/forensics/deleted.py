"""Deleted inodes and directory entries that are still in the metadata.

An inode that was deleted keeps its bytes until another file takes its place; how much of them says something depends
on the system that deleted it (Linux truncates the file first). A directory entry that was removed keeps its name in
slots of the free list. Nothing here is certain: it is what the bytes still say.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...errors import CorruptImage
from ..access.filesystem import FileSystem
from ..geometry import INODES_PER_EXTENT, INODES_PER_IAG
from ..inodes.inode import Inode
from ..inodes.inode_table import FILESET
from ..log.records import LoggedExtent
from ..nodes.directory_node import SLOT
from ..paths.stat import Stat
from ..reading.xtree import read_extents
from .slots import free_slots, names

FIRST_FILE = 4


@dataclass(frozen=True)
class DeletedInode:
    """An inode that is not in use and still says what it was.

    Attributes:
        number: its number.
        offset: byte in the device where it lies.
        stat: what it says; links are 0 where the system that deleted it counted them down.
        extents: blocks that it still points to, with content that may be somebody else's by now.
    """

    number: int
    offset: int
    stat: Stat
    extents: list[LoggedExtent]


@dataclass(frozen=True)
class DeletedEntry:
    """A directory entry that was removed.

    Attributes:
        directory: path of the directory it was in.
        name: its name, or the beginning of it.
        complete: whether that is the whole name.
        number: inode number; None where it was overwritten (JFS1).
        offset: byte in the device of the slot.
    """

    directory: str
    name: bytes
    complete: bool
    number: int | None
    offset: int


@dataclass(frozen=True)
class Deleted:
    """What a file system still has of deleted files."""

    inodes: list[DeletedInode]
    entries: list[DeletedEntry]


def deleted(fs: FileSystem) -> Deleted:
    """Deleted inodes and entries of a file system.

    Raises:
        CorruptImage: the inode map or a directory makes no sense.
    """
    return Deleted(list(_inodes(fs)), list(_entries(fs)))


def _inodes(fs: FileSystem) -> Iterator[DeletedInode]:
    inodes, record = fs.inodes, fs.dialect.structures.inode
    stamp = inodes.map_inode.row["di_inostamp"][0]
    for k in range(inodes.iag_count):
        iag = inodes.iag(k)
        for extent in np.flatnonzero(iag.address).tolist():
            first = k * INODES_PER_IAG + extent * INODES_PER_EXTENT
            start = int(iag.address[extent]) * fs.block_size
            table = record.table(fs.volume.read(int(iag.address[extent]), int(iag.length[extent])))
            numbers = first + np.arange(len(table))
            used = iag.used[extent * INODES_PER_EXTENT :][: len(table)]
            kinds = table["di_mode"] >> 12 & 15
            was = ~used & (numbers >= FIRST_FILE) & (table["di_number"] == numbers) & (table["di_fileset"] == FILESET)
            was &= (table["di_inostamp"] == stamp) & np.isin(kinds, (1, 2, 4, 6, 8, 10, 12))
            for row in np.flatnonzero(was).tolist():
                inode = Inode(first + row, start + row * record.size, table[row : row + 1].copy())
                yield DeletedInode(inode.number, inode.at, Stat.of(inode, fs.dialect), _extents(fs, inode))


def _extents(fs: FileSystem, inode: Inode) -> list[LoggedExtent]:
    if inode.kind not in (stat.S_IFREG, stat.S_IFLNK):
        return []
    try:
        rows = read_extents(fs.volume, inode.root, at=inode.root_at)
    except CorruptImage:
        return []
    return [LoggedExtent(int(row["address"]), int(row["length"])) for row in rows]


def _entries(fs: FileSystem) -> Iterator[DeletedEntry]:
    codec = fs.directories.codec
    for path, found in fs.walk():
        if not found.is_directory:
            continue
        inode = fs.inodes.read(found.number)
        pages: list[tuple[int, int]] = []
        root = inode.root.tobytes()
        present = {entry.name for entry in fs.directories.entries(root, at=inode.root_at, pages=pages)}
        nodes = [(root, inode.root_at)]
        nodes += [(fs.volume.read(a, n).tobytes(), a * fs.block_size) for a, n in pages]
        for raw, at in nodes:
            for entry in names(raw, free_slots(raw), codec, freed=True):
                if entry.name in present:  # moved when a node was split, not removed
                    continue
                yield DeletedEntry(path, entry.name, entry.complete, entry.number, at + entry.slot * SLOT)
