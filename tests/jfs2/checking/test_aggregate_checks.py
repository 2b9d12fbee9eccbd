"""The inodes of the aggregate, one field at a time."""

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.checking.aggregate_checks import check_aggregate
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock


def judge(i):
    subject = Subject.of(i.device, read_superblock(i.device), Report())
    found = check_aggregate(subject)
    return found, [(f.name, f.field, f.severity, f.text) for f in subject.report.findings]


@pytest.mark.parametrize("name", ["aix-small", "linux-small"])
def test_a_sound_one(image, name) -> None:
    i = image(name)
    found, findings = judge(i)
    assert findings == [] and found.stamp == i.view(i.s.inode, i.aggregate(1))["di_inostamp"][0]
    assert found.inode_map.pages == 2 and found.fileset_map.pages == 2
    assert found.block_map.pages == i.geometry.map_pages
    assert found.block_map.places(0, 1).tolist() == [0x10000]
    assert found.inode_map.places(0, 2).tolist() == [
        0x9000,
        0xA000,
    ]


@pytest.mark.parametrize(
    ("number", "field", "value", "expected"),
    [
        (1, "di_number", 9, ("aggregate-inodes", "aggregate inode 1: di_number is 9, expected 1")),
        (2, "di_fileset", 16, ("aggregate-inodes", "aggregate inode 2: di_fileset is 16, expected 1")),
        (3, "di_nlink", 2, ("aggregate-inodes", "aggregate inode 3: di_nlink is 2, expected 1")),
        (4, "di_mode", 0o40644, ("aggregate-inodes", "aggregate inode 4: mode 0o40644 is not that of a regular file")),
        (1, "di_inostamp", 7, ("aggregate-stamp", "aggregate inode 1: stamp 0x7, expected ")),
        (2, "di_size", 4096, ("aggregate-size", "aggregate inode 2: di_size is 4096, its tree has ")),
        (4, "di_size", 1 << 57, ("aggregate-size", f"aggregate inode 4: di_size is {1 << 57}, its tree has 0")),
        (4, "di_nblocks", 1, ("aggregate-size", "aggregate inode 4: di_nblocks is 1, its tree has 0")),
        (16, "di_nblocks", 1, ("aggregate-size", "aggregate inode 16: di_nblocks is 1, its tree has 2")),
    ],
)
def test_a_field(image, number, field, value, expected) -> None:
    i = image("aix-small")
    i.view(i.s.inode, i.aggregate(number))[field] = value
    _, findings = judge(i)
    check, where, severity, text = findings[0]
    assert (check, where, severity) == (expected[0], field, "error") and text.startswith(expected[1])
    assert [f[0] for f in findings[1:]] in ([], ["aggregate-copies"])


def test_the_place_of_the_table(image) -> None:
    i = image("aix-small")
    i.pxd(i.s.inode, i.aggregate(2), "di_ixpxd", 12, 4)
    assert judge(i)[1][0] == (
        "aggregate-place", "di_ixpxd", "error", "aggregate inode 2: says that it is in 4@12, not in 4@11"
    )  # fmt: skip


def test_the_second_copy(image) -> None:
    i = image("linux-small")
    i.view(i.s.inode, i.aggregate(2, second=True))["di_uid"] = 5
    i.view(i.s.inode, i.aggregate(16, second=True))["di_mtime"]["tv_sec"] = 5
    assert [f[:3] for f in judge(i)[1]] == [
        ("aggregate-copies", "di_uid", "error"),
        ("aggregate-copies", "di_mtime", "warning"),
    ]


def test_without_a_map_of_inodes(image) -> None:
    i = image("aix-small")
    for second in (False, True):
        root = i.view(i.s.inode, i.aggregate(16, second=second))["root"]
        root[0, 16:20] = [0x83, 0, 0, 2]
    with pytest.raises(CorruptImage, match="the extents of the fileset's inode map"):
        judge(i)
