"""Devices made of parts of other devices: a window, a list of pieces, a mirror."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..errors import ImageIOError, OperationRefused
from .device import BlockDevice, Buffer, Extent, byte_view


class Piece(NamedTuple):
    """A range of a device."""

    device: BlockDevice
    offset: int
    length: int


class PieceList(BlockDevice):
    """Ranges of devices, one after the other, as one device. Closing it leaves the devices open.

    Args:
        pieces: the ranges in order; neighbours that continue each other become one.
        name: what to call the device in messages.
        writable: False makes a read-only view of writable devices.
    """

    def __init__(self, pieces: Sequence[Piece], *, name: str, writable: bool | None = None) -> None:
        self.name = name
        self.pieces = _coalesce(pieces)
        self.starts: list[int] = []
        at = 0
        for piece in self.pieces:
            piece.device.check_range(piece.offset, piece.length)
            self.starts.append(at)
            at += piece.length
        self.size = at
        all_writable = all(p.device.writable for p in self.pieces)
        self.writable = all_writable if writable is None else writable and all_writable

    def map(self, offset: int, length: int) -> Iterator[tuple[Piece, int, int, int]]:
        """The parts of a range: (piece, offset in its device, offset in this device, length) in order."""
        self.check_range(offset, length)
        index = bisect_right(self.starts, offset) - 1
        end = offset + length
        while offset < end:
            piece = self.pieces[index]
            inside = offset - self.starts[index]
            part = min(piece.length - inside, end - offset)
            yield piece, piece.offset + inside, offset, part
            offset += part
            index += 1

    def places(self, offset: int, length: int) -> Iterator[tuple[BlockDevice, int, int]]:
        """See `BlockDevice.places`."""
        for piece, at, _, part in self.map(offset, length):
            yield from piece.device.places(at, part)

    def leaves(self) -> Iterable[BlockDevice]:
        """See `BlockDevice.leaves`."""
        return [leaf for device in {id(p.device): p.device for p in self.pieces}.values() for leaf in device.leaves()]

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer, fill=True)
        for piece, at, here, part in self.map(offset, len(view)):
            piece.device.read_into(at, view[here - offset : here - offset + part])

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        self.check_writable()
        view = byte_view(buffer)
        for piece, at, here, part in self.map(offset, len(view)):
            piece.device.write(at, view[here - offset : here - offset + part])

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Data and holes of the devices below."""
        for piece, at, here, part in self.map(offset, self.length_of(offset, length)):
            for extent in piece.device.extents(at, part):
                yield Extent(here + extent.offset - at, extent.length, extent.is_data)

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        self.check_writable()
        for piece, at, _, part in self.map(offset, length):
            piece.device.punch(at, part)

    def flush(self) -> None:
        """Flush every device below, once."""
        for device in {id(p.device): p.device for p in self.pieces}.values():
            device.flush()

    def close(self) -> None:
        """Nothing to give back: the devices below belong to who made the list."""


class Window(PieceList):
    """One range of a device as a device of its own."""

    def __init__(
        self,
        device: BlockDevice,
        offset: int,
        length: int | None = None,
        *,
        name: str = "",
        writable: bool | None = None,
    ) -> None:
        length = device.size - offset if length is None else length
        super().__init__([Piece(device, offset, length)], name=name or device.name, writable=writable)


class Mirror(BlockDevice):
    """Equal copies: every write goes to all of them, a read is served by the first that can.

    Args:
        copies: devices of one size, the preferred one first.
    """

    def __init__(self, copies: Sequence[BlockDevice], *, name: str) -> None:
        if not copies or len({d.size for d in copies}) != 1:
            raise OperationRefused("the copies of a mirror must be of one size", where=name)
        self.name = name
        self.copies = tuple(copies)
        self.size = copies[0].size
        self.writable = all(d.writable for d in copies)

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Read the first copy that the system lets us read."""
        for copy in self.copies[:-1]:
            try:
                return copy.read_into(offset, buffer)
            except ImageIOError:
                continue
        return self.copies[-1].read_into(offset, buffer)

    def write(self, offset: int, buffer: Buffer) -> None:
        """Write every copy."""
        self.check_writable()
        for copy in self.copies:
            copy.write(offset, buffer)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Data and holes of the first copy that tells."""
        for copy in self.copies[:-1]:
            with suppress(ImageIOError):
                return iter(list(copy.extents(offset, length)))
        return self.copies[-1].extents(offset, length)

    def punch(self, offset: int, length: int) -> None:
        """Punch every copy."""
        self.check_writable()
        for copy in self.copies:
            copy.punch(offset, length)

    def flush(self) -> None:
        """Flush every copy."""
        for copy in self.copies:
            copy.flush()

    def close(self) -> None:
        """Nothing to give back: the copies belong to who made the mirror."""


def _coalesce(pieces: Sequence[Piece]) -> list[Piece]:
    result: list[Piece] = []
    for piece in pieces:
        if piece.length == 0:
            continue
        last = result[-1] if result else None
        if last is not None and last.device is piece.device and last.offset + last.length == piece.offset:
            result[-1] = Piece(last.device, last.offset, last.length + piece.length)
        else:
            result.append(piece)
    return result
