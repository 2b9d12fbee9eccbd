"""The free PPs of a disk: the best ones by region, runs, and what an LP may lie on."""

import numpy as np

from lvmfmt.lvm.change.pools import Pool, Row


def pool(*used: int, size: int = 100) -> Pool:
    free = np.ones(size, np.bool_)
    free[[pp - 1 for pp in used]] = False
    return Pool(3, free)


def test_room_and_taking() -> None:
    disk = pool(1, 2)
    other = disk.copy()
    disk.take(np.array([3, 4]))
    assert (disk.room, other.room) == (96, 98) and not disk.free[2] and other.free[2]


def test_the_best_by_region() -> None:
    disk = pool(41)  # of 100 PPs: edge 1-20, middle 21-40, center 41-60, inner middle 61-80, inner edge 81-100
    assert disk.best("c", 3).tolist() == [42, 43, 44]
    assert disk.best("c", 21).tolist() == [*range(42, 61), 61, 62]
    assert len(disk.best("e", 1000)) == 99 and disk.best("e", 0).tolist() == []


def test_runs() -> None:
    disk = pool(25, 30)
    assert disk.run(10, "m").tolist() == list(range(31, 41))
    assert disk.run(11, "m").tolist() == list(range(1, 12))  # not in the region: the first anywhere
    assert disk.run(70, "e").tolist() == list(range(31, 101)) and disk.run(71, "e") is None


def test_what_an_lp_may_lie_on() -> None:
    row = Row(np.zeros(3, np.uint16), np.zeros(3, np.uint32), np.array([[3, 1, 0]], np.uint16))
    disk = pool(*range(1, 100))
    assert row.allowed(disk, "y").tolist() == [False, True, True] and row.allowed(disk, "n").all() and len(row) == 3
    assert row.capacity(disk, "y") == 1 and row.capacity(pool(), "y") == 2 and row.capacity(pool(), "s") == 3
    row.give(disk, np.array([1]), np.array([100]))
    assert (row.pv.tolist(), row.pp.tolist(), disk.room) == ([0, 3, 0], [0, 100, 0], 0)
