"""What a file system says of one file."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arguments import checked, expect
from ...oneline import one_line
from ..dialect import Dialect
from ..inodes.inode import Inode
from ..inodes.inode_table import device_number

PERMISSIONS = 0o7777
"""Bits of `mode` that can be changed."""


class Stat(NamedTuple):
    """Attributes of a file.

    Attributes:
        number: inode number.
        mode: file type and permissions, the low 16 bits.
        attributes: the high 16 bits of `di_mode`, as they lie on the disk.
        nlink: hard links.
        uid: owner.
        gid: group.
        size: bytes.
        blocks: blocks of data, trees and extended attributes, in file-system blocks.
        atime: last access, in nanoseconds since the epoch.
        mtime: last change of the data.
        ctime: last change of the inode.
        otime: creation.
        rdev: device nodes: major << 32 | minor; 0 otherwise.
        generation: generation number.
    """

    number: int
    mode: int
    attributes: int
    nlink: int
    uid: int
    gid: int
    size: int
    blocks: int
    atime: int
    mtime: int
    ctime: int
    otime: int
    rdev: int
    generation: int

    def __repr__(self) -> str:
        return one_line(self)

    @classmethod
    @checked
    def of(cls, inode: Inode, dialect: Dialect) -> Stat:
        """The attributes in a disk inode."""
        return cls.of_rows([inode.number], inode.row, dialect)[0]

    @classmethod
    @checked
    def of_rows(cls, numbers: Sequence[int], rows: NDArray[Any], dialect: Dialect) -> list[Stat]:
        """The attributes in disk inodes, rows of the inode record's dtype."""
        mode = rows["di_mode"].astype(np.int64)
        kind = mode & 0xF000
        rdev = np.where((kind == stat.S_IFCHR) | (kind == stat.S_IFBLK), device_number(dialect, rows["root"]), 0)
        columns: list[NDArray[Any]] = [mode & 0xFFFF, mode & 0xFFFF0000]
        columns += [rows[f"di_{name}"] for name in ("nlink", "uid", "gid", "size", "nblocks")]
        columns += [dialect.get_time(rows[f"di_{name}"]) for name in ("atime", "mtime", "ctime", "otime")]
        columns += [rdev, rows["di_gen"]]
        return [cls(*values) for values in zip(numbers, *(column.tolist() for column in columns), strict=True)]

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


def permissions(mode: int) -> int:
    """The permissions in a mode.

    Raises:
        OperationRefused: it is not a number.
    """
    return expect(mode, int, "permissions") & PERMISSIONS
