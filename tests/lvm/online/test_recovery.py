"""What may differ between copies after a stop: LTGs of the MWC records, disks that went on alone."""

from typing import Any

import pytest

from lvmfmt.errors import ImageIOError
from lvmfmt.lvm.group import GroupView
from lvmfmt.lvm.online import mwc
from lvmfmt.lvm.online.recovery import distrust, fresh, unequal, unequal_blocks, went_alone
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


def _first_sectors(group: Any) -> list[tuple[Any, int]]:
    """Disk and byte offset of where each copy of hd4 begins."""
    return [(group.pvs[pv].device, group.pvs[pv].offset(pp)) for pv, pp in fresh(group.state, 2, 0)]


def test_a_control_block_that_only_the_first_copy_got(
    make_group: Any, origin: SeededOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, devices = make_group(2)
    places = _first_sectors(group)
    (_, _), (second, at) = places
    whole = second.write

    def write(offset: int, buffer: Any) -> None:
        if offset == at:
            raise ImageIOError("Input/output error", where="the second copy")
        whole(offset, buffer)

    monkeypatch.setattr(second, "write", write)
    with pytest.raises(ImageIOError), group.change(origin) as change:
        change.set_lvcb("hd4", label="/later")
    monkeypatch.undo()
    has_new = [b"/later" in device.read(offset, 512).tobytes() for device, offset in places]
    assert has_new == [True, False] and list(unequal(GroupView.open(devices))) == []
    online = varyon(devices, origin=origin)
    assert online.repaired == [("hd4", 0, 512)] and not online.group.state.stale.any()
    online.varyoff()
    first, other = (device.read(offset, 512).tobytes() for device, offset in places)
    assert first == other and b"/later" in first  # the change was made: its VGDA was written before
    assert list(unequal_blocks(GroupView.open(devices))) == []


def test_data_in_the_place_of_a_control_block_is_not_copied(make_group: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    device, at = _first_sectors(group)[1]
    device.write(at, b"a row of a database".ljust(512))
    online = varyon(devices, origin=origin)
    assert online.repaired == [] and device.read(at, 5).tobytes() == b"a row"
    online.varyoff()
