"""Geometry against the vectors of [jfs2 6.5] (they come from images of jfs_mkfs and a formatter)."""

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.dialect.log_sizes import aix_log_bytes, linux_log_bytes
from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.units import GIB, KIB, MIB, TIB

# volume, log bytes, has_aim2, n, work space, ag size, groups, map pages, ait2, first inodes, imap
VECTORS = [
    (16 * MIB, 0, True, 4044, 52, 8192, 1, 6, 24, 28, 32),
    (16 * MIB, MIB, True, 3788, 52, 8192, 1, 6, 24, 28, 32),
    (16 * MIB, 256 * KIB, False, 3980, 52, 8192, 1, 6, 22, 26, 30),
    (32 * MIB, 0, False, 8140, 52, 8192, 1, 6, 22, 26, 30),
    (64 * MIB, MIB, False, 16076, 52, 8192, 2, 7, 23, 27, 31),
    (512 * MIB, 2 * MIB, True, 130505, 55, 8192, 16, 21, 39, 43, 47),
    (512 * MIB, 4 * MIB, False, 129993, 55, 8192, 16, 21, 37, 41, 45),
    (GIB, 8 * MIB, False, 260037, 59, 8192, 32, 37, 53, 57, 61),
    (64 * GIB, 128 * MIB, True, 16743886, 562, 131072, 128, 2050, 2068, 2072, 2076),
    (64 * GIB, 256 * MIB, False, 16711119, 561, 131072, 128, 2046, 2062, 2066, 2070),
    (TIB, 0, True, 268427213, 8243, 2097152, 128, 32803, 32821, 32825, 32829),
    (TIB, GIB, False, 268165077, 8235, 2097152, 128, 32771, 32787, 32791, 32795),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_published_geometries(vector):
    volume, log, aim2, n, work, ag, groups, pages, ait2, inodes, imap = vector
    g = Geometry.of(volume, log_bytes=log, has_aim2=aim2)
    assert (g.blocks, g.fsck_blocks, g.ag_size, g.ag_count) == (n, work, ag, groups)
    assert (g.map_pages, g.ait2, g.first_inodes, g.imap) == (pages, ait2, inodes, imap)
    assert g.fsck_address == n
    assert not log or g.log_address == n + work


def test_examples_of_group_levels():
    small = Geometry.of(16 * MIB, log_bytes=MIB, has_aim2=True)
    assert (small.ag_height, small.ag_width, small.ag_start, small.max_level) == (0, 1, 341, 0)
    large = Geometry.of(64 * GIB, log_bytes=128 * MIB, has_aim2=True)
    assert (large.ag_log2, large.ag_height, large.ag_width, large.ag_start) == (17, 2, 1, 21)
    assert (large.max_level, large.ag_level) == (1, 0)


def test_block_sizes_keep_metadata_at_the_same_bytes():
    for size in (512, 1024, 2048):
        g = Geometry.of(64 * MIB, size, log_bytes=MIB, has_aim2=False)
        assert g.map_address * size == 0x10000
        assert g.blocks_per_page * size == 4096


def test_aix_log_sizes():
    sizes = {16: 256, 32: 512, 64: 1024, 128: 2048, 129: 2048, 512: 4096, 1024: 8192, 2048: 8192, 3072: 12288}
    assert {v: aix_log_bytes(v * MIB) // KIB for v in sizes} == sizes
    edges = {127: 1024, 800: 7168, 1500: 8192, 2049: 9216, 5000: 20480}  # the rule of [jfs2 1.3] between the vectors
    assert {v: aix_log_bytes(v * MIB) // KIB for v in edges} == edges
    assert aix_log_bytes(32 * MIB - 1) == 256 * KIB and aix_log_bytes(64 * MIB - 1) == 512 * KIB
    large = {100: 400, 128: 512, 256: 512, 512: 512, 600: 600, 1024: 1024, 4096: 2047}
    assert {v: aix_log_bytes(v * GIB) // MIB for v in large} == large


def test_linux_log_sizes():
    assert [linux_log_bytes(v * MIB) // MIB for v in (16, 256, 1024, 65536)] == [1, 1, 4, 128]


@pytest.mark.parametrize(
    ("volume", "block_size", "log"), [(16 * MIB - 1, 4096, 0), (64 * MIB, 3000, 0), (16 * MIB, 4096, 16 * MIB)]
)
def test_impossible_sizes_are_refused(volume, block_size, log):
    with pytest.raises(OperationRefused):
        Geometry.of(volume, block_size, log_bytes=log, has_aim2=False)
