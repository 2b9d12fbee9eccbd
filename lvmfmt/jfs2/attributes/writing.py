"""Extended attributes of an inode as they are written: the list, and the inline area.

Source: [jfs2 2.10], [jfs2 invariant 49] and [jfs2 invariant 50].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import OperationRefused
from ...units import ceil_div
from ..dialect import Dialect
from ..dialect.inode_form import INLINE_EA
from .descriptor import INLINE_AT, INLINE_BYTES
from .ea_list import encode_list
from .forms import descriptor_form


def pack(dialect: Dialect, block_size: int, values: dict[bytes, bytes]) -> bytes:
    """The list of an inode's attributes; nothing for none.

    Raises:
        OperationRefused: they are more than an inode of this dialect can have.
    """
    data = encode_list(values, dialect.order)
    if most := descriptor_form(dialect).most:
        count, blocks = most
        if len(values) > count or ceil_div(len(data), block_size) > blocks:
            raise OperationRefused(f"an inode has at most {count} attributes, in {blocks} blocks")
    return data


def put_inline(row: NDArray[Any], data: bytes) -> None:
    """Put a list into an inode, shape (1,); its mode no longer says that the place is free, as Linux writes it."""
    row["root"][:, INLINE_AT : INLINE_AT + INLINE_BYTES] = np.frombuffer(data.ljust(INLINE_BYTES, b"\0"), np.uint8)
    row["di_mode"] &= ~np.uint32(INLINE_EA)
