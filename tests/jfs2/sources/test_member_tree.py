"""The tree that an archive makes: later members replace earlier ones, folders are made where they are implied."""

import stat

from lvmfmt.jfs2.sources.member_tree import MemberTree

NOW = 5_000_000_000


def test_later_members_win_and_folders_are_implied():
    tree = MemberTree(NOW)
    folder = tree.parent([b"a", b"b"])
    first = tree.link(folder, b"file", tree.builder.add_inode(stat.S_IFREG | 0o644))
    second = tree.link(folder, b"file", tree.builder.add_inode(stat.S_IFREG | 0o600))
    assert tree.get(folder, b"file") == second != first
    assert tree.parent([b"a", b"b", b"file"]) is None  # a file is in the way
    assert tree.folder(folder, b"file") not in (first, second)  # unless it is to be a directory
    assert tree.get(tree.root, None) == tree.folder(tree.root, None) == tree.root == tree.parent([])
    inventory = tree.finish()
    assert len(inventory.inodes) == 4 and len(inventory.entries) == 3
    row = 0
    for name in (b"a", b"b", b"file"):
        row = inventory.lookup(row, name)
        assert inventory.inodes["mode"][row] == stat.S_IFDIR | 0o755
        assert inventory.inodes["mtime"][row] == NOW


def test_data_stays_in_the_order_of_the_archive():
    tree = MemberTree(NOW)
    rows = [tree.link(tree.root, name, tree.builder.add_inode(stat.S_IFREG)) for name in (b"x", b"y", b"x")]
    inventory = tree.finish()
    assert [inventory.name(entry) for entry in range(2)] == [b"y", b"x"]
    assert len(rows) == 3 and len(inventory.inodes) == 3
