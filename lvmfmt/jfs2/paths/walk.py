"""Walking through a file system, a directory before what is in it; what was seen is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ...escaping import escaped
from ..inodes.inode import Inode
from ..nodes.extent_node import ROOT_OFFSET
from ..reading.directory import DirectoryReader
from ..reading.inodes import InodeMap
from ..volume import Volume
from .stat import Stat

_TOGETHER = 1024
"""Inodes that a walk reads at a time."""


class Found(NamedTuple):
    """Something on a walk.

    Attributes:
        path: where it is.
        status: what it is.
        level: levels below the top of the walk.
        is_last: whether it is the last entry of its directory.
        root: the tree root of a directory; b"" for others.
        root_at: byte offset of the tree root in the device.
    """

    path: str
    status: Stat
    level: int
    is_last: bool
    root: bytes
    root_at: int


def descend(
    volume: Volume, inodes: InodeMap, directories: DirectoryReader, path: str, top: Inode, depth: int | None,
    problems: list[str] | None = None,
) -> Iterator[Found]:  # fmt: skip
    """All from a file or directory down.

    Args:
        volume: the file system.
        inodes: its inodes.
        directories: what reads its directories.
        path: what to call the top.
        top: its inode.
        depth: levels below it to go down; None means all.
        problems: receives what makes no sense, a line each, and the walk goes on; without it that is an error.

    Raises:
        CorruptImage: a directory has two names, or something makes no sense.
    """
    walk = _Walk(volume, inodes, directories, {top.number}, problems)
    status = Stat.of(top, volume.dialect)
    here = Found(path, status, 0, True, top.root.tobytes(), top.root_at)
    yield here
    levels = [walk.below(here)] if status.is_directory and depth != 0 else []
    while levels:
        for found in levels[-1]:
            yield found
            if found.status.is_directory and found.level != depth:
                levels.append(walk.below(found))
                break
        else:
            levels.pop()


class _Walk(NamedTuple):
    """What a walk needs; `seen` takes the numbers of directories."""

    volume: Volume
    inodes: InodeMap
    directories: DirectoryReader
    seen: set[int]
    problems: list[str] | None

    def below(self, directory: Found) -> Iterator[Found]:
        """What is in a directory."""
        last = None
        for found in self._children(directory):
            if last is not None:
                yield last
            last = found
        if last is not None:
            yield last._replace(is_last=True)

    def _children(self, directory: Found) -> Iterator[Found]:
        """The same, read some at a time, and no last one known."""
        prefix, level = directory.path.rstrip("/") + "/", directory.level + 1
        skipped: list[CorruptImage] | None = None if self.problems is None else []
        for entries in self.directories.entries_of([(directory.root, directory.root_at)], skipped):
            for first in range(0, len(entries.numbers), _TOGETHER):
                part = slice(first, first + _TOGETHER)
                names = [prefix + name.decode("utf-8", "surrogateescape") for name in entries.names(part)]
                yield from self._found(directory, level, names, entries.numbers[part])
        for error in skipped or ():
            self._tell(directory.path, error)

    def _found(self, directory: Found, level: int, names: list[str], numbers: NDArray[np.int64]) -> Iterator[Found]:
        """What some names stand for."""
        try:
            places, rows = self.inodes.read_many(numbers)
        except CorruptImage as error:
            if len(names) == 1:
                self._tell(names[0], error)
                return
            half = len(names) // 2
            for part in (slice(half), slice(half, None)):
                yield from self._found(directory, level, names[part], numbers[part])
            return
        stats = Stat.of_rows(numbers.tolist(), rows, self.volume.dialect)
        for i, (name, status) in enumerate(zip(names, stats, strict=True)):
            root = b""
            if status.is_directory:
                root = rows["root"][i].tobytes()
                if status.number in self.seen:
                    at, expected = directory.root_at, "a directory that has no name yet"
                    self._tell(name, self.volume.corrupt("dtree_leaf_slot", "inumber", at, expected, status.number))
                    continue
                self.seen.add(status.number)
            yield Found(name, status, level, False, root, int(places[i]) + ROOT_OFFSET)

    def _tell(self, path: str, error: CorruptImage) -> None:
        """Note what makes no sense, or stop at it."""
        if self.problems is None:
            raise error
        self.problems.append(f"{escaped(path)}: {error}")
