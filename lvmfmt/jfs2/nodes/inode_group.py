"""Pages of an inode map: inode groups (`iag`) with their lists, and the map's own page (`dinomap`).

Extents and committed bits are the truth; summaries, counts and lists follow from them. Source: [jfs2 2.6, 3.1], [jfs2
invariants 24 to 41].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import (
    EXTENT_BYTES,
    EXTENTS_PER_IAG,
    INODE_SIZE,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    PAGE,
    Geometry,
)
from .map_words import bits_of, words_of
from .page_faults import PageFaults, single

_GROUPS = 128
"""Allocation groups that an inode map has room for."""
_LINKS = ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback", "iagfree")
_UNKNOWN = ("pad", "in_unused", "in_rsvd")
"""Fields without a known meaning."""
PLACE_CHECKS = ("iag-number", "iag-extent-length", "extent-range")
"""Checks of what names the inodes' places; they hold while a file system is in use, too."""
MAP_CHECKS = ("iag-unbacked-bits", "iag-maps-agree", "iag-extent-summary")
"""Checks of the maps of a file system that was unmounted."""


class InodeGroups:
    """Pages of inode groups, taken apart.

    Args:
        dialect: structures and byte order.
        geometry: of the file system.
        table: the pages, shape (groups,), dtype of the iag record.
        first: number of the first group.
        blocks: extents lie inside so many blocks; by default those of the geometry.
        variable: whether inode extents may be shorter than 16 KiB.

    Attributes:
        table: as given.
        numbers: of the groups, shape (groups,).
        address: block of each inode extent, shape (groups, 128).
        length: blocks of each, same shape.
        present: which extents there are, same shape.
    """

    def __init__(
        self,
        dialect: Dialect,
        geometry: Geometry,
        table: NDArray[Any],
        *,
        first: int = 0,
        blocks: int | None = None,
        variable: bool = False,
    ) -> None:
        self._record, self._geometry = dialect.structures.iag, geometry
        self.table, self.numbers = table, first + np.arange(len(table))
        self.length, self.address = dialect.get_pxd(table["inoext"])
        self.present = (self.length != 0) | (self.address != 0)
        self._size = self.length * geometry.block_size
        self._right = self._size == EXTENT_BYTES
        if variable:
            self._right |= (self._size > 0) & (self._size < EXTENT_BYTES) & (self._size % PAGE == 0)
        end = geometry.blocks if blocks is None else blocks
        bad = (self.address <= 0) | (self.length <= 0) | (self.address + self.length > end)
        self._outside = self.present & bad

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Which inodes are in use as committed, shape (groups, 4096)."""
        return bits_of(self.table["pmap"])

    @cached_property
    def working(self) -> NDArray[np.bool_]:
        """Which inodes are in use by the working map, same shape."""
        return bits_of(self.table["wmap"])

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Which extents can be, shape (groups, 128)."""
        sound: NDArray[np.bool_] = self.present & self._right & ~self._outside
        return sound

    @property
    def backed(self) -> NDArray[np.int64]:
        """Inodes that lie in extents, shape (groups,)."""
        backed: NDArray[np.int64] = np.where(self.present & self._right, self._size // INODE_SIZE, 0).sum(axis=1)
        return backed

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """Free inodes in extents, shape (groups,)."""
        in_extent = (~self.working).reshape(len(self.table), EXTENTS_PER_IAG, INODES_PER_EXTENT).sum(axis=2)
        free: NDArray[np.int64] = np.where(self.present, in_extent, 0).sum(axis=1)
        return free

    @property
    def missing(self) -> NDArray[np.int64]:
        """Extents that there are not, shape (groups,)."""
        missing: NDArray[np.int64] = (~self.present).sum(axis=1)
        return missing

    def faults(self, checks: Collection[str] | None = None) -> Iterator[PageFaults]:
        """All that is wrong with them, or what these checks say."""
        t = self.table
        judges: tuple[tuple[str, str, Callable[[], Any], str], ...] = (
            ("iag-number", "iagnum", lambda: t["iagnum"] != self.numbers, "the number of its page"),
            ("iag-ag-start", "agstart", self._bad_start, "the start of an allocation group"),
            ("iag-unbacked-bits", "wmap", self._unbacked, "no inode in use"),
            (
                "iag-extent-length", "inoext", lambda: self.present & ~self._right,
                f"{self._geometry.blocks_per_extent} blocks",
            ),
            ("extent-range", "inoext", lambda: self._outside, "an extent inside the file system"),
            ("iag-maps-agree", "pmap", lambda: t["wmap"] != t["pmap"], "the same as wmap"),
            ("iag-inode-summary", "inosmap", self._wrong_summary, "0 for free inodes, else 1"),
            (
                "iag-extent-summary", "extsmap", lambda: bits_of(t["extsmap"]) != self.present,
                "1 for an extent, else 0",
            ),
            ("iag-extent-place", "inoext", self._elsewhere, "an extent in the group's allocation group"),
        )  # fmt: skip
        for check, field, judge, right in judges:
            if (checks is None or check in checks) and (wrong := judge()).any():
                yield self._fault(check, field, wrong, right)
        if checks is None or "iag-counts" in checks:
            yield from self._count("nfreeinos", self.free)
            yield from self._count("nfreeexts", self.missing)

    def _fault(self, check: str, field: str, wrong: NDArray[np.bool_], right: str) -> PageFaults:
        """A rule of the groups, or of their extents: `wrong` of shape (groups,) or (groups, 128)."""
        each: Any = wrong.any(axis=1) if wrong.ndim == 2 else wrong

        def found(row: int) -> object:
            if wrong.ndim == 1:
                return self.table[field][row]
            e = int(wrong[row].argmax())
            return f"extent {e} ({self.length[row, e]}@{self.address[row, e]})"

        def words(row: int) -> str:
            verb = f"of {found(row)}:" if wrong.ndim == 2 else f"is {found(row)},"
            return f"group {self.numbers[row]}: {field} {verb} expected {right}"

        harmless = check == "iag-extent-place"
        return PageFaults(check, self._record, field, each, lambda _: right, found, words, harmless)

    def _count(self, field: str, counted: NDArray[np.int64]) -> Iterator[PageFaults]:
        found = self.table[field]
        wrong: Any = found != counted
        if wrong.any():
            yield PageFaults(
                "iag-counts", self._record, field, wrong, lambda i: counted[i], lambda i: found[i],
                lambda i: f"group {self.numbers[i]}: {field} is {found[i]}, counted {counted[i]}",
            )  # fmt: skip

    def _bad_start(self) -> NDArray[np.bool_]:
        start, g = self.table["agstart"].astype(np.int64), self._geometry
        bad: NDArray[np.bool_] = (start < 0) | (start >= g.blocks) | (start % g.ag_size != 0)
        return bad

    def _unbacked(self) -> NDArray[np.bool_]:
        unbacked: NDArray[np.bool_] = ~self.present & ((self.table["wmap"] != 0) | (self.table["pmap"] != 0))
        return unbacked

    def _wrong_summary(self) -> NDArray[np.bool_]:
        full = self.table["wmap"].astype(np.int64) == 0xFFFFFFFF
        wrong: NDArray[np.bool_] = bits_of(self.table["inosmap"]) != ~(self.present & ~full)
        return wrong

    def _elsewhere(self) -> NDArray[np.bool_]:
        log2 = self._geometry.ag_log2
        group = (self.table["agstart"] >> log2)[:, None]
        elsewhere: NDArray[np.bool_] = self.present & ~self._outside & (self.address >> log2 != group)
        return elsewhere


class InodeMapSums:
    """What the map's own page has to say of all groups, as they go by.

    Args:
        dialect: structures and byte order.
        geometry: of the file system.
        groups: how many there are.
    """

    def __init__(self, dialect: Dialect, geometry: Geometry, groups: int) -> None:
        self._dialect, self._geometry, self._count = dialect, geometry, groups
        self._links = np.zeros(groups, dialect.structures.iag.dtype[["agstart", *_LINKS]])
        self._backed, self._free, self._missing = (np.zeros(groups, np.int64) for _ in range(3))

    def add(self, groups: InodeGroups) -> None:
        """Take some groups into account."""
        here = slice(int(groups.numbers[0]), int(groups.numbers[-1]) + 1) if len(groups.numbers) else slice(0, 0)
        for field in self._links.dtype.names or ():
            self._links[field][here] = groups.table[field]
        self._backed[here], self._free[here], self._missing[here] = groups.backed, groups.free, groups.missing

    def faults(self, page: NDArray[Any]) -> Iterator[PageFaults]:
        """All that is wrong with the map's own page, shape (1,), after all groups have been added."""
        record, row, links = self._dialect.structures.dinomap, page[0], self._links
        yield from inode_control_faults(self._dialect, self._geometry, page, self._count)
        for field, counted in (("in_numinos", int(self._backed.sum())), ("in_numfree", int(self._free.sum()))):
            yield from single("imap-counts", record, field, row[field] != counted, counted, row[field])
        starts = links["agstart"].astype(np.int64) >> self._geometry.ag_log2
        of_group = np.clip(starts, 0, _GROUPS - 1)
        control = row["in_agctl"]
        inodes, unused = (np.bincount(of_group, c, _GROUPS).astype(np.int64) for c in (self._backed, self._free))
        for group in np.flatnonzero((control["numinos"] != inodes) | (control["numfree"] != unused)).tolist():
            right = f"{inodes[group]} inodes, {unused[group]} free"
            found = f"{control['numinos'][group]} and {control['numfree'][group]}"
            words = f"allocation group {group} has {right}; its counts say {found}"
            yield from single("imap-ag-counts", record, f"in_agctl[{group}]", True, right, found, words)
        some = (self._missing > 0) & (self._missing < EXTENTS_PER_IAG)
        for check, head, forward, back, member in (
            ("imap-inode-list", "inofree", "inofreefwd", "inofreeback", self._free > 0),
            ("imap-extent-list", "extfree", "extfreefwd", "extfreeback", some),
        ):
            listed = np.flatnonzero((control[head] != -1) | (np.bincount(of_group[member], minlength=_GROUPS) > 0))
            for group in listed.tolist():  # the others have no list, and need none
                rows = set(np.flatnonzero(member & (of_group == group)).tolist())
                wrong = self._list(int(control[head][group]), links[forward], links[back], rows)
                words = f"list {head} of allocation group {group}: {wrong}"
                yield from single(check, record, f"in_agctl[{group}]", bool(wrong), "a whole list", wrong, words)
        empty = set(np.flatnonzero(self._missing == EXTENTS_PER_IAG).tolist())
        wrong = self._list(int(row["in_freeiag"]), links["iagfree"], None, empty)
        linked = np.flatnonzero((links["iagfree"] != -1) & (self._missing != EXTENTS_PER_IAG))
        if not wrong and len(linked):
            wrong = f"group {linked[0]} does not belong there, its iagfree is {links['iagfree'][linked[0]]}"
        words = f"list in_freeiag: {wrong}"
        yield from single("imap-free-list", record, "in_freeiag", bool(wrong), "a whole list", wrong, words)

    def _list(self, head: int, forward: NDArray[Any], back: NDArray[Any] | None, members: set[int]) -> str:
        """What is wrong with a list of groups; "" when it holds exactly `members`."""
        seen: set[int] = set()
        before, group = -1, head
        while group != -1:
            if not 0 <= group < self._count:
                return f"group {group} does not exist"
            if group in seen:
                return f"group {group} is met twice"
            if back is not None and back[group] != before:
                return f"group {group} links back to {back[group]}, expected {before}"
            seen.add(group)
            before, group = group, int(forward[group])
        if missing := members - seen:
            return f"group {min(missing)} is missing"
        if strange := seen - members:
            return f"group {min(strange)} does not belong there"
        return ""


def inode_control_faults(dialect: Dialect, geometry: Geometry, page: NDArray[Any], groups: int) -> Iterator[PageFaults]:
    """What is wrong with the map's own page, shape (1,), as far as can be said without a look at the groups."""
    per_extent = geometry.blocks_per_extent
    for check, field, right in (
        ("imap-iag-count", "in_nextiag", groups),
        ("imap-extent-length", "in_nbperiext", per_extent),
        ("imap-extent-length", "in_l2nbperiext", per_extent.bit_length() - 1),
    ):
        found = page[field][0]
        yield from single(check, dialect.structures.dinomap, field, found != right, right, found)


def group_pages(
    dialect: Dialect,
    geometry: Geometry,
    used: NDArray[np.bool_],
    extents: NDArray[np.int64],
    *,
    first: int = 0,
) -> NDArray[Any]:
    """Pages of inode groups with everything but their lists.

    Args:
        dialect: structures and byte order.
        geometry: for allocation groups and extent length.
        used: which inodes are in use, shape (groups * 4096,).
        extents: block address of each inode extent, 0 for none, shape (groups * 128,).
        first: number of the first group.

    Returns:
        shape (groups,), dtype of the iag record; all links are -1 (see `link_groups`).
    """
    count = len(extents) // EXTENTS_PER_IAG
    places = extents.reshape(count, EXTENTS_PER_IAG)
    backed = places != 0
    in_use = used.reshape(count, EXTENTS_PER_IAG, INODES_PER_EXTENT)
    full = in_use.all(axis=2)
    table = dialect.structures.iag.empty_table(count)
    first_extent = places[np.arange(count), backed.argmax(axis=1)]
    table["agstart"] = first_extent >> geometry.ag_log2 << geometry.ag_log2
    table["iagnum"] = first + np.arange(count)
    for link in _LINKS:
        table[link] = -1
    table["inosmap"] = words_of(~(backed & ~full))
    table["extsmap"] = words_of(backed)
    table["nfreeinos"] = (backed[:, :, None] & ~in_use).sum(axis=(1, 2))
    table["nfreeexts"] = EXTENTS_PER_IAG - backed.sum(axis=1)
    table["wmap"] = table["pmap"] = words_of(in_use.reshape(count, INODES_PER_IAG))
    lengths = np.where(backed, geometry.blocks_per_extent, 0)
    dialect.put_pxd(table["inoext"], slice(None), places, lengths)
    return table


def renewed_groups(
    dialect: Dialect,
    geometry: Geometry,
    old: NDArray[Any],
    used: NDArray[np.bool_],
    extents: NDArray[np.int64],
    *,
    first: int = 0,
) -> NDArray[Any]:
    """The same over pages `old`: the allocation group that one is in stays where it can be, and what nobody knows."""
    new = group_pages(dialect, geometry, used, extents, first=first)
    start = old["agstart"].astype(np.int64)
    right = (start >= 0) & (start < geometry.blocks) & (start % geometry.ag_size == 0)
    new["agstart"] = np.where(right, start, new["agstart"])
    return with_unknown(new, old)


def with_unknown(new: NDArray[Any], old: NDArray[Any]) -> NDArray[Any]:
    """Pages of an inode map with the fields without a known meaning taken over from others; changed in place."""
    for field in _UNKNOWN:
        if field in (new.dtype.names or ()):
            new[field] = old[field]
    return new


def link_groups(
    dialect: Dialect, geometry: Geometry, groups: NDArray[Any], old: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Link the lists of all groups of a map, and make the page over them.

    Args:
        dialect: structures and byte order.
        geometry: for allocation groups and extent length.
        groups: every page, shape (groups,), changed: links of the lists.
        old: the page as it is, shape (1,): what nobody knows of it stays.

    Returns:
        shape (1,), dtype of the dinomap record.
    """
    page = dialect.structures.dinomap.empty_table(1)
    for link in _LINKS:
        groups[link] = -1
    of_group = groups["agstart"].astype(np.int64) >> geometry.ag_log2
    backed = (EXTENTS_PER_IAG - groups["nfreeexts"].astype(np.int64)) * INODES_PER_EXTENT
    free = groups["nfreeinos"].astype(np.int64)
    page["in_freeiag"] = -1
    page["in_nextiag"] = len(groups)
    page["in_numinos"] = backed.sum()
    page["in_numfree"] = free.sum()
    page["in_nbperiext"] = geometry.blocks_per_extent
    page["in_l2nbperiext"] = geometry.blocks_per_extent.bit_length() - 1
    empty = np.flatnonzero(backed == 0)
    if len(empty):
        page["in_freeiag"] = empty[0]
        groups["iagfree"][empty] = np.append(empty[1:], -1)
    control = page["in_agctl"][0]
    control["numinos"] = np.bincount(of_group, backed, _GROUPS)
    control["numfree"] = np.bincount(of_group, free, _GROUPS)
    for head, forward, back, member in (
        ("inofree", "inofreefwd", "inofreeback", free > 0),
        ("extfree", "extfreefwd", "extfreeback", (groups["nfreeexts"] > 0) & (backed > 0)),
    ):
        control[head] = -1
        for group in np.unique(of_group[member]).tolist():
            rows = np.flatnonzero(member & (of_group == group))
            control[head][group] = rows[0]
            groups[forward][rows] = np.append(rows[1:], -1)
            groups[back][rows] = np.insert(rows[:-1], 0, -1)
    return page if old is None else with_unknown(page, old)
