"""Inodes given out and taken back, in memory and in their map."""

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.inode_space import MountedInodes


def opened(device):
    fs = FileSystem.open(device)
    return MountedInodes(fs.volume, fs.superblock), fs


def test_marks_are_counted_and_written(volume, dialect):
    device = volume(dialect)
    inodes, fs = opened(device)
    before = inodes.counts()
    assert before == fs.inodes.counts()
    number = int((~inodes.iag(0).used[:32]).argmax())
    with pytest.raises(CorruptImage, match="an inode in use"):
        inodes.place(number)
    inodes.mark(number, True)
    assert inodes.counts() == (before[0] + 1, before[1])
    address = int(inodes.iag(0).address[0])
    assert inodes.place(number) == address * 4096 + number * 512 and inodes.extent(31) == address
    inodes.write(device)
    again, _ = opened(device)
    assert again.counts() == (before[0] + 1, before[1])
    assert again.iag(0).row["nfreeinos"][0] == before[1] - before[0] - 1
    assert again.control["in_numfree"][0] == before[1] - before[0] - 1
    again.mark(number, False)
    again.write(device)
    assert check(device).counts == {}


def test_generations_count_up_and_wrap(volume, dialect):
    inodes, _ = opened(volume(dialect))
    first = inodes.generation
    assert [inodes.next_generation() for _ in range(2)] == [first, first + 1]
    inodes.generation = 0xFFFFFFFF
    assert [inodes.next_generation() for _ in range(2)] == [0xFFFFFFFF, 0]


def test_a_new_extent_comes_when_all_inodes_are_in_use(volume, dialect):
    device = volume(dialect)
    with mount(device) as fs:
        start = fs.statfs().inodes_backed
        for i in range(start):
            fs.create(f"/f{i}")
        assert fs.statfs().inodes_backed == start + 32
    inodes, _ = opened(device)
    assert inodes.extent(start) == inodes.iag(0).address[start // 32] > 0
    assert inodes.iag(0).length[:4].tolist() == [4 if e * 32 < start + 32 else 0 for e in range(4)]


@pytest.mark.parametrize(("page", "field"), [(-1, "in_numfree"), (0, "nfreeinos"), (0, "inofreefwd")])
def test_a_map_with_a_fault_is_not_changed(volume, dialect, page, field):
    device = volume(dialect)
    _, fs = opened(device)
    record = dialect.structures.iag if page == 0 else dialect.structures.dinomap
    table = fs.inodes.file.table(record, page + 1)
    table[field] += 1
    fs.inodes.file.write(page + 1, table)
    inodes, _ = opened(device)
    with pytest.raises(CorruptImage):
        inodes.mark(2, False)
    assert inodes.iag(0).used[2]
