"""Records of an archive: checksum, length in words, limits of names and numbers [backup 2, 3]."""

import pytest

from lvmfmt.backup.record import (
    END,
    MAX_NAME,
    NAME_X,
    Head,
    build,
    checksum,
    fields,
    padded,
    read_head,
)  # fmt: skip
from lvmfmt.errors import OperationRefused
from lvmfmt.layout.backup import BFF_END, BFF_NAME_X


def test_the_checksum_shifts_each_byte_by_its_low_bits() -> None:
    # a byte counts as byte << (byte & 7), the two bytes of the sum itself as zero [backup 3]
    assert checksum(bytes([1, 0, 0, 0, 9, 9, 0, 0])) == 1 << 1
    assert checksum(bytes([7, 8, 0, 0, 0xFF, 0xFF, 0x0B, 0])) == (7 << 7) + 8 + (11 << 3)
    assert checksum(bytes([0, 0, 0, 0, 1, 1]) + b"\xff" * 600) == 600 * (255 << 7) & 0xFFFF


def test_a_head_is_read_where_the_checksum_is_right() -> None:
    data = build(BFF_END, END, {"left_over": 1})
    assert read_head(data) == Head(len(data), 7, 60011) == read_head(data + b"more")
    assert len(data) == 8 * data[0]
    for cut in range(len(data)):
        assert read_head(data[:cut]) is None
    for at in range(len(data)):
        assert read_head(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) is None, at


@pytest.mark.parametrize(("type", "magic", "known"), [
    (0, 60011, True), (15, 60011, True), (16, 60011, False), (7, 60017, True), (7, 60018, False), (7, 60010, False),
])  # fmt: skip
def test_types_and_magics(type: int, magic: int, known: bool) -> None:
    head = read_head(build(BFF_END, type, {"magic": magic}))
    assert (head is not None) == known
    if head is not None:
        assert (head.type, head.magic, head.packed) == (type, magic, magic == 60012)


def test_even_magics_are_packed() -> None:
    assert [Head(8, 0, magic).packed for magic in (60011, 60012, 60017)] == [False, True, False]


@pytest.mark.parametrize(("length", "words"), [(0, 0), (1, 8), (8, 8), (9, 16)])
def test_padding(length: int, words: int) -> None:
    assert padded(length) == words


def test_names() -> None:
    longest = build(BFF_NAME_X, NAME_X, {}, name=b"x" * MAX_NAME)
    assert len(longest) == padded(BFF_NAME_X.size + MAX_NAME + 1)
    for refused in (b"", b"x" * (MAX_NAME + 1), b"a\0b"):
        with pytest.raises(OperationRefused, match="an archive cannot hold the name"):
            build(BFF_NAME_X, NAME_X, {}, name=refused)
    assert build(BFF_NAME_X, NAME_X, {}, name=b"x")[BFF_NAME_X.size :].rstrip(b"\0") == b"x"


def test_a_value_that_does_not_fit() -> None:
    assert fields(BFF_NAME_X, build(BFF_NAME_X, NAME_X, {"uid": 5}, name=b"x"))["uid"] == 5
    with pytest.raises(OperationRefused, match="does not fit"):
        build(BFF_NAME_X, NAME_X, {"nlink": 1 << 20}, name=b"x")
