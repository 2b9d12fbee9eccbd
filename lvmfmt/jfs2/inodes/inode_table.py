"""Rows of the inode table: the columns of an inventory as disk inodes.

Source: [jfs2 2.3], [jfs2 2.4], [jfs2 3.1] and [jfs2 3.3.5].
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..dialect.inode_form import JOURNAL
from ..nodes.directory_node import ROOT_INODE
from ..nodes.extent_node import FIRST_ENTRY, ROOT_MAXENTRY, ExtentNodeCodec

AGGREGATE, FILESET = 1, 16
"""Inode numbers of the two inode maps, and values of `di_fileset`."""
BLOCK_MAP, BAD_BLOCKS = 2, 4
"""Inode numbers of the block map, and of the file of bad blocks."""
FILE_TYPES = (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR, stat.S_IFBLK, stat.S_IFREG, stat.S_IFLNK, stat.S_IFSOCK)
"""What the type part of `di_mode` may be."""
SHORT_ROOT_MAXENTRY = 10
"""`maxentry` of a Linux root that leaves the inline attribute area free."""
SHORT_ROOT_ENTRIES = SHORT_ROOT_MAXENTRY - FIRST_ENTRY
INLINE_AREA = 32
"""Where, in the root area, an inline symlink or a device number lies."""
INLINE_EA_START = 128
"""A symlink this long or longer takes the inline attribute area too."""


def device_number(dialect: Dialect, roots: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Device numbers (major << 32 | minor) in root areas of device nodes, shape (nodes, 288)."""
    devices = dialect.inode_form.devices
    stored = np.ascontiguousarray(roots[:, INLINE_AREA : INLINE_AREA + devices.dtype.itemsize]).view(devices.dtype)
    return devices.decode(stored[:, 0].astype(np.uint64))


def blank_inodes(
    dialect: Dialect, numbers: NDArray[Any], *, fileset: int, stamp: int, generation: NDArray[Any] | int
) -> NDArray[Any]:
    """Inodes with identity and nothing else, shape of `numbers`, dtype of the inode record."""
    table = dialect.structures.inode.empty_table(len(numbers))
    table["di_number"] = numbers
    table["di_fileset"] = fileset
    table["di_inostamp"] = stamp
    table["di_gen"] = generation
    return table


def system_inodes(
    dialect: Dialect, numbers: Iterable[int], *, fileset: int, now: int, generation: int = 1
) -> NDArray[Any]:
    """Inodes that belong to the file system itself: regular, one link, an empty extent tree, all times `now`."""
    table = blank_inodes(dialect, np.array(list(numbers)), fileset=fileset, stamp=stamp_of(now), generation=generation)
    table["di_nlink"] = 1
    table["di_mode"] = stat.S_IFREG | JOURNAL
    for name in ("di_atime", "di_ctime", "di_mtime", "di_otime"):
        dialect.put_time(table[name], now)
    for name, value in dialect.inode_form.new_values.items():
        table[name] = value
    table["root"] = empty_root(dialect)
    return table


def empty_root(dialect: Dialect, maxentry: int = ROOT_MAXENTRY) -> NDArray[np.uint8]:
    """Root area of an extent tree without entries, shape (288,)."""
    root = np.zeros(288, np.uint8)
    ExtentNodeCodec(dialect).write_root(root, 0, [], leaf=True, maxentry=maxentry)
    return root


def set_extent(dialect: Dialect, root: NDArray[np.uint8], address: int, length: int) -> None:
    """Put one extent at offset 0 into a root area, shape (288,)."""
    ExtentNodeCodec(dialect).write_root(root, 0, [(0, length, address, 0)], leaf=True, maxentry=ROOT_MAXENTRY)


def stamp_of(now: int) -> int:
    """`di_inostamp` of a file system made at the instant `now`: its seconds, 32 bits."""
    return now // 10**9 & 0xFFFFFFFF


def modes_by_role(dialect: Dialect, numbers: NDArray[np.int64], modes: NDArray[Any]) -> NDArray[Any]:
    """Modes of inodes of the fileset; those of its reserved inodes with the type and mark that each has to have."""
    mark = np.uint32(dialect.inode_form.system_mark)
    types = np.where(numbers == ROOT_INODE, stat.S_IFDIR, stat.S_IFREG).astype(np.uint32) | mark
    reserved = np.isin(numbers, dialect.inode_form.reserved)
    return np.where(reserved, modes & ~np.uint32(0xF000) | types, modes)


def set_generator(dialect: Dialect, inode: NDArray[Any], next_generation: int) -> None:
    """Store the next generation number in the inode (a row) of an inode map."""
    name, offset = dialect.inode_form.generator
    inode[name][offset : offset + 4] = np.array([next_generation], f"{dialect.order}u4").view(np.uint8)


def get_generator(dialect: Dialect, inode: NDArray[Any]) -> int:
    """The next generation number in the inode (a row) of an inode map."""
    name, offset = dialect.inode_form.generator
    return int(inode[name][offset : offset + 4].view(f"{dialect.order}u4")[0])


def mode_attributes(dialect: Dialect, modes: NDArray[Any]) -> NDArray[Any]:
    """The high bits of `di_mode` that go with POSIX modes (AIX: [jfs2 item 9]; Linux: as its driver writes)."""
    form, directory = dialect.inode_form, modes & 0o170000 == stat.S_IFDIR
    return np.where(directory, form.directory_mode, form.file_mode).astype(np.uint32)


def fill_special(
    dialect: Dialect, table: NDArray[Any], kinds: NDArray[Any], rdev: NDArray[Any], links: dict[int, bytes]
) -> None:
    """Put device numbers and inline symlinks into inodes whose root areas are empty extent trees.

    Args:
        dialect: structures and byte order.
        table: inode rows.
        kinds: file type of each (the `S_IFMT` part of the mode).
        rdev: major << 32 | minor of each.
        links: target of each symlink that fits the inode, by row.
    """
    root = table["root"]
    devices = np.flatnonzero((kinds == stat.S_IFCHR) | (kinds == stat.S_IFBLK))
    if len(devices):
        form = dialect.inode_form.devices
        raw = form.encode(rdev[devices]).astype(form.dtype).reshape(-1, 1).view(np.uint8)
        root[devices] = 0
        root[devices, INLINE_AREA : INLINE_AREA + raw.shape[1]] = raw
    for row, target in links.items():
        root[row, INLINE_AREA : INLINE_AREA + len(target)] = np.frombuffer(target, np.uint8)
        if len(target) >= INLINE_EA_START:
            table["di_mode"][row] &= ~np.uint32(dialect.inode_form.inline_area_mark)


def shorten_roots(dialect: Dialect, table: NDArray[Any], entries: NDArray[np.int64]) -> None:
    """Keep the inline attribute area free while the extents fit before it (Linux), and say so in root and mode.

    Args:
        dialect: nothing is done for one without short roots.
        table: inode rows that are not directories.
        entries: extents in the root of each; a tree with pages counts as more than fit.
    """
    if not dialect.inode_form.short_roots:
        return
    short = entries <= SHORT_ROOT_ENTRIES
    header = np.ascontiguousarray(table["root"][:, :32]).view(dialect.structures.xtree_header.dtype)[:, 0]
    header["maxentry"] = np.where(short, SHORT_ROOT_MAXENTRY, header["maxentry"])
    table["root"][:, :32] = header.view(np.uint8).reshape(-1, 32)
    table["di_mode"][~short] &= ~np.uint32(dialect.inode_form.inline_area_mark)
