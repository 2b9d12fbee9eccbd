"""Descriptors of AIX: format 1 with its extent, format 2 with its inodes, and forms that nobody publishes."""

import struct

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.attributes.descriptor import AttributeKind
from lvmfmt.jfs2.attributes.ead import EadForm
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.inodes.inode import Inode
from lvmfmt.jfs2.volume import Volume
from lvmfmt.layout.jfs2.j2 import EA_ROOT, EAD

FORM = EadForm(AIX)


class Nowhere:
    name, size = "image", 0


VOLUME = Volume(Nowhere(), AIX, 4096, 1000)


def inode(raw=b""):
    row = AIX.structures.inode.empty_table(1)
    row["ea"][0, : len(raw)] = list(raw)
    return Inode(40, 8192, row)


def ead(flag, count=0, length=0, address=0, kind=0, blocks=0):
    """An inode with a descriptor of format 1."""
    found = inode()
    row = found.row["ea"][:, : EAD.size].view(EAD.dtype)
    row["flag"], row["nEntry"], row["len"], row["type"], row["nblocks"] = flag, count, length, kind, blocks
    row["addr_hi"], row["addr_lo"] = address >> 32, address & 0xFFFFFFFF
    return found


def test_nothing() -> None:
    assert FORM.read(VOLUME, inode()).kind is AttributeKind.NONE
    assert not FORM.present(inode().row)[0]
    assert FORM.read_list(VOLUME, inode()).kind is AttributeKind.NONE


def test_an_extent() -> None:
    found = FORM.read(VOLUME, ead(0x20, 3, 2, 998))
    assert (found.kind, found.count, found.length, found.address, found.size) == (
        AttributeKind.EXTENT, 3, 2, 998, None,
    )  # fmt: skip
    assert FORM.read(VOLUME, ead(0, 3, 2, 998)).kind is AttributeKind.EXTENT
    assert found.at == 8192 + AIX.structures.inode.offset_of("ea")


@pytest.mark.parametrize("address", [0, 999])
def test_an_extent_outside(address) -> None:
    with pytest.raises(CorruptImage, match="j2_ead"):
        FORM.read(VOLUME, ead(0x20, 3, 2, address))


@pytest.mark.parametrize("raw", [ead(0x20, 3), ead(0x40, 3, 1, 5), ead(0x80, 3, 1, 5), ead(0x20, 3, 1, 5, blocks=1)])
def test_forms_that_are_not_published(raw) -> None:
    assert FORM.read(VOLUME, raw).kind is AttributeKind.UNKNOWN
    assert FORM.present(raw.row)[0]


def test_inline() -> None:
    found = ead(0x40, 3, kind=7)
    assert (FORM.read(VOLUME, found).kind, FORM.read(VOLUME, found).count) == (AttributeKind.INLINE, 3)
    assert FORM.flag(found.row[0]) == 0x40 and FORM.read(VOLUME, found).type == 7


def test_inodes() -> None:
    raw = bytearray(EA_ROOT.size)
    raw[0] = 1
    struct.pack_into(">Q", raw, EA_ROOT.offset_of("eaDirectory"), 77)
    struct.pack_into(">Q", raw, EA_ROOT.offset_of("eaACL"), 78)
    found = FORM.read(VOLUME, inode(raw))
    assert (found.kind, found.directory, found.acl) == (AttributeKind.OBJECTS, 77, 78)
    assert FORM.present(inode(raw).row)[0]
    assert not FORM.present(inode(b"\1").row)[0]  # format 2 that names nothing


def test_what_is_written_is_read() -> None:
    found = inode()
    FORM.describe(found.row, 5000, 3, 1 << 33 | 5, 2)
    read = FORM.read(Volume(Nowhere(), AIX, 4096, 1 << 40), found)
    assert (read.kind, read.count, read.address, read.length) == (AttributeKind.EXTENT, 3, 1 << 33 | 5, 2)
    FORM.describe(found.row, 0, 3, 0, 0)
    assert not found.row["ea"].any()


def test_extents_move() -> None:
    for flag, expected in ((0x20, 107), (0, 107), (0x80, 7)):
        found = ead(flag, 1, 1, 7)
        FORM.relocate(found.row, lambda addresses: addresses + 100)
        assert FORM.read(VOLUME, found).address == expected
    empty = inode()
    FORM.relocate(empty.row, lambda addresses: addresses + 100)
    assert not empty.row["ea"].any()
