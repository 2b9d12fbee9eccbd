"""Inodes come and go: what a new one has, and what is given back with the last name."""

import stat

import pytest

from lvmfmt.errors import AlreadyExists
from lvmfmt.jfs2.dialect import AIX
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.lifetimes import Lifetimes
from lvmfmt.origin import FixedOrigin

NOW, LATER = 1_700_000_000_000_000_000, 1_700_000_005_000_000_000


@pytest.fixture
def mounted(volume, dialect):
    found = mount(volume(dialect), origin=FixedOrigin(NOW))
    assert isinstance(found, Lifetimes)
    return found


def times(status):
    return status.atime, status.mtime, status.ctime, status.otime


def test_a_new_file(mounted, dialect) -> None:
    mounted.write_file("/f", b"", now=LATER, mode=0o640, uid=5, gid=6)
    found, top = mounted.stat("/f"), mounted.stat("/")
    assert (found.mode, found.nlink, found.uid, found.gid, found.blocks) == (stat.S_IFREG | 0o640, 1, 5, 6, 0)
    assert times(found) == (LATER,) * 4 and (top.mtime, top.ctime) == (LATER, LATER) and top.atime < LATER
    assert found.attributes == (0x20000 if dialect is AIX else 0x60000)
    with pytest.raises(AlreadyExists):
        mounted.mkdir("/f", now=LATER)


def test_the_last_name_takes_content_and_attributes_along(mounted) -> None:
    mounted.write_file("/spare", b"", now=NOW)  # so that the inode extent stays
    free, inodes = mounted.statfs().free_blocks, mounted.statfs().inodes_used
    mounted.write_file("/f", b"x" * 9000, now=NOW)
    mounted.setxattr("/f", "user.x", b"v" * 3000, now=NOW)
    assert mounted.statfs().free_blocks == free - 4
    mounted.link("/f", "/g", now=NOW)
    mounted.unlink("/f", now=LATER)
    assert (mounted.stat("/g").nlink, mounted.stat("/g").ctime) == (1, LATER)
    assert mounted.statfs().free_blocks == free - 4
    mounted.unlink("/g", now=LATER)
    mounted.sync()
    assert (mounted.statfs().free_blocks, mounted.statfs().inodes_used) == (free, inodes)


def test_a_directory_counts_in_the_one_above(mounted) -> None:
    before = mounted.stat("/").nlink
    mounted.mkdir("/d", now=NOW, mode=0o700)
    assert (mounted.stat("/").nlink, mounted.stat("/d").nlink) == (before + 1, 2)
    assert mounted.stat("/d").mode == stat.S_IFDIR | 0o700
    mounted.rmdir("/d", now=LATER)
    top = mounted.stat("/")
    assert (top.nlink, top.mtime, top.ctime) == (before, LATER, LATER) and not mounted.exists("/d")
