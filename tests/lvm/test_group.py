"""Making, opening and changing groups; expectations from [lvm 1, 4, 7, 8, 11, 12, 15].

Modules: `lvmfmt.lvm.change.volumes`, `lvmfmt.lvm.change.disks`, `lvmfmt.lvm.change.draft`, `lvmfmt.lvm.commit`,
`lvmfmt.lvm.descriptor.copies`, `lvmfmt.lvm.descriptor.vgda`, `lvmfmt.lvm.descriptor.vgsa`,
`lvmfmt.lvm.descriptor.vgdalvs`, `lvmfmt.lvm.disk.record`, `lvmfmt.lvm.group`, `lvmfmt.lvm.lvcb`,
`lvmfmt.lvm.opening`, `lvmfmt.lvm.volume`, `lvmfmt.lvm.volumegroup`.
"""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import AlreadyExists, CorruptImage, ImageIOError, NoSpace, NotFound, OperationRefused
from lvmfmt.layout.lvm_disk import BAD_BLOCK_DIRECTORY, LVM_RECORD, VGSA_CLASSIC
from lvmfmt.layout.vgda import LV_ENTRY, PV_HEADER, VGDA_HEADER
from lvmfmt.lvm import LvPolicy, Severity, VolumeGroup, free_group_metadata, read_pvid, scan, write_pvid
from lvmfmt.lvm.disk import identity
from lvmfmt.origin import SEEDED_START_NS, SEEDED_STEP_NS, SeededOrigin

MACHINE = "00F7B72A4C00"
SECTOR, MIB, GIB = 512, 1 << 20, 1 << 30


def raw(device: Any, psn: int, record: Any) -> Any:
    return record.parse(device.read(psn * SECTOR, record.size))


def fill(device: Any, seed: int) -> bytes:
    data = np.random.default_rng(seed).bytes(device.size)
    device.write(0, data)
    return data


def pvids(group: VolumeGroup) -> list[str]:
    return list(group.physical_volumes)


# ---- creating


def test_bytes_of_a_new_group(disks: Any):
    (disk,) = disks(1)
    group = VolumeGroup.create([disk], origin=SeededOrigin(1), machine_id=MACHINE, pp_size=MIB)
    record = raw(disk, 7, LVM_RECORD)
    assert disk.read(7 * SECTOR, SECTOR).tobytes() == disk.read(70 * SECTOR, SECTOR).tobytes()
    assert (record.lvm_id, record.lvmarea_len, record.vgda_len) == (b"_LVM", 4212, 2098)
    assert (record.vgda_psn, record.vgsa_psn, record.vgsa_len) == ([136, 2242], [128, 2234], 8)
    assert (record.reloc_psn, record.reloc_len) == (disk.size // SECTOR - 256, 256)
    assert (record.pv_num, record.pp_size, record.version, record.vg_type, record.ltg_shift) == (1, 20, 8, 0, 17)
    for psn in (136, 2242):
        header = raw(disk, psn, VGDA_HEADER)
        assert (header.numlvs, header.maxlvs, header.pp_size, header.numpvs) == (0, 256, 20, 1)
        assert (header.total_vgdas, header.vgda_size, header.quorum, header.auto_varyon) == (2, 2098, 1, 1)
        pv = raw(disk, psn + 17, PV_HEADER)
        assert (pv.pp_count, pv.pv_state, pv.pvnum_vgdas, pv.psn_part1, pv.pv_num) == (61, 1, 2, 4352, 1)
        assert pv.pv_id.hex() == read_pvid(disk) + "0" * 16
        assert header.vg_id.hex() == record.vg_id.hex() == group.vgid
    for psn in (128, 2234):
        vgsa = raw(disk, psn, VGSA_CLASSIC)
        assert (vgsa.factor, vgsa.pv_missing, any(vgsa.stalepp)) == (1, 0, False)
    for psn in (8, 71):
        directory = raw(disk, psn, BAD_BLOCK_DIRECTORY)
        assert (directory.id, directory.count) == (b"DEFECT", 0)
        assert disk.read(psn * SECTOR, 16).tobytes() == 2 * b"DEFECT\0\0"
    assert not disk.read(SECTOR, 3 * SECTOR).any()  # configuration and MWC records stay zero


def test_identifiers_come_from_machine_and_clock(disks: Any):
    group = VolumeGroup.create(disks(1), origin=SeededOrigin(1), machine_id=MACHINE, pp_size=MIB)
    first_event_ms = (SEEDED_START_NS + SEEDED_STEP_NS) // 10**6
    assert group.vgid == f"00f7b72a00004c00{first_event_ms:016x}"
    assert pvids(group)[0].startswith("00f7b72a") and len(pvids(group)[0]) == 16


def test_a_pvid_that_is_there_stays(disks: Any):
    (disk,) = disks(1)
    write_pvid(disk, "00452f0b2b1ec84c")
    group = VolumeGroup.create([disk], origin=SeededOrigin(1), machine_id=MACHINE, pp_size=MIB)
    assert pvids(group) == ["00452f0b2b1ec84c"] and read_pvid(disk) == "00452f0b2b1ec84c"


def test_same_seed_same_bytes(disks: Any):
    images = []
    for _ in range(2):
        devices, origin = disks(2), SeededOrigin(9)
        group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB)
        with group.change(origin) as change:
            change.add_lv("hd4", "jfs2", 3, 2)
        images.append([d.data.tobytes() for d in devices])
    assert images[0] == images[1]


