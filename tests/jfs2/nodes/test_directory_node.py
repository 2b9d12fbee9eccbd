"""Directory nodes made by hand, byte for byte as [jfs2 2.5] says, and what is wrong with them after one change."""

import random
import struct

import pytest

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.nodes.directory_node import END, DirectoryCodec, HeadSlot, NodeItem, PagePlace, follow
from lvmfmt.jfs2.nodes.tree_flags import INTERNAL, LEAF, MAX_DEPTH, ROOT_INTERNAL, ROOT_LEAF

LONG = b"a name of thirty bytes, in two"
CODEC = DirectoryCodec(AIX, 4096, 1000, indexed=False)


def head(number: int, following: int, name: bytes) -> bytes:
    """A head slot of AIX: inode number, link, length, 22 bytes of the name."""
    return struct.pack(">QBB22s", number, following, len(name), name[:22])


def aix_root() -> bytearray:
    """A leaf root with "b" and a name in two slots before it; slots 4 to 8 are free."""
    raw = bytearray(struct.pack(">QQBBBB4x8s", 2, 0, 0x83, 2, 5, 4, bytes([1, 3])))
    raw += head(40, 2, LONG) + struct.pack(">BB30s", END, 8, LONG[22:]) + head(41, END, b"b")
    for slot in range(4, 9):
        raw += bytes([slot + 1 if slot < 8 else END, 1]) + bytes(30)
    return raw


def aix_page(*names: bytes, flag: int = LEAF, address: int = 77) -> bytearray:
    """A page of 4096 bytes whose entries lie from slot 5 on, numbers from 100 on."""
    first = 5 + len(names)
    raw = bytearray(
        struct.pack(">QQBBBBBBxxIIx", 0, 0, flag, len(names), 128 - first, first, 128, 1, 1 << 8, address)[:32]
    )
    raw += bytes(range(5, first)).ljust(128, b"\0")
    for i, name in enumerate(names):
        raw += head(100 + i, END, name)
    for slot in range(first, 128):
        raw += bytes([slot + 1 if slot < 127 else END, 1]) + bytes(30)
    return raw


def faults(raw: bytes | bytearray, codec: DirectoryCodec = CODEC) -> list[tuple[str, str, int, bool]]:
    """All that is wrong: check, field, offset, whether it misleads."""
    header, found = codec.root(bytes(raw)) if len(raw) == 288 else codec.page(bytes(raw), 77)
    return [(f.check, f.field, f.offset, f.misleads) for f in found + codec.contents(header).faults]


def test_flags() -> None:
    assert (LEAF, INTERNAL, ROOT_LEAF, ROOT_INTERNAL, MAX_DEPTH) == (2, 4, 0x83, 0x85, 8)


def test_a_root_is_taken_apart() -> None:
    raw = bytes(aix_root())
    header, found = CODEC.root(raw)
    contents = CODEC.contents(header)
    assert not found and not contents.faults
    assert header.is_leaf and header.is_root and header.slots == 9 and header.structure == "dtree_root"
    assert [(item.slot, item.coded) for item in contents.items] == [(1, LONG), (3, b"b")]
    assert contents.keys == [LONG, b"b"] and contents.used == 0b1111 and contents.free == [4, 5, 6, 7, 8]
    assert [CODEC.number_of(header, slot) for slot in (1, 3)] == [40, 41]
    assert CODEC.numbers_of(header, [NodeItem(3, b""), NodeItem(1, b"")]) == [41, 40]
    assert CODEC.parent_of(raw) == 2 and header.free_count == 5
    assert CODEC.coded(header, 1) == (LONG, None)


def test_a_page_is_taken_apart() -> None:
    raw = bytes(aix_page(b"a", b"b", b"c"))
    header, found = CODEC.page(raw, 77)
    contents = CODEC.contents(header)
    assert not found and not contents.faults
    assert header.slots == 128 and header.table == b"\5\6\7" and header.reserved == 0b11111
    assert header.structure == "dtree_page_header" and CODEC.siblings(raw) == (0, 0)
    assert contents.keys == [b"a", b"b", b"c"] and contents.free == list(range(8, 128))
    assert [item.coded for item in CODEC.edges(header).items] == [b"a", b"b", b"c"]


