"""The attributes of a file from its inode."""

import stat

import pytest

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.inodes.inode import Inode
from lvmfmt.jfs2.inodes.inode_table import fill_special
from lvmfmt.jfs2.paths.stat import Stat


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_every_field(dialect) -> None:
    import numpy as np

    row = dialect.structures.inode.empty_table(1)
    row["di_mode"] = 0x20000 | stat.S_IFBLK | 0o4640
    for i, name in enumerate(("nlink", "uid", "gid", "size", "nblocks")):
        row[f"di_{name}"] = i + 3
    row["di_gen"] = 99
    for i, name in enumerate(("atime", "mtime", "ctime", "otime")):
        dialect.put_time(row[f"di_{name}"], i * 10**9 + 5)
    fill_special(dialect, row, np.array([stat.S_IFBLK]), np.array([8 << 32 | 1], np.uint64), {})
    found = Stat.of(Inode(40, 0, row), dialect)
    assert found[:8] == (40, stat.S_IFBLK | 0o4640, 0x20000, 3, 4, 5, 6, 7)
    assert found[8:12] == (5, 10**9 + 5, 2 * 10**9 + 5, 3 * 10**9 + 5)
    assert (found.rdev, found.generation) == (8 << 32 | 1, 99)
    assert not (found.is_directory or found.is_file or found.is_symlink)
    row["di_mode"] = stat.S_IFREG
    plain = Stat.of(Inode(40, 0, row), dialect)
    assert plain.rdev == 0 and plain.is_file and not plain.is_symlink
    assert found._replace(mode=stat.S_IFDIR).is_directory and found._replace(mode=stat.S_IFLNK).is_symlink
