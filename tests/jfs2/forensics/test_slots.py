"""Names in slots that are in use or were given back."""

import struct

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.forensics.slots import FoundName, free_slots, names
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec

CODEC = DirectoryCodec(AIX, 4096, 100, indexed=False)
LINUX_CODEC = DirectoryCodec(LINUX, 4096, 100, indexed=False)
LONG = b"twenty-two bytes go in" + b"30 bytes lie in the next slots" + b"end"


def node(*slots: bytes, free: int = 0xFF) -> bytes:
    """A root with these slots from 1 on."""
    raw = bytearray(32)
    raw[19] = free
    for slot in slots:
        raw += slot.ljust(32, b"\0")
    return bytes(raw).ljust(288, b"\0")


def head(number: int, following: int, name: bytes) -> bytes:
    return struct.pack(">QBB22s", number, following, len(name), name[:22])


def found(raw: bytes, slots: list[int], *, freed: bool, codec: DirectoryCodec = CODEC) -> list[FoundName]:
    return list(names(raw, slots, codec, freed=freed))


def test_the_free_list() -> None:
    assert free_slots(node(bytes([3]), b"", bytes([2]), free=1)) == [1, 3, 2]
    assert free_slots(node(bytes([2]), bytes([1]), free=1)) == [1, 2]  # a ring
    assert free_slots(node(bytes([9]), free=1)) == [1] and free_slots(node(free=0xFF)) == []


def test_an_entry_in_use() -> None:
    raw = node(head(70, 2, LONG), b"\3\x1e" + LONG[22:52], b"\xff\3" + LONG[52:], head(71, 0xFF, b"b"))
    assert found(raw, [1, 4], freed=False) == [FoundName(1, LONG, True, 70), FoundName(4, b"b", True, 71)]
    assert found(raw, [2, 3, 5], freed=False) == []


def test_an_entry_that_was_removed() -> None:
    """The link of the free list has taken the first two bytes; the list goes along the chain."""
    freed = bytearray(head(70, 2, LONG))
    freed[0:2] = 2, 1
    raw = node(bytes(freed), b"\3\x01" + LONG[22:52], b"\xff\1" + LONG[52:])
    assert found(raw, [1], freed=True) == [FoundName(1, LONG, True, 70)]
    ends = node(bytes(freed), b"\xff\x01" + LONG[22:52])
    assert found(ends, [1], freed=True) == [FoundName(1, LONG[:52], False, 70)]


def test_linux_has_lost_the_number() -> None:
    slot = struct.pack("<IBB", 70, 0xFF, 1) + "a".encode("utf-16-le")
    raw = node(slot)
    assert found(raw, [1], freed=False, codec=LINUX_CODEC) == [FoundName(1, b"a", True, 70)]
    assert found(raw, [1], freed=True, codec=LINUX_CODEC) == [FoundName(1, b"a", True, None)]


def test_what_no_entry_can_be() -> None:
    for slot in (head(70, 2, b"short"), head(70, 0xFF, LONG), head(70, 0xFF, b""), head(70, 0xFF, b"a/b"),
                 head(70, 0xFF, b".."), head(2, 0xFF, b"a"), head(1 << 43, 0xFF, b"a"), head(70, 1, LONG),
                 head(70, 9, LONG)):  # fmt: skip
        assert found(node(slot), [1], freed=False) == []
