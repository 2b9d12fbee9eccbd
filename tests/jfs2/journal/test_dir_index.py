"""Directories with an index, changed through the journal [jfs2 3.5]; `jfs_fsck` compares every slot with its entry.

Modules: `lvmfmt.jfs2.journal.dir_index`.
"""

import random

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import LINUX, FileSystem, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.jfs2.superblock.format_options import Features
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_700_000_000_123_456_789


@pytest.fixture
def indexed(tmp_path):
    """An empty file system whose directories have an index."""
    device = ImageFile.create(tmp_path / "indexed.img", 48 * MIB)
    mkfs(device, dialect=LINUX, origin=FixedOrigin(NOW), features=Features(directory_index=True))
    return device


def table_of(device, path):
    """`di_next_index`, `di_size` and `di_nblocks` of a directory."""
    row = FileSystem.open(device).inode(path).row
    return tuple(int(row[name][0]) for name in ("di_next_index", "di_size", "di_nblocks"))


@pytest.mark.judge
def test_the_table_grows_as_the_reference_says(jfs_fsck, indexed):
    """8 bytes an entry up to 12, then pages of 512 slots; an empty directory begins anew [jfs2 2.5, 3.5]."""
    with mount(indexed, origin=FixedOrigin(NOW)) as fs:
        fs.mkdir("/d", now=NOW)
    made = 0
    for count, size in ((0, 1), (1, 8), (12, 96), (13, 4096), (512, 4096), (513, 8192), (1100, 12288)):
        with mount(indexed, origin=FixedOrigin(NOW)) as fs:
            for i in range(made, count):
                fs.create(f"/d/file{i}", now=NOW)
        made = count
        assert table_of(indexed, "/d")[:2] == (count + 2, size)
        assert check(indexed).findings == []
        jfs_fsck(indexed.path)
    with mount(indexed, origin=FixedOrigin(NOW)) as fs:
        for i in range(1099):
            fs.unlink(f"/d/file{i}", now=NOW)
    assert table_of(indexed, "/d")[:2] == (1102, 12288)  # indexes are not handed out again
    with mount(indexed, origin=FixedOrigin(NOW)) as fs:
        fs.unlink("/d/file1099", now=NOW)
    assert table_of(indexed, "/d") == (2, 1, 0)
    assert check(indexed).findings == []
    jfs_fsck(indexed.path)


@pytest.mark.judge
@pytest.mark.parametrize("seed", range(4))
def test_random_workloads(jfs_fsck, indexed, seed):
    """Names of all lengths come, go and move between directories; replayed after a crash, too."""
    rng = random.Random(seed)
    files, directories = [], ["/d0", "/d1", "/d2"]
    mounted = mount(indexed, origin=FixedOrigin(NOW))
    for d in directories:
        mounted.mkdir(d, now=NOW)
    for step in range(700):
        path = f"{rng.choice(directories)}/{'n' * rng.choice((1, 8, 13, 40, 120))}{step}"
        action = rng.random()
        if action < 0.55 or not files:
            mounted.create(path, now=NOW)
            files.append(path)
            continue
        i = rng.randrange(len(files))
        if action < 0.75:
            mounted.unlink(files.pop(i), now=NOW)
        elif action < 0.9:
            mounted.rename(files[i], path, now=NOW)
            files[i] = path
        elif len(files) > 1:
            mounted.rename(files[i], files[i - 1], now=NOW)
            files.pop(i)
    mounted.sync()
    crashed = Overlay(indexed)
    redo(crashed)
    assert {f.severity for f in check(crashed).findings} <= {"warning"}
    assert sorted(p for p, s in FileSystem.open(crashed).walk("/") if s.is_file) == sorted(files)
    mounted.unmount()
    assert check(indexed).findings == []
    jfs_fsck(indexed.path)
    with mount(indexed, origin=FixedOrigin(NOW)) as fs:
        for path in files:
            fs.unlink(path, now=NOW)
        for d in directories:
            fs.rmdir(d, now=NOW)
    assert check(indexed).findings == []
    jfs_fsck(indexed.path)


@pytest.mark.judge
def test_an_indexed_image_of_linux_is_written(jfs_fsck, judge, tmp_path, linux_image):
    """What the Linux kernel wrote with an index stays right under our changes."""
    with ImageFile(linux_image("simple"), writable=True) as device:
        before = {p: s.size for p, s in FileSystem.open(device).walk("/")}
        with mount(device, origin=FixedOrigin(NOW)) as fs:
            for i in range(40):
                fs.write_file(f"/ours{i}", b"x" * i, now=NOW)
            for i in range(0, 40, 3):
                fs.unlink(f"/ours{i}", now=NOW)
        assert check(device).findings == []
        after = {p for p, _ in FileSystem.open(device).walk("/")}
        assert before.keys() <= after and np.size(list(after)) == len(before) + 26
        jfs_fsck(device.path)
