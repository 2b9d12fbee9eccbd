"""Inode numbers and links of a tree of six inodes."""

import stat

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.building.numbering import FIRST_INODE, LOST_FOUND, Numbering
from lvmfmt.jfs2.inventory.builder import InventoryBuilder


def tree(entries: list[tuple[int, int]], kinds: str = "ddfdff") -> Numbering:
    """Rows are directories (d) or files (f); an entry is (directory's row, row)."""
    builder = InventoryBuilder()
    for kind in kinds:
        builder.add_inode((stat.S_IFDIR if kind == "d" else stat.S_IFREG) | 0o755)
    for i, (parent, child) in enumerate(entries):
        builder.add_entry(parent, child, b"%d" % i)
    return Numbering(builder.finish(), None)


def test_numbers_follow_the_entries() -> None:
    found = tree([(0, 3), (0, 2), (3, 5), (0, 1), (1, 4), (1, 5)])
    assert FIRST_INODE == 4 and LOST_FOUND == 3
    assert found.order.tolist() == [3, 2, 5, 1, 4]
    assert found.number.tolist() == [2, 7, 5, 4, 8, 6]
    assert found.links.tolist() == [4, 2, 1, 2, 1, 2]
    assert found.directories.tolist() == [0, 1, 3]


def test_lost_and_found_is_3() -> None:
    builder = InventoryBuilder()
    for kind in (stat.S_IFDIR, stat.S_IFREG, stat.S_IFDIR):
        builder.add_inode(kind | 0o755)
    builder.add_entry(0, 1, b"a")
    builder.add_entry(0, 2, b"lost+found")
    found = Numbering(builder.finish(), 2)
    assert found.number.tolist() == [2, 4, 3] and found.order.tolist() == [1]


@pytest.mark.parametrize(
    ("entries", "kinds", "what"),
    [
        ([(0, 1)], "fd", "exactly one name"),
        ([(0, 1), (1, 0)], "dd", "exactly one name"),
        ([], "df", "exactly one name"),
        ([(0, 1), (0, 1)], "dd", "exactly one name"),
        ([(1, 2), (0, 1)], "ddf", "must come before"),
    ],
)
def test_no_tree(entries, kinds, what) -> None:
    with pytest.raises(OperationRefused, match=what):
        tree(entries, kinds)