@pytest.mark.parametrize(("count", "copies"), [(1, [2]), (2, [2, 1]), (3, [1, 1, 1]), (5, [1] * 5)])
def test_vgda_copies(count: int, copies: list[int], make_group: Any):
    """[lvm 11]: 2; 2 + 1; 1 each; and the second place is empty where it is not used."""
    _, devices = make_group(count)
    group = VolumeGroup.open(devices)
    assert [pv.vgda_count for pv in group.physical_volumes.values()] == copies
    assert group.total_vgdas == sum(copies)
    assert [bool(d.read(2242 * SECTOR, SECTOR).any()) for d in devices] == [n == 2 for n in copies]
    assert not [p for p in group.problems if p.structure != "lvcb"]


def test_version_1_has_the_old_vgid(disks: Any, origin: SeededOrigin):
    (disk,) = disks(1)
    group = VolumeGroup.create([disk], origin=origin, machine_id=MACHINE, pp_size=MIB, version=1)
    assert len(group.vgid) == 16 and not any(raw(disk, 7, LVM_RECORD).vg_id[8:])
    with group.change(origin) as change:
        change.add_lv("hd5", "boot", 1)
    lv = VolumeGroup.open([disk]).logical_volumes["hd5"]
    assert lv.lvid == f"{group.vgid}.1" == lv.lvcb.lvid
    assert lv.lvcb.machine_id == "7B72A4C00"


def test_factor(disks: Any, origin: SeededOrigin):
    """Factor 2: 2,032 PPs a disk, 16 disks (D9); every PP can be used and found again."""
    (disk,) = disks(1, 1300 * MIB)
    group = VolumeGroup.create([disk], origin=origin, machine_id=MACHINE, pp_size=MIB, factor=2)
    with group.change(origin) as change:
        change.add_lv("big", "raw", 1297, policy=LvPolicy(max_lps=2000, intra="e"))
    group = VolumeGroup.open([disk])
    assert group.factor == 2 and raw(disk, 128, VGSA_CLASSIC).factor == 2
    lv = group.logical_volumes["big"]
    assert lv.map.pp[0].tolist() == list(range(1, 1298))
    assert len(group._state.vgda.pvs) == 16


