"""Checks 24 to 41 but 40: inode maps, the aggregate's and the fileset's alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..maps.map_file import MapFile
from ..nodes.inode_group import InodeGroups, InodeMapSums
from .subject import Subject

IAGS_AT_ONCE = 64


class JudgedGroup(NamedTuple):
    """An inode allocation group whose page was judged.

    Attributes:
        number: of it.
        address: block of each inode extent, shape (128,); 0 for none, and for those that cannot be.
        length: blocks of each, shape (128,).
        used: which inodes are in use as committed, shape (4096,).
    """

    number: int
    address: NDArray[np.int64]
    length: NDArray[np.int64]
    used: NDArray[np.bool_]


class InodeMapChecker:
    """Judges one inode map.

    Args:
        subject: the file system.
        map: its pages.
        title: what to call it in messages.
        reserved: inodes that are always in use.
    """

    def __init__(self, subject: Subject, map: MapFile, title: str, reserved: tuple[int, ...]) -> None:
        self._subject = subject
        self._map = map
        self._title = title
        self._reserved = reserved
        self.iags = max(map.pages - 1, 0)
        self._sums = InodeMapSums(subject.dialect, subject.geometry, self.iags)

    def groups(self) -> Iterator[JudgedGroup]:
        """Judge every inode allocation group and yield it."""
        s, record = self._subject, self._subject.dialect.structures.iag
        for first in range(0, self.iags, IAGS_AT_ONCE):
            count = min(IAGS_AT_ONCE, self.iags - first)
            at = np.maximum(self._map.places(first + 1, count), 0)
            groups = InodeGroups(
                s.dialect, s.geometry, self._map.table(record, first + 1, count),
                first=first, blocks=s.volume.blocks, variable=s.superblock.variable_inode_extents,
            )  # fmt: skip
            self._sums.add(groups)
            s.find_faults(groups.faults(), at, f"{self._title}, ")
            if first == 0:
                for number in self._reserved:
                    if not groups.used[0, number]:
                        text = f"{self._title}: inode {number} is reserved, but not in use"
                        s.find("imap-reserved-inodes", record, "pmap", int(at[0]), text)
            address, length = (np.where(groups.sound, values, 0) for values in (groups.address, groups.length))
            for i in range(count):
                yield JudgedGroup(first + i, address[i], length[i], groups.used[i])

    def finish(self) -> None:
        """Judge the control page against all groups; they have been yielded before."""
        page = self._map.table(self._subject.dialect.structures.dinomap, 0)
        at = np.maximum(self._map.places(0, 1), 0)
        self._subject.find_faults(self._sums.faults(page), at, f"{self._title}: ")
