"""Which image is which PV: what copies and exchanged disks are called, and that no order of the images matters."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import LvmRecord, VolumeGroup, read_pvid, scan
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan
from lvmfmt.lvm.matching import refuse_copies
from lvmfmt.lvm.online.varyon import refresh, varyon
from lvmfmt.origin import SeededOrigin

from .conftest import MACHINE, MemoryDevice

SECTOR, MIB = 512, 1 << 20
PVID = 0x80
"""Byte of the PVID in the boot record [lvm 3]."""
PV_NUM = 0x2C
"""Byte of the PV number in an LVM record [lvm 4.1]."""


def three() -> tuple[MemoryDevice, ...]:
    """An older copy of disk 1, then disks 1 to 3 of a group: lv1 on disk 1, lv2 on disk 2, lv3 on disk 3."""
    devices = [MemoryDevice(f"d{n}", 6 * MIB) for n in range(3)]
    origin = SeededOrigin(3)
    group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB)
    with group.change(origin) as change:
        for n, pvid in enumerate(group.physical_volumes, 1):
            change.add_lv(f"lv{n}", "raw", 1, disks=[pvid])
    old = named(devices[0], "d0.old")
    with group.change(origin) as change:
        change.set_policy("lv1", replace(change.policy("lv1"), max_lps=400))
    group.logical_volumes["lv1"].device.write(SECTOR, b"new")
    return (old, *devices)


def named(device: MemoryDevice, name: str) -> MemoryDevice:
    copy = device.copy()
    copy.name = name
    return copy


def put_number(device: MemoryDevice, number: int) -> None:
    """Another PV number in both LVM records [lvm 4.1]."""
    record = scan([device])[0].record
    assert isinstance(record, LvmRecord)
    for psn in (7, 70):
        device.write(psn * SECTOR + record.structure.offset_of("pv_num"), struct.pack(">h", number))


def answer(devices: Sequence[MemoryDevice]) -> Any:
    """What opening says: members and findings about disks, or the refusal."""
    try:
        group = VolumeGroup.open(devices)
    except OperationRefused as error:
        return str(error)
    members = {number: member.device.name for number, member in group.state.members.items()}
    return members, sorted((p.rule, p.where, p.text) for p in group.problems if p.rule != "lvcb-absent")


def same_in_every_order(devices: Sequence[MemoryDevice]) -> Any:
    """The answer, which a sample of the orders all give."""
    expected = answer(devices)

    @settings(max_examples=12, deadline=None, database=None)
    @given(st.permutations(list(devices)))
    def check_order(order: list[MemoryDevice]) -> None:
        assert answer(order) == expected

    check_order()
    return expected


def test_an_older_copy_is_named_with_the_disk_that_it_is_a_copy_of() -> None:
    disks = three()
    members, findings = same_in_every_order(disks)
    assert members == {1: "d0", 2: "d1", 3: "d2"}
    ((rule, where, text),) = findings
    assert (rule, where) == ("disk-copy", "d0.old")
    assert "d0, PV 1" in text and "older copy" in text and "s behind" in text
    # what is read and what is written are the current disk's
    before = disks[0].data.copy()
    group = VolumeGroup.open(disks)
    lv1 = group.logical_volumes["lv1"].device
    assert lv1.read(SECTOR, 3).tobytes() == b"new"
    lv1.write(SECTOR, b"more")
    with group.change(SeededOrigin(9)) as change:
        change.rename_lv("lv1", "lv9")
    assert (disks[0].data == before).all()
    assert plan(disks, now=1) == [] and {p.rule for p in check(disks)} == {"disk-copy"}


def test_a_copy_is_refused_where_nobody_would_be_told() -> None:
    old, *disks = three()
    for order in ([old, *disks], [*disks, old]):
        with pytest.raises(OperationRefused, match=r"d0\.old: PVID .* is that of d0, PV 1"):
            varyon(order, origin=SeededOrigin(1))
    online = varyon(disks, origin=SeededOrigin(1))
    with pytest.raises(OperationRefused, match=r"d0\.old"):
        refresh(online, [*disks, old], origin=SeededOrigin(1))
    refuse_copies(VolumeGroup.open(disks).problems)


@pytest.mark.parametrize("what", ["equal", "torn VGDA", "newer VGSA but older VGDA", "wiped record"])
def test_what_cannot_be_told_is_refused_with_both_names(what: str) -> None:
    old, *disks = three()
    twin = old if "older" in what else named(disks[0], "d0.old")
    if what == "torn VGDA":
        disks[0].write(136 * SECTOR, bytes(8))
        disks[0].write(2242 * SECTOR, bytes(8))
    elif what == "wiped record":
        for psn in (7, 70):
            twin.write(psn * SECTOR, bytes(SECTOR))
    elif "VGSA" in what:
        for psn in (128, 2234):
            for at in (0, 0xFF8):
                twin.write(psn * SECTOR + at, struct.pack(">I", 0x7FFFFFFF))
    message = same_in_every_order([twin, *disks])
    assert "is on d0 and d0.old" in message and "nothing tells which is PV 1" in message


def test_only_the_vgsa_is_older() -> None:
    _, *disks = three()
    twin = named(disks[0], "d0.old")
    stamp = struct.unpack(">I", twin.read(128 * SECTOR, 4).tobytes())[0]
    for at in (0, 0xFF8):
        twin.write(128 * SECTOR + at, struct.pack(">I", stamp - 1))
    members, ((rule, where, text),) = same_in_every_order([twin, *disks])
    assert members[1] == "d0" and (rule, where) == ("disk-copy", "d0.old")
    assert "VGSA is 1.000000000 s behind" in text


def test_exchanged_pvids_are_found_by_record_and_control_blocks() -> None:
    _, *disks = three()
    pvids = [disk.read(PVID, 16).tobytes() for disk in disks]
    disks[0].write(PVID, pvids[1])
    disks[1].write(PVID, pvids[0])
    members, findings = same_in_every_order(disks)
    assert members == {1: "d0", 2: "d1", 3: "d2"}
    assert [(rule, where) for rule, where, _ in findings] == [("disk-exchanged", "d0"), ("disk-exchanged", "d1")]
    assert "that of PV 2, as d1 is" in findings[0][2] and "it is PV 1" in findings[0][2]
    with pytest.raises(OperationRefused, match=r"d0: its PVID is that of PV 2, as d1 is.*d1: its PVID"):
        varyon(disks, origin=SeededOrigin(1))
    for rewrite in plan(disks, now=1):
        rewrite.execute()
    assert [disk.read(PVID, 16).tobytes() for disk in disks] == pvids and check(disks) == []


def test_exchanged_numbers_are_those_of_the_records() -> None:
    _, *disks = three()
    put_number(disks[0], 2)
    put_number(disks[1], 1)
    members, findings = same_in_every_order(disks)
    assert members == {1: "d0", 2: "d1", 3: "d2"}  # control blocks agree with the PVIDs
    assert [(rule, where) for rule, where, _ in findings] == [("record-number", "d0"), ("record-number", "d1")]


def test_an_exchange_that_nothing_decides_is_refused() -> None:
    _, *disks = three()
    for disk in disks[:2]:
        for pp in range(3):
            disk.write(4352 * SECTOR + pp * MIB, bytes(SECTOR))  # no control block
    put_number(disks[0], 2)
    put_number(disks[1], 1)
    message = same_in_every_order(disks)
    assert "are exchanged: d0 (PVID of PV 1, LVM record of PV 2), d1 (PVID of PV 2, LVM record of PV 1)" in message


def test_a_wrong_number_on_one_disk_is_the_record_s_fault() -> None:
    _, *disks = three()
    put_number(disks[0], 2)
    members, ((rule, where, _),) = same_in_every_order(disks)
    assert members == {1: "d0", 2: "d1", 3: "d2"} and (rule, where) == ("record-number", "d0")


@pytest.mark.parametrize("told", [True, False])
def test_a_disk_with_the_pvid_of_another(told: bool) -> None:
    _, *disks = three()
    disks[0].write(PVID, disks[1].read(PVID, 16).tobytes())
    if not told:
        for pp in range(3):
            disks[0].write(4352 * SECTOR + pp * MIB, bytes(SECTOR))
    members, findings = same_in_every_order(disks)
    if told:  # the LVM record and the control block of lv1 say that it is PV 1
        assert members == {1: "d0", 2: "d1", 3: "d2"}
        assert [(rule, where) for rule, where, _ in findings] == [("disk-exchanged", "d0")]
    else:
        assert members == {2: "d1", 3: "d2"}
        assert {rule for rule, *_ in findings} >= {"disk-copy", "pv-absent"}
        assert any("that of d1, PV 2; its LVM record says PV 1" in text for _, _, text in findings)


def test_a_lost_pvid_is_found_by_the_record() -> None:
    _, *disks = three()
    pvid = read_pvid(disks[1])
    disks[1].write(PVID, bytes(16))
    members, ((rule, where, _),) = same_in_every_order(disks)
    assert members == {1: "d0", 2: "d1", 3: "d2"} and (rule, where) == ("disk-pvid", "d1")
    assert list(VolumeGroup.open(disks).physical_volumes)[1] == pvid


def test_an_image_that_ends_early_is_not_the_larger_disk() -> None:
    """Exchanged with one that has not the room for its PPs."""
    devices = [MemoryDevice(f"d{n}", (6 + n) * MIB) for n in range(2)]
    VolumeGroup.create(devices, origin=SeededOrigin(3), machine_id=MACHINE, pp_size=MIB)
    pvids = [disk.read(PVID, 16).tobytes() for disk in devices]
    devices[0].write(PVID, pvids[1])
    devices[1].write(PVID, pvids[0])
    members, findings = same_in_every_order(devices)
    assert members == {1: "d0", 2: "d1"} and {rule for rule, *_ in findings} == {"disk-exchanged"}


def test_the_missing_disk_comes_back_with_a_copy_of_itself() -> None:
    """One that was away is older than the group, and so is its copy: nothing tells which is right."""
    old, *disks = three()
    online = varyon(disks[1:], origin=SeededOrigin(5), force=True)
    with online.change() as change:
        change.rename_lv("lv2", "lv9")
    with pytest.raises(OperationRefused, match=r"is on d0 and d0\.old"):
        refresh(online, [*disks, old], origin=SeededOrigin(5))
    assert refresh(online, disks, origin=SeededOrigin(5)).missing == set()


Make = Callable[..., tuple[VolumeGroup, list[Any]]]


def test_a_disk_that_is_split_off_is_nobody_s_copy(make_group: Make, origin: SeededOrigin) -> None:
    from lvmfmt.lvm.split import split_group

    group, devices = make_group(2)
    with group.change(origin) as change:
        for name, lv in group.logical_volumes.items():
            if lv.copies == 1:
                change.mirror(name)
    group.sync(origin=origin)
    split_group(group, [list(group.physical_volumes)[1]], origin=origin)
    reopened = VolumeGroup.open([devices[0]])
    assert reopened.split_off == {2} and set(reopened.state.members) == {1}
    assert not [p for p in reopened.problems if p.rule in ("pv-absent", "disk-copy")]


def stamp_at(device: MemoryDevice, psn: int) -> int:
    seconds, nanoseconds = struct.unpack(">II", device.read(psn * SECTOR, 8).tobytes())
    return int(seconds) * 10**9 + int(nanoseconds)


@pytest.mark.parametrize(("psn", "what"), [(136, "VGDA"), (128, "VGSA")])
def test_how_far_a_copy_is_behind(psn: int, what: str) -> None:
    old, *disks = three()
    if what == "VGSA":
        old = named(disks[0], "d0.old")
        for at in (0, 0xFF8):
            seconds = struct.unpack(">I", old.read(psn * SECTOR + at, 4))[0]
            old.write(psn * SECTOR + at, struct.pack(">I", seconds - 3))
    behind = stamp_at(disks[0], psn) - stamp_at(old, psn)
    assert behind > 0
    ((_, _, text),) = answer([old, *disks])[1]
    assert text.endswith(f"its {what} is {behind // 10**9}.{behind % 10**9:09} s behind")


def test_where_first_blocks_and_ends_of_pvs_lie() -> None:
    from lvmfmt.lvm.diskcontent import _first_blocks, end_of
    from lvmfmt.lvm.matching import _sign

    _, *disks = three()
    state = VolumeGroup.open(disks).state
    for minor in (1, 2, 3):
        pp = int(state.maps[minor].pp[0, 0])
        for number in (1, 2, 3):
            expected = [4352 * SECTOR + (pp - 1) * MIB] if number == minor else []
            assert list(_first_blocks(state, minor, number)) == expected
    count = int(state.vgda.pvs["pp_count"][0])
    assert end_of(state, 1) == 4352 * SECTOR + count * MIB <= disks[0].size
    a, b, c = (True, 2, 0), (True, 1, 0), (False, 3, 0)
    assert [_sign(*pair) for pair in ((a, b), (b, a), (a, a), (b, c))] == [1, -1, 0, 0]  # type: ignore[arg-type]
    disks[0].size = end_of(state, 1)
    assert answer(disks)[1] == []
    disks[0].size -= SECTOR
    ((rule, where, text),) = answer(disks)[1]
    assert (rule, where) == ("pv-size", "d0")
    assert text == f"its PPs end at byte {end_of(state, 1)}, the disk at byte {disks[0].size}"


def test_a_record_that_is_lost_and_one_with_another_number() -> None:
    _, *disks = three()
    put_number(disks[1], 7)
    for psn in (7, 70):
        disks[2].write(psn * SECTOR, bytes(SECTOR))
    group = VolumeGroup.open(disks)
    found = {p.rule: p for p in group.problems}
    assert found["record-number"].text == "expected 2, found 7" and found["record-missing"].offset == 7 * SECTOR
    assert found["record-number"].offset == 7 * SECTOR + PV_NUM
    assert set(group.state.members) == {1, 2, 3}
