"""Blocks and their owners."""

import numpy as np

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.ownership import INODE_TABLE, RESERVED, SECOND_COPY, Owners, aggregate_owner, owner_name


def test_names_of_owners() -> None:
    assert owner_name(0) == "inode 0" and owner_name(17) == "inode 17"
    assert owner_name(RESERVED) == "the reserved area with the superblocks"
    assert owner_name(INODE_TABLE) == "the inode table" and "second copy" in owner_name(SECOND_COPY)
    assert owner_name(aggregate_owner(0)) == "aggregate inode 0"
    assert owner_name(aggregate_owner(16)) == "aggregate inode 16"


def test_ranges_are_joined_by_owner() -> None:
    report = Report()
    owners = Owners(report, 4096)
    owners.claim(10, 2, 5)
    owners.claim(12, 3, 5)
    owners.claim(15, 1, 6)
    owners.claim_many(np.array([2, 30]), np.array([4, 1]), np.array([7, 7]))
    owners.claim_many(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert owners.ranges().T.tolist() == [[2, 6, 7], [10, 15, 5], [15, 16, 6], [30, 31, 7]]
    used = owners.used()
    assert used.starts.tolist() == [2, 10, 15, 30] and used.ends.tolist() == [6, 15, 16, 31]
    assert report.is_clean


def test_two_owners() -> None:
    report = Report()
    owners = Owners(report, 512)
    owners.claim(10, 10, 5)
    owners.claim(18, 4, 6)
    owners.claim(19, 1, 7)
    assert owners.ranges().T.tolist() == [[10, 20, 5], [20, 22, 6]]
    assert [(f.name, f.offset, f.text) for f in report.findings] == [
        ("block-owners", 18 * 512, "blocks 18 to 19 belong to inode 5 and to inode 6"),
        ("block-owners", 19 * 512, "blocks 19 to 19 belong to inode 6 and to inode 7"),
    ]


def test_pages_are_entered_once() -> None:
    owners = Owners(Report(), 4096)
    assert owners.enter(8, 1, 5) and not owners.enter(8, 1, 5)
    assert owners.first_visit(9) and not owners.first_visit(9)
    assert owners.pages == {8, 9}
