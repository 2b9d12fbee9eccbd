"""What the inodes of the dialects have of their own: mode bits, device numbers, roots, and how they are logged.

Source: [jfs2 2.3], [jfs2 2.4], [jfs2 3.1] and [jfs2 item 9].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

JOURNAL = 0x00010000
"""Bit of `di_mode`: an inode of the file system itself, whose changes are logged."""
SPARSE = 0x00020000
"""Bit of `di_mode`: a file may have holes."""
INLINE_EA = 0x00040000
"""Bit of `di_mode` (Linux): the inline attribute area is free."""
ATTRIBUTE_OBJECT = 0x00040000
"""Bit of `di_mode` (AIX, S_IXATTR): the inode is an attribute of another one."""


class DeviceNumbers(ABC):
    """How a device node has its device number, major << 32 | minor.

    Attributes:
        dtype: of the stored number.
        mark: bits of its first byte that are always set.
    """

    dtype: np.dtype[Any]
    mark: int

    @abstractmethod
    def encode(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Device numbers in the form in which they are stored, shape as given, any integer dtype."""

    @abstractmethod
    def decode(self, stored: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The reverse of `encode`."""


class Dev64(DeviceNumbers):
    """64 bits, of which bit 63 is set (AIX)."""

    dtype, mark = np.dtype(">u8"), 0x80

    def encode(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Set bit 63."""
        return numbers | np.uint64(1 << 63)

    def decode(self, stored: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Take bit 63 away."""
        return stored & np.uint64((1 << 63) - 1)


class Dev32(DeviceNumbers):
    """32 bits, the 12 of the major number between the low 8 and the high 12 of the minor number (Linux)."""

    dtype, mark = np.dtype("<u4"), 0

    def encode(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Mix the bits."""
        major, minor = numbers >> 32, numbers & 0xFFFFFFFF
        return (minor & 0xFF) | major << 8 | (minor & 0xFFFFFF00) << 12

    def decode(self, stored: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Take the bits apart."""
        major, minor = stored >> 8 & 0xFFF, stored & 0xFF | stored >> 12 & 0xFFF00
        return (major << 32 | minor).astype(np.uint64)


@dataclass(frozen=True, eq=False)
class InodeForm:
    """How a dialect uses its inodes.

    Attributes:
        generator: field, and byte in it, of the next generation number in the inode of an inode map.
        first_generation: the generation of the inodes of a new file system, from its stamp.
        devices: how device nodes have their numbers.
        file_mode, directory_mode: high bits of `di_mode` of new files and directories.
        root_directory_mode: the same of the root directory.
        system_mark: the bit of `di_mode` that inodes of the file system itself have for sure; 0 for none.
        inline_area_mark: the bit of `di_mode` that says that the inline attribute area is free; 0 for none.
        attribute_mark: the bit of `di_mode` of an inode that is an attribute of another one; 0 for none.
        short_roots: a root whose extents fit before the inline attribute area ends there, and leaves it free.
        new_values: what some fields have in a new directory, and in a new inode of the file system itself.
        map_mode: bits of `di_mode` of the inodes of maps, besides those of a file of the system.
        links_of_inode_0: `di_nlink` of inode 0 of the aggregate.
        first_slots: bytes at the start of an inode that every change logs.
        log_slot: bytes of a slot of a logged inode.
        reserved: inodes of the fileset that are in use from the start.
        of_generation_1: inodes of the fileset that keep generation 1; if any do, those of the aggregate do, too.
        unnamed: inodes of the fileset in use that no directory names.
        empty: those of them that have no content and one link.
        lost_found: a new file system has a directory `/lost+found`.
        ends_with_size: a regular file has no blocks behind the page in which its size ends.
    """

    generator: tuple[str, int]
    first_generation: Callable[[int], int]
    devices: DeviceNumbers
    file_mode: int
    directory_mode: int
    root_directory_mode: int
    log_slot: int
    first_slots: int
    reserved: tuple[int, ...]
    of_generation_1: tuple[int, ...]
    unnamed: tuple[int, ...]
    empty: tuple[int, ...] = ()
    system_mark: int = 0
    inline_area_mark: int = 0
    attribute_mark: int = 0
    short_roots: bool = False
    new_values: Mapping[str, int] = field(default_factory=dict)
    map_mode: int = 0
    links_of_inode_0: int = 0
    lost_found: bool = False
    ends_with_size: bool = False
