"""Digests of an image while it is copied: workers read and write, and one thread digests their buffers in order.

The image is taken apart into spans of a buffer's size, holes inside them as zeros; between two spans is a hole.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple

from ..device import BlockDevice
from .digests import Digest
from .mover import BUFFER, Mover, Stopped
from .runs import Run, Task

_RING = 8
"""Buffers of a worker: so far may it be ahead of the digests."""
_ZEROS = bytes(BUFFER)

Piecewise = Callable[[int, memoryview], None]
"""Told of data: where it is, and the bytes, which are gone afterwards."""


class NumberedTask(list[Run]):
    """A task whose runs lie within a buffer's size.

    Attributes:
        number: counted from 0, in their order.
    """

    number = 0


def spans(runs: Iterable[Run]) -> Iterator[NumberedTask]:
    """Group runs into spans, large ones in several."""
    span = NumberedTask()
    number = start = 0
    for source, at, to, length in runs:
        while length:
            if not span:
                start = to
            room = start + BUFFER - to
            if room > 0:
                part = min(room, length)
                span.append(Run(source, at, to, part))
                at, to, length = at + part, to + part, length - part
            if length or room <= 0:
                span.number, number = number, number + 1
                yield span
                span = NumberedTask()
    if span:
        span.number = number
        yield span


class _Item(NamedTuple):
    number: int
    start: int
    runs: Task
    data: memoryview
    taken: threading.Lock


class Hashing:
    """The thread that digests.

    Args:
        digests: each is told the whole image, holes as zeros.
        told: told of the data, in order.

    Attributes:
        useless: nothing is digested any more, for the image is not known as a whole.
    """

    def __init__(self, digests: Sequence[Digest], told: Piecewise | None = None) -> None:
        self._digests, self._told = digests, told
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._at = 0
        self.useless = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="copy-digests")
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Hand a span over; its lock is released when its buffer is free again."""
        self._queue.put(item)

    def close(self, *, useless: bool = False) -> None:
        """End the thread; what was handed over is digested, unless that is useless: a hole may take an hour."""
        self.useless |= useless
        self._queue.put(None)
        self._thread.join()

    def finish(self, size: int) -> None:
        """Digest the hole up to the end; the thread has ended.

        Raises:
            Exception: what ended the digests.
        """
        if self._error is not None:
            raise self._error
        self._hole(size)

    def _work(self) -> None:
        early: dict[int, _Item] = {}
        number = 0
        while (item := self._queue.get()) is not None:
            early[item.number] = item
            while (item := early.pop(number, None)) is not None:
                try:
                    if self._error is None and not self.useless:
                        self._digest(item)
                except BaseException as error:
                    self._error = error
                finally:
                    item.taken.release()
                number += 1

    def _digest(self, item: _Item) -> None:
        self._hole(item.start)
        for digest in self._digests:
            digest.update(item.data)
        self._at = item.start + len(item.data)
        if self._told is not None:
            for _, _, to, length in item.runs:
                self._told(to, item.data[to - item.start : to - item.start + length])

    def _hole(self, end: int) -> None:
        while self._at < end and self._digests and not self.useless:
            size = min(len(_ZEROS), end - self._at)
            for digest in self._digests:
                digest.update(memoryview(_ZEROS)[:size])
            self._at += size


class HashingMover(Mover):
    """Moves spans, and hands each buffer to the digests too.

    Args:
        target: where all runs go.
        hashing: the digests.
        options: see `Mover`; with `go_on` there is no digest of an image with gaps.
    """

    def __init__(self, target: BlockDevice, hashing: Hashing, **options: Any) -> None:
        super().__init__(target, **options)
        self._hashing = hashing
        self._ring: list[tuple[memoryview, threading.Lock]] = []
        self._turn = 0

    def move(self, task: Task) -> None:
        """See `Mover.move`."""
        assert isinstance(task, NumberedTask)
        if len(self._ring) < _RING:
            self._ring.append((memoryview(mmap.mmap(-1, BUFFER)), threading.Lock()))
        buffer, taken = self._ring[self._turn % len(self._ring)]
        self._turn += 1
        while not taken.acquire(timeout=0.1):  # an error elsewhere may be why nobody gives it back
            if self.stop:
                raise Stopped
        start = filled = task[0].to
        read = []
        for source, at, to, length in task:
            buffer[filled - start : to - start] = bytes(to - filled)
            filled = to + length
            read.append(self._read(source, at, to, buffer[to - start : filled - start]))
        self._hashing.useless |= not all(read)
        self._hashing.put(_Item(task.number, start, task, buffer[: filled - start], taken))
        for (source, _, to, length), known in zip(task, read, strict=True):
            if known and source is not self._target:  # the copy's own bytes are only digested
                self.write(to, buffer[to - start : to - start + length])
            self.reached = to + length
        if self.stop:
            raise Stopped
