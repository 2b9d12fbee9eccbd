"""The directories of a file system as arrays of entries, level by level from the top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ..nodes.directory_leaves import LeafEntries
from ..reading.directory import DirectoryReader
from ..volume import Volume

_ALL = np.zeros(0, bool)  # nothing is left to be said of single leaves


class TreeEntries(NamedTuple):
    """The entries of a tree, that of a directory before those in it.

    Attributes:
        volume: the file system.
        parents: inode number of the directory of each, shape (entries,).
        children: inode number that each names.
        at: byte offset in the device of the root area of the directory of each.
        text: where the names are.
        starts: place of each name in it.
        lengths: bytes of each.
    """

    volume: Volume
    parents: NDArray[np.int64]
    children: NDArray[np.int64]
    at: NDArray[np.int64]
    text: bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def among(self, numbers: NDArray[np.int64], problems: list[str]) -> TreeEntries:
        """The entries whose child is among the inodes in use; the others are told, a line each."""
        there = np.isin(self.children, numbers)
        for i in np.flatnonzero(~there).tolist():
            name = self.text[self.starts[i] : self.starts[i] + self.lengths[i]]
            problems.append(f"directory {self.parents[i]}: {name!r} is inode {self.children[i]}, which makes no sense")
        columns = (self.parents, self.children, self.at, self.starts, self.lengths)
        parents, children, at, starts, lengths = (column[there] for column in columns)
        return TreeEntries(self.volume, parents, children, at, self.text, starts, lengths)

    def places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the child of each entry is among the inodes in use, whose numbers ascend.

        Raises:
            CorruptImage: one is not among them.
        """
        place = np.searchsorted(numbers, self.children)
        strange = np.flatnonzero(numbers[np.minimum(place, len(numbers) - 1)] != self.children)
        if len(strange):
            i = int(strange[0])
            name = self.text[self.starts[i] : self.starts[i] + self.lengths[i]]
            expected = f"an inode in use for {name!r}"
            raise self.volume.corrupt("dtree_leaf_slot", "inumber", int(self.at[i]), expected, self.children[i])
        return place


