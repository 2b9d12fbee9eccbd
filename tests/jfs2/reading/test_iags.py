"""The inode map as a reader finds it."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.reading.iags import IagMap
from lvmfmt.jfs2.reading.inodes import InodeMap


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def opened(request, built):
    device = ImageFile(built(request.param), writable=True)
    return device, FileSystem.open(device)


def reread(fs, kind=IagMap):
    return kind(fs.volume, fs.superblock)


def change(device, at, data):
    device.write(at, bytes(data))


def test_places_and_counts(opened):
    _, fs = opened
    imap = reread(fs)
    assert imap.iag_count == 1 and imap.file.pages == 2
    assert imap.map_offset(0) - imap.map_offset(-1) == 4096
    used, backed = imap.counts()
    assert backed % 32 == 0 and used == imap.iag(0).used.sum()
    assert imap.iag(0).length[0] == 4 and imap.iag(0) is imap.iag(0)
    assert [imap.aggregate_inode(n).number for n in (1, 2, 16)] == [1, 2, 16]


@pytest.mark.parametrize(("field", "byte"), [("iagnum", 0), ("extsmap", 0), ("wmap", 0), ("inoext", 0)])
def test_a_group_that_makes_no_sense(opened, field, byte):
    device, fs = opened
    at = fs.inodes.map_offset(0) + fs.dialect.structures.iag.offset_of(field) + byte
    change(device, at, [device.read(at, 1)[0] ^ 1])
    with pytest.raises(CorruptImage) as caught:
        reread(fs).iag(0)
    assert caught.value.offset == fs.inodes.map_offset(0) + fs.dialect.structures.iag.offset_of(caught.value.field)


def test_summaries_do_not_stop_a_reader(opened):
    device, fs = opened
    at = fs.inodes.map_offset(0) + fs.dialect.structures.iag.offset_of("nfreeinos")
    change(device, at, [device.read(at, 1)[0] ^ 1])
    assert reread(fs).iag(0).used.any()


@pytest.mark.parametrize("field", ["in_nextiag", "in_nbperiext", "in_l2nbperiext"])
def test_a_control_page_that_makes_no_sense(opened, field):
    _, fs = opened
    page = fs.inodes.file.table(fs.dialect.structures.dinomap, 0)
    page[field] += 1
    fs.inodes.file.write(0, page)
    with pytest.raises(CorruptImage, match=field):
        reread(fs)


def test_counts_that_cannot_be(opened):
    _, fs = opened
    imap = reread(fs)
    imap.control["in_numfree"] = imap.control["in_numinos"] + 1
    with pytest.raises(CorruptImage, match="in_numfree"):
        imap.counts()


def test_the_second_copy_stands_in(opened):
    device, fs = opened
    change(device, 0xB000 + 16 * 512 + fs.dialect.structures.inode.offset_of("di_nlink"), [9, 9, 9, 9])
    imap = reread(fs)
    assert len(imap.problems) == 1 and "second copy" in imap.problems[0]
    assert imap.iag_count == 1


def test_inodes_one_by_one_and_in_tables_are_the_same(opened):
    _, fs = opened
    imap = reread(fs, InodeMap)
    [(numbers, at, rows)] = imap.tables()
    assert 2 in numbers
    for number, place, row in zip(numbers.tolist(), at.tolist(), rows, strict=True):
        inode = imap.read(number)
        assert (inode.at, inode.row[0]) == (place, row)
    many, _ = imap.read_many(numbers[::-1])
    assert many.tolist() == at[::-1].tolist()


@pytest.mark.parametrize("number", [-1, 31, 4095, 4096, 1 << 40])
def test_what_is_no_inode_in_use(opened, number):
    _, fs = opened
    with pytest.raises(CorruptImage):
        reread(fs, InodeMap).read(number)


@pytest.mark.parametrize("field", ["di_number", "di_fileset", "di_inostamp", "di_nlink", "di_mode", "di_size"])
def test_an_inode_that_makes_no_sense(opened, field):
    device, fs = opened
    inode = fs.inodes.read(2)
    row = inode.row.copy()
    row[field] = {"di_nlink": 0, "di_mode": 0o7, "di_size": -1}.get(field, 77)
    device.write(inode.at, row)
    for read in (
        lambda imap: imap.read(2),
        lambda imap: imap.read_many(np.array([2])),
        lambda imap: list(imap.tables()),
    ):
        with pytest.raises(CorruptImage) as caught:
            read(reread(fs, InodeMap))
        assert caught.value.field == field
