"""The aggregate's inodes and their map: from their other copy, and from what they describe.

Source: [jfs2 2.6, 3.1, invariants 17 to 23, 40].
"""

from __future__ import annotations

import stat
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block.overlay import Overlay
from ...errors import CorruptImage
from ..building.aggregate import AGGREGATE_INODES, SECOND_COPY
from ..checking.findings import Report
from ..checking.ownership import aggregate_owner
from ..checking.subject import Subject
from ..checking.xtree_checks import extents_of
from ..geometry import (
    AIM_OFFSET,
    AIT_OFFSET,
    BLOCK_MAP_OFFSET,
    EXTENT_BYTES,
    INODE_SIZE,
    INODES_PER_IAG,
    PAGE,
)
from ..inodes.inode_table import (
    AGGREGATE,
    BAD_BLOCKS,
    FILESET,
    empty_root,
    get_generator,
    set_extent,
    set_generator,
    system_inodes,
)
from ..maps.map_file import MapFile
from ..nodes.extent_node import ROOT_MAXENTRY, ROOT_OFFSET
from ..nodes.inode_group import group_pages, link_groups, with_unknown
from ..nodes.map_words import bits_of
from ..superblock import Superblock
from .fixes import Plan

_TITLES = {1: "inode map", 2: "block map", 3: "log", 4: "bad blocks", FILESET: "fileset's inode map"}


@dataclass
class RepairedAggregate:
    """What the aggregate says of the fileset, after its repair.

    Attributes:
        stamp: of all inodes.
        map_extents: of the fileset's inode map: array of `FILE_EXTENT`.
        map_sound: whether its extent tree is right; otherwise it is to be built anew.
    """

    stamp: int
    map_extents: NDArray[Any]
    map_sound: bool


def mend_aggregate(device: Overlay, superblock: Superblock, plan: Plan, now: int) -> RepairedAggregate:
    """Put both copies of the aggregate inode table and its map right in the overlay.

    Raises:
        CorruptImage: the fileset's inode map is lost in both copies.
    """
    return _Mender(device, superblock, plan, now).mend()


