"""Directory nodes as they are written: byte for byte, and the same in bulk."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.jfs2.building.dtree_build import Directories
from lvmfmt.jfs2.building.dtree_slots import PlannedNode, SlotRows
from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec
from lvmfmt.jfs2.nodes.directory_writer import (
    FIRST_SLOT,
    PAGE_CAPACITY,
    ROOT_CAPACITY,
    clear,
    empty_page,
    empty_root,
    link_free,
    put_entry,
    relocated,
)

AIX_CODEC = DirectoryCodec(AIX, 4096, 1000, indexed=False)
LINUX_CODEC = DirectoryCodec(LINUX, 4096, 1000, indexed=False)
INDEXED = DirectoryCodec(LINUX, 4096, 1000, indexed=True)


def test_an_empty_root() -> None:
    raw = empty_root(AIX_CODEC, 5)
    assert raw[:32] == struct.pack(">QQBBBB12x", 5, 0, 0x83, 0, 8, 1)
    assert [raw[slot * 32] for slot in range(1, 9)] == [2, 3, 4, 5, 6, 7, 8, 0xFF]
    assert all(raw[slot * 32 + 1] == 1 for slot in range(1, 9)) and len(raw) == 288
    assert empty_root(LINUX_CODEC, 5)[16:24] == struct.pack("<BBBBI", 0x83, 0, 8, 1, 5)


def test_an_empty_page() -> None:
    assert (FIRST_SLOT, PAGE_CAPACITY, ROOT_CAPACITY) == (5, 123, 8)
    raw = empty_page(AIX_CODEC, 0x1_0000_0002, leaf=False)
    assert raw[16:32] == bytes([4, 0, 123, 5, 128, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 2]) and len(raw) == 4096
    assert [raw[slot * 32] for slot in (5, 126, 127)] == [6, 127, 0xFF]
    assert empty_page(LINUX_CODEC, 9, leaf=True)[16:32] == bytes([2, 0, 123, 5, 128, 1, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0])


def test_clear_in_a_larger_buffer() -> None:
    raw = bytearray(b"\xee" * 320)
    clear(raw, 0x85, 32)
    assert raw[:48] == b"\xee" * 48 and raw[48:52] == bytes([0x85, 0, 8, 1])
    link_free(raw, [], 32)
    assert raw[50:52] == bytes([0, 0xFF])
    link_free(raw, [7, 3], 32)
    assert raw[50:52] == bytes([2, 7]) and raw[32 + 7 * 32] == 3 and raw[32 + 3 * 32] == 0xFF


def test_a_page_names_its_moved_siblings_itself_and_its_children() -> None:
    """Blocks 7 to 9 have moved up by 0x1_0000_0000; an AIX extent is 24 bits of length and 40 of address."""
    codec = DirectoryCodec(AIX, 4096, 1 << 34, indexed=False)
    page = empty_page(codec, 8, leaf=False)
    codec.links.pack_into(page, 0, 9, 5)
    for place, (slot, address) in enumerate(((5, 7), (6, 20))):
        put_entry(codec, page, 0, [slot], b"n%d" % place, codec.extents.pxd(address, 1), leaf=False)
        page[32 + place] = slot
    page[17] = 2
    before = bytes(page)
    node, _ = codec.page(before, 8)
    moved = relocated(codec, node, lambda block: block + (1 << 32) * (7 <= block <= 9))
    changed = {i: moved[i] for i in range(4096) if moved[i] != before[i]}
    assert changed == {3: 1, 27: 1, 5 * 32 + 3: 1}
    assert moved[:16] == struct.pack(">QQ", (1 << 32) + 9, 5) and node.raw == before


def test_a_leaf_has_no_children_and_a_root_no_siblings() -> None:
    """An entry has its number where a router has an extent, and a root its parent where a page has siblings."""
    page = empty_page(LINUX_CODEC, 8, leaf=True)
    put_entry(LINUX_CODEC, page, 0, [5], "n".encode("utf-16-le"), (7).to_bytes(4, "little"), leaf=True)
    page[17], page[32] = 1, 5
    moved = relocated(LINUX_CODEC, LINUX_CODEC.page(bytes(page), 8)[0], lambda block: block * 2)
    assert {i for i in range(4096) if moved[i] != page[i]} == {28} and moved[28] == 16
    root = empty_root(AIX_CODEC, 8)
    clear(root, 0x85)
    put_entry(AIX_CODEC, root, 0, [3], b"", AIX_CODEC.extents.pxd(8, 1), leaf=False)
    root[17], root[AIX_CODEC.root_table_at] = 1, 3
    moved = relocated(AIX_CODEC, AIX_CODEC.root(bytes(root))[0], lambda block: block * 2)
    assert {i for i in range(288) if moved[i] != root[i]} == {3 * 32 + 7} and moved[3 * 32 + 7] == 16


def test_an_entry_in_two_slots() -> None:
    raw = bytearray(9 * 32)
    put_entry(AIX_CODEC, raw, 0, [4, 2], b"x" * 22 + b"yz", (77).to_bytes(8, "big"), leaf=True)
    assert raw[128:160] == struct.pack(">QBB22s", 77, 2, 24, b"x" * 22)
    assert raw[64:69] == b"\xff\2yz\0"


def test_an_entry_with_an_index() -> None:
    raw = bytearray(9 * 32)
    put_entry(INDEXED, raw, 0, [1], "ab".encode("utf-16-le"), struct.pack("<II", 77, 9), leaf=True)
    assert raw[32:64] == struct.pack("<IBB22sI", 77, 0xFF, 2, b"a\0b\0", 9)
    put_entry(LINUX_CODEC, raw, 0, [3], b"", bytes(range(8)), leaf=False)
    assert raw[96:128] == struct.pack("8sBB22x", bytes(range(8)), 0xFF, 0)


texts = st.lists(st.text("abc\u00e9\U0001f600", min_size=1, max_size=70), min_size=1, max_size=40, unique=True)


@settings(max_examples=15)
@pytest.mark.parametrize("codec", [AIX_CODEC, LINUX_CODEC, INDEXED], ids=["aix", "linux", "indexed"])
@given(names=texts)
def test_built_in_bulk(codec: DirectoryCodec, names: list[str]) -> None:
    """A directory of one node is written in bulk as entry by entry."""
    indexed, raw_names = codec is INDEXED, [name.encode() for name in names]
    dialect = AIX if codec is AIX_CODEC else LINUX
    numbers = np.arange(100, 100 + len(names))
    built = Directories(
        dialect, np.array([10]), np.array([2]), np.zeros(len(names), np.int64), numbers, raw_names, indexed=indexed
    )
    roots, pages = built.render(np.array([500] * built.page_total), 1)
    order = sorted(range(len(names)), key=lambda i: dialect.sort_key(dialect.encode_name(raw_names[i])))
    if built.page_total > 1:
        return
    is_root = built.page_total == 0
    raw, slot, table = (empty_root(codec, 2), 1, 24) if is_root else (empty_page(codec, 500, leaf=True), 5, 32)
    for position, i in enumerate(order):
        coded = dialect.encode_name(raw_names[i])
        slots = list(range(slot, slot + codec.leaf.slots(len(coded))))
        value = codec.number.pack(100 + i) + (struct.pack("<I", 2 + position) if indexed else b"")
        put_entry(codec, raw, 0, slots, coded, value, leaf=True)
        raw[table + position] = slot
        slot += len(slots)
    raw[17] = len(names)
    link_free(raw, list(range(slot, len(raw) // 32)))
    bulk = (roots if is_root else pages)[0].tobytes()
    # slots that were free keep no hint in an entry, and what lies behind a name is no part of it
    assert codec.contents((codec.root(bulk) if is_root else codec.page(bulk, 500))[0]) == codec.contents(
        (codec.root(bytes(raw)) if is_root else codec.page(bytes(raw), 500))[0]
    )
    assert bulk[:32] == raw[:32]
    if not is_root:
        assert codec.child_of(codec.root(roots[0].tobytes())[0], 1) == (500, 1)
        assert built.leaf_counts.tolist() == [1] and built.sizes().tolist() == [4096]


def test_rows_of_slots() -> None:
    rows = SlotRows(AIX_CODEC, [b"a", b"b" * 23, b"c"], leaf=True)
    assert rows.slots.tolist() == [1, 2, 1] and rows.running.tolist() == [0, 1, 3, 4]
    node = PlannedNode(1, 3, -1, True)
    assert rows.slot_count(node) == 3 and rows.head_slots(node, 1).tolist() == [1, 3]
    area = np.zeros((2, 288), np.uint8)
    found, heads = rows.place(area, [(1, node)], 1)
    assert found.tolist() == [1, 2] and heads.tolist() == [10, 12]
    assert area[1, 40] == 2 and area[1, 64:66].tolist() == [0xFF, 1] and area[1, 66] == ord("b") and not area[0].any()
