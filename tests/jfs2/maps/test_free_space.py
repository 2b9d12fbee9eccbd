"""Blocks given out while a file system is not mounted, against a set of free blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import NoSpace
from lvmfmt.jfs2.geometry import MAX_EXTENT
from lvmfmt.jfs2.maps.free_space import FreeSpace


def full(wanted, there):
    return NoSpace(f"{wanted}; {there}")


def space(*runs, **options):
    return FreeSpace(np.array(runs, np.int64).reshape(-1, 2), full, **options)


def test_the_longest_run_first_so_that_what_follows_stays_together():
    given_out = space((10, 5), (100, 20))
    assert [given_out.take(n) for n in (4, 4, 12, 5)] == [100, 104, 108, 10]
    with pytest.raises(NoSpace, match="1 blocks in one piece; the longest free run is 0"):
        given_out.take(1)


def test_the_lowest_run_that_is_long_enough():
    given_out = space((10, 5), (100, 20), lowest=True)
    assert [given_out.take(n) for n in (6, 4, 1, 14)] == [100, 10, 14, 106]
    with pytest.raises(NoSpace, match="20 blocks in one piece; the longest free run is 0"):
        given_out.take(20)


def test_places_are_aligned_and_do_not_cross_a_border():
    given_out = space((3, 97))
    assert given_out.take(4, 8) == 8
    assert given_out.take(10, within=64) == 12
    assert given_out.take(30, within=64) == 22
    endless = space((60, 1 << 40))
    assert endless.take(4, within=64) == 60
    assert endless.take(1) == 64
    assert endless.take(64, within=64) == 128  # what is left before it is not used again
    assert endless.take(0) == 192
    assert endless.take(1) == 192


def test_pieces_are_no_longer_than_an_extent():
    assert space((0, MAX_EXTENT + 9)).take_pieces(MAX_EXTENT + 5) == [(0, MAX_EXTENT), (MAX_EXTENT, 5)]
    assert space((0, 3), (10, 5)).take_pieces(7) == [(10, 5), (0, 2)]
    with pytest.raises(NoSpace, match="1 blocks; no more are free"):
        space((0, 3)).take_pieces(4)


@given(
    st.lists(st.integers(1, 12), max_size=8),
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from((1, 4)))),
    st.booleans(),
)
def test_nothing_is_given_out_twice(lengths, wishes, lowest):
    runs, at = [], 1
    for length in lengths:
        runs.append((at, length))
        at += length + 1
    given_out = space(*runs, lowest=lowest)
    free = {block for start, length in runs for block in range(start, start + length)}
    for length, align in wishes:
        fits = [b for b in sorted(free) if b % align == 0 and free.issuperset(range(b, b + length))]
        if not fits:
            with pytest.raises(NoSpace):
                given_out.take(length, align)
            continue
        first = given_out.take(length, align)
        assert first in fits
        if lowest:
            assert first == fits[0]
        free -= set(range(first, first + length))
