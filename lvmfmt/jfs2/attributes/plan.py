"""Extended attributes of an inode as they are written: the list, the descriptor, the inline area.

Source: [jfs2 2.10], [jfs2 invariant 49] and [jfs2 invariant 50].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import OperationRefused
from ...layout.jfs2.j2 import EAD
from ...units import ceil_div
from ..dialect import AIX, LINUX, Dialect
from ..inodes.inode_table import INLINE_EA
from .descriptor import EXTENT_FLAG, INLINE_AT, INLINE_BYTES, INLINE_FLAG
from .ea_list import encode_list

MAX_AIX_BLOCKS, MAX_AIX_COUNT = 255, 255
"""What the fields of an AIX descriptor can say."""


def pack(dialect: Dialect, block_size: int, values: dict[bytes, bytes]) -> bytes:
    """The list of an inode's attributes; nothing for none.

    Raises:
        OperationRefused: they are more than an inode of this dialect can have.
    """
    data = encode_list(values, dialect.order)
    if dialect is AIX and (len(values) > MAX_AIX_COUNT or ceil_div(len(data), block_size) > MAX_AIX_BLOCKS):
        raise OperationRefused(f"an inode has at most {MAX_AIX_COUNT} attributes, in {MAX_AIX_BLOCKS} blocks")
    return data


def describe(dialect: Dialect, row: NDArray[Any], size: int, count: int, address: int, length: int) -> None:
    """Set the descriptor of an inode; an extent of no blocks means inline.

    Args:
        dialect: structures and byte order.
        row: the inode, shape (1,), dtype of the inode record.
        size: bytes of the list; 0 for no attributes.
        count: attributes in it.
        address: block of the extent.
        length: blocks of it.
    """
    flag = 0 if not size else EXTENT_FLAG if length else INLINE_FLAG
    if dialect is LINUX:
        dxd = row["di_ea"]
        dxd["flag"], dxd["rsrvd"], dxd["size"] = flag, 0, size
        dialect.put_pxd(dxd["xd"], slice(None), address, length)
        return
    ead = row["ea"][:, : EAD.size].view(EAD.dtype)
    ead["flag"], ead["nEntry"], ead["len"] = flag, count if size else 0, length
    ead["addr_hi"], ead["addr_lo"] = address >> 32, address & 0xFFFFFFFF


def put_inline(row: NDArray[Any], data: bytes) -> None:
    """Put a list into an inode, shape (1,); its mode no longer says that the place is free, as Linux writes it."""
    row["root"][:, INLINE_AT : INLINE_AT + INLINE_BYTES] = np.frombuffer(data.ljust(INLINE_BYTES, b"\0"), np.uint8)
    row["di_mode"] &= ~np.uint32(INLINE_EA)
