"""Inodes of a small file system, one field of one of them at a time."""

import numpy as np
import pytest

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.inode_checks import InodeChecker, inode_rows
from lvmfmt.jfs2.checking.names_checks import Census
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock


def judge(i, free: int = 31) -> list[tuple[str, str, str]]:
    """Judge the first inode extent, with one more inode that is free: check, field, text."""
    subject = Subject.of(i.device, read_superblock(i.device), Report())
    iag = i.fs.inodes.iag(0)
    taken = iag.used.copy()
    taken[free] = False
    address, length = np.zeros(128, np.int64), np.zeros(128, np.int64)
    address[0], length[0] = iag.address[0], iag.length[0]
    stamp = int(i.view(i.s.inode, i.aggregate(16))["di_inostamp"][0])
    rows = inode_rows(subject, 0, address, length, taken)
    assert rows.numbers.tolist() == list(range(32)) and rows.used.tolist() == taken[:32].tolist()
    assert rows.at[2] - rows.at[1] == 512 and (rows.address == iag.address[0]).all()
    InodeChecker(subject, stamp, Census()).check(rows)
    return [(f.name, f.field, f.text.partition(": ")[2]) for f in subject.report.findings]


def test_extents_are_read_in_the_order_of_the_group(image) -> None:
    i = image("linux-small")
    subject = Subject.of(i.device, read_superblock(i.device), Report())
    address, length = np.zeros(128, np.int64), np.zeros(128, np.int64)
    blocks = [20, 24, 40, 36, 32, 44, 8]  # one behind another, backwards, alone
    places = [0, 1, 2, 3, 4, 5, 9]
    address[places], length[places] = blocks, 4
    rows = inode_rows(subject, 4096, address, length, np.ones(4096, bool))
    assert rows.rows.tobytes() == b"".join(i.device.read(block * 4096, 4 * 4096).tobytes() for block in blocks)
    assert rows.at[::32].tolist() == [block * 4096 for block in blocks]
    assert rows.numbers[::32].tolist() == [4096 + 32 * place for place in places]


@pytest.mark.parametrize("name", ["aix-small", "linux-small"])
def test_sound_inodes(image, name) -> None:
    i = image(name)
    assert judge(i) == []


@pytest.mark.parametrize(
    ("path", "field", "value", "expected"),
    [
        ("/file", "di_nlink", 0, [("inode-identity", "di_nlink", "di_nlink is 0, expected 1 or more")]),
        ("/file", "di_fileset", 1, [("inode-identity", "di_fileset", "di_fileset is 1, expected 16")]),
        ("/file", "di_nblocks", 3, [("inode-blocks", "di_nblocks", "di_nblocks is 3, expected 0")]),
        ("/", "di_nblocks", 1, [("inode-blocks", "di_nblocks", "di_nblocks is 1, expected 0")]),
        ("/", "di_size", 4096, [("inode-size", "di_size", "di_size is 4096, expected 256")]),
        ("/file", "di_size", 1 << 62, [("inode-size", "di_size",
                                        f"di_size is {1 << 62}, expected 0 to {4 * (1 << 40) - 4096}")]),
        ("/file", "di_mode", 0o644, [("inode-identity", "di_mode", "di_mode is 420, expected a file type")]),
        ("/file", "di_ixpxd", 0, [("inode-identity", "di_ixpxd", "di_ixpxd, expected the extent that holds it")]),
    ],
)  # fmt: skip
def test_a_field(image, path, field, value, expected) -> None:
    i = image("linux-small")
    if field == "di_ixpxd":
        i.pxd(i.s.inode, i.inode_at(path), field, 5, 4)
    else:
        i.inode(path, **{field: value})
    found = judge(i)
    if value == 1 << 62:
        found = [(name, where, text.partition(" expected")[0]) for name, where, text in found][:1]
        expected = [(name, where, text.partition(" expected")[0]) for name, where, text in expected]
    assert found == expected


def test_a_free_inode_has_no_links(image) -> None:
    i = image("aix-small")
    assert judge(i, i.number("/file")) == [
        ("inode-free", "di_nlink", "di_nlink is 1, expected 0, it is free in the map")
    ]
    number = i.number("/file")
    i.inode("/file", di_nlink=0)
    assert judge(i, number) == []


def test_a_group_without_extents_has_no_inodes(image) -> None:
    i = image("linux-small")
    subject = Subject.of(i.device, read_superblock(i.device), Report())
    none = np.zeros(128, np.int64)
    assert len(inode_rows(subject, 0, none, none, np.zeros(4096, bool)).rows) == 0
