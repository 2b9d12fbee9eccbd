"""Events of the maps, newest first: the first one told of a block or inode counts."""

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.log.map_events import MapEvents
from lvmfmt.jfs2.log.records import LoggedExtent
from lvmfmt.jfs2.volume import Volume


class Nowhere:
    name, size = "image", 0


@pytest.fixture
def events() -> MapEvents:
    return MapEvents(Volume(Nowhere(), AIX, 4096, 1000))


def test_blocks_come_oldest_first(events) -> None:
    assert events.block_table().shape == (0, 3)
    events.blocks(LoggedExtent(900, 100), True)
    events.blocks(LoggedExtent(10, 2), False)
    assert events.block_table().tolist() == [[10, 2, 0], [900, 100, 1]]
    for outside in (LoggedExtent(0, 1), LoggedExtent(999, 2), LoggedExtent(5, 0)):
        with pytest.raises(CorruptImage):
            events.blocks(outside, True)


def test_the_newest_event_of_an_inode_counts(events) -> None:
    # inode 4096 + 65 lies in extent 2 of IAG 1
    events.inode(4161, True, LoggedExtent(40, 4))
    events.inode(4161, False, LoggedExtent(44, 4))
    events.inode(4162, True, LoggedExtent(48, 4))
    assert events.inodes == {4161: True, 4162: True}
    assert events.extents == {(1, 2): 40}
    assert events.block_table().tolist() == [[48, 4, 1], [40, 4, 1]]
    events.inode(7, False, LoggedExtent(60, 4))
    assert events.inodes[7] is False and (0, 0) not in events.extents


def test_an_extent_goes_with_its_inodes(events) -> None:
    events.inode(4161, True, LoggedExtent(40, 4))
    events.free_inode_extent(1, 2, LoggedExtent(40, 4))
    events.free_inode_extent(0, 1, LoggedExtent(80, 4))
    assert events.extents == {(1, 2): 40, (0, 1): 0}
    assert events.inodes[4161] is True and events.inodes[4160] is False and events.inodes[4191] is False
    assert [events.inodes.get(n) for n in (31, 32, 63, 64)] == [None, False, False, None]
    assert events.block_table()[0].tolist() == [80, 4, 0]
