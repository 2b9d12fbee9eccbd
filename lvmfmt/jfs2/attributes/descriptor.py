"""Where an inode keeps its extended attributes, and what a form of descriptors can say and do.

`forms` has the two forms. Source: [jfs2 2.1], [jfs2 2.3] and [jfs2 2.10].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.record import Grade
from ..dialect import Dialect
from ..inodes.inode import Inode
from ..volume import Volume

INLINE_FLAG, EXTENT_FLAG = 0x40, 0x20
INLINE_AT = 160
"""Where, in the root area of an inode, inline attributes lie."""
INLINE_BYTES = 128


class AttributeKind(Enum):
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

    kind: AttributeKind
    at: int
    size: int | None = None
    address: int = 0
    length: int = 0
    count: int | None = None
    type: int = 0
    directory: int = 0
    acl: int = 0


class DescriptorForm(ABC):
    """How inodes of a dialect say where their attributes are.

    Args:
        dialect: the dialect.

    Attributes:
        fields: fields of an inode that are descriptors; the first is that of the attributes.
        none: how well it is known that an inode without attributes has none.
        listed: how well the form of the list is known.
        most: attributes, and blocks of them, that a descriptor can count; None for no bound.
        uses_inline_area: short lists are written into the inode.
        keeps_posix_acls: access control lists of POSIX are attributes.
    """

    fields: tuple[str, ...]
    none: Grade
    listed: Grade
    most: tuple[int, int] | None
    uses_inline_area: bool
    keeps_posix_acls: bool

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    @abstractmethod
    def present(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Which inodes have extended attributes: rows of the inode record's dtype, shape (inodes,)."""

    @abstractmethod
    def flag(self, row: Any) -> int:
        """Flags of the descriptor of the attributes of an inode, one row of the inode record."""

    @abstractmethod
    def read(self, volume: Volume, inode: Inode) -> Descriptor:
        """Where an inode keeps its attributes.

        Raises:
            CorruptImage: no place that can be.
        """

    @abstractmethod
    def read_list(self, volume: Volume, inode: Inode) -> Descriptor:
        """The same for an access control list with a descriptor of its own; errors as `read`."""

    def read_all(self, volume: Volume, inode: Inode) -> list[Descriptor]:
        """All descriptors of an inode; errors as `read`."""
        return [self.read(volume, inode), self.read_list(volume, inode)]

    @abstractmethod
    def describe(self, row: NDArray[Any], size: int, count: int, address: int, length: int) -> None:
        """Set the descriptor of an inode; an extent of no blocks means inline.

        Args:
            row: the inode, shape (1,), dtype of the inode record.
            size: bytes of the list; 0 for no attributes.
            count: attributes in it.
            address: block of the extent.
            length: blocks of it.
        """

    @abstractmethod
    def relocate(self, row: NDArray[Any], place: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> None:
        """Store the new addresses of all extents of an inode, shape (1,); `place` gives them for the old ones."""


def flag_of(size: int, length: int) -> int:
    """Flag of a list with so many bytes, in an extent of so many blocks or inline."""
    return 0 if not size else EXTENT_FLAG if length else INLINE_FLAG
