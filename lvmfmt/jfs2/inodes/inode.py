"""One disk inode."""

from __future__ import annotations

import stat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...oneline import one_line
from ..nodes.extent_node import ROOT_OFFSET

INODE_BASE = 128
"""Bytes at the start of an inode that every dialect logs when it changes: all but its tree."""


class Inode(NamedTuple):
    """One disk inode.

    Attributes:
        number: its number.
        at: byte offset in the device.
        row: array of shape (1,), dtype of the inode record; a copy.
    """

    number: int
    at: int
    row: NDArray[Any]

    def __repr__(self) -> str:
        return one_line(self)

    @property
    def mode(self) -> int:
        """The low 16 bits of `di_mode`: type and permissions."""
        return int(self.row["di_mode"][0]) & 0xFFFF

    @property
    def kind(self) -> int:
        """The file type, as `stat.S_IFMT` gives it."""
        return stat.S_IFMT(self.mode)

    @property
    def size(self) -> int:
        """`di_size` in bytes."""
        return int(self.row["di_size"][0])

    @property
    def root(self) -> NDArray[np.uint8]:
        """The tree root with what else lies there, shape (288,)."""
        root: NDArray[np.uint8] = self.row["root"][0]
        return root

    @property
    def root_at(self) -> int:
        """Byte offset of the tree root in the device."""
        return self.at + ROOT_OFFSET
