"""A value for each PP: packed PVs, gaps between them, what a row belongs to."""

import numpy as np

from lvmfmt.lvm.descriptor.pptable import PpTable, Slots


def slots() -> Slots:
    """PV 1 has rows 1 to 3, PV 2 none, PV 3 rows 6 and 7; the table 9."""
    return Slots(np.array([1, 0, 6]), np.array([3, 0, 2]), 9, 5)


def test_where_rows_belong() -> None:
    pv, pp, known = slots().locate(np.arange(9))
    assert known.tolist() == [False, True, True, True, False, False, True, True, False]
    assert pv[known].tolist() == [0, 0, 0, 2, 2] and pp[known].tolist() == [0, 1, 2, 0, 1]
    assert slots().rows_of(np.array([1, 3]), np.array([3, 1])).tolist() == [3, 6]
    assert [len(part) for part in slots().locate(np.zeros(0, np.int64))] == [0, 0, 0]
    nobody = Slots(np.array([0]), np.array([0]), 4, 0)
    assert nobody.locate(np.arange(4))[2].tolist() == [False] * 4


def test_a_copy_of_the_index_is_independent() -> None:
    first = slots()
    other = first.copy()
    other.first[0], other.width[0] = 7, 1
    assert (first.first[0], first.width[0], other.rows, other.room) == (1, 3, 9, 5)


def test_reading_and_writing() -> None:
    table = PpTable.zeros(slots(), np.int64)
    assert (table.shape, table.size, table.dtype, len(table), table.ndim) == ((3, 3), 5, np.int64, 3, 2)
    table[0, 2] = 5
    table[2, :1] = 7
    table[0][0] = 1  # a view
    assert table.flat.tolist() == [0, 1, 0, 5, 0, 0, 7, 0, 0]
    assert table[0].tolist() == [1, 0, 5] and table[1].tolist() == [] and table[0, 1:].tolist() == [0, 5]
    assert table[np.array([0, 2]), np.array([2, 0])].tolist() == [5, 7]
    assert [part.tolist() for part in table.nonzero()] == [[0, 0, 2], [0, 2, 0]]
    assert (table.sum(), table.any(), PpTable.zeros(slots()).any()) == (13, True, False)


def test_operations_go_by_pp() -> None:
    table = PpTable.zeros(slots(), np.int64)
    table[0] = [1, 2, 3]
    more = table + table
    assert isinstance(more, PpTable) and more[0].tolist() == [2, 4, 6] and table[0].tolist() == [1, 2, 3]
    table[more > 3] = 0
    assert table[0].tolist() == [1, 0, 0]
    table += 1
    assert table[2].tolist() == [1, 1]
    other = table.copy()
    other[0] = 9
    assert table[0].tolist() == [2, 1, 1]


def test_fields() -> None:
    flat = np.zeros(9, [("lv", np.int16), ("lp", np.int32)])
    flat["lp"][6] = 4
    assert PpTable(flat, slots())["lp"][2].tolist() == [4, 0]
