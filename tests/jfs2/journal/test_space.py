"""Where blocks come from, and when those that were given back may be handed out again [jfs2 3.2]."""

from types import SimpleNamespace

import pytest

from lvmfmt.errors import NoSpace
from lvmfmt.jfs2.journal import space as module
from lvmfmt.jfs2.journal.space import MountedSpace

PAGE = 8192
"""Blocks of a page of the map."""
BLOCKS = 5 * PAGE - 100


class Bits:
    """A map in memory, all in use at first; `loads` counts the pages that were looked at."""

    def __init__(self, geometry, file):
        self.pages = 5
        self.all = bytearray(b"\1" * (self.pages * PAGE))
        self.loads = []
        self.checked = []

    @property
    def free(self):
        return self.all.count(0)

    def bits(self, d):
        self.loads.append(d)
        return self.all[d * PAGE : (d + 1) * PAGE]

    def mark(self, address, length, used):
        assert self.all[address : address + length] == bytes([not used]) * length
        self.all[address : address + length] = bytes([used]) * length

    def check(self, address, length):
        self.checked.append((address, length))


@pytest.fixture
def space(monkeypatch):
    """`space(runs)`: the blocks of a file system of five pages, groups of two, with these (address, length) free."""
    monkeypatch.setattr(module, "MountedBlockMap", Bits)

    def make(*runs):
        geometry = SimpleNamespace(blocks=BLOCKS, ag_size=2 * PAGE)
        forced = []
        made = MountedSpace(geometry, SimpleNamespace(volume=SimpleNamespace(where="here")), lambda: forced.append(1))
        for address, length in runs:
            made.release(address, length)
        made.forced, made.map = forced, made._map
        made.map.loads.clear()
        return made

    return make


@pytest.mark.parametrize(
    ("runs", "blocks", "near", "found"),
    [
        ([(10, 5), (40, 5)], 5, 0, 10),
        ([(10, 5), (40, 5)], 5, 10, 10),  # at `near`
        ([(10, 5), (40, 5)], 5, 11, 40),  # behind it
        ([(10, 5), (40, 5)], 5, 41, 10),  # and round
        ([(10, 4), (PAGE + 7, 5)], 5, 0, PAGE + 7),
        ([(10, 5), (4 * PAGE, 5)], 5, 2 * PAGE, 4 * PAGE),
        ([(3, 1)], 1, BLOCKS, 3),  # no such block
        ([(0, 1), (3, 1)], 1, -1, 0),
        ([(3, 1), (BLOCKS - 1, 1)], 1, BLOCKS - 1, BLOCKS - 1),
        ([(PAGE - 3, 6)], 6, 0, PAGE - 3),  # across two pages
        ([(PAGE, PAGE)], PAGE, 0, PAGE),  # a whole page
        ([(PAGE, PAGE + 1)], PAGE + 1, 0, PAGE),
    ],
)
def test_one_run(space, runs, blocks, near, found):
    s = space(*runs)
    assert s.allocate(blocks, near=near) == [(found, blocks)]
    assert s.free == sum(n for _, n in runs) - blocks


def test_nothing_is_nothing(space):
    assert space().allocate(0, near=0) == []


def test_the_longest_runs_where_none_is_long_enough(space):
    s = space((10, 3), (100, 5), (200, 4), (2 * PAGE, 1))
    assert s.allocate(9, near=0) == [(100, 5), (200, 4)]
    assert s.allocate(4, near=0) == [(10, 3), (2 * PAGE, 1)]
    s = space((10, 3), (100, 5))
    assert s.allocate(6, near=0) == [(10, 1), (100, 5)]


def test_no_room_takes_nothing(space):
    s = space((10, 3), (100, 5))
    for blocks, contiguous in ((9, False), (6, True)):
        with pytest.raises(NoSpace, match=f"no room for {blocks} more blocks"):
            s.allocate(blocks, near=50, contiguous=contiguous)
    assert s.free == 8 and s.forced == []
    assert s.allocate(5, near=50, contiguous=True) == [(100, 5)]


