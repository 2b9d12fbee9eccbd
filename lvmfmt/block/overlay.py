"""A copy-on-write view of a device, kept in memory: the base is read and never written."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator

import numpy as np

from .device import BlockDevice, Buffer, Bytes, Extent, byte_view

OVERLAY_PAGE = 4096
_PART = 1024
"""Pages of one write when the changes are committed."""

Ranges = list[tuple[int, int]]
"""(first, end) pairs."""


class Overlay(BlockDevice):
    """A device whose writes stay in memory, in pages of 4096 bytes. Closing it leaves the base open.

    It may be written whether or not its base may. Overlays stack: an overlay on an overlay is a second, independent
    layer of changes.

    Args:
        base: what lies below; its content must not change while the overlay is in use.
        name: what to call the device in messages; by default as the base.
    """

    writable = True

    def __init__(self, base: BlockDevice, *, name: str = "") -> None:
        self.base = base
        self.name = name or base.name
        self.size = base.size
        self._pages: dict[int, Bytes] = {}
        self._punched: Ranges = []  # page numbers, disjoint and ascending; a page in `_pages` comes first
        self._lock = threading.Lock()

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer, fill=True)
        self.check_range(offset, len(view))
        if not len(view):
            return
        end = offset + len(view)
        first, last = offset // OVERLAY_PAGE, (end - 1) // OVERLAY_PAGE
        if first == last and not self._punched:  # most reads: they need no lists
            page = self._pages.get(first)
            if page is None:
                self.base.read_into(offset, view)
            else:
                view[:] = page.data[offset - first * OVERLAY_PAGE : end - first * OVERLAY_PAGE]
            return
        changed = self._changed_pages(first, last + 1)
        out = np.frombuffer(view, np.uint8)
        if len(changed) <= last - first:
            self.base.read_into(offset, view)
            for start, stop in _clip(self._punched, first, last + 1):
                out[max(start * OVERLAY_PAGE - offset, 0) : stop * OVERLAY_PAGE - offset] = 0
        for number in changed:
            low, high = max(number * OVERLAY_PAGE, offset), min((number + 1) * OVERLAY_PAGE, end)
            out[low - offset : high - offset] = self._pages[number][
                low - number * OVERLAY_PAGE : high - number * OVERLAY_PAGE
            ]

    def write(self, offset: int, buffer: Buffer) -> None:
        """Keep the bytes in memory."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        self.keep(offset, np.frombuffer(view, np.uint8).copy())

    def keep(self, offset: int, data: Bytes) -> None:
        """As `write`, of bytes that nobody changes any more."""
        self.check_range(offset, len(data))
        end = offset + len(data)
        with self._lock:
            whole, after = -(-offset // OVERLAY_PAGE), end // OVERLAY_PAGE
            if whole >= after:
                self._patch(offset, data)
                return
            head, tail = whole * OVERLAY_PAGE - offset, after * OVERLAY_PAGE - offset
            self._patch(offset, data[:head])
            self._pages.update(zip(range(whole, after), data[head:tail].reshape(-1, OVERLAY_PAGE), strict=True))
            self._patch(offset + tail, data[tail:])

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Pages in memory are data, punched ranges holes; the rest is as the base has it."""
        length = self.length_of(offset, length)
        pending = Extent(offset, 0, False)
        for extent in self._extents(offset, offset + length):
            if extent.is_data == pending.is_data or not pending.length:
                pending = Extent(pending.offset, pending.length + extent.length, extent.is_data)
            else:
                yield pending
                pending = extent
        if pending.length:
            yield pending

    def punch(self, offset: int, length: int) -> None:
        """Make a range read as zeros; what was kept in memory for it is dropped."""
        self.check_range(offset, length)
        end = offset + length
        # the bytes behind the end of the device belong to nobody: its last page may go as a whole
        first, last = -(-offset // OVERLAY_PAGE), -(-end // OVERLAY_PAGE) if end == self.size else end // OVERLAY_PAGE
        with self._lock:
            if first >= last:
                self._patch(offset, np.zeros(length, np.uint8))
                return
            self._patch(offset, np.zeros(first * OVERLAY_PAGE - offset, np.uint8))
            for number in self._changed_pages(first, last):
                del self._pages[number]
            self._punched = _joined([*self._punched, (first, last)])
            self._patch(last * OVERLAY_PAGE, np.zeros(max(end - last * OVERLAY_PAGE, 0), np.uint8))

    def flush(self) -> None:
        """Nothing to do: memory does not survive a crash."""

    def close(self) -> None:
        """Drop the changes."""
        self._pages.clear()
        self._punched = []

    def dirty_ranges(self) -> list[tuple[int, int]]:
        """(offset, length) of what was written or punched, whole pages, ascending and coalesced."""
        changed = _joined([*_runs(self._pages), *self._punched])
        return [(a * OVERLAY_PAGE, min(b * OVERLAY_PAGE, self.size) - a * OVERLAY_PAGE) for a, b in changed]

    def commit_to(self, device: BlockDevice) -> None:
        """Write the changes to `device` (the base, or another copy of it), ascending; without a barrier.

        Raises:
            OperationRefused: the device was opened for reading.
            ImageIOError: it is smaller, or the system refused.
        """
        device.check_writable()
        device.check_range(0, self.size)
        for a, b in self._punched:
            for start, stop in _without(a, b, _runs(self._changed_pages(a, b))):
                device.punch(start * OVERLAY_PAGE, min(stop * OVERLAY_PAGE, self.size) - start * OVERLAY_PAGE)
        for a, b in _runs(self._pages):
            for start in range(a, b, _PART):
                data = np.concatenate([self._pages[number] for number in range(start, min(start + _PART, b))])
                device.write(start * OVERLAY_PAGE, data[: self.size - start * OVERLAY_PAGE])

    def _patch(self, offset: int, data: Bytes) -> None:
        """Change bytes of pages that are not written as a whole."""
        at = offset
        while at < offset + len(data):
            number, inside = divmod(at, OVERLAY_PAGE)
            part = data[at - offset : at - offset + OVERLAY_PAGE - inside]
            page = self._pages.get(number)
            if page is None:
                page = np.zeros(OVERLAY_PAGE, np.uint8)
                if not _clip(self._punched, number, number + 1):
                    self.base.read_into(number * OVERLAY_PAGE, page[: self.size - number * OVERLAY_PAGE])
            else:
                page = page.copy()  # a reader may hold it; and rows of one write share their memory
            page[inside : inside + len(part)] = part
            self._pages[number] = page
            at += len(part)

    def _changed_pages(self, first: int, end: int) -> list[int]:
        """Numbers of the pages in memory from `first` up to `end`, ascending."""
        if end - first <= len(self._pages):
            return [number for number in range(first, end) if number in self._pages]
        return sorted(number for number in self._pages if first <= number < end)

    def _extents(self, offset: int, end: int) -> Iterator[Extent]:
        first, last = offset // OVERLAY_PAGE, -(-end // OVERLAY_PAGE)
        data = _runs(self._changed_pages(first, last))
        holes = [hole for a, b in _clip(self._punched, first, last) for hole in _without(a, b, data)]
        at = offset
        for a, b, is_data in sorted([(a, b, True) for a, b in data] + [(a, b, False) for a, b in holes]):
            start, stop = max(a * OVERLAY_PAGE, offset), min(b * OVERLAY_PAGE, end)
            if start > at:
                yield from self.base.extents(at, start - at)
            yield Extent(start, stop - start, is_data)
            at = stop
        if at < end:
            yield from self.base.extents(at, end - at)


def _runs(numbers: Iterable[int]) -> Ranges:
    """Numbers as ranges."""
    return _joined([(number, number + 1) for number in numbers])


def _joined(ranges: Ranges) -> Ranges:
    """Ranges sorted, those that touch or overlap made one."""
    result: Ranges = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def _clip(ranges: Ranges, first: int, end: int) -> Ranges:
    """The parts of sorted ranges that lie between `first` and `end`."""
    at = max(bisect_right(ranges, (first, first)) - 1, 0)
    result: Ranges = []
    for start, stop in ranges[at:]:
        if start >= end:
            break
        if stop > first:
            result.append((max(start, first), min(stop, end)))
    return result


def _without(start: int, end: int, taken: Ranges) -> Ranges:
    """The parts of a range that sorted ranges leave over."""
    result: Ranges = []
    for a, b in _clip(taken, start, end):
        if a > start:
            result.append((start, a))
        start = b
    return [*result, (start, end)] if start < end else result
