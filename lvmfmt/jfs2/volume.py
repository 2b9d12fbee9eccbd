"""`Volume`: the blocks of a file system, every address checked before it is used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, Buffer, Bytes
from ..errors import CorruptImage
from ..oneline import one_line
from .dialect import Dialect
from .geometry import PAGE
from .nodes.fault import Fault


class Volume(NamedTuple):
    """A device with a file system on it.

    Attributes:
        device: where the bytes are.
        dialect: structures and name coding.
        block_size: bytes of a block.
        blocks: usable blocks; no address may reach beyond.
    """

    device: BlockDevice
    dialect: Dialect
    block_size: int
    blocks: int

    def __repr__(self) -> str:
        return one_line(self)

    @property
    def where(self) -> str:
        """Name of the device for messages."""
        return self.device.name

    @property
    def blocks_per_page(self) -> int:
        """Blocks of a 4096-byte page."""
        return PAGE // self.block_size

    def corrupt(self, structure: str, field: str, offset: int | None, expected: object, found: object) -> CorruptImage:
        """The error for a field of a structure of this dialect, for example `corrupt("inode", "di_size", ...)`."""
        name = f"{self.dialect.record_prefix}_{structure}"
        return CorruptImage(name, field, offset=offset, expected=expected, found=found, where=self.where)

    def refuse(self, fault: Fault, at: int) -> CorruptImage:
        """The error for a fault of a node that starts at byte `at` of the device."""
        return CorruptImage(
            fault.structure, fault.field, offset=at + fault.offset, expected=fault.expected, found=fault.found,
            where=self.where,
        )  # fmt: skip

    def check_extent(self, address: int, length: int, structure: str, field: str, offset: int | None) -> None:
        """Raise `CorruptImage` unless the extent is not empty and lies inside the file system."""
        if address <= 0 or length <= 0 or address + length > self.blocks:
            raise self.corrupt(
                structure, field, offset, f"an extent inside blocks 1 to {self.blocks - 1}", f"{length}@{address}"
            )

    def bad_extents(self, address: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which extents are empty or reach outside the file system, same shape."""
        return (address <= 0) | (length <= 0) | (address + length > self.blocks)

    def read(self, address: int, length: int) -> Bytes:
        """The bytes of `length` blocks from block `address`; the caller has checked the range."""
        return self.device.read(address * self.block_size, length * self.block_size)

    def write(self, address: int, data: Buffer) -> None:
        """Write `data` from the start of block `address`."""
        self.device.write(address * self.block_size, data)
