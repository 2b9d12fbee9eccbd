"""A new identity for a set of copied disks: what changes, what stays, and a stop at every write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.copied.reidentifying import reidentify
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import SeededOrigin

MACHINE = "00F7B72A4C00"
OTHER = "0041A97B4C00"
MIB, GIB, SECTOR = 1 << 20, 1 << 30, 512
Make = Callable[..., tuple[VolumeGroup, list[Any]]]


def findings(devices: list[Any]) -> set[str]:
    return {problem.rule for problem in check(devices)}


def state_of(devices: list[Any]) -> dict[str, Any]:
    group = VolumeGroup.open(devices)
    return {
        "vgid": group.vgid,
        "pvids": list(group.physical_volumes),
        "lvs": {n: (v.lvid, v.map.pv.tolist(), v.map.pp.tolist(), v.label) for n, v in group.logical_volumes.items()},
    }


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("version", [1, 8])
def test_everything_that_names_the_group_is_new(count: int, version: int, make_group: Make):
    _, devices = make_group(count, version=version)
    old = VolumeGroup.open([d.copy() for d in devices])
    content = old.logical_volumes["hd4"].device.read(SECTOR, MIB).tobytes()
    new = reidentify(devices, origin=SeededOrigin(8, 1000), machine_id=OTHER)
    assert not findings(devices)
    # a VGID of 64 bits is made like a PVID before version 8, and 32 digits with the machine's last four later (12)
    assert new.vgid.startswith("0041a97b") and len(new.vgid) == (16 if version == 1 else 32)
    assert all(pvid.startswith("0041a97b") for pvid in new.physical_volumes)
    assert not set(new.physical_volumes) & set(old.physical_volumes)
    assert set(new.logical_volumes) == {"fshd5", "fshd4", "fslv00"}  # default prefix, commands 6
    hd4 = new.logical_volumes["fshd4"]
    assert (hd4.label, hd4.fs, hd4.type) == ("/fs", "vfs=jfs2:log=/dev/fshd8", "jfs2")
    assert new.logical_volumes["fshd5"].label == "primary_bootlv"
    for lv in new.logical_volumes.values():
        assert lv.lvcb is not None
        assert lv.lvid == lv.lvcb.lvid == f"{new.vgid}.{lv.minor}"
    for name, lv in old.logical_volumes.items():
        moved = new.logical_volumes["fs" + name].map
        assert (moved.pv.tolist(), moved.pp.tolist()) == (lv.map.pv.tolist(), lv.map.pp.tolist())
    assert hd4.device.read(SECTOR, MIB).tobytes() == content
    varyon(devices, origin=SeededOrigin(9, 2000)).varyoff()


def test_names_prefixes_and_pvids_can_be_kept(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    new = reidentify(
        devices, origin=origin, machine_id=OTHER, lv_prefix="", label_prefix="", names={"lv00": "raw1"}, keep_pvids=True
    )
    assert list(new.physical_volumes) == list(group.physical_volumes)
    assert set(new.logical_volumes) == {"hd5", "hd4", "raw1"} and new.logical_volumes["hd4"].label == "/"
    assert not findings(devices)


def test_the_original_stays_usable_beside_the_copy(make_group: Make, origin: SeededOrigin):
    _, devices = make_group(2)
    copies = [d.copy() for d in devices]
    reidentify(copies, origin=origin, machine_id=MACHINE)
    with pytest.raises(OperationRefused, match="different"):
        VolumeGroup.open([*devices, *copies])
    assert not findings(devices) and not findings(copies)


def refused(case: str, devices: list[Any], origin: SeededOrigin) -> None:
    arguments: dict[str, Any] = {}
    if case == "a disk is missing":
        devices = devices[:1]
    elif case == "twice":
        devices = [*devices, devices[0].copy()]
    elif case == "too long":
        arguments = {"lv_prefix": "twelve_chars"}
    elif case == "clash":
        arguments = {"names": {"hd5": "same", "hd4": "same"}}
    elif case == "old VGDA":
        with varyon(devices[:1], origin=origin, force=True).change() as change:
            change.rename_lv("lv00", "x")
    reidentify(devices, origin=origin, machine_id=OTHER, **arguments)


@pytest.mark.parametrize("case", ["a disk is missing", "twice", "too long", "clash", "old VGDA"])
def test_refusals_change_no_byte(case: str, make_group: Make, origin: SeededOrigin):
    _, devices = make_group(2)
    if case == "old VGDA":
        with pytest.raises(OperationRefused, match="vary the group on"):
            refused(case, devices, origin)
        return
    before = [d.data.tobytes() for d in devices]
    with pytest.raises(OperationRefused):
        refused(case, devices, origin)
    assert [d.data.tobytes() for d in devices] == before


def test_a_subset_loses_what_lay_outside(make_group: Make, origin: SeededOrigin):
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.add_lv("away", "raw", 2, disks=[list(group.physical_volumes)[1]])
    assert group.logical_volumes["hd4"].copies == 2
    new = reidentify(devices[:1], origin=origin, machine_id=OTHER, subset=True)
    assert set(new.logical_volumes) == {"fshd5", "fshd4", "fslv00"}
    assert new.logical_volumes["fshd4"].copies == 1
    assert [pv.vgda_count for pv in new.physical_volumes.values()] == [2]
    assert not findings(devices[:1])


@pytest.mark.parametrize("count", [1, *(pytest.param(count, marks=pytest.mark.slow) for count in (2, 3))])
def test_stopped_at_any_write_it_is_the_old_group_or_a_rerun_finishes(count: int, make_group: Make):
    _, devices = make_group(count)
    old = state_of(devices)
    before = [d.copy() for d in devices]
    log: list[Any] = []
    for device in devices:
        device.log = log
    reidentify(devices, origin=SeededOrigin(8, 1000), machine_id=OTHER)
    for device in devices:
        device.log = None
    by_id = {id(device): copy for device, copy in zip(devices, before, strict=True)}
    finished = 0
    names = {"fshd5", "fshd4", "fslv00"}
    for device, offset, data in log:
        disk = by_id[id(device)]
        half = data[: len(data) // 2 // SECTOR * SECTOR]
        for part in (half, data) if half else (data,):
            disk.write(offset, part)
            trial = [Overlay(d) for d in before]
            try:
                now: Any = state_of(trial)
            except (OperationRefused, CorruptImage):
                now = None  # disks of two VGIDs
            group = reidentify(trial, origin=SeededOrigin(8, 5000), machine_id=OTHER)
            assert set(group.logical_volumes) in (names, {"fs" + name for name in names})
            if set(group.logical_volumes) == names:
                labels = {n: v.label for n, v in group.logical_volumes.items()}
                assert labels == {"fshd5": "primary_bootlv", "fshd4": "/fs", "fslv00": ""}
                assert all(lv.lvcb and lv.lvcb.lvid == lv.lvid for lv in group.logical_volumes.values())
            else:  # it was complete, and this was a second one
                assert now == state_of(devices)
                finished += 1
            assert not findings(trial)
            if now is not None:
                assert now == old or now["vgid"] != old["vgid"]
    assert finished <= 3, "only the last write completes it"


def big_group(folder: Path, size: int) -> list[ImageFile]:
    origin = SeededOrigin(3)
    disks = [ImageFile.create(folder / f"disk{i}", size) for i in range(3)]
    group = VolumeGroup.create(
        disks, origin=origin, machine_id=MACHINE, pp_size=1 << 30 if size > 64 * GIB else MIB, factor=2
    )
    with group.change(origin) as change:
        for i in range(100):
            change.add_lv(f"lv{i}", "jfs2", 1, 2, label=f"/data{i}")
    return disks


@pytest.mark.parametrize("size", [GIB, 1 << 40])
def test_metadata_only(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three disks and 100 LVs: at most 16 MiB written, however large the disks are."""
    disks = big_group(tmp_path, size)
    written = 0
    write = ImageFile.write

    def counting(self: ImageFile, offset: int, buffer: Any) -> None:
        nonlocal written
        written += memoryview(buffer).nbytes
        write(self, offset, buffer)

    monkeypatch.setattr(ImageFile, "write", counting)
    new = reidentify(disks, origin=SeededOrigin(8, 1000), machine_id=OTHER)
    assert len(new.logical_volumes) == 100
    assert 100 * 2 * SECTOR <= written <= 16 * MIB  # each control block in two copies, at least
    for disk in disks:
        disk.close()
