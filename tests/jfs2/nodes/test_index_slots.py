"""Slots of a directory's index: reserved, flag, position, bits 39 to 32 and 31 to 0 of a block [jfs2 2.5]."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2.nodes.index_slots import free_index_slot, get_leaves, index_slot, index_slots, put_leaves


def test_the_bytes_of_slots() -> None:
    assert index_slot(0x12_3456_789A, 3) == bytes([0, 1, 3, 0x12, 0x9A, 0x78, 0x56, 0x34])
    assert index_slot(0, 7) == bytes([0, 1, 7, 0, 0, 0, 0, 0])
    assert free_index_slot(0x102) == bytes([0, 0, 0, 0, 2, 1, 0, 0])
    assert free_index_slot(None) == bytes([0, 0, 0, 0, 255, 255, 255, 255])


@given(st.lists(st.tuples(st.integers(0, (1 << 40) - 1), st.integers(0, 255)), max_size=20))
def test_many_slots_are_as_each_by_itself(wanted: list[tuple[int, int]]) -> None:
    """The twins: a table in bulk and one slot."""
    raw = np.zeros(len(wanted) * 8, np.uint8)
    table = index_slots(raw)
    table["flag"], table["slot"] = 1, [position for _, position in wanted]
    put_leaves(table, np.array([address for address, _ in wanted], np.int64))
    assert raw.tobytes() == b"".join(index_slot(*slot) for slot in wanted)
    assert get_leaves(table).tolist() == [address for address, _ in wanted]
