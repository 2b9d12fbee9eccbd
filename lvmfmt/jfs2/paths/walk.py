"""Walking through a file system, a directory before what is in it; what was seen is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ...escaping import escaped
from ..inodes.inode import Inode
from ..reading.directory import DirectoryReader
from ..reading.inodes import InodeMap
from ..volume import Volume
from .listing import Listing, Siblings, TreeRoot, whole_listings
from .stat import Stat

_TOGETHER = 4096
"""Inodes that are read at a time of a directory that is read alone."""
_AHEAD = 512
"""Weight of the directories that are read together."""
_KEPT = 1 << 16
"""Entries that were read ahead of the walk at most."""


class Found(NamedTuple):
    """Something on a walk.

    Attributes:
        path: where it is.
        status: what it is.
        level: levels below the top of the walk.
        is_last: whether it is the last entry of its directory.
    """

    path: str
    status: Stat
    level: int
    is_last: bool


def runs(
    volume: Volume, inodes: InodeMap, directories: DirectoryReader, path: str, top: Inode, depth: int | None,
    problems: list[str] | None = None,
) -> Iterator[Siblings]:  # fmt: skip
    """All from a file or directory down, the top alone first.

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
    walk = _Walk(volume, inodes, directories, depth, problems)
    here = Listing.of(volume, [path], np.array([top.number]), np.array([top.at]), top.row)
    folder = here.folders[0][1] if here.folders and depth != 0 else None
    yield Siblings("", here.names, here.stats, here.targets, 0, True, folder)
    walk.seen.add(top.number)
    levels = [walk.below(path, folder)] if folder is not None else []
    while levels:
        for run in levels[-1]:
            yield run
            if run.folder is not None:
                walk.turn_to(run.folder)
                levels.append(walk.below(run.prefix + run.names[-1], run.folder))
                break
        else:
            levels.pop()
            walk.coming.pop()


def descend(found: Iterator[Siblings]) -> Iterator[Found]:
    """The entries of runs one by one."""
    for run in found:
        last = len(run.names) - 1 if run.ends else -1
        for i, (name, status) in enumerate(zip(run.names, run.stats, strict=True)):
            yield Found(run.prefix + name, status, run.level, i == last)


class _Walk:
    """A walk on its way.

    Attributes:
        seen: numbers of the directories that have a name.
        coming: for each directory on the way down, those in it that come later, the next one last.
    """

    def __init__(
        self,
        volume: Volume,
        inodes: InodeMap,
        directories: DirectoryReader,
        depth: int | None,
        problems: list[str] | None,
    ) -> None:
        self._volume, self._inodes, self._directories = volume, inodes, directories
        self._depth, self._problems = depth, problems
        self._ready: dict[int, Listing] = {}  # by number
        self._asked: set[int] = set()  # what was to be ready, if nothing is wrong with it
        self._kept = 0  # entries in what is ready
        self.seen: set[int] = set()
        self.coming: list[list[TreeRoot]] = []

    def turn_to(self, folder: TreeRoot) -> None:
        """Go down to a directory of those that come."""
        while self.coming and self.coming[-1].pop() is not folder:
            pass

    def below(self, path: str, folder: TreeRoot) -> Iterator[Siblings]:
        """What is in a directory."""
        prefix, level = path.rstrip("/") + "/", len(self.coming) + 1
        self.coming.append([])
        held: Siblings | None = None
        for part in self._parts(path, prefix, folder):
            for run in self._cut(prefix, part, folder, level):
                if held is not None:
                    yield held
                held = run
        if held is not None:
            yield held._replace(ends=True)

    def _cut(self, prefix: str, part: Listing, above: TreeRoot, level: int) -> Iterator[Siblings]:
        """The entries of a listing, cut behind each directory that is gone down to, without second names of one."""
        self.coming[level - 1][:0] = [folder for _, folder in reversed(part.folders)]
        first = 0
        for i, folder in part.folders:
            if folder.number in self.seen:
                if first < i:
                    yield part.run(prefix, first, i, level)
                first, expected = i + 1, "a directory that has no name yet"
                error = self._volume.corrupt("dtree_leaf_slot", "inumber", above.at, expected, folder.number)
                self._tell(prefix + part.names[i], error)
                continue
            self.seen.add(folder.number)
            if level != self._depth:
                yield part.run(prefix, first, i + 1, level, folder)
                first = i + 1
        if first < len(part.names):
            yield part.run(prefix, first, len(part.names), level)

    def _parts(self, path: str, prefix: str, folder: TreeRoot) -> Iterator[Listing]:
        """What a directory has, some thousand entries at a time; small ones are read together with what comes next."""
        if folder.number not in self._asked and folder.weight <= _AHEAD:
            self._look_ahead(folder)
        found = self._ready.pop(folder.number, None)
        if found is None:
            yield from self._alone(path, prefix, folder)
        else:
            self._kept -= len(found.names)
            yield found

    def _look_ahead(self, folder: TreeRoot) -> None:
        """Read a directory, and others that will be asked for soon; what makes no sense is left to be read alone."""
        chosen, weight = [folder], folder.weight
        self._asked.add(folder.number)
        for other in self._later():
            weight += other.weight
            if weight > _AHEAD or self._kept > _KEPT:
                break
            chosen.append(other)
            self._asked.add(other.number)
        found = whole_listings(self._volume, self._inodes, self._directories, chosen)
        if found is not None:
            self._kept += sum(len(one.names) for one in found)
            self._ready.update(zip((one.number for one in chosen), found, strict=True))

    def _later(self) -> Iterator[TreeRoot]:
        """The directories that are known and come later, the next one first, but those that were asked for."""
        met: set[int] = set()
        for level in range(len(self.coming), 0, -1):
            way: list[Iterator[TreeRoot]] = [reversed(self.coming[level - 1])]
            while way:
                at, folder = level + len(way) - 1, next(way[-1], None)
                if folder is None:
                    way.pop()
                    continue
                if folder.number in met or at == self._depth:
                    continue
                met.add(folder.number)
                if folder.number not in self._asked:
                    if folder.weight <= _AHEAD:
                        yield folder
                elif (found := self._ready.get(folder.number)) is not None:
                    way.append(iter([one for _, one in found.folders]))

    def _alone(self, path: str, prefix: str, folder: TreeRoot) -> Iterator[Listing]:
        """What a directory has, read part by part; what makes no sense is told where it stands."""
        skipped: list[CorruptImage] | None = None if self._problems is None else []
        for entries in self._directories.entries_of([(folder.root, folder.at)], skipped):
            for first in range(0, len(entries.numbers), _TOGETHER):
                part = slice(first, first + _TOGETHER)
                yield from self._listed(prefix, entries.texts(part), entries.numbers[part])
        for error in skipped or ():
            self._tell(path, error)

    def _listed(self, prefix: str, names: list[str], numbers: NDArray[np.int64]) -> Iterator[Listing]:
        """What some names stand for."""
        try:
            at, rows = self._inodes.read_many(numbers)
        except CorruptImage as error:
            if len(names) == 1:
                self._tell(prefix + names[0], error)
                return
            half = len(names) // 2
            for part in (slice(half), slice(half, None)):
                yield from self._listed(prefix, names[part], numbers[part])
            return
        yield Listing.of(self._volume, names, numbers, at, rows)

    def _tell(self, path: str, error: CorruptImage) -> None:
        """Note what makes no sense, or stop at it."""
        if self._problems is None:
            raise error
        self._problems.append(f"{escaped(path)}: {error}")