class InventoryTree:
    """Collects directories by their inodes, and reads the tree that they make.

    Args:
        volume: the file system.
        directories: what reads its directories.
    """

    def __init__(self, volume: Volume, directories: DirectoryReader) -> None:
        self._volume, self._directories = volume, directories
        self._numbers: list[NDArray[np.int64]] = []
        self._at: list[NDArray[np.int64]] = []
        self._roots: dict[int, bytes] = {}  # by number, of those with more than a root
        self._inline: list[LeafEntries] = []  # of the others; `leaf` is an index in all

    def add(self, numbers: NDArray[np.int64], at: NDArray[np.int64], roots: NDArray[np.uint8]) -> None:
        """Take in directories, numbers ascending from one call to the next.

        Args:
            numbers: of their inodes.
            at: byte offset in the device of the root area of each.
            roots: the root areas, shape (directories, 288).
        """
        roots = np.ascontiguousarray(roots)
        found = self._directories.leaf_roots(roots)
        for i in np.flatnonzero(~found.good).tolist():
            self._roots[int(numbers[i])] = roots[i].tobytes()
        self._inline.append(found._replace(leaf=found.leaf + sum(map(len, self._numbers))))
        self._numbers.append(numbers)
        self._at.append(at)

    def read(self, top: int, problems: list[str] | None = None) -> TreeEntries:
        """All entries below the directory with the number `top`.

        Args:
            top: the directory.
            problems: receives what makes no sense, a line each, and what is left is read; without it that is an error.

        Raises:
            CorruptImage: there is no such directory, one below it makes no sense, or has two names.
        """
        numbers = np.concatenate(self._numbers) if self._numbers else np.zeros(0, np.int64)
        place = int(np.searchsorted(numbers, top))
        if place == len(numbers) or numbers[place] != top:
            raise self._volume.corrupt("inode", "di_mode", None, f"a directory, inode {top}", "none")
        at = np.concatenate(self._at)
        inline = LeafEntries.joined(self._inline)
        bounds = np.searchsorted(inline.leaf, np.arange(len(numbers) + 1))
        texts = _Texts(inline.text)
        seen = np.zeros(len(numbers), bool)
        seen[place] = True
        level = np.array([place])
        levels = []
        while len(level):
            first, count = bounds[level], bounds[level + 1] - bounds[level]
            near = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
            owner = np.repeat(np.arange(len(level)), count)
            parts = [LeafEntries(_ALL, owner, inline.numbers[near], b"", inline.starts[near], inline.lengths[near])]
            trees = [i for i, number in enumerate(numbers[level].tolist()) if number in self._roots]
            roots = [(self._roots[int(numbers[level[i]])], int(at[level[i]])) for i in trees]
            for part in self._entries(roots, problems):
                parts.append(texts.taken_from(part._replace(leaf=np.array(trees)[part.leaf])))
            entries = LeafEntries.joined(parts)
            entries = entries._replace(leaf=level[entries.leaf])
            level, entries = self._next_level(entries, numbers, at, seen, problems)
            levels.append(entries)
            seen[level] = True
        parents, children, starts, lengths = (
            np.concatenate([getattr(entries, name) for entries in levels])
            for name in ("leaf", "numbers", "starts", "lengths")
        )
        return TreeEntries(self._volume, numbers[parents], children, at[parents], texts.joined(), starts, lengths)

    def _entries(self, roots: list[tuple[bytes, int]], problems: list[str] | None) -> Iterator[LeafEntries]:
        """The entries of directories with more than a root; `leaf` is an index in `roots`."""
        if problems is None:
            yield from self._directories.entries_of(roots)
            return
        skipped: list[CorruptImage] = []
        yield from self._directories.entries_of(roots, skipped)
        problems += [f"a directory: {error}" for error in skipped]

    def _next_level(
        self,
        entries: LeafEntries,
        numbers: NDArray[np.int64],
        at: NDArray[np.int64],
        seen: NDArray[np.bool_],
        problems: list[str] | None,
    ) -> tuple[NDArray[np.int64], LeafEntries]:
        """The directories among the children of entries, none of which may have been seen; and the entries."""
        place = np.minimum(np.searchsorted(numbers, entries.numbers), len(numbers) - 1)
        is_directory = np.flatnonzero(numbers[place] == entries.numbers)
        level = place[is_directory]
        again = np.ones(len(level), bool)
        again[np.unique(level, return_index=True)[1]] = False
        again |= seen[level]
        if again.any():
            entry = int(is_directory[np.flatnonzero(again)[0]])
            offset, expected = int(at[entries.leaf[entry]]), "a directory that has no name yet"
            if problems is None:
                raise self._volume.corrupt("dtree_leaf_slot", "inumber", offset, expected, entries.numbers[entry])
            problems += [f"directory {number} has two names, one is left out" for number in numbers[level[again]]]
            keep = np.ones(len(entries.numbers), bool)
            keep[is_directory[again]] = False
            level = level[~again]
            entries = entries._replace(
                leaf=entries.leaf[keep], numbers=entries.numbers[keep], starts=entries.starts[keep],
                lengths=entries.lengths[keep],
            )  # fmt: skip
        return level, entries


class _Texts:
    """Names of several parts, one after the other."""

    def __init__(self, first: bytes) -> None:
        self._texts = [first]
        self._end = len(first)

    def taken_from(self, part: LeafEntries) -> LeafEntries:
        """Take the names of a part; its entries say then where they are here."""
        moved = part._replace(text=b"", starts=part.starts + self._end)
        self._texts.append(part.text)
        self._end += len(part.text)
        return moved

    def joined(self) -> bytes:
        """All."""
        return b"".join(self._texts)
