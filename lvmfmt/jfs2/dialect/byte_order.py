"""Byte order: numbers of 24 bits, and the word that an extent shares between its length and its address.

Source: [jfs2 2.1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ByteOrder:
    """An order of the bytes of numbers; `BIG` and `LITTLE` are the two.

    Attributes:
        mark: numpy's and `struct`'s mark, ">" or "<".
        name: as `int.from_bytes` wants it.
        u24_shifts: how far each of the three bytes of a 24-bit number is shifted.
        u24_bytes: which bytes of a 32-bit number are its low 24 bits.
        length_shift: in the first word of an extent, of the 24 bits of the length.
        high_shift: in the first word of an extent, of the high 8 bits of the address.
    """

    mark: str
    name: Literal["big", "little"]
    u24_shifts: tuple[int, int, int]
    u24_bytes: slice
    length_shift: int
    high_shift: int

    def get_u24(self, raw: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Numbers of 24 bits, shape (..., 3), as numbers of shape (...)."""
        parts = raw.astype(np.int64)
        first, middle, last = self.u24_shifts
        return parts[..., 0] << first | parts[..., 1] << middle | parts[..., 2] << last

    def put_u24(self, value: Any) -> NDArray[np.uint8]:
        """The reverse of `get_u24`."""
        raw = np.ascontiguousarray(np.asarray(value, f"{self.mark}u4"))
        return raw.reshape(*raw.shape, 1).view(np.uint8)[..., self.u24_bytes]


BIG = ByteOrder(">", "big", u24_shifts=(16, 8, 0), u24_bytes=slice(1, 4), length_shift=8, high_shift=0)
LITTLE = ByteOrder("<", "little", u24_shifts=(0, 8, 16), u24_bytes=slice(0, 3), length_shift=0, high_shift=24)
