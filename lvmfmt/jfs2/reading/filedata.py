"""A file as a block device: its extents in order, holes between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice, Buffer, Extent, Piece, PieceList
from ...block.device import byte_view
from ...errors import OperationRefused
from ..nodes.extent_node import NEVER_WRITTEN
from ..volume import Volume


class Zeros(BlockDevice):
    """What holes and extents that were never written read as."""

    def __init__(self, size: int, name: str) -> None:
        self.name = name
        self.size = size
        self.writable = False

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with zeros."""
        view = byte_view(buffer, fill=True)
        self.check_range(offset, len(view))
        np.frombuffer(view, np.uint8)[:] = 0

    def write(self, offset: int, buffer: Buffer) -> None:
        """Refused: there is no space behind a hole."""
        raise OperationRefused("a hole cannot be written to", where=self.name)

    def punch(self, offset: int, length: int) -> None:
        """Refused: there is no space behind a hole."""
        raise OperationRefused("a hole cannot be punched", where=self.name)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """One hole."""
        yield Extent(offset, self.length_of(offset, length), False)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to give back."""


def file_device(volume: Volume, extents: NDArray[Any], size: int, name: str) -> PieceList:
    """A read-only view of a file's bytes.

    Args:
        volume: the file system.
        extents: array of `FILE_EXTENT`, ascending and not overlapping.
        size: bytes of the file; extents beyond are not seen.
        name: what to call it in messages.
    """
    block = volume.block_size
    zeros = Zeros(size, name)
    pieces = []
    end = 0
    for offset, length, address, flag in extents.tolist():
        start = min(offset * block, size)
        stop = min(start + length * block, size)
        pieces.append(Piece(zeros, end, start - end))
        pieces.append(
            Piece(zeros, start, stop - start)
            if flag & NEVER_WRITTEN
            else Piece(volume.device, address * block, stop - start)
        )
        end = stop
    pieces.append(Piece(zeros, end, size - end))
    return PieceList(pieces, name=name, writable=False)
