"""A map as one run of pages, wherever its extents are."""

import io

import numpy as np
import pytest

from lvmfmt.block import FileDevice
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.nodes.extent_node import FILE_EXTENT
from lvmfmt.jfs2.nodes.fault import Fault
from lvmfmt.jfs2.volume import Volume

BLOCK = 1024  # four of them are a page


@pytest.fixture
def volume():
    """100 blocks, the first byte of each is its number."""
    data = np.zeros((100, BLOCK), np.uint8)
    data[:, 0] = np.arange(100)
    return Volume(FileDevice(io.BytesIO(data.tobytes()), writable=True), AIX, BLOCK, 100)


def extents(*rows):
    return np.array([(*row, 0) for row in rows], FILE_EXTENT)


def test_pages_are_found_in_their_extents(volume):
    file = MapFile(volume, extents((8, 4, 20), (0, 8, 40), (16, 6, 60)))  # pages 3 and, in part, 5 are missing
    assert file.pages == 5
    expected = [40, 44, 20, None, 60, None]
    assert file.places(0, 6).tolist() == [-1 if block is None else block * BLOCK for block in expected]
    assert [file.place(page) for page in range(6)] == file.places(0, 6).tolist()
    read = file.read(0, 6).reshape(6, 4, BLOCK)[:, :, 0]
    assert read.tolist() == [[0] * 4 if b is None else [b, b + 1, b + 2, b + 3] for b in expected]
    assert file.read(3, 1).any() == False  # noqa: E712
    assert MapFile(volume, extents()).places(0, 2).tolist() == [-1, -1]


def test_a_map_is_at_most_as_long_as_the_file_system(volume):
    assert MapFile(volume, extents((0, 4000, 1))).pages == 25


def test_structures_of_pages(volume):
    file = MapFile.of_pieces(volume, [(40, 4), (20, 8)])
    assert file.places(0, 3).tolist() == [40 * BLOCK, 20 * BLOCK, 24 * BLOCK]
    table = file.table(AIX.structures.dmap, 1, 2)
    assert table["nblocks"].tolist() == [20 << 24, 24 << 24]


def test_writing_goes_to_the_pages_that_differ(volume):
    file = MapFile.of_pieces(volume, [(40, 4), (20, 8)])
    old = file.read(0, 3)
    new = old.copy()
    new[0, 5] = new[2, 7] = 1
    written = []
    write = volume.device.write
    volume.device.write = lambda at, data: (written.append(at), write(at, data))
    assert file.write_changed(0, old, new) == 2
    assert written == [40 * BLOCK, 24 * BLOCK]
    assert (file.read(0, 3) == new).all()
    assert file.write_changed(0, new, new) == 0
    with pytest.raises(CorruptImage, match="page 3 of a map"):
        file.write(2, np.zeros((2, 4096), np.uint8))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (((0, 4, 20), (8, 4, 40)), 8),  # a gap
        (((4, 4, 20),), 4),
        (((0, 6, 20), (6, 2, 40)), 0),  # a page in two extents
    ],
)
def test_a_whole_map_has_no_gap(volume, rows, found):
    with pytest.raises(CorruptImage) as caught:
        MapFile.whole(volume, extents(*rows), at=700)
    assert (caught.value.offset, caught.value.found) == (700, found)
    assert MapFile.whole(volume, extents((0, 4, 20), (4, 8, 40)), at=700).pages == 3


def test_a_fault_of_a_page_says_where_it_is(volume):
    file = MapFile.of_pieces(volume, [(40, 4), (20, 8)])
    error = file.corrupt(Fault("dmap-blocks", "j2_dmap", "start", 8, 1, 2, entry=1), 1)
    assert (error.offset, error.expected, error.found, error.where) == (24 * BLOCK + 8, 1, 2, "<BytesIO>")
