"""What `check` counts and where it points: ranges from both sides, numbers in findings, first blocks [lvm 4, 6, 7]."""

import struct
from typing import Any

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.layout.lvm_disk import LVM_RECORD
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check, first_blocks, kept_fields
from lvmfmt.lvm.kinds import VgKind
from lvmfmt.lvm.problems import Problem

SECTOR, MIB = 512, 1 << 20
FIRST_PP = 4352  # of a classic group: behind both VGDAs [lvm 4]
PPS = 61  # that a disk of `make_group` has


def found(devices: Any, rule: str) -> list[Problem]:
    return [problem for problem in check(devices) if problem.rule == rule]


def put_record(device: Any, name: str, value: int) -> None:
    for psn in (7, 70):
        device.write(psn * SECTOR + LVM_RECORD.offset_of(name), struct.pack(">I", value))


def test_the_pool_lies_between_the_pps_and_the_end(make_group: Any) -> None:
    _, (device,) = make_group()
    end, sectors = FIRST_PP + PPS * MIB // SECTOR, device.size // SECTOR
    for start, length, sound in (
        (end, 256, True),
        (end - 1, 256, False),
        (sectors - 256, 256, True),
        (sectors - 255, 256, False),
        (end, sectors - end, True),
        (end, sectors - end + 1, False),
    ):
        put_record(device, "reloc_psn", start)
        put_record(device, "reloc_len", length)
        assert [p.text for p in found([device], "record-pool")] == (
            [] if sound else [f"expected {length} sectors between {end} and {sectors}, found {start}"]
        ), (start, length)


def test_the_area_is_two_of_each(make_group: Any) -> None:
    _, (device,) = make_group()
    put_record(device, "lvmarea_len", 4211)
    (problem,) = found([device], "record-length")
    # two VGDAs of 2,098 sectors, two VGSAs of 8 [lvm 4]
    assert problem.text == "expected 4212, found 4211"
    assert problem.offset == 7 * SECTOR + LVM_RECORD.offset_of("lvmarea_len")


@pytest.mark.parametrize("entries", [[0], [255], [-1], [256], [-1, 5, 256]])
def test_replacements_lie_in_the_pool(make_group: Any, entries: list[int]) -> None:
    _, (device,) = make_group()
    start, length = device.size // SECTOR - 256, 256  # at the end of the disk [lvm 6]
    header = b"DEFECT" + struct.pack(">h", len(entries))
    data = b"".join(struct.pack(">II", 0xB0000000 | 9000 + n, start + at) for n, at in enumerate(entries))
    for psn in (8, 71):
        device.write(psn * SECTOR, header + data + header)
    outside = sum(not 0 <= at < length for at in entries)
    problems = found([device], "bad-blocks-pool")
    if not outside:
        assert problems == []
        return
    text = f"{outside} replacements outside sectors {start} to {start + length}"
    assert [(p.text, p.offset) for p in problems] == [(text, psn * SECTOR + 8) for psn in (8, 71)]


def test_the_first_difference_of_the_directories(make_group: Any) -> None:
    _, (device,) = make_group()
    header = b"DEFECT\0\1"
    for psn, sector in ((8, 9000), (71, 9001)):
        start = device.size // SECTOR - 256
        device.write(psn * SECTOR, header + struct.pack(">II", 0xB0000000 | sector, start) + header)
    (problem,) = found([device], "bad-blocks-differ")
    assert problem.offset == 71 * SECTOR + 8 + 3  # the last byte of the first word of the entry


def test_a_disk_that_is_cut_to_its_metadata(make_group: Any) -> None:
    _, devices = make_group(3)
    devices[2].write(8 * SECTOR, b"UPDATE")
    devices[2].size = FIRST_PP * SECTOR
    assert len(found(devices, "bad-blocks-copy")) == 1
    devices[2].size -= SECTOR
    try:
        assert found(devices, "bad-blocks-copy") == []
    except OperationRefused:
        pytest.fail("the other two disks have the quorum")


def test_copies_that_are_left_over(make_group: Any) -> None:
    _, devices = make_group(3)  # three disks have a copy each [lvm 1.2]
    for psn in (2234, 2242):  # the places of the second VGSA and VGDA [lvm 4]
        devices[1].write(psn * SECTOR, b"\1")
    problems = found(devices, "area-left-over")
    assert {(p.where, p.offset) for p in problems} == {(devices[1].name, psn * SECTOR) for psn in (2234, 2242)}
    assert all("counts 1 copies" in p.text for p in problems)


def mark_stale(devices: Any, number: int, pps: list[int]) -> None:
    """Set bits of the VGSA: 127 bytes a PV from byte 12, lowest bit first [lvm 7.1]; a group of two disks has three."""
    for device, psn in ((devices[0], 128), (devices[0], 2234), (devices[1], 128)):
        for pp in pps:
            at = psn * SECTOR + 12 + 127 * (number - 1) + (pp - 1) // 8
            device.write(at, bytes([int(device.read(at, 1)[0]) | 1 << (pp - 1) % 8]))


