"""Checks 14, 16 and 52 to 59: extent trees.

The roots of all inodes of a group are judged at once; only trees with pages are walked one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import PAGE
from ..xtree import FILE_EXTENT, FIRST_ENTRY, INTERNAL, LEAF, MAX_DEPTH, PAGE_MAXENTRY, file_extents
from .ownership import owner_name
from .subject import Subject

NEW, EXTENDED = 0x01, 0x02
_SIDES = 0x30
"""Bits that mark the left and right edge; nobody uses them."""
_ROOT_LEAF, _ROOT_INTERNAL = 0x83, 0x85
_NO_LIMIT = 1 << 62


@dataclass
class Trees:
    """What a number of extent trees hold.

    Attributes:
        data: blocks of their extents, shape (trees,).
        pages: blocks of their pages, shape (trees,).
        end: logical block after the last extent, shape (trees,).
        count: extents, shape (trees,).
    """

    data: NDArray[np.int64]
    pages: NDArray[np.int64]
    end: NDArray[np.int64]
    count: NDArray[np.int64]


def check_trees(
    subject: Subject,
    owners: NDArray[np.int64],
    at: NDArray[np.int64],
    roots: NDArray[np.uint8],
    capacities: tuple[int, ...],
    *,
    found: list[NDArray[Any]] | None = None,
) -> Trees:
    """Judge extent trees and claim their blocks.

    Args:
        subject: the file system.
        owners: owner of each tree, shape (trees,).
        at: byte offset of each root in the device, shape (trees,).
        roots: header and entries of each root, shape (trees, bytes), contiguous.
        capacities: what `maxentry` of a root may be.
        found: receives the extents that make sense, arrays of `FILE_EXTENT`.
    """
    return _Walk(subject, owners, at, found).check(roots, capacities)


class _Walk:
    def __init__(
        self, subject: Subject, owners: NDArray[np.int64], at: NDArray[np.int64], found: list[NDArray[Any]] | None
    ) -> None:
        self.subject = subject
        self.owners = owners
        self.at = at
        self.found = found
        self.header = subject.dialect.structures.xtree_header
        self.xad = subject.dialect.structures.xad
        self.trees = Trees(*(np.zeros(len(owners), np.int64) for _ in range(4)))

    def check(self, roots: NDArray[np.uint8], capacities: tuple[int, ...]) -> Trees:
        s, record = self.subject, self.header
        header = np.ascontiguousarray(roots[:, : record.size]).view(record.dtype)[:, 0]
        most = roots.shape[1] // self.xad.size
        flag, count, capacity = header["flag"] & ~np.uint8(_SIDES), header["nextindex"], header["maxentry"]
        bad_flag = (flag != _ROOT_LEAF) & (flag != _ROOT_INTERNAL)
        bad_count = (count < FIRST_ENTRY) | (count > np.minimum(capacity, most))
        bad_count |= (flag == _ROOT_INTERNAL) & (count == FIRST_ENTRY)
        bad_capacity = ~np.isin(capacity, capacities)
        s.find_rows(
            "xtree-flag", record, "flag", bad_flag, self.at,
            lambda i: f"flag {header['flag'][i]:#x} of the root of {self._name(i)}, expected 0x83 or 0x85",
        )  # fmt: skip
        s.find_rows(
            "xtree-capacity", record, "maxentry", bad_capacity, self.at,
            lambda i: f"maxentry {capacity[i]} of the root of {self._name(i)}, expected "
            + " or ".join(map(str, capacities)),
        )  # fmt: skip
        s.find_rows(
            "xtree-count", record, "nextindex", bad_count & ~bad_capacity, self.at,
            lambda i: f"nextindex {count[i]} of the root of {self._name(i)}, expected 2 to {capacity[i]}",
        )  # fmt: skip
        sound = ~bad_flag & (count >= FIRST_ENTRY) & (count <= most)
        xads = np.ascontiguousarray(roots[:, record.size :]).view(self.xad.dtype)
        rows = np.flatnonzero(sound & (flag == _ROOT_LEAF) & (count > FIRST_ENTRY))
        if len(rows):
            mask = np.arange(xads.shape[1]) < (count[rows] - FIRST_ENTRY)[:, None]
            tree, index = np.nonzero(mask)
            tree = rows[tree]
            self._extents(xads[tree, index], tree, self.at[tree] + (FIRST_ENTRY + index) * self.xad.size)
        for row in np.flatnonzero(sound & (flag == _ROOT_INTERNAL) & (count > FIRST_ENTRY)).tolist():
            self._pages(row, file_extents(s.dialect, xads[row, : count[row] - FIRST_ENTRY]))
        return self.trees

    def _name(self, row: int) -> str:
        return owner_name(int(self.owners[row]))

    def _extents(self, xads: NDArray[Any], tree: NDArray[np.int64], at: NDArray[np.int64]) -> None:
        """Entries of leaves, in the order of each tree; `tree` says which one, `at` where each entry lies."""
        s, record, trees = self.subject, self.xad, self.trees
        e = file_extents(s.dialect, xads)
        bad = s.volume.bad_extents(e["address"], e["length"])
        known = s.dialect.extent_flags
        s.find_rows(
            "extent-range", record, "addr_lo", bad, at,
            lambda i: f"extent {e['length'][i]}@{e['address'][i]} of {self._name(int(tree[i]))} "
            f"is not inside blocks 1 to {s.volume.blocks - 1}",
        )  # fmt: skip
        s.find_rows(
            "extent-flags", record, "flag", (e["flag"] & ~np.uint8(known)) != 0, at,
            lambda i: f"flag {e['flag'][i]:#x} of an extent of {self._name(int(tree[i]))}",
        )  # fmt: skip
        ends = e["offset"] + e["length"]
        before = trees.end[tree]
        same = tree[1:] == tree[:-1]
        before[1:][same] = ends[:-1][same]
        s.find_rows(
            "xtree-order", record, "off_lo", e["offset"] < before, at,
            lambda i: f"an extent of {self._name(int(tree[i]))} at block {e['offset'][i]}, "
            f"expected {before[i]} or more",
        )  # fmt: skip
        np.maximum.at(trees.end, tree, ends)
        np.add.at(trees.count, tree, 1)
        np.add.at(trees.data, tree, e["length"])
        good = ~bad
        s.owners.claim_many(e["address"][good], e["length"][good], self.owners[tree[good]])
        if self.found is not None:
            self.found.append(e[good])

    def _pages(self, row: int, entries: NDArray[Any]) -> None:
        """Walk the pages below an internal root level by level."""
        s, root = self.subject, int(self.at[row])
        if entries["offset"][0] != 0:
            text = f"the first router of {self._name(row)} has offset {entries['offset'][0]}, expected 0"
            s.find("xtree-left-edge", self.xad, "off_lo", root + FIRST_ENTRY * self.xad.size, text)
        at = root + (FIRST_ENTRY + np.arange(len(entries))) * self.xad.size
        level = self._children(row, entries, at, _NO_LIMIT)
        for _ in range(MAX_DEPTH):
            level = self._level(row, level)
            if not level:
                return
        self._shape(row, level[0][0], "flag", f"more than {MAX_DEPTH} levels")

    def _children(
        self, row: int, entries: NDArray[Any], at: NDArray[np.int64], limit: int
    ) -> list[tuple[int, int, int]]:
        """(block, smallest key, key that is too large) of the child pages that make sense."""
        s, bpp, owner = self.subject, self.subject.volume.blocks_per_page, int(self.owners[row])
        children = []
        next_keys = [*entries["offset"][1:].tolist(), limit]
        for entry, place, end in zip(entries.tolist(), at.tolist(), next_keys, strict=True):
            offset, length, address, flag = entry
            if offset >= end:
                text = f"a router of {self._name(row)} with offset {offset}, the next one has {end}"
                s.find("xtree-order", self.xad, "off_lo", place, text)
            page = f"page {length}@{address} of {self._name(row)}"
            if flag:
                s.find("extent-flags", self.xad, "flag", place, f"flag {flag:#x} of {page}")
            if not s.inside(address, length):
                s.find("extent-range", self.xad, "addr_lo", place, f"{page} is not inside the file system")
            elif length != bpp:
                s.find("xtree-self", self.xad, "len", place, f"{page} is not one page of {bpp} blocks")
            else:
                self.trees.pages[row] += bpp
                if s.owners.enter(address, length, owner):
                    children.append((address, offset, end))
        return children

    def _level(self, row: int, nodes: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """Judge the pages of one level from left to right; returns the level below."""
        s, record = self.subject, self.header
        below: list[tuple[int, int, int]] = []
        kinds: set[int] = set()
        for i, (address, key, limit) in enumerate(nodes):
            at = address * s.volume.block_size
            raw = s.device.read(at, PAGE)
            header = record.table(raw, 1)[0]
            links = (nodes[i - 1][0] if i else 0, nodes[i + 1][0] if i + 1 < len(nodes) else 0)
            if (int(header["prev"]), int(header["next"])) != links:
                self._shape(row, address, "next", f"siblings {header['prev']} and {header['next']}, expected {links}")
            kind, count = int(header["flag"]) & ~_SIDES, int(header["nextindex"])
            name = f"page {address} of {self._name(row)}"
            if header["maxentry"] != PAGE_MAXENTRY:
                s.find("xtree-capacity", record, "maxentry", at, f"maxentry {header['maxentry']} of {name}")
            if s.pxd(header["self"]) != (address, s.volume.blocks_per_page):
                own, length = s.pxd(header["self"])
                s.find("xtree-self", record, "self", at, f"{name} says that it is {length}@{own}")
            if kind not in (LEAF, INTERNAL):
                s.find("xtree-flag", record, "flag", at, f"flag {header['flag']:#x} of {name}, expected 2 or 4")
                continue
            if not FIRST_ENTRY < count <= PAGE_MAXENTRY:
                s.find("xtree-count", record, "nextindex", at, f"nextindex {count} of {name}, expected 3 to 256")
                continue
            kinds.add(kind)
            xads = self.xad.table(raw, count - FIRST_ENTRY, FIRST_ENTRY * self.xad.size)
            entries = file_extents(s.dialect, xads)
            low, high = int(entries["offset"][0]), int(entries["offset"].max())
            if low < key or high >= limit:
                until = "the end" if limit == _NO_LIMIT else limit
                text = f"{name} holds offsets {low} to {high}, its router says {key} to {until}"
                s.find("xtree-routers", self.xad, "off_lo", at + FIRST_ENTRY * self.xad.size, text)
            places = at + (FIRST_ENTRY + np.arange(len(entries))) * self.xad.size
            if kind == LEAF:
                self._extents(xads, np.full(len(xads), row), places)
            else:
                below += self._children(row, entries, places, limit)
        if len(kinds) > 1:
            self._shape(row, nodes[0][0], "flag", "leaves and internal pages on one level")
        return below

    def _shape(self, row: int, address: int, field: str, text: str) -> None:
        at = address * self.subject.volume.block_size
        self.subject.find("xtree-shape", self.header, field, at, f"page {address} of {self._name(row)}: {text}")


def extents_of(
    subject: Subject, owner: int, at: int, root: NDArray[np.uint8], capacities: tuple[int, ...]
) -> tuple[NDArray[Any], Trees]:
    """Judge one tree and return its extents, an array of `FILE_EXTENT`, with its counts."""
    found: list[NDArray[Any]] = []
    trees = check_trees(
        subject, np.array([owner]), np.array([at]), np.ascontiguousarray(root)[None, :], capacities, found=found
    )
    return np.concatenate(found) if found else np.empty(0, FILE_EXTENT), trees