CHANGES = [
    (16, 0x82, [("dtree-flag", "flag", 16, True)]),
    (16, 0x03, [("dtree-flag", "flag", 16, False)]),
    (16, 0xC3, [("dtree-flag", "flag", 16, False)]),
    (16, 0xB3, [("dtree-flag", "flag", 16, False)]),  # bits that nobody uses, says jfs_fsck
    (17, 9, [("dtree-slots", "nextindex", 17, True)]),
    (17, 1, [("dtree-slots", "freecnt", 18, True)]),
    (18, 4, [("dtree-free-list", "freecnt", 18, True)]),
    (19, 2, [("dtree-slots", "freelist", 19, False), ("dtree-free-list", "freecnt", 18, False)]),
    (19, 200, [("dtree-free-list", "freelist", 19, False), ("dtree-free-list", "freecnt", 18, False)]),
    (19, 5, [("dtree-free-list", "freecnt", 18, False)]),
    (25, 0, [("dtree-slots", "stbl", 0, True), ("dtree-slots", "freecnt", 18, True)]),
    (25, 9, [("dtree-slots", "stbl", 0, True), ("dtree-slots", "freecnt", 18, True)]),
    (32, 0x80, [("entry-inode", "inumber", 32, True)]),
    (40, END, [("dtree-chains", "namlen", 41, True), ("dtree-slots", "freecnt", 18, True)]),
    (40, 1, [("dtree-slots", "next", 40, True), ("dtree-chains", "namlen", 41, True),
             ("dtree-slots", "freecnt", 18, True)]),
    (41, 22, [("dtree-chains", "namlen", 41, True)]),
    (41, 23, []),  # 23 to 52 bytes take two slots
    (42, ord("c"), [("dtree-order", "stbl", 96, False)]),
    (42, ord("/"), [("entry-name", "name", 42, True)]),
    (104, 4, [("dtree-chains", "namlen", 105, True), ("dtree-slots", "freelist", 19, True),
              ("dtree-free-list", "freecnt", 18, True)]),
    (105, 0, [("dtree-order", "stbl", 96, False), ("entry-name", "name", 106, True)]),
]  # fmt: skip


@pytest.mark.parametrize(("at", "value", "expected"), CHANGES)
def test_one_byte_of_a_root(at: int, value: int, expected: list[tuple[str, str, int, bool]]) -> None:
    raw = aix_root()
    raw[at] = value
    found = faults(raw)
    assert (found[:1] if value == 9 and at == 17 else found) == expected


PAGE_CHANGES = [
    (16, 6, [("dtree-flag", "flag", 16, True)]),
    (16, 0x42, [("dtree-flag", "flag", 16, False)]),
    (17, 0, [("dtree-empty-page", "nextindex", 17, True), ("dtree-slots", "freecnt", 18, True)]),
    (17, 124, [("dtree-slots", "nextindex", 17, True)]),
    (20, 64, [("dtree-page-size", "maxslot", 20, True)]),
    (21, 0, [("dtree-table-place", "stblindex", 21, True)]),
    (21, 125, [("dtree-table-place", "stblindex", 21, True)]),
    (26, 2, [("dtree-page-size", "self", 24, True)]),
    (31, 78, [("dtree-page-size", "self", 24, True)]),
]


@pytest.mark.parametrize(("at", "value", "expected"), PAGE_CHANGES)
def test_one_byte_of_a_page(at: int, value: int, expected: list[tuple[str, str, int, bool]]) -> None:
    raw = aix_page(b"a", b"b", b"c")
    raw[at] = value
    assert faults(raw)[: len(expected)] == expected


def test_the_place_of_a_page() -> None:
    raw = aix_page(b"b", b"c")
    raw[0:16] = struct.pack(">qq", 9, 8)
    header, _ = CODEC.page(bytes(raw), 77)
    contents = CODEC.contents(header)
    good = PagePlace(77, 1, b"b", b"d", False, 8, 9, False)

    def wrong(**changes: object) -> list[str]:
        return [fault.check for fault in CODEC.faults_of_place(header, contents, good._replace(**changes))]

    assert wrong() == []
    assert wrong(previous=7) == wrong(following=0) == ["dtree-shape"]
    assert wrong(low=b"bb") == wrong(high=b"c") == ["dtree-routers"]
    assert wrong(high=None) == wrong(high=b"c\0") == []


