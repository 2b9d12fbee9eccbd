"""Checks 17 to 23 and 40: the aggregate's own inodes, their second copies, and where the map files lie."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..building.aggregate import AGGREGATE_INODES, SECOND_COPY
from ..geometry import (
    AIM_OFFSET,
    AIT_OFFSET,
    BLOCK_MAP_OFFSET,
    EXTENT_BYTES,
    INODE_SIZE,
    INODES_PER_EXTENT,
    PAGE,
)
from ..inodes.inode_table import AGGREGATE, BAD_BLOCKS, FILESET
from ..maps.map_file import MapFile
from ..nodes.extent_node import FILE_EXTENT, ROOT_MAXENTRY, ROOT_OFFSET, first_xad
from . import ownership
from .ownership import aggregate_owner
from .subject import Subject
from .xtree_checks import extents_of

_IDENTITY = ("di_inostamp", "di_fileset", "di_gen", "di_uid", "di_gid", "di_nlink", "di_mode")


@dataclass(frozen=True)
class CheckedAggregate:
    """What the aggregate says of the fileset.

    Attributes:
        stamp: of all inodes.
        inode_map: pages of the aggregate inode map.
        block_map: pages of the block map.
        fileset_map: pages of the fileset's inode map.
    """

    stamp: int
    inode_map: MapFile
    block_map: MapFile
    fileset_map: MapFile


def check_aggregate(subject: Subject) -> CheckedAggregate:
    """Judge the aggregate inode table with its copies, and claim what it owns.

    Raises:
        CorruptImage: neither the inode of the fileset's map nor its copy can be read.
    """
    return _Table(subject).check()


class _Table:
    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        s = subject.superblock
        self.record = subject.dialect.structures.inode
        self.places = {False: AIT_OFFSET}
        address, length = self._second_place(s.values["s_ait2"])
        if subject.inside(address, length) and length * subject.volume.block_size >= EXTENT_BYTES:
            self.places[True] = address * subject.volume.block_size
        self.tables = {
            second: subject.device.read(at, EXTENT_BYTES).view(self.record.dtype) for second, at in self.places.items()
        }

    def _second_place(self, pxd: Any) -> tuple[int, int]:
        return int(pxd["addr_hi"]) << 32 | int(pxd["addr_lo"]), int(pxd["len"])

    def check(self) -> CheckedAggregate:
        s, bsize = self.subject, self.subject.volume.block_size
        rows = self.tables[False][list(AGGREGATE_INODES)]
        values, counts = np.unique(rows["di_inostamp"], return_counts=True)
        stamp = int(values[counts.argmax()])
        for second in self.tables:
            self._identities(second, stamp)
        s.owners.claim(0, AIM_OFFSET // bsize, ownership.RESERVED)
        s.owners.claim((BLOCK_MAP_OFFSET - PAGE) // bsize, s.volume.blocks_per_page, ownership.RESERVED)
        s.owners.claim(AIT_OFFSET // bsize, EXTENT_BYTES // bsize, ownership.INODE_TABLE)
        if True in self.places:
            s.owners.claim(self.places[True] // bsize, EXTENT_BYTES // bsize, ownership.SECOND_COPY)
        maps = {number: self._tree(number) for number in AGGREGATE_INODES}
        for number, at in ((1, AIM_OFFSET), (2, BLOCK_MAP_OFFSET)):
            extents = maps[number]
            if not len(extents) or extents["offset"][0] != 0 or extents["address"][0] * bsize != at:
                self._find("aggregate-maps", number, "root", f"does not begin at byte {at:#x}")
                maps[number] = self._fixed(at, 2 if number == 1 else s.geometry.map_pages)
        if True in self.tables:
            self._copies()
        return CheckedAggregate(
            stamp,
            MapFile(s.volume, maps[1]),
            MapFile(s.volume, maps[2]),
            MapFile(s.volume, self._fileset_map(maps[FILESET])),
        )

    def _find(self, name: str, number: int, field: str, text: str, *, second: bool = False, soft: bool = False) -> None:
        at = self.places[second] + number * INODE_SIZE
        title = f"aggregate inode {number}{' of the second copy' if second else ''}"
        self.subject.find(name, self.record, field, at, f"{title}: {text}", warning=soft or None)

    def _identities(self, second: bool, stamp: int) -> None:
        s, table = self.subject, self.tables[second]
        shift = SECOND_COPY if second and not s.dialect.has_aim2 else 0
        place = (self.places[second] // s.volume.block_size, EXTENT_BYTES // s.volume.block_size)
        for number in AGGREGATE_INODES:
            row = table[number]
            right = {"di_number": number + shift, "di_fileset": AGGREGATE, "di_nlink": 1}
            if s.dialect.inode_form.of_generation_1:  # then these are of it, too
                right["di_gen"] = 1
            for field, expected in right.items():
                if row[field] != expected:
                    text = f"{field} is {row[field]}, expected {expected}"
                    self._find("aggregate-inodes", number, field, text, second=second)
            mark = s.dialect.inode_form.system_mark
            if stat.S_IFMT(int(row["di_mode"])) != stat.S_IFREG or int(row["di_mode"]) & mark != mark:
                text = f"mode {int(row['di_mode']):#o} is not that of a regular file of the system"
                self._find("aggregate-inodes", number, "di_mode", text, second=second)
            if row["di_inostamp"] != stamp:
                text = f"stamp {row['di_inostamp']:#x}, expected {stamp:#x}"
                self._find("aggregate-stamp", number, "di_inostamp", text, second=second)
            if s.pxd(row["di_ixpxd"]) != place:
                address, length = s.pxd(row["di_ixpxd"])
                text = f"says that it is in {length}@{address}, not in {place[1]}@{place[0]}"
                self._find("aggregate-place", number, "di_ixpxd", text, second=second)

    def _tree(self, number: int, *, second: bool = False) -> NDArray[Any]:
        """Extents of an inode of the aggregate, its blocks claimed and its counts judged."""
        s, row = self.subject, self.tables[second][number]
        at = self.places[second] + number * INODE_SIZE + ROOT_OFFSET
        extents, trees = extents_of(s, aggregate_owner(number), at, row["root"], (ROOT_MAXENTRY,))
        if number in (1, 2, BAD_BLOCKS, FILESET):
            blocks, size = int(trees.data[0] + trees.pages[0]), int(trees.data[0]) * s.volume.block_size
            for field, expected in (("di_nblocks", blocks), ("di_size", size)):
                if row[field] != expected:
                    text = f"{field} is {row[field]}, its tree has {expected}"
                    self._find("aggregate-size", number, field, text, second=second)
        return extents

    def _fixed(self, at: int, pages: int) -> NDArray[Any]:
        s = self.subject
        extents = np.zeros(1, FILE_EXTENT)
        extents["address"], extents["length"] = at // s.volume.block_size, pages * s.volume.blocks_per_page
        return extents

    def _fileset_map(self, extents: NDArray[Any]) -> NDArray[Any]:
        """The extents, or those of the second copy where there are none."""
        if len(extents):
            return extents
        if True in self.tables and len(extents := self._tree(FILESET, second=True)):
            return extents
        s = self.subject
        raise s.volume.corrupt(
            "inode", "root", AIT_OFFSET + FILESET * INODE_SIZE, "the extents of the fileset's inode map", "none"
        )

    def _copies(self) -> None:
        """The second copies equal the first; what only a full fsck brings up to date may lag behind."""
        s, first, second = self.subject, self.tables[False], self.tables[True]
        for number in (2, 4, FILESET):
            a, b = first[number].copy(), second[number].copy()
            name, start = s.dialect.inode_form.generator
            a[name][start : start + 4] = b[name][start : start + 4] = 0
            fields = [f for f in self.record.dtype.names or () if f not in ("di_ixpxd", "di_number")]
            different = [field for field in fields if not np.array_equal(a[field], b[field])]
            if different:
                soft = not set(different) & set(_IDENTITY)
                text = f"differs from the first copy in {', '.join(different)}"
                self._find("aggregate-copies", number, different[0], text, second=True, soft=soft)
        if not s.dialect.has_aim2:
            return
        address, length = self._second_place(s.superblock.values["s_aim2"])
        extents = np.zeros(0, FILE_EXTENT)
        if s.inside(address, length):
            s.owners.claim(address, length, ownership.SECOND_COPY)
            root = second[1]["root"]
            if s.pxd(first_xad(s.dialect, root)[0]) != (address, length):
                self._find("aggregate-copies", 1, "root", f"its map is not {length}@{address} (s_aim2)", second=True)
            extents = np.array([(0, length, address, 0)], FILE_EXTENT)
        if len(extents):
            self._map_copy(MapFile(s.volume, extents))

    def _map_copy(self, copy: MapFile) -> None:
        s = self.subject
        first = s.device.read(AIM_OFFSET, 2 * PAGE).reshape(2, PAGE).copy()
        second = copy.read(0, 2)
        iag, dinomap = s.dialect.structures.iag, s.dialect.structures.dinomap
        place = s.pxd(second[1].view(iag.dtype)["inoext"][0, 0])
        if place != (self.places[True] // s.volume.block_size, s.geometry.blocks_per_extent):
            text = f"the second copy has the inode extent {place[1]}@{place[0]}"
            s.find("aggregate-map-copy", iag, "inoext[0]", copy.place(1), text)
        for pages in (first, second):
            pages[1, iag.offset_of("inoext") :][:8] = 0
        if not np.array_equal(first, second):
            wrong = 0 if not np.array_equal(first[0], second[0]) else 1
            record = iag if wrong else dinomap
            s.find("aggregate-map-copy", record, "", copy.place(wrong), "the second copy differs from the first")


def check_table_extents(subject: Subject, address: NDArray[np.int64], used: NDArray[np.bool_]) -> None:
    """Judge the first group of the aggregate inode map: the extents that it has, and that its inodes are in use.

    Args:
        subject: the file system.
        address: block of each inode extent, shape (128,).
        used: which inodes are in use, shape (4096,).
    """
    s, iag = subject, subject.dialect.structures.iag
    expected = [AIT_OFFSET // s.volume.block_size]
    needed = np.array(AGGREGATE_INODES)
    if not s.dialect.has_aim2:
        pxd = s.superblock.values["s_ait2"]
        expected.append(int(pxd["addr_hi"]) << 32 | int(pxd["addr_lo"]))
        needed = np.concatenate((needed, needed + INODES_PER_EXTENT))
    for e, block in enumerate(expected):
        if address[e] != block:
            text = f"inode extent {e} of the aggregate is at block {address[e]}, expected {block}"
            s.find("aggregate-table-extents", iag, f"inoext[{e}]", AIM_OFFSET + PAGE, text)
    for number in needed[~used[needed]].tolist():
        s.find("aggregate-inodes", iag, "pmap", AIM_OFFSET + PAGE, f"aggregate inode {number} is not in use")
