"""File data in the order of the disk: every byte of every file once, whatever the extents look like."""

import stat

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.jfs2 import InventoryBuilder
from lvmfmt.jfs2.extracting.data_order import RUN, DataOrder, iter_extent_data

SIZE = 6 * RUN


class Bytes:
    """A source in which each place is known by its bytes, and how often it was read."""

    data = np.arange(SIZE // 4, dtype=np.uint32).view(np.uint8)

    def __init__(self):
        self.reads = []

    def read_into(self, offset, buffer):
        self.reads.append((offset, len(buffer)))
        buffer[:] = self.data[offset : offset + len(buffer)]


lengths = st.one_of(st.integers(1, 9000), st.integers(RUN - 2, RUN + 2), st.just(3 * RUN))
extents = st.tuples(st.integers(0, 1), st.integers(0, SIZE - 3 * RUN), lengths)


@given(st.lists(st.lists(extents, max_size=3), max_size=12))
def test_every_extent_comes_once_with_its_bytes(files):
    builder = InventoryBuilder()
    for _ in range(2):
        builder.add_source(Bytes())
    expected = {}
    for parts in files:
        row = builder.add_inode(stat.S_IFREG, size=SIZE)
        at = 0
        for source, place, length in parts:  # also overlapping ones, as a damaged image has them
            builder.add_extent(row, at, length, source, place)
            expected.setdefault(row, []).append((at, Bytes.data[place : place + length].tobytes()))
            at += length + 4096
    inventory = builder.finish()
    found, done = {}, []
    for row, offset, chunk in iter_extent_data(inventory, np.arange(len(files))):
        assert len(chunk) <= RUN
        if row not in done[-1:]:
            done.append(row)
        pieces = found.setdefault(row, [])
        if pieces and pieces[-1][0] + len(pieces[-1][1]) == offset:
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + bytes(chunk))
        else:
            pieces.append((offset, bytes(chunk)))
    assert found == expected
    assert sorted(done) == sorted(expected)  # all chunks of a file one after the other
    assert all(length <= RUN for source in inventory.sources for _, length in source.reads)


def test_neighbours_are_read_together():
    builder = InventoryBuilder()
    source = Bytes()
    builder.add_source(source)
    for i in range(300):  # 4,096 bytes each, a hole in the middle that is not worth reading over
        builder.add_extent(builder.add_inode(stat.S_IFREG, size=4000), 0, 4000, 0, i * 4096 + (i >= 100) * 200_000)
    order = DataOrder.of(builder.finish(), np.arange(300))
    assert [(first, last) for first, last, _ in order.runs()] == [(0, 100), (100, 300)]
    assert source.reads == [(0, 99 * 4096 + 4000), (100 * 4096 + 200_000, 199 * 4096 + 4000)]
