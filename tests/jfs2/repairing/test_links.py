"""Names and inodes brought together."""

import stat

import numpy as np
import pytest

from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.repairing.inode_survey import InodeSurvey
from lvmfmt.jfs2.repairing.links import mend_links
from lvmfmt.jfs2.repairing.maps import write_inode_map

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])


def mended(i, repairing):
    context, aggregate = repairing(i)
    survey = InodeSurvey(context, aggregate)
    survey.run()
    mend_links(context, survey)
    return [(fix.kind, fix.text) for fix in context.plan.fixes], context, survey


@BASES
def test_what_agrees_stays(image, repairing, base):
    i = image(base)
    fixes, context, _ = mended(i, repairing)
    assert fixes == [] and list(context.device.dirty_ranges()) == []


@BASES
def test_links_are_counted(image, repairing, base):
    i = image(base)
    number, at = i.number("/file"), i.inode_at("/file")
    i.view(i.s.inode, at)["di_nlink"] = 5
    fixes, context, _ = mended(i, repairing)
    assert len(fixes) == 1 and str(number) in fixes[0][1] and "5" in fixes[0][1]
    assert context.read_row(at)["di_nlink"][0] == 1


@BASES
def test_a_name_of_nothing_goes(image, repairing, base):
    i = image(base)
    names = [entry.name for entry in i.fs.entries(i.fs.inode("/"))]
    entry = i.root_entry(2, names.index(b"file"))
    i.view(i.s.leaf_slot, entry)["inumber"] = 31
    fixes, context, survey = mended(i, repairing)
    kinds = [kind for kind, _ in fixes]
    assert "reconnected" in kinds and 31 not in survey.child
    write_inode_map(context, survey, sound=True)
    fs = FileSystem.open(context.device)
    lost = fs.entries(fs.inode("/lost+found"))
    assert len(lost) == 1 and stat.S_ISREG(fs.inodes.read(lost[0].number).mode)
    assert b"file" not in [entry.name for entry in fs.entries(fs.inode("/"))]


@BASES
def test_a_deleted_file_that_was_not_freed_is_freed(image, repairing, base):
    i = image(base)
    number = int((~i.fs.inodes.iag(0).used[:32]).argmax())
    at = i.inode_at("/file") - (i.number("/file") - number) * 512
    row = i.view(i.s.inode, at)
    row[:] = i.view(i.s.inode, i.inode_at("/file"))
    row["di_number"], row["di_nlink"] = number, 0
    for field in ("pmap", "wmap"):
        i.iag(0)[field][0, 0] |= 1 << 31 - number
    fixes, _, survey = mended(i, repairing)
    assert [kind for kind, _ in fixes][-1] == "inode-free"
    assert not survey.used[0, number] and np.count_nonzero(survey.numbers == number) == 0