def test_a_run_around_near_is_one(space):
    s = space((PAGE - 20, 40))
    assert s.allocate(40, near=PAGE, contiguous=True) == [(PAGE - 20, 40)]


def test_an_extent_has_a_longest_length(space, monkeypatch):
    monkeypatch.setattr(module, "MAX_EXTENT", 1000)
    s = space((100, 2500))
    assert s.allocate(2500, near=0) == [(100, 1000), (1100, 1000), (2100, 500)]


def test_a_group_has_its_own(space):
    s = space((10, 2), (PAGE + 5, 3), (2 * PAGE + 1, 9), (4 * PAGE, 4))
    assert s.has_room_in_group(3, near=PAGE + 100) and not s.has_room_in_group(4, near=PAGE + 100)
    assert s.allocate_in_group(4, near=0) is None
    assert s.allocate_in_group(9, near=3 * PAGE) == 2 * PAGE + 1
    assert s.allocate_in_group(3, near=0) == PAGE + 5
    assert s.allocate_in_group(4, near=4 * PAGE + 1) == 4 * PAGE  # the last group has one page
    assert s.free == 2


def test_the_next_group_with_room(space):
    s = space((PAGE + 5, 3), (3 * PAGE, 9), (4 * PAGE, 4))
    assert s.group_with_room(4, near=0) == 2 * PAGE
    assert s.group_with_room(3, near=0) == 0
    assert s.group_with_room(3, near=3 * PAGE + 100) == 4 * PAGE
    assert s.group_with_room(10, near=0) is None


def test_pages_without_a_long_run_are_looked_at_once(space):
    s = space((10, 2), (3 * PAGE, 4))
    assert s.has_room_in_group(3, near=3 * PAGE)
    assert s.group_with_room(3, near=0) == 2 * PAGE
    s.map.loads.clear()
    assert s.group_with_room(3, near=0) == 2 * PAGE and set(s.map.loads) == {0, 3}
    assert s.group_with_room(2, near=0) == 0  # shorter ones may be there
    s.map.loads.clear()
    assert s.allocate(4, near=0) == [(3 * PAGE, 4)]
    s.release(2 * PAGE - 1, 4)  # both pages are looked at again
    assert s.has_room_in_group(3, near=2 * PAGE) and not s.has_room_in_group(3, near=PAGE)
    s.release(PAGE, 3)
    assert s.has_room_in_group(3, near=PAGE)


def test_full_pages_are_not_read_for_runs(space):
    s = space((3 * PAGE, 4), (4 * PAGE, 4))
    assert s.group_with_room(1, near=0) == 2 * PAGE  # none in the pages before
    s.map.loads.clear()
    assert s.allocate(8, near=0) == [(3 * PAGE, 4), (4 * PAGE, 4)]
    assert 0 in s._longest and not {0, 1, 2} & set(s.map.loads[-2:])


def test_freed_blocks_rest_until_their_commit_is_safe(space):
    s = space((10, 2))
    s.take(10, 2)
    s.rest([(10, 1), (11, 1)], 100)
    s.rest([(500, 7)], 200)
    assert s.free == 9 and s.map.free == 0
    s.settle(99)
    assert s.map.free == 0
    s.settle(100)
    assert (s.map.free, s.free) == (2, 9)
    assert s.allocate(2, near=0) == [(10, 2)] and s.forced == []
    with pytest.raises(NoSpace):
        s.allocate(7, near=0)
    assert s.forced == [1]  # one commit rests: it is made safe first
    s.settle(200)
    assert s.allocate(7, near=0) == [(500, 7)] and s.free == 0


def test_a_force_finds_room(space):
    s = space()
    s.rest([(40, 3)], 5)
    s._force = lambda: s.settle(5)
    assert s.allocate(3, near=0) == [(40, 3)]
    s.check(7, 8)
    assert s.map.checked == [(7, 8)]
