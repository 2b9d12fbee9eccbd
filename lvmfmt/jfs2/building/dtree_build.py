"""Building directories in bulk: all B+-trees of a file system in a few array operations.

A directory whose entries fit the eight slots of its inode is a leaf root; a larger one gets full leaf pages, and
internal pages above them, filled from left to right. Source: [jfs2 2.5] and [jfs2 3.5].
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import PAGE
from ..nodes.directory_node import DIRECTORY_SIZE_OF_ROOT, FIRST_INDEX, SLOT, DirectoryCodec
from ..nodes.directory_writer import FIRST_SLOT, PAGE_CAPACITY, ROOT_CAPACITY, TABLE_SLOT, empty_page, empty_root
from ..nodes.tree_flags import INTERNAL, LEAF, ROOT_INTERNAL, ROOT_LEAF
from .dtree_slots import PlannedNode, SlotRows, Words


class Directories:
    """The trees of many directories, planned at once and rendered when their pages have addresses.

    Args:
        dialect: structures and name coding.
        numbers: inode number of each directory, shape (directories,).
        parents: inode number of each directory's parent.
        owner: index of the directory that each entry lies in, ascending, shape (entries,).
        children: inode number that each entry names, shape (entries,).
        names: names of the entries as the API knows them; any order within a directory.
        indexed: entries carry an index (Linux dialect), by their order in the tree.

    Attributes:
        page_counts: pages that each directory needs, shape (directories,).
        leaf_counts: ... of them leaves.
    """

    def __init__(
        self,
        dialect: Dialect,
        numbers: NDArray[Any],
        parents: NDArray[Any],
        owner: NDArray[Any],
        children: NDArray[Any],
        names: Sequence[bytes],
        *,
        indexed: bool = False,
    ) -> None:
        self._dialect = dialect = dialect.with_index() if indexed else dialect
        self._indexed = indexed
        self._codec = DirectoryCodec(dialect, PAGE, 1, indexed=indexed)
        self._parents = np.asarray(parents, np.uint64)
        self._count = len(numbers)
        coded = [dialect.encode_name(name) for name in names]
        keys = [dialect.sort_key(name) for name in coded]
        self._bounds = np.searchsorted(owner, np.arange(self._count + 1))
        bounds = self._bounds.tolist()
        order = [i for a, b in pairwise(bounds) for i in sorted(range(a, b), key=keys.__getitem__)]
        self._names = [coded[i] for i in order]
        self._keys = [keys[i] for i in order]
        self._children = np.asarray(children, np.uint64)[order] if order else np.zeros(0, np.uint64)
        self._leaves = SlotRows(self._codec, self._names, leaf=True)
        self._router_names: list[bytes] = []
        self._router_pages: list[int] = []
        self._roots: list[PlannedNode] = []
        self._pages: list[PlannedNode] = []
        self.page_counts = np.zeros(self._count, np.int64)
        self.leaf_counts = np.zeros(self._count, np.int64)
        running = self._leaves.running
        for d in range(self._count):
            first, last = int(self._bounds[d]), int(self._bounds[d + 1])
            if running[last] - running[first] <= ROOT_CAPACITY:
                self._roots.append(PlannedNode(first, last, -1, True))
            else:
                self._plan_pages(d, first, last, running)
        self._routers = SlotRows(self._codec, self._router_names, leaf=False)

    @property
    def entry_counts(self) -> NDArray[np.int64]:
        """Entries of each directory, shape (directories,)."""
        return np.diff(self._bounds)

    def places(self, addresses: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each entry is, in the order of the trees: block address of its leaf (0 for a root), position there.

        Args:
            addresses: block address of each page, see `render`.
        """
        leaves = sorted((n for n in (*self._roots, *self._pages) if n.leaf), key=lambda n: n.first)
        counts = np.array([n.last - n.first for n in leaves], np.int64)
        address = np.append(addresses, 0)[[n.page for n in leaves]] if leaves else np.zeros(0, np.int64)
        starts = np.cumsum(counts) - counts
        return np.repeat(address, counts), np.arange(counts.sum()) - np.repeat(starts, counts)

    @property
    def page_total(self) -> int:
        """Pages that all directories need together."""
        return len(self._pages)

    def sizes(self) -> NDArray[np.int64]:
        """`di_size` of each directory: 256 for a leaf root, else the bytes of its leaf pages."""
        return np.where(self.leaf_counts == 0, DIRECTORY_SIZE_OF_ROOT, self.leaf_counts * PAGE)

    def _plan_pages(self, directory: int, first: int, last: int, running: NDArray[np.int64]) -> None:
        before = len(self._pages)
        row = first
        spans = []
        while row < last:
            end = int(np.searchsorted(running, running[row] + PAGE_CAPACITY, "right")) - 1
            spans.append((row, min(end, last)))
            row = min(end, last)
        self._add_siblings(spans, leaf=True)
        self.leaf_counts[directory] = len(spans)
        below = [
            (b"" if i == 0 else self._separator(spans[i - 1][1] - 1, a), before + i) for i, (a, _) in enumerate(spans)
        ]
        while True:
            slots = [self._codec.internal.slots(len(name)) for name, _ in below]
            if sum(slots) <= ROOT_CAPACITY:
                break
            below = self._plan_level(below, slots)
        start = self._add_routers(below)
        self._roots.append(PlannedNode(start, start + len(below), -1, False))
        self.page_counts[directory] = len(self._pages) - before

    def _plan_level(self, below: list[tuple[bytes, int]], slots: list[int]) -> list[tuple[bytes, int]]:
        """Internal pages over the nodes `below`; returns the nodes of the new level."""
        running = np.concatenate(([0], np.cumsum(slots)))
        start = self._add_routers(below)
        spans = []
        row = 0
        while row < len(below):
            end = int(np.searchsorted(running, running[row] + PAGE_CAPACITY, "right")) - 1
            spans.append((row, end))
            row = end
        first_page = len(self._pages)
        self._add_siblings([(start + a, start + b) for a, b in spans], leaf=False)
        return [(below[a][0], first_page + i) for i, (a, _) in enumerate(spans)]

    def _add_routers(self, below: list[tuple[bytes, int]]) -> int:
        start = len(self._router_names)
        self._router_names.extend(name for name, _ in below)
        self._router_pages.extend(page for _, page in below)
        return start

    def _add_siblings(self, spans: list[tuple[int, int]], *, leaf: bool) -> None:
        base = len(self._pages)
        for i, (a, b) in enumerate(spans):
            self._pages.append(
                PlannedNode(a, b, base + i, leaf, base + i - 1 if i else -1, base + i + 1 if i + 1 < len(spans) else -1)
            )

    def _separator(self, left: int, right: int) -> bytes:
        """The router for the leaf that starts at entry `right`: just enough of its key to be above `left`'s."""
        unit = self._dialect.name_unit
        a, b, name = self._keys[left], self._keys[right], self._names[right]
        common = next((i for i in range(0, min(len(a), len(b)), unit) if a[i : i + unit] != b[i : i + unit]), len(a))
        return name[: common + unit]

    def render(self, addresses: NDArray[np.int64], blocks_per_page: int) -> tuple[Words, Words]:
        """The bytes of all roots and pages.

        Args:
            addresses: block address of each page, shape (pages,), in the order in which directories were given.
            blocks_per_page: length of a page in blocks.

        Returns:
            Roots, shape (directories, 288), and pages, shape (pages, 4096), dtype uint8.
        """
        d = self._dialect
        roots = np.tile(np.frombuffer(empty_root(self._codec, 0), np.uint8), (self._count, 1))
        pages = np.tile(np.frombuffer(empty_page(self._codec, 0, leaf=True), np.uint8), (len(self._pages), 1))
        kinds = ((True, self._leaves, d.structures.leaf_slot), (False, self._routers, d.structures.internal_slot))
        for leaf, level, record in kinds:
            for area, nodes, first_slot in ((roots, self._roots, 1), (pages, self._pages, FIRST_SLOT)):
                chosen = [(i, node) for i, node in enumerate(nodes) if node.leaf is leaf and node.last > node.first]
                if not chosen:
                    continue
                rows, heads = level.place(area, chosen, first_slot)
                table = area.reshape(-1).view(record.dtype)
                if leaf:
                    table["inumber"][heads] = self._children[rows]
                    if self._indexed:
                        first = np.repeat(self._bounds[:-1], self.entry_counts)
                        table["index"][heads] = FIRST_INDEX + rows - first[rows]
                else:
                    children = addresses[np.array(self._router_pages)[rows]]
                    d.put_pxd(table["pxd"], heads, children, blocks_per_page)
        self._root_headers(roots)
        self._page_headers(pages, addresses, blocks_per_page)
        return roots, pages

    def _root_headers(self, roots: Words) -> None:
        header = roots[:, :SLOT].copy().view(self._dialect.structures.dtree_root.dtype)[:, 0]
        header["idotdot"] = self._parents
        header["flag"] = [ROOT_LEAF if n.leaf else ROOT_INTERNAL for n in self._roots]
        used = np.array([self._level(n).slot_count(n) for n in self._roots], np.int64)
        header["nextindex"] = [n.last - n.first for n in self._roots]
        header["freecnt"] = ROOT_CAPACITY - used
        header["freelist"] = np.where(used < ROOT_CAPACITY, used + 1, -1)
        for i, node in enumerate(self._roots):
            heads = self._level(node).head_slots(node, 1)
            header["stbl"][i, : len(heads)] = heads
        roots[:, :SLOT] = header.view(np.uint8).reshape(-1, SLOT)

    def _page_headers(self, pages: Words, addresses: NDArray[np.int64], blocks_per_page: int) -> None:
        if not len(pages):
            return
        header = pages[:, :SLOT].copy().view(self._dialect.structures.dtree_page_header.dtype)[:, 0]
        with_end = np.append(addresses, 0)  # index -1: no sibling
        header["next"] = with_end[[n.next for n in self._pages]]
        header["prev"] = with_end[[n.previous for n in self._pages]]
        header["flag"] = [LEAF if n.leaf else INTERNAL for n in self._pages]
        used = np.array([self._level(n).slot_count(n) for n in self._pages], np.int64)
        header["nextindex"] = [n.last - n.first for n in self._pages]
        header["freecnt"] = PAGE_CAPACITY - used
        header["freelist"] = np.where(used < PAGE_CAPACITY, FIRST_SLOT + used, -1)
        self._dialect.put_pxd(header["self"], slice(None), addresses, blocks_per_page)
        pages[:, :SLOT] = header.view(np.uint8).reshape(-1, SLOT)
        for i, node in enumerate(self._pages):
            heads = self._level(node).head_slots(node, FIRST_SLOT)
            pages[i, TABLE_SLOT * SLOT : TABLE_SLOT * SLOT + len(heads)] = heads

    def _level(self, node: PlannedNode) -> SlotRows:
        return self._leaves if node.leaf else self._routers
