"""A plain file, sparse or not, as a block device."""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import checked, expect_path
from ..errors import AlreadyExists, ImageInUse, ImageIOError, LvmfmtError, NotFound, OperationRefused
from .device import BlockDevice, Buffer, Extent, byte_view

if TYPE_CHECKING:
    import ctypes

_PUNCH_HOLE_KEEP_SIZE = 0x02 | 0x01


class ImageFile(BlockDevice):
    """An image file. A writer holds an exclusive `flock` on it, so two writers never meet.

    Args:
        path: the file.
        writable: open for writing.
        lock: take the lock; a reader of a locked file goes on, marked `in_use`.

    Attributes:
        in_use: a writer held the file when it was opened for reading; what is read may be torn.

    Raises:
        NotFound: there is no such file.
        ImageInUse: another process is using it (to write).
        OperationRefused: it is not a plain file.
        ImageIOError: the system refused.
    """

    def __init__(self, path: str | os.PathLike[str], *, writable: bool = False, lock: bool = True) -> None:
        self.path = Path(expect_path(path))
        self.name = str(path)
        self.writable = writable
        self.in_use = False
        # O_NONBLOCK: opening a FIFO must not wait for its other end
        try:
            self._fd = os.open(self.path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise NotFound("no such image file", where=self.name) from None
        except OSError as error:
            raise _refused(error, "cannot open", self.name) from None
        try:
            mode = os.fstat(self._fd).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
                raise OperationRefused("not a plain file", where=self.name, hint="an image is a file or a block device")
            if lock:
                self._lock()
            self.size = os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            os.close(self._fd)
            raise _refused(error, "cannot use as an image", self.name) from None
        except LvmfmtError:
            os.close(self._fd)
            raise

    @classmethod
    @checked
    def create(cls, path: str | os.PathLike[str], size: int, *, replace: bool = False) -> ImageFile:
        """Make a sparse file of `size` zero bytes and open it for writing.

        Raises:
            AlreadyExists: the file is there and `replace` is false.
            OperationRefused: another process is using the file that would be replaced.
            ImageIOError: the system refused; a file that was not there before is not there after.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if replace else os.O_EXCL)
        try:
            fd = os.open(expect_path(path), flags, 0o644)
        except FileExistsError:
            raise AlreadyExists("the file exists", where=str(path)) from None
        except OSError as error:
            raise _refused(error, "cannot create", str(path)) from None
        os.close(fd)
        image = cls(path, writable=True)
        try:
            if replace:  # never on a new file: ext4 would wait at its close until all of it is written
                os.ftruncate(image._fd, 0)
            os.ftruncate(image._fd, size)
        except (OSError, OverflowError) as error:
            image.close()
            if not replace:
                Path(path).unlink()
            raise _refused(error, f"cannot make a file of {size} bytes", str(path)) from None
        image.size = size
        return image

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_EX if self.writable else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            if self.writable:
                raise ImageInUse(
                    "another process is using the image", where=self.name, hint="wait until it has finished"
                ) from None
            self.in_use = True

    def fileno(self) -> int:
        """The open file's descriptor, which stays this object's."""
        return self._fd

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer, fill=True)
        self.check_range(offset, len(view))
        done = 0
        while done < len(view):
            try:
                got = os.preadv(self._fd, [view[done:]], offset + done)
            except OSError as error:
                raise _refused(error, f"cannot read at byte {offset + done}", self.name) from None
            if got == 0:
                what = f"the file ends at byte {offset + done}; it was cut while open"
                raise ImageIOError(what, where=self.name, errno=errno.ENXIO)
            done += got

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        self.check_writable()
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        done = 0
        while done < len(view):
            try:
                got = os.pwritev(self._fd, [view[done:]], offset + done)
            except OSError as error:
                raise _refused(error, f"cannot write at byte {offset + done}", self.name) from None
            if got == 0:
                raise ImageIOError(f"no byte more is taken at byte {offset + done}", where=self.name)
            done += got

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Data and holes as the file system that holds the image knows them (`SEEK_DATA`, `SEEK_HOLE`)."""
        length = self.length_of(offset, length)
        end = offset + length
        while offset < end:
            data = self._seek(offset, os.SEEK_DATA, end)
            if data > offset:
                yield Extent(offset, data - offset, False)
            if data >= end:
                return
            offset = self._seek(data, os.SEEK_HOLE, end)
            yield Extent(data, offset - data, True)

    def _seek(self, offset: int, whence: int, end: int) -> int:
        try:
            return min(os.lseek(self._fd, offset, whence), end)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing of that kind from here to the end
                return end
            if error.errno == errno.EINVAL:  # a block device, or a file system that does not know: all is data
                return offset if whence == os.SEEK_DATA else end
            raise _refused(error, "cannot list extents", self.name) from None

    def punch(self, offset: int, length: int) -> None:
        """Punch a hole; where the system cannot, write zeros."""
        self.check_writable()
        self.check_range(offset, length)
        if length == 0:
            return
        if _fallocate(self._fd, _PUNCH_HOLE_KEEP_SIZE, offset, length) == 0:
            return
        zeros = bytes(min(length, 1 << 20))
        for at in range(offset, offset + length, len(zeros)):
            self.write(at, memoryview(zeros)[: offset + length - at])

    def flush(self) -> None:
        """Wait until everything written is on stable storage (`fdatasync`)."""
        try:
            os.fdatasync(self._fd)
        except (OSError, ValueError) as error:  # ValueError: it was closed
            raise _refused(error, "cannot flush", self.name) from None

    def close(self) -> None:
        """Close the file and drop its lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _refused(error: OSError | ValueError | OverflowError, what: str, name: str) -> ImageIOError:
    number = getattr(error, "errno", None) or errno.EINVAL
    return ImageIOError(f"{what}: {os.strerror(number)}", where=name, errno=number)


def _fallocate(fd: int, mode: int, offset: int, length: int) -> int:
    return int(_binding().fallocate(fd, mode, offset, length))


@functools.cache
def _binding() -> ctypes.CDLL:
    """The C library: Python has no binding for the modes of fallocate(2)."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return library
