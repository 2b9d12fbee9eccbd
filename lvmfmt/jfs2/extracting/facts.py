"""What to make of the inodes of an inventory on this machine: names, owners, permissions, attributes and times."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageIOError
from ...escaping import escaped
from ..inventory.arrays import Inventory

_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}

Owner = tuple[int, int]
Times = tuple[int, int]


class Columns(NamedTuple):
    """Facts of some inodes, a list for each kind of fact.

    Attributes:
        names: the name that each is made by.
        parents: row of the directory of that name.
        modes: permissions.
        owners: whom to give each to; None where it belongs to the right one already.
        times: atime and mtime in nanoseconds.
        special: which need more than a file made with its permissions has, shape (inodes,).
    """

    names: list[bytes]
    parents: list[int]
    modes: list[int]
    owners: list[Owner | None]
    times: list[Times]
    special: NDArray[np.bool_]

    def each(self) -> Iterator[tuple[bytes, int, int, Owner | None, Times]]:
        """Name, parent, permissions, owner and times of each."""
        return zip(self.names, self.parents, self.modes, self.owners, self.times, strict=True)


class Facts:
    """The inodes of an inventory as they are to become; owners, and the set-id bits, only for the superuser.

    Args:
        inventory: the tree.
        set_id: keep set-id bits.

    Attributes:
        first: the entry that an inode is made by, -1 for none, shape (inodes,).
        later: entries that are further names of something, ascending.
    """

    def __init__(self, inventory: Inventory, *, set_id: bool) -> None:
        self._inventory = inventory
        self._superuser = os.geteuid() == 0
        self._maker = os.geteuid(), os.getegid()
        self._mask = 0o7777 if self._superuser and set_id else 0o1777
        children = inventory.entries["child"]
        self.first = np.full(len(inventory.inodes), -1, np.int64)
        self.first[children[::-1]] = np.arange(len(children))[::-1]
        self._has_attributes = np.zeros(len(inventory.inodes), bool)
        self._has_attributes[list(inventory.attributes)] = True
        self.later = np.flatnonzero(self.first[children] != np.arange(len(children)))

    def without_set_id(self) -> NDArray[np.intp]:
        """Rows of the inodes that lose set-id bits, except symlinks, which have no use for them."""
        modes = self._inventory.inodes["mode"]
        return np.flatnonzero(
            (self.first >= 0) & (modes & (0o6000 & ~self._mask) != 0) & ((modes & 0o170000) != stat.S_IFLNK)
        )

    def columns(self, rows: NDArray[np.integer]) -> Columns:
        """What to make of inodes; the top, which no entry names, has the name b""."""
        entries, inodes = self._inventory.entries, self._inventory.inodes[rows]
        first = self.first[rows]
        made_by = np.append(entries, np.zeros(1, entries.dtype)) if (first < 0).any() else entries
        made_by = made_by[first]
        start = made_by["name_start"]
        text = self._inventory.names
        names = [text[a:b] for a, b in zip(start.tolist(), (start + made_by["name_length"]).tolist(), strict=True)]
        owners: list[Owner | None] = [None] * len(names)
        special = self._has_attributes[rows]
        if self._superuser:
            foreign = (inodes["uid"] != self._maker[0]) | (inodes["gid"] != self._maker[1])
            for i in np.flatnonzero(foreign).tolist():
                owners[i] = int(inodes["uid"][i]), int(inodes["gid"][i])
            special |= foreign
        times = list(zip(inodes["atime"].tolist(), inodes["mtime"].tolist(), strict=True))
        modes = inodes["mode"] & self._mask
        special |= modes > 0o777
        return Columns(names, made_by["parent"].tolist(), modes.tolist(), owners, times, special)

    def attributes(self, row: int) -> Mapping[bytes, bytes]:
        """Extended attributes of an inode."""
        return self._inventory.attributes.get(row, {})


class Trouble:
    """What could not be brought out as it is.

    Args:
        top: the destination, for messages.

    Attributes:
        problems: a line for each.
        failures: how many of them nobody has asked for.
    """

    def __init__(self, top: str) -> None:
        self.problems: list[str] = []
        self.failures = 0
        self._top = top

    def failed(self, name: bytes, error: OSError | ValueError) -> None:
        """Note what went wrong with one name; what would go wrong with all others too ends the work."""
        number = getattr(error, "errno", None)
        if number in _FATAL:
            raise ImageIOError(f"cannot write: {os.strerror(number)}", where=self._top, errno=number) from None
        text = os.strerror(number) if number else str(error)
        self.problems.append(f"{escaped(name)}: cannot be made as it is ({text})")
        self.failures += 1

    def left_out(self, name: bytes, what: str) -> None:
        """Note that something is not made at all, as it is meant to be."""
        self.problems.append(f"{escaped(name)}: {what}, left out")


def dress(fd: int, mode: int, created: int, owner: Owner | None, attributes: Mapping[bytes, bytes]) -> None:
    """Give what is open its owner, permissions and `user.` attributes.

    Args:
        fd: descriptor.
        mode: the permissions it is to have.
        created: those it has.
        owner: None for the one it has.
        attributes: values by name.
    """
    if owner is not None:
        os.fchown(fd, *owner)
    if mode != created:
        os.fchmod(fd, mode)
    for name, value in attributes.items():
        if name.startswith(b"user."):
            os.setxattr(fd, name, value)
