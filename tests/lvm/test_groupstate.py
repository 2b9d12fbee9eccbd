"""A group in memory: what is there, what counts, what follows from the rest."""

from typing import Any

from lvmfmt.lvm.geometry import GroupGeometry
from lvmfmt.lvm.groupstate import GroupState


def test_a_group_without_disks() -> None:
    state = GroupState.empty(GroupGeometry(20, 2, 8), "00f7b72a00004c0000000124dd891ce8")
    assert state.vgid == "00f7b72a00004c0000000124dd891ce8" and state.pvids == {} and state.absent == set()
    assert (state.geometry.pp_shift, state.geometry.factor, state.geometry.version) == (20, 2, 8)
    assert state.quorum_votes == 0 and state.split_off == set() and not state.stale.any()


def test_votes(make_group: Any) -> None:
    group, _ = make_group(3)
    state = group.state
    assert state.votes([1, 2, 3]) == 3 and state.votes([2]) == 1 and state.votes([]) == 0
    state.members.pop(1)
    assert state.absent == {1} and state.quorum_votes == 3  # two of three are here
    state.members.pop(2)
    assert state.absent == {1, 2} and state.quorum_votes == 1  # it goes on with half or less: those that are here
    assert list(state.pvids) == [1, 2, 3] and list(state.pvids.values()) == list(group.physical_volumes)


def test_half_is_not_enough(make_group: Any) -> None:
    state = make_group(2)[0].state
    assert state.votes(state.pvids) == 3
    state.members.pop(1)
    assert state.quorum_votes == 1
    state.members[1] = state.members.pop(2)
    assert state.quorum_votes == 3


def test_a_copy_is_independent_but_for_the_disks(make_group: Any) -> None:
    state = make_group(2)[0].state
    other = state.copy()
    other.stale[0, 0] = True
    other.vgda.header["quorum"] = 0
    other.members.pop(1)
    other.maps.pop(1)
    assert not state.stale[0, 0] and int(state.vgda.header["quorum"]) == 1 and 1 in state.members and 1 in state.maps
    assert other.members[2].device is state.members[2].device and other.ledger is state.ledger


def test_settling_counts_and_marks(make_group: Any) -> None:
    group, _ = make_group(2)
    state = group.state.copy()
    lv_map = state.maps[2]  # hd4: two copies
    pv, pp = int(lv_map.pv[1, 0]), int(lv_map.pp[1, 0])
    state.stale[pv - 1, pp - 1] = True
    state.stale[pv - 1, 60] = True  # a free PP: means nothing
    state.vgda.header["numlvs"] = state.vgda.header["numpvs"] = state.vgda.header["total_vgdas"] = 99
    state.settle()
    header = state.vgda.header
    assert [int(header[name]) for name in ("numlvs", "numpvs", "total_vgdas")] == [3, 2, 3]
    assert not state.stale[pv - 1, 60] and state.stale[pv - 1, pp - 1]
    assert [int(state.vgda.pvs["pv_state"][n]) & 16 for n in (0, 1)] == [16 * (pv == 1), 16 * (pv == 2)]
    assert [state.vgda.small_fields(minor)[0] for minor in (1, 2, 3)] == [1, 3, 1]
    assert int(state.vgda.pps[pv - 1, pp - 1]["pp_state"]) == 2  # stale [lvm 8.4]
    state.stale[pv - 1, pp - 1] = False
    state.settle()
    assert state.vgda.small_fields(2)[0] == 1 and int(state.vgda.pps[pv - 1, pp - 1]["pp_state"]) == 1


def test_exactly_half_is_not_more_than_half(make_group: Any) -> None:
    state = make_group(4)[0].state  # four copies
    state.members.pop(1)
    assert state.quorum_votes == 4
    state.members.pop(2)
    assert state.quorum_votes == 2
