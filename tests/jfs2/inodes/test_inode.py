"""One inode."""

import stat

import numpy as np

from lvmfmt.jfs2.dialect import LINUX
from lvmfmt.jfs2.inodes.inode import Inode


def test_what_an_inode_says() -> None:
    row = LINUX.structures.inode.empty_table(1)
    row["di_mode"], row["di_size"] = 0x40000 | stat.S_IFDIR | 0o750, 4096
    row["root"][0, :3] = [7, 8, 9]
    inode = Inode(40, 0x10000, row)
    assert (inode.mode, inode.kind, inode.size) == (stat.S_IFDIR | 0o750, stat.S_IFDIR, 4096)
    assert inode.root_at == 0x10000 + 224 and len(inode.root) == 288
    assert np.array_equal(inode.root[:4], [7, 8, 9, 0])
    assert "\n" not in repr(inode)
