"""Directories of a tree on the running machine, open by descriptor; no step down follows a symlink."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

_DOWN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST = 128

_T = TypeVar("_T")
_Table = Mapping[int, _T] | Sequence[_T]


class Folders:
    """Descriptors of directories by the row of their inode, at most 128 of them open at a time.

    Args:
        top: the directory of row 0.
        parent: row of the directory above, by row.
        name: name in it, by row.
    """

    def __init__(self, top: str, parent: _Table[int], name: _Table[bytes]) -> None:
        self._parent, self._name = parent, name
        self._top = os.open(top, _DOWN)
        self._open: OrderedDict[int, int] = OrderedDict()

    def __enter__(self) -> Folders:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in (self._top, *self._open.values()):
            os.close(fd)

    def fd(self, row: int, *, keep: int = -1) -> int:
        """The descriptor of a directory, valid until the next call.

        Args:
            row: of its inode.
            keep: a descriptor that this call must leave open.

        Raises:
            OSError: it, or one above it, cannot be opened.
        """
        if row == 0:
            return self._top
        found = self._open.get(row)
        if found is not None:
            return found
        way = [row]
        while (row := self._parent[row]) and row not in self._open:
            way.append(row)
        fd = self._open[row] if row else self._top
        for row in reversed(way):
            fd = self._open[row] = os.open(self._name[row], _DOWN, dir_fd=fd)
            if len(self._open) > _MOST:
                self._drop(keep, fd)
        return fd

    def _drop(self, *kept: int) -> None:
        row = next(row for row, fd in self._open.items() if fd not in kept)
        os.close(self._open.pop(row))
