"""The codec of extent nodes: what it writes it reads, what is wrong it names, and its twins agree with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.building.xtree_build import ExtentTrees, FileRuns
from lvmfmt.jfs2.nodes.extent_node import (
    FILE_EXTENT,
    INDEX_ROOT_MAXENTRY,
    ROOT_MAXENTRY,
    ExtentNodeCodec,
    ExtentNodePlace,
    ExtentTreeLimits,
)
from lvmfmt.jfs2.nodes.extent_roots import sound_leaf_roots

BLOCKS, BPP = 1 << 34, 4
DIALECTS = (AIX, LINUX)


@pytest.fixture(params=DIALECTS, ids=lambda d: d.name)
def dialect(request):
    return request.param


def limits_of(dialect, room=ROOT_MAXENTRY, blocks=BLOCKS):
    return ExtentTreeLimits(blocks, BPP, dialect.root_capacities if room == ROOT_MAXENTRY else (room,))


@st.composite
def extents_of_files(draw, most=16):
    """Extents in ascending offset that do not overlap."""
    found, at = [], 0
    for gap, length, address, flag in draw(
        st.lists(
            st.tuples(
                st.integers(0, 1 << 30), st.integers(1, (1 << 24) - 1), st.integers(1, BLOCKS - (1 << 24)),
                st.sampled_from((0, 4)),
            ),
            max_size=most,
        )
    ):  # fmt: skip
        found.append((at + gap, length, address, flag))
        at += gap + length
    return found


@st.composite
def roots(draw, dialect):
    """Roots, of which some have a byte changed."""
    room = draw(st.sampled_from((ROOT_MAXENTRY, INDEX_ROOT_MAXENTRY)))
    extents = draw(extents_of_files(room - 2))
    root = np.zeros(room * 16, np.uint8)
    leaf = draw(st.booleans())
    if not leaf:
        extents = [(offset if i else 0, BPP, address, 0) for i, (offset, _, address, _) in enumerate(extents)]
    ExtentNodeCodec(dialect).write_root(root, 0, extents, leaf=leaf, maxentry=room)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, 32 + 16 * len(extents) - 1))
        root[at] = draw(st.integers(0, 255))
    return root


@pytest.mark.parametrize("leaf", [True, False])
@given(data=st.data())
def test_a_page_reads_as_written(dialect, leaf, data):
    extents = data.draw(extents_of_files().filter(bool))
    page = np.zeros(4096, np.uint8)
    codec = ExtentNodeCodec(dialect)
    codec.write_page(page, extents, leaf=leaf, block=77, length=BPP, links=(5, 6))
    node = codec.decode(page, limits_of(dialect), ExtentNodePlace(77, (5, 6)))
    assert node.entries.tolist() == extents
    assert node.is_leaf == leaf and node.maxentry == 256 and node.is_sure
    if leaf:
        assert node.faults == []


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_the_twins_find_the_same_roots_sound(dialect, data):
    """One root of a transaction, and a table of roots: the extents of a root without fault, or nothing."""
    root = data.draw(roots(dialect))
    room, codec = len(root) // 16, ExtentNodeCodec(dialect)
    limits = limits_of(dialect, room)
    node = codec.decode(root, limits, ExtentNodePlace())
    found = codec.sound_root(bytearray(b"xy" + root.tobytes()), 2, room, limits)
    assert found == (None if node.faults else (node.is_leaf, node.entries.tolist()))
    sound = not node.faults and node.is_leaf
    which, extents, tree = sound_leaf_roots(dialect, np.stack((root, root)), limits)
    assert which.tolist() == [sound, sound]
    assert extents.tolist() == (node.entries.tolist() * 2 if sound else [])
    assert tree.tolist() == ([0] * len(node.entries) + [1] * len(node.entries) if sound else [])


@pytest.mark.parametrize("dialect", DIALECTS)
@given(files=st.lists(extents_of_files(20), min_size=1, max_size=5))
def test_roots_in_bulk_are_those_of_the_writer(dialect, files):
    table = np.array([(i, *e) for i, extents in enumerate(files) for e in extents], np.int64).reshape(-1, 5)
    runs = FileRuns(*table.T[:4], flag=table[:, 4].astype(np.uint8))
    got = ExtentTrees(dialect, runs, len(files)).roots(0, len(files), np.full(len(files), 1000), BPP)
    for root, extents in zip(got, files, strict=True):
        expected = np.zeros(288, np.uint8)
        if len(extents) > 16:  # one page, and the router to it
            ExtentNodeCodec(dialect).write_root(expected, 0, [(0, BPP, 1000, 0)], leaf=False, maxentry=18)
            assert root[:48].tobytes() == expected[:48].tobytes()
        else:
            ExtentNodeCodec(dialect).write_root(expected, 0, extents, leaf=True, maxentry=18)
            assert root.tobytes() == expected.tobytes()


def sample(dialect, *, leaf=True, page=False, entries=((0, 3, 100, 0), (5, 2, 200, 0))):
    raw = np.zeros(4096 if page else 288, np.uint8)
    codec = ExtentNodeCodec(dialect)
    if page:
        codec.write_page(raw, entries, leaf=leaf, block=40, length=BPP, links=(0, 0))
    else:
        codec.write_root(raw, 0, entries, leaf=leaf, maxentry=18)
    return raw


ROUTERS = ((0, BPP, 100, 0), (5, BPP, 200, 0))
HEADER = {
    ("flag", 0x87): ("xtree-flag", "0x83 or 0x85", "0x87", True),
    ("flag", 0x02): ("xtree-flag", "0x83 or 0x85", "0x2", False),
    ("nextindex", 1): ("xtree-count", "2 to 18", 1, True),
    ("nextindex", 19): ("xtree-count", "2 to 18", 19, True),
    ("nextindex", -1): ("xtree-count", "2 to 18", -1, True),
    ("maxentry", 2): ("xtree-capacity", None, 2, True),
    ("maxentry", 17): ("xtree-capacity", None, 17, False),
    ("maxentry", 19): ("xtree-capacity", None, 19, True),
}


@pytest.mark.parametrize("change", HEADER)
def test_headers_of_roots(dialect, change):
    raw, (check, expected, found, misleads) = sample(dialect), HEADER[change]
    header = raw[:32].view(dialect.structures.xtree_header.dtype)
    header[change[0]] = change[1]
    [fault] = ExtentNodeCodec(dialect).decode(raw, limits_of(dialect), ExtentNodePlace()).faults
    assert (fault.check, fault.field, fault.found, fault.misleads) == (check, change[0], found, misleads)
    assert fault.offset == dialect.structures.xtree_header.offset_of(change[0]) and fault.entry is None
    assert fault.structure == dialect.structures.xtree_header.name
    assert fault.expected == (expected or " or ".join(map(str, dialect.root_capacities)))


def test_headers_of_pages(dialect):
    raw, codec, limits = sample(dialect, page=True), ExtentNodeCodec(dialect), limits_of(dialect)

    def checks(place):
        return [(f.check, f.field, f.misleads) for f in codec.decode(raw, limits, place).faults]

    assert checks(ExtentNodePlace(40)) == []
    assert checks(ExtentNodePlace(41)) == [("xtree-self", "self", True)]
    assert checks(ExtentNodePlace(40, links=(1, 0))) == [("xtree-shape", "next", False)]
    assert checks(ExtentNodePlace(40, is_leaf=False)) == [("xtree-shape", "flag", False)]
    assert checks(ExtentNodePlace(40, first=0, end=5)) == [("xtree-routers", "off_lo", False)]
    assert checks(ExtentNodePlace(40, first=0, end=6)) == []
    assert checks(ExtentNodePlace(40, first=1)) == [("xtree-routers", "off_lo", False)]
    assert checks(ExtentNodePlace(40, after=1)) == [("xtree-order", "off_lo", True)]
    raw[16] = 0x83
    assert checks(ExtentNodePlace(40)) == [("xtree-flag", "flag", False)]
    raw[:32].view(dialect.structures.xtree_header.dtype)["maxentry"] = 255
    raw[16] = 0x32  # the bits of the edges mean nothing
    assert checks(ExtentNodePlace(40)) == [("xtree-capacity", "maxentry", True)]


LEAVES = {
    ((0, 3, 0, 0),): [("extent-range", "addr_lo", 0, True)],
    ((0, 0, 7, 0),): [("extent-range", "addr_lo", 0, True)],
    ((0, 1, 999, 0),): [],
    ((0, 2, 999, 0),): [("extent-range", "addr_lo", 0, True)],
    ((0, 3, 7, 0), (2, 3, 17, 0)): [("xtree-order", "off_lo", 1, True)],
    ((0, 3, 7, 0), (3, 3, 17, 0)): [],
    ((0, 3, 7, 0), (3, 3, 17, 1)): [("extent-flags", "flag", 1, False)],
    ((0, 3, 7, 4),): [],
}
INTERNALS = {
    ROUTERS: [],
    ((1, BPP, 100, 0), (5, BPP, 200, 0)): [("xtree-left-edge", "off_lo", 0, False)],
    ((0, BPP, 100, 0), (0, BPP, 200, 0)): [("xtree-order", "off_lo", 0, False)],
    ((0, BPP, 100, 4),): [("extent-flags", "flag", 0, False)],
    ((0, BPP, 998, 0),): [("extent-range", "addr_lo", 0, True)],
    ((0, BPP - 1, 100, 0),): [("xtree-self", "len", 0, True)],
    (): [("xtree-count", "nextindex", None, True)],
}


@pytest.mark.parametrize(("leaf", "cases"), [(True, LEAVES), (False, INTERNALS)], ids=("leaf", "internal"))
def test_entries_of_roots(dialect, leaf, cases):
    codec, limits = ExtentNodeCodec(dialect), limits_of(dialect, blocks=1000)
    for entries, expected in cases.items():
        node = codec.decode(sample(dialect, leaf=leaf, entries=entries), limits, ExtentNodePlace())
        assert [(f.check, f.field, f.entry, f.misleads) for f in node.faults] == expected, entries
        for fault in node.faults:
            if fault.entry is not None:
                assert fault.offset == 32 + 16 * fault.entry + dialect.structures.xad.offset_of(fault.field)


def test_a_count_that_makes_no_sense_leaves_what_can_be_an_extent(dialect):
    raw = sample(dialect)
    raw[:32].view(dialect.structures.xtree_header.dtype)["nextindex"] = 99
    node = ExtentNodeCodec(dialect).decode(raw, limits_of(dialect), ExtentNodePlace())
    assert node.entries.tolist() == [(0, 3, 100, 0), (5, 2, 200, 0)] and not node.is_sure


def test_children_are_the_pages_that_make_sense(dialect):
    entries = (*ROUTERS, (9, BPP + 1, 300, 0), (12, BPP, 0, 0), (15, BPP, 500, 0))
    node = ExtentNodeCodec(dialect).decode(
        sample(dialect, leaf=False, entries=entries), limits_of(dialect), ExtentNodePlace()
    )
    assert node.children(limits_of(dialect), 99) == [(0, 100, 0, 5), (1, 200, 5, 9), (4, 500, 15, 99)]
    assert node.entries.dtype == FILE_EXTENT


def test_writing_leaves_what_it_does_not_know(dialect):
    raw, codec = bytearray(b"\xee" * 300), ExtentNodeCodec(dialect)
    codec.write_root(raw, 4, [(0, 3, 100, 0)], leaf=True, maxentry=18)
    assert raw[:20] == b"\xee" * 20 and raw[21] == 0xEE and raw[26:36] == b"\xee" * 10 and raw[52:] == b"\xee" * 248
    assert (codec.entry_count(raw, 4), codec.maxentry(raw, 4)) == (3, 18)
    assert codec.entries(raw, 4, 2, 3) == [(0, 3, 100, 0)] and codec.entries(raw, 4, 3, 2) == []
