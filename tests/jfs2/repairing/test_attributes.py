"""Attributes of inodes put right."""

import numpy as np
import pytest

from lvmfmt.jfs2.attributes.ead import FORMAT_2
from lvmfmt.jfs2.repairing.attributes import AttributeMender


@pytest.fixture
def linux(image, repairing):
    """An image whose file /few has attributes in an extent, and the mender of it."""
    i = image("linux")
    i.attributes_in_an_extent("/data")
    context, _ = repairing(i)
    context.room.keep(np.array([0]), np.array([i.geometry.blocks - 50]))
    return i, AttributeMender(context.device, i.device, context.volume, context.room), context


def place(i, row):
    length, address = i.dialect.get_pxd(row["di_ea"]["xd"])
    return int(address[0]), int(length[0])


def test_sound_attributes_stay(linux):
    i, mender, context = linux
    row = context.read_row(i.inode_at("/data")).copy()
    good = row.copy()
    assert mender.mend(row, [], format_2=False) == [] and row == good


def test_blocks_that_another_owns_are_copied(linux):
    i, mender, context = linux
    row = context.read_row(i.inode_at("/data")).copy()
    address, _ = place(i, row)
    [text] = mender.mend(row, [(address, address + 1)], format_2=False)
    new, length = place(i, row)
    assert "attributes" in text and length == 1 and new == i.geometry.blocks - 50
    assert (context.device.read(new * 4096, 4096) == i.device.read(address * 4096, 4096)).all()


def test_attributes_outside_the_file_system_are_dropped(linux):
    i, mender, context = linux
    row = context.read_row(i.inode_at("/data")).copy()
    i.dialect.put_pxd(row["di_ea"]["xd"], slice(None), i.geometry.blocks, 1)
    [text] = mender.mend(row, [], format_2=False)
    assert "not inside the file system" in text and row["di_ea"].tobytes() == bytes(16)


def test_formats_of_aix(image, repairing):
    i = image("aix")
    context, _ = repairing(i)
    context.room.keep(np.array([0]), np.array([i.geometry.blocks - 50]))
    mender = AttributeMender(context.device, i.device, context.volume, context.room)
    row = context.read_row(i.inode_at("/data")).copy()
    assert mender.mend(row, [], format_2=False) == []
    row["ea"][0, 0] = FORMAT_2
    assert mender.mend(row, [], format_2=True) == []
    [text] = mender.mend(row, [], format_2=False)
    assert "format 2" in text and row["ea"][0, 0] == 0
