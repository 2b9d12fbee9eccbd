"""The nodes of an extent tree together: the walk from a root to its leaves, and how extents are laid out in nodes.

Source: [jfs2 2.4], [jfs2 3.4], [jfs2 invariants 55 to 59].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .extent_node import (
    NO_END,
    PAGE_ENTRIES,
    ExtentNode,
    ExtentNodeCodec,
    ExtentNodePlace,
    ExtentTreeLimits,
)
from .fault import Fault
from .packed_extents import Piece
from .tree_flags import MAX_DEPTH

PageContent = tuple[int, bool, tuple[int, int], Sequence[Piece]]
"""Block address of a page, whether it is a leaf, its siblings, and its entries."""


def walk(
    codec: ExtentNodeCodec,
    root: NDArray[np.uint8],
    limits: ExtentTreeLimits,
    *,
    read: Callable[[int], NDArray[np.uint8]],
    enter: Callable[[int], bool] | None = None,
    doubtful: bool = False,
) -> Iterator[tuple[ExtentNodePlace, ExtentNode]]:
    """All nodes of a tree, level by level and from left to right, with all that is wrong with each.

    Args:
        codec: takes them apart.
        root: bytes of the root.
        limits: of the tree.
        read: gives the bytes of the page at a block address inside the file system.
        enter: told of each page that a router leads to, whether to go there; a page that is not entered is a fault.
            Without it, each page is entered once.
        doubtful: follow nodes that do not say for sure what they are, too.
    """
    header, after = codec.dialect.structures.xtree_header, 0
    seen: set[int] = set()
    level: list[tuple[int | None, int, int]] = [(None, 0, NO_END)]
    for depth in range(MAX_DEPTH):
        below: list[tuple[int | None, int, int]] = []
        is_leaf: bool | None = None
        blocks = [0, *(block or 0 for block, _, _ in level), 0]
        for i, (block, first, end) in enumerate(level):
            place = ExtentNodePlace(block, (blocks[i], blocks[i + 2]), first, end, after, is_leaf)
            node = codec.decode(root if block is None else read(block), limits, place)
            if node.is_leaf is None and doubtful:
                node.is_leaf = not _leads_to_a_page(codec, node, limits, read)
            is_leaf = node.is_leaf if is_leaf is None else is_leaf
            if node.is_leaf and len(node.entries):
                after = max(after, int((node.entries["offset"] + node.entries["length"]).max()))
            if node.is_leaf is False and (node.is_sure or doubtful):
                if depth == MAX_DEPTH - 1:
                    at = header.offset_of("flag")
                    expected = f"at most {MAX_DEPTH} levels"
                    node.faults.append(Fault("xtree-shape", header.name, "flag", at, expected, "more"))
                for index, child, low, high in node.children(limits, end):
                    if enter(child) if enter else child not in seen:
                        seen.add(child)
                        below.append((child, low, high))
                    else:
                        node.faults.append(
                            codec.entry_fault("", "addr_lo", index, "a page that is not in the tree yet", child)
                        )
            yield place, node
        level = below


def _leads_to_a_page(
    codec: ExtentNodeCodec, node: ExtentNode, limits: ExtentTreeLimits, read: Callable[[int], NDArray[np.uint8]]
) -> bool:
    """Whether the first entry of a node leads to a page of a tree, which knows its place."""
    first = next(iter(node.children(limits, 0)), None)
    return first is not None and first[0] == 0 and codec.own_place(read(first[1])) == (first[1], limits.blocks_per_page)


def page_counts(entries: int, root_entries: int) -> list[int]:
    """Pages of each level of a tree, leaves first; none where the entries fit the root."""
    counts = []
    while entries > root_entries:
        entries = -(-entries // PAGE_ENTRIES)
        counts.append(entries)
    return counts


def lay_out(
    extents: Sequence[Piece], levels: Sequence[Sequence[int]], blocks_per_page: int
) -> tuple[list[PageContent], Sequence[Piece]]:
    """Which entries lie in which node.

    The first router of every level has offset 0: the left edge covers a file from its start, a hole there included.

    Args:
        extents: of the file, ascending.
        levels: block addresses of the pages of each level, as many as `page_counts` says.
        blocks_per_page: blocks of a page.

    Returns:
        The pages, leaves first, and the entries of the root.
    """
    pages, below = [], extents
    for depth, level in enumerate(levels):
        edges, parts = (0, *level, 0), [below[i : i + PAGE_ENTRIES] for i in range(0, len(below), PAGE_ENTRIES)]
        pages += [(page, depth == 0, (edges[i], edges[i + 2]), parts[i]) for i, page in enumerate(level)]
        below = [(part[0][0] if i else 0, blocks_per_page, level[i], 0) for i, part in enumerate(parts)]
    return pages, below
