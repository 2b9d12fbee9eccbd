"""Names read out of damaged directories, and directories built from names."""

import numpy as np
import pytest

from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.repairing.directories import DirectorySalvager
from lvmfmt.jfs2.repairing.new_directory import build_directory

BASES = pytest.mark.parametrize("base", ["aix", "linux"])


def salvaged(i, path):
    inode = i.fs.inode(path)
    salvager = DirectorySalvager(i.device, i.fs.superblock)
    return salvager.read(inode.number, bytes(i.data[inode.at + 224 : inode.at + 512]), inode.at + 224)


@BASES
def test_a_sound_directory_gives_all_its_names(image, base):
    i = image(base)
    found = salvaged(i, "/two")
    assert [(n.name, n.number) for n in found.names] == [(b"a", i.number("/two/a")), (b"b", i.number("/two/b"))]
    assert (found.parent, found.lost, found.removed, found.pages) == (2, 0, 0, [])
    many = salvaged(i, "/many")
    assert [n.name for n in many.names] == [b"entry%04d" % n for n in range(4300)]
    assert many.lost == 0 and len(many.pages) == 36  # 35 leaves, one page above them


@BASES
def test_a_leaf_that_cannot_be_read_is_lost_alone(image, base):
    i = image(base)
    leaf = i.dtree_leaves("/many")[3]
    inside = i.data[leaf + 17]
    i.data[leaf + 16 : leaf + 24] = b"\xff" * 8
    found = salvaged(i, "/many")
    assert found.lost >= 1
    assert 4300 - inside <= len(found.names) <= 4300


@BASES
def test_a_directory_from_names(image, repairing, base):
    i = image(base)
    context, _ = repairing(i)
    names = salvaged(i, "/many").names
    context.room.keep(np.array([0]), np.array([i.geometry.blocks - 100]))
    for count in (3, 200):
        row = i.fs.inode("/two").row.copy()
        build_directory(context.device, context.superblock, context.room, row, 2, names[:count])
        context.write_row(i.inode_at("/two"), row)
        fs = FileSystem.open(context.device)
        assert [e.name for e in fs.entries(fs.inode("/two"))] == [n.name for n in names[:count]]
    assert len(context.room.given) > 1
