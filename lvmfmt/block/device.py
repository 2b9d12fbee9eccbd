"""`BlockDevice`: the only thing the upper floors know of storage."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..arguments import checked
from ..errors import ImageIOError, OperationRefused
from ..oneline import short_name
from ..units import format_size

if TYPE_CHECKING:  # a copy of an image needs no arrays, and importing them takes longer than many a copy
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

Buffer: TypeAlias = "bytes | bytearray | memoryview | NDArray[Any]"
Bytes: TypeAlias = "NDArray[np.uint8]"


class Extent(NamedTuple):
    """A run of bytes of a device."""

    offset: int
    length: int
    is_data: bool
    """False for a hole: it reads as zeros and takes no space."""


class BlockDevice(abc.ABC):
    """A run of bytes with positioned reads and writes (no cursor, so several threads may use one device).

    Attributes:
        name: what to call the device in a message: a path, an LV name.
        size: length in bytes.
        writable: False for a device opened for reading; writing to it is refused.
    """

    name: str
    size: int
    writable: bool

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if made := vars(cls).get("__init__"):
            cls.__init__ = checked(made, late=True)  # type: ignore[method-assign]

    @abc.abstractmethod
    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with the bytes at `offset`.

        Raises:
            ImageIOError: the range is not inside the device, or the system refused.
        """

    @abc.abstractmethod
    def write(self, offset: int, buffer: Buffer) -> None:
        """Write all of `buffer` at `offset`.

        Raises:
            OperationRefused: the device was opened for reading.
            ImageIOError: the range is not inside the device, or the system refused.
        """

    @abc.abstractmethod
    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Data and holes of a range (default: to the end), in order, without gaps."""

    @abc.abstractmethod
    def punch(self, offset: int, length: int) -> None:
        """Make a range read as zeros, giving its space back where that is possible."""

    @abc.abstractmethod
    def flush(self) -> None:
        """A barrier: what was written before it survives a crash."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give the device back; closing twice is harmless."""

    def places(self, offset: int, length: int) -> Iterator[tuple[BlockDevice, int, int]]:
        """Where the bytes of a range lie: (device, offset, length) of what holds them, in order.

        A device that only shows ranges of others names those; any other one names itself.
        """
        yield self, offset, length

    def leaves(self) -> Iterable[BlockDevice]:
        """The devices that `places` may name."""
        return (self,)

    def read(self, offset: int, length: int) -> Bytes:
        """The bytes of a range: a new array, shape (length,), dtype uint8."""
        import numpy as np

        self.check_range(offset, length)
        buffer = np.empty(length, np.uint8)
        if length:
            self.read_into(offset, buffer)
        return buffer

    def check_range(self, offset: int, length: int) -> None:
        """Raise `ImageIOError` unless the range lies inside the device."""
        try:
            inside = offset | length >= 0 and offset + length <= self.size  # only integers have |
        except (TypeError, ValueError, OverflowError):
            raise OperationRefused(f"not a range of bytes: {offset!r:.40}, {length!r:.40}", where=self.name) from None
        if not inside:
            raise ImageIOError(
                f"bytes {offset} to {offset + length} are outside the device of {self.size} bytes", where=self.name
            )

    def length_of(self, offset: int, length: int | None) -> int:
        """`length`, by default what is left from `offset` on, of a range that lies inside the device."""
        self.check_range(offset, 0 if length is None else length)
        return self.size - offset if length is None else length

    def check_writable(self) -> None:
        """Raise `OperationRefused` if the device was opened for reading."""
        if not self.writable:
            raise OperationRefused("opened for reading; nothing is written to it", where=self.name)

    def __repr__(self) -> str:
        what = "to be written to" if self.writable else "for reading"
        return f"<{type(self).__name__} {short_name(self.name)}: {format_size(self.size)}, {what}>"

    def __enter__(self) -> BlockDevice:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def byte_view(buffer: Buffer, *, fill: bool = False) -> memoryview:
    """`buffer` as a flat memoryview of bytes, without a copy.

    Args:
        buffer: what holds the bytes.
        fill: it is to be written to.

    Raises:
        OperationRefused: it is nothing that holds bytes in one piece, or cannot be written to.
    """
    try:
        view = memoryview(buffer)
        if fill and view.readonly:
            raise OperationRefused(f"not a buffer to fill: {type(buffer).__name__}")
        return view.cast("B") if view.nbytes else memoryview(b"")  # Python does not cast an empty view
    except TypeError:
        raise OperationRefused(f"not bytes in one piece: {type(buffer).__name__} {buffer!r:.40}") from None