def test_routers_have_a_key_but_for_the_left_edge() -> None:
    raw = aix_page(b"", b"c", flag=INTERNAL)
    raw[160:168] = raw[192:200] = struct.pack(">II", 1 << 8, 5)
    header, found = CODEC.page(bytes(raw), 77)
    items = CODEC.contents(header).items
    assert not found and CODEC.contents(header).faults == []
    assert CODEC.child_of(header, 5) == (5, 1)
    assert CODEC.faults_of_edge(items, leftmost=True) == []
    [fault] = CODEC.faults_of_edge(items, leftmost=False)
    assert (fault.check, fault.offset) == ("dtree-left-edge", 5 * 32 + 9)


def test_extents_of_routers() -> None:
    codec = DirectoryCodec(AIX, 512, 1000, indexed=False)
    assert [codec.fault_of_extent(5, 10, length) for length in (1, 2, 4, 8)] == [None] * 4
    for address, length, check in ((10, 3, "dtree-page-size"), (10, 16, "dtree-page-size"), (0, 1, "extent-range"),
                                   (993, 8, "extent-range"), (10, 0, "extent-range")):  # fmt: skip
        fault = codec.fault_of_extent(5, address, length)
        assert fault is not None and (fault.check, fault.offset) == (check, 160)
    assert codec.fault_of_extent(5, 992, 8) is None


def test_slots_of_names() -> None:
    # AIX [jfs2 6.5]: 1-22 bytes take one slot, 23-52 two, 53-82 three, 233-255 nine
    assert [CODEC.leaf.slots(n) for n in (1, 22, 23, 52, 53, 82, 233, 255)] == [1, 1, 2, 2, 3, 3, 9, 9]
    # Linux [jfs2 2.5], in units of 2 bytes: 13 in a leaf, 11 with an index and in routers, 15 more in each slot
    plain, indexed = (DirectoryCodec(LINUX, 4096, 1000, indexed=i) for i in (False, True))
    assert [plain.leaf.slots(2 * n) for n in (13, 14, 28, 29)] == [1, 2, 2, 3]
    assert [indexed.leaf.slots(2 * n) for n in (11, 12, 26, 27)] == [1, 2, 2, 3]
    assert plain.internal == HeadSlot(LINUX.structures.internal_slot, 8, 9, 10, 22)


def test_bad_names() -> None:
    assert CODEC.bad_names([b"a", b"...", b"\xff"]) == []
    assert CODEC.bad_names([b"a", b".", b"..", b"", b"a/b", b"\0"]) == [1, 2, 3, 4, 5]
    linux = DirectoryCodec(LINUX, 4096, 1000, indexed=False)
    coded = [name.encode("utf-16-le") for name in ("a", ".", "\u2f00", "a/b")]
    assert linux.bad_names(coded) == [1, 3]


def test_follow_ends_at_what_is_used() -> None:
    header, _ = CODEC.root(bytes(aix_root()))
    assert follow(header, 4, 0b1111) == ([4, 5, 6, 7, 8], 0b111111111, END)
    assert follow(header, 4, 1 << 6) == ([4, 5], 0b1110000, 6)
    assert follow(header, 0, 0) == ([], 0, 0)


def test_any_bytes_are_taken_apart() -> None:
    draw = random.Random(3)
    codecs = [CODEC, *(DirectoryCodec(LINUX, 4096, 1000, indexed=i) for i in (False, True))]
    for codec in codecs:
        for size in (288, 512, 1024, 2048, 4096):
            for _ in range(20):
                raw = bytearray(draw.randbytes(size))
                raw[16:22] = bytes([draw.choice((0x83, 0x85, 2, 4)), draw.randrange(9), 3, 8, size // 32, 1])
                faults(raw, codec)
