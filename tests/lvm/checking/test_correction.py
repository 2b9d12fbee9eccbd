"""What a VGDA should say where two of its structures disagree; nothing is guessed."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm.checking.correction import corrected


def test_a_sound_group_stays_as_it_is(make_group: Any) -> None:
    state = make_group(2)[0].state
    assert (corrected(state, {}).vgda.raw == state.vgda.raw).all()


def test_what_follows_from_the_pp_entries(make_group: Any) -> None:
    group, _ = make_group(2)
    state, sound = group.state.copy(), group.state.vgda.raw.copy()
    vgda = state.vgda
    vgda.set_copies(2, 1)
    vgda.header["numlvs"], vgda.header["total_vgdas"] = 9, 9
    vgda.pvs["pv_num"][0] = 7
    vgda.pvs["pv_state"][1] = 17
    vgda.lvs["lvname"][0] = 200
    row = int(vgda.slots.rows_of(np.array([1]), np.array([int(state.maps[2].pp[0, 0])]))[0])
    vgda.pps.flat["fst_alt_part"][row] = 9
    assert corrected(state, {}) is None  # one says two copies, another one, and nobody else is heard
    blocks = {lv.minor: lv.lvcb for lv in group.logical_volumes.values()}
    assert (corrected(state, blocks).vgda.raw == sound).all()
    assert int(vgda.header["numlvs"]) == 9  # a copy was corrected


def test_names_and_lps_from_control_blocks(make_group: Any) -> None:
    group, _ = make_group(2)
    blocks = {lv.minor: lv.lvcb for lv in group.logical_volumes.values()}
    state = group.state.copy()
    state.vgda.names[1] = b""
    state.vgda.lvs["num_lps"][2] = 4
    assert corrected(state, {}) is None
    new = corrected(state, blocks).vgda
    assert (new.name(2), int(new.lvs["num_lps"][2])) == (b"hd4", 3)


def test_an_entry_that_the_other_copy_names_comes_back(make_group: Any) -> None:
    group, _ = make_group(2)
    state = group.state.copy()
    pv, pp = int(state.maps[2].pv[1, 2]), int(state.maps[2].pp[1, 2])
    state.vgda.pps["lp_num"][pv - 1, pp - 1] = 0
    row = int(state.vgda.slots.rows_of(np.array([pv]), np.array([pp]))[0])
    state.vgda.pps.flat["lv_index"][row] = state.vgda.pps.flat["lp_num"][row] = 0
    new = corrected(state, {})
    assert (int(new.vgda.pps.flat["lv_index"][row]), int(new.vgda.pps.flat["lp_num"][row])) == (2, 3)
    assert new.maps[2].pv.tolist() == group.state.maps[2].pv.tolist()


@pytest.mark.parametrize(("claims", "said"), [(0, 3), (99, 3), (99, 2)])
def test_the_copy_byte_of_an_entry_that_names_nothing_does_not_count(make_group: Any, claims: int, said: int) -> None:
    state = make_group(2)[0].state.copy()
    pv, pp = int(state.maps[2].pv[1, 2]), int(state.maps[2].pp[1, 2])
    row = int(state.vgda.slots.rows_of(np.array([pv]), np.array([pp]))[0])
    entry = state.vgda.pps.flat[row : row + 1].copy()
    entry["lv_index"], entry["copy"] = claims, said
    state.vgda.set_pps(np.array([row]), entry)
    new = corrected(state, {})
    assert [int(new.vgda.pps.flat[name][row]) for name in ("lv_index", "lp_num", "copy")] == [2, 3, 2]


def test_nothing_is_given_to_an_lp_that_lacks_nothing_or_taken_from_one_that_needs_it(make_group: Any) -> None:
    group, _ = make_group(2)
    for change in ("names a PP of lv00", "names one that is not there"):
        state = group.state.copy()
        mine = int(state.maps[2].pv[0, 0]), int(state.maps[2].pp[0, 0])
        row = int(state.vgda.slots.rows_of(np.array(mine[:1]), np.array(mine[1:]))[0])
        other = int(state.maps[3].pv[0, 0]), int(state.maps[3].pp[0, 0])
        pv, pp = other if "lv00" in change else (1, 1016)
        state.vgda.pps.flat["fst_alt_vol"][row], state.vgda.pps.flat["fst_alt_part"][row] = pv, pp
        new = corrected(state, {})
        assert (new.vgda.raw == group.state.vgda.raw).all()


def test_with_something_that_cannot_be_told_nothing_is_derived(make_group: Any) -> None:
    group, _ = make_group(1)
    state = group.state.copy()
    state.vgda.header["numlvs"] = 9
    pp = int(state.maps[3].pp[0, 0])
    row = int(state.vgda.slots.rows_of(np.array([1]), np.array([pp]))[0])
    state.vgda.pps.flat["lv_index"][row] = 99  # no LV, and nobody says whose it is
    assert corrected(state, {}) is None
