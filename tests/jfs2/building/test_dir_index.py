"""Directories with an index, built in bulk [jfs2 2.5]: sizes as it says, every slot judged by `jfs_fsck`.

What makes their tables is `lvmfmt.jfs2.building.dir_index`.
"""

import stat

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, FileSystem, InventoryBuilder, build, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.resizing import resize
from lvmfmt.jfs2.superblock.format_options import Features
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_700_000_000_123_456_789
COUNTS = (0, 1, 8, 9, 12, 13, 511, 512, 513, 1100, 2049, 11000)


@pytest.fixture
def built(tmp_path):
    """A file system with a directory of each of `COUNTS` entries, names of up to 60 characters."""
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    for count in COUNTS:
        directory = tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
        tree.add_entry(0, directory, b"d%d" % count)
        for i in range(count):
            name = b"%s%d" % (b"n" * (i * 7 % 55), i)
            tree.add_entry(directory, tree.add_inode(stat.S_IFREG | 0o644, mtime=NOW), name)
    device = ImageFile.create(tmp_path / "built.img", 64 * MIB)
    build(device, tree.finish(), dialect=LINUX, origin=FixedOrigin(NOW), features=Features(directory_index=True))
    return device


def is_right(device, jfs_fsck):
    assert check(device).findings == []
    jfs_fsck(device.path)


@pytest.mark.judge
@pytest.mark.slow
def test_tables_of_all_sizes(jfs_fsck, built):
    is_right(built, jfs_fsck)
    fs = FileSystem.open(built)
    for count in COUNTS:
        row = fs.inode(f"/d{count}").row
        # 8 bytes an entry up to 12, then pages of 512 slots; 256 as jfs_mkfs makes an empty directory
        size = 256 if not count else 8 * count if count <= 12 else -(-count // 512) * 4096
        assert (row["di_next_index"][0], row["di_size"][0]) == (count + 2, size)
        assert len(fs.listdir(f"/d{count}")) == count
    with mount(built, origin=FixedOrigin(NOW)) as mounted:
        for count in COUNTS:
            for i in range(3):
                mounted.create(f"/d{count}/new{i}", now=NOW)
        for name in mounted.listdir("/d11000")[::50]:
            mounted.unlink(f"/d11000/{name}", now=NOW)
    is_right(built, jfs_fsck)


@pytest.mark.judge
@pytest.mark.slow
def test_tables_behind_a_new_end_move(jfs_fsck, tmp_path):
    """What points to a directory's pages in its index moves with them."""
    device = ImageFile.create(tmp_path / "image", 40 * MIB)
    mkfs(device, dialect=LINUX, origin=FixedOrigin(NOW), features=Features(directory_index=True))
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        fs.write_file("/big", bytes(24 * MIB), now=NOW)
        for directory, count in (("/few", 11), ("/some", 100), ("/many", 2100)):
            fs.mkdir(directory, now=NOW)
            for i in range(count):
                fs.create(f"{directory}/file{i}", now=NOW)
        fs.unlink("/big", now=NOW)
    before = sorted(path for path, _ in FileSystem.open(device).walk("/"))
    resize(device, 20 * MIB)
    is_right(device, jfs_fsck)
    assert sorted(path for path, _ in FileSystem.open(device).walk("/")) == before
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        for i in range(2100):
            fs.unlink(f"/many/file{i}", now=NOW)
    is_right(device, jfs_fsck)
