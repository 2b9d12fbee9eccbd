"""Inventories as arrays: selecting, splitting by mount point, adding directories.

They are those of `lvmfmt.jfs2.inventory.arrays`.
"""

import io
import stat

import numpy as np
import pytest

from lvmfmt.block import FileDevice
from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.jfs2 import InventoryBuilder

DIR, FILE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644


@pytest.fixture
def tree():
    """/a, /usr/bin/x (also /home/x: a hard link), /usr/lib, /home."""
    b = InventoryBuilder()
    root = b.add_inode(DIR, uid=7)
    source = b.add_source(FileDevice(io.BytesIO(bytes(64))))
    rows = {}
    for path, mode in (("/a", FILE), ("/home", DIR), ("/usr", DIR), ("/usr/bin", DIR), ("/usr/lib", DIR)):
        parent, _, name = path.rpartition("/")
        rows[path] = b.add_inode(mode, number=len(rows) + 100)
        b.add_entry(rows.get(parent, root), rows[path], name.encode())
    x = b.add_inode(FILE, size=10)
    b.add_entry(rows["/usr/bin"], x, b"x")
    b.add_entry(rows["/home"], x, b"x")
    b.add_extent(x, 0, 10, source, 0)
    b.add_extent(rows["/a"], 0, 5, source, 50)
    return b.finish()


def test_paths(tree):
    assert tree.entry_paths() == [b"/a", b"/home", b"/usr", b"/usr/bin", b"/usr/lib", b"/usr/bin/x", b"/home/x"]
    assert tree.inodes["number"][tree.resolve("/usr/lib")] == 104
    with pytest.raises(NotFound):
        tree.resolve("/usr/nothing")


def test_select_drops_what_was_only_below(tree):
    keep = np.array([p != b"/usr" for p in tree.entry_paths()])
    less = tree.select(keep)
    assert less.entry_paths() == [b"/a", b"/home", b"/home/x"]
    assert less.inodes["size"][less.resolve("/home/x")] == 10
    assert less.extents["source_offset"][less.extents["inode"] == less.resolve("/home/x")].tolist() == [0]
    only_one = tree.select(np.array([p != b"/home/x" for p in tree.entry_paths()]))
    assert only_one.inodes["size"][only_one.resolve("/usr/bin/x")] == 10


def test_split_gives_each_file_system_its_own_tree(tree):
    parts, problems = tree.split(["/usr", "/home", "/var/tmp"])
    assert sorted(parts) == ["/", "/home", "/usr", "/var/tmp"]
    assert sorted(parts["/"].entry_paths()) == [b"/a", b"/home", b"/usr", b"/var", b"/var/tmp"]
    assert sorted(parts["/usr"].entry_paths()) == [b"/bin", b"/bin/x", b"/lib"]
    assert parts["/home"].entry_paths() == [b"/x"]
    assert parts["/var/tmp"].entry_paths() == []
    assert parts["/usr"].inodes["number"][0] == 102
    assert len(problems) == 2
    assert all("hard link" in line for line in problems)
    for part in parts.values():
        assert part.extents["inode"].tolist() == sorted(part.extents["inode"].tolist())
    assert parts["/home"].extents["source_offset"].tolist() == [0]


def test_with_directory_makes_what_is_missing(tree):
    more = tree.with_directory("/opt/a/b", mode=0o700)
    assert more.entry_paths()[-3:] == [b"/opt", b"/opt/a", b"/opt/a/b"]
    made = more.inodes[more.resolve("/opt/a/b")]
    assert (made["mode"], made["uid"]) == (stat.S_IFDIR | 0o700, 7)
    assert tree.with_directory("/usr/lib") is tree
    with pytest.raises(OperationRefused, match="not a directory"):
        tree.with_directory("/a/b")


def test_names_that_a_directory_has_twice():
    b = InventoryBuilder()
    root = b.add_inode(DIR)
    home = b.add_inode(DIR)
    b.add_entry(root, home, b"x")
    for parent, name in ((root, b"y"), (home, b"x"), (home, b"y"), (root, b"x"), (home, b"x")):
        b.add_entry(parent, b.add_inode(FILE), name)
    assert b.finish().named_twice().tolist() == [False, False, False, False, True, True]
