"""Writes that wait: read at once, written in their order when they are released, or never."""

import io

import pytest

from lvmfmt.block import held as holding
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.held import Hold
from lvmfmt.block.overlay import OVERLAY_PAGE
from lvmfmt.block.trace import Barrier, Trace, Write


def test_two_devices_get_their_writes_in_one_order_and_later_ones_at_once() -> None:
    order: list[Trace] = []
    devices = [Trace(FileDevice(io.BytesIO(b"." * 3 * OVERLAY_PAGE), writable=True), order) for _ in range(2)]
    hold = Hold()
    one, two = (hold.over(device) for device in devices)
    buffer = bytearray(b"abc")
    one.write(5, buffer)
    buffer[:] = b"xyz"  # a caller may use its buffer again
    two.write(OVERLAY_PAGE - 1, memoryview(b"def"))
    two.flush()
    one.punch(OVERLAY_PAGE, OVERLAY_PAGE)
    one.flush()
    one.write(7, b"C")
    assert not order and one.read(4, 5).tobytes() == b".abC." and not one.read(OVERLAY_PAGE, OVERLAY_PAGE).any()
    hold.release()
    hold.release()
    assert order == [devices[i] for i in (0, 1, 1, 0, 0, 0)]
    kinds = [[type(event) for event in device.events] for device in devices]
    assert kinds == [[Write, Write, Barrier, Write], [Write, Barrier]]
    for device, held in zip(devices, (one, two), strict=True):
        assert device.read(0, device.size).tobytes() == held.read(0, held.size).tobytes()
    one.write(8, b"D")
    one.punch(0, 2)
    one.flush()
    assert len(order) == 9 and devices[0].read(0, 10).tobytes() == b"\0\0...abCD."


def test_what_is_not_released_is_never_written() -> None:
    below = Trace(FileDevice(io.BytesIO(b"." * OVERLAY_PAGE), writable=True))
    held = Hold().over(below)
    held.write(0, b"abc")
    held.close()
    assert not below.events and below.read(0, 3).tobytes() == b"..."


def test_no_more_is_held_back_than_memory_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MOST", 10)
    below = Trace(FileDevice(io.BytesIO(b"." * OVERLAY_PAGE), writable=True))
    held = Hold().over(below)
    held.write(0, b"0123456789")
    assert not below.events
    held.write(3, b"x")
    held.write(4, b"y")
    assert len(below.events) == 3 and below.read(0, 6).tobytes() == held.read(0, 6).tobytes() == b"012xy5"
