"""Descriptors of the AIX dialect: `ead` of format 1, and the inodes of format 2.

Source: [jfs2 2.1], [jfs2 2.10], [jfs2 invariant 51] and [jfs2 item 12].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.j2 import EA_ROOT, EAD
from ...layout.record import Grade
from ..inodes.inode import Inode
from ..volume import Volume
from .descriptor import EXTENT_FLAG, INLINE_FLAG, AttributeKind, Descriptor, DescriptorForm, flag_of

FEATURE_FORMAT_2 = 1 << 1
"""Bit of `s_feature_incompat`: there are attributes of format 2."""
FORMAT_2 = 1
"""`eaFlag` of attributes that are inodes of their own."""


class EadForm(DescriptorForm):
    """An `ead` has the blocks of an extent and the number of attributes in it; how they lie there is not published."""

    fields = ("ea",)
    none, listed = Grade.B, Grade.C
    most = 255, 255
    uses_inline_area = keeps_posix_acls = False

    def present(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Inodes with a descriptor that says something."""
        raw = rows["ea"][:, : EAD.size]
        found = raw.any(axis=1)
        # format 2 with no directory, no mode and no list holds nothing
        empty = (raw[:, 0] == FORMAT_2) & ~rows["ea"][:, EA_ROOT.offset_of("eaDirectory") : 32].any(axis=1)
        return np.asarray(found & ~empty)

    def flag(self, row: Any) -> int:
        """The first byte."""
        return int(row["ea"][0])

    def read(self, volume: Volume, inode: Inode) -> Descriptor:
        """Either format."""
        at = inode.at + volume.dialect.structures.inode.offset_of("ea")
        raw = np.ascontiguousarray(inode.row["ea"][0])
        if raw[0] == FORMAT_2:
            root = EA_ROOT.table(raw, 1)[0]
            return Descriptor(AttributeKind.OBJECTS, at, directory=int(root["eaDirectory"]), acl=int(root["eaACL"]))
        ead = EAD.table(raw[: EAD.size], 1)[0]
        if not raw[: EAD.size].any():
            return Descriptor(AttributeKind.NONE, at)
        flag, length = int(ead["flag"]), int(ead["len"])
        count, kind = int(ead["nEntry"]), int(ead["type"])
        address = int(ead["addr_hi"]) << 32 | int(ead["addr_lo"])
        if length:
            volume.check_extent(address, length, "ead", "addr_lo", at + EAD.offset_of("addr_hi"))
        if flag not in (0, INLINE_FLAG, EXTENT_FLAG) or ead["nblocks"] or (flag == INLINE_FLAG) == bool(length):
            return Descriptor(AttributeKind.UNKNOWN, at, address=address, length=length, type=kind)
        if flag == INLINE_FLAG:
            return Descriptor(AttributeKind.INLINE, at, count=count, type=kind)
        return Descriptor(AttributeKind.EXTENT, at, address=address, length=length, count=count, type=kind)

    def read_list(self, volume: Volume, inode: Inode) -> Descriptor:
        """Access control lists have no descriptor of their own."""
        return Descriptor(AttributeKind.NONE, inode.at)

    def describe(self, row: NDArray[Any], size: int, count: int, address: int, length: int) -> None:
        """Format 1; the bytes of the list are not kept."""
        ead = row["ea"][:, : EAD.size].view(EAD.dtype)
        ead["flag"], ead["nEntry"], ead["len"] = flag_of(size, length), count if size else 0, length
        ead["addr_hi"], ead["addr_lo"] = address >> 32, address & 0xFFFFFFFF

    def relocate(self, row: NDArray[Any], place: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> None:
        """The extent of format 1."""
        ead = EAD.table(row["ea"][0], 1)
        if ead["len"][0] and ead["flag"][0] in (0, EXTENT_FLAG):
            to = place(ead["addr_hi"].astype(np.int64) << 32 | ead["addr_lo"].astype(np.int64))
            ead["addr_hi"], ead["addr_lo"] = to >> 32, to & 0xFFFFFFFF
