"""The aggregate's own inodes and map, from their other copy and from what they describe."""

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.repairing.aggregate import superblock_place

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])


def fixes(context):
    return [(fix.kind, fix.text) for fix in context.plan.fixes]


@BASES
def test_a_sound_aggregate_stays(image, repairing, base):
    context, aggregate = repairing(image(base))
    assert fixes(context) == [] and aggregate.map_sound and len(aggregate.map_extents) == 1
    assert context.superblock.geometry.ait2 == superblock_place(context.superblock, "s_ait2")
    assert list(context.device.dirty_ranges()) == []


@BASES
@pytest.mark.parametrize("second", [False, True])
def test_an_inode_comes_back_from_its_other_copy(image, repairing, base, second):
    i = image(base)
    before = bytes(i.data)
    at = i.aggregate(16, second=second)
    i.data[at : at + 512] = bytes(512)
    context, aggregate = repairing(i)
    title = "second" if second else "first"
    text = f"aggregate inodes 16 (fileset's inode map) of the {title} table"
    assert ("aggregate", text) in fixes(context)
    after = context.device.read(at, 512).tobytes()
    differ = [n for n in range(512) if after[n] != before[at + n]]
    assert len(aggregate.map_extents) == 1
    assert not differ or differ[-1] - differ[0] < 4  # the next generation, which each copy has for itself


@pytest.mark.parametrize("number", [1, 2, 3, 4, 16])
def test_inodes_of_the_linux_dialect_have_generation_1(image, repairing, number):
    """mkfs writes it [jfs2 3.1.4], and jfs_fsck takes no other in either table."""
    i = image("linux-small")
    before = bytes(i.data)
    for second in (False, True):
        i.view(i.s.inode, i.aggregate(number, second=second))["di_gen"] = 7
    context, _ = repairing(i)
    assert context.device.read(0, len(before)).tobytes() == before


@BASES
def test_the_map_describes_the_tables_and_nothing_else(image, repairing, base):
    i = image(base)
    iag = i.view(i.s.iag, 0xA000)
    good = iag.copy()
    iag["pmap"][0, 0] = iag["nfreeinos"] = iag["agstart"] = 5
    context, _ = repairing(i)
    assert fixes(context) == [("inode-map", "the aggregate inode map at byte 0x9000")]
    assert (context.device.read(0xA000, 4096).view(i.s.iag.dtype) == good).all()


@BASES
def test_the_block_map_can_only_be_where_mkfs_puts_it(image, repairing, base):
    i = image(base)
    for second in (False, True):
        i.view(i.s.xad, i.aggregate(2, second=second) + 224 + 32)["addr_lo"] = 300
    context, _ = repairing(i)
    xad = context.device.read(0xB000 + 2 * 512 + 224 + 32, 16).view(i.s.xad.dtype)
    length, address = i.dialect.get_pxd(xad)
    assert (int(address[0]), int(length[0])) == (16, i.geometry.map_pages)


@BASES
def test_without_both_ways_to_the_inodes_there_is_nothing_to_repair(image, repairing, base):
    i = image(base)
    for second in (False, True):
        at = i.aggregate(16, second=second)
        i.data[at : at + 512] = np.zeros(512, np.uint8).tobytes()
    with pytest.raises(CorruptImage, match="none in both copies"):
        repairing(i)
