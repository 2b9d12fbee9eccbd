"""Descriptors of the Linux dialect: `dxd`, one for the attributes and one for an access control list of OS/2.

Source: [jfs2 2.1], [jfs2 2.10], [jfs2 invariant 49] and [jfs2 invariant 50].
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.record import Grade
from ..dialect import Dialect
from ..inodes.inode import Inode
from ..inodes.inode_table import INLINE_EA_START, SHORT_ROOT_MAXENTRY
from ..volume import Volume
from .descriptor import EXTENT_FLAG, INLINE_BYTES, INLINE_FLAG, AttributeKind, Descriptor, DescriptorForm, flag_of
from .ea_list import MAX_LIST


class DxdForm(DescriptorForm):
    """A `dxd` has the bytes of the list; the list lies in the inode or in an extent."""

    fields = ("di_ea", "di_acl")
    none = listed = Grade.A
    most = None
    uses_inline_area = keeps_posix_acls = True

    def present(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Inodes whose flag is set."""
        return np.asarray(rows["di_ea"]["flag"] != 0)

    def flag(self, row: Any) -> int:
        """`di_ea.flag`."""
        return int(row["di_ea"]["flag"])

    def read(self, volume: Volume, inode: Inode) -> Descriptor:
        """`di_ea`."""
        return _read(volume, inode, "di_ea")

    def read_list(self, volume: Volume, inode: Inode) -> Descriptor:
        """`di_acl`."""
        return _read(volume, inode, "di_acl")

    def describe(self, row: NDArray[Any], size: int, count: int, address: int, length: int) -> None:
        """Set `di_ea`; the number of attributes is not kept."""
        dxd = row["di_ea"]
        dxd["flag"], dxd["rsrvd"], dxd["size"] = flag_of(size, length), 0, size
        self._dialect.put_pxd(dxd["xd"], slice(None), address, length)

    def relocate(self, row: NDArray[Any], place: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> None:
        """Both descriptors, where they have an extent."""
        for field in self.fields:
            if row[field]["flag"][0] & EXTENT_FLAG:
                length, address = self._dialect.get_pxd(row[field]["xd"])
                self._dialect.put_pxd(row[field]["xd"], slice(None), place(address), length)


def _read(volume: Volume, inode: Inode, field: str) -> Descriptor:
    record = volume.dialect.structures.dxd
    at = inode.at + volume.dialect.structures.inode.offset_of(field)
    dxd = inode.row[field][0]
    flag, size = int(dxd["flag"]), int(dxd["size"])
    if flag == 0:
        return Descriptor(AttributeKind.NONE, at)
    if flag not in (INLINE_FLAG, EXTENT_FLAG):
        raise volume.corrupt("dxd", "flag", at, "0x40 inline or 0x20 extent", hex(flag))
    if flag == INLINE_FLAG:
        if inline_area_taken(volume.dialect, inode.row[0]):
            raise volume.corrupt(
                "dxd", "flag", at, "no inline attributes, the tree or target has their place", hex(flag)
            )
        if not 0 < size <= INLINE_BYTES:
            raise volume.corrupt("dxd", "size", at + record.offset_of("size"), f"1 to {INLINE_BYTES}", size)
        return Descriptor(AttributeKind.INLINE, at, size)
    length, address = (int(value) for value in volume.dialect.get_pxd(dxd["xd"]))
    volume.check_extent(address, length, "dxd", "xd", at + record.offset_of("xd"))
    most = min(length * volume.block_size, MAX_LIST)
    if not 0 < size <= most:
        raise volume.corrupt("dxd", "size", at + record.offset_of("size"), f"1 to {most}", size)
    return Descriptor(AttributeKind.EXTENT, at, size, address, length)


def inline_area_taken(dialect: Dialect, row: Any) -> bool:
    """Whether the tree or the target of an inode (one row) has the place of inline attributes (Linux dialect)."""
    kind, size = stat.S_IFMT(int(row["di_mode"])), int(row["di_size"])
    inline_link = kind == stat.S_IFLNK and size < dialect.symlink_inline_limit
    if inline_link:
        return size >= INLINE_EA_START
    if kind in (stat.S_IFREG, stat.S_IFLNK):
        header = dialect.structures.xtree_header.table(np.ascontiguousarray(row["root"][:32]), 1)[0]
        return bool(header["maxentry"] > SHORT_ROOT_MAXENTRY)
    return kind == stat.S_IFDIR


def with_area_mark(dialect: Dialect, rows: NDArray[Any]) -> NDArray[Any]:
    """Modes of inodes of files, with the mark of a free inline area where that area is free (Linux dialect).

    Directories have no such mark, and a tree that has the area, or had it once, may have it either way; that is what
    `jfs_fsck` judges by.
    """
    modes, mark = rows["di_mode"], np.uint32(dialect.inode_form.inline_area_mark)
    kinds, size = modes & 0xF000, rows["di_size"]
    inline_link = (kinds == stat.S_IFLNK) & (size < dialect.symlink_inline_limit)
    record = dialect.structures.xtree_header
    header = np.ascontiguousarray(rows["root"][:, : record.size]).view(record.dtype)[:, 0]
    tree = ((kinds == stat.S_IFREG) | (kinds == stat.S_IFLNK)) & ~inline_link
    taken = (rows["di_ea"]["flag"] == INLINE_FLAG) | (inline_link & (size >= INLINE_EA_START))
    either = (kinds == stat.S_IFDIR) | (tree & (header["maxentry"] > SHORT_ROOT_MAXENTRY))
    return np.where(either, modes, np.where(taken, modes & ~mark, modes | mark))
