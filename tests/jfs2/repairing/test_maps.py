"""Maps made anew: nothing is written where all is right, and what is written is what was there."""

import numpy as np
import pytest

from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.maps.used_blocks import MappedBlocks, UsedBlocks, free_runs
from lvmfmt.jfs2.repairing.fixes import Plan
from lvmfmt.jfs2.repairing.inode_survey import InodeSurvey
from lvmfmt.jfs2.repairing.maps import write_blocks, write_inode_map

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])


def block_map(i):
    g = i.geometry
    volume = i.fs.superblock.volume(i.device)
    file = MapFile.of_pieces(volume, [(g.map_address, g.map_pages)])
    runs = free_runs(MappedBlocks(file, g.blocks), g.blocks)
    starts = np.append(0, runs.sum(axis=1))
    used = np.stack((starts, np.append(runs[:, 0], g.blocks) - starts), axis=1)
    return file, UsedBlocks(used)


@BASES
def test_the_block_map(image, base):
    i = image(base)
    file, used = block_map(i)
    good, plan = bytes(i.data), Plan()
    write_blocks(i.fs.superblock, file, used, plan)
    assert plan.fixes == [] and bytes(i.data) == good
    i.view(i.s.dmap, i.block_map(4))["nfree"] += 1
    i.view(i.s.dbmap, 0x10000)["dn_nfree"] += 1
    i.data[i.block_map(2) : i.block_map(3)] = i.data[i.block_map(3) : i.block_map(4)]  # a level that is not needed
    write_blocks(i.fs.superblock, file, used, plan)
    assert [fix.text for fix in plan.fixes] == ["3 pages of the block map"]
    assert bytes(i.data) == good


@BASES
def test_the_inode_map(image, repairing, base):
    i = image(base)
    good, at = bytes(i.data), i.fs.inodes.map_offset(-1)
    i.iag(0)["nfreeinos"] += 1
    i.control()["in_numfree"] += 1
    context, aggregate = repairing(i)
    survey = InodeSurvey(context, aggregate)
    survey.run()
    write_inode_map(context, survey, sound=True)
    assert [fix.text for fix in context.plan.fixes] == ["the inode map: the control page", "the inode map: group 0"]
    assert context.device.read(at, 8192).tobytes() == good[at : at + 8192]
    write_inode_map(context, survey, sound=True)
    assert len(context.plan.fixes) == 2


@BASES
def test_a_new_tree_of_the_inode_map(image, repairing, base):
    i = image(base)
    context, aggregate = repairing(i)
    survey = InodeSurvey(context, aggregate)
    survey.run()
    write_inode_map(context, survey, sound=False)
    assert [fix.text for fix in context.plan.fixes] == ["the tree of the inode map is built anew from 1 extents"]
    row = context.map_row()
    assert (row["di_size"][0], row["di_nblocks"][0]) == (8192, 2)
