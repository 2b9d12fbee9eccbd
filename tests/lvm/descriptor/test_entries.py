"""The PP entries of a VGDA: which can be believed, and what is wrong with the rest [lvm 8.4]."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm.descriptor.entries import believable, believed_lps, gather, names_lv


@pytest.fixture
def vgda(make_group: Any) -> Any:
    """hd5: 2 LPs, hd4: 5 in two copies, lv00: 3."""
    return make_group(2)[0].state.copy().vgda


def test_all_of_a_sound_group(vgda: Any) -> None:
    found = gather(vgda)
    assert len(found.rows) == 2 + 10 + 3 and len(found.no_lv) == len(found.no_lp) == 0
    assert found.alternates_agree.all() and found.order_known.all() and found.usable.all()
    assert believed_lps(vgda)[:5].tolist() == [0, 2, 5, 3, 0]
    assert found.starts[1:5].tolist() == [0, 2, 7, 10]
    pvs, pps = found.places
    assert pvs.shape == (2, 10) and (pvs[0] > 0).all() and (pvs[1, :2] == 0).all() and (pps[1, 2:7] > 0).all()
    assert believable(vgda).sum() == names_lv(vgda).sum() == 15


def entry(vgda: Any, minor: int, lp: int, copy: int) -> Any:
    found = gather(vgda)
    (index,) = [i for i in range(len(found.rows)) if (found.lv[i], found.lp[i], found.row[i]) == (minor, lp, copy - 1)]
    return int(found.rows[index])


def test_entries_of_nothing(vgda: Any) -> None:
    no_lv, no_lp = entry(vgda, 3, 1, 1), entry(vgda, 3, 2, 1)
    vgda.pps.flat["lv_index"][no_lv] = 200
    vgda.pps.flat["lp_num"][no_lp] = 99
    found = gather(vgda)
    assert (found.no_lv.tolist(), found.no_lp.tolist()) == ([no_lv], [no_lp])
    assert (believable(vgda).sum(), names_lv(vgda).sum()) == (13, 14)


def test_copies_without_an_order_are_ordered_by_place(vgda: Any) -> None:
    row = entry(vgda, 2, 1, 2)
    vgda.pps.flat["copy"][row] = 1  # two first copies of one LP
    found = gather(vgda)
    assert set(found.lv[~found.order_known].tolist()) == {2}
    mine = (found.lv == 2) & (found.lp == 1)
    assert sorted(zip(found.pv[mine].tolist(), found.row[mine].tolist(), strict=True)) == [(1, 0), (2, 1)]


def test_a_fourth_copy_is_too_much(vgda: Any) -> None:
    target = entry(vgda, 2, 1, 1)
    free = [row for row in range(20, 60) if not vgda.pps.flat["lp_num"][row]][:2]
    for row in free:
        vgda.set_pps(np.array([row]), vgda.pps.flat[target].copy())
    found = gather(vgda)
    assert int((~found.usable).sum()) == 1 and not found.alternates_agree[(found.lv == 2) & (found.lp == 1)].any()


def test_alternates_that_lie_elsewhere(vgda: Any) -> None:
    row = entry(vgda, 2, 3, 1)
    vgda.pps.flat["fst_alt_part"][row] += 1
    found = gather(vgda)
    assert found.rows[~found.alternates_agree].tolist() == [row]
