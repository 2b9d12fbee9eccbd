"""What is to be made of inodes on this machine: names, owners, permissions; and what is told when it cannot be."""

import errno
import os
import stat

import numpy as np
import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.jfs2.extracting.facts import Facts, Trouble, dress
from lvmfmt.jfs2.inventory.arrays import Inventory
from lvmfmt.jfs2.inventory.builder import InventoryBuilder

ME = os.geteuid(), os.getegid()


@pytest.fixture
def tree() -> Inventory:
    """/ with d, d/f, and g, a second name of d/f; d/s belongs to somebody else and is set-user-id."""
    b = InventoryBuilder()
    root, d = (b.add_inode(stat.S_IFDIR | 0o755, uid=ME[0], gid=ME[1]) for _ in range(2))
    f = b.add_inode(stat.S_IFREG | 0o640, uid=ME[0], gid=ME[1], atime=5, mtime=6)
    s = b.add_inode(stat.S_IFREG | 0o4711, uid=ME[0] + 7, gid=ME[1])
    b.attributes[f] = {b"user.x": b"1"}
    for parent, child, name in ((root, d, b"d"), (d, f, b"f"), (d, s, b"s"), (root, f, b"g")):
        b.add_entry(parent, child, name)
    return b.finish()


def test_an_inode_is_made_by_its_first_name(tree: Inventory) -> None:
    facts = Facts(tree, set_id=True)
    assert facts.first.tolist() == [-1, 0, 1, 2] and facts.later.tolist() == [3]
    columns = facts.columns(np.array([1, 2, 3]))
    assert (columns.names, columns.parents) == ([b"d", b"f", b"s"], [0, 1, 1])
    assert columns.times[1] == (5, 6)
    assert [each[0] for each in columns.each()] == columns.names


def test_the_top_has_no_name(tree: Inventory) -> None:
    assert Facts(tree, set_id=True).columns(np.array([0, 1])).names == [b"", b"d"]


@pytest.mark.parametrize("superuser", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_owners_are_for_the_superuser_and_set_id_bits_when_asked_for(
    tree: Inventory, superuser: bool, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 0 if superuser else real or 1000)
    facts = Facts(tree, set_id=asked)
    columns = facts.columns(np.array([2, 3]))
    kept = superuser and asked
    assert columns.modes == [0o640, 0o4711 if kept else 0o711]
    assert facts.without_set_id().tolist() == ([] if kept else [3])
    assert (columns.owners[1] is not None) == superuser
    assert columns.special.tolist() == [True, superuser]  # attributes; owner and set-id bit


def test_a_symlink_has_no_use_for_set_id_bits() -> None:
    b = InventoryBuilder()
    root, link = b.add_inode(stat.S_IFDIR | 0o2755), b.add_inode(stat.S_IFLNK | 0o6777)
    b.add_entry(root, link, b"l")
    assert Facts(b.finish(), set_id=False).without_set_id().tolist() == []  # nor has the top, which nothing names


def test_attributes_are_those_of_the_inode(tree: Inventory) -> None:
    facts = Facts(tree, set_id=True)
    assert facts.attributes(2) == {b"user.x": b"1"} and facts.attributes(1) == {}


def test_what_would_go_wrong_with_everything_ends_the_work() -> None:
    trouble = Trouble("/dest")
    for number in (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EMFILE):
        with pytest.raises(ImageIOError, match="/dest"):
            trouble.failed(b"f", OSError(number, "x"))
    assert trouble.problems == []


def test_what_goes_wrong_with_one_name_is_told() -> None:
    trouble = Trouble("/dest")
    trouble.failed(b"a\nb", OSError(errno.EACCES, "x"))
    trouble.failed(b"n", ValueError("embedded null byte"))
    trouble.left_out(b"s", "socket")
    assert trouble.problems == [
        f"a\\nb: cannot be made as it is ({os.strerror(errno.EACCES)})",
        "n: cannot be made as it is (embedded null byte)",
        "s: socket, left out",
    ]


def test_permissions_change_only_where_they_differ(tmp_path, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(os, "fchmod", lambda fd, mode: calls.append(mode))
    monkeypatch.setattr(os, "fchown", lambda fd, uid, gid: calls.append((uid, gid)))
    monkeypatch.setattr(os, "setxattr", lambda fd, name, value: calls.append(name))
    dress(3, 0o640, 0o640, None, {})
    assert calls == []
    dress(3, 0o4640, 0o640, (1, 2), {b"user.a": b"", b"security.b": b""})
    assert calls == [(1, 2), 0o4640, b"user.a"]
