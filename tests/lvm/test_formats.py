"""Big and scalable groups: where their structures lie, that others' are recognised, that disagreements are found.

Places come from [lvm 4.2, 7.2, 7.3, 9, 10]; what is changed to break a rule is changed through the tables of a
copy that the bytes of the disk are read into and written back from, in all three formats alike.
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block.undo import load as load_undo
from lvmfmt.errors import CorruptImage, LvmfmtError, OperationRefused, UnsupportedFeature
from lvmfmt.layout.lvm_disk import LVM_RECORD_SCALABLE
from lvmfmt.lvm import Severity, VgKind, VolumeGroup, scan
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan, repair
from lvmfmt.lvm.descriptor.copies import Place
from lvmfmt.lvm.descriptor.vgda import Vgda
from lvmfmt.lvm.descriptor.vgsa import Vgsa
from lvmfmt.lvm.geometry import GroupGeometry
from lvmfmt.origin import FixedOrigin, SeededOrigin

MIB, GIB, TIB, SECTOR = 1 << 20, 1 << 30, 1 << 40, 512
NOW = 1_400_000_000 * 10**9
KINDS = [VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE]
OURS_ONLY = KINDS[1:]


@pytest.fixture(scope="module")
def groups() -> dict[Any, list[Any]]:
    """The groups made so far."""
    return {}


@pytest.fixture
def group_of(disks: Any, groups: dict[Any, list[Any]]) -> Callable[..., list[Any]]:
    """`group_of(kind, disks)`: hd5 and lv00 in one copy, hd4 in two if it can be; returns the disks."""

    def group_of(kind: VgKind, count: int = 2, **options: int) -> list[Any]:
        key = kind, count, *options.items()
        if key not in groups:
            groups[key] = make(kind, count, **options)
        return [disk.copy() for disk in groups[key]]

    def make(kind: VgKind, count: int, **options: int) -> list[Any]:
        from .conftest import MACHINE

        devices: list[Any] = disks(count, 24 * MIB)
        origin = SeededOrigin(7)
        group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB, kind=kind, **options)
        pvids = list(group.physical_volumes)
        with group.change(origin) as change:
            change.add_lv("hd5", "boot", 2, disks=pvids[:1], label="primary_bootlv")
            change.add_lv("hd4", "jfs2", 3, min(count, 2), label="/", fs="vfs=jfs2:log=/dev/hd8")
            change.add_lv("lv00", "raw", 3, disks=pvids[-1:])
        return devices

    return group_of


def fingerprints(devices: list[Any]) -> list[int]:
    """What tells whether a byte was changed."""
    return [zlib.crc32(device.data) for device in devices]


def word(disk: Any, offset: int, format: str = ">I") -> Any:
    return struct.unpack(format, bytes(disk.read(offset, struct.calcsize(format))))[0]


# ---- where things lie


def test_places_of_a_big_group(group_of: Any) -> None:
    """[lvm 9]: VGSA 128, VGDA 160, VGSA' 8962, VGDA' 8994, first PP 17920; LV entries at 1, PV areas at 33."""
    (disk,) = group_of(VgKind.BIG, 1)
    record = VolumeGroup.open([disk]).record
    assert (record.vgsa_psn, record.vgda_psn) == ((128, 8962), (160, 8994))
    assert (record.vgsa_len, record.vgda_len, record.first_pp_psn) == (32, 8802, 17920)
    for psn in (7, 70):
        assert word(disk, psn * SECTOR + 0x3C, ">h") == 10 and word(disk, psn * SECTOR + 0x3E, ">h") == 1
    for vgda in (160, 8994):
        assert word(disk, vgda * SECTOR + 0x1A, ">h") == 512  # maxlvs
        assert word(disk, (vgda + 1) * SECTOR + 32 + 0xC) == 3  # LV 2 has 3 LPs
        assert word(disk, (vgda + 33) * SECTOR + 0x14) == 17920  # PP 1 of PV 1
        assert bytes(disk.read((vgda + 8225) * SECTOR + 64, 4)) == b"hd4\0"
        assert bytes(disk.read((vgda + 8289 + 1) * SECTOR, 8)) == b"AIX LVCB"
        stamps = [bytes(disk.read(at, 8)) for at in (vgda * SECTOR, (vgda + 8801) * SECTOR)]
        assert stamps[0] == stamps[1] != bytes(8)
    assert word(disk, 128 * SECTOR + 0x3F98, ">H") == 1  # factor
    assert bytes(disk.read(17920 * SECTOR, 8)) in (b"AIX LVCB", bytes(8))


def test_places_of_a_scalable_group(group_of: Any) -> None:
    """[lvm 10]: areas of 9, 1, 1 and 1, 129, 258, 65, 2049 sectors; two copies end at 5154, first PP 5376."""
    (disk,) = group_of(VgKind.SCALABLE, 1)
    record = VolumeGroup.open([disk]).record
    values = LVM_RECORD_SCALABLE.parse(disk.read(7 * SECTOR, SECTOR))
    assert record.areas == (9, 1, 1, 1, 129, 258, 65, 2049)
    assert (values.vgsa_len, values.vgda_len, values.version, values.pp_shift) == (11, 2502, 31, 20)
    assert list(values.ppsa_psn) == [128, 2641] and list(values.vg_info_psn) == [139, 2652]
    assert list(values.ppea_psn) == [139 + 453, 2652 + 453]
    assert record.first_pp_psn == 5376
    for vg_info in values.vg_info_psn:
        at = vg_info * SECTOR
        assert word(disk, at + 0x20) == 3 and word(disk, at + 0x24) == 256  # numlvs, maxlvs
        assert word(disk, at + 0x38) == 32768  # maxpps
        assert word(disk, at + SECTOR + 16 + 0x18, ">Q") == 5376  # psn_part1 of PV 1
    for lvcb, lvea in zip(values.lvcb_info_psn, values.lvea_psn, strict=True):
        assert bytes(disk.read((lvcb + 2) * SECTOR, 8)) == b"AIX LVCB"  # of LV 2: sector 1 is LV 1's
        assert bytes(disk.read(lvea * SECTOR + 16 + 128 + 0x40, 4)) == b"hd4\0"
    lv = VolumeGroup.open([disk]).logical_volumes["hd4"]
    assert not lv.device.read(0, lv.size).any()  # the first block is the application's: D11
    assert lv.label == "/"


@pytest.mark.parametrize(
    ("kind", "lvs", "pvs", "pps", "factors"),
    [
        (VgKind.CLASSIC, 256, 32, 32512, 32),
        (VgKind.BIG, 512, 128, 130048, 64),
        (VgKind.SCALABLE, 256, 1024, 32768, 1),
    ],
)
def test_published_limits(kind: VgKind, lvs: int, pvs: int, pps: int, factors: int) -> None:
    """[lvm 1.3]."""
    geometry = GroupGeometry.of([], 16 * MIB, 1, None, kind=kind)
    assert (geometry.max_lvs, geometry.max_pvs, geometry.vg_pps) == (lvs, pvs, pps)
    with pytest.raises(OperationRefused, match="factor"):
        GroupGeometry.of([], 16 * MIB, 2 * factors, None, kind=kind)
    assert GroupGeometry.of([], 16 * MIB, factors, None, kind=kind).max_pvs == pvs // factors


def test_scalable_pp_sizes_and_disks(memory_disk: Any) -> None:
    """PPs up to 128 GiB [lvm 1.3], disks beyond 2 TiB; what does not fit is refused with what would be lost."""
    geometry = GroupGeometry.of([], 128 * GIB, 1, None, kind=VgKind.SCALABLE, max_pps=2097152, max_lvs=4096)
    assert geometry.record("0" * 16).areas[-1] == -(-(16 + 2097152 * 32 + 8) // 512)
    assert geometry.fit(100 * TIB).pps == 799  # 800 PPs of 128 GiB but for the metadata
    with pytest.raises(OperationRefused, match="128 GiB"):
        GroupGeometry.of([], 256 * GIB, 1, None, kind=VgKind.SCALABLE)
    small = GroupGeometry.of([], 16 * MIB, 1, None)
    fit = small.fit(1020 * 16 * MIB)
    assert (fit.pps, fit.room) == (1016, 1019)
    assert fit.lost == 1020 * 16 * MIB - (4352 + 256) * SECTOR - 1016 * 16 * MIB


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_is_changed_is_read_back(kind: VgKind, count: int, group_of: Any) -> None:
    devices = group_of(kind, count)
    origin = SeededOrigin(8)
    group = VolumeGroup.open(devices)
    with group.change(origin) as change:
        change.rename_lv("lv00", "other")
        change.add_lv("new", "jfs2", 4, label="/new")
        change.remove_lv("hd5")
    if count > 1:
        with group.change(origin) as change:
            change.mirror("other")
        group.sync(origin=origin)
    again = VolumeGroup.open(devices)
    assert not again.problems and not check(devices)
    assert {n: (v.lps, v.copies) for n, v in again.logical_volumes.items()} == {
        "new": (4, 1),
        "hd4": (3, min(count, 2)),
        "other": (3, min(count, 2)),
    }
    assert again.logical_volumes["new"].label == "/new"
    if count == 3:
        with group.change(origin) as change:
            for name in list(group.logical_volumes):
                change.remove_lv(name)
        with group.change(origin) as change:
            change.remove_pv(list(group.physical_volumes)[1])
        assert not check([devices[0], devices[2]])
        with group.change(origin) as change:
            change.add_pv(devices[1])
        assert not check(devices) and len(VolumeGroup.open(devices).physical_volumes) == 3


# ---- recognised, never misread


def spoil(devices: list[Any], offsets: list[int], data: bytes) -> None:
    for device in devices:
        for offset in offsets:
            device.write(offset, data)


@pytest.mark.parametrize(
    ("kind", "offsets"),
    [
        (VgKind.BIG, [160 * SECTOR + 0x40, 8994 * SECTOR + 0x40]),  # the mark in the header
        (VgKind.BIG, [7 * SECTOR + 0x18, 70 * SECTOR + 0x18]),  # another length of the VGDA
        (VgKind.SCALABLE, [139 * SECTOR + 8, 2652 * SECTOR + 8]),  # the mark in vg_info
        (VgKind.SCALABLE, [7 * SECTOR + 0x30, 70 * SECTOR + 0x30]),  # another length of ppea
        (VgKind.SCALABLE, [7 * SECTOR + 0x80, 70 * SECTOR + 0x80]),  # pv_info elsewhere
    ],
)
def test_a_layout_that_is_not_ours(kind: VgKind, offsets: list[int], group_of: Any, tmp_path: Path) -> None:
    devices = group_of(kind)
    spoil(devices, offsets, struct.pack(">I", 8192))
    before = fingerprints(devices)
    for action in (
        lambda: VolumeGroup.open(devices),
        lambda: check(devices),
        lambda: repair(devices, tmp_path / "undo", origin=FixedOrigin(NOW)),
    ):
        with pytest.raises(UnsupportedFeature, match=f"{kind} volume group .*not published"):
            action()
    assert fingerprints(devices) == before
    info = scan(devices)[0]
    assert info.record is not None and info.record.kind is kind and info.record.pp_shift == 20


@pytest.mark.parametrize("kind", OURS_ONLY)
def test_one_copy_without_the_mark_is_a_damaged_copy(kind: VgKind, group_of: Any) -> None:
    devices = group_of(kind)
    at = 160 * SECTOR + 0x40 if kind is VgKind.BIG else 139 * SECTOR + 8
    devices[0].write(at, bytes(4))
    group = VolumeGroup.open(devices)
    assert {p.rule for p in group.problems} == {"vgda-copy"} and len(group.logical_volumes) == 3


# ---- disagreements, in all formats


class Copies:
    """The copies of a group, to be changed one or all."""

    def __init__(self, devices: list[Any]) -> None:
        self.devices = devices
        record = VolumeGroup.open(devices).record
        self.places = [Place(devices[0], record, 0), Place(devices[0], record, 1), Place(devices[1], record, 0)]

    def vgda(self, action: Callable[[Vgda], None], *which: int) -> None:
        for place in [self.places[i] for i in which] if which else self.places:
            vgda = place.read_vgda(1)
            action(vgda)
            place.device.write(place.vgda_offset, vgda.raw)

    def vgsa(self, action: Callable[[Vgsa], None], *which: int) -> None:
        for place in [self.places[i] for i in which] if which else self.places:
            vgsa = place.read_vgsa()
            action(vgsa)
            place.device.write(place.vgsa_offset, vgsa.raw)


def put(table: str, row: int, field: str, value: int) -> Callable[[Vgda], None]:
    def action(vgda: Vgda) -> None:
        getattr(vgda, table)[field][row] = value

    return action


def put_pp(pv: int, lp: int, lv: int, field: str, value: int) -> Callable[[Vgda], None]:
    """Change the entry of a PV that holds an LP."""

    def action(vgda: Vgda) -> None:
        pps = vgda.pps[pv - 1]
        at = int(np.flatnonzero((pps["lv_index"] == lv) & (pps["lp_num"] == lp))[0])
        vgda.pps[pv - 1][field][at] = value

    return action


def stale(vgsa: Vgsa, vgda: Vgda) -> None:
    table = vgsa.stale(vgda.slots)
    pps = vgda.pps[0]
    table[0, int(np.flatnonzero(pps["lv_index"] == 2)[0])] = True
    vgsa.put_stale(table)


def torn(vgda: Vgda) -> None:
    vgda.raw[vgda.format.ends[-1]] ^= 1


def older(area: Any) -> None:
    area.stamp = area.stamp - 10**9


PLANTS: dict[str, Callable[[Copies], None]] = {
    "vgda-copy": lambda c: c.vgda(torn, 1),
    "vgda-older": lambda c: c.vgda(older, 0),
    "vgda-differs": lambda c: c.vgda(put("lvs", 1, "write_verify", 1), 1),
    "vgsa-older": lambda c: c.vgsa(older, 2),
    "vgsa-copy": lambda c: c.places[0].device.write(c.places[0].vgsa_offset, bytes(4)),
    "vgsa-differs": lambda c: c.vgsa(lambda vgsa: stale(vgsa, c.places[0].read_vgda(1)), 1),
    "pv-missing": lambda c: c.vgsa(lambda vgsa: vgsa.mark_missing(9, True)),
    "header-count": lambda c: c.vgda(lambda v: v.header.__setitem__("numlvs", 9)),
    "pv-number": lambda c: c.vgda(put("pvs", 1, "pv_num", 9)),
    "pv-stale": lambda c: c.vgda(put("pvs", 0, "pv_state", 17)),
    "pv-copies": lambda c: c.vgda(put("pvs", 0, "pvnum_vgdas", 1)),
    "lv-copies": lambda c: c.vgda(put("lvs", 1, "mirror", 1)),
    "lv-stale": lambda c: c.vgda(put("lvs", 1, "lv_state", 3)),
    "lv-holes": lambda c: c.vgda(put("lvs", 2, "num_lps", 9)),
    "lv-name-slot": lambda c: c.vgda(put("lvs", 1, "lvname", 99)),
    "lv-name-none": lambda c: c.vgda(lambda v: v.names.__setitem__(1, b"")),
    "lv-name-twice": lambda c: c.vgda(lambda v: v.names.__setitem__(1, b"lv00")),
    "pp-state": lambda c: c.vgda(put_pp(2, 1, 3, "pp_state", 2)),
    "pp-alternates": lambda c: c.vgda(put_pp(1, 2, 2, "fst_alt_part", 19)),
    "pp-copy": lambda c: c.vgda(put_pp(1, 2, 2, "copy", 9)),
    "pp-lv": lambda c: c.vgda(put_pp(1, 2, 2, "lv_index", 77)),
    "pp-lp": lambda c: c.vgda(put_pp(2, 2, 2, "lp_num", 400)),
    "record-copy": lambda c: c.devices[0].write(7 * SECTOR, bytes(SECTOR)),
    "record-number": lambda c: (
        spoil(c.devices[:1], [7 * SECTOR + 0x2C, 70 * SECTOR + 0x2C], b"\0\2")
        if c.places[0].record.kind is not VgKind.SCALABLE
        else spoil(c.devices[:1], [7 * SECTOR + 0x38, 70 * SECTOR + 0x38], struct.pack(">i", 2))
    ),
    "record-missing": lambda c: spoil(c.devices[1:], [7 * SECTOR, 70 * SECTOR], bytes(SECTOR)),
    "disk-pvid": lambda c: c.devices[1].write(0x80, bytes(16)),
}
"""Rule -> what breaks it; every one can be repaired."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", PLANTS)
def test_disagreement_is_found_repaired_and_undone(kind: VgKind, rule: str, group_of: Any, tmp_path: Path) -> None:
    devices = group_of(kind)
    whole = {
        n: (v.lps, v.copies, v.map.pv.tolist(), v.label) for n, v in VolumeGroup.open(devices).logical_volumes.items()
    }
    PLANTS[rule](Copies(devices))
    broken = fingerprints(devices)
    problems = check(devices)
    assert rule in {p.rule for p in problems}, [str(p) for p in problems]
    assert all(str(p).isprintable() for p in problems)
    repair(devices, tmp_path / "undo", origin=FixedOrigin(NOW))
    assert check(devices) == []
    group = VolumeGroup.open(devices)
    assert {n: (v.lps, v.copies, v.map.pv.tolist(), v.label) for n, v in group.logical_volumes.items()} == whole
    file = load_undo(tmp_path / "undo")
    by_name = {str(Path(device.name).absolute()): device for device in devices}
    file.restore([by_name[path] for path, _ in file.images])
    assert fingerprints(devices) == broken


