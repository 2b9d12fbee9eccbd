"""What every change works on: names, numbers, free PPs, control blocks."""

from typing import Any

import pytest

from lvmfmt.errors import AlreadyExists, NotFound, OperationRefused
from lvmfmt.lvm.change.draft import Draft
from lvmfmt.lvm.errors import BadArgument
from lvmfmt.lvm.firstblock import Blocks
from lvmfmt.origin import SeededOrigin


def draft(group: Any) -> Draft:
    return Draft(group.state, Blocks(group.state, group.volume), SeededOrigin(5), "00C0FFEE4C00")


def test_names_and_numbers(make_group: Any) -> None:
    group, _ = make_group(2)
    found = draft(group)
    assert (found._minor("hd4"), found._minor("#3")) == (2, 3)
    for name in ("nothing", "#9", "#x", ""):
        with pytest.raises(NotFound):
            found._minor(name)
    second = list(group.physical_volumes)[1]
    assert found._numbers([second]) == [2]
    with pytest.raises(NotFound, match="no such physical volume"):
        found._number("0" * 16)
    for name in ("", "a/b", "x" * 16, "\u00e4"):
        with pytest.raises(OperationRefused):
            found._check_name(name)
    with pytest.raises(AlreadyExists):
        found._check_name("hd4")
    found._check_name("x" * 15)
    with pytest.raises(BadArgument, match="LVM version for mirrors"):
        found._check_version(9, "mirrors")
    found._check_version(8, "mirrors")


def test_what_the_old_group_holds_is_not_given_out(make_group: Any) -> None:
    group, _ = make_group(2)
    found = draft(group)
    room = {pool.number: pool.room for pool in found._pools(None)}
    found._place(3, group.state.maps[3].where(group.state.maps[3].held & False).packed())
    assert {pool.number: pool.room for pool in found._pools(None)} == room  # free now, and used when it began
    second = list(group.physical_volumes)[1]
    assert [pool.number for pool in found._pools([second, second])] == [2]
    for state in (2, 4, 8, 64):  # missing, removed, no allocation, split
        found.state.vgda.pvs["pv_state"][0] = 1 | state
        assert [pool.number for pool in found._pools(None)] == [2]
    found.state.vgda.pvs["pv_state"][0] = 1 | 16  # stale
    assert [pool.number for pool in found._pools(None)] == [1, 2]


def test_a_policy_by_name(make_group: Any) -> None:
    found = draft(make_group()[0])
    assert (found.policy("hd5").intra, found.policy("hd5").contiguous, found.policy("hd4").contiguous) == (
        "e",
        True,
        False,
    )
    with pytest.raises(NotFound):
        found.policy("nothing")


def test_the_state_is_a_copy_and_blocks_are_kept(make_group: Any) -> None:
    group, _ = make_group()
    found = draft(group)
    found._update_lvcb(2, label="/mnt")
    assert found._lvcb(2).label == "/mnt" and found._lvcb(9) is None and found._has_lvcb(1)
    state, changes = found.finish()
    assert list(changes.lvcbs) == [2] and changes.new_lvcbs == {} and b"/mnt" in changes.lvcbs[2]
    assert state is not group.state and found.now == SeededOrigin(5).now()
