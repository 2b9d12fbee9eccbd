"""Inode groups: what is written is right, and every change of a byte that matters is a fault."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.jfs2.nodes.inode_group import (
    PLACE_CHECKS,
    InodeGroups,
    InodeMapSums,
    group_pages,
    inode_control_faults,
    link_groups,
    renewed_groups,
)
from lvmfmt.jfs2.nodes.page_faults import first_fault
from lvmfmt.units import MIB

DIALECTS = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
GEOMETRY = Geometry.of(96 * MIB, has_aim2=False)  # groups of 8,192 blocks of 4096 bytes


def maps(*extents, used=()):
    """Bits of inodes and addresses of extents of as many groups as lists are given."""
    addresses = np.zeros((len(extents), 128), np.int64)
    for row, list_ in zip(addresses, extents, strict=True):
        row[: len(list_)] = list_
    bits = np.zeros(len(extents) * 4096, bool)
    bits[list(used)] = True
    return bits, addresses.ravel()


def faults(dialect, table, **options):
    return [
        (f.check, f.words(int(f.wrong.argmax()))) for f in InodeGroups(dialect, GEOMETRY, table, **options).faults()
    ]


def sums(dialect, table, page):
    judge = InodeMapSums(dialect, GEOMETRY, len(table))
    judge.add(InodeGroups(dialect, GEOMETRY, table))
    return [(f.check, f.words(0)) for f in judge.faults(page)]


@given(st.lists(st.lists(st.integers(1, 2000), max_size=6, unique=True), min_size=1, max_size=5), st.data())
@settings(max_examples=30)
def test_groups_of_any_maps_have_no_fault_and_give_the_maps_back(extents, data):
    extents = [[a * 4 for a in sorted(group)] for group in extents]
    backed = [k * 4096 + e * 32 + i for k, group in enumerate(extents) for e in range(len(group)) for i in range(32)]
    used = data.draw(st.lists(st.sampled_from(backed), unique=True, max_size=40)) if backed else []
    bits, addresses = maps(*extents, used=used)
    for dialect in (AIX, LINUX):
        table = group_pages(dialect, GEOMETRY, bits, addresses)
        page = link_groups(dialect, GEOMETRY, table)
        groups = InodeGroups(dialect, GEOMETRY, table)
        assert list(groups.faults()) == [] and sums(dialect, table, page) == []
        assert (groups.used.ravel() == bits).all() and (groups.working == groups.used).all()
        assert (groups.address.ravel() == addresses).all() and (groups.sound == (groups.address != 0)).all()
        assert groups.backed.sum() == len(backed) and groups.free.sum() == len(backed) - len(used)
        assert groups.missing.sum() == 128 * len(extents) - len(backed) // 32


@DIALECTS
def test_lists_link_the_groups_of_one_allocation_group(dialect):
    full = range(4096, 4096 + 32)
    bits, addresses = maps([4], [100], [200], [9000], [], used=[0, *full])
    table = group_pages(dialect, GEOMETRY, bits, addresses)
    page = link_groups(dialect, GEOMETRY, table)
    control = page["in_agctl"][0]
    assert (control["inofree"][0], control["inofree"][1], control["inofree"][2]) == (0, 3, -1)
    assert table["inofreefwd"].tolist() == [2, -1, -1, -1, -1]  # group 1 has no free inode
    assert table["inofreeback"].tolist() == [-1, -1, 0, -1, -1]
    assert table["extfreefwd"].tolist() == [1, 2, -1, -1, -1]
    assert table["extfreeback"].tolist() == [-1, 0, 1, -1, -1]
    assert (page["in_freeiag"][0], table["iagfree"].tolist()) == (4, [-1] * 5)
    assert (page["in_numinos"][0], page["in_numfree"][0]) == (128, 128 - 33)
    assert control["numinos"][:2].tolist() == [96, 32] and control["numfree"][:2].tolist() == [96 - 33, 32]
    assert table["agstart"].tolist() == [0, 0, 0, 8192, 0]
    assert (page["in_nbperiext"][0], page["in_l2nbperiext"][0]) == (4, 2)


@DIALECTS
@pytest.mark.parametrize(
    ("field", "at", "value", "check", "words"),
    [
        ("iagnum", None, 7, "iag-number", "group 0: iagnum is 7, expected the number of its page"),
        ("agstart", None, 5, "iag-ag-start", "group 0: agstart is 5, expected the start of an allocation group"),
        ("wmap", 9, 1, "iag-unbacked-bits", "group 0: wmap of extent 9 (0@0): expected no inode in use"),
        ("pmap", 0, 0, "iag-maps-agree", "group 0: pmap of extent 0 (4@40): expected the same as wmap"),
        ("inosmap", 0, 0, "iag-inode-summary", "group 0: inosmap of extent 2 (0@0): expected 0 for free inodes"),
        ("extsmap", 3, 1, "iag-extent-summary", "group 0: extsmap of extent 127 (0@0): expected 1 for an extent"),
        ("nfreeinos", None, 3, "iag-counts", "group 0: nfreeinos is 3, counted 62"),
        ("nfreeexts", None, 125, "iag-counts", "group 0: nfreeexts is 125, counted 126"),
    ],
)  # fmt: skip
def test_one_field_changed_is_named(dialect, field, at, value, check, words):
    table = group_pages(dialect, GEOMETRY, *maps([40, 80], used=[0, 33]))
    if at is None:
        table[field] = value
    else:
        table[field][0, at] = value
    assert any(found[0] == check and found[1].startswith(words) for found in faults(dialect, table))


@DIALECTS
def test_extents_that_cannot_be(dialect):
    table = group_pages(dialect, GEOMETRY, *maps([40, 80, 8192 + 40, 120]))
    dialect.put_pxd(table["inoext"][0], 0, GEOMETRY.blocks - 3, 4)
    dialect.put_pxd(table["inoext"][0], 1, 80, 3)
    found = dict(faults(dialect, table))
    assert found["extent-range"].startswith("group 0: inoext of extent 0 (4@")
    assert found["iag-extent-length"] == "group 0: inoext of extent 1 (3@80): expected 4 blocks"
    assert found["iag-extent-place"].startswith("group 0: inoext of extent 2 (4@8232)")
    assert InodeGroups(dialect, GEOMETRY, table).sound[0, :4].tolist() == [False, False, True, True]
    assert "iag-extent-length" not in dict(faults(dialect, table, variable=True))
    assert "extent-range" not in dict(faults(dialect, table, blocks=GEOMETRY.blocks + 1))
    fault = first_fault(InodeGroups(dialect, GEOMETRY, table).faults(PLACE_CHECKS))
    assert (fault.check, fault.field, fault.entry) == ("iag-extent-length", "inoext", 0)
    only = group_pages(dialect, GEOMETRY, *maps([8192 + 40]))
    only["agstart"] = 0
    assert first_fault(InodeGroups(dialect, GEOMETRY, only).faults()) is None  # a warning is no reason to stop


@DIALECTS
@given(st.integers(0, 4095), st.integers(1, 255))
@settings(max_examples=60)
def test_no_byte_of_a_group_changes_unnoticed_but_in_reserved_bytes(dialect, at, change):
    table = group_pages(dialect, GEOMETRY, *maps([40, 80], [120], [], used=[0, 33, 4097]))
    page = link_groups(dialect, GEOMETRY, table)
    table[1:2].view(np.uint8)[at] ^= change
    noticed = faults(dialect, table) + sums(dialect, table, page)
    assert bool(noticed) != (72 <= at < 2048)  # reserved [jfs2 2.6]


@DIALECTS
@given(st.integers(0, 4095), st.integers(1, 255))
@settings(max_examples=60)
def test_no_byte_of_the_control_page_changes_unnoticed_but_in_reserved_bytes(dialect, at, change):
    table = group_pages(dialect, GEOMETRY, *maps([40, 80], [120], [], used=[0, 33, 4097]))
    page = link_groups(dialect, GEOMETRY, table)
    page.view(np.uint8)[at] ^= change
    assert bool(sums(dialect, table, page)) != (24 <= at < 2048)


@DIALECTS
@pytest.mark.parametrize(
    ("head", "forward", "words"),
    [
        (9, {}, "group 9 does not exist"),
        (0, {1: 0}, "group 0 is met twice"),
        (1, {}, "group 1 links back to 0, expected -1"),
        (0, {0: -1}, "group 1 is missing"),
        (0, {1: 2}, "group 2 links back to -1, expected 1"),
    ],
)
def test_what_is_wrong_with_a_list(dialect, head, forward, words):
    table = group_pages(dialect, GEOMETRY, *maps([40], [80], [9000]))
    page = link_groups(dialect, GEOMETRY, table)
    page["in_agctl"]["inofree"][0, 0] = head
    for group, link in forward.items():
        table["inofreefwd"][group] = link
    assert ("imap-inode-list", f"list inofree of allocation group 0: {words}") in sums(dialect, table, page)


@DIALECTS
def test_a_group_outside_the_free_list_has_no_link_of_it(dialect):
    table = group_pages(dialect, GEOMETRY, *maps([40], []))
    page = link_groups(dialect, GEOMETRY, table)
    assert sums(dialect, table, page) == []
    table["iagfree"][0] = 1
    words = "list in_freeiag: group 0 does not belong there, its iagfree is 1"
    assert sums(dialect, table, page) == [("imap-free-list", words)]


@DIALECTS
def test_what_nobody_knows_and_where_a_group_allocates_stays(dialect):
    old = group_pages(dialect, GEOMETRY, *maps([40], [80]))
    old.view(np.uint8).reshape(2, 4096)[:, 72:2048] = ord("x")
    old["agstart"] = 8192, 77  # the second cannot be
    bits, addresses = maps([40, 48], [8192 + 80], used=[1])
    new = renewed_groups(dialect, GEOMETRY, old, bits, addresses)
    assert new["pad"].tobytes() == b"x" * 3952
    assert new["agstart"].tolist() == [8192, 8192]
    assert new["nfreeexts"].tolist() == [126, 127]
    before = dialect.structures.dinomap.empty_table(1)
    before.view(np.uint8)[32:2048] = ord("y")
    page = link_groups(dialect, GEOMETRY, new, before)
    assert page["in_rsvd"].tobytes() == b"y" * 2016
    assert list(inode_control_faults(dialect, GEOMETRY, page, 2)) == []
    [fault] = inode_control_faults(dialect, GEOMETRY, page, 3)
    assert (fault.check, fault.words(0)) == ("imap-iag-count", "in_nextiag is 2, expected 3")