def test_control_block_of_a_big_group_is_the_one_in_its_vgda(group_of: Any, tmp_path: Path) -> None:
    devices = group_of(VgKind.BIG)
    lv = VolumeGroup.open(devices).logical_volumes["hd4"]
    block = bytearray(lv.device.read(0, SECTOR).tobytes())
    block[0xD0:0xD2] = b"/x"
    lv.device.write(0, bytes(block))
    assert {p.rule for p in check(devices)} == {"lvcb-twin"}
    assert VolumeGroup.open(devices).logical_volumes["hd4"].label == "/"
    repair(devices, tmp_path / "undo", origin=FixedOrigin(NOW))
    assert check(devices) == []
    lv.device.write(0, b"database")  # `mklv -T O`: block 0 may be the application's (D11)
    assert check(devices) == [] and VolumeGroup.open(devices).logical_volumes["hd4"].label == "/"


def test_an_lv_entry_of_a_scalable_group_has_the_number_of_its_place(group_of: Any, tmp_path: Path) -> None:
    devices = group_of(VgKind.SCALABLE)
    state = VolumeGroup.open(devices).state
    at = state.vgda.format.lvs.at(0) + 3
    for number, member in state.members.items():
        for index in range(state.vgda.vgda_count(number)):
            member.device.write(member.record.vgda_psn[index] * SECTOR + at, b"\5")
    assert {p.rule for p in check(devices)} == {"lv-number"}
    repair(devices, tmp_path / "undo", origin=FixedOrigin(NOW))
    assert check(devices) == []


