"""The striped view against the formula of [lvm 15], byte by byte."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import BlockDevice, Buffer, Extent, Piece, PieceList
from lvmfmt.block.device import byte_view
from lvmfmt.block.striped import Striped
from lvmfmt.errors import ImageIOError, OperationRefused


class Memory(BlockDevice):
    """Bytes in memory; a part that was never written is a hole."""

    def __init__(self, size: int) -> None:
        self.name, self.size, self.writable = "memory", size, True
        self.data, self.known = np.zeros(size, np.uint8), np.zeros(size, np.bool_)
        self.reads = 0

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        self.reads += 1
        view[:] = self.data[offset : offset + len(view)].tobytes()

    def write(self, offset: int, buffer: Buffer) -> None:
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        self.data[offset : offset + len(view)] = np.frombuffer(view, np.uint8)
        self.known[offset : offset + len(view)] = True

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        length = self.size - offset if length is None else length
        known = self.known[offset : offset + length]
        cuts = np.concatenate(([0], np.flatnonzero(np.diff(known)) + 1, [length]))
        for start, end in pairwise(cuts):
            if end > start:
                yield Extent(offset + int(start), int(end - start), bool(known[start]))

    def punch(self, offset: int, length: int) -> None:
        self.write(offset, bytes(length))
        self.known[offset : offset + length] = False

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def place(x: int, width: int, strip: int, partition: int) -> int:
    """Byte x of the LV in the row of LPs: [lvm 15], written as it stands there."""
    unit = x // strip
    group = x // (width * partition)
    unit -= group * width * partition // strip
    lp = group * width + unit % width  # from 0
    return lp * partition + unit // width * strip + x % strip


def striped(base: Memory, width: int, strip: int, partition: int) -> Striped:
    """Columns of the LPs one after the other, as an LV has them."""
    lps = [Piece(base, at, partition) for at in range(0, base.size, partition)]
    return Striped([PieceList(lps[c::width], name=f"column {c}") for c in range(width)], strip=strip, name="lv")


shapes = st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 8]), st.integers(1, 4), st.integers(1, 3))


@given(shapes, st.data())
def test_reads_and_writes_follow_the_formula(shape, data):
    width, strip, strips, groups = shape
    partition = strip * strips
    size = width * partition * groups
    base = Memory(size)
    base.data[:] = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    view = striped(base, width, strip, partition)
    order = np.array([place(x, width, strip, partition) for x in range(size)])
    assert sorted(order.tolist()) == list(range(size))
    expected = base.data[order]
    start = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, size - start))
    assert view.read(start, length).tolist() == expected[start : start + length].tolist()
    new = np.arange(length, dtype=np.uint8)
    expected[start : start + length] = new
    view.write(start, new)
    assert base.data[order].tolist() == expected.tolist()
    view.punch(start, length)
    expected[start : start + length] = 0
    assert base.data[order].tolist() == expected.tolist()


@given(shapes, st.lists(st.tuples(st.integers(0, 99), st.integers(1, 20)), max_size=4), st.data())
def test_extents_cover_the_range_and_no_byte_of_data_is_called_a_hole(shape, written, data):
    width, strip, strips, groups = shape
    partition = strip * strips
    size = width * partition * groups
    base = Memory(size)
    for offset, length in written:
        if offset < size:
            base.write(offset, b"x" * min(length, size - offset))
    view = striped(base, width, strip, partition)
    start = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, size - start))
    found = list(view.extents(start, length))
    at = start
    for extent in found:
        assert extent.offset == at and extent.length > 0
        at += extent.length
        if not extent.is_data:
            places = [place(x, width, strip, partition) for x in range(extent.offset, at)]
            assert not base.known[places].any()
    assert at == start + length
    assert all(a.is_data != b.is_data for a, b in pairwise(found))
    if not base.known.any():
        assert not any(e.is_data for e in found)


def test_whole_rows_are_one_read_of_each_column():
    base = Memory(4 << 20)
    view = striped(base, 4, 4096, 1 << 20)
    view.read(0, 4 << 20)
    assert base.reads == 4


def test_sizes_that_do_not_divide_and_ranges_outside_are_refused():
    for columns, strip in (([], 4), ([64], 5), ([64, 32], 4), ([64], 0)):
        with pytest.raises(OperationRefused):
            Striped([Memory(size) for size in columns], strip=strip, name="lv")
    view = Striped([Memory(32), Memory(32)], strip=4, name="lv")
    with pytest.raises(ImageIOError):
        view.read(60, 5)
    view.writable = False
    with pytest.raises(OperationRefused):
        view.write(0, b"x")
    with pytest.raises(OperationRefused):
        view.punch(0, 1)


@pytest.mark.parametrize(("written", "rows"), [
    ([], []), ([(0, 1)], [0]), ([(0, 4), (35, 1)], [0]), ([(4, 8)], [1, 2]), ([(3, 2)], [0, 1]),
    ([(28, 4)], [7]), ([(60, 4)], [7]), ([(0, 4), (36, 4), (8, 4)], [0, 1, 2]), ([(0, 32), (36, 4)], list(range(8))),
    ([(28, 4), (32, 4)], [0, 7]), ([(4, 20), (40, 4)], list(range(1, 6))),
])  # fmt: skip
def test_a_whole_row_is_data_where_one_of_its_strips_is(written: list[tuple[int, int]], rows: list[int]) -> None:
    base = Memory(64)
    for offset, length in written:  # two columns of 8 strips of 4 bytes: bytes 0 to 31 and 32 to 63
        base.write(offset, b"x" * length)
    view = Striped([PieceList([Piece(base, at, 32)], name="column") for at in (0, 32)], strip=4, name="lv")
    found = {byte for e in view.extents() if e.is_data for byte in range(e.offset, e.offset + e.length)}
    assert found == {byte for row in rows for byte in range(8 * row, 8 * row + 8)}
    if rows:
        last = 8 * rows[-1]
        assert list(view.extents(last, 8)) == [Extent(last, 8, True)]
    inside = list(view.extents(1, 62))  # the first and the last row are not whole
    assert inside[0].offset == 1 and inside[-1].offset + inside[-1].length == 63


def test_parts_of_strips_are_data_as_their_column_has_it() -> None:
    base = Memory(64)
    base.write(1, b"xx")
    base.write(33, b"x")
    view = Striped([PieceList([Piece(base, at, 32)], name="column") for at in (0, 32)], strip=4, name="lv")
    parts = [(0, 1, False), (1, 2, True), (3, 2, False), (5, 1, True), (6, 1, False)]
    assert [tuple(extent) for extent in view.extents(0, 7)] == parts
    assert list(view.extents(2, 1)) == [Extent(2, 1, True)] and list(view.extents(3, 0)) == []
    assert [tuple(run) for run in view.runs(4, 20)] == [(4, 4, 1, 0, 0), (8, 16, 0, 4, 2)]
    assert [tuple(run) for run in view.runs(9, 5)] == [(9, 3, 0, 5, 0), (12, 2, 1, 4, 0)]
