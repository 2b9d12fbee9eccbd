"""Checks 42 to 45, 47 and 48: the inodes of the fileset, a group at a time, with all that hangs on them."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..attributes.dxd import with_area_mark
from ..geometry import INODES_PER_EXTENT, MAX_FILE_SIZE, PAGE
from ..inodes.inode_table import FILE_TYPES, FILESET, INLINE_AREA, modes_by_role
from ..inventory.arrays import MAX_LINK
from ..nodes.directory_node import DIRECTORY_SIZE_OF_ROOT, FIRST_INDEX, INLINE_INDEXES
from ..nodes.extent_node import FIRST_ENTRY, ROOT_OFFSET
from .attribute_checks import AttributeChecker
from .dtree_checks import Directory, DirectoryChecker
from .index_checks import IndexChecker
from .names_checks import Census
from .subject import Subject
from .xtree_checks import check_trees


@dataclass(frozen=True)
class InodeRows:
    """Backed inodes of one group.

    Attributes:
        numbers: shape (inodes,).
        at: byte offset of each in the device.
        rows: the inodes, dtype of the inode record.
        address: block of the extent that each lies in.
        length: blocks of that extent.
        used: which are in use.
    """

    numbers: NDArray[np.int64]
    at: NDArray[np.int64]
    rows: NDArray[Any]
    address: NDArray[np.int64]
    length: NDArray[np.int64]
    used: NDArray[np.bool_]

    def select(self, keep: NDArray[np.bool_]) -> InodeRows:
        """Those where `keep` is True."""
        if keep.all():
            return self
        return InodeRows(
            self.numbers[keep], self.at[keep], self.rows[keep], self.address[keep], self.length[keep], self.used[keep]
        )


class InodeChecker:
    """Judges the inodes of the fileset.

    Args:
        subject: the file system.
        stamp: that all inodes have.
        census: receives every inode in use, and every name.
    """

    def __init__(self, subject: Subject, stamp: int, census: Census) -> None:
        self._subject = subject
        self._stamp = stamp
        self._census = census
        self._record = subject.dialect.structures.inode
        self._directories = DirectoryChecker(subject, census.names)
        self._indexes = IndexChecker(subject)
        self._attributes = AttributeChecker(subject)
        census.attribute_objects = self._attributes.objects

    def check(self, group: InodeRows) -> None:
        """Judge the inodes of a group, used and free."""
        self._free(group.select(~group.used))
        used = group.select(group.used)
        used = used.select(self._identity(used))
        if not len(used.rows):
            return
        rows = used.rows
        modes = modes_by_role(self._subject.dialect, used.numbers, rows["di_mode"])
        if (modes != rows["di_mode"]).any():  # the rows that were given stay as they are on the disk
            rows = rows.copy()
            rows["di_mode"] = modes
            used = replace(used, rows=rows)
        kinds = rows["di_mode"] & 0xF000
        size = rows["di_size"].astype(np.int64)
        self._rule(used, "inode-size", "di_size", (size < 0) | (size > MAX_FILE_SIZE), f"0 to {MAX_FILE_SIZE}")
        blocks, unknown = self._attributes.check(used.numbers, used.at, rows)
        attributes = blocks.copy()
        is_link = kinds == stat.S_IFLNK
        inline = is_link & (size < self._subject.dialect.symlink_inline_limit)
        self._inline_links(used, inline, size)
        has_tree = (kinds == stat.S_IFREG) | (is_link & ~inline)
        blocks[has_tree] += self._trees(used.select(has_tree), is_link[has_tree])
        parents = np.zeros(len(rows), np.int64)
        for i in np.flatnonzero(kinds == stat.S_IFDIR).tolist():
            directory, index_blocks = self._directory(used, i)
            parents[i] = min(directory.parent, (1 << 63) - 1)
            blocks[i] += directory.blocks + index_blocks
        devices = (kinds == stat.S_IFCHR) | (kinds == stat.S_IFBLK)
        stored = rows["di_nblocks"].astype(np.int64)
        wrong = (stored != blocks) & ~unknown
        self._rule(used, "inode-blocks", "di_nblocks", wrong & ~devices, lambda i: str(blocks[i]))
        self._rule(used, "inode-device", "di_nblocks", wrong & devices, lambda i: str(attributes[i]))
        mark = self._subject.dialect.inode_form.devices.mark
        unmarked = devices & (rows["root"][:, INLINE_AREA] & mark != mark)
        self._rule(used, "inode-device", "root", unmarked, "a device number with bit 63 set", show=False)
        if self._subject.dialect.inode_form.inline_area_mark:
            marked = with_area_mark(self._subject.dialect, rows)
            wrong = (marked != rows["di_mode"]) & ~np.isin(used.numbers, self._subject.dialect.inode_form.reserved)
            self._rule(used, "inode-inline-attributes", "di_mode", wrong, lambda i: f"{marked[i]:#x}, as its area is")
        self._census.add(used.numbers, used.at, rows, parents)

    def _rule(
        self,
        inodes: InodeRows,
        name: str,
        field: str,
        wrong: NDArray[np.bool_],
        expected: str | Callable[[int], str],
        *,
        show: bool = True,
    ) -> None:
        def text(i: int) -> str:
            found = f" is {inodes.rows[field][i]}" if show else ""
            return (
                f"inode {inodes.numbers[i]}: {field}{found}, expected {expected(i) if callable(expected) else expected}"
            )

        self._subject.find_rows(name, self._record, field, wrong, inodes.at, text)

    def _free(self, inodes: InodeRows) -> None:
        rows = inodes.rows
        ours = (rows["di_fileset"] == FILESET) & (rows["di_number"] == inodes.numbers)
        ours &= rows["di_inostamp"] == self._stamp
        self._rule(inodes, "inode-free", "di_nlink", ours & (rows["di_nlink"] != 0), "0, it is free in the map")

    def _identity(self, inodes: InodeRows) -> NDArray[np.bool_]:
        """Judge who the inodes say that they are; returns which of them may be looked into."""
        rows, name = inodes.rows, "inode-identity"
        number, fileset = rows["di_number"] == inodes.numbers, rows["di_fileset"] == FILESET
        length, address = self._subject.dialect.get_pxd(rows["di_ixpxd"])
        modes = modes_by_role(self._subject.dialect, inodes.numbers, rows["di_mode"])
        typed = np.isin(modes & 0xF000, FILE_TYPES)
        links = rows["di_nlink"].astype(np.int64)
        self._rule(inodes, name, "di_number", ~number, lambda i: str(inodes.numbers[i]))
        self._rule(inodes, name, "di_fileset", ~fileset, str(FILESET))
        stamp = f"{self._stamp}, that of the aggregate"
        self._rule(inodes, name, "di_inostamp", rows["di_inostamp"] != self._stamp, stamp)
        elsewhere = (length != inodes.length) | (address != inodes.address)
        self._rule(inodes, name, "di_ixpxd", elsewhere, "the extent that holds it", show=False)
        self._rule(inodes, name, "di_nlink", (links < 1) | (links >= 1 << 31), "1 or more")
        self._rule(inodes, name, "di_mode", ~typed, "a file type")
        self._rule(inodes, name, "di_mode", rows["di_mode"] != modes, lambda i: f"{modes[i]:#x} by its role")
        empty = np.isin(inodes.numbers, self._subject.dialect.inode_form.empty)
        self._rule(inodes, name, "di_nlink", empty & (links != 1), "1 by its role")
        self._rule(inodes, name, "di_size", empty & (rows["di_size"] != 0), "0 by its role")
        of_first = np.isin(inodes.numbers, self._subject.dialect.inode_form.of_generation_1)
        self._rule(inodes, name, "di_gen", of_first & (rows["di_gen"] != 1), "1 by its role")
        known: NDArray[np.bool_] = typed & (number | fileset)
        return known

    def _inline_links(self, inodes: InodeRows, inline: NDArray[np.bool_], size: NDArray[np.int64]) -> None:
        record = self._subject.dialect.structures.xtree_header
        self._rule(inodes, "inode-symlink", "di_size", inline & (size < 1), "1 or more")
        header = np.ascontiguousarray(inodes.rows["root"][:, : record.size]).view(record.dtype)[:, 0]
        tree = inline & (header["flag"] & 0x80 != 0) & (header["nextindex"] > FIRST_ENTRY)
        self._rule(inodes, "inode-symlink", "root", tree, "no extents, its target is in the inode", show=False)

    def _trees(self, inodes: InodeRows, is_link: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Judge extent trees; returns the blocks of each."""
        roots = np.ascontiguousarray(inodes.rows["root"])
        trees = check_trees(
            self._subject, inodes.numbers, inodes.at + ROOT_OFFSET, roots, self._subject.dialect.root_capacities
        )
        size = inodes.rows["di_size"].astype(np.int64)
        room = trees.end * self._subject.volume.block_size
        one = (trees.count == 1) & (trees.data == trees.end) & (room >= size)
        self._rule(inodes, "inode-symlink", "root", is_link & ~one, "one extent with the whole target", show=False)
        long = is_link & (size > MAX_LINK)
        self._rule(inodes, "inode-symlink", "di_size", long, f"at most {MAX_LINK}")
        beyond = ~is_link & (room > -(-size // PAGE) * PAGE) & self._subject.dialect.inode_form.ends_with_size
        self._rule(inodes, "inode-size", "di_size", beyond, lambda i: f"that its blocks, up to {room[i]}, are needed")
        return trees.data + trees.pages

    def _directory(self, inodes: InodeRows, i: int) -> tuple[Directory, int]:
        """Judge a directory; returns what it holds, and the blocks of its index."""
        number, at, row = int(inodes.numbers[i]), int(inodes.at[i]), inodes.rows[i]
        directory = self._directories.check(number, row["root"].tobytes(), at + ROOT_OFFSET)
        sizes = {directory.leaf_bytes or DIRECTORY_SIZE_OF_ROOT}
        blocks = 0
        if self._subject.superblock.indexed_directories:
            blocks = self._indexes.check(number, at, row, directory.indexed)
            handed_out = max(int(row["di_next_index"]) - FIRST_INDEX, 0)
            sizes = {handed_out * 8 if handed_out <= INLINE_INDEXES else -(-handed_out * 8 // PAGE) * PAGE}
            if handed_out == 0:
                sizes = {1, DIRECTORY_SIZE_OF_ROOT}  # once emptied, and as mkfs makes the root
        if int(row["di_size"]) not in sizes:
            text = f"inode {number}: di_size is {row['di_size']}, expected {' or '.join(map(str, sorted(sizes)))}"
            self._subject.find("inode-size", self._record, "di_size", at, text)
        return directory, blocks


def inode_rows(
    subject: Subject, first: int, address: NDArray[np.int64], length: NDArray[np.int64], used: NDArray[np.bool_]
) -> InodeRows:
    """Read the inodes of a group.

    Args:
        subject: the file system.
        first: number of the group's first inode.
        address: block of each extent, shape (extents,); 0 for none.
        length: blocks of each, whole inode pages.
        used: which inodes are in use, shape (4096,).
    """
    s, size = subject, subject.dialect.structures.inode.size
    extents = np.flatnonzero(address)
    counts = length[extents] * s.volume.block_size // size
    order = np.argsort(address[extents], kind="stable")
    at = np.repeat(address[extents] * s.volume.block_size, counts)
    slot = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    within = np.repeat(extents * INODES_PER_EXTENT, counts) + slot
    raw = np.empty((len(slot), size), np.uint8)
    starts = np.cumsum(counts) - counts
    # those that follow each other on the disk and in the group are read together
    first_row, end_row = starts[order], (starts + counts)[order]
    place = address[extents[order]] * s.volume.block_size
    apart = (place[1:] != place[:-1] + counts[order][:-1] * size) | (first_row[1:] != end_row[:-1])
    for a, b in pairwise([0, *(np.flatnonzero(apart) + 1).tolist(), len(order)] if len(order) else ()):
        s.device.read_into(int(place[a]), raw[first_row[a] : end_row[b - 1]])
    return InodeRows(
        first + within, at + slot * size, raw.view(s.dialect.structures.inode.dtype)[:, 0],
        np.repeat(address[extents], counts), np.repeat(length[extents], counts), used[within],
    )  # fmt: skip
