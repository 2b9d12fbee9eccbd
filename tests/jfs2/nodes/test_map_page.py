"""Pages of the block map: what is written is right, and every change of a byte that matters is a fault."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.jfs2.nodes.map_page import (
    BlockMapTotals,
    DmapPages,
    block_runs,
    dmap_pages,
    is_level_page,
    level_faults,
    level_page,
    map_control_faults,
    map_control_page,
)
from lvmfmt.jfs2.nodes.map_words import bits_of, words_of
from lvmfmt.jfs2.nodes.page_faults import first_fault
from lvmfmt.units import MIB

DIALECTS = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


def bits(*ranges, blocks=8192):
    result = np.zeros(blocks, bool)
    for first, end in ranges:
        result[first:end] = True
    return result


def judged(dialect, page, blocks, number=0):
    return [fault.check for fault in DmapPages(dialect, blocks, np.array([number]), page).faults()]


@given(st.lists(st.tuples(st.integers(0, 16383), st.integers(1, 3000)), max_size=12), st.integers(1, 16384))
@settings(max_examples=40)
def test_pages_of_any_bits_have_no_fault_and_give_the_bits_back(ranges, blocks):
    used = bits(*((a, min(a + n, blocks)) for a, n in ranges), blocks=16384)
    for dialect in (AIX, LINUX):
        table, free = dmap_pages(dialect, 3, used, 3 * 8192 + blocks)
        pages = DmapPages(dialect, 3 * 8192 + blocks, np.array([3, 4]), table)
        assert list(pages.faults()) == []
        assert (pages.used.ravel()[:blocks] == used[:blocks]).all() and pages.used.ravel()[blocks:].all()
        assert pages.free.tolist() == free.tolist() and free.sum() == blocks - used[:blocks].sum()
        assert pages.there.sum() == blocks


@given(st.lists(st.booleans(), min_size=64, max_size=64))
def test_words_are_most_significant_bit_first(flags):
    array = np.array(flags)
    words = words_of(array)
    assert [format(word, "032b") for word in words.tolist()] == [
        "".join("01"[flag] for flag in flags[at : at + 32]) for at in (0, 32)
    ]
    for order in "<>":
        assert (bits_of(words.astype(f"{order}u4")) == array).all()


@DIALECTS
@pytest.mark.parametrize(
    ("field", "at", "value", "check"),
    [
        ("start", None, 1, "dmap-blocks"),
        ("nblocks", None, 4999, "dmap-blocks"),
        ("nfree", None, 4401, "bmap-counts"),
        ("wmap", 255, 0xFFFFFFFE, "dmap-blocks"),
        ("pmap", 255, 0x7FFFFFFF, "dmap-blocks"),
        ("pmap", 0, 1, "dmap-owned"),
        ("height", None, 5, "bmap-tree-constants"),
        ("stree", 0, 12, "bmap-trees"),
        ("stree", 340, 0, "bmap-trees"),
    ],
)
def test_one_field_changed_is_one_fault(dialect, field, at, value, check):
    table, _ = dmap_pages(dialect, 0, bits((100, 700)), 5000)
    inner = table["tree"] if field in ("height", "stree") else table
    assert judged(dialect, table, 5000) == []
    if at is None:
        inner[field] = value
    else:
        inner[field][0, at] = value
    assert check in judged(dialect, table, 5000)
    if field == "nfree":
        fault = first_fault(DmapPages(dialect, 5000, np.array([0]), table).faults())
        assert (fault.found, fault.expected, fault.offset, fault.entry) == (4401, 4400, 4, 0)


@DIALECTS
@given(st.integers(0, 4095), st.integers(1, 255))
@settings(max_examples=60)
def test_no_byte_of_a_page_changes_unnoticed_but_in_reserved_bytes(dialect, at, change):
    table, _ = dmap_pages(dialect, 0, bits((5, 9), (64, 4000)), 8192)
    table.view(np.uint8)[at] ^= change
    reserved = 374 <= at < 2048  # behind the tree (16 + 358) up to the maps [jfs2 2.7]
    assert bool(judged(dialect, table, 8192)) != reserved


def test_words_of_faults_name_the_blocks():
    table, _ = dmap_pages(AIX, 1, bits((0, 8192)), 16384)
    table["pmap"][0, 0] = 0x0FFFFFFF
    [fault, *_] = DmapPages(AIX, 16384, np.array([1]), table).faults(("dmap-owned",))
    assert fault.words(0) == "blocks 8192 to 8195: working and committed map differ"
    wrong = np.array([0, 1, 0, 1, 1], bool)
    assert block_runs(wrong, 10) == "block 11 and 2 more"
    assert block_runs(wrong[3:], 13) == "blocks 13 to 14"


@DIALECTS
def test_a_control_page_over_some_roots(dialect):
    roots = np.array([13, 13, -1, 12], np.int8)
    page = level_page(dialect, roots, 13)
    tree = page["stree"][0]
    assert tree[341:346].tolist() == [14, -1, -1, 12, -1]  # the first two are joined
    assert tree[0] == 14
    assert list(level_faults(dialect, 3, page, roots, 13)) == []
    assert is_level_page(page)
    page["stree"][0, 0] = 13
    page["budmin"] = 23
    found = [(f.check, f.words(0)) for f in level_faults(dialect, 3, page, roots, 13)]
    assert found == [
        ("bmap-tree-constants", "page 3 of the map: budmin is 23, expected 13"),
        ("bmap-trees", "page 3 of the map: its tree does not follow from the pages below"),
    ]
    page["height"] = 4
    assert not is_level_page(page)


@DIALECTS
def test_the_page_over_the_map_says_where_groups_are_used(dialect):
    geometry = Geometry.of(96 * MIB, has_aim2=dialect.has_aim2)  # three groups of 8,192 blocks, the last not whole
    free = np.zeros(128, np.int64)
    free[:3] = 8000, 8192, geometry.blocks - 16384
    totals = BlockMapTotals(int(free.sum()), free, 13)
    page = map_control_page(dialect, geometry, totals)
    assert (page["dn_maxag"], page["dn_numag"], page["dn_agsize"]) == (0, 3, 8192)
    assert list(map_control_faults(dialect, geometry, page, totals)) == []
    page["dn_agpref"], page["dn_maxag"] = 3, 1
    page["dn_agfree"][0, 1] -= 1
    found = [(f.check, f.field, f.warning) for f in map_control_faults(dialect, geometry, page, totals)]
    assert found == [
        ("bmap-counts", "dn_agfree[1]", False),
        ("bmap-preferred", "dn_maxag", True),
        ("bmap-preferred", "dn_agpref", False),
    ]
    free[2] -= 1
    assert map_control_page(dialect, geometry, totals)["dn_maxag"] == 2
    assert first_fault(map_control_faults(dialect, geometry, page, totals)).check == "bmap-counts"


@DIALECTS
def test_maps_that_differ_in_every_word(dialect):
    table, _ = dmap_pages(dialect, 0, np.ones(8192, bool), 8192)
    table["pmap"] = 0
    assert "dmap-owned" in judged(dialect, table, 8192)
    [fault, *_] = DmapPages(dialect, 8192, np.array([0]), table).faults(("dmap-owned",))
    assert fault.words(0) == "blocks 0 to 8191: working and committed map differ"
