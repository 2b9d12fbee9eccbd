"""Making device nodes, FIFOs and sockets in a mounted file system.

The device number lies in the inode's root area, behind what Linux logs of such an inode; our record of the inode has it
too, so that a replay gives it back. Source: [jfs2 2.3, 3.6] ("device node").
"""

from __future__ import annotations

import stat

import numpy as np

from ...arguments import expect
from ...errors import OperationRefused
from ..inodes.inode_table import fill_special
from ..paths.stat import permissions
from .lifetimes import Lifetimes

_TYPES = (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)
_MAJORS, _MINORS = {"aix": 1 << 31, "linux": 1 << 12}, {"aix": 1 << 32, "linux": 1 << 20}


class SpecialFiles(Lifetimes):
    """Files that are neither data nor names."""

    def mknod(self, path: str, mode: int, rdev: int = 0, *, now: int | None = None, uid: int = 0, gid: int = 0) -> None:
        """Make a device node, a FIFO or a socket.

        Args:
            path: the new name.
            mode: type and permissions, as `stat.S_IFCHR | 0o600`.
            rdev: of device nodes: major << 32 | minor.
            now: instant in nanoseconds.
            uid: owner.
            gid: group.

        Raises:
            AlreadyExists: there is such a path.
            OperationRefused: another type, or a number that the dialect cannot store.
        """
        now = self._moment(now)
        kind = stat.S_IFMT(expect(mode, int, "a type with permissions"))
        if kind not in _TYPES:
            raise OperationRefused("a device node, FIFO or socket is made like this", where=self._volume.where)
        major, minor = rdev >> 32, rdev & 0xFFFFFFFF
        name = self._dialect.name
        if not 0 <= major < _MAJORS[name] or minor >= _MINORS[name] or (rdev and kind not in _DEVICES):
            raise OperationRefused(
                f"{path}: device {major},{minor} cannot be stored, at most {_MAJORS[name] - 1},{_MINORS[name] - 1}",
                where=self._volume.where,
            )
        with self._journal.transaction(creates=True) as txn:
            inode, _ = self._new(txn, self._parent(txn, path), kind | permissions(mode), now, uid, gid)
            fill_special(self._dialect, inode.row, np.array([kind]), np.array([rdev], np.uint64), {})
