"""Checks 49 to 51: extended attributes, and the blocks that they own."""

from __future__ import annotations

import stat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.j2 import EA_ROOT, EAD
from ...layout.jfs2.jfs1 import EA_HEAD, EA_LIST
from ..inode_table import INLINE_EA_START, SHORT_ROOT_MAXENTRY
from .subject import Subject

_INLINE, _EXTENT = 0x40, 0x20
_INLINE_AT, _INLINE_BYTES = 160, 128
_LONGEST_LIST = 1 << 16
_EXTERNAL_SYMLINK = 256
FORMAT_2 = 1
_FEATURE_FORMAT_2 = 1 << 1
ATTRIBUTE_OBJECT = 0x00040000
"""Mode bit of an inode that is an attribute (S_IXATTR of AIX)."""


class AttributeChecker:
    """Judges extended attributes.

    Args:
        subject: the file system.

    Attributes:
        objects: (attribute object, inode that refers to it, byte offset of the reference), AIX format 2.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._inode = subject.dialect.structures.inode
        self.objects: list[tuple[int, int, int]] = []

    def check(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Judge the attributes of inodes and claim their blocks.

        Returns:
            Blocks of each inode's attributes, shape (inodes,), and of which inodes not all of them can be known.
        """
        unknown = np.zeros(len(rows), bool)
        if self._subject.is_linux:
            blocks = self._linux(numbers, at, rows, "di_ea") + self._linux(numbers, at, rows, "di_acl")
            return blocks, unknown
        format_2 = rows["ea"][:, 0] == FORMAT_2
        for i in np.flatnonzero(format_2).tolist():
            self._format_2(int(numbers[i]), int(at[i]), rows["ea"][i])
        descriptors = np.ascontiguousarray(rows["ea"][:, : EAD.size]).view(EAD.dtype)[:, 0]
        length = np.where(format_2, 0, descriptors["len"]).astype(np.int64)
        address = descriptors["addr_hi"].astype(np.int64) << 32 | descriptors["addr_lo"].astype(np.int64)
        self._claim(numbers, at, "ea", address, length)
        return length, ~format_2 & (descriptors["nblocks"] != 0)

    def _claim(
        self,
        numbers: NDArray[np.int64],
        at: NDArray[np.int64],
        field: str,
        address: NDArray[np.int64],
        length: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Claim extents of attributes; returns which of them lie inside the file system."""
        s = self._subject
        bad = (length != 0) & s.volume.bad_extents(address, length)
        s.find_rows(
            "extent-range", self._inode, field, bad, at,
            lambda i: f"attributes of inode {numbers[i]} at {length[i]}@{address[i]}, not inside the file system",
        )  # fmt: skip
        good: NDArray[np.bool_] = (length != 0) & ~bad
        s.owners.claim_many(address[good], length[good], numbers[good])
        return good

    def _format_2(self, number: int, at: int, raw: NDArray[np.uint8]) -> None:
        s, root = self._subject, EA_ROOT.table(np.ascontiguousarray(raw), 1)[0]
        where = at + self._inode.offset_of("ea")
        if not s.superblock.values["s_feature_incompat"] & _FEATURE_FORMAT_2:
            text = f"inode {number} has attributes of format 2, the superblock has not that feature"
            s.find("inode-attribute-objects", EA_ROOT, "eaFlag", where, text)
        for field in ("eaDirectory", "eaACL"):
            if root[field]:
                self.objects.append((int(root[field]), number, where + EA_ROOT.offset_of(field)))

    def _linux(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any], field: str
    ) -> NDArray[np.int64]:
        dxd = rows[field]
        length, address = self._subject.dialect.get_pxd(dxd["xd"])
        length = np.where(dxd["flag"] & _EXTENT, length, 0)
        good = self._claim(numbers, at, field, address, length)
        if field == "di_acl":
            return length
        for i in np.flatnonzero(dxd["flag"] & _INLINE).tolist():
            self._inline(int(numbers[i]), int(at[i]), rows[i])
        for i in np.flatnonzero(good).tolist():
            self._extent(int(numbers[i]), int(at[i]), int(dxd["size"][i]), int(address[i]), int(length[i]))
        return length

    def _inline(self, number: int, at: int, row: Any) -> None:
        s, kind, size = self._subject, stat.S_IFMT(int(row["di_mode"])), int(row["di_ea"]["size"])
        header = s.dialect.structures.xtree_header.table(np.ascontiguousarray(row["root"][:32]), 1)[0]
        is_link = kind == stat.S_IFLNK
        taken = kind == stat.S_IFDIR or (is_link and INLINE_EA_START <= row["di_size"] < _EXTERNAL_SYMLINK)
        if kind == stat.S_IFREG or (is_link and row["di_size"] >= _EXTERNAL_SYMLINK):
            taken = header["maxentry"] > SHORT_ROOT_MAXENTRY
        if taken:
            text = f"the area of the inline attributes of inode {number} belongs to its tree or target"
            s.find("inode-inline-attributes", self._inode, "di_ea", at, text)
            return
        data = row["root"][_INLINE_AT : _INLINE_AT + _INLINE_BYTES].tobytes()
        self._list(number, at + self._inode.offset_of("di_ea"), data[:size], size)

    def _extent(self, number: int, at: int, size: int, address: int, length: int) -> None:
        s = self._subject
        offset = at + self._inode.offset_of("di_ea")
        room = min(length * s.volume.block_size, _LONGEST_LIST)
        if not s.owners.first_visit(address):
            return  # another inode has it too, which is told elsewhere; it is read once
        data = s.device.read(address * s.volume.block_size, min(size, room)).tobytes()
        self._list(number, offset, data, size)

    def _list(self, number: int, offset: int, data: bytes, size: int) -> None:
        """Judge a list of attributes: its size, and that its entries fill it exactly."""
        at, head = EA_LIST.size, EA_HEAD.size
        right = EA_LIST.size <= size == len(data) and int.from_bytes(data[:4], "little") == size
        while right and at < size:
            if at + head > size:
                right = False
            else:
                at += head + data[at + 1] + 1 + int.from_bytes(data[at + 2 : at + 4], "little")
        if not right or at != size:
            text = f"the list of attributes of inode {number}, {size} bytes, does not fit its place or its entries"
            self._subject.report.add("inode-attributes", EA_LIST.name, "size", offset, text)
