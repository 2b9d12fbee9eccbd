"""Moving the runs of a task in the fastest way that their devices allow.

Between image files, or ranges of them, small runs go by copy_file_range(2), without a copy of ours; large ones by
positioned reads and writes with one buffer that stays in the processor's cache. All else is read and written as devices
do it, what is adjacent on the target in one write.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from collections import Counter
from collections.abc import Iterator
from typing import cast

from ...errors import ImageIOError
from ...units import GIB, KIB, MIB, align_up
from ..device import BlockDevice
from ..imagefile import ImageFile
from .runs import Source, Task

BUFFER = 256 * KIB
"""Bytes of a worker's buffer: what was read is still in the processor's second-level cache when it is written."""
_DIRECT_BUFFER = MIB
_SMALL = 64 * KIB
"""A run shorter than this is left to the system: two calls and a copy would cost more than its bytes."""
_RANGE_MOST = GIB
"""Bytes that one copy_file_range is asked for."""
WHOLE_BLOCK = 4096
"""What a write around the cache is aligned to, and what is looked at for zeros."""
_ZEROS = bytes(WHOLE_BLOCK)
_UNABLE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF, errno.ETXTBSY}
"""How a system says that it cannot copy a range itself."""

GONE = {errno.ENODEV, errno.ENXIO, errno.EBADF}
"""How a system says that there is no device any more, or nothing at that place of it."""
Ranges = list[tuple[int, int]]
"""(offset, length) pairs, ascending."""

RANGE, POSITIONED, DIRECT, DEVICES, REFLINK = (
    "copy_file_range", "reads and writes", "reads and direct writes", "devices", "reflink"
)  # fmt: skip
"""Names of the ways."""


class Stopped(Exception):
    """Another worker has failed."""


class Mover:
    """What a worker moves tasks with; it belongs to one thread at a time.

    Args:
        target: where all runs go.
        align: see `CopyPlan`.
        find_zeros: blocks of zeros become holes.
        punch: the target holds something that does not read as zeros yet.
        direct: a descriptor of the target that writes around the cache, for what is aligned; -1 for none.
        go_on: leave out what a source refuses.

    Attributes:
        ways: bytes moved in each way.
        fallbacks: what the system could not do, and what was done in its place.
        reached: byte offset on the target up to which the present task is done.
        missed: ranges of the target that were left out since it was last cleared.
        stop: set by others: end with `Stopped` at the next buffer.
    """

    def __init__(
        self,
        target: BlockDevice,
        *,
        align: int = 1,
        find_zeros: bool = False,
        punch: bool = False,
        direct: int = -1,
        go_on: bool = False,
    ) -> None:
        self.ways: Counter[str] = Counter()
        self.fallbacks: set[str] = set()
        self.reached = 0
        self.missed: Ranges = []
        self.stop = False
        self._target, self._align, self._find_zeros, self._direct = target, align, find_zeros, direct
        self._ranges, self._punch, self._go_on = not find_zeros, punch, go_on
        self._memory: mmap.mmap | None = None

    def move(self, task: Task) -> None:
        """Move all runs of a task.

        Raises:
            ImageIOError: the system refused; what lies before `reached` is done.
            Stopped: it was asked for.
        """
        if self._align > 1 or not is_files(self._target):
            self._staged(task)
            return
        target = self._target.fileno() if type(self._target) is ImageFile and self._ranges else -1
        known, files, fd, done = None, False, -1, 0
        ends: dict[ImageFile, int] = {}
        for index, (source, at, to, length) in enumerate(task):
            if source is not known:
                known, files = source, is_files(source)
                fd = source.fileno() if type(source) is ImageFile else -1
            self.reached = to
            if length < _SMALL and fd >= 0 and target >= 0:  # by far the most of a scattered image: no call too many
                try:
                    if os.copy_file_range(fd, target, length, at, to) == length:
                        done += length
                        ends[cast(ImageFile, source)] = max(ends.get(cast(ImageFile, source), 0), at + length)
                        continue
                except OSError:  # it comes again
                    pass
            if not files:
                self._staged(task[index:])
                break
            self._between_files(cast(BlockDevice, source), at, to, length)
            target = target if self._ranges else -1
        if done:
            self.ways[RANGE] += done
            self.reached = task[0][2]
            for image, end in ends.items():
                _check_uncut(image, end)

    @property
    def _buffer(self) -> mmap.mmap:
        """The buffer, on a boundary of pages."""
        if self._memory is None:
            self._memory = mmap.mmap(-1, _DIRECT_BUFFER if self._direct >= 0 else BUFFER)
        return self._memory

    def _between_files(self, source: BlockDevice, at: int, to: int, length: int) -> None:
        """Move a run of ranges of image files to ranges of image files."""
        for below, below_at, part in source.places(at, length):
            for there, there_at, piece in self._target.places(to, part):
                self.reached = to
                self._file_to_file(cast(ImageFile, below), below_at, cast(ImageFile, there), there_at, piece)
                below_at += piece
                to += piece

    def _file_to_file(self, source: ImageFile, at: int, target: ImageFile, to: int, length: int) -> None:
        if self.stop:
            raise Stopped
        if length < _SMALL and self._ranges:
            done = self._range(source, at, target, to, length)
            _check_uncut(source, at + done)
            if done == length:
                return
            at, to, length = at + done, to + done, length - done
        base = self.reached - to  # places of the file as places of the target as a whole
        view = memoryview(self._buffer)
        while length:
            part = view[: min(len(view), length)]
            if self._read(source, at, base + to, part):
                self._write(target, to, part)
            at, to, length = at + len(part), to + len(part), length - len(part)
            self.reached = base + to
            if self.stop:
                raise Stopped

    def _read(self, source: Source, at: int, to: int, part: memoryview) -> bool:
        """Read what goes to a place of the target; whether that was possible."""
        try:
            source.read_into(at, part)
            if type(source) is ImageFile:
                _check_uncut(source, at + len(part))
            return True
        except ImageIOError as error:
            if not self._go_on or error.errno in GONE:
                raise
            self.missed.append((to, len(part)))
            return False

    def write(self, to: int, part: memoryview) -> None:
        """Write bytes to a place of the target."""
        self._write(self._target, to, part)

    def _write(self, target: BlockDevice, to: int, part: memoryview) -> None:
        if self._find_zeros:
            done = 0
            for start, end in (*data_in(bytes(part), to), (len(part), len(part))):
                if start > done and self._punch:
                    target.punch(to + done, start - done)
                if end > start:
                    target.write(to + start, part[start:end])
                done = end
            self.ways[POSITIONED if type(target) is ImageFile else DEVICES] += len(part)
            return
        around = len(part) // WHOLE_BLOCK * WHOLE_BLOCK if self._direct >= 0 and not to % WHOLE_BLOCK else 0
        if around:
            self._write_around(self._direct, target, to, part[:around])
        if around < len(part):
            target.write(to + around, part[around:])
            self.ways[POSITIONED if type(target) is ImageFile else DEVICES] += len(part) - around

    def _range(self, source: ImageFile, at: int, target: ImageFile, to: int, length: int) -> int:
        """Let the system copy a range; returns how much of it it could."""
        done = 0
        try:
            while done < length:
                got = os.copy_file_range(
                    source.fileno(), target.fileno(), min(length - done, _RANGE_MOST), at + done, to + done
                )
                if not got:
                    break
                done += got
        except OSError as error:
            if error.errno in _UNABLE:
                self._ranges = False
                self.fallbacks.add(f"{RANGE}: {os.strerror(error.errno or 0)}; {POSITIONED} instead")
            # any other error comes again where it can be told which of the two failed
        self.ways[RANGE] += done
        return done

    def _write_around(self, fd: int, target: BlockDevice, to: int, part: memoryview) -> None:
        """Write whole blocks around the cache; through it where the system does not want that."""
        done = 0
        try:
            while done < len(part) and not done % WHOLE_BLOCK:
                if not (got := os.pwritev(fd, [part[done:]], to + done)):
                    break
                done += got
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise ImageIOError(
                    f"cannot write at byte {to + done}: {error.strerror}", where=target.name, errno=error.errno or 0
                ) from None
            self._direct = -1
            self.fallbacks.add(f"{DIRECT}: {error.strerror}; {POSITIONED} instead")
        self.ways[DIRECT] += done
        if done < len(part):
            target.write(to + done, part[done:])
            self.ways[POSITIONED] += len(part) - done

    def _staged(self, task: Task) -> None:
        """Gather what is adjacent on the target, with zeros up to `align`, and write it in one piece."""
        align = self._align
        memory = memoryview(self._buffer)
        start = filled = most = 0
        for source, at, to, length in task:
            while length:
                if filled and (to != align_up(start + filled, align) or to - start >= most):
                    self._write_staged(start, filled)
                    filled = 0
                if not filled:
                    # ends on a boundary, so that zeros behind the last row have room
                    start, most = to, (to + len(memory)) // align * align - to
                inside = to - start
                memory[filled:inside] = bytes(inside - filled)
                part = min(length, most - inside)
                if not self._read(source, at, to, memory[inside : inside + part]):
                    if inside:
                        self._write_staged(start, inside)
                    filled = 0
                else:
                    filled = inside + part
                at, to, length = at + part, to + part, length - part
        if filled:
            self._write_staged(start, filled)

    def _write_staged(self, start: int, filled: int) -> None:
        end = min(align_up(start + filled, self._align), self._target.size) - start
        view = memoryview(self._buffer)[:end]
        view[filled:] = bytes(end - filled)
        self._write(self._target, start, view)
        self.reached = start + filled
        if self.stop:
            raise Stopped


def is_files(device: Source) -> bool:
    """Whether all bytes of a device lie in image files, and its own way to read and write them adds nothing."""
    return isinstance(device, BlockDevice) and all(type(leaf) is ImageFile for leaf in device.leaves())


def data_in(data: bytes, to: int) -> Iterator[tuple[int, int]]:
    """Ranges of bytes, (first, end), that are no blocks of zeros where they go, to byte `to` of a target."""
    start = None
    at = 0
    while at < len(data):
        end = min(at + WHOLE_BLOCK - (to + at) % WHOLE_BLOCK, len(data))
        if data.startswith(_ZEROS[: end - at], at):
            if start is not None:
                yield start, at
                start = None
        elif start is None:
            start = at
        at = end
    if start is not None:
        yield start, len(data)


def _check_uncut(source: ImageFile, end: int) -> None:
    """See to it that what was read of a file up to byte `end` was the file's: what is cut meanwhile may read as zeros.

    Raises:
        ImageIOError: the file ends before that by now.
    """
    status = os.fstat(source.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size < end:
        what = f"the file ends at byte {status.st_size}; it was cut while open"
        raise ImageIOError(what, where=source.name, errno=errno.ENXIO)
