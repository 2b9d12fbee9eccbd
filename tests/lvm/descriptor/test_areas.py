"""Writing a copy so that a torn one is never valid, and writing only what differs."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.lvm.descriptor.areas import Delta, Ledger, area_parts, changed_sectors, same
from lvmfmt.lvm.disk.barrier import DiskFailed

SECTOR = 512


def raw(sectors: int, **changed: int) -> Any:
    data = np.zeros(sectors * SECTOR, np.uint8)
    for place, value in changed.items():
        data[int(place[1:])] = value
    return data


def test_sectors_that_differ() -> None:
    old, new = raw(8), raw(8, b0=1, b511=1, b1024=1, b4095=1)
    assert changed_sectors(old, new) == [0, 2, 7] and changed_sectors(old, old) == []
    assert changed_sectors(old, new, idle=(1024, 4096)) == [0]
    assert same(old, raw(8)) and not same(old, new) and not same(old, raw(7)) and same(new, new)


def test_runs_of_a_delta() -> None:
    assert Delta.of(raw(200), [0, 3, 5, 100, 199]).parts == (
        [(0, SECTOR)], [(3 * SECTOR, 6 * SECTOR), (100 * SECTOR, 101 * SECTOR)], [(199 * SECTOR, 200 * SECTOR)],
    )  # fmt: skip
    assert Delta.between(raw(4), raw(4, b600=1)).parts == ([], [(SECTOR, 2 * SECTOR)], [])
    # 64 sectors between two are written twice rather than once
    assert Delta.of(raw(200), [3, 67]).parts[1] == [(3 * SECTOR, 68 * SECTOR)]
    assert Delta.of(raw(200), [3, 68]).parts[1] == [(3 * SECTOR, 4 * SECTOR), (68 * SECTOR, 69 * SECTOR)]


def test_the_parts_of_a_copy() -> None:
    assert [(at, len(part)) for at, part in area_parts(1000, raw(5))] == [
        (1000, SECTOR), (1000 + SECTOR, 3 * SECTOR), (1000 + 4 * SECTOR, SECTOR),
    ]  # fmt: skip


def test_what_is_there_is_not_written_again(memory_disk: Any) -> None:
    disk, ledger, at = memory_disk("disk", 16 * SECTOR), Ledger(), 2 * SECTOR
    old = raw(4, b0=1, b700=1, b2047=1)
    disk.write(at, old)
    ledger.learn(disk, at, old)
    assert ledger.holds(disk, at, old.copy()) and not ledger.holds(disk, 0, old)
    disk.log = []
    new = raw(4, b0=2, b700=1, b2047=2)
    ledger.write(disk, at, new, Delta.between(old, new))
    assert [(offset, len(data)) for _, offset, data in disk.log] == [(at, SECTOR), (at + 3 * SECTOR, SECTOR)]
    assert ledger.holds(disk, at, new) and disk.read(at, 4 * SECTOR).tobytes() == new.tobytes()
    # a place of which nothing is known is compared first
    disk.log = []
    Ledger().write(disk, at, new)
    assert disk.log == []


def half_a_sector(offset: int, buffer: Any) -> None:
    view = memoryview(buffer)  # a disk that fails in the midst holds the buffer still
    raise ImageIOError(f"{len(view)} bytes at {offset}")


def test_somebody_else_wrote_there(memory_disk: Any) -> None:
    disk, ledger = memory_disk("disk", 8 * SECTOR), Ledger()
    old = raw(4, b0=1)
    disk.write(0, old)
    ledger.learn(disk, 0, old)
    ledger.look_again(disk, 0)
    assert ledger.holds(disk, 0, old)
    disk.write(0, b"\7")
    ledger.look_again(disk, 0)
    assert not ledger.holds(disk, 0, old)
    with pytest.MonkeyPatch.context() as patch:
        ledger.learn(disk, 0, old)
        patch.setattr(disk, "read_into", half_a_sector)
        ledger.look_again(disk, 0)
    assert not ledger.holds(disk, 0, old)
    ledger.clear(disk, 0)
    assert not disk.read(0, SECTOR).any() and not ledger.holds(disk, 0, old)
    disk.log = []
    ledger.clear(disk, 0)
    assert disk.log == []


def test_a_disk_that_refuses(memory_disk: Any) -> None:
    class Broken(memory_disk):  # type: ignore[misc]
        def write(self, offset: int, buffer: Any) -> None:
            raise ImageIOError("broken")

    disk, ledger = Broken("disk", 8 * SECTOR), Ledger()
    ledger.learn(disk, 0, raw(4))
    with pytest.raises(DiskFailed):
        ledger.write(disk, 0, raw(4, b0=1))
    assert not ledger.holds(disk, 0, raw(4))
