"""The levels of the block map, against the arithmetic of [jfs2 1.3] said in blocks."""

import numpy as np

from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.jfs2.maps.levels import control_pages, unused_control_pages, walk_levels
from lvmfmt.units import GIB, MIB, TIB

SMALL = Geometry.of(48 * MIB, has_aim2=False)
MIDDLE = Geometry.of(100 * GIB, has_aim2=False)  # four groups of 2^23 blocks, the last not full
LARGE = Geometry.of(33 * TIB, has_aim2=False)  # 2^33 blocks and more


def test_what_each_size_needs():
    assert [(p.level, p.page, p.below, p.budmin) for p in control_pages(SMALL)] == [(0, 3, range(2), 13)]
    pages = list(control_pages(MIDDLE))
    assert [(p.level, p.page) for p in pages] == [(0, 3), (0, 1028), (0, 2053), (0, 3078), (1, 2)]
    assert (
        pages[0].below == range(1024)
        and pages[3].below.start == 3072
        and pages[3].below.stop == -(-MIDDLE.blocks // 8192)
    )
    assert (pages[4].below, pages[4].budmin) == (range(4), 23)
    large = list(control_pages(LARGE))
    assert [p.level for p in large[-3:]] == [1, 1, 2]
    assert [p.page for p in large[-3:]] == [2, 2 + 1 + 1024 + 1024 * 1024, 1]
    assert (large[-1].below, large[-1].budmin, large[-2].below.start) == (range(2), 33, 1024)


def test_only_those_above_some_pages_of_bits():
    assert [p.page for p in control_pages(MIDDLE, {0, 5, 3072})] == [3, 3078, 2]
    assert [p.page for p in control_pages(LARGE, [1024 * 1024])] == [1024 * 1025 + 1 + 3, 2 + 1 + 1024 + 1024 * 1024, 1]
    assert list(control_pages(MIDDLE, [])) == []


def test_pages_that_are_not_needed():
    assert unused_control_pages(SMALL) == [(1, 2), (2, 1)]
    assert unused_control_pages(MIDDLE) == [(2, 1)]
    assert unused_control_pages(LARGE) == []


def test_roots_go_up_level_by_level():
    seen = []

    def dmaps(numbers):
        return np.full(len(numbers), numbers.start >> 10, np.int8)

    def control(place, roots):
        seen.append((place.page, set(roots.tolist()), len(roots)))
        return int(roots.max()) + 10

    assert walk_levels(MIDDLE, dmaps, control) == 23
    assert [page for page, _, _ in seen] == [3, 1028, 2053, 3078, 2]
    assert seen[1][1:] == ({1}, 1024) and seen[4][1:] == ({10, 11, 12, 13}, 4)
    seen.clear()
    assert walk_levels(MIDDLE, dmaps, control, above=[1024], known=lambda page: 40 if page == 3 else 0) == 50
    assert seen == [(1028, {1}, 1024), (2, {40, 11, 0}, 4)]
