"""Copies of VGDA and VGSA with one time stamp that differ: votes count by disk, and a tie is told and not repaired.

A group of two disks has two copies on PV 1 and one on PV 2 [lvm 11]: what wrote both of PV 1 wrong is no majority.
"""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm import VgKind, VolumeGroup
from lvmfmt.lvm.checking.doubts import doubts
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan
from lvmfmt.lvm.descriptor.copies import Place
from lvmfmt.lvm.descriptor.vgda import Vgda
from lvmfmt.lvm.policy import LvPolicy
from lvmfmt.lvm.volumegroup import VolumeGroup as Group

NOW = 1_300_000_000 * 10**9
MIB = 1 << 20
KINDS = (VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE)


@pytest.fixture(params=KINDS, ids=str)
def made(request: Any, disks: Any, origin: Any) -> tuple[Group, list[Any]]:
    """hd4 mirrored, lv00 and lv01 on PV 1 alone."""
    devices = disks(3 if "three" in request.node.name else 2, 24 * MIB)
    group = VolumeGroup.create(devices, origin=origin, pp_size=MIB, kind=request.param)
    first = list(group.physical_volumes)[:1]
    with group.change(origin) as change:
        change.add_lv("hd4", "jfs2", 3, 2, policy=LvPolicy())
        change.add_lv("lv00", "raw", 3, disks=first)
        change.add_lv("lv01", "raw", 2, disks=first)
    return group, devices


def swap(vgda: Vgda, minor: int) -> None:
    """Exchange LP 2 and LP 3 of an LV with one copy on PV 1: every rule holds afterwards."""
    pps = vgda.pps[0]
    rows = [int(np.flatnonzero((pps["lv_index"] == minor) & (pps["lp_num"] == lp))[0]) for lp in (2, 3)]
    pps["lp_num"][rows] = [3, 2]


def spoil(group: Group, number: int, minor: int) -> None:
    member = group.state.members[number]
    for index in range(group.state.vgda.vgda_count(number)):
        place = Place(member.device, group.record, index)
        vgda = place.read_vgda(1)
        swap(vgda, minor)
        place.device.write(place.vgda_offset, vgda.raw)


@pytest.mark.parametrize("number", [1, 2])
def test_a_map_that_two_disks_tell_differently(made: Any, number: int) -> None:
    group, devices = made
    spoil(group, number, 2)
    before = [device.data.tobytes() for device in devices]
    found = check(devices)
    assert {p.rule for p in found} == {"vgda-tie"} and all("in the map of lv00 from" in p.text for p in found)
    assert plan(devices, now=NOW) == []
    opened = VolumeGroup.open(devices)
    told = {lv.name: doubts(opened, lv, opened.problems) for lv in opened.logical_volumes.values()}
    assert told["hd4"] == told["lv01"] == []
    assert told["lv00"] and all(d.misleads and "nothing tells which is right" in d.text for d in told["lv00"])
    assert [device.data.tobytes() for device in devices] == before


@pytest.mark.parametrize("number", [1, 2])
def test_a_copy_with_its_first_sector_zeroed_does_not_count(made: Any, number: int) -> None:
    group, devices = made
    sound = group.state.vgda.raw.tobytes()
    spoil(group, number, 2)
    for psn in group.record.vgda_psn:
        devices[number - 1].write(psn * 512, bytes(512))
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices) == [] and VolumeGroup.open(devices).state.vgda.raw.tobytes() == sound


def test_two_of_three_disks_tell_the_map(made: Any) -> None:
    group, devices = made
    spoil(group, 1, 2)
    assert {p.rule for p in check(devices)} == {"vgda-differs"}
    opened = VolumeGroup.open(devices)
    (doubt,) = doubts(opened, opened.logical_volumes["lv00"], opened.problems)
    assert not doubt.misleads and "in the map of lv00 from" in doubt.text
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices) == []


def test_the_rule_that_one_breaks_is_more_than_its_disks(made: Any) -> None:
    group, devices = made
    member = group.state.members[1]
    for index in (0, 1):
        place = Place(member.device, group.record, index)
        vgda = place.read_vgda(1)
        vgda.pps[0]["lp_num"][int(np.flatnonzero(vgda.pps[0]["lv_index"] == 2)[0])] = 77
        place.device.write(place.vgda_offset, vgda.raw)
    assert {(p.rule, p.where) for p in check(devices)} == {("vgda-differs", "disk1")}
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices) == []


def test_stale_marks_that_each_disk_has_for_itself(made: Any) -> None:
    group, devices = made
    changes = {1: 0, 2: 1}  # PV -> LP of hd4 whose copy there it calls stale; the PP entries say none is
    for number, lp in changes.items():
        member = group.state.members[number]
        row = int(np.flatnonzero(group.state.maps[1].pv[:, lp] == number)[0])
        for index in range(group.state.vgda.vgda_count(number)):
            place = Place(member.device, group.record, index)
            vgsa = place.read_vgsa()
            table = vgsa.stale(group.state.vgda.slots)
            table[number - 1, int(group.state.maps[1].pp[row, lp]) - 1] = True
            vgsa.put_stale(table)
            place.device.write(place.vgsa_offset, vgsa.raw)
    found = check(devices)
    (tied, *_) = [p for p in found if p.rule == "vgsa-tie"]
    assert "in what is stale of hd4 from" in tied.text and tied.lvs == {1}
    assert plan(devices, now=NOW) == []


def test_of_two_records_the_one_whose_pool_can_be_is_believed(make_group: Any) -> None:
    _, devices = make_group(2)
    sound = [devices[n].read(psn * 512, 512).tobytes() for n in (0, 1) for psn in (7, 70)]
    for disk, psn in ((0, 7), (1, 7), (1, 70)):
        devices[disk].write(psn * 512 + 42, b"\x93")  # reloc_len: 0x9300 and more sectors, longer than the disks
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert [devices[0].read(psn * 512, 512).tobytes() for psn in (7, 70)] == sound[:2]
    assert {(p.rule, p.where) for p in check(devices)} == {("record-pool", "disk2")}  # both copies say it: nobody tells


@pytest.mark.parametrize("psn", [7, 70])
def test_a_pool_over_the_pps_is_none(psn: int, make_group: Any) -> None:
    _, devices = make_group(2)
    sound = devices[0].read(psn * 512, 512).tobytes()
    devices[0].write(psn * 512 + 0x24, b"\0\0\x11\0")  # reloc_psn 4352, where PP 1 begins
    assert {p.rule for p in check(devices)} == {"record-differs"}
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices) == [] and devices[0].read(psn * 512, 512).tobytes() == sound
