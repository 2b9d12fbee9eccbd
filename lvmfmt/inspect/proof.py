"""Is a clone complete? Two sets of file systems, every path of both compared, and every byte of content hashed."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..block import BlockDevice, DeviceLike, opened_all
from ..errors import NotFound
from ..jfs2 import FileSystem, Inventory
from ..lvm import VolumeGroup, scan
from ..oneline import one_line
from .timestamps import rfc3339

_BUFFER = 4 << 20
_ZEROS = bytes(_BUFFER)


FileSystems: TypeAlias = Mapping[str, FileSystem] | DeviceLike | Iterable[DeviceLike]
"""File systems by mount point, or the disks that they are on."""


@dataclass(frozen=True, repr=False)
class Difference:
    """One thing that is not the same on both sides."""

    path: str
    what: str
    """missing, unexpected, type, mode, owner, mtime, size, target, device, links, content."""
    source: str
    copy: str

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class Proof:
    """The result of a comparison."""

    file_systems: list[str]
    """Mount points that were compared."""
    paths: int
    """Paths on both sides."""
    files: int
    """Regular files whose content was hashed on both sides."""
    content: int
    """Bytes of those, once."""
    differences: list[Difference]
    """What must not differ and does."""
    expected: list[Difference]
    """What differs because cloning changes it, as the caller said."""
    left_out: list[str]
    """Paths of the source that the exclude list kept out of the copy."""
    digests: dict[str, bytes] = field(repr=False, default_factory=dict)
    """SHA-256 of every regular file of the copy, by path."""

    __repr__ = one_line


def file_systems(devices: Sequence[BlockDevice]) -> dict[str, FileSystem]:
    """The file systems of the volume group on `devices`, by the mount point that their LVs are labelled with.

    A single image that is no disk of a group is itself a file system, at "/".

    Raises:
        NotFound: the group has none.
        CorruptImage: there is neither a group nor a file system.
        OperationRefused: a disk is a copy of another one, or not what its PVID says; both are named.
    """
    if len(devices) == 1 and scan(devices)[0].record is None:
        return {"/": FileSystem.open(devices[0])}
    group = VolumeGroup.open(devices)
    group.refuse_copies()
    volumes = group.logical_volumes.values()
    found = {lv.label: FileSystem.open(lv.device) for lv in volumes if lv.type == "jfs2" and lv.label.startswith("/")}
    if not found:
        raise NotFound("the volume group has no file systems", where=", ".join(d.name for d in devices))
    return dict(sorted(found.items()))


def prove(
    source: FileSystems,
    copy: FileSystems,
    *,
    excluded: Callable[[str], bool] = lambda path: False,
    changed: Callable[[str], bool] = lambda path: False,
    progress: Callable[[int], None] | None = None,
) -> Proof:
    """Compare every path, type, mode, owner, mtime, link target and content of two sets of file systems.

    Args:
        source: disks of a volume group, or file systems by mount point; see `file_systems`.
        copy: as `source`.
        excluded: whether the exclude list named a path; such a path may be missing in the copy.
        changed: whether cloning itself changes a path; its differences are listed apart.
        progress: told how many more bytes are hashed, both sides together.

    Raises:
        NotFound: a group has no file systems.
        CorruptImage: a file system cannot be read.
    """
    with _opened(source) as left, _opened(copy) as right:
        return _prove(left, right, excluded, changed, progress)


@contextmanager
def _opened(side: FileSystems) -> Iterator[Mapping[str, FileSystem]]:
    if isinstance(side, Mapping):
        yield side
    else:
        with opened_all(side) as devices:
            yield file_systems(devices)


def _prove(
    source: Mapping[str, FileSystem],
    copy: Mapping[str, FileSystem],
    excluded: Callable[[str], bool],
    changed: Callable[[str], bool],
    progress: Callable[[int], None] | None,
) -> Proof:
    result = Proof([*sorted(source.keys() & copy.keys())], 0, 0, 0, [], [], [])
    totals = {"paths": 0, "files": 0, "bytes": 0}
    found: list[Difference] = []
    for point in sorted(source.keys() ^ copy.keys()):
        sides = ("file system", "none") if point in source else ("none", "file system")
        found.append(Difference(point, "missing" if point in source else "unexpected", *sides))
    for point in result.file_systems:
        left, right = _Side(point, source[point]), _Side(point, copy[point])
        for path in left.rows.keys() - right.rows.keys():
            if excluded(path):
                result.left_out.append(path)
            else:
                found.append(Difference(path, "missing", left.kind(path), "none"))
        found += [Difference(p, "unexpected", "none", right.kind(p)) for p in right.rows.keys() - left.rows.keys()]
        common = left.rows.keys() & right.rows.keys()
        with ThreadPoolExecutor(2) as pool:  # hashing and reading leave the interpreter's lock
            hashes = [pool.submit(side.hash, common, progress) for side in (left, right)]
            digests = [future.result() for future in hashes]
        for path in common:
            found += _compare(left, right, path, digests[0], digests[1])
            if path in digests[0]:
                totals["files"] += 1
                totals["bytes"] += left.size(path)
        totals["paths"] += len(common)
        result.digests.update(digests[1])
    found.sort(key=lambda d: (d.path, d.what))
    result.left_out.sort()
    result.differences.extend(d for d in found if not changed(d.path))
    result.expected.extend(d for d in found if changed(d.path))
    return Proof(
        result.file_systems, totals["paths"], totals["files"], totals["bytes"],
        result.differences, result.expected, result.left_out, result.digests,
    )  # fmt: skip


class _Side:
    """One file system of a comparison: its inventory, and the inode row of every path."""

    def __init__(self, point: str, fs: FileSystem) -> None:
        self.inventory: Inventory = fs.inventory()
        prefix = "" if point == "/" else point
        paths = [prefix + p.decode("utf-8", "surrogateescape") for p in self.inventory.entry_paths()]
        self.rows = {point: 0, **dict(zip(paths, self.inventory.entries["child"].tolist(), strict=True))}
        self.links: dict[int, list[str]] = {}
        for path, row in self.rows.items():
            self.links.setdefault(row, []).append(path)
        self.inodes = self.inventory.inodes.tolist()
        names = self.inventory.inodes.dtype.names or ()
        self.column = {name: index for index, name in enumerate(names)}

    def value(self, path: str, name: str) -> int:
        return int(self.inodes[self.rows[path]][self.column[name]])

    def kind(self, path: str) -> str:
        return _kind(self.value(path, "mode"))

    def owner(self, path: str) -> str:
        return f"{self.value(path, 'uid')}:{self.value(path, 'gid')}"

    def size(self, path: str) -> int:
        return self.value(path, "size")

    def hash(self, paths: Any, progress: Callable[[int], None] | None) -> dict[str, bytes]:
        """SHA-256 of the regular files among `paths`; each inode is read once, in the order of the disk."""
        wanted = {self.rows[path] for path in paths if stat.S_ISREG(self.value(path, "mode"))}
        digests = file_digests(self.inventory, wanted, progress)
        return {path: digests[self.rows[path]] for path in paths if self.rows[path] in digests}


def file_digests(
    inventory: Inventory, rows: set[int], progress: Callable[[int], None] | None = None
) -> dict[int, bytes]:
    """SHA-256 of the content of regular files by inode row, read in the order in which they lie on the disk."""
    extents = inventory.extents
    first = np.searchsorted(extents["inode"], np.arange(len(inventory.inodes) + 1)).tolist()
    place = np.zeros(len(inventory.inodes), np.int64)
    heads = np.unique(extents["inode"], return_index=True)
    place[heads[0]] = extents["source_offset"][heads[1]]
    table = extents[["offset", "length", "source", "source_offset"]].tolist()
    sizes = inventory.inodes["size"].tolist()
    buffer = memoryview(bytearray(_BUFFER))
    result = {}
    for row in sorted(rows, key=place.tolist().__getitem__):
        sha = hashlib.sha256()
        at, size = 0, sizes[row]
        for offset, length, source, source_offset in table[first[row] : first[row + 1]]:
            _hash_zeros(sha, min(offset, size) - at)
            end = min(offset + length, size)
            for start in range(offset, end, _BUFFER):
                part = buffer[: min(_BUFFER, end - start)]
                inventory.sources[source].read_into(source_offset + start - offset, part)
                sha.update(part)
            at = max(at, end)
        _hash_zeros(sha, size - at)
        result[row] = sha.digest()
        if progress is not None:
            progress(size)
    return result


def _hash_zeros(sha: Any, count: int) -> None:
    for start in range(0, count, _BUFFER):
        sha.update(_ZEROS[: min(_BUFFER, count - start)])


def _compare(
    left: _Side, right: _Side, path: str, source: Mapping[str, bytes], copy: Mapping[str, bytes]
) -> list[Difference]:
    found = []

    def check(what: str, a: object, b: object, show: Callable[[Any], str] = str) -> None:
        if a != b:
            found.append(Difference(path, what, show(a), show(b)))

    mode, other = left.value(path, "mode"), right.value(path, "mode")
    check("type", stat.S_IFMT(mode), stat.S_IFMT(other), _kind)
    check("mode", stat.S_IMODE(mode), stat.S_IMODE(other), lambda m: f"{m:04o}")
    check("owner", left.owner(path), right.owner(path))
    check("mtime", left.value(path, "mtime"), right.value(path, "mtime"), rfc3339)
    if stat.S_IFMT(mode) != stat.S_IFMT(other):
        return found
    rows = left.rows[path], right.rows[path]
    if stat.S_ISREG(mode):
        check("size", left.size(path), right.size(path))
        check("content", source[path], copy[path], bytes.hex)
    elif stat.S_ISLNK(mode):
        check("target", left.inventory.links.get(rows[0]), right.inventory.links.get(rows[1]), repr)
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        check("device", left.value(path, "rdev"), right.value(path, "rdev"))
    if not stat.S_ISDIR(mode):
        # a link that is missing on the other side is reported as such already
        a, b = ({p for p in side.links[row] if p in other_side.rows} for side, row, other_side in (
            (left, rows[0], right), (right, rows[1], left)))  # fmt: skip
        check("links", a, b, lambda paths: ", ".join(sorted(paths)))
    return found


def _kind(mode: int) -> str:
    names = {
        stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
        stat.S_IFCHR: "character device", stat.S_IFBLK: "block device", stat.S_IFSOCK: "socket",
    }  # fmt: skip
    return names.get(stat.S_IFMT(mode), f"type {stat.S_IFMT(mode):o}")
