"""The inventory: inodes, names and extents of a whole tree as arrays.

A directory tree, another file system, a tar file: each is read into an inventory, and the builder makes a file
system from one. No file data is in it, only where the data can be read.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ... import block
from ...arguments import Checked
from ...errors import NotFound, OperationRefused
from ...escaping import escaped
from ...oneline import one_line

MAX_NAME, MAX_LINK = 255, 4096
"""Bytes of the longest name, and of the longest target of a symlink."""
MAX_DEPTH = 500
"""Directories on the longest path."""
_T = TypeVar("_T")

INODE_ROW = np.dtype(
    [
        ("mode", "<u4"),  # file type and permissions, the low 16 bits of POSIX
        ("uid", "<u4"),
        ("gid", "<u4"),
        ("size", "<i8"),  # bytes of a regular file or symlink; not used for directories
        ("atime", "<i8"),  # times in nanoseconds since the epoch
        ("mtime", "<i8"),
        ("ctime", "<i8"),
        ("otime", "<i8"),  # creation
        ("rdev", "<u8"),  # device nodes: major << 32 | minor
        ("number", "<u8"),  # inode number in the source, for messages and comparisons; the builder gives new ones
    ]
)
"""dtype of one inode; row 0 is the root directory."""

ENTRY_ROW = np.dtype([("parent", "<i4"), ("child", "<i4"), ("name_start", "<i8"), ("name_length", "<u2")])
"""dtype of one directory entry: rows of directory and inode, and the place of the name in `names`."""

EXTENT_ROW = np.dtype(
    [("inode", "<i4"), ("offset", "<i8"), ("length", "<i8"), ("source", "<u4"), ("source_offset", "<i8")]
)
"""dtype of one run of file data: bytes `offset` and on of the file lie at `source_offset` of a source."""


@dataclass(frozen=True, repr=False)
class Inventory(Checked):
    """A tree as arrays.

    Attributes:
        inodes: array of `INODE_ROW`; row 0 is the root directory.
        entries: array of `ENTRY_ROW`; the entry that names a directory stands before the entries in it.
        names: all names, one after the other; bytes as the source had them.
        extents: array of `EXTENT_ROW`, ascending by inode row and offset; what no extent covers is a hole.
        sources: what extents refer to.
        links: target of each symlink, by inode row.
        attributes: extended attributes, values by name, by inode row; only of inodes that have some.
        problems: what of the source could not be taken over, a line each.
    """

    inodes: NDArray[Any]
    entries: NDArray[Any]
    names: bytes
    extents: NDArray[Any]
    sources: Sequence[block.Source]
    links: dict[int, bytes] = field(default_factory=dict)
    attributes: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    __repr__ = one_line

    def name(self, entry: int) -> bytes:
        """Name of the entry in row `entry`."""
        if not 0 <= entry < len(self.entries):
            raise NotFound(f"no entry {entry}: there are {len(self.entries)}")
        row = self.entries[entry]
        start = int(row["name_start"])
        return self.names[start : start + int(row["name_length"])]

    def entry_names(self) -> list[bytes]:
        """The name of every entry, in the order of `entries`."""
        starts = self.entries["name_start"]
        ends = (starts + self.entries["name_length"]).tolist()
        names = self.names
        return [names[a:b] for a, b in zip(starts.tolist(), ends, strict=True)]

    def check_names(self) -> None:
        """Raise `OperationRefused` if there is an entry that no directory can hold: empty, `..`, with a slash, ..."""
        lengths = self.entries["name_length"]
        plain = b"/" not in self.names and b"\0" not in self.names
        for entry in np.flatnonzero(lengths <= 2).tolist() if plain else range(len(self.entries)):
            name = self.name(entry)
            if not name or name in (b".", b"..") or b"/" in name or b"\0" in name:
                raise OperationRefused(f"a directory cannot hold the name '{escaped(name)}'")

    def named_twice(self) -> NDArray[np.bool_]:
        """Which entries have the name of an earlier one of their directory: shape (entries,)."""
        known: set[tuple[int, bytes]] = set()
        named = zip(self.entries["parent"].tolist(), self.entry_names(), strict=True)
        # `add` returns None, which is false
        return np.array([pair in known or known.add(pair) for pair in named], np.bool_)  # type: ignore[func-returns-value]

    def entry_paths(self) -> list[bytes]:
        """The path of every entry from the root, such as b"/usr/lib", in the order of `entries`."""
        prefix: dict[int, bytes] = {0: b"/"}
        directories = self.is_directory().tolist()
        paths = []
        for parent, child, name in zip(
            self.entries["parent"].tolist(), self.entries["child"].tolist(), self.entry_names(), strict=True
        ):
            path = prefix[parent] + name
            paths.append(path)
            if directories[child]:
                prefix[child] = path + b"/"
        return paths

    def is_directory(self) -> NDArray[np.bool_]:
        """Which inode rows are directories: shape (inodes,)."""
        directory: NDArray[np.bool_] = (self.inodes["mode"] & 0o170000) == stat.S_IFDIR
        return directory

    def select(self, keep: NDArray[np.bool_]) -> Inventory:
        """The tree without the entries where `keep` is False, and without all that was only under them.

        Args:
            keep: shape (entries,), dtype bool.
        """
        if keep.shape != self.entries.shape:
            raise OperationRefused(f"{keep.shape} flags for {len(self.entries)} entries")
        alive = np.zeros(len(self.inodes), bool)
        alive[0] = True
        kept = keep.copy()
        parents, children = self.entries["parent"].tolist(), self.entries["child"].tolist()
        for row in range(len(kept)):  # a directory's own entry comes first, so one pass is enough
            if kept[row]:
                if alive[parents[row]]:
                    alive[children[row]] = True
                else:
                    kept[row] = False
        return self._renumber(alive, self.entries[kept])

    def _renumber(self, alive: NDArray[np.bool_], entries: NDArray[Any], root: int = 0) -> Inventory:
        """What is alive, below another root: that becomes row 0, rows 1 and on stay in order."""
        is_root = np.arange(len(alive)) == root
        rows = np.cumsum(alive, dtype=np.int32) - np.cumsum(is_root, dtype=np.int32)
        rows[root] = 0
        order = np.concatenate(([root], np.flatnonzero(alive & ~is_root)))
        entries = entries.copy()
        entries["parent"] = rows[entries["parent"]]
        entries["child"] = rows[entries["child"]]
        extents = self.extents[alive[self.extents["inode"]]].copy()
        extents["inode"] = rows[extents["inode"]]
        extents = extents[np.argsort(extents["inode"], kind="stable")] if root else extents
        return replace(
            self, inodes=self.inodes[order], entries=entries, extents=extents,
            links=_move(self.links, rows, alive), attributes=_move(self.attributes, rows, alive),
        )  # fmt: skip

    def split(self, mount_points: Collection[str]) -> tuple[dict[str, Inventory], list[str]]:
        """One inventory per file system, the mount points left as empty directories.

        A file with hard links in several of them becomes a file of its own in each.

        Args:
            mount_points: absolute paths; "/" is always one. Those that are not in the tree are added as
                directories like the root.

        Returns:
            The inventories by mount point, and a line for each file whose links were parted.
        """
        points = sorted({"/", *mount_points})
        whole = self
        for point in points[1:]:
            whole = whole.with_directory(point)
        paths = whole.entry_paths()
        owner = np.zeros(len(whole.inodes), np.int32)  # index in `points` of the file system of a directory
        own = np.zeros(len(paths), np.int32)  # ... that an entry lies in
        index = {point.encode("utf-8", "surrogateescape"): i for i, point in enumerate(points)}
        directories = whole.is_directory().tolist()
        parents, children = whole.entries["parent"].tolist(), whole.entries["child"].tolist()
        roots = [0] * len(points)
        for row, path in enumerate(paths):
            own[row] = owner[parents[row]]
            if directories[children[row]]:
                owner[children[row]] = index.get(path, own[row])
                if path in index:
                    roots[index[path]] = children[row]
        problems = whole._parted_links(own, points, paths)
        return {point: whole._part(i, own, roots) for i, point in enumerate(points)}, problems

    def _parted_links(self, own: NDArray[np.int32], points: list[str], paths: list[bytes]) -> list[str]:
        files = ~self.is_directory()[self.entries["child"]]
        pairs = np.unique(np.stack([self.entries["child"][files], own[files]], axis=1), axis=0)
        rows, counts = np.unique(pairs[:, 0], return_counts=True)
        parted = set(rows[counts > 1].tolist())
        if not parted:
            return []
        return [
            f"{paths[e].decode('utf-8', 'replace')}: hard link to a file of another file system, made a file of its own"
            for e, child in enumerate(self.entries["child"].tolist())
            if child in parted and own[e] != 0
        ]

    def _part(self, which: int, own: NDArray[np.int32], roots: list[int]) -> Inventory:
        entries = self.entries[own == which]
        alive = np.zeros(len(self.inodes), bool)
        alive[entries["child"]] = True
        alive[roots[which]] = True
        return self._renumber(alive, entries, roots[which])

    def with_directory(self, path: str, *, mode: int = 0o755) -> Inventory:
        """The tree with the directory `path` in it; missing parents are made too, owned and dated like the root.

        Raises:
            OperationRefused: something on the way is not a directory.
        """
        inodes, entries, names = [self.inodes], [self.entries], [self.names]
        row, missing = 0, False
        for name in path.encode("utf-8", "surrogateescape").split(b"/"):
            if not name:
                continue
            found = None if missing else self.lookup(row, name)
            if found is not None and not stat.S_ISDIR(int(self.inodes[found]["mode"])):
                raise OperationRefused(f"{path}: a part of the path is not a directory")
            if found is None:
                missing = True
                inode = self.inodes[:1].copy()
                inode["mode"], inode["number"] = stat.S_IFDIR | mode, 0
                found = len(self.inodes) + len(inodes) - 1
                place = sum(map(len, names))
                inodes.append(inode)
                entries.append(np.array([(row, found, place, len(name))], ENTRY_ROW))
                names.append(name)
            row = found
        if not missing:
            return self
        return replace(self, inodes=np.concatenate(inodes), entries=np.concatenate(entries), names=b"".join(names))

    def lookup(self, parent: int, name: bytes) -> int | None:
        """Inode row of `name` in the directory in row `parent`, or None."""
        for entry in np.flatnonzero(self.entries["parent"] == parent).tolist():
            if self.name(entry) == name:
                return int(self.entries[entry]["child"])
        return None

    def resolve(self, path: str) -> int:
        """Inode row of an absolute path; symlinks are not followed.

        Raises:
            NotFound: there is no such path.
        """
        row = 0
        for name in path.encode("utf-8", "surrogateescape").split(b"/"):
            if name:
                found = self.lookup(row, name)
                if found is None:
                    raise NotFound(f"no such path: {path}")
                row = found
        return row


def _move(table: dict[int, _T], rows: NDArray[Any], alive: NDArray[np.bool_]) -> dict[int, _T]:
    """What belongs to inode rows that stay, by their new rows."""
    return {int(rows[row]): value for row, value in table.items() if alive[row]}
