"""The bad block directory [lvm 6]: valid copies, and which sectors of the pool they use."""

import struct

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.lvm.disk import badblocks

from ..conftest import MemoryDevice


def directory(*entries: tuple[int, int], trailer: bool = True) -> np.ndarray:
    """A copy with (reason and bad sector, state and relocated sector) entries of 8 bytes behind its header of 8."""
    head = struct.pack(">6sh", b"DEFECT", len(entries))
    body = head + b"".join(struct.pack(">II", *entry) for entry in entries) + (head if trailer else b"")
    return np.frombuffer(body.ljust(22 * 512, b"\0"), np.uint8).copy()


def test_copies_that_are_valid() -> None:
    for raw in (directory(), directory((1, 2), (3, 4)), directory((1, 2), trailer=False)):
        badblocks.check(raw, 8, "disk1")
    assert badblocks.ENTRY_COUNT == (22 * 512 - 8) // 8 and badblocks.PSNS == (8, 71)


@pytest.mark.parametrize("at, data, field", [
    (0, b"X", "id"), (6, b"\xff\xff", "count"), (6, struct.pack(">h", 1408), "count"), (8 + 8, b"X", "entries"),
])  # fmt: skip
def test_copies_that_are_not(at: int, data: bytes, field: str) -> None:
    raw = directory((1, 2))
    raw[at : at + len(data)] = np.frombuffer(data, np.uint8)
    with pytest.raises(CorruptImage) as found:
        badblocks.check(raw, 71, "disk1")
    assert (found.value.field, found.value.where) == (field, "disk1")
    assert found.value.offset == 71 * 512 + {"id": 0, "count": 6, "entries": 8}[field]


def test_replacements_in_use() -> None:
    raw = directory((1, 0x10000064), (2, 0x80000065), (3, 0x66))
    assert badblocks.replacements(raw).tolist() == [0x64, 0x66]  # the second is not relocated yet
    assert badblocks.replacements(directory()).tolist() == []


def test_where_a_copy_lies() -> None:
    disk = MemoryDevice("disk1", 100 * 512)
    disk.write(71 * 512, b"DEFECT")
    assert badblocks.read(disk, 71)[:6].tobytes() == b"DEFECT" and len(badblocks.read(disk, 71)) == 22 * 512
