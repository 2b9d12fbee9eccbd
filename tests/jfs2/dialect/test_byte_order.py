"""Numbers of 24 bits in both orders."""

import numpy as np

from lvmfmt.jfs2.dialect.byte_order import BIG, LITTLE


def test_numbers_of_24_bits() -> None:
    raw = np.array([[[1, 2, 3], [0, 0, 255]]], np.uint8)
    assert BIG.get_u24(raw).tolist() == [[0x010203, 0xFF]]
    assert LITTLE.get_u24(raw).tolist() == [[0x030201, 0xFF0000]]
    for order in (BIG, LITTLE):
        assert order.put_u24(order.get_u24(raw)).tolist() == raw.tolist()
        assert order.put_u24([0x010203]).tolist() == [list((0x010203).to_bytes(3, order.name))]


def test_the_first_word_of_an_extent() -> None:
    # 24 bits of length come first in the bytes, then 8 bits of the address
    for order in (BIG, LITTLE):
        raw = (5).to_bytes(3, order.name) + b"\x07"
        word = int.from_bytes(raw, order.name)
        assert word == 5 << order.length_shift | 7 << order.high_shift
