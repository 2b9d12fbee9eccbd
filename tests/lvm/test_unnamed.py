"""What no field names is not written over unasked, and a field of grade C only where it is what was found.

What AIX keeps there is not known (grade C), so the reason for every expectation is that nothing may be lost.
"""

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.block.undo import load
from lvmfmt.errors import LvmfmtError, OperationRefused
from lvmfmt.layout.record import Grade
from lvmfmt.lvm import VgKind, VolumeGroup, check, join_group, reidentify, repair, split_group, varyon
from lvmfmt.lvm.checking.repair import plan
from lvmfmt.lvm.transfer import import_lv
from lvmfmt.lvm.unnamed import UNNAMED, in_vgda, in_vgsa
from lvmfmt.lvm.vgdaformat import Table
from lvmfmt.origin import FixedOrigin, SeededOrigin

SECTOR, MIB = 512, 1 << 20
NOW = 1_900_000_000 * 10**9
KINDS = [VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE]


class Areas:
    """All places of VGSA and VGDA of a group, and bytes put into each alike."""

    def __init__(self, devices: list[Any]) -> None:
        self.devices = devices
        self.state = VolumeGroup.open(devices).state

    def put(self, area: str, at: int, data: bytes) -> None:
        for number, member in self.state.members.items():
            for index in range(self.state.vgda.vgda_count(number)):
                psn = getattr(member.record, f"{area}_psn")[index]
                member.device.write(psn * SECTOR + at, data)


