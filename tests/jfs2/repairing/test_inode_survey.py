"""The inodes of a file system, group by group."""

import stat

import numpy as np
import pytest

from lvmfmt.errors import NoSpace
from lvmfmt.jfs2.repairing.inode_survey import InodeSurvey

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])


def surveyed(i, repairing):
    context, aggregate = repairing(i)
    survey = InodeSurvey(context, aggregate)
    survey.run()
    return survey, context


@BASES
def test_what_is_sound_is_found(image, repairing, base):
    i = image(base)
    survey, context = surveyed(i, repairing)
    number = i.number("/file")
    assert survey.used.sum() == i.fs.inodes.iag(0).used.sum()
    assert survey.extents[0].tolist() == i.fs.inodes.iag(0).address.tolist()
    row = survey.numbers.tolist().index(number)
    assert stat.S_ISREG(int(survey.modes[row]) & 0xFFFF) and survey.links[row] == 1
    assert survey.at[row] == survey.place(number) == i.inode_at("/file")
    names = {(c, p) for c, p in zip(survey.child.tolist(), survey.parent.tolist(), strict=True)}
    assert (number, 2) in names
    assert context.plan.fixes == [] and survey.failures == [] and survey.spares == {}


@BASES
def test_a_free_inode_that_is_named_comes_back(image, repairing, base):
    i = image(base)
    number = i.number("/file")
    for field in ("pmap", "wmap"):
        i.iag(0)[field][0, number // 32] &= 0xFFFFFFFF ^ 1 << 31 - number % 32
    survey, context = surveyed(i, repairing)
    assert number not in survey.numbers and list(survey.spares) == [number]
    assert survey.revive([number, 9]) and not survey.revive([number])
    assert number in survey.numbers and survey.used[0, number]
    assert [fix.text for fix in context.plan.fixes] == [f"inode {number}: marked free, but a directory names it"]
    survey.forget(number)
    assert not survey.used[0, number]


@BASES
def test_an_extent_that_is_elsewhere_is_taken_out(image, repairing, base):
    i = image(base)
    length = 4
    i.pxd(i.s.iag, i.fs.inodes.map_offset(0), "inoext", i.geometry.blocks, length, row=1)
    i.pxd(i.s.iag, i.fs.inodes.map_offset(0), "inoext", 200, length, row=2)
    survey, context = surveyed(i, repairing)
    texts = [fix.text for fix in context.plan.fixes]
    assert f"the inode extent of inodes 32 and on at 4@{i.geometry.blocks} is not inside the file system" in texts[0]
    assert "inodes 64 and on at 4@200 holds no inodes with these numbers" in texts[1]
    assert (survey.extents[0] != 0).tolist() == [True] + [False] * 127


@BASES
def test_a_free_inode_is_the_lowest_or_in_a_new_extent(image, repairing, base):
    i = image(base)
    survey, context = surveyed(i, repairing)
    lowest = int((~survey.used[0]).argmax())
    assert survey.free_inode() == lowest
    survey.used[0, :32] = True
    assert survey.free_inode() == 32
    address = int(survey.extents[0, 1])
    rows = context.device.read(address * 4096, 4 * 4096).view(i.s.inode.dtype)
    assert rows["di_number"].tolist() == list(range(32, 64))
    assert context.plan.fixes[-1].text == "a new inode extent for inodes 32 to 63"
    survey.used[:] = True
    survey.extents[:] = 1
    with pytest.raises(NoSpace, match="one more inode"):
        survey.free_inode()


@BASES
def test_links_of_a_free_inode_become_none(image, repairing, base):
    i = image(base)
    number = int((~i.fs.inodes.iag(0).used[:32]).argmax())
    at = i.inode_at("/file") - (i.number("/file") - number) * 512
    row = i.view(i.s.inode, at)
    row["di_number"], row["di_fileset"], row["di_nlink"] = number, 16, 3
    row["di_inostamp"] = i.view(i.s.inode, i.inode_at("/file"))["di_inostamp"]
    survey, context = surveyed(i, repairing)
    assert [fix.text for fix in context.plan.fixes] == [f"inode {number}: free, its 3 links become 0"]
    assert context.read_row(at)["di_nlink"][0] == 0
    assert np.count_nonzero(survey.used) == i.fs.inodes.iag(0).used.sum()
