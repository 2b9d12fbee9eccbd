"""Single records as bytes: extents and their nodes, instants and the integer fields of an inode.

Tables are numpy's work; a transaction touches one inode, which `struct` takes apart much faster.
Source: [jfs2 2.1, 2.3].
"""

from __future__ import annotations

from struct import Struct
from typing import Literal

import numpy as np

from ...units import NS_PER_S
from ..attributes.forms import descriptor_form
from ..dialect import Dialect
from ..nodes.extent_node import ExtentNodeCodec

_CODES = {"i8": "q", "u8": "Q", "i4": "i", "u4": "I"}


class Coding(ExtentNodeCodec):
    """How a dialect lays out what a transaction changes.

    Args:
        dialect: the dialect.

    Attributes:
        dialect: the dialect.
        order: byte order as `int.from_bytes` wants it.
        fields: struct and byte offset of each integer field of an inode, by published name.
        places: byte offset of every field of an inode.
        attributes_at: byte offset of the flag of its attributes.
        attributes_behind_tree: whether a tree leaves room for them in the inode.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.order: Literal["big", "little"] = dialect.byte_order.name
        record = dialect.structures.inode
        self.places = {name: record.offset_of(name) for name in record.dtype.names or ()}
        form = descriptor_form(dialect)
        self.attributes_at, self.attributes_behind_tree = self.places[form.fields[0]], form.uses_inline_area
        self.fields = {
            name: (Struct(dialect.order + _CODES[dtype.str[1:]]), self.places[name])
            for name, (dtype, *_) in (record.dtype.fields or {}).items()
            if dtype.str[1:] in _CODES
        }
        seconds = dialect.structures.time.dtype["tv_sec"]
        self._time = Struct(f"{dialect.order}qi4x" if seconds.itemsize == 8 else f"{dialect.order}II")
        self._seconds = np.iinfo(seconds).min, np.iinfo(seconds).max

    def time(self, now: int) -> bytes:
        """An instant in nanoseconds as a time stamp; what a field cannot hold becomes its limit."""
        seconds, rest = divmod(now, NS_PER_S)
        low, high = self._seconds
        return self._time.pack(min(max(seconds, low), high), rest)