# Where there are bytes without a name, by the tables of [lvm 7 to 10].
PLACES: dict[VgKind, dict[str, tuple[str, int, bytes]]] = {
    VgKind.CLASSIC: {
        "check sum": ("vgda", 0x28, b"\x12\x34"),
        "header": ("vgda", 0x100, b"\1"),
        "LV entry": ("vgda", SECTOR + 2, b"\1"),
        "PV header": ("vgda", 17 * SECTOR + 0x1C, b"\1"),
        "PP entry": ("vgda", 17 * SECTOR + 32 * 3 + 31, b"\1"),
        "behind the PP entries": ("vgda", 17 * SECTOR + 32 + 1016 * 32, b"\1"),
        "last byte of the last PV area": ("vgda", 2065 * SECTOR - 1, b"\1"),
        "trailer": ("vgda", 2097 * SECTOR + 8, b"\1"),
        "VGSA pad": ("vgsa", 0xFEE, b"\1"),
    },
    VgKind.BIG: {
        "header": ("vgda", 0x2A, b"\1"),
        "behind the PP entries": ("vgda", 33 * SECTOR + 32 + 1016 * 32, b"\1"),
        "VGSA pad": ("vgsa", 16384 - 9, b"\1"),
    },
    VgKind.SCALABLE: {
        "vg_info": ("vgda", SECTOR - 9, b"\1"),
        "behind the PVs": ("vgda", 130 * SECTOR - 9, b"\1"),
        "start of lvcb_info": ("vgda", 130 * SECTOR + 17, b"\1"),
        "behind the LVs": ("vgda", (130 + 258 + 65) * SECTOR - 9, b"\1"),
        "behind ppsa": ("vgsa", 9 * SECTOR - 9, b"\1"),
    },
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_our_own_groups_have_none(make_group: Any, kind: VgKind, count: int) -> None:
    group, devices = make_group(count, kind=kind)
    with group.change(SeededOrigin(3)) as change:
        change.remove_lv("hd5")
        change.extend_lv("lv00", 2)
    state = VolumeGroup.open(devices).state
    assert not list(in_vgda(state.vgda)) and not list(in_vgsa(state.vgsa, state.vgda))
    assert check(devices) == []


@pytest.mark.parametrize(("kind", "where"), [(kind, where) for kind, places in PLACES.items() for where in places])
def test_they_are_named_and_nothing_is_written_unless_it_is_forced(
    make_group: Any, tmp_path: Path, kind: VgKind, where: str
) -> None:
    _, devices = make_group(2, kind=kind)
    areas = Areas(devices)
    area, at, data = PLACES[kind][where]
    areas.put(area, at, data)
    (note,) = check(devices)
    member = areas.state.members[1]
    first = getattr(member.record, f"{area}_psn")[0] * SECTOR + at
    assert (note.rule, note.severity, note.where, note.offset) == (UNNAMED, "note", "disk1", first)
    before = [disk.data.copy() for disk in devices]

    assert plan(devices, now=NOW) == []
    said = rf"{first:#x}.*--force` overwrites"
    with pytest.raises(OperationRefused, match=said), VolumeGroup.open(devices).change(FixedOrigin(NOW)) as change:
        change.remove_lv("lv00")
    member.device.write(member.record.vgda_psn[0] * SECTOR, bytes(4))  # now one copy has to be written anew
    broken = member.device.data.copy()
    with pytest.raises(OperationRefused, match=r"the group is not written"):
        repair(devices, tmp_path / "undo")
    assert np.array_equal(member.device.data, broken) and np.array_equal(devices[1].data, before[1])
    assert not (tmp_path / "undo").exists()

    assert repair(devices, tmp_path / "undo", origin=FixedOrigin(NOW), force=True) > 0
    assert check(devices) == []
    load(tmp_path / "undo").restore(devices)
    assert np.array_equal(member.device.data, broken) and np.array_equal(devices[1].data, before[1])


def _varyon(devices: list[Any]) -> None:
    devices[1].write(136 * SECTOR, bytes(4))  # a copy that varyonvg writes anew
    varyon(devices, origin=FixedOrigin(NOW)).varyoff()


def _split(devices: list[Any]) -> None:
    group = VolumeGroup.open(devices)
    split_group(group, [list(group.physical_volumes)[1]])


CHANGES: dict[str, Callable[[list[Any]], object]] = {
    "varyon of a group with a lost copy": _varyon,
    "split": _split,
    "reidentify": lambda devices: reidentify(devices, origin=SeededOrigin(1)),
    "sync": lambda devices: VolumeGroup.open(devices).sync("hd4", force=True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_no_way_to_change_a_group_writes_over_them(make_group: Any, what: str) -> None:
    group, devices = make_group(2)
    with group.change(SeededOrigin(4)) as change:
        change.remove_lv("hd5")
        change.remove_lv("lv00")
    Areas(devices).put("vgda", 0x100, b"AIX")
    mine: list[tuple[Any, int, bytes]] = []
    for disk in devices:
        disk.log = mine
    with pytest.raises(OperationRefused, match="the group is not written"):
        CHANGES[what](devices)
    assert [(d.name, at) for d, at, data in mine if data != bytes(4)] == []


def test_content_is_imported_where_no_area_is_written_and_else_refused_at_once(make_group: Any) -> None:
    _, devices = make_group(2)
    areas = Areas(devices)
    areas.put("vgda", 0x100, b"AIX")
    before = [disk.data.copy() for disk in devices]
    group = VolumeGroup.open(devices)
    mirrored, single = (group.logical_volumes[name] for name in ("hd4", "lv00"))
    with pytest.raises(OperationRefused, match="the group is not written"):
        import_lv(group, mirrored, io.BytesIO(b"x" * mirrored.size))
    assert all(np.array_equal(disk.data, old) for disk, old in zip(devices, before, strict=True))
    import_lv(group, single, io.BytesIO(b"x" * single.size))
    changed = sum(int((disk.data != old).sum()) for disk, old in zip(devices, before, strict=True))
    assert single.size - SECTOR < changed <= single.size  # some bytes may have been an x


def test_a_group_that_needs_no_write_is_varied_on(make_group: Any) -> None:
    _, devices = make_group(2)
    Areas(devices).put("vgda", 0x100, b"AIX")
    online = varyon(devices, origin=FixedOrigin(NOW))
    assert bytes(online.open_lv("hd4").read(0, 8)) == b"AIX LVCB"


def _c_fields() -> Iterator[Any]:
    from lvmfmt.lvm.vgdaformat import row_format, row_sectors, scalable_areas, scalable_format

    for kind in KINDS:
        fmt = (
            scalable_format(scalable_areas(1024, 256, 32768)[3:])
            if kind is VgKind.SCALABLE
            else row_format(kind, row_sectors(kind), 1)
        )
        header = Table(fmt.header, 0, 1, SECTOR)
        # LV 2 is mirrored; its PPs lie behind those of LV 1
        for table, row in ((header, 0), (fmt.lvs, 1), (fmt.pvs, 0), (fmt.pps, -1)):
            for info in table.record.fields():
                if info.grade is Grade.C and info.name not in ("sec", "nsec", "layout", *table.record.nameless):
                    marks = pytest.mark.slow if kind is VgKind.BIG else ()
                    yield pytest.param(kind, table.record.name, row, info.name, marks=marks)


@pytest.mark.parametrize(("kind", "structure", "row", "field"), list(_c_fields()))
def test_a_repair_leaves_every_field_of_grade_c_that_no_finding_is_about(
    make_group: Any, kind: VgKind, structure: str, row: int, field: str
) -> None:
    _, pristine = make_group(2, kind=kind)
    for value in (4, 9) if kind is VgKind.CLASSIC else (9,):
        devices = [Overlay(disk) for disk in pristine]
        areas = Areas(devices)
        fmt = areas.state.vgda.format
        table = next(
            t for t in (Table(fmt.header, 0, 1, SECTOR), fmt.lvs, fmt.pvs, fmt.pps) if t.record.name == structure
        )
        if row < 0:
            first = areas.state.maps[2]
            row = int(areas.state.vgda.slots.rows_of(first.pv[0, :1], first.pp[0, :1])[0])
        size = table.record.dtype[field].itemsize
        at = table.at(row) + table.record.offset_of(field)
        wanted = (value & (1 << 8 * size) - 1).to_bytes(size, "big")
        areas.put("vgda", at, wanted)
        try:
            # a finding about other copies names the first of four fields
            if any(p.field == field or p.rule == "pp-alternates" for p in check(devices)):
                continue
            # something else is wrong: a name, of which the control blocks tell
            names = fmt.names
            areas.put("vgda", names.at(2), b"!\0")
            rewrites = plan(devices, now=NOW)
        except LvmfmtError:
            continue
        for rewrite in rewrites:
            rewrite.execute()
        raw = VolumeGroup.open(devices).state.vgda.raw
        assert raw[at : at + size].tobytes() == wanted, (value, check(devices))


def test_bytes_that_only_an_outvoted_disk_has_are_damage(make_group: Any) -> None:
    _, devices = make_group(3)
    devices[1].write(136 * SECTOR + 0x100, b"\1")
    assert [p.rule for p in check(devices)] == ["vgda-differs"]
    for rewrite in plan(devices, now=NOW):
        rewrite.execute()
    assert check(devices) == []


def test_a_joined_group_is_looked_at_too(make_group: Any) -> None:
    group, devices = make_group(2)
    with group.change(SeededOrigin(4)) as change:
        change.remove_lv("hd5")
        change.remove_lv("lv00")
    split_group(group, [list(group.physical_volumes)[1]], origin=SeededOrigin(5))
    psns = VolumeGroup.open(devices[:1]).state.members[1].record.vgda_psn
    for psn in psns:
        devices[0].write(psn * SECTOR + 0x28, struct.pack(">H", 7))
    with pytest.raises(OperationRefused, match="check_sum"):
        join_group(VolumeGroup.open(devices[:1]), devices[1:], origin=SeededOrigin(6))
