"""Which geometry is believed when the LVM records of a group differ, and what becomes of areas that overlap."""

import struct
from typing import Any

import pytest

from lvmfmt.lvm import check, scan
from lvmfmt.lvm.agreement import agreed
from lvmfmt.lvm.checking.repair import plan

SECTOR = 512
VGSA_PSN, VGDA_PSN, VERSION = 0x34, 0x1C, 0x3C  # [lvm 4.1]
NOW = 10**18


def put(disk: Any, offset: int, data: bytes, psns: tuple[int, ...] = (7, 70)) -> None:
    for psn in psns:
        disk.write(psn * SECTOR + offset, data)


def test_records_that_agree_are_as_they_were(make_group: Any) -> None:
    infos = scan(make_group(2)[1])
    assert agreed(infos) == infos


def test_three_of_four_outvote_one(make_group: Any) -> None:
    _, devices = make_group(2)
    put(devices[0], VERSION, struct.pack(">h", 9), (7,))
    assert [info.record.version for info in agreed(scan(devices))] == [8, 8]


@pytest.mark.parametrize("name", ["an area too far", "an area over another one"])
def test_a_place_without_an_area_is_no_source(make_group: Any, name: str) -> None:
    _, devices = make_group(2)
    before = devices[1].data.copy()
    psn = 2234 + (256 if name == "an area too far" else 4)
    put(devices[0], VGSA_PSN + 4, struct.pack(">I", psn), (7,))
    assert [info.record.vgsa_psn for info in agreed(scan(devices))] == [(128, 2234)] * 2
    (rewrite,) = plan(devices, now=NOW)
    assert (rewrite.device, rewrite.offset) == (devices[0], 7 * SECTOR)
    rewrite.execute()
    assert check(devices) == [] and (devices[1].data == before).all()


def test_whole_areas_say_more_than_most_records(make_group: Any) -> None:
    _, devices = make_group(1)
    put(devices[0], VGDA_PSN, struct.pack(">II", 8000, 12000))
    (info,) = agreed(scan(devices))
    assert info.record.vgda_psn == (136, 2242)
    (problem,) = info.problems
    assert problem.rule == "record-geometry" and "records of 0 of 1 disks" in problem.text
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices) == [] and not devices[0].data[8000 * SECTOR : 8001 * SECTOR].any()


def test_a_disk_has_one_vote_whatever_its_two_records_say(make_group: Any) -> None:
    _, devices = make_group(3)
    put(devices[0], VERSION, struct.pack(">h", 9))
    for disk in devices[1:]:
        disk.write(70 * SECTOR, bytes(SECTOR))
    assert [info.record.version for info in agreed(scan(devices))] == [8, 8, 8]
