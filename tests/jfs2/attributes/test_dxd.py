"""Descriptors of Linux: every place that attributes can have, and those that they cannot."""

import stat

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.attributes.descriptor import AttributeKind
from lvmfmt.jfs2.attributes.dxd import DxdForm, inline_area_taken
from lvmfmt.jfs2.dialect import LINUX
from lvmfmt.jfs2.inodes.inode import Inode
from lvmfmt.jfs2.inodes.inode_table import empty_root
from lvmfmt.jfs2.volume import Volume

FORM = DxdForm(LINUX)


class Nowhere:
    name, size = "image", 0


VOLUME = Volume(Nowhere(), LINUX, 4096, 1000)


def inode(flag=0, size=0, address=0, length=0, *, mode=stat.S_IFREG, bytes_=0, maxentry=10, field="di_ea"):
    row = LINUX.structures.inode.empty_table(1)
    row["di_mode"], row["di_size"], row["root"] = mode, bytes_, empty_root(LINUX, maxentry)
    row[field]["flag"], row[field]["size"] = flag, size
    LINUX.put_pxd(row[field]["xd"], slice(None), address, length)
    return Inode(40, 8192, row)


def test_nothing() -> None:
    assert FORM.read(VOLUME, inode()).kind is AttributeKind.NONE
    assert not FORM.present(inode().row)[0]


@pytest.mark.parametrize("size", [1, 128])
def test_inline(size) -> None:
    found = inode(0x40, size)
    assert (FORM.read(VOLUME, found).kind, FORM.read(VOLUME, found).size) == (AttributeKind.INLINE, size)
    assert FORM.present(found.row)[0] and FORM.flag(found.row[0]) == 0x40


@pytest.mark.parametrize("size", [1, 8192])
def test_an_extent(size) -> None:
    found = FORM.read(VOLUME, inode(0x20, size, 998, 2))
    assert (found.kind, found.size, found.address, found.length) == (AttributeKind.EXTENT, size, 998, 2)
    assert found.at == 8192 + LINUX.structures.inode.offset_of("di_ea")


@pytest.mark.parametrize(
    "wrong",
    [
        (0x60, 20, 5, 1),
        (1, 20, 5, 1),
        (0x40, 0),
        (0x40, 129),
        (0x20, 0, 5, 1),
        (0x20, 4097, 5, 1),
        (0x20, 65_536, 5, 20),
        (0x20, 20, 999, 2),
        (0x20, 20, 0, 1),
        (0x20, 20, 5, 0),
    ],
)
def test_what_cannot_be(wrong) -> None:
    with pytest.raises(CorruptImage, match="jfs1_dxd"):
        FORM.read(VOLUME, inode(*wrong))


def test_an_access_control_list_has_its_own() -> None:
    found = inode(0x20, 100, 7, 1, field="di_acl")
    kinds = [one.kind for one in FORM.read_all(VOLUME, found)]
    assert kinds == [AttributeKind.NONE, AttributeKind.EXTENT]
    assert FORM.read_list(VOLUME, found).address == 7


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({"maxentry": 10}, False),
        ({"maxentry": 11}, True),
        ({"mode": stat.S_IFLNK, "bytes_": 127}, False),
        ({"mode": stat.S_IFLNK, "bytes_": 128}, True),
        ({"mode": stat.S_IFLNK, "bytes_": 255, "maxentry": 10}, True),
        ({"mode": stat.S_IFLNK, "bytes_": 256, "maxentry": 10}, False),
        ({"mode": stat.S_IFLNK, "bytes_": 256, "maxentry": 18}, True),
        ({"mode": stat.S_IFDIR}, True),
        ({"mode": stat.S_IFCHR}, False),
    ],
)
def test_who_has_the_inline_area(options, taken) -> None:
    found = inode(0x40, 20, **options)
    assert inline_area_taken(LINUX, found.row[0]) == taken
    if taken:
        with pytest.raises(CorruptImage, match="has their place"):
            FORM.read(VOLUME, found)
    else:
        assert FORM.read(VOLUME, found).size == 20


def test_what_is_written_is_read() -> None:
    found = inode()
    FORM.describe(found.row, 20, 1, 0, 0)
    assert FORM.read(VOLUME, found).kind is AttributeKind.INLINE
    FORM.describe(found.row, 5000, 3, 10, 2)
    read = FORM.read(VOLUME, found)
    assert (read.kind, read.size, read.address, read.length) == (AttributeKind.EXTENT, 5000, 10, 2)
    FORM.describe(found.row, 0, 0, 0, 0)
    assert FORM.read(VOLUME, found).kind is AttributeKind.NONE


def test_extents_move() -> None:
    found = inode(0x20, 100, 7, 1)
    found.row["di_acl"]["flag"] = 0x40
    LINUX.put_pxd(found.row["di_acl"]["xd"], slice(None), 9, 1)
    FORM.relocate(found.row, lambda addresses: addresses + np.int64(100))
    assert FORM.read(VOLUME, found).address == 107
    assert LINUX.get_pxd(found.row["di_acl"]["xd"])[1][0] == 9  # not an extent: stays