def test_disks_that_cannot_be_used(disks: Any, make_group: Any, origin: SeededOrigin):
    _, used = make_group(1)
    for devices, options, words in (
        (used, {}, "belongs to volume group"),
        (disks(1, 3 * MIB), {}, "too small"),
        (disks(1), {"pp_size": 3 * MIB}, "power of two"),
        (disks(1), {"pp_size": 2 * GIB}, "1 GiB"),
        (disks(1), {"pp_size": MIB, "version": 31}, "version 31"),
        (disks(1), {"pp_size": MIB, "factor": 3}, "factor out of range: .* found 3"),
        (disks(1), {"pp_size": MIB, "factor": 2, "version": 3}, "needs LVM version 4"),
        (disks(1), {"pp_size": 512 * MIB, "version": 1}, "need LVM version 3"),
        (disks(1, 1100 * MIB), {"pp_size": MIB}, "requires the creation of 1097 partitions"),
        (disks(33, 8 * MIB), {"pp_size": MIB}, "32 disks"),
        ([], {}, "needs a disk"),
    ):
        written: list[Any] = []
        for device in devices:
            device.log = written
        with pytest.raises(OperationRefused, match=words):
            VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, **options)
        assert written == []


# ---- opening what is left


def test_a_missing_disk_is_named_and_the_rest_is_read(make_group: Any):
    group, devices = make_group(2)
    data = fill(group.logical_volumes["hd4"].device, 1)
    for here, missing in ((0, 1), (1, 0)):
        part = VolumeGroup.open([devices[here]])
        assert not part.complete
        assert any(pvids(group)[missing] in p.text and p.severity is Severity.ERROR for p in part.problems)
        assert part.physical_volumes[pvids(group)[missing]].device is None
        hd4 = part.logical_volumes["hd4"].device
        assert hd4.read(0, hd4.size).tobytes() == data
        assert not hd4.writable  # the other copy would not notice
    only = VolumeGroup.open([devices[1]]).logical_volumes["lv00"].device
    with pytest.raises(ImageIOError, match="lv00"):
        only.read(0, 1)


