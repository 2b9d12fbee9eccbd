"""`Dialect`: what differs between AIX JFS2 and the JFS of Linux.

Source: [jfs2 2.1], [jfs2 2.3] and [jfs2 2.5].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from struct import Struct
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2 import LEAF_SLOT_INDEXED, Structures
from ...oneline import one_line
from ...units import NS_PER_S
from .byte_order import ByteOrder
from .inode_form import InodeForm
from .log_form import LogForm
from .superblock_form import SuperblockForm

MAX_NAME_UNITS = 255

_MAX_SECONDS = (1 << 63) // NS_PER_S - 1


@dataclass(frozen=True, repr=False)
class Dialect:
    """What differs between AIX JFS2 and the JFS of Linux; all algorithms are common.

    Names are bytes at the API. On the disk they are units of `name_unit` bytes: a name lives in the head slot of its
    entry and goes on in continuation slots.

    Attributes:
        name: "aix" or "linux".
        magic: of the superblock.
        record_prefix: first part of the names of its structures, for messages.
        structures: the on-disk structures.
        byte_order: of all numbers.
        name_unit: bytes of a unit of a name: 1, or 2 for UTF-16.
        has_aim2: a second copy of the aggregate inode map exists, and `s_ait2` is a copy of the first extent of the
            aggregate inode table; otherwise `s_ait2` is its second extent with inodes 32 and on.
        unwritten_flag: flag of an extent that is allocated but not recorded.
        extent_flags: all flags that an extent of a file may have on the disk.
        attribute_descriptor: how an inode says where its extended attributes are: "dxd" or "ead", see
            `attributes.descriptor`.
        superblock_form: how it uses its superblock.
        inode_form: how it uses its inodes.
        log_form: how it keeps its log.
        root_capacities: what `maxentry` of the root of a file's extent tree may be, ascending.
        symlink_inline_limit: a symlink this long or longer has its target in an extent.
    """

    name: str
    magic: bytes
    record_prefix: str
    structures: Structures
    byte_order: ByteOrder
    name_unit: int
    has_aim2: bool
    unwritten_flag: int
    attribute_descriptor: Literal["dxd", "ead"]
    superblock_form: SuperblockForm
    inode_form: InodeForm
    log_form: LogForm
    extent_flags: int
    root_capacities: tuple[int, ...]
    symlink_inline_limit: int = 256

    __repr__ = one_line

    @property
    def order(self) -> str:
        """Numpy's and `struct`'s mark of the byte order, ">" or "<"."""
        return self.byte_order.mark

    @property
    def has_directory_indexes(self) -> bool:
        """Whether there are file systems whose directory entries carry an index."""
        return self.superblock_form.directory_index_flag != 0

    @property
    def inode_number(self) -> Struct:
        """An inode number as inodes, directory entries and directories have it."""
        return Struct(self.order + ("Q" if self.inode_number_dtype.itemsize == 8 else "I"))

    @property
    def inode_number_dtype(self) -> np.dtype[Any]:
        """The same for numpy."""
        return self.structures.inode.dtype["di_number"]

    def encode_name(self, name: bytes) -> bytes:
        """`name` as it lies on the disk; `decode_name` gives back the same bytes.

        In UTF-16 a byte that is not UTF-8 becomes a lone surrogate, 0xDC00 and more.
        """
        if self.name_unit == 1:
            return name
        text = name.decode("utf-8", "surrogateescape")
        if "\udced" in text:  # perhaps a lone surrogate that came from a disk
            try:
                coded = name.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
            except UnicodeDecodeError:
                pass
            else:
                if self.decode_name(coded) == name:
                    return coded
        return text.encode("utf-16-le", "surrogatepass")

    def decode_name(self, coded: bytes) -> bytes:
        """The name behind on-disk bytes, which have a whole number of units."""
        if self.name_unit == 1:
            return coded
        text = coded.decode("utf-16-le", "surrogatepass")
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # a lone surrogate that stands for no byte
            return text.encode("utf-8", "surrogatepass")

    def sort_key(self, coded: bytes) -> bytes:
        """Bytes that compare as directories order the on-disk name: unit by unit, then the shorter first.

        The sort key of a sort key is the on-disk name again.
        """
        if self.name_unit == 1:
            return coded
        key = bytearray(len(coded))
        key[::2], key[1::2] = coded[1::2], coded[::2]
        return bytes(key)

    def sort_keys(self, coded: Sequence[bytes]) -> list[bytes]:
        """The sort keys of several names."""
        if self.name_unit == 1:
            return list(coded)
        keys, end = self.sort_key(b"".join(coded)), 0
        return [keys[end : (end := end + len(name))] for name in coded]

    def with_index(self) -> Dialect:
        """The same for directories whose entries carry an index (Linux: DIR_INDEX)."""
        return replace(self, structures=self.structures._replace(leaf_slot=LEAF_SLOT_INDEXED))

    def get_pxd(self, pxds: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lengths and addresses in blocks of a table of `pxd` (or `xad`) rows, each of its shape."""
        return self.byte_order.get_u24(pxds["len"]), _get_40(pxds["addr_hi"], pxds["addr_lo"])

    def put_pxd(self, pxds: NDArray[Any], rows: Any, address: Any, length: Any) -> None:
        """Store addresses and lengths in blocks into the rows `rows` of a table of `pxd` (or `xad`) rows."""
        address = np.asarray(address, np.int64)
        pxds["len"][rows] = self.byte_order.put_u24(length)
        pxds["addr_hi"][rows] = address >> 32
        pxds["addr_lo"][rows] = address & 0xFFFFFFFF

    def get_xad(
        self, xads: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
        """Logical offset, length, address (all in blocks) and flag of a table of `xad` rows."""
        length, address = self.get_pxd(xads)
        return _get_40(xads["off_hi"], xads["off_lo"]), length, address, xads["flag"]

    def put_xad(self, xads: NDArray[Any], rows: Any, offset: Any, address: Any, length: Any, flag: Any = 0) -> None:
        """Store extents, in blocks, into the rows `rows` of a table of `xad` rows."""
        offset = np.asarray(offset, np.int64)
        xads["flag"][rows] = flag
        xads["off_hi"][rows] = offset >> 32
        xads["off_lo"][rows] = offset & 0xFFFFFFFF
        self.put_pxd(xads, rows, address, length)

    def get_time(self, times: NDArray[Any]) -> NDArray[np.int64]:
        """Nanoseconds since the epoch of a table of `time` rows; what an int64 cannot hold becomes its limit."""
        # np.clip asks for the limits of the types first: for one row that takes longer than all the rest
        seconds = np.maximum(np.minimum(times["tv_sec"].astype(np.int64), _MAX_SECONDS), -_MAX_SECONDS)
        return seconds * NS_PER_S + np.maximum(np.minimum(times["tv_nsec"].astype(np.int64), NS_PER_S - 1), 0)

    def put_time(self, times: NDArray[Any], ns: Any) -> None:
        """Store nanoseconds since the epoch into a table of `time` rows; what a field cannot hold becomes its limit."""
        seconds, nanoseconds = np.divmod(np.asarray(ns, np.int64), NS_PER_S)
        limits = np.iinfo(times.dtype["tv_sec"])
        times["tv_sec"] = np.clip(seconds, limits.min, limits.max)
        times["tv_nsec"] = nanoseconds


def _get_40(high: NDArray[Any], low: NDArray[Any]) -> NDArray[np.int64]:
    return high.astype(np.int64) << 32 | low.astype(np.int64)
