"""Mirror write consistency: which logical track groups (LTGs) of mirrored LVs may differ between their copies.

Before an LTG is written, the record on each disk that holds a copy of it names it, durably. So after an unclean stop
only the LTGs in the records can have unequal copies. A record has 62 entries (I5), the LTGs that were written last;
one leaves it only when its writes are durable on all copies. Two sectors are written alternately, so that one torn
in the middle leaves the one before it, and the write that it was to announce has not begun.

That a record names LV and LTG is ours (grade C), as is an entry for a whole LV with passive consistency, made before
its first write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from ...block import BlockDevice
from ...errors import ImageIOError
from ...layout.lvm_disk import MWC_RECORD
from ...units import SECTOR
from ..disk.barrier import DiskFailed, write_sync
from ..disk.identity import stamp, stamp_words
from ..kinds import VgKind

_ROWS = 62
SLOTS = _ROWS
"""Entries of a record that are used."""
WHOLE = 0xFFFFFFFF
"""LTG number that stands for all of an LV; passive consistency, grade C."""


class Ltg(NamedTuple):
    """A logical track group: the minor number of its LV, and its number there (byte offset / LTG size)."""

    minor: int
    number: int


def psns(kind: VgKind) -> range:
    """The sectors that records are written to in turn."""
    return range(100, 120) if kind is VgKind.SCALABLE else range(2, 4)


def read(device: BlockDevice, kind: VgKind) -> tuple[int, list[Ltg], int]:
    """The newest valid record of a disk.

    Returns:
        Its time stamp in nanoseconds since 1970 (0 if there is none), its entries, and the sector it lies in.

    Raises:
        DiskFailed: the disk refused.
    """
    best: tuple[int, list[Ltg], int] = (0, [], psns(kind)[-1])
    for psn in psns(kind):
        try:
            values = MWC_RECORD.parse(device.read(psn * SECTOR, SECTOR))
        except ImageIOError as error:
            raise DiskFailed(device, error) from error
        begin, end = stamp(values.begin_sec, values.begin_nsec), stamp(values.end_sec, values.end_nsec)
        if begin == end and begin > best[0]:
            best = begin, [Ltg(e.minor, e.ltg) for e in values.entries if e.minor], psn
    return best


def build(now: int, entries: Collection[Ltg]) -> bytes:
    """The sector of a record."""
    sec, nsec = stamp_words(now)
    rows = [{"minor": e.minor, "ltg": e.number} for e in entries]
    rows += [{"minor": 0, "ltg": 0}] * (_ROWS - len(rows))
    ends = {f"{end}_{unit}": value for end in ("begin", "end") for unit, value in (("sec", sec), ("nsec", nsec))}
    return MWC_RECORD.build({**ends, "entries": rows})


class MwcCache:
    """The record of one disk of a group that is varied on.

    Attributes:
        entries: what the record on the disk names, the oldest first.
        dirty: those of them with writes that are not durable yet.
    """

    def __init__(self, device: BlockDevice, kind: VgKind) -> None:
        self.device = device
        self._psns = psns(kind)
        self._stamp, found, self._psn = read(device, kind)
        self.entries: dict[Ltg, None] = dict.fromkeys(found)
        self.dirty: set[Ltg] = set()

    def evicts_dirty(self, ltgs: Collection[Ltg]) -> bool:
        """Whether to name these LTGs another one has to go whose writes are not durable."""
        return any(ltg in self.dirty for ltg in self._leaving(ltgs))

    def note(self, ltgs: Collection[Ltg], now: int) -> None:
        """Name LTGs, at most 62, before they are written; durable when this returns.

        Raises:
            DiskFailed: the disk refused.
        """
        if not all(ltg in self.entries for ltg in ltgs):
            entries = [e for e in self.entries if e not in self._leaving(ltgs) and e not in ltgs]
            self._write([*entries, *ltgs], now)
        self.entries = {**{e: None for e in self.entries if e not in ltgs}, **dict.fromkeys(ltgs)}
        self.dirty.update(ltgs)

    def clear(self, now: int) -> None:
        """Name nothing: all copies are equal.

        Raises:
            DiskFailed: the disk refused.
        """
        if self.entries:
            self._write([], now)
        self.dirty.clear()

    def _leaving(self, ltgs: Iterable[Ltg]) -> list[Ltg]:
        coming = {ltg for ltg in ltgs if ltg not in self.entries}
        surplus = len(self.entries) + len(coming) - SLOTS
        return [e for e in self.entries if e not in set(ltgs)][: max(0, surplus)]

    def _write(self, entries: list[Ltg], now: int) -> None:
        at = self._psns.index(self._psn)
        psn = self._psns[(at + 1) % len(self._psns)]
        self._stamp = max(now, self._stamp + 1)
        write_sync(self.device, psn * SECTOR, build(self._stamp, entries))
        self._psn = psn
        self.entries = dict.fromkeys(entries)
