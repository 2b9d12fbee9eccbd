"""Checks 24 to 41 but 40: inode maps, the aggregate's and the fileset's alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..geometry import EXTENT_BYTES, EXTENTS_PER_IAG, INODE_SIZE, INODES_PER_IAG, PAGE
from .mapfile import MapFile
from .subject import Subject

_CHUNK = 64
_GROUPS = 128
_ALL = 0xFFFFFFFF


class Iag(NamedTuple):
    """An inode allocation group whose page was judged.

    Attributes:
        number: of it.
        address: block of each inode extent, shape (128,); 0 for none, and for those that cannot be.
        length: blocks of each, shape (128,).
        used: which inodes are in use as committed, shape (4096,).
    """

    number: int
    address: NDArray[np.int64]
    length: NDArray[np.int64]
    used: NDArray[np.bool_]


class InodeMapChecker:
    """Judges one inode map.

    Args:
        subject: the file system.
        map: its pages.
        title: what to call it in messages.
        reserved: inodes that are always in use.
    """

    def __init__(self, subject: Subject, map: MapFile, title: str, reserved: tuple[int, ...]) -> None:
        self._subject = subject
        self._map = map
        self._title = title
        self._reserved = reserved
        self._dinomap, self._iag = subject.dialect.structures.dinomap, subject.dialect.structures.iag
        self._vix = subject.superblock.variable_inode_extents
        self.iags = max(map.pages - 1, 0)
        self._links = np.zeros(self.iags, self._iag.dtype[["agstart", *_LINKS]])
        self._backed, self._free, self._missing = (np.zeros(self.iags, np.int64) for _ in range(3))

    def groups(self) -> Iterator[Iag]:
        """Judge every inode allocation group and yield it."""
        for first in range(0, self.iags, _CHUNK):
            raw, places = self._map.read(first + 1, min(_CHUNK, self.iags - first))
            rows = raw.view(self._iag.dtype)[:, 0]
            for field in self._links.dtype.names or ():
                self._links[field][first : first + len(rows)] = rows[field]
            yield from self._chunk(first, rows, np.maximum(places, 0))

    def _chunk(self, first: int, rows: NDArray[Any], at: NDArray[np.int64]) -> Iterator[Iag]:
        s, numbers = self._subject, first + np.arange(len(rows))
        length, address = s.dialect.get_pxd(rows["inoext"])
        present = (length != 0) | (address != 0)
        size = length * s.volume.block_size
        right = size == EXTENT_BYTES
        if self._vix:
            right |= (size > 0) & (size < EXTENT_BYTES) & (size % PAGE == 0)
        outside = present & s.volume.bad_extents(address, length)
        inodes = np.where(present & right, size // INODE_SIZE, 0)
        working, used = _bits(rows["wmap"]), _bits(rows["pmap"])
        words = rows["wmap"].astype(np.int64)
        free = np.where(present, _zeros(working), 0)
        here = slice(first, first + len(rows))
        self._backed[here], self._free[here] = inodes.sum(axis=1), free.sum(axis=1)
        self._missing[here] = (~present).sum(axis=1)
        elsewhere = (
            present & ~outside & (address >> s.geometry.ag_log2 != (rows["agstart"] >> s.geometry.ag_log2)[:, None])
        )

        def rule(name: str, field: str, wrong: NDArray[np.bool_], expected: str) -> None:
            def text(row: int) -> str:
                what = f"{self._title}, group {first + row}: {field}"
                if wrong.ndim == 2:
                    e = int(wrong[row].argmax())
                    return f"{what} of extent {e} ({length[row, e]}@{address[row, e]}): expected {expected}"
                return f"{what} is {rows[field][row]}, expected {expected}"

            each = wrong.any(axis=1) if wrong.ndim == 2 else wrong
            s.find_rows(name, self._iag, field, each, at, text)

        rule("iag-number", "iagnum", rows["iagnum"] != numbers, "the number of its page")
        start = rows["agstart"].astype(np.int64)
        bad_start = (start < 0) | (start >= s.volume.blocks) | (start % s.geometry.ag_size != 0)
        rule("iag-ag-start", "agstart", bad_start, "the start of an allocation group")
        bits = (words != 0) | (rows["pmap"] != 0)
        rule("iag-unbacked-bits", "wmap", ~present & bits, "no inode in use")
        rule("iag-extent-length", "inoext", present & ~right, f"{s.geometry.blocks_per_extent} blocks")
        rule("extent-range", "inoext", outside, "an extent inside the file system")
        rule("iag-maps-agree", "pmap", rows["wmap"] != rows["pmap"], "the same as wmap")
        summary = ~(present & (words != _ALL))
        rule("iag-inode-summary", "inosmap", _bits(rows["inosmap"]) != summary, "0 for free inodes, else 1")
        rule("iag-extent-summary", "extsmap", _bits(rows["extsmap"]) != present, "1 for an extent, else 0")
        rule("iag-extent-place", "inoext", elsewhere, "an extent in the group's allocation group")
        self._counts("nfreeinos", first, rows, self._free[here], at)
        self._counts("nfreeexts", first, rows, self._missing[here], at)
        if first == 0:
            for number in self._reserved:
                if not used[0, number]:
                    self._reserved_free(number, int(at[0]))
        sound = present & right & ~outside
        for i in range(len(rows)):
            yield Iag(first + i, np.where(sound[i], address[i], 0), np.where(sound[i], length[i], 0), used[i])

    def _counts(
        self, field: str, first: int, rows: NDArray[Any], counted: NDArray[np.int64], at: NDArray[np.int64]
    ) -> None:
        self._subject.find_rows(
            "iag-counts", self._iag, field, rows[field] != counted, at,
            lambda i: f"{self._title}, group {first + i}: {field} is {rows[field][i]}, counted {counted[i]}",
        )  # fmt: skip

    def _reserved_free(self, number: int, at: int) -> None:
        name = "imap-reserved-inodes"
        self._subject.find(name, self._iag, "pmap", at, f"{self._title}: inode {number} is reserved, but not in use")

    def finish(self) -> None:
        """Judge the control page against all groups; they have been yielded before."""
        s, record = self._subject, self._dinomap
        raw, places = self._map.read(0, 1)
        row, at = raw.view(record.dtype)[0, 0], max(int(places[0]), 0)
        links, per_extent = self._links, s.geometry.blocks_per_extent

        def rule(name: str, field: str, expected: int) -> None:
            if row[field] != expected:
                text = f"{self._title}: {field} is {row[field]}, expected {expected}"
                s.find(name, record, field, at, text)

        rule("imap-iag-count", "in_nextiag", self.iags)
        rule("imap-extent-length", "in_nbperiext", per_extent)
        rule("imap-extent-length", "in_l2nbperiext", per_extent.bit_length() - 1)
        rule("imap-counts", "in_numinos", int(self._backed.sum()))
        rule("imap-counts", "in_numfree", int(self._free.sum()))
        groups = np.clip(links["agstart"].astype(np.int64) >> s.geometry.ag_log2, 0, _GROUPS - 1)
        control = row["in_agctl"]
        inodes, unused = np.zeros(_GROUPS, np.int64), np.zeros(_GROUPS, np.int64)
        np.add.at(inodes, groups, self._backed)
        np.add.at(unused, groups, self._free)
        for group in range(_GROUPS):
            found = (int(control["numinos"][group]), int(control["numfree"][group]))
            if found != (inodes[group], unused[group]):
                text = f"{self._title}: allocation group {group} has {inodes[group]} inodes, {unused[group]} free; "
                text += f"its counts say {found[0]} and {found[1]}"
                s.find("imap-ag-counts", record, f"in_agctl[{group}]", at, text)
        some = (self._missing > 0) & (self._missing < EXTENTS_PER_IAG)
        for name, head, forward, back, member in (
            ("imap-inode-list", "inofree", "inofreefwd", "inofreeback", self._free > 0),
            ("imap-extent-list", "extfree", "extfreefwd", "extfreeback", some),
        ):
            for group in range(_GROUPS):
                rows = np.flatnonzero(member & (groups == group)) if self.iags else np.zeros(0, np.int64)
                fault = self._list(int(control[head][group]), links[forward], links[back], set(rows.tolist()))
                if fault:
                    text = f"{self._title}: list {head} of allocation group {group}: {fault}"
                    s.find(name, record, f"in_agctl[{group}]", at, text)
        empty = set(np.flatnonzero(self._missing == EXTENTS_PER_IAG).tolist())
        if fault := self._list(int(row["in_freeiag"]), links["iagfree"], None, empty):
            s.find("imap-free-list", record, "in_freeiag", at, f"{self._title}: list in_freeiag: {fault}")

    def _list(self, head: int, forward: NDArray[Any], back: NDArray[Any] | None, members: set[int]) -> str:
        """What is wrong with a list of groups; "" when it holds exactly `members`."""
        seen: set[int] = set()
        before, group = -1, head
        while group != -1:
            if not 0 <= group < self.iags:
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


_LINKS = ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback", "iagfree")


def _bits(words: NDArray[Any]) -> NDArray[np.bool_]:
    """Map words, shape (rows, words), bit 0 the most significant: shape (rows, 32 * words)."""
    return np.unpackbits(words.astype(">u4").view(np.uint8), axis=1).view(np.bool_)


def _zeros(bits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Zero bits of each map word: shape (rows, 4096) gives (rows, 128)."""
    words = (~bits).reshape(len(bits), EXTENTS_PER_IAG, INODES_PER_IAG // EXTENTS_PER_IAG)
    zeros: NDArray[np.int64] = words.sum(axis=2)
    return zeros
