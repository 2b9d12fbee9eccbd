"""A disk that comes back as an older state of itself is never read as new: what differs there becomes stale.

The contents are those of a model that knows what was written; the disks are put back as they were at any time before
the last change of the group, which their VGDA then tells [lvm 11].
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import VgKind, VolumeGroup, check, leave, refresh, resume, varyon
from lvmfmt.lvm.mirrors import alone
from lvmfmt.lvm.opening import load
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20
LPS = 4


class Shelf:
    """A mirrored LV on some disks, and what it should hold."""

    def __init__(self, disks: list[Any], origin: SeededOrigin, kind: VgKind, copies: int) -> None:
        self.disks, self.origin = disks, origin
        group = VolumeGroup.create(disks, origin=origin, pp_size=MIB, kind=kind)
        with group.change(origin) as change:
            change.add_lv("data", "jfs2", LPS, copies)
        self.content = [b""] * LPS
        for lp in range(LPS):
            self.write(group, lp, b"first")

    def write(self, group: Any, lp: int, text: bytes) -> None:
        self.content[lp] = text.ljust(16, b"\0")
        device = group.open_lv("data") if hasattr(group, "open_lv") else group.logical_volumes["data"].device
        device.write(lp * MIB + 4096, self.content[lp])
        device.flush()
        if hasattr(group, "open_lv"):
            device.close()

    def stamp(self, group: Any) -> None:
        """A change of the group that touches no LV."""
        with group.change(self.origin) as change:
            change.set_options(auto_varyon=not self.auto)
        self.auto = not self.auto

    auto = True

    def holds(self, group: VolumeGroup) -> bool:
        device = group.logical_volumes["data"].device
        return [device.read(lp * MIB + 4096, 16).tobytes() for lp in range(LPS)] == self.content


def _varied_on(shelf: Shelf, _: Any) -> VolumeGroup:
    return varyon(shelf.disks, origin=shelf.origin, sync=False).group


def _changed(shelf: Shelf, _: Any) -> VolumeGroup:
    group = VolumeGroup.open(shelf.disks)
    shelf.stamp(group)
    return group


def _resumed(shelf: Shelf, left: Any) -> VolumeGroup:
    return resume(shelf.disks, left, origin=shelf.origin).group


WAYS: dict[str, Callable[[Shelf, Any], VolumeGroup]] = {
    "varyon": _varied_on, "change": _changed, "resume": _resumed,
}  # fmt: skip


@pytest.mark.parametrize("kind", [VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("which", [0, 1])
def test_what_differs_on_an_old_disk_is_stale_from_then_on(
    disks: Any, origin: SeededOrigin, kind: VgKind, way: str, which: int
) -> None:
    shelf = Shelf(disks(2, 24 * MIB), origin, kind, 2)
    online = varyon(shelf.disks, origin=origin)
    yesterday = shelf.disks[which].copy()
    shelf.write(online, 2, b"second")
    shelf.stamp(online)
    left = leave(online)
    shelf.disks[which] = yesterday

    group = WAYS[way](shelf, left)
    lv = group.logical_volumes["data"]
    assert lv.stale.any(axis=0).tolist() == [False, False, True, False]
    assert lv.map.pv[lv.stale].tolist() == [which + 1]
    assert shelf.holds(group)
    state, _ = load(shelf.disks)
    assert state.stale.any() and not state.behind
    assert check(shelf.disks, data=True) == []  # nothing that is called good differs
    assert VolumeGroup.open([yesterday]).logical_volumes["data"].missing_lps.tolist() == [3]  # nor alone
    group.sync(origin=origin)
    assert check(shelf.disks, data=True) == [] and not load(shelf.disks)[0].stale.any()
    shelf.disks.reverse()
    assert shelf.holds(VolumeGroup.open([yesterday]))


def test_what_has_no_other_copy_stops_it_unless_it_is_forced(disks: Any, origin: SeededOrigin) -> None:
    shelf = Shelf(disks(2, 24 * MIB), origin, VgKind.CLASSIC, 2)
    group = VolumeGroup.open(shelf.disks)
    with group.change(origin) as change:
        change.add_lv("alone", "jfs2", 1, disks=[list(group.physical_volumes)[1]])
    yesterday = shelf.disks[1].copy()
    shelf.write(group, 0, b"second")
    shelf.stamp(group)
    shelf.disks[1] = yesterday
    before = [disk.data.copy() for disk in shelf.disks]
    for attempt in (lambda: varyon(shelf.disks, origin=origin), lambda: shelf.stamp(VolumeGroup.open(shelf.disks))):
        with pytest.raises(OperationRefused, match=r"older state.*alone"):
            attempt()
    assert all((disk.data == data).all() for disk, data in zip(shelf.disks, before, strict=True))
    online = varyon(shelf.disks, origin=origin, force=True, sync=False)
    assert online.old == {2} and alone(online.group.logical_volumes["alone"], 2)
    assert online.group.logical_volumes["data"].stale_pps == 1


def test_a_disk_that_was_taken_out_and_comes_back_older_than_it_was(disks: Any, origin: SeededOrigin) -> None:
    shelf = Shelf(disks(3, 24 * MIB), origin, VgKind.CLASSIC, 3)
    online = varyon(shelf.disks, origin=origin)
    yesterday = shelf.disks[2].copy()
    shelf.write(online, 1, b"second")  # all three have it
    shelf.stamp(online)
    online.varyoff()
    online = varyon(shelf.disks[:2], origin=origin, force=True)
    shelf.write(online, 3, b"third")
    shelf.disks[2] = yesterday
    online = refresh(online, shelf.disks, origin=origin, sync=False)
    assert online.group.logical_volumes["data"].stale.any(axis=0).tolist() == [False, True, False, True]
    assert check(shelf.disks, data=True) == []


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))])
def test_old_copies_are_never_read_as_new(disks: Any, seed: int) -> None:
    rng, origin = random.Random(seed), SeededOrigin(seed)
    copies = rng.choice((2, 2, 3))
    shelf = Shelf(disks(copies, 16 * MIB), origin, rng.choice((VgKind.CLASSIC, VgKind.SCALABLE)), copies)
    shelves: list[tuple[int, Any, int]] = []  # which disk, its state, the stamp of the VGDA
    for step in range(14):
        online = varyon(shelf.disks, origin=origin, sync=rng.random() < 0.7)
        assert shelf.holds(online.group)
        for _ in range(rng.randrange(3)):
            if rng.random() < 0.6:
                shelf.write(online, rng.randrange(LPS), b"step %d" % step)
            else:
                shelf.stamp(online)
        online.varyoff()
        assert check(shelf.disks, data=True) == []
        which, stamp = rng.randrange(copies), load(shelf.disks)[0].vgda.stamp
        if rng.random() < 0.5 or not shelves:
            shelves.append((which, shelf.disks[which].copy(), stamp))
            continue
        which, state, then = rng.choice(shelves)
        if then == stamp:
            continue  # no change of the group since then: nothing tells
        newest, shelf.disks[which] = shelf.disks[which], state.copy()
        before = VolumeGroup.open(shelf.disks)
        assert "disk-behind" in {problem.rule for problem in before.problems}
        lv = before.logical_volumes["data"]
        good = lv.map.held & ~lv.stale
        only = (good & (lv.map.pv == which + 1)).any(axis=0) & (good.sum(axis=0) == 1)  # named, for nothing is newer
        try:
            group = WAYS[rng.choice(("varyon", "change"))](shelf, None)
            for lp in only.nonzero()[0].tolist():
                shelf.content[lp] = group.logical_volumes["data"].device.read(lp * MIB + 4096, 16).tobytes()
            assert shelf.holds(group)
        except OperationRefused as error:  # the others had stale partitions, and only this one good ones
            assert "older state" in str(error)
            shelf.disks[which] = newest
        assert check(shelf.disks, data=True) == []
        assert shelf.holds(VolumeGroup.open(shelf.disks))
