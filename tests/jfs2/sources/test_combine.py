"""Several inventories as one tree."""

import stat

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import InventoryBuilder
from lvmfmt.jfs2.sources import Part, combine
from lvmfmt.origin import FixedOrigin


def tree(mtime, **files):
    b = InventoryBuilder()
    root = b.add_inode(stat.S_IFDIR | 0o700, mtime=mtime)
    folder = b.add_inode(stat.S_IFDIR | 0o750, mtime=mtime)
    b.add_entry(root, folder, b"d")
    for name, target in files.items():
        row = b.add_inode(stat.S_IFLNK | 0o777, size=len(target), mtime=mtime)
        b.links[row] = target
        b.attributes[row] = {b"user.n": name.encode()}
        b.add_entry(folder, row, name.encode())
    return b.finish()


def test_directories_merge_and_the_later_decides():
    whole = combine(
        [Part(tree(1, a=b"A")), Part(tree(2, b=b"B")), Part(tree(3, c=b"C"), "/o/p")], origin=FixedOrigin(9)
    )
    assert sorted(whole.entry_paths()) == [b"/d", b"/d/a", b"/d/b", b"/o", b"/o/p", b"/o/p/d", b"/o/p/d/c"]
    row = whole.resolve
    assert [whole.links[row(p)] for p in ("/d/a", "/d/b", "/o/p/d/c")] == [b"A", b"B", b"C"]
    assert whole.attributes[row("/o/p/d/c")] == {b"user.n": b"c"}
    times = {p: int(whole.inodes[row(p)]["mtime"]) for p in ("/", "/d", "/o", "/o/p", "/o/p/d")}
    assert times == {"/": 2, "/d": 2, "/o": 9, "/o/p": 3, "/o/p/d": 3}
    assert len(whole.inodes) == 8


def test_one_tree_at_the_root_stays_as_it_is():
    one = tree(1, a=b"A")
    assert combine([Part(one)], origin=FixedOrigin(9)) is one


def test_one_name_twice_is_refused():
    with pytest.raises(OperationRefused, match="two sources"):
        combine([Part(tree(1, a=b"A")), Part(tree(2, a=b"B"))], origin=FixedOrigin(9))
    with pytest.raises(OperationRefused, match="not a directory"):
        combine([Part(tree(1, a=b"A")), Part(tree(2), "/d/a/x")], origin=FixedOrigin(9))