@pytest.mark.parametrize("kind", KINDS)
def test_repair_with_a_disk_missing(kind: VgKind, group_of: Any, tmp_path: Path) -> None:
    """With more than half of the VGDA copies here the newest is here; with fewer nothing is written."""
    devices = group_of(kind, 3)
    record = VolumeGroup.open(devices).record
    place = Place(devices[0], record, 0)
    vgda = place.read_vgda(1)
    torn(vgda)
    devices[0].write(place.vgda_offset, vgda.raw)
    with pytest.raises(OperationRefused, match="2 of 3 VGDA copies"):
        repair(devices[1:2], tmp_path / "no", origin=FixedOrigin(NOW))
    assert repair(devices[:2], tmp_path / "undo", origin=FixedOrigin(NOW)) > 0
    assert {p.rule for p in check(devices[:2])} <= {"pv-absent", "lvcb-unreadable"}
    assert {p.rule for p in check(devices)} <= {"vgda-older", "vgsa-older"}  # the third disk has the old copies
    repair(devices, tmp_path / "undo2", origin=FixedOrigin(NOW + 10))
    assert check(devices) == []


# ---- hostile bytes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_hostile_bytes(kind: VgKind, seed: int, group_of: Any) -> None:
    """Random bytes in the tables of all copies: a group or a proper error, bounded; nothing is written."""
    devices = group_of(kind)
    copies = Copies(devices)
    random = np.random.default_rng(seed)

    def scribble(vgda: Vgda) -> None:
        fmt = vgda.format
        for table in (fmt.lvs, fmt.pvs, fmt.pps, fmt.names):
            near = min(table.rows, 24) * table.stride
            for at in random.integers(table.offset, table.offset + near, 6 + 3 * seed).tolist():
                vgda.raw[at] = random.choice([0, 0xFF, int(random.integers(0, 256))])

    state = random.bit_generator.state
    for place in copies.places:
        random.bit_generator.state = state  # the same bytes everywhere, so that no copy is sounder
        copies.vgda(scribble, copies.places.index(place))
    before = fingerprints(devices)
    try:
        group = VolumeGroup.open(devices)
        assert all(str(p).isprintable() for p in (*group.problems, *check(devices)))
        for lv in group.logical_volumes.values():
            assert lv.copies <= 3 and lv.lps <= 130048  # 1.3: as many PPs as any of these groups can have
        plan(devices, now=NOW)
    except LvmfmtError as error:
        assert str(error).isprintable()
    assert fingerprints(devices) == before


@pytest.mark.parametrize("how", [b"\xff", b"\x00", b"\x7f"])
def test_every_field_of_a_scalable_record(how: bytes, group_of: Any) -> None:
    (disk,) = group_of(VgKind.SCALABLE, 1)
    for field in LVM_RECORD_SCALABLE.fields():
        saved = [bytes(disk.read(psn * SECTOR + field.offset, field.size)) for psn in (7, 70)]
        for copies in ((7,), (7, 70)):
            for psn in copies:
                disk.write(psn * SECTOR + field.offset, how * field.size)
            try:
                group = VolumeGroup.open([disk])
                assert len(group.logical_volumes) == 3
            except (CorruptImage, UnsupportedFeature, OperationRefused):
                assert len(copies) == 2 or field.name in ("version", "vg_id"), field.name
        for psn, old in zip((7, 70), saved, strict=True):
            disk.write(psn * SECTOR + field.offset, old)
    assert not [p for p in check([disk]) if p.severity is Severity.ERROR]
