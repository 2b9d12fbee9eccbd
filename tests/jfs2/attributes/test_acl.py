"""Access control lists: entries of the public forms, and bytes of the others kept as they are."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2.attributes.acl import aixc_acl, posix_acl

NOBODY = 0xFFFFFFFF
SECURITY_BLOCK = bytes.fromhex(
    "05000000 02000000 28000000 00080002 00000700 05000000 0c000640 08000200 000000d6 0c000640 08000200 00005528"
)
"""The start of the security block of a directory as AIX archived it, little-endian but for the numbers of groups
([backup V5]: acl_len 40, acl_mode 0x02000800, rwx r-x ---, and rw- for the groups
214 and 21800).
"""


def posix(*entries, version=2):
    return struct.pack("<I", version) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_a_posix_list():
    # tags and permissions as Linux publishes them for user programs
    raw = posix((1, 6, NOBODY), (2, 4, 1000), (4, 4, NOBODY), (8, 7, 20), (0x10, 6, NOBODY), (0x20, 0, NOBODY))
    acl = posix_acl("access", raw)
    assert (acl.form, acl.raw) == ("posix", raw)
    assert str(acl) == (
        "access: owner rw-, user 1000 r--, owning group r--, group 20 rwx, mask rw-, others ---"
    )  # fmt: skip


@pytest.mark.parametrize("raw", [b"", b"\2\0\0", posix(version=1), posix((1, 6, NOBODY))[:-1]])
def test_other_values_of_a_posix_list(raw):
    acl = posix_acl("default", raw)
    assert (acl.form, acl.entries, acl.raw) == ("unknown", (), raw)


def big_endian(block):
    """The list of the block above as a big-endian machine has it."""
    length, mode, reserved, *access = struct.unpack_from("<IIHHHH", block, 8)
    raw = struct.pack(">IIHHHH", length, mode, reserved, *access)
    for at in (24, 36):
        raw += struct.pack(">4H", *struct.unpack_from("<4H", block, at)) + block[at + 8 : at + 12]
    return raw


def test_an_aixc_list():
    raw = big_endian(SECURITY_BLOCK)
    acl = aixc_acl(7, raw)
    assert (acl.form, acl.type, acl.grade, acl.raw) == ("aixc", 7, "C", raw)
    assert str(acl) == "access: owner rwx, owning group r-x, others ---, group 214 rw-, group 21800 rw-"
    assert aixc_acl(7, raw + bytes(8)).entries == acl.entries  # filled up to words


def test_other_types_of_entries_keep_their_number():
    raw = bytearray(big_endian(SECURITY_BLOCK))
    raw[18] = 0x80 | raw[18] & 0x3F
    assert str(aixc_acl(0, bytes(raw)).entries[3]) == "group 214 rw- (type 2)"


@pytest.mark.parametrize("cut", [10, 39])
def test_half_a_list_is_none(cut):
    acl = aixc_acl(3, big_endian(SECURITY_BLOCK)[:cut])
    assert (acl.form, acl.entries) == ("unknown", ())
    assert str(acl) == f"access: unknown, type 3, {cut} bytes, grade C"


@given(st.binary(max_size=120), st.integers(0, 40), st.integers(0, 255))
def test_any_bytes_are_a_list_or_bytes(noise, at, value):
    raw = bytearray(big_endian(SECURITY_BLOCK))
    raw[at % len(raw)] = value
    for data in (noise, bytes(raw), bytes(raw) + noise):
        for acl in (aixc_acl(1, data), posix_acl("access", data)):
            assert acl.raw == data and str(acl).isprintable()
            assert all(0 <= (entry.id or 0) < 1 << 32 and 0 <= entry.access < 1 << 16 for entry in acl.entries)
