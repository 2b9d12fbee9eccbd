"""The block map file: bits in, pages out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.geometry import PAGE, Geometry, dmap_page, l0_page, l1_page
from lvmfmt.jfs2.maps.block_map import BlockMapWriter
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.maps.used_blocks import UsedBlocks
from lvmfmt.jfs2.nodes.map_page import dmap_pages
from lvmfmt.jfs2.volume import Volume
from lvmfmt.units import GIB, MIB


@given(st.lists(st.integers(0, 400), min_size=2, max_size=20, unique=True), st.integers(0, 300), st.integers(1, 200))
def test_used_blocks_as_bits(edges, first, count):
    edges = sorted(edges)[: len(edges) // 2 * 2]
    model = np.zeros(1000, bool)
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        model[a:b] = True
    ranges = np.array([(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)])
    assert (UsedBlocks(ranges).bits(first, count) == model[first : first + count]).all()


def test_a_block_given_out_twice_is_noticed():
    with pytest.raises(ValueError, match="twice"):
        UsedBlocks(np.array([(0, 10), (9, 5)]))


def test_page_numbers_of_large_maps():
    # [jfs2 1.3]: (b>>13) + (b>>23) + (b>>33) + 4 and its siblings
    for block in (0, 8191, 8192, 1 << 23, (1 << 23) - 1, 1 << 33, (1 << 33) + (5 << 23) + (7 << 13)):
        assert dmap_page(block >> 13) == (block >> 13) + (block >> 23) + (block >> 33) + 4
        assert l0_page(block >> 23) == (block >> 23) * 1024 + (block >> 23) + (block >> 33) + 3
        assert l1_page(block >> 33) == (block >> 33) * (2**20 + 2**10 + 1) + 2


@pytest.mark.parametrize("dialect", [AIX, LINUX])
def test_last_dmap_marks_what_does_not_exist(dialect):
    pages, free = dmap_pages(dialect, 0, np.zeros(8192, bool), 3788)
    words = pages["wmap"][0]
    assert words[118] == 0x000FFFFF  # [jfs2 6.1]: blocks 3788 and on of word 118
    assert (words[119:] == 0xFFFFFFFF).all()
    assert free.tolist() == [3788]
    assert pages["nblocks"].tolist() == [3788]


def test_untouched_groups_cost_one_computation(tmp_path):
    """A map of 96 GiB has two whole level-0 groups without any used block; all pages carry their own start."""
    geometry = Geometry.of(96 * GIB, has_aim2=False)
    with ImageFile.create(tmp_path / "x", 256 * MIB) as device:
        volume = Volume(device, AIX, 4096, geometry.blocks)
        file = MapFile.of_pieces(volume, [(geometry.map_address, geometry.map_pages)])
        totals = BlockMapWriter(file, geometry, UsedBlocks(np.array([(0, 5000)])), anew=True).write()
        base = geometry.map_address * 4096
        dmap = AIX.structures.dmap
        for number in (0, 1023, 1024, 2047, 2048, geometry.dmap_pages - 2):
            page = dmap.parse(device.read(base + dmap_page(number) * PAGE, PAGE))
            assert page.start == number * 8192
            assert page.nfree == (8192 - 5000 if number == 0 else page.nblocks)
        assert totals.free == geometry.blocks - 5000
        control = AIX.structures.dbmap.parse(device.read(base, PAGE))
        assert control.dn_nfree == totals.free
        assert sum(control.dn_agfree) == totals.free
        assert control.dn_maxlevel == 1
        assert control.dn_maxfreebud == totals.top_root
