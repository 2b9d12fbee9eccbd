"""The policies of `mklv` as AIX states them."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import NoSpace
from lvmfmt.lvm.change.allocate import Pool, add_copies, allocate, extend
from lvmfmt.lvm.change.volumes import violated
from lvmfmt.lvm.descriptor.maps import LvMap
from lvmfmt.lvm.disk.regions import INTRA, Region, region_of, region_sizes
from lvmfmt.lvm.errors import AllocationRefused
from lvmfmt.lvm.policy import LvPolicy


def pools(*sizes: int) -> list[Pool]:
    return [Pool(number, np.ones(size, np.bool_)) for number, size in enumerate(sizes, 1)]


@pytest.mark.parametrize(("intra", "first"), [("e", 1), ("m", 21), ("c", 41), ("im", 61), ("ie", 81)])
def test_the_region_asked_for_comes_first(intra: str, first: int):
    found = allocate(pools(100), 20, 1, LvPolicy(intra=intra))
    assert found.pp[0].tolist() == list(range(first, first + 20))


def test_then_the_regions_next_to_it():
    found = allocate(pools(100), 60, 1, LvPolicy(intra="c"))
    assert found.pp[0].tolist() == [*range(41, 61), *range(61, 81), *range(21, 41)]


def test_minimum_fills_a_disk_that_can_hold_all():
    assert set(allocate(pools(10, 50), 30, 1, LvPolicy()).pv[0].tolist()) == {2}
    assert allocate(pools(10, 50), 60, 1, LvPolicy()).pv[0].tolist().count(1) == 10


def test_maximum_goes_round():
    assert allocate(pools(50, 50, 50), 6, 1, LvPolicy(inter="x")).pv[0].tolist() == [1, 2, 3, 1, 2, 3]


def test_upper_bound():
    assert set(allocate(pools(50, 50, 50), 6, 1, LvPolicy(inter="x", upper_bound=2)).pv[0].tolist()) == {1, 2}
    with pytest.raises(NoSpace):
        allocate(pools(5, 5, 5), 12, 1, LvPolicy(upper_bound=2))


@pytest.mark.parametrize("inter", ["m", "x"])
def test_strict_copies_never_share_a_disk(inter: str):
    found = allocate(pools(20, 20, 20), 10, 3, LvPolicy(inter=inter))
    assert all(len(set(column)) == 3 for column in found.pv.T.tolist())
    with pytest.raises(NoSpace):
        allocate(pools(50, 50), 10, 3, LvPolicy(inter=inter))
    assert allocate(pools(50), 10, 3, LvPolicy(strict="n")).pv.tolist() == [[1] * 10] * 3


def test_superstrict_copies_share_no_disk_at_all():
    old = LvMap(np.array([[1, 2]], np.uint16), np.array([[1, 1]], np.uint32))
    assert add_copies(pools(9, 9, 9), old, 2, LvPolicy(strict="s")).pv.tolist() == [[1, 2], [3, 3]]
    with pytest.raises(NoSpace):
        add_copies(pools(9, 9), old, 2, LvPolicy(strict="s"))
    assert add_copies(pools(9, 9), old, 2, LvPolicy(strict="y")).pv.tolist() == [[1, 2], [2, 1]]


def test_a_boot_volume_is_one_run():
    (pool,) = pools(100)
    pool.free[[2, 5, 9]] = False  # edge: runs of 2, 2, 3, 10
    found = allocate([pool], 4, 1, LvPolicy(intra="e", contiguous=True))
    assert found.pp[0].tolist() == [11, 12, 13, 14]
    pool.free[:20] = False  # nothing left in the edge
    assert allocate([pool], 4, 1, LvPolicy(intra="e", contiguous=True)).pp[0].tolist() == [21, 22, 23, 24]
    pool.free[::2] = False
    with pytest.raises(NoSpace, match="no free run"):
        allocate([pool], 2, 1, LvPolicy(contiguous=True))


def in_order_of_preference(count: int, intra: str) -> list[int]:
    """PP numbers, the best first: nearest region, of two equally near the inner one, lowest PP."""
    regions = [r for r, size in enumerate(region_sizes(count)) for _ in range(size)]
    wanted = int(INTRA[intra])
    return sorted(range(1, count + 1), key=lambda pp: (abs(regions[pp - 1] - wanted), regions[pp - 1] < wanted, pp))


def fewest_disks(rooms: list[int], lps: int) -> int | None:
    """How many disks a copy needs at least, by trying all sets of them."""
    for count in range(1, len(rooms) + 1):
        if any(sum(chosen) >= lps for chosen in combinations(rooms, count)):
            return count
    return None


requests = {
    "free": st.lists(st.lists(st.booleans(), min_size=5, max_size=40), min_size=1, max_size=5),
    "lps": st.integers(1, 60),
    "copies": st.integers(1, 3),
    "intra": st.sampled_from(list(INTRA)),
    "inter": st.sampled_from("mx"),
    "strict": st.sampled_from("yns"),
    "upper": st.integers(1, 5),
    "contiguous": st.booleans(),
}


@given(**requests)
def test_what_is_given_out_respects_every_policy(free, lps, copies, intra, inter, strict, upper, contiguous):
    available = [Pool(n, np.array(f)) for n, f in enumerate(free, 1)]
    try:
        found = allocate(available, lps, copies, LvPolicy(intra, inter, strict, upper, contiguous))
    except AllocationRefused:
        return
    places = list(zip(found.pv.ravel().tolist(), found.pp.ravel().tolist(), strict=True))
    assert len(set(places)) == len(places) == lps * copies
    assert all(free[pv - 1][pp - 1] for pv, pp in places)
    assert not any(available[pv - 1].free[pp - 1] for pv, pp in places)
    assert all(len(set(row)) <= upper for row in found.pv.tolist())
    if strict != "n":
        assert all(len(set(column)) == copies for column in found.pv.T.tolist())
    if strict == "s":
        assert sum(len(set(row)) for row in found.pv.tolist()) == len(np.unique(found.pv))
    if contiguous:
        assert (np.diff(found.pp.astype(int), axis=1) == 1).all() and (np.diff(found.pv) == 0).all()
    else:
        # of each disk the best PPs went, and within a copy LPs ascend with preference
        for number, f in enumerate(free, 1):
            best = [pp for pp in in_order_of_preference(len(f), intra) if f[pp - 1]]
            taken = [pp for pv, pp in places if pv == number]
            assert sorted(taken) == sorted(best[: len(taken)])


@given(requests["free"], requests["lps"], requests["intra"], requests["upper"])
def test_minimum_takes_the_fewest_disks_there_can_be(free, lps, intra, upper):
    rooms = [sum(f) for f in free]
    fewest = fewest_disks(rooms, lps)
    available = [Pool(n, np.array(f)) for n, f in enumerate(free, 1)]
    if fewest is None or fewest > upper:
        with pytest.raises(AllocationRefused):
            allocate(available, lps, 1, LvPolicy(intra, "m", upper_bound=upper))
        return
    found = allocate(available, lps, 1, LvPolicy(intra, "m", upper_bound=upper))
    used = set(found.pv[0].tolist())
    assert len(used) == fewest
    if fewest == 1:
        assert used == {next(n for n, room in enumerate(rooms, 1) if room >= lps)}
        (number,) = used
        best = [pp for pp in in_order_of_preference(len(free[number - 1]), intra) if free[number - 1][pp - 1]]
        assert found.pp[0].tolist() == best[:lps]


@given(requests["free"], requests["lps"], requests["upper"])
def test_maximum_takes_as_many_disks_as_there_can_be_in_turn(free, lps, upper):
    rooms = [sum(f) for f in free]
    available = [Pool(n, np.array(f)) for n, f in enumerate(free, 1)]
    if sum(sorted(rooms)[-upper:]) < lps:
        with pytest.raises(AllocationRefused):
            allocate(available, lps, 1, LvPolicy(inter="x", upper_bound=upper))
        return
    counts = Counter(allocate(available, lps, 1, LvPolicy(inter="x", upper_bound=upper)).pv[0].tolist())
    assert len(counts) == min(lps, upper, sum(room > 0 for room in rooms))
    if sum(room > 0 for room in rooms) <= upper:  # no disk holds fewer than another unless it is full
        least = min(counts.values())
        assert all(counts[n] - least <= 1 or any(counts[m] == rooms[m - 1] for m in counts) for n in counts)


@given(requests["free"], requests["lps"], requests["copies"], requests["intra"])
def test_strict_copies_are_found_wherever_there_are_any(free, lps, copies, intra):
    # a disk can hold at most one copy of each LP, and that is all there is to it (McNaughton)
    possible = sum(min(sum(f), lps) for f in free) >= lps * copies
    available = [Pool(n, np.array(f)) for n, f in enumerate(free, 1)]
    if possible:
        allocate(available, lps, copies, LvPolicy(intra))
    else:
        with pytest.raises(AllocationRefused):
            allocate(available, lps, copies, LvPolicy(intra))


@given(requests["free"], st.integers(1, 20), st.integers(2, 3), requests["copies"])
def test_stripes_have_a_disk_for_each_column(free, rows, width, copies):
    available = [Pool(n, np.array(f)) for n, f in enumerate(free, 1)]
    policy = LvPolicy(strict="s", upper_bound=width, strip_size=4096, stripe_width=width)
    if sum(sum(f) >= rows for f in free) < width * copies:
        with pytest.raises(AllocationRefused):
            allocate(available, rows * width, copies, policy)
        return
    found = allocate(available, rows * width, copies, policy)
    columns = [set(row[c::width]) for row in found.pv.tolist() for c in range(width)]
    assert all(len(column) == 1 for column in columns)
    assert len(set.union(*columns)) == width * copies
    more = extend([Pool(n, np.ones(40, np.bool_)) for n in range(1, 9)], found, width, policy)
    assert more.pv[:, -width:].tolist() == found.pv[:, :width].tolist()


@given(st.data(), requests["intra"], st.sampled_from("mx"), st.sampled_from("yns"))
def test_extending_keeps_what_was_there_and_the_policies(data, intra, inter, strict):
    sizes = data.draw(st.lists(st.integers(5, 40), min_size=2, max_size=4))
    available = pools(*sizes)
    policy = LvPolicy(intra, inter, strict, 2)
    try:
        old = allocate(available, data.draw(st.integers(1, 10)), data.draw(st.integers(1, 2)), policy)
        new = extend(available, old, data.draw(st.integers(1, 20)), policy)
    except AllocationRefused:
        return
    assert new.pv[:, : old.lps].tolist() == old.pv.tolist() and new.pp[:, : old.lps].tolist() == old.pp.tolist()
    places = list(zip(new.pv.ravel().tolist(), new.pp.ravel().tolist(), strict=True))
    assert len(set(places)) == len(places) and all(1 <= pp <= sizes[pv - 1] for pv, pp in places)
    assert violated(new, policy) == ""


def test_two_million_partitions_are_chosen_at_once():
    (pool,) = pools(1 << 21)
    found = allocate([pool], 1 << 21, 1, LvPolicy(intra="c"))
    assert np.unique(found.pp).size == 1 << 21


@given(st.integers(0, 5000))
def test_regions_cover_the_disk(count: int):
    assert sum(region_sizes(count)) == count == len(region_of(count))
    assert max(region_sizes(count)) - min(region_sizes(count)) <= 1
    assert (np.diff(region_of(count)) >= 0).all()
    assert INTRA["ie"] is Region.INNER_EDGE
