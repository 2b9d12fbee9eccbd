"""The tree that directories make, level by level, and what is none."""

import stat

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.inventory.builder import InventoryBuilder
from lvmfmt.jfs2.inventory.read_tree import InventoryTree

BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


def tree():
    """Directories of three levels, some with pages: path -> number of names in it."""
    builder = InventoryBuilder()
    rows = {"": builder.add_inode(stat.S_IFDIR | 0o755)}
    wanted = {"": 0}
    for path, files in (("/a", 3), ("/b", 40), ("/a/c", 30), ("/b/d", 0), ("/b/e", 2), ("/a/c/f", 25)):
        rows[path] = builder.add_inode(stat.S_IFDIR | 0o755)
        above, _, name = path.rpartition("/")
        builder.add_entry(rows[above], rows[path], name.encode())
        wanted[above] += 1
        wanted[path] = files
        for i in range(files):
            builder.add_entry(rows[path], builder.add_inode(stat.S_IFREG | 0o644), b"%s%d" % (path[-1:].encode(), i))
    return builder.finish(), wanted


def collected(fs):
    found = InventoryTree(fs.volume, fs.directories)
    for numbers, at, rows in fs.inodes.tables():
        here = np.flatnonzero(rows["di_mode"] & 0xF000 == stat.S_IFDIR)
        for part in (here[:3], here[3:]):
            found.add(numbers[part], at[part] + 224, rows["root"][part])
    return found


@BOTH
def test_all_names(built, dialect):
    inventory, wanted = tree()
    with ImageFile(built(dialect, inventory)) as device:
        fs = FileSystem.open(device)
        entries = collected(fs).read(2)
        for path, count in wanted.items():
            inode = fs.inode(path or "/")
            mine = np.flatnonzero(entries.parents == inode.number)
            names = {entries.text[entries.starts[i] : entries.starts[i] + entries.lengths[i]]: i for i in mine}
            listed = {e.name: e.number for e in fs.entries(inode)}
            assert {name: int(entries.children[i]) for name, i in names.items()} == listed
            assert len(listed) == count + (path == "" and dialect is AIX)  # AIX has /lost+found
            assert set(entries.at[mine].tolist()) <= {inode.at + 224}
        below = collected(fs).read(fs.inode("/a").number)
        assert len(below.children) == 3 + 1 + 30 + 1 + 25
        in_use = np.unique(np.append(entries.children, [2, 1 << 20]))
        assert (in_use[entries.places(in_use)] == entries.children).all()
        gone = int(entries.children.max())
        for numbers in (in_use[in_use != gone], in_use[in_use < gone]):
            with pytest.raises(CorruptImage, match="an inode in use for b'"):
                entries.places(numbers)


@BOTH
def test_what_is_no_tree(built, dialect):
    with ImageFile(built(dialect, tree()[0])) as device:
        fs = FileSystem.open(device)
        found = collected(fs)
        for top in (fs.inode("/a/a0").number, 1 << 30, 1):
            with pytest.raises(CorruptImage, match=f"a directory, inode {top}"):
                found.read(top)
        with pytest.raises(CorruptImage):
            InventoryTree(fs.volume, fs.directories).read(2)
        # /b/e has the names of /a: its directories come up twice
        a, e = fs.inode("/a"), fs.inode("/b/e")
        for first, second in ((a, e), (e, a)):
            again = InventoryTree(fs.volume, fs.directories)
            for numbers, at, rows in fs.inodes.tables():
                here = np.flatnonzero(rows["di_mode"] & 0xF000 == stat.S_IFDIR)
                roots = rows["root"][here].copy()
                roots[numbers[here] == second.number] = first.root
                again.add(numbers[here], at[here] + 224, roots)
            if first is a:
                with pytest.raises(CorruptImage, match="a directory that has no name yet") as caught:
                    again.read(2)
                assert caught.value.offset == e.at + 224
            else:
                assert len(again.read(2).children) > 0  # files may have two names
