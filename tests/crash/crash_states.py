"""Contents of disks after a crash, page by page, and results that are kept by what they read.

Thousands of crashes differ in a few pages. A page is kept once, under a number; a state of the disks is a dictionary of
numbers. What is worked out from a state depends on the pages that were read on the way and on nothing else: the next
state in which the same pages are the same has the same result, and nothing is run. That is exact, not a guess: the
pages are compared in the order in which they were read, so each decides which is read next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lvmfmt.block import BlockDevice
from lvmfmt.block.device import Buffer, Extent, byte_view
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Event, Write
from lvmfmt.errors import LvmfmtError
from lvmfmt.units import SECTOR

PAGE = 4096
Key = tuple[int, int]
"""(disk, page of it)."""
Pages = dict[Key, int]
"""Number of the content of each page that some event touches."""


class Contents:
    """Pages, each kept once."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self.pages: list[bytes] = []

    def number(self, page: bytes) -> int:
        """The number of a content."""
        number = self._numbers.setdefault(page, len(self.pages))
        if number == len(self.pages):
            self.pages.append(page)
        return number


class Unwritable(BlockDevice):
    """A device for reading."""

    writable = False

    def write(self, offset: int, buffer: Buffer) -> None:
        """Refused."""
        self.check_writable()

    def punch(self, offset: int, length: int) -> None:
        """Refused."""
        self.check_writable()

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class EmptyDisk(Unwritable):
    """Zeros, for overlays to be written on.

    Args:
        size: bytes of it.
        name: what to call it.
    """

    def __init__(self, size: int, name: str = "disk") -> None:
        self.name, self.size = name, size

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Zeros."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        np.frombuffer(view, np.uint8)[:] = 0

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """One hole."""
        yield Extent(offset, self.size - offset if length is None else length, False)


