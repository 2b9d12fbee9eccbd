"""Attributes of inodes put right."""

import struct

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


@pytest.mark.parametrize(("flag", "right"), [(0x28, 0x20), (0xFF, 0x20), (0x01, 0), (0x08, 0), (0x80, 0)])
def test_a_flag_that_nobody_knows(linux, flag, right):
    """What still has the bit of its extent, with a list as long as it says, is that extent [jfs2 invariant 50]."""
    i, mender, context = linux
    good = context.read_row(i.inode_at("/data")).copy()
    row = good.copy()
    row["di_ea"]["flag"] = flag
    assert len(mender.mend(row, [], format_2=False)) == 1
    assert row == good if right else row["di_ea"].tobytes() == bytes(16)
    assert mender.mend(row, [], format_2=False) == []


def test_an_extent_that_was_inline(linux):
    i, mender, context = linux
    good = context.read_row(i.inode_at("/data")).copy()
    address, _ = place(i, good)
    size = int(good["di_ea"]["size"][0])
    good["root"][0, 160 : 160 + size] = context.device.read(address * 4096, size)
    header = good["root"][0, :32].view(i.s.xtree_header.dtype)
    header["maxentry"] = 10  # the tree ends before byte 160 [jfs2 2.10]
    good["di_ea"]["flag"] = 0x40
    i.dialect.put_pxd(good["di_ea"]["xd"], slice(None), 0, 0)
    row = good.copy()
    row["di_ea"]["flag"] = 0x48
    [text] = mender.mend(row, [], format_2=False)
    assert "0x48, becomes 0x40" in text and row == good


@pytest.mark.parametrize(("flag", "size"), [(0x08, 0), (0x30, 4), (0x20, 0), (0x20, 4097), (0x40, 0)])
def test_an_access_control_list_without_a_place_is_dropped(linux, flag, size):
    i, mender, context = linux
    good = context.read_row(i.inode_at("/data")).copy()
    row = good.copy()
    row["di_acl"]["flag"], row["di_acl"]["size"] = flag, size
    i.dialect.put_pxd(row["di_acl"]["xd"], slice(None), 70, 1)
    [text] = mender.mend(row, [], format_2=False)
    assert "access control list" in text and row == good


def test_entries_of_a_list(linux):
    """jfs_fsck takes the flags 0 and 0x80; of two attributes with one name the first stays."""
    i, mender, context = linux
    row = context.read_row(i.inode_at("/data")).copy()
    address, _ = place(i, row)
    entries = [struct.pack("<BBH", flag, 6, 1) + b"user." + name + b"\0" + name for flag, name in (
        (0x81, b"a"), (0x7F, b"b"), (0x80, b"c"), (0, b"a"))]  # fmt: skip
    context.device.write(address * 4096, struct.pack("<I", 4 + 4 * 12) + b"".join(entries))
    row["di_ea"]["size"] = 4 + 4 * 12
    [text] = mender.mend(row, [], format_2=False)
    kept = context.device.read(address * 4096, 4 + 3 * 12).tobytes()
    assert "40 bytes" in text and kept[:4] == struct.pack("<I", 40)
    entries = [kept[at : at + 12] for at in range(4, 40, 12)]
    assert [(entry[0], entry[-1:]) for entry in entries] == [(0x80, b"a"), (0, b"b"), (0x80, b"c")]


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
