"""What a small tree needs, before it has addresses."""

import stat

import numpy as np
import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.building.dir_index import table_trees
from lvmfmt.jfs2.building.placement import TreePlacement
from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.inventory.builder import InventoryBuilder

NOW = 1_700_000_000_123_456_789


def tree(files: int = 1, link: bytes = b"") -> InventoryBuilder:
    builder = InventoryBuilder()
    builder.add_inode(stat.S_IFDIR | 0o755)
    for i in range(files):
        builder.add_entry(0, builder.add_inode(stat.S_IFREG | 0o644), b"file%d" % i)
    if link:
        row = builder.add_inode(stat.S_IFLNK | 0o777, size=len(link))
        builder.links[row] = link
        builder.add_entry(0, row, b"link")
    return builder


def test_inode_extents_of_32() -> None:
    # inodes 0 to 3 are the system's; a file has number 4 and up
    assert [TreePlacement(tree(n).finish(), AIX, 4096, NOW).extents for n in (1, 28, 29)] == [1, 1, 2]
    placement = TreePlacement(tree().finish(), AIX, 4096, NOW)
    assert placement.iags == 1 and placement.indexes is None and not placement.file_blocks.any()
    assert placement.numbering.number[0] == 2


def test_what_cannot_be_stored() -> None:
    with pytest.raises(OperationRefused, match="block size 700"):
        TreePlacement(tree().finish(), AIX, 700, NOW)
    with pytest.raises(OperationRefused, match="a symlink of 4097 bytes cannot be stored, at most 4096"):
        TreePlacement(tree(link=b"x" * 4097).finish(), AIX, 4096, NOW)
    TreePlacement(tree(link=b"x" * 4096).finish(), AIX, 4096, NOW)


def test_pages_of_an_index_are_extents_of_their_own() -> None:
    _, runs = table_trees(LINUX, np.array([2, 0, 1]), 1)
    assert runs.inode.tolist() == [0, 0, 2] and runs.length.tolist() == [1, 1, 1]
    assert runs.offset.tolist() == [0, 1, 0]
