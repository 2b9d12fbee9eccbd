"""Used blocks of a map, with what is about to change."""

import io

import numpy as np
import pytest

from lvmfmt.block import FileDevice
from lvmfmt.jfs2 import LINUX
from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.jfs2.maps.block_map import BlockMapWriter
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.maps.used_blocks import NO_BLOCKS, MappedBlocks, UsedBlocks, free_runs, last_used
from lvmfmt.jfs2.volume import Volume
from lvmfmt.units import MIB

GEOMETRY = Geometry.of(80 * MIB, has_aim2=True)


def ranges(*rows):
    return UsedBlocks(np.array(rows, np.int64).reshape(-1, 2))


@pytest.fixture
def file():
    """The map of a file system of three pages of bits, blocks 0 to 99, 9000 and 9001 in use."""
    device = FileDevice(io.BytesIO(bytes(80 * MIB)), writable=True)
    file = MapFile.of_pieces(Volume(device, LINUX, 4096, GEOMETRY.blocks), [(16, GEOMETRY.map_pages)])
    BlockMapWriter(file, GEOMETRY, ranges((0, 100), (9000, 2)), anew=True).write()
    return file


def test_what_the_map_says_and_what_changes(file):
    use = MappedBlocks(file, GEOMETRY.blocks, ranges((8192, 3)), ranges((50, 8), (9001, 1)))
    assert np.flatnonzero(use.bits(0, 8192)).tolist() == [*range(50), *range(58, 100)]
    assert np.flatnonzero(use.bits(8192, 8192)).tolist() == [0, 1, 2, 9000 - 8192]
    assert not MappedBlocks(file, 8192).bits(8192, 8192).any()  # blocks behind those that the map knows


def test_only_what_lies_behind_the_map_is_known_to_be_free(file):
    use = MappedBlocks(file, 16384, ranges((17000, 1)))
    assert [use.is_free(*part) for part in ((100, 200), (16384, 17000), (16384, 17001))] == [False, True, False]
    assert NO_BLOCKS.is_free(0, 1 << 40)


def test_free_runs_and_the_last_used_block(file):
    use = MappedBlocks(file, GEOMETRY.blocks)
    end = GEOMETRY.blocks
    assert free_runs(use, end).tolist() == [[100, 8900], [9002, end - 9002]]
    assert free_runs(use, 9001).tolist() == [[100, 8900]]
    assert last_used(use, 0, end) == 9001
    assert last_used(use, 0, 9001) == 9000
    assert last_used(use, 9002, end) == -1