class _Mender:
    def __init__(self, device: Overlay, superblock: Superblock, plan: Plan, now: int) -> None:
        self.device, self.superblock, self.plan, self.now = device, superblock, plan, now
        self.dialect, self.geometry = superblock.dialect, superblock.geometry
        self.record = self.dialect.structures.inode
        block = self.geometry.block_size
        self.places = (AIT_OFFSET, superblock_place(superblock, "s_ait2") * block)
        self.tables = [device.read(at, EXTENT_BYTES).view(self.record.dtype).copy() for at in self.places]

    def mend(self) -> RepairedAggregate:
        stamps = Counter(int(t["di_inostamp"][n]) for t in self.tables for n in AGGREGATE_INODES)
        stamp = stamps.most_common(1)[0][0]
        extents, sound = np.zeros(0), True
        for number in AGGREGATE_INODES:
            row, found, sound_tree = self._row(number)
            if number == FILESET:
                extents, sound = found, sound_tree
            self._store(number, row, stamp)
        for table, at, title in zip(self.tables, self.places, ("first", "second"), strict=True):
            old = self.device.read(at, EXTENT_BYTES)
            if not np.array_equal(old, table.view(np.uint8).ravel()):
                changed = np.flatnonzero(old.view(self.record.dtype) != table).tolist()
                names = ", ".join(f"{n} ({_TITLES.get(n, '')})" for n in changed)
                self.plan.add("aggregate", f"aggregate inodes {names} of the {title} table")
                self.device.write(at, table)
        self._map()
        if not len(extents):
            raise CorruptImage(
                self.record.name, "root", offset=AIT_OFFSET + FILESET * INODE_SIZE,
                expected="the extents of the fileset's inode map", found="none in both copies", where=self.device.name,
            )  # fmt: skip
        return RepairedAggregate(stamp, extents, sound)

    def _row(self, number: int) -> tuple[NDArray[Any], NDArray[Any], bool]:
        """The inode as it should be in the first table, shape (1,), its extents, and whether its tree is right."""
        candidates = []
        for second, table in enumerate(self.tables):
            row = table[number : number + 1].copy()
            extents, findings = self._extents(number, row, self.places[second])
            identified = row["di_fileset"][0] == AGGREGATE and stat.S_ISREG(int(row["di_mode"][0]) & 0xFFFF)
            fits = self._fits(number, extents, bool(second))
            candidates.append(((fits, not findings, bool(identified)), -second, row, extents))
        (fits, sound, _), _, row, extents = max(candidates, key=lambda c: c[:2])
        if number in (1, 2) and not (fits and sound):
            row, extents = self._fixed(number, row)
        elif number in (3, 4) and not sound:
            row["root"] = empty_root(self.dialect)
            row["di_size"] = row["di_nblocks"] = 0
        return row, extents, bool(sound)

    def _extents(self, number: int, row: NDArray[Any], table_at: int) -> tuple[NDArray[Any], int]:
        """Extents that make sense, and how many findings there are; its size and blocks are set to what they are."""
        trial = Subject.of(self.device, self.superblock, Report())
        at = table_at + number * INODE_SIZE + ROOT_OFFSET
        extents, trees = extents_of(trial, aggregate_owner(number), at, row["root"][0], (ROOT_MAXENTRY,))
        trial.owners.used()
        if number in (1, 2, BAD_BLOCKS, FILESET):
            row["di_nblocks"] = int(trees.data[0] + trees.pages[0])
            row["di_size"] = int(trees.data[0]) * self.geometry.block_size
        return extents, trial.report.counts.total()

    def _fits(self, number: int, extents: NDArray[Any], second: bool) -> int:
        """How well extents fit what the inode is for; more is better."""
        g, block = self.geometry, self.geometry.block_size
        if number in (1, 2):
            at = AIM_OFFSET if number == 1 else BLOCK_MAP_OFFSET
            if number == 1 and second and g.has_aim2:
                return 0  # the copy points to its own map
            pages = 2 if number == 1 else g.map_pages
            starts = len(extents) and extents["offset"][0] == 0 and extents["address"][0] * block == at
            held = MapFile(self.superblock.volume(self.device), extents).pages if starts else 0
            return int(held >= pages) + int(held == pages)  # one that is too long may run into what lies behind it
        if number == FILESET:
            file = MapFile(self.superblock.volume(self.device), extents)
            count = max(min(file.pages - 1, 1 << 14), 0)
            numbers = file.table(self.dialect.structures.iag, 1, count)["iagnum"]
            return int((numbers == np.arange(len(numbers))).sum())
        return 0

    def _fixed(self, number: int, row: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """An inode whose file can only be where mkfs puts it."""
        at, pages = (AIM_OFFSET, 2) if number == 1 else (BLOCK_MAP_OFFSET, self.geometry.map_pages)
        blocks = pages * self.geometry.blocks_per_page
        root = empty_root(self.dialect).copy()
        set_extent(self.dialect, root, at // self.geometry.block_size, blocks)
        row["root"], row["di_size"], row["di_nblocks"] = root, pages * PAGE, blocks
        return row, np.zeros(0)

    def _store(self, number: int, row: NDArray[Any], stamp: int) -> None:
        """Put an inode into both tables, each with its own number, place and generation."""
        g, dialect = self.geometry, self.dialect
        if not stat.S_ISREG(int(row["di_mode"][0]) & 0xFFFF):
            new = system_inodes(dialect, [number], fileset=AGGREGATE, now=self.now)["di_mode"][0]
            modes = [int(table["di_mode"][number]) for table in self.tables]
            other = next((mode for mode in modes if stat.S_ISREG(mode & 0xFFFF)), new)
            row["di_mode"] = other
        row["di_mode"] |= np.uint32(dialect.inode_form.system_mark)
        row["di_fileset"], row["di_nlink"], row["di_inostamp"] = AGGREGATE, 1, stamp
        if dialect.inode_form.of_generation_1:
            row["di_gen"] = 1
        for second, table in enumerate(self.tables):
            new, shift = row.copy(), SECOND_COPY if second and not g.has_aim2 else 0
            new["di_number"] = number + shift
            dialect.put_pxd(new["di_ixpxd"], slice(None), self.places[second] // g.block_size, g.blocks_per_extent)
            if number in (1, FILESET):
                set_generator(dialect, new[0], get_generator(dialect, table[number]))
            if number == 1 and second and g.has_aim2:
                root = empty_root(dialect).copy()
                set_extent(dialect, root, superblock_place(self.superblock, "s_aim2"), 2 * g.blocks_per_page)
                new["root"] = root
            table[number] = new[0]

    def _map(self) -> None:
        """The aggregate inode map, which describes these tables and nothing else; and its copy."""
        s, g = self.dialect.structures, self.geometry
        file = self.device.read(AIM_OFFSET, 2 * PAGE).reshape(2, PAGE)
        old = file[1:].view(s.iag.dtype)[:, 0]
        used, extents = np.zeros(INODES_PER_IAG, bool), np.zeros(128, np.int64)
        extents[0] = self.places[0] // g.block_size
        required = [0, *AGGREGATE_INODES]
        used[required] = True
        marked = bits_of(old["pmap"])[0, :SECOND_COPY]
        # inodes that newer levels have here (zombies, snapshots) stay where they look like inodes in use
        table = self.tables[0]
        used[:SECOND_COPY] |= marked & (table["di_nlink"] == 1) & (table["di_number"] == np.arange(SECOND_COPY))
        if not g.has_aim2:
            extents[1] = self.places[1] // g.block_size
            used[SECOND_COPY : 2 * SECOND_COPY] = used[:SECOND_COPY]
        for second in range(2 if g.has_aim2 else 1):
            if second:
                extents[0] = self.places[1] // g.block_size
            at = superblock_place(self.superblock, "s_aim2") * g.block_size if second else AIM_OFFSET
            self._write_map(at, used, extents)

    def _write_map(self, at: int, used: NDArray[np.bool_], extents: NDArray[np.int64]) -> None:
        s = self.dialect.structures
        pages = self.device.read(at, 2 * PAGE).reshape(2, PAGE)
        iag = group_pages(self.dialect, self.geometry, used, extents)
        iag["agstart"] = 0
        control = link_groups(self.dialect, self.geometry, iag, pages[0].view(s.dinomap.dtype))
        iag = with_unknown(iag, pages[1].view(s.iag.dtype))
        new = np.concatenate((control.view(np.uint8), iag.view(np.uint8)))
        if not np.array_equal(new, pages.ravel()):
            self.plan.add("inode-map", f"the aggregate inode map at byte {at:#x}")
            self.device.write(at, new)


def superblock_place(superblock: Superblock, field: str) -> int:
    """First block of a place in the superblock."""
    pxd = superblock.values[field]
    return int(pxd["addr_hi"]) << 32 | int(pxd["addr_lo"])
