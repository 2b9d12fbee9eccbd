"""What a source refuses is tried again in smaller pieces, down to its sectors."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
from collections.abc import Iterator

from ...errors import ImageIOError
from ...units import SECTOR, align_up
from ..device import BlockDevice, Buffer, byte_view
from ..imagefile import ImageFile
from .around import directly
from .engine import IncompleteCopy
from .mapfile import RunState
from .mover import BUFFER, GONE, Mover
from .record import CHECKPOINT, CopyRecord
from .runs import Source

_BLKSSZGET = 0x1268
_WORK = CHECKPOINT // 64
"""What a buffer that is tried again counts as: a drive may take seconds for each of its sectors."""


def sector_of(device: BlockDevice) -> int:
    """Bytes that a device reads at least: those of a block device say it, all else has 512."""
    if type(device) is ImageFile and stat.S_ISBLK(os.fstat(device.fileno()).st_mode):
        return int.from_bytes(fcntl.ioctl(device.fileno(), _BLKSSZGET, bytes(4)), "little")
    return SECTOR


def in_pieces(
    source: Source, offset: int, length: int, sector: int = SECTOR
) -> Iterator[tuple[int, int, bytearray | ImageIOError]]:
    """Read a range, halved where it cannot be read, down to a sector.

    Args:
        source: what to read.
        offset: of the first byte.
        length: bytes; so much memory is needed.
        sector: no piece that is refused crosses a multiple of it.

    Yields:
        Offset and length of each piece, ascending, and its bytes or why there are none.

    Raises:
        ImageIOError: the source is not there any more.
    """
    data = bytearray(length)
    try:
        source.read_into(offset, data)
        yield offset, length, data
        return
    except ImageIOError as error:
        if error.errno in GONE:
            raise
        middle = max((offset + length // 2) // sector, offset // sector + 1) * sector
        if middle >= offset + length:
            yield offset, length, error
            return
    yield from in_pieces(source, offset, middle - offset, sector)
    yield from in_pieces(source, middle, offset + length - middle, sector)


class _Sectors:
    """Reads around the cache, where that is possible: for one bad sector the cache refuses a page of them."""

    def __init__(self, source: BlockDevice, direct: int, sector: int) -> None:
        self._source, self._direct, self._sector = source, direct, sector
        self._memory = mmap.mmap(-1, BUFFER + 2 * sector)

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `Source.read_into`."""
        view = byte_view(buffer, fill=True)
        start, end = offset // self._sector * self._sector, align_up(offset + len(view), self._sector)
        if self._direct >= 0:
            try:
                got = os.preadv(self._direct, [memoryview(self._memory)[: end - start]], start)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    what = f"cannot read at byte {offset}: {error.strerror}"
                    raise ImageIOError(what, where=self._source.name, errno=error.errno or errno.EIO) from None
                self._direct = -1  # the file system has larger sectors
            else:
                if start + got >= offset + len(view):
                    view[:] = self._memory[offset - start : offset - start + len(view)]
                    return
        self._source.read_into(offset, view)


def try_again(source: BlockDevice, mover: Mover, record: CopyRecord) -> ImageIOError | None:
    """Try what a source has refused, in smaller pieces; what it refuses again is bad.

    Args:
        source: its bytes go to where they are.
        mover: writes them.
        record: knows what was refused, and is told.

    Returns:
        The first refusal.

    Raises:
        IncompleteCopy: the target refused a write, or the source is not there any more.
    """
    sector = sector_of(source)
    try:
        with directly(source, os.O_RDONLY) as fd:
            return _try_again(_Sectors(source, fd, sector), sector, mover, record)
    except ImageIOError as error:
        raise IncompleteCopy(error, record.left()) from error


def _try_again(source: Source, sector: int, mover: Mover, record: CopyRecord) -> ImageIOError | None:
    first = None
    for offset, length in record.left(RunState.NOT_TRIMMED, RunState.NOT_SCRAPED, RunState.BAD):
        for start in range(offset, offset + length, BUFFER):
            for at, size, data in in_pieces(source, start, min(BUFFER, offset + length - start), sector):
                if isinstance(data, ImageIOError):
                    first = first or data
                    record.copied.mark(at, size, RunState.BAD)
                else:
                    mover.write(at, memoryview(data))
                    record.copied.mark(at, size, RunState.READ)
            record.done(start, start, (), _WORK)
            record.save(record.due())
    return first
