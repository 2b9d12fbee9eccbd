"""A file as a device: extents, holes, and what was never written."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import LvmfmtError, OperationRefused
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.nodes.extent_node import FILE_EXTENT
from lvmfmt.jfs2.reading.filedata import Zeros, file_device
from lvmfmt.jfs2.volume import Volume

EXTENTS = np.array([(1, 2, 10, 0), (3, 1, 20, AIX.unwritten_flag), (6, 1, 5, 0)], FILE_EXTENT)


@pytest.fixture
def volume(tmp_path):
    with ImageFile.create(tmp_path / "image", 32 * 512) as device:
        for block in range(32):
            device.write(block * 512, bytes([block]) * 512)
        yield Volume(device, AIX, 512, 32)


def blocks(file):
    return [int(file.read(at, 1)[0]) for at in range(0, file.size, 512)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (8 * 512, [0, 10, 11, 0, 0, 0, 5, 0]),
        (7 * 512, [0, 10, 11, 0, 0, 0, 5]),
        (2 * 512 + 1, [0, 10, 11]),  # what lies behind the end is not seen
        (100, [0]),
        (0, []),
    ],
)
def test_its_bytes(volume, size, expected):
    file = file_device(volume, EXTENTS, size, "f")
    assert (file.size, file.writable, blocks(file)) == (size, False, expected)
    assert file.read(0, size).tobytes() == b"".join(bytes([b]) * 512 for b in expected)[:size]


def test_what_is_there(volume):
    file = file_device(volume, EXTENTS, 8 * 512, "f")
    taken = [(e.offset // 512, e.length // 512) for e in file.extents() if e.is_data]
    assert all(first in (1, 2, 6) for first, _ in taken) and sum(n for _, n in taken) == 3


def test_a_hole_cannot_be_changed():
    hole = Zeros(1000, "f")
    assert [(e.offset, e.length, e.is_data) for e in (*hole.extents(100), *hole.extents(5, 7))] == [
        (100, 900, False), (5, 7, False),
    ]  # fmt: skip
    for change in (lambda: hole.write(0, b"x"), lambda: hole.punch(0, 1)):
        with pytest.raises(OperationRefused):
            change()
    buffer = bytearray(b"x" * 10)
    hole.read_into(990, buffer)
    assert buffer == bytes(10)
    with pytest.raises(LvmfmtError):
        hole.read_into(991, buffer)
