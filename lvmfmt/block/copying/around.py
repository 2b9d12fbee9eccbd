"""Ways around the system's cache: a descriptor that writes to the device at once, and reads that come from it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ...units import align_up
from ..device import BlockDevice
from ..imagefile import ImageFile
from .mover import BUFFER, WHOLE_BLOCK


@contextmanager
def directly(image: BlockDevice, access: int) -> Iterator[int]:
    """Yield a second descriptor of an image's file with O_DIRECT, or -1 where there is none.

    Args:
        image: an open image; one that is no file has none.
        access: `os.O_RDONLY` or `os.O_WRONLY`.
    """
    try:
        flags = access | os.O_DIRECT | os.O_CLOEXEC
        fd = os.open(f"/proc/self/fd/{image.fileno()}", flags) if type(image) is ImageFile else -1
    except OSError:
        fd = -1
    try:
        yield fd
    finally:
        if fd >= 0:
            os.close(fd)


class Reread:
    """What an image holds on its device, after a flush.

    Args:
        image: flushed.
        direct: its descriptor of `directly` for reading, or -1.

    Attributes:
        from_device: False as soon as something had to come from the cache.
    """

    def __init__(self, image: BlockDevice, direct: int) -> None:
        self.from_device = direct >= 0
        self._image, self._direct = image, direct
        self._memory = mmap.mmap(-1, BUFFER + 2 * WHOLE_BLOCK)
        if type(image) is ImageFile:
            # pages that are clean leave the cache, whatever the way in which they are read
            os.posix_fadvise(image.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def read(self, at: int, length: int) -> bytes:
        """The bytes of a range of at most `BUFFER`.

        Raises:
            ImageIOError: the system refused.
        """
        start, end = at // WHOLE_BLOCK * WHOLE_BLOCK, align_up(at + length, WHOLE_BLOCK)
        if self._direct >= 0:
            view = memoryview(self._memory)[: end - start]
            try:
                if os.preadv(self._direct, [view], start) >= at + length - start:
                    return bytes(view[at - start : at - start + length])
            except OSError:
                pass  # it comes again, or it is not able to
            self.from_device = False
        data = bytearray(length)
        self._image.read_into(at, data)
        return bytes(data)
