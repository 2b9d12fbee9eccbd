"""Extent trees through transactions: the left edge, and what a node with a fault makes of a change.

What changes them is `lvmfmt.jfs2.journal.file_extents`.
"""

import random

import numpy as np
import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
NODE_CHECKS = ("xtree-", "extent-")
"""Checks that judge nodes of extent trees by themselves."""


@pytest.fixture
def sparse(volume):
    """`sparse(AIX)`: a file system with a file of 30 extents, the first at block 10, and one of 5."""

    def make(dialect):
        image = volume(dialect)
        with mount(image, origin=FixedOrigin(NOW)) as mounted:
            for path, count in (("/pages", 30), ("/root", 5)):
                mounted.create(path, now=NOW)
                for block in range(10, 10 + 2 * count, 2):
                    mounted.write(path, block * 4096, b"x" * 4096, now=NOW)
        return image

    return make


def test_the_first_router_of_a_file_that_begins_with_a_hole_is_0(dialect, sparse):
    image = sparse(dialect)
    fs = FileSystem.open(image)
    assert fs.read("/pages", 10 * 4096, 3) == b"xxx" and fs.read("/pages", 0, 4096) == bytes(4096)
    inode = fs.inode("/pages")
    offset, length, _, _ = dialect.get_xad(dialect.structures.xad.table(inode.root, 1, 32))
    assert (inode.root[16], offset[0], length[0]) == (0x85, 0, 1)
    assert check(image).findings == []


def nodes(fs):
    """(name, path, byte offset, bytes in use) of a leaf root, an internal root and a page."""
    few, many = fs.inode("/root"), fs.inode("/pages")
    page = int(fs.dialect.get_xad(fs.dialect.structures.xad.table(many.root, 1, 32))[2][0]) * 4096
    yield "/root", few.root_at, 32 + 16 * 5
    yield "/pages", many.root_at, 32 + 16
    yield "/pages", page, 32 + 16 * 30


def append(image, path):
    """Append to a file; whether the journal did."""
    mounted = mount(image, origin=FixedOrigin(NOW))
    try:
        mounted.append(path, b"more", now=NOW)
    except CorruptImage:
        return False
    finally:
        mounted.unmount()
    return True


@pytest.mark.damaged
def test_the_journal_writes_into_no_node_that_the_check_calls_wrong(dialect, sparse):
    """One byte changed: what the check of nodes finds stops a change before it begins; no error is untyped."""
    image, draw = sparse(dialect), random.Random(f"extent nodes {dialect.name}")
    changes = [
        (path, at + k, draw.randrange(256))
        for path, at, used in nodes(FileSystem.open(image))
        for k in draw.sample(range(used), 12)
    ]
    refused = 0
    for path, at, value in changes:
        broken = Overlay(image)
        if broken.read(at, 1)[0] == value:
            continue
        broken.write(at, bytes([value]))
        wrong = [str(f) for f in check(broken).findings if f.name.startswith(NODE_CHECKS)]
        before = broken.read(0, broken.size).tobytes() if wrong else b""
        done = append(broken, path)
        refused += not done
        assert not (wrong and done), (path, at, value, wrong)
        if wrong:  # the mount changes superblock and log, and nothing else
            after = broken.read(0, broken.size)
            changed = np.flatnonzero(after != np.frombuffer(before, np.uint8))
            log = FileSystem.open(broken).superblock.geometry.log_address * 4096
            assert all(0x8000 <= i < 0x9000 or i >= log for i in changed.tolist()), (path, at, value)
    assert refused > 10


@pytest.mark.damaged
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_a_harmless_fault_is_read_over_and_not_written_over(dialect, sparse):
    """A sibling that is none: the content reads as before, and no change is built on it."""
    image = sparse(dialect)
    _, _, (path, page, _) = nodes(FileSystem.open(image))
    image.write(page + 7, b"\1")
    assert FileSystem.open(image).read(path, 10 * 4096, 1) == b"x"
    mounted = mount(image, origin=FixedOrigin(NOW))
    for change in (
        lambda: mounted.append(path, b"more", now=NOW),
        lambda: mounted.truncate(path, 0, now=NOW),
        lambda: mounted.unlink(path, now=NOW),
    ):
        with pytest.raises(CorruptImage, match=r"xtree_header.next"):
            change()
    mounted.append("/root", b"more", now=NOW)
    mounted.unmount()
    assert [f.name for f in check(image).findings] == ["xtree-shape"]
