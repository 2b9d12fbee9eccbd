"""A write with a barrier behind it, and whose fault it was."""

import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.lvm.disk.barrier import DiskFailed, write_sync

from ..conftest import MemoryDevice


class Flaky(MemoryDevice):
    """Remembers what happened, and fails where it is told to."""

    def __init__(self, fails: str) -> None:
        super().__init__("disk1", 1024)
        self.fails, self.done = fails, []

    def write(self, offset: int, buffer: bytes) -> None:  # type: ignore[override]
        self.done.append("write")
        if self.fails == "write":
            raise ImageIOError("no space", errno=28)
        super().write(offset, buffer)

    def flush(self) -> None:
        self.done.append("flush")
        if self.fails == "flush":
            raise ImageIOError("gone", where="elsewhere", hint="bring it")


def test_the_barrier_comes_after_the_write() -> None:
    disk = Flaky("")
    write_sync(disk, 512, b"x" * 4)
    assert disk.done == ["write", "flush"] and disk.read(512, 4).tobytes() == b"xxxx"


@pytest.mark.parametrize("fails, errno, where", [("write", 28, "disk1"), ("flush", 5, "elsewhere")])
def test_a_refusal_names_the_disk(fails: str, errno: int, where: str) -> None:
    disk = Flaky(fails)
    with pytest.raises(DiskFailed) as failed:
        write_sync(disk, 0, b"x")
    assert failed.value.device is disk and (failed.value.errno, failed.value.where) == (errno, where)
    assert isinstance(failed.value, ImageIOError) and isinstance(failed.value.__cause__, ImageIOError)
