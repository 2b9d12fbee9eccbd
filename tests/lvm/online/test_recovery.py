"""What may differ between copies after a stop: LTGs of the MWC records, disks that went on alone."""

from typing import Any

from lvmfmt.lvm.group import GroupView
from lvmfmt.lvm.online import mwc
from lvmfmt.lvm.online.recovery import distrust, fresh, unequal, went_alone
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import SeededOrigin

LTG = 128 << 10  # bytes of a track group: ltg_shift 17 [lvm 5]


def test_what_the_records_name(make_group: Any, origin: SeededOrigin) -> None:
    _, devices = make_group(2)
    online = varyon(devices, origin=origin)
    volume = online.open_lv("hd4")
    volume.write(3 * LTG + 512, b"x")  # not made durable: the record names the group of it
    found = [(minor, span.offset, span.length) for minor, span in unequal(GroupView.open(devices))]
    assert found == [(2, 3 * LTG, LTG)]
    assert [(minor, span.offset) for minor, span in unequal(GroupView.open(devices), [2])] == [(2, 3 * LTG)]
    assert list(unequal(GroupView.open(devices), [])) == []
    volume.close()
    online.varyoff()
    assert list(unequal(GroupView.open(devices))) == [] and mwc.WHOLE == 0xFFFFFFFF


def test_copies_that_are_fresh(make_group: Any) -> None:
    group, _ = make_group(2)
    state = group.state
    places = fresh(state, 2, 0)
    assert sorted(pv for pv, _ in places) == [1, 2] and len(fresh(state, 1, 0)) == 1
    pv, pp = places[0]
    state.stale[pv - 1, pp - 1] = True
    assert fresh(state, 2, 0) == places[1:]


def test_a_disk_that_is_not_believed(make_group: Any) -> None:
    group, _ = make_group(2)
    stale = group.state.stale.copy()
    distrust(group, 2, stale)
    assert stale.sum() == 5 and stale[1].sum() == 5  # hd4 has good copies elsewhere, the others have not


def test_who_went_on_alone(make_group: Any, origin: SeededOrigin) -> None:
    _, devices = make_group(2)
    left, right = [device.copy() for device in devices], [device.copy() for device in devices]
    varyon(left[:1], origin=origin, force=True)
    varyon(right[1:], origin=origin, force=True)
    both = GroupView.open([left[0], right[1]]).state
    assert {number for number in (1, 2) if went_alone(both, number)} in ({1}, {2})
    one_side = GroupView.open(left).state
    assert not went_alone(one_side, 1) and not went_alone(one_side, 2)
