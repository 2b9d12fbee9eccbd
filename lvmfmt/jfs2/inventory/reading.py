"""The inventory of a file system: its whole tree as arrays, from the inode table and the directories."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ..attributes.forms import descriptor_form
from ..inodes.inode import Inode
from ..inodes.inode_table import INLINE_AREA, device_number
from ..nodes.extent_node import NEVER_WRITTEN, ROOT_OFFSET, ExtentTreeLimits
from ..nodes.extent_roots import sound_leaf_roots
from ..reading.directory import DirectoryReader
from ..reading.inodes import ROOT_DIRECTORY, InodeMap
from ..reading.xtree import read_extents
from ..volume import Volume
from .arrays import ENTRY_ROW, EXTENT_ROW, INODE_ROW, MAX_LINK, Inventory
from .read_tree import InventoryTree

_TIMES = ("atime", "mtime", "ctime", "otime")


@dataclass
class _Table:
    """Everything of the inode table that the tree needs; inodes in ascending number."""

    numbers: list[NDArray[np.int64]] = field(default_factory=list)
    inodes: list[NDArray[Any]] = field(default_factory=list)
    extents: list[NDArray[Any]] = field(default_factory=list)  # `inode` is an index in `numbers`
    links: dict[int, bytes] = field(default_factory=dict)  # by index in `numbers`
    attributes: dict[int, dict[bytes, bytes]] = field(default_factory=dict)  # by index in `numbers`
    problems: list[str] = field(default_factory=list)
    count: int = 0


def read_inventory(
    volume: Volume,
    inodes: InodeMap,
    directories: DirectoryReader,
    top: int = ROOT_DIRECTORY,
    *,
    salvage: bool = False,
) -> Inventory:
    """Read inode table and directories of a file system.

    Args:
        volume: the file system.
        inodes: its inodes.
        directories: what reads its directories.
        top: number of the directory that becomes the root of the inventory.
        salvage: leave out what makes no sense, and say so in the problems of the inventory.

    Raises:
        CorruptImage: something of it makes no sense, without `salvage`; the top is no directory.
    """
    table, tree = _Table(), InventoryTree(volume, directories)
    problems = table.problems if salvage else None
    for numbers, at, rows in inodes.tables(problems):
        _take(table, volume, inodes, tree, directories, numbers, at, rows, salvage=salvage)
    numbers = np.concatenate(table.numbers) if table.numbers else np.zeros(0, np.int64)
    found = tree.read(top, problems)
    if problems is not None:
        found = found.among(numbers, problems)
    child_index = found.places(numbers)
    used = np.zeros(len(numbers), bool)
    used[child_index] = True
    head = int(np.searchsorted(numbers, top))
    used[head] = False
    order = np.concatenate(([head], np.flatnonzero(used)))
    used[head] = True
    rows = np.full(len(numbers), -1, np.int32)
    rows[order] = np.arange(len(order))
    entries = np.zeros(len(child_index), ENTRY_ROW)
    entries["parent"], entries["child"] = rows[np.searchsorted(numbers, found.parents)], rows[child_index]
    entries["name_start"], entries["name_length"] = found.starts, found.lengths
    extents = np.concatenate(table.extents) if table.extents else np.zeros(0, EXTENT_ROW)
    extents = extents[used[extents["inode"]]]
    extents["inode"] = rows[extents["inode"]]
    return Inventory(
        inodes=np.concatenate(table.inodes)[order],
        entries=entries,
        names=found.text,
        extents=extents[np.argsort(extents["inode"], kind="stable")],
        sources=[volume.device],
        links={int(rows[i]): target for i, target in table.links.items() if used[i]},
        attributes={int(rows[i]): values for i, values in table.attributes.items() if used[i]},
        problems=tuple(table.problems),
    )


def _take(
    table: _Table,
    volume: Volume,
    inodes: InodeMap,
    tree: InventoryTree,
    directories: DirectoryReader,
    numbers: NDArray[np.int64],
    at: NDArray[np.int64],
    rows: NDArray[Any],
    *,
    salvage: bool,
) -> None:
    """Take over inodes; to salvage them, in halves as long as one makes no sense, and without attributes at last."""
    try:
        _add(table, volume, tree, numbers, at, rows, _attributes(table, volume, inodes, directories, numbers, at, rows))
    except CorruptImage as error:
        if not salvage:
            raise
        if len(numbers) > 1:
            half = len(numbers) // 2
            for part in (slice(half), slice(half, None)):
                _take(
                    table, volume, inodes, tree, directories, numbers[part], at[part], rows[part], salvage=True
                )  # fmt: skip
            return
        table.problems.append(f"inode {numbers[0]}: {error}")
        with suppress(CorruptImage):
            _add(table, volume, tree, numbers, at, rows, {})


def _add(
    table: _Table,
    volume: Volume,
    tree: InventoryTree,
    numbers: NDArray[np.int64],
    at: NDArray[np.int64],
    rows: NDArray[Any],
    attributes: dict[int, dict[bytes, bytes]],
) -> None:
    """Take over inodes with their attributes, by row; all or none of them."""
    dialect = volume.dialect
    kinds = rows["di_mode"] & 0xF000
    columns = np.zeros(len(rows), INODE_ROW)
    columns["mode"] = rows["di_mode"] & 0xFFFF
    for name in ("uid", "gid", "size"):
        columns[name] = rows[f"di_{name}"]
    columns["size"][kinds == stat.S_IFDIR] = 0
    for name in _TIMES:
        columns[name] = dialect.get_time(rows[f"di_{name}"])
    devices = np.flatnonzero((kinds == stat.S_IFCHR) | (kinds == stat.S_IFBLK))
    columns["rdev"][devices] = device_number(dialect, rows["root"][devices])
    columns["number"] = numbers
    roots_at = at + ROOT_OFFSET
    base = table.count
    targets = {
        base + i: link_target(volume, rows["root"][i], int(rows["di_size"][i]), int(roots_at[i]))
        for i in np.flatnonzero(kinds == stat.S_IFLNK).tolist()
    }
    extents = _extents(volume, np.flatnonzero(kinds == stat.S_IFREG), rows, roots_at)
    extents["inode"] += base
    folders = np.flatnonzero(kinds == stat.S_IFDIR)
    tree.add(numbers[folders], roots_at[folders], rows["root"][folders])
    table.links.update(targets)
    table.attributes.update({base + i: values for i, values in attributes.items()})
    table.extents.append(extents)
    table.numbers.append(numbers)
    table.inodes.append(columns)
    table.count += len(rows)


def _attributes(
    table: _Table,
    volume: Volume,
    inodes: InodeMap,
    directories: DirectoryReader,
    numbers: NDArray[np.int64],
    at: NDArray[np.int64],
    rows: NDArray[Any],
) -> dict[int, dict[bytes, bytes]]:
    """The attributes of the inodes that have some, by row."""
    some = np.flatnonzero(descriptor_form(volume.dialect).present(rows)).tolist()
    result: dict[int, dict[bytes, bytes]] = {}
    if not some:
        return result
    from ..attributes import AttributeReader

    reader = AttributeReader(volume, inodes.read, directories)
    for i in some:
        found = reader.attributes(Inode(int(numbers[i]), int(at[i]), rows[i : i + 1]))
        if found.values:
            result[i] = found.values
        if not found.is_known:
            table.problems.append(f"inode {numbers[i]}: extended attributes in an unpublished form of AIX, left out")
    return result


def _extents(volume: Volume, files: NDArray[np.int64], rows: NDArray[Any], roots_at: NDArray[np.int64]) -> NDArray[Any]:
    """Data extents of regular files in bytes, `inode` being the index in `rows`; those within the files' sizes."""
    roots = np.ascontiguousarray(rows["root"][files])
    limits = ExtentTreeLimits(volume.blocks, volume.blocks_per_page, volume.dialect.root_capacities)
    sound, extents, tree = sound_leaf_roots(volume.dialect, roots, limits)
    owners, found = [files[tree]], [extents]
    for i in np.flatnonzero(~sound).tolist():
        extents = read_extents(volume, roots[i], at=int(roots_at[files[i]]))
        owners.append(np.full(len(extents), files[i]))
        found.append(extents)
    owner, extents = np.concatenate(owners), np.concatenate(found)
    offset = extents["offset"] * volume.block_size
    length = np.minimum(extents["length"] * volume.block_size, rows["di_size"][owner] - offset)
    keep = (length > 0) & (extents["flag"] & NEVER_WRITTEN == 0)
    result = np.zeros(int(keep.sum()), EXTENT_ROW)
    result["inode"], result["offset"], result["length"] = owner[keep], offset[keep], length[keep]
    result["source_offset"] = extents["address"][keep] * volume.block_size
    return result


def link_target(volume: Volume, root: NDArray[np.uint8], size: int, at: int) -> bytes:
    """The target of a symlink: in its inode, or in an extent when it is long.

    Args:
        volume: the file system.
        root: root area of the inode, shape (288,).
        size: `di_size`.
        at: byte offset of the root area in the device.

    Raises:
        CorruptImage: there is no such target.
    """
    if not 0 < size <= MAX_LINK:
        raise volume.corrupt("inode", "di_size", at - ROOT_OFFSET, f"a symlink of 1 to {MAX_LINK} bytes", size)
    if size < volume.dialect.symlink_inline_limit:
        return root[INLINE_AREA : INLINE_AREA + size].tobytes()
    extents = read_extents(volume, root, at=at)
    end = 0
    for offset, length, _, flag in extents.tolist():
        if offset != end or flag & NEVER_WRITTEN:
            break
        end += length
    if end * volume.block_size < size:
        raise volume.corrupt("xad", "len", at, f"extents for {size} bytes", f"{end} blocks")
    data = b"".join(volume.read(address, length).tobytes() for _, length, address, _ in extents.tolist())
    return data[:size]
