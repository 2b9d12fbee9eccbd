"""What is in directories, read for many of them at once: names, attributes, and where symbolic links point."""

from __future__ import annotations

import stat
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ...escaping import escaped
from ..geometry import PAGE
from ..nodes.directory_leaves import LeafEntries
from ..nodes.extent_node import ROOT_OFFSET
from ..reading.directory import DirectoryReader
from ..reading.inodes import InodeMap
from ..volume import Volume
from .stat import Stat

_MOST = 1 << 15
"""Entries of directories that are read together, whatever their inodes say of their size."""


class TreeRoot(NamedTuple):
    """A directory that can be gone down to.

    Attributes:
        number: of its inode.
        root: its tree root, 288 bytes.
        at: byte offset of the tree root in the device.
        weight: what it costs to read: one, and one for each page that its inode says it has.
    """

    number: int
    root: bytes
    at: int
    weight: int


class Siblings(NamedTuple):
    """Entries of one directory that follow each other on a walk; what is in the last of them comes next.

    Attributes:
        prefix: path of the directory, with the slash behind it.
        names: of the entries, as text.
        stats: what they are.
        targets: where they point, of symbolic links, or what is wrong with that; None for others.
        level: levels below the top of the walk.
        ends: whether the last of them is the last entry of its directory.
        folder: the last of them, if it is a directory that is gone down to.
    """

    prefix: str
    names: list[str]
    stats: list[Stat]
    targets: list[str | CorruptImage | None]
    level: int
    ends: bool
    folder: TreeRoot | None = None


def shown_targets(found: Siblings, problems: list[str]) -> Sequence[str | None]:
    """Where entries point, and None for a link without a target, which is noted in a line."""
    wrong = [i for i, target in enumerate(found.targets) if isinstance(target, CorruptImage)]
    problems += [f"{escaped(found.prefix + found.names[i])}: {found.targets[i]}" for i in wrong]
    return [None if isinstance(target, CorruptImage) else target for target in found.targets]


class Listing(NamedTuple):
    """Entries of a directory in its order; see `Siblings`.

    Attributes:
        names: of the entries.
        stats: what they are.
        targets: where they point.
        folders: the directories among them, each behind its index.
    """

    names: list[str]
    stats: list[Stat]
    targets: list[str | CorruptImage | None]
    folders: list[tuple[int, TreeRoot]]

    @classmethod
    def of(
        cls, volume: Volume, names: list[str], numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any]
    ) -> Listing:
        """Entries by their names, and the numbers, places and rows of their inodes."""
        kinds = rows["di_mode"] & 0xF000
        targets: list[str | CorruptImage | None] = [None] * len(names)
        for i in np.flatnonzero(kinds == stat.S_IFLNK).tolist():
            targets[i] = _target(volume, rows[i], int(at[i]))
        which = np.flatnonzero(kinds == stat.S_IFDIR)
        pages = rows["di_nblocks"][which].astype(np.int64) * volume.block_size // PAGE
        folders = [
            (i, TreeRoot(number, rows["root"][i].tobytes(), place, 1 + weight))
            for i, number, place, weight in zip(
                which.tolist(), numbers[which].tolist(), (at[which] + ROOT_OFFSET).tolist(), pages.tolist(), strict=True
            )
        ]
        return cls(names, Stat.of_rows(numbers.tolist(), rows, volume.dialect), targets, folders)

    def run(self, prefix: str, first: int, end: int, level: int, folder: TreeRoot | None = None) -> Siblings:
        """Some of them on a walk."""
        part = slice(first, end)
        return Siblings(prefix, self.names[part], self.stats[part], self.targets[part], level, False, folder)

    def parts(self, bounds: Sequence[int]) -> list[Listing]:
        """The entries between each bound and the next."""
        places = [i for i, _ in self.folders]
        found = []
        for a, b in pairwise(bounds):
            inside = self.folders[bisect_left(places, a) : bisect_left(places, b)]
            folders = [(i - a, folder) for i, folder in inside]
            found.append(Listing(self.names[a:b], self.stats[a:b], self.targets[a:b], folders))
        return found


def whole_listings(
    volume: Volume, inodes: InodeMap, directories: DirectoryReader, folders: Sequence[TreeRoot]
) -> list[Listing] | None:
    """What is in directories, all of each; None if something makes no sense, or is more than to be read at once."""
    found = directories.leaf_roots(np.frombuffer(b"".join([one.root for one in folders]), np.uint8).reshape(-1, 288))
    parts, trees = [found], np.flatnonzero(~found.good)
    count = len(found.numbers)
    try:
        for part in directories.entries_of([(folders[i].root, folders[i].at) for i in trees.tolist()]):
            count += len(part.numbers)
            if count > _MOST:
                return None
            parts.append(part._replace(leaf=trees[part.leaf]))
        entries = LeafEntries.joined(parts)
        at, rows = inodes.read_many(entries.numbers)
    except CorruptImage:
        return None
    bounds = np.searchsorted(entries.leaf, np.arange(len(folders) + 1))
    return Listing.of(volume, entries.texts(), entries.numbers, at, rows).parts(bounds.tolist())


def _target(volume: Volume, row: Any, at: int) -> str | CorruptImage:
    """The target of a symbolic link, or what is wrong with it."""
    from ..inventory.reading import link_target

    try:
        target = link_target(volume, row["root"], int(row["di_size"]), at + ROOT_OFFSET)
    except CorruptImage as error:
        return error
    return target.decode("utf-8", "surrogateescape")
