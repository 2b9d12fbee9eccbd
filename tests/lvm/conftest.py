"""Disks in memory that remember what was written to them, and small groups made of them."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from lvmfmt.block import BlockDevice, Buffer, Extent
from lvmfmt.block.device import byte_view
from lvmfmt.errors import ImageIOError
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.origin import SeededOrigin

MACHINE = "00F7B72A4C00"  # D8
MIB, SECTOR = 1 << 20, 512


class MemoryDevice(BlockDevice):
    """A disk in memory. `log` gets (device, offset, bytes) of every write when it is a list."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size, self.writable = name, size, True
        self.data = np.zeros(size, np.uint8)
        self.log: list[tuple[MemoryDevice, int, bytes]] | None = None

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        view[:] = memoryview(self.data)[offset : offset + len(view)]

    def write(self, offset: int, buffer: Buffer) -> None:
        self.check_writable()
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        if self.log is not None:
            self.log.append((self, offset, bytes(view)))
        memoryview(self.data)[offset : offset + len(view)] = view

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        yield Extent(offset, self.size - offset if length is None else length, True)

    def punch(self, offset: int, length: int) -> None:
        self.write(offset, bytes(length))

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def copy(self) -> "MemoryDevice":
        other = MemoryDevice(self.name, self.size)
        other.data = self.data.copy()
        return other


def bad_sector(monkeypatch: pytest.MonkeyPatch, bad: int) -> None:
    """From here on disks in memory refuse every read of the sector at byte `bad`."""
    read = MemoryDevice.read_into

    def refuse(self: MemoryDevice, offset: int, buffer: Buffer) -> None:
        if offset < bad + SECTOR and bad < offset + len(byte_view(buffer)):
            raise ImageIOError("bad sector", where=self.name)
        read(self, offset, buffer)

    monkeypatch.setattr(MemoryDevice, "read_into", refuse)


class BrokenDevice(MemoryDevice):
    """A disk whose reads fail."""

    def read_into(self, offset: int, buffer: Buffer) -> None:
        raise ImageIOError("broken", where=self.name)


@pytest.fixture
def memory_disk() -> type[MemoryDevice]:
    return MemoryDevice


@pytest.fixture
def disks() -> Callable[..., list[MemoryDevice]]:
    """`disks(3, size)`: empty disks."""

    def make(count: int, size: int = 64 * MIB) -> list[MemoryDevice]:
        return [MemoryDevice(f"disk{i + 1}", size) for i in range(count)]

    return make


@pytest.fixture
def origin() -> SeededOrigin:
    return SeededOrigin(7)


@pytest.fixture
def make_group(
    disks: Callable[..., list[MemoryDevice]], origin: SeededOrigin
) -> Callable[..., tuple[VolumeGroup, list[MemoryDevice]]]:
    """`make_group(2)`: a group of disks of 61 PPs of 1 MiB with LVs hd5 (boot), hd4 (mirrored if it can be), lv00."""

    def make(count: int = 1, **options: int) -> tuple[VolumeGroup, list[MemoryDevice]]:
        devices = disks(count)
        group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, **{"pp_size": MIB, **options})
        with group.change(origin) as change:
            change.add_lv("hd5", "boot", 2, policy=LvPolicy(intra="e"), label="primary_bootlv")
            change.add_lv(
                "hd4", "jfs2", 5, min(count, 2), policy=LvPolicy(intra="c"), label="/", fs="vfs=jfs2:log=/dev/hd8"
            )
            change.add_lv("lv00", "raw", 3)
        return group, devices

    return make
