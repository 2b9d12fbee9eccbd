"""Contents of disks after a crash, page by page, and results that are kept by what they read.

Thousands of crashes differ in a few pages. A page is kept once, under a number; a state of the disks is a dictionary of
numbers. What is worked out from a state depends on the pages that were read on the way and on nothing else: the next
state in which the same pages are the same has the same result, and nothing is run. That is exact, not a guess: the
pages are compared in the order in which they were read, so each decides which is read next. The same holds for a part
of a function, with what it is given beside the disks (`Shortcuts`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import import_module
from typing import Any
from unittest.mock import patch

import numpy as np

from lvmfmt.block import BlockDevice
from lvmfmt.block.device import Buffer, Extent, byte_view
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Event, Write
from lvmfmt.errors import LvmfmtError
from lvmfmt.jfs2.log.map_events import MapEvents
from lvmfmt.jfs2.log.page_images import PageImages
from lvmfmt.jfs2.log.pages import Ring
from lvmfmt.jfs2.log.sharing import Share
from lvmfmt.jfs2.superblock import Superblock
from lvmfmt.layout.record import Record
from lvmfmt.units import SECTOR

redo_module = import_module("lvmfmt.jfs2.log.redo")  # the package has a function of that name

PAGE = 4096
Key = tuple[int, int]
"""(disk, page of it)."""
Pages = dict[Key, int]
"""Number of the content of each page that some event touches."""


class Contents:
    """Pages, each kept once."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._digests: dict[tuple[Key, int], int] = {}
        self.pages: list[bytes] = []

    def number(self, page: bytes) -> int:
        """The number of a content."""
        number = self._numbers.setdefault(page, len(self.pages))
        if number == len(self.pages):
            self.pages.append(page)
        return number

    def digest(self, key: Key, number: int) -> int:
        """128 bits for a page with a content; those of all pages of a state add up to those of the state."""
        found = self._digests.get((key, number))
        if found is None:
            digest = blake2b(self.pages[number], digest_size=16, salt=b"%x.%x" % key)
            found = self._digests[key, number] = int.from_bytes(digest.digest(), "little")
        return found


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
        reads: gets each page that is read for the first time; None: nobody asks.
    """

    def __init__(
        self, number: int, base: BlockDevice, pages: Pages, contents: Contents, reads: dict[Key, int] | None
    ) -> None:
        self.name, self.size = base.name, base.size
        self._number, self._base, self._pages, self._contents, self._reads = number, base, pages, contents, reads

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        if not len(view):
            return
        first, last = offset // PAGE, (offset + len(view) - 1) // PAGE
        if first < last or (self._number, first) not in self._pages:
            self._base.read_into(offset, view)
        for page in range(first, last + 1):
            key = (self._number, page)
            found = self._pages.get(key, -1)
            if self._reads is not None:
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

    def at(self, reads: Iterable[tuple[Key, int]]) -> _Node:
        """The node behind these pages, made when missing."""
        node = self
        for key, found in reads:
            if node.key is None:
                node.key = key
            assert node.key == key, "it is not a function of what it reads"
            node = node.next.setdefault(found, _Node())
        return node


class Memo:
    """A function of the disks whose results are kept by what it read.

    Args:
        bases: the disks before the first event.
        contents: the pages of all states.
        function: gets the disks, for reading and for writing on top.
        keep: False for a function that reads so much that it is faster to call it each time.

    Attributes:
        runs: how often the function was called.
    """

    def __init__(
        self, bases: Sequence[BlockDevice], contents: Contents, function: Callable[[list[Overlay]], Any],
        *, keep: bool = True,
    ) -> None:  # fmt: skip
        self._bases, self._contents, self._function, self._keep = bases, contents, function, keep
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
        told = reads if self._keep else None
        disks = [Overlay(CrashDisk(i, base, pages, self._contents, told)) for i, base in enumerate(self._bases)]
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
        if self._keep:
            self._root.at(reads.items()).result = value, written
        return value, written


class _Seen(Unwritable):
    """A device that tells what is read of it, page by page."""

    def __init__(self, base: BlockDevice, contents: Contents) -> None:
        self.name, self.size = base.name, base.size
        self._base, self._contents = base, contents
        self.reads: dict[int, int] = {}

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer)
        end = offset + len(view)
        for page in range(offset // PAGE, -(-end // PAGE)):
            if page not in self.reads:
                self.reads[page] = self._contents.number(_page(self._base, page))
            low, high = max(page * PAGE, offset), min((page + 1) * PAGE, end)
            content = self._contents.pages[self.reads[page]]
            view[low - offset : high - offset] = content[low - page * PAGE : high - page * PAGE]

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """All of it is data."""
        yield Extent(offset, self.size - offset if length is None else length, True)


_OF_IMAGES = "_images", "_deleted"
_OF_EVENTS = "_blocks", "inodes", "extents", "table_entries", "aggregate_inodes"


class Shortcuts:
    """Parts of a replay whose results are kept.

    Superblocks by their bytes; what the records of a log say, by the pages of the log; new maps, by what the records
    say of them and the pages that are read.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._parsed: dict[tuple[Record, bytes], Any] = {}
        self._collected: dict[Hashable, tuple[tuple[int, int], dict[str, Any], dict[str, Any]]] = {}
        self._maps: dict[Hashable, _Node] = {}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The product takes them."""
        parse, collect, rebuild = Record.parse, redo_module._collect, redo_module._rebuild_maps

        def parsed(record: Record, buffer: Any, *, offset: int = 0, where: str = "") -> Any:
            key = record, bytes(buffer[: record.size])
            if key not in self._parsed:
                self._parsed[key] = parse(record, buffer, offset=offset, where=where)
            return self._parsed[key]

        def collected(
            ring: Ring, share: Share, superblock: Superblock, images: PageImages, events: MapEvents
        ) -> tuple[int, int]:
            log = ring.log
            raw = log.device.read(log.offset, log.pages * PAGE).tobytes()
            key = raw, share.place, id(superblock.values)  # parsed once, and kept
            known = self._collected.get(key)
            if known is None:
                counts = collect(ring, share, superblock, images, events)
                self._collected[key] = (
                    counts,
                    {k: vars(images)[k] for k in _OF_IMAGES},
                    {k: vars(events)[k] for k in _OF_EVENTS},
                )
                return counts
            counts, of_images, of_events = known
            vars(images).update(of_images)
            vars(events).update(of_events)
            return counts

        def rebuilt(superblock: Superblock, pages: Overlay, maps: Overlay, events: MapEvents) -> None:
            self._rebuild(rebuild, superblock, pages, maps, events)

        with ExitStack() as stack:
            stack.enter_context(patch.object(Record, "parse", parsed))
            stack.enter_context(patch.object(redo_module, "_collect", collected))
            stack.enter_context(patch.object(redo_module, "_rebuild_maps", rebuilt))
            yield

    def _rebuild(
        self, rebuild: Callable[..., None], superblock: Superblock, pages: Overlay, maps: Overlay, events: MapEvents
    ) -> None:
        key = (
            superblock.offset, events.block_table().tobytes(),
            *(tuple(part.items()) for part in (
                events.inodes, events.extents, events.table_entries, events.aggregate_inodes
            )),
        )  # fmt: skip
        node = self._maps.setdefault(key, _Node())
        while node.key is not None:
            below = node.next.get(self._contents.number(_page(pages, node.key[1])))
            if below is None:
                break
            node = below
        if node.result is None or node.key is not None:
            seen = _Seen(pages, self._contents)
            seen.read(superblock.offset, PAGE)  # what is known of it decides as well
            lower = Overlay(seen)
            upper = Overlay(lower)
            rebuild(superblock, lower, upper, events)
            node = self._maps[key].at(((0, page), found) for page, found in seen.reads.items())
            node.result = [
                [(at, device.read(at, length)) for at, length in device.dirty_ranges()] for device in (lower, upper)
            ]
        for device, written in zip((pages, maps), node.result, strict=True):
            for at, data in written:
                device.write(at, data)


class States:
    """What the disks may hold after a crash.

    Args:
        bases: the disks before the first event.
        events: (disk, event) in the order in which they were issued.
        contents: gets the pages.
    """

    def __init__(self, bases: Sequence[BlockDevice], events: Sequence[tuple[int, Event]], contents: Contents) -> None:
        self._contents, self._bases = contents, bases
        self._pieces = [list(_pieces(disk, event)) for disk, event in events]
        start = {key: contents.number(_page(bases[key[0]], key[1])) for pieces in self._pieces for key, _, _ in pieces}
        self.start: Pages = start
        self.flying: list[list[int]] = [[]]
        self._safe: list[Pages] = [start]
        self._base = sum(_digest(disk) << i for i, disk in enumerate(bases))
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

    def content(self, pages: Pages, key: Key) -> int:
        """The number of what a page holds in a state."""
        found = pages.get(key)
        return self._contents.number(_page(self._bases[key[0]], key[1])) if found is None else found

    def digest(self, pages: Pages) -> int:
        """128 bits for what the disks hold: different states of all recordings have different ones."""
        digest, start = self._contents.digest, self.start
        changed = sum(digest(key, number) for key, number in pages.items() if number != start[key])
        return (self._base + changed) % (1 << 128)

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


def _digest(disk: BlockDevice) -> int:
    """128 bits for what a disk holds."""
    return int.from_bytes(blake2b(disk.read(0, disk.size), digest_size=16).digest(), "little")


def _page(disk: BlockDevice, number: int) -> bytes:
    at = number * PAGE
    return disk.read(at, min(PAGE, disk.size - at)).tobytes().ljust(PAGE, b"\0")
