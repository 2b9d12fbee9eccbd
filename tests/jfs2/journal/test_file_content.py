"""`lvmfmt.jfs2.journal.file_content` and the extents below it: what is written, and what becomes zeros."""

import pytest

from lvmfmt.jfs2 import LINUX, FileSystem
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.file_content import FileContent
from lvmfmt.jfs2.journal.file_extents import FileExtents
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789


@pytest.fixture
def mounted(volume):
    """A Linux file system with an empty file `/f`."""
    with mount(volume(LINUX), origin=FixedOrigin(NOW)) as fs:
        fs.create("/f", now=NOW)
        yield fs


@pytest.fixture
def change(mounted):
    """`change(work)` calls `work` with the content of `/f` in a transaction; returns what is there afterwards."""

    def run(work):
        journal, number = mounted._journal, mounted.inode("/f").number
        with journal.transaction() as txn:
            work(FileContent(journal, txn, txn.inode(number, journal.inodes.place(number))))
        return mounted.read("/f")

    return run


@pytest.fixture
def extents(mounted):
    """`extents()` are those of `/f` in a transaction that never commits."""

    def read():
        journal, number = mounted._journal, mounted.inode("/f").number
        txn = journal.view()
        return FileExtents(txn, txn.inode(number, journal.inodes.place(number)))

    return read


def test_writes_grow_the_file_and_leave_holes(change, mounted):
    assert change(lambda c: c.write(3, b"abc")) == b"\0\0\0abc"
    assert change(lambda c: c.write(4, b"XY")) == b"\0\0\0aXY"
    assert change(lambda c: c.write(10_000, b"z")) == b"\0\0\0aXY" + bytes(9994) + b"z"
    assert mounted.inode("/f").row["di_nblocks"][0] == 2  # blocks 0 and 2, block 1 is a hole
    assert change(lambda c: c.write(0, b"")) == b"\0\0\0aXY" + bytes(9994) + b"z"


def test_what_is_cut_off_does_not_come_back(change):
    change(lambda c: c.write(0, b"secret" * 1000))
    assert change(lambda c: c.truncate(4)) == b"secr"
    assert change(lambda c: c.truncate(9)) == b"secr" + bytes(5)
    change(lambda c: c.write(0, b"secret" * 1000))
    change(lambda c: c.truncate(2))
    assert change(lambda c: c.write(5000, b"!")) == b"se" + bytes(4998) + b"!"


def test_new_content_takes_new_blocks(change, extents):
    change(lambda c: c.write(0, b"1" * 5000))
    before = extents().pieces
    assert change(lambda c: c.replace(b"2" * 4097)) == b"2" * 4097
    after = extents().pieces
    assert [(o, n) for o, n, _, _ in after] == [(0, 2)] and after[0][2] != before[0][2]


def test_parts_and_cuts(extents):
    found = extents()
    found.add([(0, 10, 100, 0), (20, 5, 200, 4)])
    assert found.end == 25
    assert found.parts(5, 22) == [(5, 5, 105, 0), (20, 2, 200, 4)]
    assert found.parts(10, 20) == []
    assert found.cut(4, 21) == [(4, 6, 104, 0), (20, 1, 200, 4)]
    assert found.pieces == [(0, 4, 100, 0), (21, 4, 201, 4)]
    assert found.cut(1, 2) == [(1, 1, 101, 0)]
    assert found.pieces == [(0, 1, 100, 0), (2, 2, 102, 0), (21, 4, 201, 4)]
    assert found.blocks() == [(100, 1), (102, 2), (201, 4)]


def test_neighbours_that_continue_each_other_become_one(extents):
    found = extents()
    most = (1 << 24) - 1
    found._limits = found._limits._replace(blocks=1 << 30)
    found.add([(0, 10, 100, 0)])
    found.add([(10, 2, 110, 0), (12, 1, 112, 4), (13, 1, 300, 4)])
    assert found.pieces == [(0, 12, 100, 0), (12, 1, 112, 4), (13, 1, 300, 4)]
    found.cut(0, 14)
    found.add([(0, most - 1, 100, 0)])
    found.add([(most - 1, 1, 100 + most - 1, 0)])
    assert found.pieces == [(0, most, 100, 0)]
    found.add([(most, 1, 100 + most, 0)])
    assert found.pieces == [(0, most, 100, 0), (most, 1, 100 + most, 0)]


def test_what_was_never_written_becomes_zeros(mounted, change, extents):
    """An extent that is allocated only is filled by a write; the rest of it stays as it is."""
    change(lambda c: c.write(0, b"old!" * 3072))
    journal, number = mounted._journal, mounted.inode("/f").number
    with journal.transaction() as txn:
        found = FileExtents(txn, txn.inode(number, journal.inodes.place(number)))
        found.add([(o, n, a, 8) for o, n, a, _ in found.cut(0, 3)])
    assert mounted.read("/f") == bytes(12288)
    assert change(lambda c: c.write(4100, b"new")) == bytes(4100) + b"new" + bytes(12288 - 4103)
    assert [(o, n, f) for o, n, _, f in extents().pieces] == [(0, 1, 8), (1, 1, 0), (2, 1, 8)]


def test_all_is_given_back(mounted, change):
    free = FileSystem.open(mounted.device).statfs().free_blocks
    change(lambda c: [c.write(block * 8192, b"x") for block in range(40)])
    mounted.unlink("/f", now=NOW)
    mounted.checkpoint()
    assert FileSystem.open(mounted.device).statfs().free_blocks == free
