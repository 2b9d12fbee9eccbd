"""New places, before the new end, for all that lies behind it; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..building.dir_index import table_trees
from ..building.xtree_build import ExtentTrees, FileRuns
from ..inodes.inode_table import BLOCK_MAP
from ..maps.free_space import FreeSpace
from ..nodes.extent_node import FILE_EXTENT
from ..volume import Volume
from .beyond_end import BeyondEnd
from .relocation import Relocation


@dataclass
class ShrinkPlacement:
    """Where everything goes.

    Attributes:
        behind: what moves; its `to` columns are filled.
        trees: the new extent trees, in the order of `behind.trees`.
        tree_address: block of the first page of each, 0 for none.
        table_address: first block of the index of each directory that has one with pages.
        moves: (from, length, to) of blocks that are copied as they are, shape (moves, 3).
        solid: where blocks are that moved in one piece: inode extents, maps, second tables, attributes.
        taken, freed: (first block, length) that are used, and free, afterwards.
    """

    behind: BeyondEnd
    trees: ExtentTrees
    tree_address: NDArray[np.int64]
    table_address: dict[int, int]
    moves: NDArray[np.int64]
    solid: Relocation
    taken: NDArray[np.int64]
    freed: NDArray[np.int64]


def place(volume: Volume, behind: BeyondEnd, space: FreeSpace, *, map_blocks: int) -> ShrinkPlacement:
    """Give everything a place: first what must stay together, the longest first, then the data of files.

    Args:
        volume: the file system.
        behind: what moves.
        space: free blocks before the new end; is used up.
        map_blocks: how much of the block map is needed afterwards; what is behind that stays.

    Raises:
        NoSpace: there is no room.
    """
    bpp = volume.blocks_per_page
    extents, tree_of = _extents(behind, map_blocks)
    rigid = np.flatnonzero(extents["moves"] & behind.trees["rigid"][tree_of])
    fixed = [
        (int(n), i, kind)
        for kind, table in enumerate((behind.solid, behind.pages, extents[rigid]))
        for i, n in enumerate(table["length"].tolist())
    ]
    rigid_to = np.zeros(len(rigid), np.int64)
    for length, i, kind in sorted(fixed, key=lambda item: -item[0]):
        if kind == 2:
            rigid_to[i] = space.take(length, bpp)
        else:
            table = behind.pages if kind else behind.solid
            table["to"][i] = space.take(length, int(table["align"][i]))
    tables = {number: space.take(index_blocks(volume, old), bpp) for number, old in behind.tables.items()}
    moved = [np.stack((extents["address"][rigid], extents["length"][rigid], rigid_to), axis=1)]
    extents["address"][rigid] = rigid_to
    pieces, old = _data(behind, extents, tree_of, rigid, space)
    moved.append(old)
    runs = _runs(extents, tree_of, pieces)
    trees = ExtentTrees(volume.dialect, runs, len(behind.trees))
    counts = trees.page_counts
    address = np.zeros(len(counts), np.int64)
    for i in np.flatnonzero(counts).tolist():
        address[i] = space.take(int(counts[i]) * bpp, bpp)
    blocks = [np.stack([table[name] for name in ("address", "length", "to")], axis=1)
              for table in (behind.solid, behind.pages)]  # fmt: skip
    copied = np.concatenate((blocks[0], *moved))
    table_old = [(int(e["address"]), int(e["length"])) for t in behind.tables.values() for e in t]
    gone = np.array([*behind.freed, *table_old], np.int64).reshape(-1, 2)
    new = [(first, index_blocks(volume, behind.tables[number])) for number, first in tables.items()]
    new += [(int(address[i]), int(counts[i]) * bpp) for i in np.flatnonzero(counts).tolist()]
    taken = np.concatenate((copied[:, [2, 1]], blocks[1][:, [2, 1]], np.array(new, np.int64).reshape(-1, 2)))
    freed = np.concatenate((copied[:, :2], blocks[1][:, :2], gone))
    solid = Relocation(np.concatenate((blocks[0], moved[0])))
    return ShrinkPlacement(behind, trees, address, tables, copied, solid, taken, freed)


def index_blocks(volume: Volume, table: NDArray[np.void]) -> int:
    """Blocks of a directory's index with these extents (array of `FILE_EXTENT`), and of its tree when it is new."""
    bpp = volume.blocks_per_page
    pages = int(table["length"].sum()) // bpp
    trees, _ = table_trees(volume.dialect, np.array([pages]), bpp)
    return (pages + int(trees.page_counts[0])) * bpp