def test_stale_partitions_that_the_vgda_does_not_mark(make_group: Any) -> None:
    group, devices = make_group(2)
    lv_map = group.logical_volumes["hd4"].map
    number, pps = int(lv_map.pv[0, 0]), lv_map.pp[0].tolist()
    mark_stale(devices, number, pps[1:4])
    (problem,) = found(devices, "pp-state")
    assert problem.text.startswith(f"PV {number} PP {min(pps[1:4])} and 2 more")
    assert found(devices, "lp-good") == []
    mark_stale(devices, int(lv_map.pv[1, 0]), lv_map.pp[1].tolist()[2:])
    (problem,) = found(devices, "lp-good")
    assert problem.text == "2 LPs have only stale copies, the first is LP 3"


def test_a_name_in_the_slot_of_another(make_group: Any) -> None:
    group, devices = make_group()
    vgda = group.state.vgda
    at = [136 * SECTOR + vgda.format.lvs.at(minor - 1) for minor in (2, 3)]
    for copy in (0, 2106 * SECTOR):
        devices[0].write(copy + at[0], b"\0\2")  # the name entry is the first member of an LV entry [lvm 8.2]
        devices[0].write(copy + at[1], b"\0\1")
    assert [(p.offset, p.text) for p in found(devices, "lv-name-slot")] == [
        (at[0], "expected 1, found 2"),
        (at[1], "expected 2, found 1"),
    ]


def test_first_blocks_are_those_of_good_copies_within_reach(make_group: Any) -> None:
    group, devices = make_group(2)
    lv = group.logical_volumes["hd4"]
    blocks = first_blocks(lv)
    where = {
        (devices[int(pv) - 1].name, (FIRST_PP + (int(pp) - 1) * MIB // SECTOR) * SECTOR)
        for pv, pp in zip(lv.map.pv[:, 0], lv.map.pp[:, 0], strict=True)
    }
    assert {(device.name, offset) for device, offset, _ in blocks} == where and len(blocks) == 2
    assert blocks[0][2] == lv.device.read(0, SECTOR).tobytes()
    mark_stale(devices, int(lv.map.pv[0, 0]), [int(lv.map.pp[0, 0])])
    (left,) = first_blocks(VolumeGroup.open(devices).logical_volumes["hd4"])
    assert left[0].name == devices[int(lv.map.pv[1, 0]) - 1].name
    pv, pp = int(lv.map.pv[1, 0]), int(lv.map.pp[1, 0])
    devices[pv - 1].size = FIRST_PP * SECTOR + pp * MIB  # the PP is the last one that is there
    assert len(first_blocks(VolumeGroup.open(devices).logical_volumes["hd4"])) == 1
    devices[pv - 1].size -= SECTOR
    assert first_blocks(VolumeGroup.open(devices).logical_volumes["hd4"]) == []


def test_control_blocks_of_copies_that_differ(make_group: Any) -> None:
    group, devices = make_group(2)
    lv = group.logical_volumes["hd4"]
    pv, pp = int(lv.map.pv[1, 0]), int(lv.map.pp[1, 0])
    at = FIRST_PP * SECTOR + (pp - 1) * MIB
    devices[pv - 1].write(at + 500, b"\7")
    (problem,) = found(devices, "lvcb-copies")
    assert (problem.where, problem.offset) == (devices[pv - 1].name, at)
    assert devices[2 - pv].name in problem.text


def test_fields_that_a_repair_leaves_alone() -> None:
    assert kept_fields(VgKind.CLASSIC) == {"vg_type", "ltg_shift", "reloc_psn", "reloc_len"}
    assert kept_fields(VgKind.SCALABLE) == {"vg_type", "ltg_shift", "bb_reloc_psn", "bb_reloc_len"}


def test_who_is_right_about_a_name_that_cannot_be(make_group: Any) -> None:
    group, devices = make_group(2)
    for number, member in group.state.members.items():
        for psn in member.record.vgda_psn[: group.state.vgda.vgda_count(number)]:
            member.device.write(
                (psn + 2098 - 33) * SECTOR + 64, b"\xff"
            )  # the first byte of the name of LV 2 [lvm 8.3]
    right = {problem.rule: problem.right for problem in check(devices)}
    assert right == dict.fromkeys(("lvcb-vgda", "lv-name-text"), "its control block, if that has its LVID")


def test_nothing_says_what_was_in_bad_block_directories_that_are_both_gone(make_group: Any) -> None:
    _, (device,) = make_group()
    device.write(8 * SECTOR, b"UPDATE")
    assert [p.right for p in found([device], "bad-blocks-copy")] == ["the copy with a valid id, count and trailer"]
    device.write(71 * SECTOR, b"UPDATE")
    both = found([device], "bad-blocks-copy")
    assert [p.right for p in both] == ["nothing says: neither copy is whole"] * 2


def test_a_count_is_not_called_wrong_by_an_entry_that_is_lost(make_group: Any) -> None:
    _, (device,) = make_group()
    for psn in (136, 2242):
        device.write((psn + 1) * SECTOR + 2 * 32, bytes(32))  # the entry of LV 3 [lvm 8.2]
    assert found([device], "lv-entry-lost")
    (count,) = found([device], "header-count")
    assert count.right.startswith("nothing says: the entry of an LV is lost")
