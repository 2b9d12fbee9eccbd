"""What a set of disks holds: groups, what is missing, what is there twice, what contradicts itself.

Modules: `lvmfmt.lvm.matching`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.copied.surveying import members_of, survey
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import SeededOrigin

Make = Callable[..., tuple[VolumeGroup, list[Any]]]


def named(disk: Any, name: str) -> Any:
    disk.name = name
    return disk


def test_whole_groups_and_free_disks(make_group: Make, disks: Any):
    first, one = make_group(2)
    second, two = make_group(3, version=1)
    empty = named(disks(1)[0], "empty")
    found = survey([one[1], *two, empty, one[0]])
    assert set(found.groups) == {first.vgid, second.vgid}
    assert all(group.whole for group in found.groups.values())
    assert len(second.vgid) == 16  # a group of version 1 has the old VGID of 64 bits [lvm 12]
    assert [info.device.name for info in found.free] == ["empty"]


def test_what_is_missing_twice_or_behind_is_named(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    pvids = list(group.physical_volumes)
    (found,) = survey(devices[:2]).groups.values()
    assert found.missing == {3: pvids[2]} and not found.whole
    twin = named(devices[1].copy(), "twin")
    result = survey([*devices, twin])
    (found,) = result.groups.values()
    assert found.duplicates == result.duplicates == {pvids[1]: ["disk2", "twin"]}
    assert not found.missing and not found.inconsistent
    with varyon(devices[:2], origin=origin, force=True).change() as change:
        change.rename_lv("lv00", "x")
    (found,) = survey(devices).groups.values()
    assert {(p.rule, p.where) for p in found.inconsistent} == {("vgda-older", "disk3")}


def test_a_disk_that_was_removed_while_it_was_away(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(3)
    online = varyon(devices[:2], origin=origin, force=True)
    with online.change() as change:
        for name, lv in online.group.logical_volumes.items():
            if 3 in lv.pv_numbers:
                change.remove_lv(name)
        change.remove_pv(list(group.physical_volumes)[2])
    online.varyoff()
    (found,) = survey(devices).groups.values()
    assert found.strangers == ["disk3"] and found.missing == {}
    assert survey(devices[:2]).groups[found.vgid].whole


def test_what_cannot_be_read_is_named(make_group: Make, memory_disk: Any):
    _, devices = make_group(1)
    devices[0].write(136 * 512, bytes(512))
    devices[0].write(2242 * 512, bytes(512))
    (found,) = survey(devices).groups.values()
    assert found.error is not None and not found.whole


def test_members_are_found_by_pvid(make_group: Make, disks: Any):
    _, devices = make_group(3)
    _, others = make_group(2)
    for disk in others:
        disk.write(128, bytes(range(16)) if disk is others[0] else bytes(16))  # the seed gave both groups one set
    assert members_of(devices[2], [*others, devices[1], devices[0]]) == devices
    assert members_of(devices[2], [devices[1]]) == devices[1:]
    twin = named(devices[0].copy(), "twin")
    with pytest.raises(OperationRefused, match="disk1 and twin"):
        members_of(devices[2], [*devices, twin])
    with pytest.raises(OperationRefused, match="disk1 and twin"):
        members_of(devices[0], [*devices, twin])
    with pytest.raises(NotFound):
        members_of(disks(1)[0], devices)
