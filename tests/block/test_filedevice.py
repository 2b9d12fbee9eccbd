"""A file object of Python as a block device.

Tests of `lvmfmt.block.filedevice`.
"""

import io
from pathlib import Path

import pytest

from lvmfmt.block import Extent, FileDevice
from lvmfmt.errors import ImageIOError, OperationRefused


def test_reads_and_writes_at_places_and_leaves_the_position() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(3)
    device = FileDevice(file, writable=True)
    assert (device.size, device.name, device.writable, file.tell()) == (10, "<BytesIO>", True, 3)
    assert device.read(2, 4).tobytes() == b"2345"
    device.write(8, b"xy")
    assert (file.tell(), file.getvalue()) == (3, b"01234567xy")


def test_the_last_byte_is_inside_and_the_next_is_not() -> None:
    device = FileDevice(io.BytesIO(b"abc"), writable=True)
    assert device.read(2, 1).tobytes() == b"c"
    assert device.read(3, 0).tobytes() == b""
    for refused in (lambda: device.read(2, 2), lambda: device.write(3, b"x"), lambda: device.punch(1, 3)):
        with pytest.raises(ImageIOError, match="outside the device of 3 bytes"):
            refused()


def test_holes_are_zeros_that_are_data() -> None:
    file = io.BytesIO(b"abcdef")
    device = FileDevice(file, writable=True)
    device.punch(1, 3)
    assert file.getvalue() == b"a\0\0\0ef"
    assert list(device.extents()) == [Extent(0, 6, True)]
    assert list(device.extents(2)) == [Extent(2, 4, True)]
    assert list(device.extents(6, 0)) == []


def test_a_large_hole_is_written_in_parts() -> None:
    file = io.BytesIO(b"x" * ((2 << 20) + 5))
    FileDevice(file, writable=True).punch(1, (2 << 20) + 3)
    assert file.getvalue() == b"x" + bytes((2 << 20) + 3) + b"x"


class Slow(io.BytesIO):
    """Gives and takes at most two bytes a call, as a raw file may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(2, size or 0))

    def write(self, data: object, /) -> int:
        return super().write(bytes(data)[:2])  # type: ignore[call-overload]


def test_short_reads_and_writes_go_on() -> None:
    file = Slow(b"0123456")
    device = FileDevice(file, writable=True)
    assert device.read(1, 5).tobytes() == b"12345"
    device.write(2, b"abcd")
    assert file.getvalue() == b"01abcd6"


class Told(io.BytesIO):
    """Counts what it is told."""

    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


def test_it_is_never_closed_and_flushed_only_for_a_writer(tmp_path: Path) -> None:
    file = Told(bytes(8))
    FileDevice(file).flush()
    assert file.flushed == 0
    with FileDevice(file, writable=True) as device:
        device.flush()
    assert file.flushed == 1 and not file.closed
    path = tmp_path / "image"
    path.write_bytes(bytes(8))
    with path.open("rb") as real:
        assert FileDevice(real).name == str(path)


def test_what_cannot_be_a_device_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(bytes(8))
    with path.open() as text, pytest.raises(OperationRefused, match="a file of text"):
        FileDevice(text)  # type: ignore[arg-type]
    with path.open("rb") as reader, pytest.raises(OperationRefused, match="opened for reading"):
        FileDevice(reader, writable=True)
    with path.open("rb") as reader, pytest.raises(OperationRefused, match="nothing is written"):
        FileDevice(reader).write(0, b"x")


def test_a_closed_or_shortened_file_is_an_error_of_the_system() -> None:
    file = io.BytesIO(b"abcdef")
    device = FileDevice(file)
    file.truncate(4)
    with pytest.raises(ImageIOError, match="the file ends at byte 4"):
        device.read(2, 4)
    file.close()
    with pytest.raises(ImageIOError, match="closed file"):
        device.read(0, 1)
