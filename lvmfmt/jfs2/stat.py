"""What a file system says of one file."""

from __future__ import annotations

import stat
from dataclasses import dataclass

import numpy as np

from .dialect import Dialect
from .inode_table import device_number
from .inodes import Inode


@dataclass(frozen=True)
class Stat:
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

    @classmethod
    def of(cls, inode: Inode, dialect: Dialect) -> Stat:
        """The attributes in a disk inode."""
        row = inode.row
        times = {name: int(dialect.get_time(row[f"di_{name}"])[0]) for name in ("atime", "mtime", "ctime", "otime")}
        is_device = inode.kind in (stat.S_IFCHR, stat.S_IFBLK)
        return cls(
            number=inode.number,
            mode=inode.mode,
            attributes=int(row["di_mode"][0]) & 0xFFFF0000,
            nlink=int(row["di_nlink"][0]),
            uid=int(row["di_uid"][0]),
            gid=int(row["di_gid"][0]),
            size=inode.size,
            blocks=int(row["di_nblocks"][0]),
            rdev=int(device_number(dialect, np.array(inode.row["root"]))[0]) if is_device else 0,
            generation=int(row["di_gen"][0]),
            **times,
        )

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