_MOVING = np.dtype([*[(name, FILE_EXTENT[name]) for name in FILE_EXTENT.names or ()], ("moves", "?")])


def _extents(behind: BeyondEnd, map_blocks: int) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """All extents with whether they move, those of data cut at the new end, and the tree that each belongs to."""
    none = np.zeros(0, FILE_EXTENT)
    counts = [len(e) for e in behind.extents]
    tree_of = np.repeat(np.arange(len(counts)), counts)
    raw = np.concatenate((none, *behind.extents))
    # of the block map only what is needed afterwards moves
    is_map = behind.trees["number"][tree_of] == -BLOCK_MAP
    raw, tree_of = _cut(raw, tree_of, np.where(is_map, map_blocks - raw["offset"], 0))
    is_map = behind.trees["number"][tree_of] == -BLOCK_MAP
    raw, tree_of = _cut(raw, tree_of, np.where(behind.trees["rigid"][tree_of], 0, behind.end - raw["address"]))
    is_map = behind.trees["number"][tree_of] == -BLOCK_MAP
    extents = np.zeros(len(raw), _MOVING)
    for name in FILE_EXTENT.names or ():
        extents[name] = raw[name]
    extents["moves"] = (raw["address"] + raw["length"] > behind.end) & ~(is_map & (raw["offset"] >= map_blocks))
    return extents, tree_of


def _cut(
    extents: NDArray[np.void], tree_of: NDArray[np.int64], at: NDArray[np.int64]
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Cut extents after `at` blocks, where that lies inside them."""
    inside = (at > 0) & (at < extents["length"])
    tails = extents[inside].copy()
    extents = extents.copy()
    extents["length"][inside] = at[inside]
    for name, sign in (("offset", 1), ("address", 1), ("length", -1)):
        tails[name] += sign * at[inside]
    tree = np.concatenate((tree_of, tree_of[inside]))
    extents = np.concatenate((extents, tails))
    order = np.lexsort((extents["offset"], tree))
    return extents[order], tree[order]


def _data(
    behind: BeyondEnd, extents: NDArray[np.void], tree_of: NDArray[np.int64], rigid: NDArray[np.int64], space: FreeSpace
) -> tuple[list[tuple[int, int, int, int]], NDArray[np.int64]]:
    """Places of data that may be cut, the longest first: (extent, from its start, length, to), and the moves."""
    free = extents["moves"].copy()
    free[rigid] = False
    rows = np.flatnonzero(free)
    pieces: list[tuple[int, int, int, int]] = []
    for row in rows[np.argsort(-extents["length"][rows], kind="stable")].tolist():
        done = 0
        for to, length in space.take_pieces(int(extents["length"][row])):
            pieces.append((row, done, length, to))
            done += length
    table = np.array(pieces, np.int64).reshape(-1, 4)
    old = extents["address"][table[:, 0]] + table[:, 1]
    return pieces, np.stack((old, table[:, 2], table[:, 3]), axis=1)


def _runs(extents: NDArray[np.void], tree_of: NDArray[np.int64], pieces: list[tuple[int, int, int, int]]) -> FileRuns:
    """All extents as they are afterwards."""
    table = np.array(pieces, np.int64).reshape(-1, 4)
    keep = np.ones(len(extents), bool)
    keep[table[:, 0]] = False
    from_pieces = extents[table[:, 0]]
    tree = np.concatenate((tree_of[keep], tree_of[table[:, 0]]))
    offset = np.concatenate((extents["offset"][keep], from_pieces["offset"] + table[:, 1]))
    length = np.concatenate((extents["length"][keep], table[:, 2]))
    address = np.concatenate((extents["address"][keep], table[:, 3]))
    flag = np.concatenate((extents["flag"][keep], from_pieces["flag"]))
    order = np.lexsort((offset, tree))
    return FileRuns(tree[order], offset[order], length[order], address[order], flag[order])
