"""What a check knows of its file system."""

import numpy as np

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.subject import Subject, log2_or_minus1
from lvmfmt.jfs2.superblock import read_superblock


def test_log2() -> None:
    assert [log2_or_minus1(n) for n in (1, 2, 512, 4096)] == [0, 1, 9, 12]
    assert [log2_or_minus1(n) for n in (0, -4, 3, 513)] == [-1] * 4


def test_findings_are_placed_at_their_field(image) -> None:
    i = image("aix-small")
    s = Subject.of(i.device, read_superblock(i.device), Report())
    record = i.s.inode
    assert s.device is i.device and s.dialect is i.dialect and s.geometry.block_size == 4096
    s.find("inode-size", record, "di_size", 1000, "wrong")
    s.find("inode-size", record, "", 1000, "wrong")
    s.find("inode-size", record, "di_size", None, "wrong", warning=True)
    s.find_rows("inode-size", record, "di_nlink", np.array([False, True]), np.array([0, 512]), lambda row: f"row {row}")
    at = record.offset_of
    assert [f.offset for f in s.report.findings] == [1000 + at("di_size"), 1000, None, 512 + at("di_nlink")]
    assert [f.severity for f in s.report.findings] == ["error", "error", "warning", "error"]
    assert s.report.findings[3].text == "row 1" and s.report.findings[0].structure == record.name


def test_inside(image) -> None:
    i = image("aix-small")
    s = Subject.of(i.device, read_superblock(i.device), Report())
    last = s.volume.blocks
    assert s.inside(1, 1) and s.inside(last - 1, 1)
    assert not s.inside(0, 1) and not s.inside(5, 0) and not s.inside(last, 1) and not s.inside(last - 1, 2)
    row = i.view(i.s.pxd, 0xB000)
    i.dialect.put_pxd(row, slice(None), 0x1_0000_0005, 70000)
    assert s.pxd(row[0]) == (0x1_0000_0005, 70000)
