"""Where an inode keeps its extended attributes: the descriptors of both dialects, checked.

Source: reference sections 2.1 (dxd, ead), 2.3, 2.10 and invariants 49 to 51.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.j2 import EA_ROOT, EAD
from ..dialect import LINUX, Dialect
from ..inodes.inode import Inode
from ..inodes.inode_table import INLINE_EA_START, SHORT_ROOT_MAXENTRY
from ..volume import Volume
from .ea_list import MAX_LIST

INLINE_FLAG, EXTENT_FLAG = 0x40, 0x20
INLINE_AT = 160
"""Where, in the root area of an inode, inline attributes lie."""
INLINE_BYTES = 128
FORMAT_2 = 1
"""`eaFlag` of attributes that are inodes of their own (AIX)."""
ATTRIBUTE_OBJECT = 0x00040000
"""Mode bit of an inode that is an attribute (S_IXATTR of AIX)."""


class Kind(Enum):
    """How attributes are kept."""

    NONE = "none"
    INLINE = "inline"
    EXTENT = "extent"
    OBJECTS = "objects"
    """Each one is an inode: AIX, format 2."""
    UNKNOWN = "unknown"
    """AIX, format 1, in a way that is not published."""


@dataclass(frozen=True)
class Descriptor:
    """Where attributes are.

    Attributes:
        kind: how they are kept.
        at: byte offset of the descriptor in the device.
        size: bytes of the list; None where the dialect does not say.
        address: block of their extent.
        length: blocks of it.
        count: number of attributes; None where the dialect does not say.
        type: AIX, format 1: `type`; otherwise 0.
        directory: AIX, format 2: inode of the directory of attributes, 0 for none.
        acl: AIX, format 2: inode of the access control list, 0 for none.
    """

    kind: Kind
    at: int
    size: int | None = None
    address: int = 0
    length: int = 0
    count: int | None = None
    type: int = 0
    directory: int = 0
    acl: int = 0


def has_attributes(dialect: Dialect, rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which inodes have extended attributes: rows of the inode record's dtype, shape (inodes,)."""
    if dialect is LINUX:
        return np.asarray(rows["di_ea"]["flag"] != 0)
    raw = rows["ea"][:, : EAD.size]
    found = raw.any(axis=1)
    # format 2 with no directory, no mode and no list holds nothing
    empty = (raw[:, 0] == FORMAT_2) & ~rows["ea"][:, EA_ROOT.offset_of("eaDirectory") : 32].any(axis=1)
    return np.asarray(found & ~empty)


def read_descriptor(volume: Volume, inode: Inode) -> Descriptor:
    """Where an inode keeps its attributes.

    Raises:
        CorruptImage: no place that can be.
    """
    if volume.dialect is LINUX:
        return read_dxd(volume, inode, "di_ea")
    at = inode.at + volume.dialect.structures.inode.offset_of("ea")
    raw = np.ascontiguousarray(inode.row["ea"][0])
    if raw[0] == FORMAT_2:
        root = EA_ROOT.table(raw, 1)[0]
        return Descriptor(Kind.OBJECTS, at, directory=int(root["eaDirectory"]), acl=int(root["eaACL"]))
    ead = EAD.table(raw[: EAD.size], 1)[0]
    if not raw[: EAD.size].any():
        return Descriptor(Kind.NONE, at)
    flag, length = int(ead["flag"]), int(ead["len"])
    count, kind = int(ead["nEntry"]), int(ead["type"])
    address = int(ead["addr_hi"]) << 32 | int(ead["addr_lo"])
    if length:
        volume.check_extent(address, length, "ead", "addr_lo", at + EAD.offset_of("addr_hi"))
    if flag not in (0, INLINE_FLAG, EXTENT_FLAG) or ead["nblocks"] or (flag == INLINE_FLAG) == bool(length):
        return Descriptor(Kind.UNKNOWN, at, address=address, length=length, type=kind)
    if flag == INLINE_FLAG:
        return Descriptor(Kind.INLINE, at, count=count, type=kind)
    return Descriptor(Kind.EXTENT, at, address=address, length=length, count=count, type=kind)


def read_dxd(volume: Volume, inode: Inode, field: str) -> Descriptor:
    """The same for a descriptor of the Linux dialect: `di_ea` or `di_acl`.

    Raises:
        CorruptImage: no place that can be.
    """
    record = volume.dialect.structures.dxd
    at = inode.at + volume.dialect.structures.inode.offset_of(field)
    dxd = inode.row[field][0]
    flag, size = int(dxd["flag"]), int(dxd["size"])
    if flag == 0:
        return Descriptor(Kind.NONE, at)
    if flag not in (INLINE_FLAG, EXTENT_FLAG):
        raise volume.corrupt("dxd", "flag", at, "0x40 inline or 0x20 extent", hex(flag))
    if flag == INLINE_FLAG:
        if inline_area_taken(volume.dialect, inode.row[0]):
            raise volume.corrupt(
                "dxd", "flag", at, "no inline attributes, the tree or target has their place", hex(flag)
            )
        if not 0 < size <= INLINE_BYTES:
            raise volume.corrupt("dxd", "size", at + record.offset_of("size"), f"1 to {INLINE_BYTES}", size)
        return Descriptor(Kind.INLINE, at, size)
    length, address = (int(value) for value in volume.dialect.get_pxd(dxd["xd"]))
    volume.check_extent(address, length, "dxd", "xd", at + record.offset_of("xd"))
    most = min(length * volume.block_size, MAX_LIST)
    if not 0 < size <= most:
        raise volume.corrupt("dxd", "size", at + record.offset_of("size"), f"1 to {most}", size)
    return Descriptor(Kind.EXTENT, at, size, address, length)


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
