"""The bulk reader of leaves against the codec: what it calls good has no fault that misleads, and the same entries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.nodes.directory_leaves import LeafEntries, Leaves, decode_leaf_roots, decode_leaves
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec
from lvmfmt.jfs2.nodes.directory_writer import empty_page, empty_root, link_free, put_entry
from lvmfmt.jfs2.nodes.tree_flags import ROOT_LEAF

CODECS = [
    DirectoryCodec(AIX, 4096, 1000, indexed=False),
    DirectoryCodec(LINUX, 4096, 1000, indexed=False),
    DirectoryCodec(LINUX, 4096, 1000, indexed=True),
]
names = st.lists(
    st.text("abcd\u00e9\u20ac\ud7ff\ue000\U0001f600", min_size=1, max_size=60), min_size=1, max_size=3, unique=True
)
flips = st.lists(st.tuples(st.integers(0, 287), st.integers(0, 255)), max_size=2)


def leaf(codec: DirectoryCodec, texts: list[str], *, root: bool) -> bytearray:
    """A root or page with entries in order, one slot after the other."""
    raw, slot = (empty_root(codec, 2), 1) if root else (empty_page(codec, 7, leaf=True), 5)
    table = codec.root_table_at if root else 32
    coded = sorted((codec.dialect.encode_name(text.encode()) for text in texts), key=codec.dialect.sort_key)
    index = bytes(4) if codec.leaf.record.name.endswith("indexed") else b""
    end = 9 if root else 128
    for i, name in enumerate(coded):
        count = codec.leaf.slots(len(name))
        if slot + count > end:
            coded = coded[:i]
            break
        value = codec.number.pack(50 + i) + index
        put_entry(codec, raw, 0, list(range(slot, slot + count)), name, value, leaf=True)
        raw[table + i] = slot
        slot += count
    raw[17] = len(coded)
    link_free(raw, list(range(slot, end)))
    return raw


def expected(codec: DirectoryCodec, raw: bytes, *, root: bool) -> tuple[list[int], list[bytes]] | None:
    """What the codec says of a leaf."""
    header, faults = codec.root(raw) if root else codec.page(raw, 7)
    if any(fault.misleads for fault in faults) or not header.is_leaf:
        return None
    contents = codec.contents(header)
    if any(fault.misleads for fault in contents.faults):
        return None
    numbers = [codec.number_of(header, item.slot) for item in contents.items]
    return numbers, [codec.dialect.decode_name(item.coded) for item in contents.items]


@settings(max_examples=20)
@given(which=st.sampled_from(CODECS), texts=names, changes=flips)
def test_roots(which: DirectoryCodec, texts: list[str], changes: list[tuple[int, int]]) -> None:
    raw = leaf(which, texts, root=True)
    for at, value in changes:
        raw[at] = value
    found = decode_leaf_roots(which, np.frombuffer(bytes(raw), np.uint8).reshape(1, -1))
    wanted = expected(which, bytes(raw), root=True)
    assert found.good.tolist() == [wanted is not None]
    assert wanted is None or (found.numbers.tolist(), found.names()) == wanted


@settings(max_examples=20)
@given(which=st.sampled_from(CODECS), pages=st.lists(st.tuples(names, flips), min_size=2, max_size=3))
def test_pages(which: DirectoryCodec, pages: list[tuple[list[str], list[tuple[int, int]]]]) -> None:
    raws = []
    for texts, changes in pages:
        raw = leaf(which, texts, root=False)
        for at, value in changes:
            raw[at if at < 16 or at > 31 else 40] = value  # the header is judged before
        raws.append(bytes(raw))
    found = decode_leaves(which, Leaves.of([which.page(raw, 7)[0] for raw in raws]))
    for i, raw in enumerate(raws):
        wanted = expected(which, raw, root=False)
        assert found.good[i] == (wanted is not None)
        rows = np.flatnonzero(found.leaf == i)
        part = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0)
        assert (found.numbers[part].tolist(), found.names(part)) == (wanted or ([], []))


def test_parts_are_joined_in_the_order_of_their_leaves() -> None:
    first, second = LeafEntries.of(1, [7, 8], [b"a", b"bc"]), LeafEntries.of(0, [9], [b"d"])
    joined = LeafEntries.joined([first, second])
    assert joined.leaf.tolist() == [0, 1, 1] and joined.numbers.tolist() == [9, 7, 8]
    assert joined.names() == [b"d", b"a", b"bc"] and joined.names(slice(2, 3)) == [b"bc"]


def test_a_root_that_is_internal_is_not_good() -> None:
    raw = leaf(CODECS[0], ["a"], root=True)
    assert raw[16] == ROOT_LEAF
    raw[16] = 0x85
    assert not decode_leaf_roots(CODECS[0], np.frombuffer(bytes(raw), np.uint8).reshape(1, -1)).good[0]
