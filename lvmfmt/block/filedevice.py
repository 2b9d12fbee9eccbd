"""A binary file object of Python as a block device: an open file, `io.BytesIO`, a member of something bigger."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..errors import ImageIOError, OperationRefused
from ..units import MIB
from .device import BlockDevice, Buffer, Extent, byte_view


class BinaryFile(Protocol):
    """What a file object has at least; to be written to it has `write` too."""

    def read(self, size: int = ..., /) -> bytes:
        """Bytes from the position on, fewer at the end."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move the position."""

    def tell(self) -> int:
        """The position."""


class FileDevice(BlockDevice):
    """A file object, which stays the caller's: it is never closed, and its position is after each call what it was.

    Args:
        file: open for bytes, with `read`, `seek` and `tell`; `write` where it is to be written to.
        writable: whether it is to be written to.

    Raises:
        OperationRefused: it is a file of text, it cannot seek, or `writable` is asked of one open for reading.
    """

    def __init__(self, file: BinaryFile, *, writable: bool = False) -> None:
        self._file, self._lock = file, threading.Lock()
        name = getattr(file, "name", None)
        self.name = name if isinstance(name, str) else f"<{type(file).__name__}>"
        self.writable = writable
        if isinstance(file, io.TextIOBase):
            raise OperationRefused(
                "a file of text, not of bytes", where=self.name, hint="open it in a mode such as 'rb'"
            )
        if writable and not _answer(file, "writable", hasattr(file, "write")):
            raise OperationRefused("the file object was opened for reading", where=self.name)
        if not _answer(file, "seekable", True):
            raise OperationRefused("the file object cannot seek", where=self.name)
        with self._at(0, "cannot be measured"):
            self.size = file.seek(0, io.SEEK_END)

    @contextmanager
    def _at(self, offset: int, what: str) -> Iterator[BinaryFile]:
        """The file at a position, for one thread at a time; its own position comes back."""
        with self._lock:
            try:
                before = self._file.tell()
                self._file.seek(offset)
                try:
                    yield self._file
                finally:
                    self._file.seek(before)
            except (OSError, ValueError) as error:  # ValueError: it was closed
                raise ImageIOError(f"{what}: {error}", where=self.name) from None

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer, fill=True)
        self.check_range(offset, len(view))
        done = 0
        with self._at(offset, f"cannot read at byte {offset}") as file:
            while done < len(view):
                part = file.read(len(view) - done)
                if not part:
                    raise OSError(f"the file ends at byte {offset + done}")
                view[done : done + len(part)] = part
                done += len(part)

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        self.check_writable()
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        done = 0
        with self._at(offset, f"cannot write at byte {offset}") as file:
            write = file.write  # type: ignore[attr-defined]  # `writable` says that there is one
            while done < len(view):
                done += write(view[done:]) or 0

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """All of it is data: a file object does not tell its holes."""
        length = self.length_of(offset, length)
        if length:
            yield Extent(offset, length, True)

    def punch(self, offset: int, length: int) -> None:
        """Write zeros: a file object has no holes."""
        self.check_range(offset, length)
        zeros = memoryview(bytes(min(length, MIB)))
        for at in range(offset, offset + length, MIB):
            self.write(at, zeros[: offset + length - at])

    def flush(self) -> None:
        """Flush the file object; how far that reaches is its business."""
        flush = getattr(self._file, "flush", None)
        if flush is not None and self.writable:
            with self._at(0, "cannot flush"):
                flush()

    def close(self) -> None:
        """Nothing: the file object stays the caller's."""


def _answer(file: BinaryFile, question: str, otherwise: bool) -> bool:
    asked = getattr(file, question, None)
    return bool(asked()) if callable(asked) else otherwise
