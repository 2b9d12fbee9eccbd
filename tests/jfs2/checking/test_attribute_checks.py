"""Descriptors of attributes, one field at a time: what they own, and what is wrong with them."""

import numpy as np
import pytest

from lvmfmt.jfs2.attributes.ead import FORMAT_2
from lvmfmt.jfs2.checking.attribute_checks import AttributeChecker
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.layout.jfs2.j2 import EA_ROOT, EAD


class Judged:
    """The attributes of some files, judged together."""

    def __init__(self, i, *paths):
        self.report = Report()
        self.subject = Subject.of(i.device, read_superblock(i.device), self.report)
        checker = AttributeChecker(self.subject)
        inodes = [i.fs.inodes.read(i.number(path)) for path in paths]
        rows = np.concatenate([i.view(i.s.inode, inode.at) for inode in inodes])
        numbers, at = (np.array([getattr(n, name) for n in inodes]) for name in ("number", "at"))
        blocks, unsure = checker.check(numbers, at, rows)
        self.blocks, self.unsure, self.objects = blocks.tolist(), unsure.tolist(), checker.objects
        self.owned = self.subject.owners.ranges().T.tolist()
        self.found = [(f.name, f.field, f.offset) for f in self.report.findings]
        self.texts = [f.text for f in self.report.findings]


def describe(i, path, field, flag, size, address, length):
    dxd = i.view(i.s.inode, i.inode_at(path))[field]
    dxd["flag"], dxd["size"] = flag, size
    i.dialect.put_pxd(dxd["xd"], slice(None), address, length)


def test_files_without_attributes(image) -> None:
    for name in ("aix", "linux"):
        judged = Judged(image(name), "/few", "/data")
        assert (judged.blocks, judged.unsure, judged.found) == ([0, 0], [False, False], [])
        assert judged.owned == [] and judged.objects == []


def test_a_list_in_an_extent(image) -> None:
    i = image("linux")
    i.attributes_in_an_extent("/more")
    block = int(i.dialect.get_pxd(i.view(i.s.inode, i.inode_at("/more"))["di_ea"]["xd"])[1][0])
    describe(i, "/few", "di_acl", 0x20, 4, 70, 3)  # an ACL of OS/2 is not looked into
    judged = Judged(i, "/few", "/more")
    assert (judged.blocks, judged.unsure, judged.found) == ([3, 1], [False, False], [])
    assert sorted(judged.owned) == sorted([[block, block + 1, i.number("/more")], [70, 73, i.number("/few")]])


def test_extents_of_directories(image) -> None:
    i = image("linux")
    i.attributes_in_an_extent("/more")
    i.view(i.s.inode, i.inode_at("/many"))["di_ea"] = i.view(i.s.inode, i.inode_at("/more"))["di_ea"]
    assert Judged(i, "/few", "/many").found == []


@pytest.mark.parametrize(("address", "length"), [(0, 1), (1 << 30, 1), (3000, 4000)])
def test_an_extent_outside(image, address, length) -> None:
    i = image("linux")
    describe(i, "/few", "di_acl", 0x20, 4, address, length)
    judged = Judged(i, "/data", "/few")
    assert judged.found == [("extent-range", "di_acl", i.inode_at("/few") + i.s.inode.offset_of("di_acl"))]
    assert f"inode {i.number('/few')} at {length}@{address}" in judged.texts[0]
    assert judged.blocks == [0, length] and judged.owned == []


def test_a_broken_list(image) -> None:
    i = image("linux")
    i.attributes_in_an_extent("/more")
    i.view(i.s.inode, i.inode_at("/more"))["di_ea"]["size"] += 4
    [(name, _, offset)] = Judged(i, "/more").found
    assert (name, offset) == ("inode-attributes", i.inode_at("/more") + i.s.inode.offset_of("di_ea"))


def test_a_list_that_two_inodes_have_is_told_once(image) -> None:
    i = image("linux")
    i.attributes_in_an_extent("/more")
    i.view(i.s.inode, i.inode_at("/more"))["di_ea"]["size"] += 4
    i.view(i.s.inode, i.inode_at("/few"))["di_ea"] = i.view(i.s.inode, i.inode_at("/more"))["di_ea"]
    assert [name for name, _, _ in Judged(i, "/more", "/few").found] == ["inode-attributes", "block-owners"]


def test_an_unknown_flag_and_an_inline_list(image) -> None:
    i = image("linux")
    describe(i, "/few", "di_ea", 0x80, 4, 70, 1)
    judged = Judged(i, "/few")
    assert [name for name, _, _ in judged.found] == ["inode-attributes"] and judged.blocks == [0]
    i = image("linux")
    describe(i, "/many", "di_ea", 0x40, 20, 0, 0)  # a directory's root has the place
    assert Judged(i, "/many").found == [
        ("inode-inline-attributes", "di_ea", i.inode_at("/many") + i.s.inode.offset_of("di_ea")),
    ]  # fmt: skip


@pytest.mark.parametrize(("flag", "size"), [(0x01, 4), (0x20, 0), (0x20, 4097), (0x40, 129)])
def test_an_access_control_list_without_a_place(image, flag, size) -> None:
    i = image("linux")
    describe(i, "/few", "di_acl", flag, size, 70, 1)
    place = "inode-attributes", "di_acl", i.inode_at("/few") + i.s.inode.offset_of("di_acl")
    assert Judged(i, "/few").found == [place]


def ea(i, path):
    """The attribute area of an AIX inode."""
    at = i.inode_at(path) + i.s.inode.offset_of("ea")
    return memoryview(i.data)[at : at + 16], at


def test_format_2_names_objects(image) -> None:
    i = image("aix")
    at = ea(i, "/few")[1]
    root = i.view(EA_ROOT, at)
    i.data[at] = FORMAT_2
    root["eaDirectory"], root["eaACL"] = 40, 0
    judged = Judged(i, "/data", "/few")
    number = i.number("/few")
    assert judged.objects == [(40, number, at + EA_ROOT.offset_of("eaDirectory"))]
    assert judged.found == [("inode-attribute-objects", "eaFlag", at + EA_ROOT.offset_of("eaFlag"))]
    assert (judged.blocks, judged.unsure) == ([0, 0], [False, False])
    i.superblock(s_version=2, s_feature_incompat=2)
    root["eaDirectory"], root["eaACL"] = 0, 41
    judged = Judged(i, "/few")
    assert judged.found == [] and judged.objects == [(41, number, at + EA_ROOT.offset_of("eaACL"))]


def test_format_1_that_nobody_knows(image) -> None:
    i = image("aix")
    address = i.geometry.blocks - 9
    for path in ("/few", "/data"):
        row = i.view(EAD, ea(i, path)[1])
        row["len"], row["addr_lo"], row["nblocks"] = 2, address, 2
        address += 3
    i.data[(i.geometry.blocks - 9) * 4096 : i.geometry.blocks * 4096] = b"\x5a" * (9 * 4096)
    judged = Judged(i, "/pipe", "/few", "/data")
    assert (judged.blocks, judged.unsure, judged.found) == ([0, 2, 2], [False, True, True], [])
    assert len(judged.report.notes) == 1 and f"those of inode {i.number('/few')} first" in judged.report.notes[0]
    assert sorted(length[1] - length[0] for length in judged.owned) == [2, 2]
    i.view(EAD, ea(i, "/few")[1])["addr_hi"] = 1
    assert Judged(i, "/few").found == [("extent-range", "ea", ea(i, "/few")[1])]
