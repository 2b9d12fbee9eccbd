"""Building a whole file system from an inventory, in one pass over its data.

Inode numbers, trees and addresses are computed from the inventory's arrays; then metadata is written in large
sequential runs, inode extents IAG by IAG, and file data by a copy plan. The superblocks come last, so that a file
system that was not finished has no valid magic (reference section 1.4).
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, Buffer, CopyPlan, Source
from ..block.device import byte_view
from ..block.plan import PLAN_ROW
from ..errors import NoSpace, OperationRefused
from ..units import MIB, align_up, format_size
from .aggregate import (
    Identity,
    ImapFile,
    InlineLog,
    Log,
    build_superblock,
    log_bytes,
    superblock_flag,
    write_aggregate,
    write_superblocks,
)
from .blockmap import UsedBlocks, write_block_map
from .dialect import AIX, Dialect
from .dtree_build import Directories
from .geometry import (
    EXTENTS_PER_IAG,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    MAX_FILE_SIZE,
    MIN_VOLUME,
    PAGE,
    SUPERBLOCK2_OFFSET,
    SUPERBLOCK_OFFSET,
    Geometry,
)
from .inode_map import control_page, iag_pages
from .inode_table import (
    FILESET,
    INLINE_EA,
    JOURNAL,
    LINUX_DIRECTORY,
    blank_inodes,
    fill_special,
    mode_attributes,
    shorten_roots,
    stamp_of,
    system_inodes,
)
from .inventory import Inventory
from .log_format import format_log
from .xtree_build import ROOT_ENTRIES, ExtentTrees, FileRuns

ROOT_INODE = 2
LOST_FOUND = 3
FIRST_INODE = 4
"""First inode number that a user's file gets."""
MAX_LINK = 4096
VOLUME_MANAGER_BYTES = 512
"""Start of the volume that belongs to the volume manager (LVCB); never written by a file system."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class BuildReport:
    """What was built."""

    inodes: int
    bytes_copied: int
    blocks: int
    free_blocks: int


class _Bytes:
    """Bytes in memory as a source of a copy plan."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` from the bytes at `offset`."""
        view = byte_view(buffer)
        view[:] = self._data[offset : offset + len(view)]


class Numbering:
    """Inode numbers, in the order in which entries name the inodes, so that neighbours in a directory stay together.

    Attributes:
        number: inode number of each inventory row, shape (rows,).
        order: inventory row of inode `FIRST_INODE` + i, shape (inodes,).
        links: link count of each row.
        directories: rows of the directories, root first.
    """

    def __init__(self, inventory: Inventory, lost_found: int | None) -> None:
        rows, entries = len(inventory.inodes), inventory.entries
        children = entries["child"].astype(np.int64)
        is_directory = inventory.is_directory()
        named = np.bincount(children, minlength=rows)
        if rows == 0 or not is_directory[0] or named[0] or (named[1:] == 0).any() or (named[is_directory] > 1).any():
            raise OperationRefused("the inventory is not a tree: each directory but the root needs exactly one name")
        first = np.full(rows, len(entries), np.int64)
        np.minimum.at(first, children, np.arange(len(entries)))
        order = 1 + np.argsort(first[1:], kind="stable")
        self.order = order[order != lost_found] if lost_found else order
        self.number = np.zeros(rows, np.int64)
        self.number[self.order] = FIRST_INODE + np.arange(len(self.order))
        self.number[0] = ROOT_INODE
        if lost_found:
            self.number[lost_found] = LOST_FOUND
        below = entries["parent"][is_directory[children]]
        self.links = np.where(is_directory, 2 + np.bincount(below, minlength=rows), named)
        self.directories = np.flatnonzero(is_directory)


