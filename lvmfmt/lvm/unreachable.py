"""What stands for the partitions of an LV that no disk can give."""

from __future__ import annotations

from collections.abc import Iterator

from ..block import BlockDevice, Buffer, Extent
from ..errors import ImageIOError


class Unreachable(BlockDevice):
    """Where an LP would be if a disk with a good copy of it were there: every read raises `ImageIOError`.

    Args:
        name: of the LV, and which LP.
        size: bytes.
        hint: which disk has it.
    """

    def __init__(self, name: str, size: int, hint: str = "") -> None:
        self.name = name
        self.hint = hint
        self.size = size
        self.writable = False

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Raise `ImageIOError`."""
        raise ImageIOError("no disk that is here has a good copy", where=self.name, hint=self.hint)

    def write(self, offset: int, buffer: Buffer) -> None:
        """Raise `OperationRefused`."""
        self.check_writable()

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """All of it is data that cannot be read."""
        yield Extent(offset, self.length_of(offset, length), True)

    def punch(self, offset: int, length: int) -> None:
        """Raise `OperationRefused`."""
        self.check_writable()

    def flush(self) -> None:
        """Nothing to flush."""

    def close(self) -> None:
        """Nothing to give back."""