class CrashDisk(Unwritable):
    """A disk of a state; reading tells what was read.

    Args:
        number: of the disk.
        base: what it held before the first event.
        pages: what differs.
        contents: the pages.
        reads: gets each page that is read for the first time.
    """

    def __init__(self, number: int, base: BlockDevice, pages: Pages, contents: Contents, reads: dict[Key, int]) -> None:
        self.name, self.size = base.name, base.size
        self._number, self._base, self._pages, self._contents, self._reads = number, base, pages, contents, reads

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        if not len(view):
            return
        self._base.read_into(offset, view)
        for page in range(offset // PAGE, (offset + len(view) - 1) // PAGE + 1):
            key = (self._number, page)
            found = self._pages.get(key, -1)
            self._reads.setdefault(key, found)
            if found >= 0:
                low, high = max(page * PAGE, offset), min((page + 1) * PAGE, offset + len(view))
                view[low - offset : high - offset] = self._contents.pages[found][low - page * PAGE : high - page * PAGE]

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """All of it is data: holes of the base say nothing of the state."""
        yield Extent(offset, self.size - offset if length is None else length, True)


@dataclass(slots=True)
class _Node:
    key: Key | None = None
    next: dict[int, _Node] = field(default_factory=dict)
    result: Any = None


class Memo:
    """A function of the disks whose results are kept by what it read.

    Args:
        bases: the disks before the first event.
        contents: the pages of all states.
        function: gets the disks, for reading and for writing on top.

    Attributes:
        runs: how often the function was called.
    """

    def __init__(
        self, bases: Sequence[BlockDevice], contents: Contents, function: Callable[[list[Overlay]], Any]
    ) -> None:
        self._bases, self._contents, self._function = bases, contents, function
        self._root = _Node()
        self.runs = 0

    def __call__(self, pages: Pages) -> tuple[Any, Pages]:
        """What the function returns or the error of ours that it raises, and the pages that it writes."""
        node = self._root
        while node.key is not None:
            below = node.next.get(pages.get(node.key, -1))
            if below is None:
                break
            node = below
        else:
            if node.result is not None:
                kept: tuple[Any, Pages] = node.result
                return kept
        return self._run(pages)

    def _run(self, pages: Pages) -> tuple[Any, Pages]:
        self.runs += 1
        reads: dict[Key, int] = {}
        disks = [Overlay(CrashDisk(i, base, pages, self._contents, reads)) for i, base in enumerate(self._bases)]
        try:
            value = self._function(disks)
        except LvmfmtError as error:
            value = error
        written = {
            (i, at // PAGE): self._contents.number(
                disk.read(at, min(PAGE, disk.size - at)).tobytes().ljust(PAGE, b"\0")
            )
            for i, disk in enumerate(disks)
            for offset, length in disk.dirty_ranges()
            for at in range(offset, offset + length, PAGE)
        }
        node = self._root
        for key, found in reads.items():
            if node.key is None:
                node.key = key
            assert node.key == key, "it is not a function of what it reads"
            node = node.next.setdefault(found, _Node())
        node.result = value, written
        return value, written


class States:
    """What the disks may hold after a crash.

    Args:
        bases: the disks before the first event.
        events: (disk, event) in the order in which they were issued.
        contents: gets the pages.
    """

    def __init__(self, bases: Sequence[BlockDevice], events: Sequence[tuple[int, Event]], contents: Contents) -> None:
        self._contents = contents
        self._pieces = [list(_pieces(disk, event)) for disk, event in events]
        start = {key: contents.number(_page(bases[key[0]], key[1])) for pieces in self._pieces for key, _, _ in pieces}
        self.start: Pages = start
        self.flying: list[list[int]] = [[]]
        self._safe: list[Pages] = [start]
        for i, (disk, event) in enumerate(events):
            flying, safe = [*self.flying[-1], i], self._safe[-1]
            if isinstance(event, Barrier):
                safe = dict(safe)
                for done in (j for j in flying if events[j][0] == disk):
                    self._put(safe, done)
                flying = [j for j in flying if events[j][0] != disk]
            self.flying.append(flying)
            self._safe.append(safe)

    def after(self, upto: int, drop: Sequence[int] = (), tear: Mapping[int, Sequence[int]] | None = None) -> Pages:
        """The disks when power fails; arguments as for `lvmfmt.block.trace.replay`, over all disks."""
        pages, lost = dict(self._safe[upto]), set(drop)
        for i in self.flying[upto]:
            if i in lost:
                continue
            self._put(pages, i, None if tear is None or i not in tear else set(tear[i]))
        return pages

    def _put(self, pages: Pages, index: int, sectors: set[int] | None = None) -> None:
        for key, start, data in self._pieces[index]:
            if sectors is None and len(data) == PAGE:
                pages[key] = self._contents.number(data)
                continue
            page = bytearray(self._contents.pages[pages[key]])
            first = key[1] * PAGE + start
            for at in range(first // SECTOR * SECTOR, first + len(data), SECTOR):
                if sectors is None or at // SECTOR in sectors:
                    low, high = max(at, first), min(at + SECTOR, first + len(data))
                    page[low - key[1] * PAGE : high - key[1] * PAGE] = data[low - first : high - first]
            pages[key] = self._contents.number(bytes(page))


def _pieces(disk: int, event: Event) -> Iterator[tuple[Key, int, bytes]]:
    """(page, byte offset in it, bytes) of a write."""
    if isinstance(event, Write):
        data = np.zeros(event.length, np.uint8) if event.data is None else event.data
        at = event.offset
        while at < event.offset + event.length:
            end = min((at // PAGE + 1) * PAGE, event.offset + event.length)
            yield (disk, at // PAGE), at % PAGE, data[at - event.offset : end - event.offset].tobytes()
            at = end


def _page(disk: BlockDevice, number: int) -> bytes:
    at = number * PAGE
    return disk.read(at, min(PAGE, disk.size - at)).tobytes().ljust(PAGE, b"\0")
