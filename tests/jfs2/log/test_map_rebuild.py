"""Maps as they are after a replay."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.inodes.inode_table import FILESET
from lvmfmt.jfs2.log.map_rebuild import InodeMapRebuild, aggregate_map, rebuild_block_map
from lvmfmt.jfs2.reading.inodes import InodeMap
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOTHING = np.zeros((0, 3), np.int64)


@pytest.fixture(scope="module", params=[AIX, LINUX], ids=lambda d: d.name)
def image(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "image"
    with ImageFile.create(path, 16 * MIB) as device:
        mkfs(device, dialect=request.param, origin=FixedOrigin(0))
    return ImageFile(path)


class Parts:
    def __init__(self, device) -> None:
        self.device = device
        self.superblock = read_superblock(self.device)
        self.geometry, self.volume = self.superblock.geometry, self.superblock.volume(self.device)
        self.inodes = InodeMap(self.volume, self.superblock)

    def inode_map(self, **options):
        settings = {"used": {}, "extents": {}, "table_entries": {}, "keep_empty": False, **options}
        return InodeMapRebuild(self.volume, self.geometry, self.inodes, FILESET, **settings)

    def block_map(self, events=NOTHING, freed=()):
        rebuild_block_map(self.volume, self.geometry, self.inodes, list(freed), np.array(events, np.int64))

    def free_blocks(self):
        return int(self.volume.dialect.structures.dbmap.table(self.device.read(0x10000, 4096))["dn_nfree"][0])


@pytest.fixture
def parts(image):
    return Parts(Overlay(image))


def test_nothing_happened(parts) -> None:
    before = parts.device.read(0, parts.device.size).tobytes()
    parts.block_map()
    found = parts.inode_map()
    found.write()
    assert found.freed == [] and parts.device.read(0, parts.device.size).tobytes() == before


def test_the_last_event_of_a_block_counts(parts) -> None:
    before, free = parts.free_blocks(), parts.geometry.first_free
    parts.block_map([(free + 10, 5, 1), (free + 12, 1, 0), (free + 13, 1, 0), (free + 13, 1, 1)])
    assert parts.free_blocks() == before - 4
    parts.block_map(freed=[(free + 10, 5)])
    assert parts.free_blocks() == before and not check(parts.device).counts


def test_an_inode_extent_comes_and_goes(parts) -> None:
    at, before = parts.geometry.first_free, parts.inodes.counts()
    new = parts.inode_map(used={40: True, 41: False}, extents={(0, 1): at})
    new.write()
    inodes = Parts(parts.device).inodes
    assert new.freed == [] and inodes.counts() == (before[0] + 1, before[1] + 32)
    again = Parts(parts.device)
    gone = again.inode_map(used={40: False})
    gone.write()
    assert gone.freed == [(at, parts.geometry.blocks_per_extent)]
    assert Parts(parts.device).inodes.counts() == before
    kept = Parts(parts.device).inode_map(extents={(0, 1): at}, keep_empty=True)
    assert kept.freed == []


def test_an_extent_by_the_page_that_names_it(parts) -> None:
    at, page = parts.geometry.first_free, parts.geometry.imap + parts.geometry.blocks_per_page
    before = parts.inodes.counts()
    parts.inode_map(used={40: True}, table_entries={(page, 1): at}).write()
    assert Parts(parts.device).inodes.counts()[1] == before[1] + 32
    with pytest.raises(CorruptImage, match="parent"):
        parts.inode_map(table_entries={(page + 1, 1): at})


@pytest.mark.parametrize("wrong", [{"used": {4096: True}}, {"extents": {(1, 0): 99}}, {"extents": {(0, 128): 99}}])
def test_what_the_map_has_no_place_for(parts, wrong) -> None:
    with pytest.raises(CorruptImage, match="inode"):
        parts.inode_map(**wrong)


def test_maps_that_make_no_sense(parts) -> None:
    with pytest.raises(CorruptImage, match="di_size"):
        aggregate_map(parts.volume, parts.inodes, FILESET, 3)
    assert aggregate_map(parts.volume, parts.inodes, FILESET, 2).pages == 2
    record = parts.volume.dialect.structures.dbmap
    raw = parts.device.read(0x10000, 4096)
    record.table(raw)["dn_mapsize"] += 1
    parts.device.write(0x10000, raw)
    with pytest.raises(CorruptImage, match="dn_mapsize"):
        parts.block_map()