def build(
    device: BlockDevice,
    inventory: Inventory,
    *,
    dialect: Dialect = AIX,
    now: int,
    block_size: int = PAGE,
    log: Log | None = None,
    identity: Identity | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Make a file system on `device` that holds the tree of `inventory`.

    Whatever the device held is gone, except its first 512 bytes, which belong to the volume manager.

    Args:
        device: the volume.
        inventory: the tree; a single empty root directory makes an empty file system.
        dialect: AIX (`J2FS`) or LINUX (`JFS1`, block size 4096 only).
        now: instant in nanoseconds, the time of creation.
        block_size: 512, 1024, 2048 or 4096.
        log: where the log is; by default inline with the dialect's default size.
        identity: names in the superblock.
        progress: told how many more bytes of file data are copied.

    Returns:
        What was built; `Inventory`'s problems of sources that changed are told by who scanned them.

    Raises:
        NoSpace: the volume is too small; the message says how much is needed.
        OperationRefused: the inventory is not a tree, or a value cannot be represented.
    """
    log = log if log is not None else InlineLog()
    plan = _Plan(inventory, dialect, block_size, now)
    geometry = Geometry.of(
        device.size, block_size, log_bytes=log_bytes(dialect, log, device.size), has_aim2=dialect.has_aim2
    )
    plan.place(geometry)
    device.write(SUPERBLOCK_OFFSET, bytes(PAGE))
    device.write(SUPERBLOCK2_OFFSET, bytes(PAGE))
    device.flush()
    device.write(VOLUME_MANAGER_BYTES, bytes(SUPERBLOCK_OFFSET - VOLUME_MANAGER_BYTES))
    plan.write_trees(device)
    plan.write_inodes(device)
    totals = write_block_map(device, geometry, dialect, plan.used_blocks())
    write_aggregate(
        device,
        geometry,
        dialect,
        now=now,
        imap=plan.imap_file(),
        next_generation=(plan.generation + len(plan.numbering.order)) & 0xFFFFFFFF,
    )
    if isinstance(log, InlineLog):
        format_log(
            device,
            dialect,
            offset=geometry.log_address * block_size,
            length=geometry.log_blocks * block_size,
            flag=superblock_flag(dialect, log),
            block_size=block_size,
        )
    copied = plan.copy_plan().execute(device, progress=progress)
    page = build_superblock(geometry, dialect, now=now, log=log, identity=identity or Identity())
    write_superblocks(device, page)
    return BuildReport(len(plan.inventory.inodes), copied.bytes_copied, geometry.blocks, totals.free)


def size_for(
    inventory: Inventory, *, dialect: Dialect = AIX, block_size: int = PAGE, log: Log | None = None, spare: float = 0.0
) -> int:
    """Bytes of the smallest volume, in whole MiB, that holds the tree with a share `spare` of it free."""
    log = log if log is not None else InlineLog()
    plan = _Plan(inventory, dialect, block_size, 0)
    need = plan.blocks_needed
    size = MIN_VOLUME
    while True:
        geometry = Geometry.of(size, block_size, log_bytes=log_bytes(dialect, log, size), has_aim2=dialect.has_aim2)
        missing = plan.end(geometry) + int(need * spare) - geometry.blocks
        if missing <= 0:
            return size
        size = align_up(size + missing * block_size, MIB)


class _Plan:
    """Everything about the new file system that follows from the inventory, then from the geometry."""

    def __init__(self, inventory: Inventory, dialect: Dialect, block_size: int, now: int) -> None:
        if dialect.name == "linux" and block_size != PAGE:
            raise OperationRefused("the Linux dialect has blocks of 4096 bytes only")
        lost_found = None
        if dialect.name == "aix":
            inventory = inventory.with_directory("/lost+found", mode=0o700)
            lost_found = inventory.lookup(0, b"lost+found")
        self.inventory = inventory
        self.dialect = dialect
        self.block_size = block_size
        self.now = now
        self.numbering = Numbering(inventory, lost_found)
        # AIX shows large generation numbers that are no plain counter (reference 5, item 10); Linux counts from 1
        self.generation = (stamp_of(now) * 2654435761 & 0xFFFFFFFF) if dialect.name == "aix" else 1
        self._kinds = inventory.inodes["mode"] & 0o170000
        self._check()
        self.directories = self._plan_directories()
        self._plan_data()
        self.extents = -(-(FIRST_INODE + len(self.numbering.order)) // INODES_PER_EXTENT)
        self.trees = ExtentTrees(dialect, self.runs, self.extents * INODES_PER_EXTENT)
        self.iags = -(-self.extents // EXTENTS_PER_IAG)
        self.file_blocks = np.zeros(self.extents * INODES_PER_EXTENT, np.int64)
        np.add.at(self.file_blocks, self.runs.inode, self.runs.length)
        bpp = PAGE // block_size
        # one extent for the control page with IAG 0, then one for each IAG: jfs_fsck finds one IAG an extent
        offset = np.insert(np.arange(2, self.iags + 1), 0, 0) * bpp
        length = np.full(self.iags, bpp)
        length[0] = 2 * bpp
        self.imap_runs = FileRuns(np.zeros(self.iags, np.int64), offset, length, np.zeros(self.iags, np.int64))
        self.imap_tree = ExtentTrees(dialect, self.imap_runs, 1)
        pages = (
            int(self.imap_tree.page_counts[0])
            + self.directories.page_total
            + int(self.trees.page_counts.sum())
            + self.iags
        )
        self.blocks_needed = pages * bpp + (self.extents + EXTENTS_PER_IAG) * bpp * 4 + int(self.runs.length.sum())

    def _check(self) -> None:
        inodes = self.inventory.inodes
        size = inodes["size"]
        if ((size < 0) | (size > MAX_FILE_SIZE)).any():
            raise OperationRefused("a file is larger than 2^44 - 4096 bytes")
        longest = max((len(t) for t in self.inventory.links.values()), default=1)
        if longest > MAX_LINK or any(not t for t in self.inventory.links.values()):
            raise OperationRefused(f"a symlink of {longest} bytes cannot be stored, at most {MAX_LINK}")
        lengths = self.inventory.entries["name_length"]
        if len(lengths) and (lengths.min() < 1 or lengths.max() > 255):
            raise OperationRefused("a name is empty or longer than 255 bytes")

    def _plan_directories(self) -> Directories:
        rows = self.numbering.directories
        index = np.zeros(len(self.inventory.inodes), np.int64)
        index[rows] = np.arange(len(rows))
        entries = self.inventory.entries
        owner = index[entries["parent"]]
        order = np.argsort(owner, kind="stable")
        parent_row = np.zeros(len(self.inventory.inodes), np.int64)
        parent_row[entries["child"]] = entries["parent"]
        number = self.numbering.number
        names = self.inventory.entry_names()
        return Directories(
            self.dialect,
            number[rows],
            number[parent_row[rows]],
            owner[order],
            number[entries["child"][order]],
            [names[i] for i in order.tolist()],
        )

    def _plan_data(self) -> None:
        """Runs of all files by inode number, and the extents and sources of the copy plan that fills them."""
        inventory, number = self.inventory, self.numbering.number
        size = inventory.inodes["size"]
        extents = inventory.extents
        regular = self._kinds[extents["inode"]] == stat.S_IFREG
        extents = extents[regular & (extents["offset"] < size[extents["inode"]])].copy()
        extents["length"] = np.minimum(extents["length"], size[extents["inode"]] - extents["offset"])
        self.sources: list[Source] = list(inventory.sources)
        long_links = sorted(r for r, t in inventory.links.items() if len(t) >= self.dialect.symlink_inline_limit)
        if long_links:
            more = np.zeros(len(long_links), extents.dtype)
            more["inode"] = long_links
            more["length"] = [len(inventory.links[r]) for r in long_links]
            more["source"] = len(self.sources) + np.arange(len(long_links))
            self.sources += [_Bytes(inventory.links[r]) for r in long_links]
            extents = np.concatenate((extents, more))
        owner = number[extents["inode"]]
        order = np.lexsort((extents["offset"], owner))
        self.data = extents[order]
        end = self.data["offset"] + self.data["length"]
        self.runs, self.run_of_data = FileRuns.of(owner[order], self.data["offset"], end, self.block_size)

    def end(self, geometry: Geometry) -> int:
        """First block behind everything, in this geometry."""
        bpp = geometry.blocks_per_page
        self.imap_tree_address = self.imap_runs.place(geometry.imap)
        at = self.imap_tree_address + int(self.imap_tree.page_counts[0]) * bpp
        self.imap_end = at
        self.extent_address = np.zeros(self.iags * EXTENTS_PER_IAG, np.int64)
        self.extent_address[0] = geometry.first_inodes
        for iag in range(self.iags):
            first = max(iag * EXTENTS_PER_IAG, 1)
            last = min((iag + 1) * EXTENTS_PER_IAG, self.extents)
            length = (last - first) * geometry.blocks_per_extent
            if iag and at >> geometry.ag_log2 != (at + length - 1) >> geometry.ag_log2:
                at = align_up(at, geometry.ag_size)  # the extents of an IAG stay in one allocation group
            self.extent_address[first:last] = at + np.arange(last - first) * geometry.blocks_per_extent
            at += length
        self.page_address = at + np.arange(self.directories.page_total) * bpp
        at += self.directories.page_total * bpp
        counts = self.trees.page_counts
        self.tree_address = np.where(counts > 0, at + (np.cumsum(counts) - counts) * bpp, 0)
        at += int(counts.sum()) * bpp
        self.data_address = at
        return at + int(self.runs.length.sum())

    def place(self, geometry: Geometry) -> None:
        """Give everything its address.

        Raises:
            NoSpace: it does not fit.
        """
        self.geometry = geometry
        end = self.end(geometry)
        if end > geometry.blocks:
            missing = (end - geometry.blocks) * geometry.block_size
            raise NoSpace(
                f"the tree does not fit: {format_size(missing)} more than the volume of "
                f"{format_size(geometry.volume)} are needed",
                hint="make the volume larger",
            )
        self.runs.place(self.data_address)

    def used_blocks(self) -> UsedBlocks:
        """Every block that is given out."""
        g = self.geometry
        used_extents = self.extent_address[self.extent_address > 0]
        ranges = [(0, self.imap_end)]
        ranges += [(int(a), g.blocks_per_extent) for a in used_extents if a >= ranges[0][1]]
        trees = int(self.trees.page_counts.sum()) + self.directories.page_total
        data = int(self.runs.length.sum())
        ranges.append((self.data_address - trees * g.blocks_per_page, trees * g.blocks_per_page + data))
        return UsedBlocks(np.array(ranges, np.int64))

    def write_trees(self, device: BlockDevice) -> None:
        """Write directory pages and extent tree pages; keep the roots of directories for their inodes."""
        bpp = self.geometry.blocks_per_page
        self.directory_roots, pages = self.directories.render(self.page_address, bpp)
        if len(pages):
            device.write(int(self.page_address[0]) * self.block_size, pages)
        if self.imap_tree.page_counts[0]:
            imap = self.imap_tree.pages(0, self.imap_tree_address, bpp)
            device.write(self.imap_tree_address * self.block_size, imap)
        for number in np.flatnonzero(self.trees.page_counts).tolist():
            address = int(self.tree_address[number])
            device.write(address * self.block_size, self.trees.pages(number, address, bpp))

    def write_inodes(self, device: BlockDevice) -> None:
        """Write the inode extents IAG by IAG, then the inode map."""
        g, d = self.geometry, self.dialect
        used = np.zeros(self.iags * INODES_PER_IAG, bool)
        used[: FIRST_INODE + len(self.numbering.order)] = True
        row_of = np.full(self.extents * INODES_PER_EXTENT, -1, np.int64)
        row_of[self.numbering.number] = np.arange(len(self.inventory.inodes))
        for iag in range(self.iags):
            first = iag * INODES_PER_IAG
            table = self._inode_rows(first, row_of[first : first + INODES_PER_IAG])
            places = self.extent_address[iag * EXTENTS_PER_IAG :][: len(table) // INODES_PER_EXTENT]
            _write_extents(device, places * g.block_size, table)
        iags = iag_pages(d, g, used, self.extent_address)
        control = control_page(d, g, iags)
        device.write(g.imap * g.block_size, control)
        device.write((g.imap + g.blocks_per_page) * g.block_size, iags)

    def _inode_rows(self, first: int, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Disk inodes `first` and on; `rows` are their inventory rows, -1 for free and system inodes."""
        d = self.dialect
        numbers = first + np.arange(len(rows))
        generation = (self.generation + np.maximum(numbers - FIRST_INODE, 0)) & 0xFFFFFFFF
        table = blank_inodes(d, numbers, fileset=FILESET, stamp=stamp_of(self.now), generation=generation)
        at = np.flatnonzero(rows >= 0)
        table[at] = self._filled(table[at], rows[at])
        if first == 0:
            table["di_gen"][:FIRST_INODE] = 1
            free = np.flatnonzero(rows[:INODES_PER_EXTENT] < 0)
            table[free] = 0  # mkfs leaves the free inodes of the very first extent blank
            system = [n for n in range(FIRST_INODE) if rows[n] < 0]
            table[system] = system_inodes(d, system, fileset=FILESET, now=self.now)
            table["di_mode"][ROOT_INODE] |= JOURNAL
            if d.name == "linux":
                table["di_mode"][ROOT_INODE] &= ~np.uint32(LINUX_DIRECTORY)
        known = np.flatnonzero(table["di_fileset"])
        extents = self.extent_address[numbers[known] // INODES_PER_EXTENT]
        d.put_pxd(table["di_ixpxd"], known, extents, self.geometry.blocks_per_extent)
        return table

    def _filled(self, table: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        """The inodes of `table` with everything that their inventory rows say."""
        d, inventory, bpp = self.dialect, self.inventory, self.geometry.blocks_per_page
        source, kinds = inventory.inodes[rows], self._kinds[rows]
        numbers = self.numbering.number[rows]
        table["di_mode"] = (source["mode"] & 0o177777) | mode_attributes(d, source["mode"])
        table["di_uid"], table["di_gid"] = source["uid"], source["gid"]
        table["di_nlink"] = self.numbering.links[rows]
        for name in ("atime", "mtime", "ctime", "otime"):
            d.put_time(table[f"di_{name}"], source[name])
        is_link = kinds == stat.S_IFLNK
        links = {i: inventory.links[int(rows[i])] for i in np.flatnonzero(is_link).tolist()}
        table["di_size"] = np.where(kinds == stat.S_IFREG, source["size"], 0)
        table["di_size"][list(links)] = [len(target) for target in links.values()]
        table["di_nblocks"] = self.file_blocks[numbers] + self.trees.page_counts[numbers] * bpp
        first = int(numbers[0]) if len(numbers) else 0
        last = int(numbers.max(initial=first - 1)) + 1
        table["root"] = self.trees.roots(first, last, self.tree_address, bpp)[numbers - first]
        shorten_roots(d, table, np.where(self.trees.page_counts[numbers] > 0, ROOT_ENTRIES, self.trees.counts[numbers]))
        inline = {i: target for i, target in links.items() if len(target) < d.symlink_inline_limit}
        fill_special(d, table, kinds, source["rdev"], inline)
        is_directory = kinds == stat.S_IFDIR
        directory = np.searchsorted(self.numbering.directories, rows[is_directory])
        table["di_size"][is_directory] = self.directories.sizes()[directory]
        table["di_nblocks"][is_directory] = self.directories.page_counts[directory] * bpp
        table["root"][is_directory] = self.directory_roots[directory]
        if d.name == "linux":
            table["di_mode"][is_directory] &= ~np.uint32(INLINE_EA)
            table["di_next_index"][is_directory] = 2
        return table

    def imap_file(self) -> ImapFile:
        """The inode map as the aggregate's inode 16 describes it."""
        bpp = self.geometry.blocks_per_page
        root = self.imap_tree.roots(0, 1, np.array([self.imap_tree_address]), bpp)[0]
        blocks = (1 + self.iags + int(self.imap_tree.page_counts[0])) * bpp
        return ImapFile(root, (1 + self.iags) * PAGE, blocks)

    def copy_plan(self) -> CopyPlan:
        """The plan that brings every file's bytes to their blocks."""
        data, size = self.data, self.block_size
        run = self.run_of_data
        rows = np.zeros(len(data), PLAN_ROW)
        rows["source"], rows["source_offset"], rows["length"] = data["source"], data["source_offset"], data["length"]
        rows["target_offset"] = (self.runs.address[run] - self.runs.offset[run]) * size + data["offset"]
        # a range that starts inside a block, with nothing of the file before it there: zeros up to it
        start = data["offset"] // size * size
        before = np.zeros(len(data), np.int64)
        before[1:] = np.where(run[1:] == run[:-1], (data["offset"] + data["length"])[:-1], 0)
        ragged = (data["offset"] > start) & (before <= start)
        zeros = np.zeros(int(ragged.sum()), PLAN_ROW)
        zeros["source"] = len(self.sources)
        zeros["length"] = (data["offset"] - start)[ragged]
        zeros["target_offset"] = rows["target_offset"][ragged] - zeros["length"]
        return CopyPlan([*self.sources, _Bytes(bytes(size))], np.concatenate((rows, zeros)), align=size)


def _write_extents(device: BlockDevice, places: NDArray[np.int64], table: NDArray[Any]) -> None:
    """Write inode extents, those that follow each other on the device in one write."""
    size = INODES_PER_EXTENT * table.dtype.itemsize
    breaks = np.flatnonzero(np.diff(places) != size) + 1
    for a, b in zip([0, *breaks.tolist()], [*breaks.tolist(), len(places)], strict=True):
        if b > a:
            device.write(int(places[a]), table[a * INODES_PER_EXTENT : b * INODES_PER_EXTENT])
