"""Where everything of a new file system goes, computed from an inventory's arrays [jfs2 1.2, 2]."""

from __future__ import annotations

import stat

import numpy as np

from ...arguments import expect
from ...block import Buffer, CopyPlan, Source
from ...block.device import byte_view
from ...block.plan import PLAN_ROW
from ...errors import NoSpace, OperationRefused
from ...escaping import escaped
from ...units import format_size
from ..dialect import Dialect
from ..geometry import EXTENTS_PER_IAG, INODES_PER_EXTENT, MAX_FILE_SIZE, PAGE, Geometry
from ..inodes.inode_table import SHORT_ROOT_ENTRIES, stamp_of
from ..inventory.arrays import MAX_LINK, MAX_NAME, Inventory
from ..maps.free_space import FreeSpace
from ..maps.used_blocks import UsedBlocks
from .aggregate import ImapFile
from .attribute_plan import AttributePlan
from .dir_index import IndexTables
from .dtree_build import Directories
from .numbering import FIRST_INODE, Numbering
from .xtree_build import ExtentTrees, FileRuns

_ENDLESS = 1 << 60


def _endless(wanted: str, _: str) -> NoSpace:
    """Places are given out without an end first, so that what is missing can be told."""
    return NoSpace(f"{wanted} are more than a file system has")


class _Bytes:
    """Bytes in memory as a source of a copy plan."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` from the bytes at `offset`."""
        view = byte_view(buffer, fill=True)
        view[:] = self._data[offset : offset + len(view)]


class TreePlacement:
    """Where everything of a new file system goes: first what follows from the inventory, then, with `place`, addresses.

    Args:
        inventory: the tree.
        dialect: AIX or Linux.
        block_size: bytes of a block.
        now: instant in nanoseconds.
        indexed: directories have an index (Linux).

    Attributes:
        inventory: the tree, with what the dialect adds to it.
        kinds: file type of each inventory row, shape (rows,).
        extents: inode extents, and `iags` inode allocation groups, that the inodes need.
        file_blocks: data blocks by inode number.
        attributes: the extended attributes.
        indexes: the indexes of directories, None where they have none.
        blocks_needed: an upper bound of the blocks behind the fixed metadata.

    Raises:
        OperationRefused: the inventory is not a tree, or holds what cannot be stored.
    """

    def __init__(
        self, inventory: Inventory, dialect: Dialect, block_size: int, now: int, *, indexed: bool = False
    ) -> None:
        expect(inventory, Inventory, "an inventory, such as scan_trees makes")
        sizes = expect(dialect, Dialect, "a dialect, AIX or LINUX").superblock_form.block_sizes
        if block_size not in sizes:
            raise OperationRefused(f"block size {block_size} is not one of {', '.join(map(str, sizes))}")
        lost_found = None
        if dialect.inode_form.lost_found:
            inventory = inventory.with_directory("/lost+found", mode=0o700)
            lost_found = inventory.lookup(0, b"lost+found")
        self.inventory = inventory
        self.dialect = dialect
        self.block_size = block_size
        self.now = now
        self.numbering = Numbering(inventory, lost_found)
        self.generation = dialect.inode_form.first_generation(stamp_of(now))
        self.kinds = inventory.inodes["mode"] & 0o170000
        self._check()
        self.directories = self._plan_directories(indexed)
        self.indexes = IndexTables(dialect, self.directories, PAGE // block_size) if indexed else None
        self.index_pages = int(self.indexes.page_counts.sum()) if self.indexes is not None else 0
        self._plan_data()
        self.extents = -(-(FIRST_INODE + len(self.numbering.order)) // INODES_PER_EXTENT)
        self.trees = ExtentTrees(dialect, self.runs, self.extents * INODES_PER_EXTENT)
        numbers = self.numbering.number
        roomy = (self.trees.page_counts[numbers] == 0) & (self.trees.counts[numbers] <= SHORT_ROOT_ENTRIES)
        self.attributes = AttributePlan(inventory, dialect, block_size, roomy)
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
            + self.index_pages
            + int(self.trees.page_counts.sum())
            + self.iags
        )
        self.blocks_needed = (
            self.attributes.blocks
            + pages * bpp
            + (self.extents + EXTENTS_PER_IAG) * bpp * 4
            + int(self.runs.length.sum())
        )

    def _check(self) -> None:
        inodes = self.inventory.inodes
        size = inodes["size"]
        if ((size < 0) | (size > MAX_FILE_SIZE)).any():
            raise OperationRefused("a file is larger than 2^44 - 4096 bytes")
        longest = max((len(t) for t in self.inventory.links.values()), default=1)
        if longest > MAX_LINK or any(not t for t in self.inventory.links.values()):
            raise OperationRefused(f"a symlink of {longest} bytes cannot be stored, at most {MAX_LINK}")
        self.inventory.check_names()
        for entry in np.flatnonzero(self.inventory.entries["name_length"] > MAX_NAME)[:1].tolist():
            raise OperationRefused(f"a directory cannot hold the name '{escaped(self.inventory.name(entry))}'")

    def _plan_directories(self, indexed: bool) -> Directories:
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
            indexed=indexed,
        )

    def _plan_data(self) -> None:
        """Runs of all files by inode number, and the extents and sources of the copy plan that fills them."""
        inventory, number = self.inventory, self.numbering.number
        size = inventory.inodes["size"]
        extents = inventory.extents
        regular = self.kinds[extents["inode"]] == stat.S_IFREG
        extents = extents[regular & (extents["offset"] < size[extents["inode"]])]
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
        space = FreeSpace(np.array([(geometry.imap, _ENDLESS)]), _endless)
        first = space.take(int(self.imap_runs.length.sum()) + int(self.imap_tree.page_counts[0]) * bpp)
        self.imap_tree_address = self.imap_runs.place(first)
        self.imap_end = self.imap_tree_address + int(self.imap_tree.page_counts[0]) * bpp
        self.extent_address = np.zeros(self.iags * EXTENTS_PER_IAG, np.int64)
        self.extent_address[0] = geometry.first_inodes
        for iag in range(self.iags):
            places = self.extent_address[max(iag * EXTENTS_PER_IAG, 1) : min((iag + 1) * EXTENTS_PER_IAG, self.extents)]
            # the extents of an IAG stay in one allocation group
            at = space.take(len(places) * geometry.blocks_per_extent, within=geometry.ag_size if iag else 0)
            places[:] = at + np.arange(len(places)) * geometry.blocks_per_extent
        pages = self.directories.page_total
        self.page_address = space.take(pages * bpp) + np.arange(pages) * bpp
        self.index_address = space.take(self.index_pages * bpp)
        counts = self.trees.page_counts
        at = space.take(int(counts.sum()) * bpp)
        self.tree_address = np.where(counts > 0, at + (np.cumsum(counts) - counts) * bpp, 0)
        self.attributes.place(space.take(self.attributes.blocks))
        data = int(self.runs.length.sum())
        self.data_address = space.take(data)
        return self.data_address + data

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
        pages = int(self.trees.page_counts.sum()) + self.directories.page_total + self.index_pages
        before = pages * g.blocks_per_page + self.attributes.blocks
        ranges.append((self.data_address - before, before + int(self.runs.length.sum())))
        return UsedBlocks(np.array(ranges, np.int64))

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
        if len(zeros):
            rows = np.concatenate((rows, zeros))
        return CopyPlan([*self.sources, _Bytes(bytes(size))], rows, align=size)
