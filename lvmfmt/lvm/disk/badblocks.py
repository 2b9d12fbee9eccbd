"""The bad block directory (PSN 8, backup PSN 71): which sectors are replaced by which of the relocation pool."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice, Bytes
from ...layout.lvm_disk import BAD_BLOCK_DIRECTORY, BAD_BLOCK_ENTRY
from ...units import SECTOR
from ..problems import Checker

PSNS = (8, 71)
ENTRY_COUNT = (BAD_BLOCK_DIRECTORY.size - 8) // BAD_BLOCK_ENTRY.size
VALID = b"DEFECT"
_SECTOR_BITS = 0x0FFFFFFF
_NOT_YET_RELOCATED = 1 << 31


def read(device: BlockDevice, psn: int) -> Bytes:
    """The bytes of a copy, shape (22 x 512,)."""
    return device.read(psn * SECTOR, BAD_BLOCK_DIRECTORY.size)


def check(raw: Bytes, psn: int, where: str) -> None:
    """Raise `CorruptImage` unless a copy is valid: its id, its count, and its trailer if there is one.

    The trailer repeats the first 8 bytes; that it lies right behind the entries is assumed, so zeros there are
    taken for none.
    """
    header = raw[:8].tobytes()
    count = int.from_bytes(header[6:8], "big", signed=True)
    checker = Checker(BAD_BLOCK_DIRECTORY, {"id": header[:6], "count": count}, psn * SECTOR, where)
    checker.require("id", header[:6] == VALID, VALID.hex())
    checker.require("count", 0 <= count <= ENTRY_COUNT, f"0 to {ENTRY_COUNT}")
    end = 8 + BAD_BLOCK_ENTRY.size * count
    trailer = raw[end : end + 8].tobytes()
    checker.require("entries", trailer in (header, bytes(8), b""), f"the trailer {header.hex()}", trailer)


def replacements(raw: Bytes) -> NDArray[Any]:
    """Sector numbers of the replacements in use, shape (n,), of a copy that is valid."""
    count = int.from_bytes(raw[6:8].tobytes(), "big")
    words = BAD_BLOCK_ENTRY.table(raw[8:], count)["state_relocation"].astype(np.int64)
    return np.asarray(words[words & _NOT_YET_RELOCATED == 0] & _SECTOR_BITS)
