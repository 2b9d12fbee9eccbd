"""More copies of an LV, fewer, elsewhere, and which are good."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import NotFound
from lvmfmt.lvm.change.copies import Copies
from lvmfmt.lvm.errors import AllocationRefused, BadArgument, CopiesExist, LastGoodCopy, NotOnDisk
from lvmfmt.lvm.firstblock import Blocks
from lvmfmt.origin import SeededOrigin


def copies(group: Any) -> Copies:
    return Copies(group.state, Blocks(group.state, group.volume), SeededOrigin(5), "00C0FFEE4C00")


def test_a_new_copy_is_stale(make_group: Any) -> None:
    change = copies(make_group(3)[0])
    change.mirror("lv00")
    lv_map = change.state.maps[3]
    assert lv_map.copies == 2 and lv_map.look_up(change.state.stale).tolist() == [[False] * 3, [True] * 3]
    assert change._lvcb(3).copies == 2
    for wanted, refusal in ((2, CopiesExist), (1, CopiesExist), (4, BadArgument)):
        with pytest.raises(refusal):
            change.mirror("lv00", copies=wanted)
    change.mirror("lv00", copies=3)
    assert change.state.maps[3].copies == 3
    with pytest.raises(CopiesExist):
        change.mirror("lv00")


def test_the_last_good_copy_stays(make_group: Any) -> None:
    group, _ = make_group(2)
    first, second = group.physical_volumes
    change = copies(group)
    change.mark_stale("hd4")
    assert change.state.maps[2].look_up(change.state.stale).tolist() == [[False] * 5, [True] * 5]
    with pytest.raises(LastGoodCopy) as last:
        change.mark_stale("hd4", np.ones((2, 5), np.bool_))
    assert (last.value.volume, last.value.lps) == ("hd4", 5)
    good = int(change.state.maps[2].pv[0, 0])
    with pytest.raises(LastGoodCopy):
        change.unmirror("hd4", (first, second)[good - 1])
    change.mark_synced("hd4")
    assert not change.state.maps[2].look_up(change.state.stale).any()
    change.unmirror("hd4", (first, second)[good - 1])
    assert change.state.maps[2].copies == 1 and set(change.state.maps[2].pv[0].tolist()) == {3 - good}
    with pytest.raises(NotOnDisk):
        change.unmirror("hd4", (first, second)[good - 1])


def test_stale_copies_go_first(make_group: Any) -> None:
    group, _ = make_group(2)
    change = copies(group)
    change.mark_stale("hd4", np.array([[True] * 5, [False] * 5]))
    change.remove_copies("hd4", 1)
    assert change.state.maps[2].pv[0].tolist() == group.state.maps[2].pv[1].tolist()
    with pytest.raises(CopiesExist):
        change.remove_copies("hd4", 1)
    for wrong in (0, 3):
        with pytest.raises(BadArgument):
            change.remove_copies("hd4", wrong)


def test_copies_on_disks_that_are_not_here_go_first_and_the_last_one_that_is_stays(make_group: Any) -> None:
    group, _ = make_group(2)
    change = copies(group)
    lv_map = change.state.maps[2]
    change.mark_synced("hd4")
    first, second = lv_map.pv[0].tolist(), lv_map.pv[1].tolist()
    gone = first[0]
    del change.state.members[gone]
    with pytest.raises(LastGoodCopy):
        change.unmirror("hd4", change.state.pvids[second[0]])
    change.remove_copies("hd4", 1)
    assert change.state.maps[2].pv[0].tolist() == second


def test_moving_an_lp(make_group: Any) -> None:
    group, _ = make_group(2)
    change = copies(group)
    (home,) = group.logical_volumes["lv00"].pv_numbers
    away = list(group.physical_volumes)[2 - home]
    old, new = change.move_lp("lv00", 2, away, 60)
    assert (new.pv[0].tolist(), int(new.pp[0, 1])) == ([home, 3 - home, home], 60)
    assert old.pv[0].tolist() == [home] * 3
    for lp, copy in ((0, 1), (4, 1), (1, 2), (1, 0)):
        with pytest.raises(NotFound):
            change.move_lp("lv00", lp, away, copy=copy)
    with pytest.raises(AllocationRefused, match="PP 60"):
        change.move_lp("lv00", 1, away, 60)


def test_moving_off_a_disk(make_group: Any) -> None:
    group, _ = make_group(3)
    pvids = list(group.physical_volumes)
    change = copies(group)
    old, new = change.move("hd4", [pvids[0]], [pvids[2]])
    assert set(old.pv.ravel().tolist()) == {1, 2} and set(new.pv.ravel().tolist()) == {2, 3}
    assert (new.pv[old.pv == 1] == 3).all() and (new.pp[old.pv == 2] == old.pp[old.pv == 2]).all()
    with pytest.raises(NotOnDisk):
        change.move("hd4", [pvids[0]], [pvids[2]])
