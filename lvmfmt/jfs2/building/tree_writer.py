"""Writing directories, extent trees and inodes of a new file system, inode extents IAG by IAG."""

from __future__ import annotations

import stat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ..dialect.inode_form import JOURNAL
from ..geometry import EXTENTS_PER_IAG, INODES_PER_EXTENT, INODES_PER_IAG
from ..inodes.inode_table import (
    FILESET,
    blank_inodes,
    fill_special,
    mode_attributes,
    shorten_roots,
    stamp_of,
    system_inodes,
)
from ..nodes.directory_node import ROOT_INODE
from ..nodes.extent_node import ROOT_ENTRIES
from ..nodes.inode_group import group_pages, link_groups
from .numbering import FIRST_INODE
from .placement import TreePlacement


class TreeWriter:
    """Writes what a placement has given addresses to; trees first, since inodes hold the roots of directories."""

    def __init__(self, placement: TreePlacement) -> None:
        self._place = placement

    def write_trees(self, device: BlockDevice) -> None:
        """Write the pages of all trees, and attributes; keep the roots of directories for their inodes."""
        p = self._place
        bpp = p.geometry.blocks_per_page
        self._directory_roots, pages = p.directories.render(p.page_address, bpp)
        if len(pages):
            device.write(int(p.page_address[0]) * p.block_size, pages)
        if p.indexes is not None and len(tables := p.indexes.render(p.page_address, p.index_address)):
            device.write(p.index_address * p.block_size, tables)
        if p.imap_tree.page_counts[0]:
            imap = p.imap_tree.pages(0, p.imap_tree_address, bpp)
            device.write(p.imap_tree_address * p.block_size, imap)
        for number in np.flatnonzero(p.trees.page_counts).tolist():
            address = int(p.tree_address[number])
            device.write(address * p.block_size, p.trees.pages(number, address, bpp))
        p.attributes.write(device)

    def write_inodes(self, device: BlockDevice) -> None:
        """Write the inode extents IAG by IAG, then the inode map."""
        p = self._place
        g, d = p.geometry, p.dialect
        used = np.zeros(p.iags * INODES_PER_IAG, bool)
        used[: FIRST_INODE + len(p.numbering.order)] = True
        row_of = np.full(p.extents * INODES_PER_EXTENT, -1, np.int64)
        row_of[p.numbering.number] = np.arange(len(p.inventory.inodes))
        for iag in range(p.iags):
            first = iag * INODES_PER_IAG
            table = self._inode_rows(first, row_of[first : first + INODES_PER_IAG])
            places = p.extent_address[iag * EXTENTS_PER_IAG :][: len(table) // INODES_PER_EXTENT]
            _write_extents(device, places * g.block_size, table)
        iags = group_pages(d, g, used, p.extent_address)
        control = link_groups(d, g, iags)
        device.write(g.imap * g.block_size, control)
        device.write((g.imap + g.blocks_per_page) * g.block_size, iags)

    def _inode_rows(self, first: int, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Disk inodes `first` and on; `rows` are their inventory rows, -1 for free and system inodes."""
        p = self._place
        d = p.dialect
        numbers = first + np.arange(len(rows))
        generation = (p.generation + np.maximum(numbers - FIRST_INODE, 0)) & 0xFFFFFFFF
        table = blank_inodes(d, numbers, fileset=FILESET, stamp=stamp_of(p.now), generation=generation)
        at = np.flatnonzero(rows >= 0)
        table[at] = self._filled(table[at], rows[at])
        if first == 0:
            table["di_gen"][:FIRST_INODE] = 1
            free = np.flatnonzero(rows[:INODES_PER_EXTENT] < 0)
            table[free] = 0  # mkfs leaves the free inodes of the very first extent blank
            system = [n for n in range(FIRST_INODE) if rows[n] < 0]
            table[system] = system_inodes(d, system, fileset=FILESET, now=p.now)
            mode = int(table["di_mode"][ROOT_INODE]) & 0o177777
            table["di_mode"][ROOT_INODE] = mode | JOURNAL | d.inode_form.root_directory_mode
        known = np.flatnonzero(table["di_fileset"])
        extents = p.extent_address[numbers[known] // INODES_PER_EXTENT]
        d.put_pxd(table["di_ixpxd"], known, extents, p.geometry.blocks_per_extent)
        return table

    def _filled(self, table: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        """The inodes of `table` with everything that their inventory rows say."""
        p = self._place
        d, inventory, bpp = p.dialect, p.inventory, p.geometry.blocks_per_page
        source, kinds = inventory.inodes[rows], p.kinds[rows]
        numbers = p.numbering.number[rows]
        table["di_mode"] = (source["mode"] & 0o177777) | mode_attributes(d, source["mode"])
        table["di_uid"], table["di_gid"] = source["uid"], source["gid"]
        table["di_nlink"] = p.numbering.links[rows]
        for name in ("atime", "mtime", "ctime", "otime"):
            d.put_time(table[f"di_{name}"], source[name])
        is_link = kinds == stat.S_IFLNK
        links = {i: inventory.links[int(rows[i])] for i in np.flatnonzero(is_link).tolist()}
        table["di_size"] = np.where(kinds == stat.S_IFREG, source["size"], 0)
        table["di_size"][list(links)] = [len(target) for target in links.values()]
        table["di_nblocks"] = p.file_blocks[numbers] + p.trees.page_counts[numbers] * bpp
        first = int(numbers[0]) if len(numbers) else 0
        last = int(numbers.max(initial=first - 1)) + 1
        table["root"] = p.trees.roots(first, last, p.tree_address, bpp)[numbers - first]
        shorten_roots(
            d,
            table,
            np.where(p.trees.page_counts[numbers] > 0, ROOT_ENTRIES, p.trees.counts[numbers]),
        )
        inline = {i: target for i, target in links.items() if len(target) < d.symlink_inline_limit}
        fill_special(d, table, kinds, source["rdev"], inline)
        is_directory = kinds == stat.S_IFDIR
        directory = np.searchsorted(p.numbering.directories, rows[is_directory])
        table["di_size"][is_directory] = p.directories.sizes()[directory]
        table["di_nblocks"][is_directory] = p.directories.page_counts[directory] * bpp
        table["root"][is_directory] = self._directory_roots[directory]
        for name, value in d.inode_form.new_values.items():
            table[name][is_directory] = value
        if p.indexes is not None:
            p.indexes.fill(table, np.flatnonzero(is_directory), directory)
        p.attributes.fill(table, rows)
        return table


def _write_extents(device: BlockDevice, places: NDArray[np.int64], table: NDArray[Any]) -> None:
    """Write inode extents, those that follow each other on the device in one write."""
    size = INODES_PER_EXTENT * table.dtype.itemsize
    breaks = np.flatnonzero(np.diff(places) != size) + 1
    for a, b in zip([0, *breaks.tolist()], [*breaks.tolist(), len(places)], strict=True):
        if b > a:
            device.write(int(places[a]), table[a * INODES_PER_EXTENT : b * INODES_PER_EXTENT])
