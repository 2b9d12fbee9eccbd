"""In what two copies differ, and which LVs that concerns."""

from typing import Any

import numpy as np

from lvmfmt.lvm.descriptor.contrast import in_maps, in_states


def test_what_two_vgdas_tell_differently(make_group: Any) -> None:
    state = make_group(2)[0].state  # LV 1 is hd5, 2 hd4 (on both disks), 3 lv00
    vgda, maps = state.vgda, state.maps
    assert in_maps(vgda, maps, vgda.copy()) == ("", [])
    other = vgda.copy()
    other.header["numlvs"] = 9
    assert in_maps(vgda, maps, other) == ("", [])
    other.lvs["write_verify"][0] = 1
    other.names[2] = b"lv09"
    assert in_maps(vgda, maps, other) == (" in the entry of hd5, lv00", [1, 3])
    rows = np.flatnonzero(other.pps.flat["lv_index"] == 3)[:2]
    other.pps.flat["lp_num"][rows] = other.pps.flat["lp_num"][rows[::-1]]
    assert in_maps(vgda, maps, other) == (" in the map of lv00", [1, 3])
    other = vgda.copy()
    other.pvs["psn_part1"][1] += 256
    on_it = sorted(n for n, lv_map in maps.items() if (lv_map.pv == 2).any())
    assert 2 in on_it and in_maps(vgda, maps, other)[1] == on_it


def test_an_lv_that_only_the_other_has_is_told_by_all(make_group: Any) -> None:
    state = make_group(2)[0].state
    less = state.vgda.copy()
    less.lvs[2] = np.zeros(1, less.lvs.dtype)[0]
    maps = {n: m for n, m in state.maps.items() if n != 3}
    assert in_maps(less, maps, state.vgda) == (" in the map of lv00", ())


def test_what_two_vgsas_tell_differently(make_group: Any) -> None:
    state = make_group(2)[0].state
    other = state.vgsa.copy()
    assert in_states(state.vgda, state.vgsa, other) == ("", [])
    table = other.stale(state.vgda.slots)
    table[int(state.maps[3].pv[0, 0]) - 1, int(state.maps[3].pp[0, 0]) - 1] = True
    other.put_stale(table)
    assert in_states(state.vgda, state.vgsa, other) == (" in what is stale of lv00", [3])
