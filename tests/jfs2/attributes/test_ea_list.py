"""The list of attributes: bytes that Linux wrote, both byte orders, and everything that a bad list may be."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.jfs2.attributes.ea_list import MAX_LIST, encode_list, parse_list
from lvmfmt.jfs2.volume import Volume

SEEN = b"\x14\0\0\0\0\x06\x05\0user.x\0vvvvv"
"""Inode 4 of fixtures/linux-jfs/operations.img, byte 384, which the kernel wrote."""

NAMES = st.binary(min_size=1, max_size=255).filter(lambda name: b"\0" not in name)


class Nowhere:
    """A device for messages."""

    name, size = "image", 0


def volume(dialect):
    return Volume(Nowhere(), dialect, 4096, 4096)


def test_what_linux_wrote():
    assert parse_list(volume(LINUX), SEEN, 20, 0) == {b"user.x": b"vvvvv"}
    assert encode_list({b"user.x": b"vvvvv"}, "<") == SEEN


def test_the_same_list_in_the_other_byte_order():
    # [jfs2 5, item 12]: the list of JFS1 in big-endian
    coded = encode_list({b"user.x": b"vvvvv"}, ">")
    assert coded == b"\0\0\0\x14\0\x06\0\x05user.x\0vvvvv"
    assert parse_list(volume(AIX), coded + bytes(100), None, 0) == {b"user.x": b"vvvvv"}


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@given(values=st.dictionaries(NAMES, st.binary(max_size=300), max_size=20))
def test_lists_come_back(dialect, values):
    coded = encode_list(values, dialect.order)
    assert len(coded) == (4 + sum(5 + len(n) + len(v) for n, v in values.items()) if values else 0)
    if values:
        assert parse_list(volume(dialect), coded, len(coded), 0) == values
        assert parse_list(volume(dialect), coded + b"rest", None, 0) == values


def test_limits():
    longest = MAX_LIST - 4 - 5 - 1
    assert len(encode_list({b"n": bytes(longest)}, "<")) == MAX_LIST
    for values in ({b"n": bytes(longest + 1)}, {b"": b""}, {b"n" * 256: b""}, {b"a\0b": b""}, {b"n": bytes(1 << 20)}):
        with pytest.raises(OperationRefused):
            encode_list(values, "<")


def entry(name, value, name_length=None, value_length=None):
    lengths = len(name) if name_length is None else name_length, len(value) if value_length is None else value_length
    return struct.pack("<BBH", 0, *lengths) + name + b"\0" + value


@pytest.mark.parametrize(
    "body",
    [
        b"\0",  # less than the head of an entry
        entry(b"a", b"v", value_length=2),
        entry(b"a", b"v", name_length=200),
        entry(b"", b"v"),
        entry(b"ab", b"v", name_length=1, value_length=2),  # no NUL behind the name
        entry(b"a\0b", b"v"),
        entry(b"a", b"v") * 2,
        entry(b"a", b"v") + b"\0\0\0",
    ],
)
def test_bad_entries(body):
    with pytest.raises(CorruptImage, match="jfs1_ea_head"):
        parse_list(volume(LINUX), struct.pack("<I", 4 + len(body)) + body, 4 + len(body), 0)


@pytest.mark.parametrize(("data", "size"), [(SEEN, 19), (SEEN, 21), (SEEN[:10], 20), (b"\x03\0\0\0", 3), (b"", 4)])
def test_bad_sizes(data, size):
    with pytest.raises(CorruptImage, match=r"jfs1_ea_list\.size at byte 0x200"):
        parse_list(volume(LINUX), data, size, 0x200)


@given(st.binary(max_size=200), st.one_of(st.none(), st.integers(-5, 300)))
def test_any_bytes_are_a_list_or_corrupt(data, size):
    try:
        values = parse_list(volume(LINUX), data, size, 0)
    except CorruptImage:
        return
    assert sum(5 + len(n) + len(v) for n, v in values.items()) + 4 <= len(data)


@pytest.mark.parametrize("bit", range(8))
def test_the_flag_that_an_attribute_can_have(bit):
    """jfs_fsck takes 0x80 and calls every other an invalid format."""
    coded = bytearray(SEEN)
    coded[4] = 1 << bit
    if bit == 7:
        assert parse_list(volume(LINUX), bytes(coded), 20, 0) == {b"user.x": b"vvvvv"}
    else:
        with pytest.raises(CorruptImage, match="flag"):
            parse_list(volume(LINUX), bytes(coded), 20, 0)
