"""The policies of `mklv` as AIX states them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import NoSpace
from lvmfmt.lvm.allocate import Policy, Pool, allocate
from lvmfmt.lvm.maps import LvMap
from lvmfmt.lvm.regions import INTRA, Region, region_of, region_sizes


def pools(*sizes: int) -> list[Pool]:
    return [Pool(number, np.ones(size, np.bool_)) for number, size in enumerate(sizes, 1)]


@pytest.mark.parametrize(("intra", "first"), [("e", 1), ("m", 21), ("c", 41), ("im", 61), ("ie", 81)])
def test_the_region_asked_for_comes_first(intra: str, first: int):
    found = allocate(pools(100), 20, 1, Policy(intra=intra))
    assert found.pp[0].tolist() == list(range(first, first + 20))


def test_then_the_regions_next_to_it():
    found = allocate(pools(100), 60, 1, Policy(intra="c"))
    assert found.pp[0].tolist() == [*range(41, 61), *range(61, 81), *range(21, 41)]


def test_minimum_fills_a_disk_that_can_hold_all():
    assert set(allocate(pools(10, 50), 30, 1, Policy()).pv[0].tolist()) == {2}
    assert allocate(pools(10, 50), 60, 1, Policy()).pv[0].tolist().count(1) == 10


def test_maximum_goes_round():
    assert allocate(pools(50, 50, 50), 6, 1, Policy(inter="x")).pv[0].tolist() == [1, 2, 3, 1, 2, 3]


def test_upper_bound():
    assert set(allocate(pools(50, 50, 50), 6, 1, Policy(inter="x", upper_bound=2)).pv[0].tolist()) == {1, 2}
    with pytest.raises(NoSpace):
        allocate(pools(5, 5, 5), 12, 1, Policy(upper_bound=2))


@pytest.mark.parametrize("inter", ["m", "x"])
def test_strict_copies_never_share_a_disk(inter: str):
    found = allocate(pools(20, 20, 20), 10, 3, Policy(inter=inter))
    assert all(len(set(column)) == 3 for column in found.pv.T.tolist())
    with pytest.raises(NoSpace):
        allocate(pools(50, 50), 10, 3, Policy(inter=inter))
    assert allocate(pools(50), 10, 3, Policy(strict="n")).pv.tolist() == [[1] * 10] * 3


def test_superstrict_copies_share_no_disk_at_all():
    beside = LvMap(np.array([[1, 2]], np.uint16), np.array([[1, 1]], np.uint16))
    assert allocate(pools(9, 9, 9), 2, 1, Policy(strict="s"), beside).pv.tolist() == [[3, 3]]
    with pytest.raises(NoSpace):
        allocate(pools(9, 9), 2, 1, Policy(strict="s"), beside)
    assert allocate(pools(9, 9), 2, 1, Policy(strict="y"), beside).pv.tolist() == [[2, 1]]


def test_a_boot_volume_is_one_run():
    (pool,) = pools(100)
    pool.free[[2, 5, 9]] = False  # edge: runs of 2, 2, 3, 10
    found = allocate([pool], 4, 1, Policy(intra="e", contiguous=True))
    assert found.pp[0].tolist() == [11, 12, 13, 14]
    pool.free[:20] = False  # nothing left in the edge
    assert allocate([pool], 4, 1, Policy(intra="e", contiguous=True)).pp[0].tolist() == [21, 22, 23, 24]
    pool.free[::2] = False
    with pytest.raises(NoSpace, match="no free run"):
        allocate([pool], 2, 1, Policy(contiguous=True))


@given(
    free=st.lists(st.lists(st.booleans(), min_size=5, max_size=40), min_size=1, max_size=5),
    lps=st.integers(1, 60),
    copies=st.integers(1, 3),
    intra=st.sampled_from(list(INTRA)),
    inter=st.sampled_from("mx"),
    strict=st.sampled_from("yns"),
    contiguous=st.booleans(),
)
def test_what_is_given_out_was_free_and_is_given_out_once(free, lps, copies, intra, inter, strict, contiguous):
    available = [Pool(n, np.array(f)) for n, f in enumerate(free, 1)]
    try:
        found = allocate(available, lps, copies, Policy(intra, inter, strict, 32, contiguous))
    except NoSpace:
        return
    places = list(zip(found.pv.ravel().tolist(), found.pp.ravel().tolist(), strict=True))
    assert len(set(places)) == len(places) == lps * copies
    assert all(free[pv - 1][pp - 1] for pv, pp in places)
    assert not any(available[pv - 1].free[pp - 1] for pv, pp in places)
    if strict != "n":
        assert all(len(set(column)) == copies for column in found.pv.T.tolist())
    if strict == "s":
        assert sum(len(set(row)) for row in found.pv.tolist()) == len(np.unique(found.pv))
    if contiguous:
        assert (np.diff(found.pp.astype(int), axis=1) == 1).all() and (np.diff(found.pv) == 0).all()


@given(st.integers(0, 5000))
def test_regions_cover_the_disk(count: int):
    assert sum(region_sizes(count)) == count == len(region_of(count))
    assert max(region_sizes(count)) - min(region_sizes(count)) <= 1
    assert (np.diff(region_of(count)) >= 0).all()
    assert INTRA["ie"] is Region.INNER_EDGE
