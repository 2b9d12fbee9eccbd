"""A factor multiplies the PPs of a PV: tables with other rows, and finding out which factor it is."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm.descriptor.copies import Place
from lvmfmt.lvm.descriptor.factor import fits, survey_fitting, vgda_with_factor, vgsa_with_factor, with_factor
from lvmfmt.lvm.errors import BadArgument


def test_tables_are_copied_pv_by_pv(make_group: Any) -> None:
    state = make_group(2)[0].state
    larger = vgda_with_factor(state.vgda, state.record, 2)
    stale = state.vgda.table()
    stale[0, 3] = stale[1, 1015] = True
    found = with_factor(stale, larger.slots)
    assert found.sum() == 2 and found[0, 3] and found[1, 1015] and found.shape == (16, 2032)
    back = with_factor(found, state.vgda.slots)
    assert (back.flat == stale.flat).all()
    assert (
        fits(larger)
        and larger.factor == 2
        and larger.pps["lv_index"][1].tolist()[:1016] == (state.vgda.pps["lv_index"][1].tolist())
    )
    vgsa = vgsa_with_factor(state.vgsa, state.record, 2, found)
    assert vgsa.factor == 2 and vgsa.stamp == state.vgsa.stamp and vgsa.stale(larger.slots)[1, 1015]


def test_a_factor_without_room_for_the_disks(make_group: Any) -> None:
    state = make_group(2)[0].state
    assert len(vgda_with_factor(state.vgda, state.record, 16).pvs) == 2
    with pytest.raises(BadArgument, match="2 disks or more; it allows 1 with 32512 PPs"):
        vgda_with_factor(state.vgda, state.record, 32)


def test_which_factor_it_is(make_group: Any) -> None:
    group, _ = make_group(2, factor=4)
    state = group.state
    places = [Place(member.device, member.record, 0) for member in state.members.values()]
    for said in (4, 1, 8):  # a VGSA of another factor: the PV headers tell
        ((_, found),) = survey_fitting(places, said).newest
        assert found.factor == 4 and fits(found) and np.array_equal(found.raw, state.vgda.raw)
    assert not fits(places[0].read_vgda(1)) or state.vgda.factor == 1
