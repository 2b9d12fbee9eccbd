"""Which copies are believed when a group is opened, whatever the order of its disks."""

from typing import Any

import pytest

from lvmfmt.errors import CorruptImage, OperationRefused, UnsupportedFeature
from lvmfmt.lvm.opening import load

SECTOR = 512


def test_all_that_is_right(make_group: Any) -> None:
    group, devices = make_group(2)
    for order in (devices, devices[::-1]):
        state, problems = load(order)
        assert problems == [] and state.vgid == group.vgid
        assert {n: member.device.name for n, member in state.members.items()} == {1: "disk1", 2: "disk2"}
        assert state.source == ("disk1", 136 * SECTOR)


def test_no_group_and_several(make_group: Any, disks: Any, memory_disk: Any) -> None:
    with pytest.raises(CorruptImage) as none:
        load(disks(2))
    assert (none.value.field, none.value.offset, none.value.where) == ("lvm_id", 7 * SECTOR, "disk1, disk2")
    first, one = make_group(1)
    second, other = make_group(1, version=1)
    with pytest.raises(OperationRefused, match="different volume groups") as several:
        load([*one, *other])
    assert first.vgid in str(several.value) and second.vgid in str(several.value)


def test_a_record_that_is_out_of_range_says_so(make_group: Any) -> None:
    _, (disk,) = make_group()
    for psn in (7, 70):
        disk.write(psn * SECTOR + 8, b"\xff" * 32)
    with pytest.raises(CorruptImage) as lost:
        load([disk])
    assert lost.value.structure == "lvm_record" and lost.value.field != "lvm_id"


@pytest.mark.parametrize("kind", ["big", "scalable"])
def test_a_layout_that_is_not_ours_is_not_read(make_group: Any, kind: str) -> None:
    from lvmfmt.lvm import VgKind

    _, (disk,) = make_group(1, kind=VgKind(kind))
    state, _ = load([disk])
    for index in (0, 1):
        at = state.members[1].record.vgda_psn[index] * SECTOR
        fmt = state.vgda.format
        disk.write(at + fmt.header.offset_of("layout"), bytes(len(fmt.mark)))
    with pytest.raises(UnsupportedFeature, match=f"{kind} volume group"):
        load([disk])


def test_without_a_vgsa_the_pp_entries_say_what_is_stale(make_group: Any) -> None:
    group, devices = make_group(2)
    with group.change() as change:
        change.mark_stale("hd4")
    stale = group.state.stale.flat.copy()
    for disk in devices:
        for psn in (128, 2234):
            disk.write(psn * SECTOR, bytes(SECTOR))
    state, problems = load(devices)
    assert [p.rule for p in problems if p.rule == "vgsa-lost"] == ["vgsa-lost"]
    assert stale.any() and (state.stale.flat == stale).all() and state.vgsa.stamp == 0