def test_an_older_copy_is_reported_and_not_believed(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(2)
    old = [d.copy() for d in devices]
    with group.change(origin) as change:
        change.rename_lv("lv00", "renamed")
    for mixed in ([devices[0], old[1]], [old[0], devices[1]]):
        opened = VolumeGroup.open(mixed)
        assert "renamed" in opened.logical_volumes
        assert any("older copy" in p.text for p in opened.problems)


def test_any_one_copy_is_enough(make_group: Any):
    group, devices = make_group(2)
    names = list(group.logical_volumes)
    places = [(devices[0], 136), (devices[0], 2242), (devices[1], 136)]
    for kept in places:
        copies = {id(d): d.copy() for d in devices}
        for device, psn in places:
            if (device, psn) != kept:
                copies[id(device)].write((psn + 1000) * SECTOR, b"\xff" * 20000)
                copies[id(device)].write((psn + 2097) * SECTOR, bytes(SECTOR))
                copies[id(device)].write((psn - 8) * SECTOR, b"\xff")
        opened = VolumeGroup.open(list(copies.values()))
        assert list(opened.logical_volumes) == names
        assert len([p for p in opened.problems if p.structure == "vgda_trailer"]) == 2


def test_the_backup_lvm_record_serves(make_group: Any):
    group, (disk,) = make_group(1)
    disk.write(7 * SECTOR, bytes(SECTOR))
    opened = VolumeGroup.open([disk])
    assert opened.vgid == group.vgid
    assert [(p.structure, p.offset) for p in opened.problems if p.structure == "lvm_record"] == [("lvm_record", 0xE00)]


def test_a_record_that_leads_nowhere_gives_way_to_its_backup(make_group: Any):
    group, (disk,) = make_group(1)
    disk.write(7 * SECTOR + LVM_RECORD.offset_of("vgda_psn"), (5000).to_bytes(4, "big") + (9000).to_bytes(4, "big"))
    assert list(VolumeGroup.open([disk]).logical_volumes) == list(group.logical_volumes)


def test_disks_of_two_groups_are_refused(make_group: Any, disks: Any):
    _, first = make_group(1)
    second = disks(1)
    VolumeGroup.create(second, origin=SeededOrigin(5, ticks=999), machine_id=MACHINE, pp_size=MIB)
    with pytest.raises(OperationRefused, match="different volume groups"):
        VolumeGroup.open([*first, *second])


def test_a_disk_that_lost_its_pvid_is_known_by_its_number(make_group: Any):
    _, (disk,) = make_group(1)
    disk.write(0x80, bytes(16))
    group = VolumeGroup.open([disk])
    assert group.complete and any(p.field == "pv_id" for p in group.problems)


def test_reading_changes_nothing(make_group: Any):
    _, devices = make_group(3)
    before = [d.data.tobytes() for d in devices]
    for device in devices:
        device.writable = False
    group = VolumeGroup.open(devices)
    for lv in group.logical_volumes.values():
        lv.device.read(0, lv.size)
    assert [d.data.tobytes() for d in devices] == before


# ---- logical volumes as devices


def test_every_byte_lies_where_the_map_says(make_group: Any, origin: SeededOrigin):
    """[lvm 14, 15]: psn(pp) = 4352 + (pp - 1) x PP; LV byte x is LP x / PP."""
    group, devices = make_group(3)
    with group.change(origin) as change:
        change.add_lv("spread", "raw", 10, 2, policy=LvPolicy(inter="x"))
    lv = VolumeGroup.open(devices).logical_volumes["spread"]
    data = fill(lv.device, 3)
    for copy in range(2):
        for lp in range(10):
            at = 4352 * SECTOR + (int(lv.map.pp[copy, lp]) - 1) * MIB
            disk = devices[int(lv.map.pv[copy, lp]) - 1]
            assert disk.read(at, MIB).tobytes() == data[lp * MIB : (lp + 1) * MIB]
    assert lv.device.read(3 * MIB - 100, 200).tobytes() == data[3 * MIB - 100 : 3 * MIB + 100]


def test_stale_partitions_are_never_read(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(2)
    data = fill(group.logical_volumes["lv00"].device, 4)
    with group.change(origin) as change:
        change.mirror("lv00", pvids(group)[1])
    lv = VolumeGroup.open(devices).logical_volumes["lv00"]
    assert (lv.copies, lv.stale_pps, lv.state) == (2, 3, 3)
    assert lv.stale.tolist() == [[False] * 3, [True] * 3]
    assert lv.device.read(0, lv.size).tobytes() == data
    assert not lv.copy_device(2).read(0, lv.size).any()
    # the VGSA row of PV 2 says which PPs ([lvm 7.1], lowest bit first)
    row = raw(devices[0], 128, VGSA_CLASSIC).stalepp[127:254]
    assert {8 * i + b + 1 for i in range(127) for b in range(8) if row[i] >> b & 1} == set(lv.map.pp[1].tolist())
    # one good copy less: what was stale cannot stand in
    with pytest.raises(ImageIOError):
        VolumeGroup.open(devices[1:]).logical_volumes["lv00"].device.read(0, 1)
    with pytest.raises(OperationRefused, match="last good copy"), group.change(origin) as change:
        change.unmirror("lv00", pvids(group)[0])

    assert group.sync(origin=origin) == 3 * MIB
    lv = VolumeGroup.open(devices).logical_volumes["lv00"]
    assert (lv.stale_pps, lv.state) == (0, 1)
    assert lv.copy_device(2).read(0, lv.size).tobytes() == data
    assert raw(devices[0], 128, VGSA_CLASSIC).stalepp == bytes(32 * 127)
    with group.change(origin) as change:
        change.unmirror("lv00", pvids(group)[0])
    lv = VolumeGroup.open(devices).logical_volumes["lv00"]
    assert (lv.copies, lv.pv_numbers) == (1, [2])
    assert lv.device.read(0, lv.size).tobytes() == data


def test_three_copies_name_each_other(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(3)
    with group.change(origin) as change:
        change.add_lv("three", "raw", 4, 3)
    lv = VolumeGroup.open(devices).logical_volumes["three"]
    assert lv.copies == 3 and lv.pv_numbers == [1, 2, 3] and lv.pps == 12
    with pytest.raises(OperationRefused, match="3 copies already"), group.change(origin) as change:
        change.mirror("three")


def test_maps_without_copy_bytes_and_alternates(make_group: Any):
    """[lvm 8.4]: lv_index and lp_num alone are enough; copies are then ordered by PV number."""
    group, devices = make_group(2)
    data = fill(group.logical_volumes["hd4"].device, 6)
    for device in devices:
        for psn in (136, 2242):
            for number, pv in enumerate(group.physical_volumes.values(), 1):
                for pp in np.flatnonzero(pv.used) + 1:
                    at = (psn + 17 + 64 * (number - 1)) * SECTOR + 32 * int(pp)
                    if device.read(at, 1 + 7).any():
                        device.write(at + 8, bytes(8))
    opened = VolumeGroup.open(devices)
    lv = opened.logical_volumes["hd4"]
    assert lv.map.pv.tolist() == group.logical_volumes["hd4"].map.pv.tolist()
    assert lv.device.read(0, lv.size).tobytes() == data
    assert {p.field for p in opened.problems if p.structure == "pp_entry"} == {"copy", "fst_alt_vol"}


def test_the_other_reading_of_state_and_copies(make_group: Any, origin: SeededOrigin):
    """[lvm 8.2]: bytes 8..11 may be {u16, u8, u8} instead; a zero first byte tells, and a change keeps it."""
    _group, (disk,) = make_group(1)
    for psn in (136, 2242):
        disk.write((psn + 1) * SECTOR + 32 + 8, bytes([0, 1, 1, 2]))  # hd4
    opened = VolumeGroup.open([disk])
    assert (opened.logical_volumes["hd4"].state, opened.logical_volumes["hd4"].policy.schedule) == (1, "p")
    assert not [p for p in opened.problems if p.structure == "lv_entry"]
    with opened.change(origin) as change:
        change.rename_lv("hd4", "other")
    entry = disk.read(137 * SECTOR + 32, LV_ENTRY.size)
    assert entry[8:12].tolist() == [0, 1, 1, 2]


# ---- changing


def test_control_blocks(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(2)
    lv = VolumeGroup.open(devices).logical_volumes["hd4"]
    assert (lv.type, lv.label, lv.fs, lv.policy.intra, lv.policy.inter, lv.policy.strict) == (
        "jfs2",
        "/",
        "vfs=jfs2:log=/dev/hd8",
        "c",
        "m",
        "y",
    )
    assert (lv.lvcb.name, lv.lvcb.lvid, lv.lvcb.lps, lv.lvcb.copies) == ("hd4", f"{group.vgid}.2", 5, 2)
    assert lv.lvcb.machine_id == "7B72A4C00"  # the last 9 digits of 00F7B72A4C00
    assert lv.lvcb.created == lv.lvcb.modified and lv.lvcb.created.endswith(" 2009\n")
    vgda_before = devices[0].read(136 * SECTOR, 2098 * SECTOR).tobytes()
    with group.change(origin) as change:
        change.set_lvcb("hd4", label="/alt_inst", fs="vfs=jfs2:log=/dev/alt_hd8", type="jfs2x")
    assert devices[0].read(136 * SECTOR, 2098 * SECTOR).tobytes() == vgda_before  # nothing in it changed
    lv = VolumeGroup.open(devices).logical_volumes["hd4"]
    assert (lv.type, lv.label, lv.fs) == ("jfs2x", "/alt_inst", "vfs=jfs2:log=/dev/alt_hd8")
    assert lv.lvcb.modified != lv.lvcb.created
    for copy in (1, 2):
        assert b"/alt_inst" in lv.copy_device(copy).read(0, SECTOR).tobytes()
    with group.change(origin) as change:
        change.set_lvcb("hd4", label="")
    assert VolumeGroup.open(devices).logical_volumes["hd4"].label == ""


def test_rename(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(1)
    with group.change(origin) as change:
        change.rename_lv("hd4", "alt_hd4")
    opened = VolumeGroup.open(devices)
    assert list(opened.logical_volumes) == ["hd5", "alt_hd4", "lv00"]
    assert opened.logical_volumes["alt_hd4"].lvcb.name == "alt_hd4"
    assert devices[0].read((136 + 2098 - 33) * SECTOR + 64, 8).tobytes() == b"alt_hd4\0"
    for old, new, error in (
        ("hd4", "x", NotFound), ("hd5", "lv00", AlreadyExists), ("hd5", "sixteen_letters_", OperationRefused),
        ("hd5", "", OperationRefused), ("hd5", "a/b", OperationRefused),
    ):  # fmt: skip
        with pytest.raises(error), group.change(origin) as change:
            change.rename_lv(old, new)


def test_a_volume_without_control_block(make_group: Any, origin: SeededOrigin):
    """[lvm 13.3]: legal on classic groups, and LVM does not update a block that lacks the tag (I10)."""
    group, devices = make_group(1)
    group.logical_volumes["lv00"].device.write(0, b"database".ljust(SECTOR, b"!"))
    opened = VolumeGroup.open(devices)
    assert [p.severity for p in opened.problems] == [Severity.NOTE]
    assert opened.logical_volumes["lv00"].type == ""
    with pytest.raises(OperationRefused), opened.change(origin) as change:
        change.set_lvcb("lv00", label="/x")
    with opened.change(origin) as change:
        change.rename_lv("lv00", "db")
    assert opened.logical_volumes["db"].device.read(0, 8).tobytes() == b"database"


def test_a_control_block_of_another_layout_is_not_rewritten(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(1)
    device = group.logical_volumes["lv00"].device
    block = device.read(0, SECTOR).tobytes()
    device.write(0, (block[:16] + b"\0\0" + block[16:])[:SECTOR])
    opened = VolumeGroup.open(devices)
    assert opened.logical_volumes["lv00"].type == "raw"
    with pytest.raises(OperationRefused, match="layout"), opened.change(origin) as change:
        change.set_lvcb("lv00", type="jfs2")


def test_remove_lv_zeroes_its_entries(make_group: Any, origin: SeededOrigin):
    """D12: PP entries are zeroed when the LV is removed; the minor number is free again."""
    group, devices = make_group(1)
    with group.change(origin) as change:
        change.remove_lv("hd4")
    assert not devices[0].read(137 * SECTOR + 32, 32).any()
    assert list(VolumeGroup.open(devices).logical_volumes) == ["hd5", "lv00"]
    assert raw(devices[0], 136, VGDA_HEADER).numlvs == 2
    pv = next(iter(group.physical_volumes.values()))
    assert int(pv.used.sum()) == 2 + 3
    with group.change(origin) as change:
        change.add_lv("again", "raw", 50)
    assert [lv.minor for lv in group.logical_volumes.values()] == [1, 2, 3]
    assert list(group.logical_volumes) == ["hd5", "again", "lv00"]


def test_freed_partitions_are_not_reused_within_a_change(make_group: Any, origin: SeededOrigin):
    group, _ = make_group(1)
    with pytest.raises(NoSpace), group.change(origin) as change:
        change.remove_lv("hd4")
        change.add_lv("all", "raw", 61 - 2 - 3)
    with group.change(origin) as change:
        change.remove_lv("hd4")
    with group.change(origin) as change:
        change.add_lv("all", "raw", 61 - 2 - 3)


def test_reducevg(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(2)
    first, second = pvids(group)
    boot_sector = devices[1].read(0, SECTOR).tobytes()
    for pvid, words in ((first, "used PPs"), (second, "used PPs")):
        with pytest.raises(OperationRefused, match=words), group.change(origin) as change:
            change.remove_pv(pvid)
    with group.change(origin) as change:
        change.unmirror("hd4", second)
    with group.change(origin) as change:
        change.remove_pv(second)
    assert devices[1].read(0, SECTOR).tobytes() == boot_sector
    assert not devices[1].read(128 * SECTOR, (4352 - 128) * SECTOR).any()
    info = scan([devices[1]])[0]
    assert (info.pvid, info.record, info.problems) == (second, None, [])
    assert [pv.vgda_count for pv in group.physical_volumes.values()] == [2]
    with group.change(origin) as change:
        assert change.add_pv(devices[1]) == second  # its PVID stayed
    assert list(VolumeGroup.open(devices).physical_volumes) == [first, second]


def test_the_last_disk_stays(disks: Any, origin: SeededOrigin):
    group = VolumeGroup.create(disks(1), origin=origin, machine_id=MACHINE, pp_size=MIB)
    with pytest.raises(OperationRefused, match="last of the group"), group.change(origin) as change:
        change.remove_pv(pvids(group)[0])


def test_numbers_of_disks_stay_and_are_used_again(make_group: Any, memory_disk: Any, origin: SeededOrigin):
    group, devices = make_group(3)
    first, second, third = pvids(group)
    with group.change(origin) as change:
        change.remove_lv("hd4")
    with group.change(origin) as change:
        change.remove_pv(second)
    assert [(p, v.number) for p, v in VolumeGroup.open(devices).physical_volumes.items()] == [(first, 1), (third, 3)]
    with group.change(origin) as change:
        new = change.add_pv(memory_disk("new", 64 * MIB))
    assert [(p, v.number) for p, v in group.physical_volumes.items()] == [(first, 1), (new, 2), (third, 3)]


def test_chpv_clear_owner(make_group: Any):
    _, (disk,) = make_group(1)
    pvid = read_pvid(disk)
    free_group_metadata(disk)
    assert scan([disk])[0].record is None and read_pvid(disk) == pvid
    with pytest.raises(CorruptImage, match="not a disk of a volume group"):
        VolumeGroup.open([disk])


def test_options(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(1)
    assert group.quorum and group.auto_varyon
    with group.change(origin) as change:
        change.set_options(quorum=False, auto_varyon=False)
    opened = VolumeGroup.open(devices)
    assert not opened.quorum and not opened.auto_varyon


def test_arguments_out_of_range(make_group: Any, origin: SeededOrigin):
    group, _ = make_group(1)
    for options in (
        {"lps": 0}, {"lps": 513, "policy": LvPolicy(max_lps=512)}, {"copies": 4}, {"copies": 0},
        {"policy": LvPolicy(intra="x")}, {"policy": LvPolicy(inter="c")}, {"policy": LvPolicy(strict="maybe")},
        {"policy": LvPolicy(upper_bound=0)}, {"label": "/" + "x" * 127}, {"fs": "x" * 128}, {"lps": 62},
        {"copies": 2}, {"disks": ["0" * 16]},
    ):  # fmt: skip
        with pytest.raises(OperationRefused), group.change(origin) as change:
            change.add_lv("new", "raw", **{"lps": 1, **options})


def test_a_group_takes_255_volumes(make_group: Any, origin: SeededOrigin):
    group, devices = make_group(5)
    with group.change(origin) as change:
        for i in range(252):
            change.add_lv(f"lv{i:03}x", "raw", 1)
    assert len(VolumeGroup.open(devices).logical_volumes) == 255
    with pytest.raises(NoSpace, match="255"), group.change(origin) as change:
        change.add_lv("one_more", "raw", 1)


def test_unknown_bytes_of_a_vgda_are_kept(make_group: Any, origin: SeededOrigin):
    """Trailer and header have bytes whose meaning is not published; a group that has some is read, and not changed."""
    _group, (disk,) = make_group(1)
    for psn in (136, 2242):
        disk.write(psn * SECTOR + 0x100, b"concurrent flags")
        disk.write((psn + 2097) * SECTOR + 0x40, b"more of them")
    opened = VolumeGroup.open([disk])
    before = disk.read(0, disk.size)
    with pytest.raises(OperationRefused, match="that no field names"), opened.change(origin) as change:
        change.rename_lv("hd4", "x")
    assert (disk.read(0, disk.size) == before).all()


def test_a_stamp_at_the_end_of_the_trailer_stays_there(make_group: Any, origin: SeededOrigin):
    """[lvm 8.5]: the ending stamp may be the first or the last 8 bytes of the trailer."""
    _, (disk,) = make_group(1)
    for psn in (136, 2242):
        trailer = (psn + 2097) * SECTOR
        stamp = disk.read(trailer, 8)
        disk.write(trailer, bytes(8))
        disk.write(trailer + 504, stamp)
    group = VolumeGroup.open([disk])
    assert not group.problems
    with group.change(origin) as change:
        change.rename_lv("hd4", "x")
    assert disk.read(2233 * SECTOR + 504, 8).tobytes() == disk.read(136 * SECTOR, 8).tobytes()
    assert not disk.read(2233 * SECTOR, 8).any()
    assert VolumeGroup.open([disk]).stamp == identity.stamp(*np.frombuffer(disk.read(136 * SECTOR, 8).tobytes(), ">u4"))
