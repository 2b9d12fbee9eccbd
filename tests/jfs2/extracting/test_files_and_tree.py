"""`lvmfmt.jfs2.extracting.facts`, `.files` and `.tree` one by one: what is made, and what is said of what is not."""

import errno
import os
import stat
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import ImageIOError
from lvmfmt.jfs2 import InventoryBuilder
from lvmfmt.jfs2.extracting.facts import Facts, Trouble, dress
from lvmfmt.jfs2.extracting.files import FileWriter
from lvmfmt.jfs2.extracting.tree import TreeMaker

SECOND = 10**9


@pytest.fixture
def inventory(tmp_path):
    """`/`, `/d` (0o750), `/d/f` (0o640, 10 bytes, a hole first) and `/again`, `/link` to d/f, `/s` (a socket)."""
    with ImageFile.create(tmp_path / "data", 4096) as image:
        image.write(100, b"HELLO")
        tree, us = InventoryBuilder(), {"uid": os.geteuid(), "gid": os.getegid()}
        source = tree.add_source(image)
        tree.add_inode(stat.S_IFDIR | 0o755, mtime=SECOND, **us)
        directory = tree.add_inode(stat.S_IFDIR | 0o750, mtime=2 * SECOND, **us)
        file = tree.add_inode(stat.S_IFREG | 0o640, size=10, atime=5 * SECOND, mtime=3 * SECOND, **us)
        link = tree.add_inode(stat.S_IFLNK | 0o777, size=3, mtime=4 * SECOND, **us)
        sock = tree.add_inode(stat.S_IFSOCK | 0o600, **us)
        tree.add_extent(file, 2, 5, source, 100)
        tree.links[link] = b"d/f"
        for parent, child, name in (
            (0, directory, b"d"), (directory, file, b"f"), (0, link, b"link"), (0, file, b"again"), (0, sock, b"s"),
        ):  # fmt: skip
            tree.add_entry(parent, child, name)
        yield tree.finish()


def test_facts(inventory):
    facts = Facts(inventory)
    assert facts.first.tolist() == [-1, 0, 1, 2, 4] and facts.later.tolist() == [3]
    columns = facts.columns(inventory.entries["child"][:2])
    assert columns.names == [b"d", b"f"] and columns.parents == [0, 1] and columns.modes == [0o750, 0o640]
    assert columns.owners == [None, None] and columns.times == [(0, 2 * SECOND), (5 * SECOND, 3 * SECOND)]
    assert columns.special.tolist() == [False, False]
    assert facts.attributes(2) == {}


def test_all_steps(inventory, tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    facts, trouble, counted = Facts(inventory), Trouble(str(top)), []
    maker = TreeMaker(inventory, facts, trouble, str(top), devices=False)
    maker.make_folders()
    assert stat.S_IMODE((top / "d").stat().st_mode) == 0o700
    writer = FileWriter(inventory, facts)
    assert writer.parcels == 1
    with maker.folders() as folders:
        writer.write(0, folders, trouble, counted.append)
    maker.make_special()
    maker.make_further_names()
    maker.finish_folders()
    file = top / "d" / "f"
    assert file.read_bytes() == b"\0\0HELLO\0\0\0" and counted == [5]
    status = file.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns, status.st_nlink) == (0o640, 3 * SECOND, 2)
    assert (top / "again").stat().st_ino == status.st_ino
    assert (top / "link").readlink() == Path("d/f") and (top / "link").lstat().st_mtime_ns == 4 * SECOND
    assert stat.S_IMODE((top / "d").stat().st_mode) == 0o750 and (top / "d").stat().st_mtime_ns == 2 * SECOND
    assert trouble.problems == ["s: socket, left out"]


def test_what_exists_is_not_overwritten(inventory, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"mine")
    facts, trouble = Facts(inventory), Trouble("top")
    with TreeMaker(inventory, facts, trouble, str(tmp_path), devices=False).folders() as folders:
        FileWriter(inventory, facts).write(0, folders, trouble, lambda _: None)
    assert (tmp_path / "d" / "f").read_bytes() == b"mine"
    assert trouble.problems == [f"f: cannot be made as it is ({os.strerror(errno.EEXIST)})"]


def test_a_full_disk_ends_the_work():
    trouble = Trouble("/top")
    trouble.failed(b"a\n", ValueError("embedded null byte"))
    assert trouble.problems == ["a\\n: cannot be made as it is (embedded null byte)"]
    with pytest.raises(ImageIOError, match="cannot write"):
        trouble.failed(b"b", OSError(errno.ENOSPC, "full"))


def test_dress(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"")
    path.chmod(0o600)
    with path.open() as file:
        dress(file.fileno(), 0o640, 0o640, None, {b"security.x": b"not ours"})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600  # it was said to have these already
        dress(file.fileno(), 0o640, 0o600, None, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
