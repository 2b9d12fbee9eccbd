"""`lvmfmt.jfs2.checking.xtree_checks`: findings, counts and owned blocks of extent trees that are made by hand."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, LINUX, mkfs
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.checking.xtree_checks import check_trees, extents_of
from lvmfmt.jfs2.nodes.extent_node import ExtentNodeCodec
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin

PAGE_AT = 3000


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def subject(request, tmp_path):
    with ImageFile.create(tmp_path / "image", 16 << 20) as device:
        mkfs(device, dialect=request.param, origin=FixedOrigin(0))
        yield Subject.of(device, read_superblock(device), Report())


def root_of(subject, entries, *, leaf=True):
    root = np.zeros(288, np.uint8)
    ExtentNodeCodec(subject.dialect).write_root(root, 0, entries, leaf=leaf, maxentry=18)
    return root


def page(subject, block, entries):
    raw = np.zeros(4096, np.uint8)
    ExtentNodeCodec(subject.dialect).write_page(raw, entries, leaf=True, block=block, length=1, links=(0, 0))
    subject.volume.write(block, raw)


def findings(subject):
    return [(f.name, f.field, f.offset, f.text) for f in subject.report.findings]


def owned(subject):
    start, end, owner = subject.owners.ranges()
    return list(zip(start.tolist(), end.tolist(), owner.tolist(), strict=True))


def test_sound_trees_are_counted_and_owned(subject):
    page(subject, PAGE_AT, [(4, 6, 200, 0)])
    roots = np.stack((
        root_of(subject, [(0, 3, 100, 0), (9, 2, 110, 0)]), root_of(subject, []),
        root_of(subject, [(0, 1, PAGE_AT, 0)], leaf=False),
    ))  # fmt: skip
    trees = check_trees(subject, np.array([7, 8, 9]), np.array([1000, 2000, 3000]), roots, (18,))
    assert findings(subject) == []
    assert trees.data.tolist() == [5, 0, 6] and trees.count.tolist() == [2, 0, 1]
    assert trees.pages.tolist() == [0, 0, 1] and trees.end.tolist() == [11, 0, 10]
    assert owned(subject) == [(100, 103, 7), (110, 112, 7), (200, 206, 9), (PAGE_AT, PAGE_AT + 1, 9)]


def test_a_fault_does_not_hide_the_rest(subject):
    outside = subject.volume.blocks
    root = root_of(subject, [(0, 3, 100, 0), (2, 2, 110, 1), (9, 5, outside, 0)])
    found, trees = extents_of(subject, 7, 1000, root, (18,))
    assert findings(subject) == [
        ("extent-range", "addr_lo", 1000 + 64 + 12, f"extent 2 of the root of inode 7: place 5@{outside}, expected "
         f"an extent inside blocks 1 to {outside - 1}"),
        ("extent-flags", "flag", 1000 + 48, "extent 1 of the root of inode 7: flag 0x1, expected none but "
         f"{subject.dialect.extent_flags:#x}"),
        ("xtree-order", "off_lo", 1000 + 48 + 4, "extent 1 of the root of inode 7: offset 2, expected 3 or more"),
    ]  # fmt: skip
    assert found["address"].tolist() == [100, 110]
    assert (trees.data[0], trees.end[0], trees.count[0]) == (10, 14, 3)
    assert owned(subject) == [(100, 103, 7), (110, 112, 7)]


def test_pages_are_named_and_entered_once(subject):
    page(subject, PAGE_AT, [(4, 6, 200, 0)])
    root = root_of(subject, [(1, 1, PAGE_AT, 0), (4, 1, PAGE_AT, 0)], leaf=False)
    _, trees = extents_of(subject, 7, 1000, root, (18,))
    assert trees.pages[0] == 2 and trees.count[0] == 1
    assert [name for name, *_ in findings(subject)] == ["xtree-left-edge", "xtree-routers"]
    at, text = findings(subject)[1][2:]
    assert at == PAGE_AT * 4096 + 32 + 4
    assert text == f"extent 0 of page {PAGE_AT} of inode 7: offset 4 to 4, expected offsets 1 to 4"


def test_a_node_of_no_kind_is_not_followed(subject):
    root = root_of(subject, [(0, 3, 100, 0)])
    root[16] = 0x81
    _, trees = extents_of(subject, 7, 1000, root, (18,))
    assert findings(subject) == [
        ("xtree-flag", "flag", 1016, "the root of inode 7: flag 0x81, expected 0x83 or 0x85")
    ]  # fmt: skip
    assert (trees.data[0], trees.count[0]) == (0, 0) and owned(subject) == []
