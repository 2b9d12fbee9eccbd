"""What lies behind a new end, and how it is placed before it."""

import numpy as np
import pytest

from lvmfmt.errors import NoSpace, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.maps.free_space import FreeSpace
from lvmfmt.jfs2.resizing.beyond_end import BeyondEndSearch, files, owners_behind
from lvmfmt.jfs2.resizing.placement import place

MIB = 1 << 20
DIALECTS = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


def filled(volume, dialect):
    """Two files of 4 MiB; the first goes: the second lies behind 6 MiB of 32 MiB."""
    device = volume(dialect, 32 * MIB)
    with mount(device) as fs:
        for name in ("/first", "/second"):
            fs.write_file(name, bytes(4 * MIB))
        fs.unlink("/first")
    fs = FileSystem.open(device)
    return device, fs, fs.inode("/second").number


@DIALECTS
def test_who_owns_blocks_behind_an_end(volume, dialect):
    device, fs, number = filled(volume, dialect)
    assert owners_behind(device, 0).max() == number
    assert number in owners_behind(device, 1500) and number not in owners_behind(device, 4000)
    [[inode]] = files(fs.inodes, np.array([-3, number]))
    assert (inode.number, inode.size) == (number, 4 * MIB)


@DIALECTS
def test_a_file_behind_the_end_moves_before_it(volume, dialect):
    device, fs, number = filled(volume, dialect)
    old = fs.superblock.geometry
    new = Geometry.of(16 * MIB, log_bytes=old.log_blocks * 4096, has_aim2=old.has_aim2)
    end = 1600
    new = new._replace(blocks=end)
    found = BeyondEndSearch(device, fs.superblock, fs.inodes, new).find()
    assert found.trees["number"].tolist() == [number] and not found.trees["rigid"][0]
    assert found.extents[0]["length"].sum() == 1024 and len(found.pages) == 0
    behind = int(np.maximum(found.extents[0]["address"] + found.extents[0]["length"] - end, 0).max())
    assert behind > 0
    space = FreeSpace(np.array([(600, 300), (1000, behind)]), lambda wanted, there: NoSpace(f"{wanted}: {there}"))
    placed = place(fs.volume, found, space, map_blocks=new.map_pages)
    assert placed.moves[:, 1].sum() == placed.taken[:, 1].sum() == placed.freed[:, 1].sum() == behind
    assert (placed.moves[:, 2] + placed.moves[:, 1] <= end).all() and (placed.moves[:, 0] >= end).all()
    with pytest.raises(NoSpace):
        space = FreeSpace(np.array([(600, behind - 1)]), lambda wanted, there: NoSpace(f"{wanted}: {there}"))
        place(fs.volume, BeyondEndSearch(device, fs.superblock, fs.inodes, new).find(), space, map_blocks=new.map_pages)


@DIALECTS
def test_nothing_is_moved_in_a_file_system_with_errors(volume, dialect):
    device, fs, number = filled(volume, dialect)
    at = fs.inodes.read(number).at + dialect.structures.inode.offset_of("di_nlink")
    device.write(at, np.array([7], f"{dialect.order}u4"))
    with pytest.raises(OperationRefused, match="errors"):
        owners_behind(device, 100)
