"""Splitting a group: names and mount points of the other one, versions, and which partitions are equal afterwards."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import ImageInUse, OperationRefused
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.split import join_group, split_group
from lvmfmt.origin import SeededOrigin

MIB, SECTOR = 1 << 20, 512


@pytest.fixture
def mirrored(memory_disk: Any, origin: SeededOrigin) -> Any:
    """A group of two disks whose LVs have a copy on each: root of 2 LPs, data of 1, its log of 1."""
    devices = [memory_disk(f"disk{n}", 10 * MIB) for n in (1, 2)]
    group = VolumeGroup.create(devices, origin=origin, machine_id="00F7B72A4C00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("root", "jfs2", 2, 2, label="/", fs="vfs=jfs2:log=/dev/log0:mount=true")
        change.add_lv("data", "jfs2", 1, 2, label="/data", fs="vfs=jfs2:log=/dev/other")
        change.add_lv("log0", "jfs2log", 1, 2)
    return group, devices


def test_names_of_the_other_group(mirrored: Any, origin: SeededOrigin) -> None:
    group, devices = mirrored
    first, second = group.physical_volumes
    other = split_group(group, [second], origin=origin)
    found = {lv.name: (lv.label, lv.fs, lv.copies, lv.lps) for lv in other.logical_volumes.values()}
    assert found == {
        "fsroot": ("/fs", "vfs=jfs2:log=/dev/fslog0:mount=true", 1, 2),
        "fsdata": ("/fs/data", "vfs=jfs2:log=/dev/other", 1, 1),
        "fslog0": ("", "", 1, 1),
    }
    assert other.vgid != group.vgid and other.record.version == 10  # snapshot groups came with it [lvm 4.3]
    assert list(other.physical_volumes) == [second] and other.complete
    assert {lv.lvid for lv in other.logical_volumes.values()} == {f"{other.vgid}.{minor}" for minor in (1, 2, 3)}
    again = VolumeGroup.open(devices[:1])
    assert again.split_off == {2} and again.logical_volumes["root"].copies == 2 and first in again.physical_volumes


def test_what_cannot_be_split_off(mirrored: Any, origin: SeededOrigin) -> None:
    group, _ = mirrored
    first, second = group.physical_volumes
    for pvids in ([], [first, second], [second, "0" * 16]):
        with pytest.raises(OperationRefused, match="some of the disks"):
            split_group(group, pvids, origin=origin)
    with pytest.raises(OperationRefused, match="is not a name"):
        split_group(group, [second], origin=origin, prefix="x" * 12)
    with group.change(origin) as change:
        change.mark_stale("root", np.array([[True, False], [False, False]]))
    for pvid in (first, second):  # the one lacks a good copy, without the other there is none
        with pytest.raises(OperationRefused, match="one good copy of every"):
            split_group(group, [pvid], origin=origin)


def test_joining_fills_what_differs_and_no_more(mirrored: Any, origin: SeededOrigin) -> None:
    group, devices = mirrored
    _, second = group.physical_volumes
    other = split_group(group, [second], origin=origin)
    again = VolumeGroup.open(devices[:1])
    again.logical_volumes["data"].device.write(5 * SECTOR, b"new")
    # the second LP of root is as it was; the first one of each LV has another control block
    assert join_group(again, devices[1:], origin=origin) == 3 * MIB
    whole = VolumeGroup.open(devices)
    assert not whole.split_off and not any(lv.stale_pps for lv in whole.logical_volumes.values())
    lv = whole.logical_volumes["data"]
    for copy in (0, 1):
        pv, pp = int(lv.map.pv[copy, 0]), int(lv.map.pp[copy, 0])
        at = whole.pvs[pv].offset(pp) + 5 * SECTOR
        assert devices[pv - 1].read(at, 3).tobytes() == b"new"
    with pytest.raises(OperationRefused, match="was not split off"):
        join_group(whole, devices[1:], origin=origin)
    assert other.vgid != whole.vgid


def test_disks_that_join_by_their_paths_are_closed_with_the_group(tmp_path: Path, origin: SeededOrigin) -> None:
    paths = [tmp_path / f"disk{n}" for n in (1, 2, 3)]
    for path in paths:
        ImageFile.create(path, 10 * MIB).close()
    with VolumeGroup.create(paths[:2], origin=origin, machine_id="00F7B72A4C00", pp_size=MIB) as group:
        with group.change(origin) as change:
            change.add_lv("data", "jfs2", 2, 2)
        second = list(group.physical_volumes)[1]
        split_group(group, [second], origin=origin)
    with VolumeGroup.open(paths[:1], writable=True) as group:
        with pytest.raises(OperationRefused, match="was not split off"):
            join_group(group, paths[1:], origin=origin)
        for path in paths[1:]:  # what was refused is not held
            ImageFile(path, writable=True).close()
        told: list[int] = []
        done = join_group(group, paths[1], origin=origin, progress=told.append)
        assert 0 < done == sum(told) <= MIB  # one LP was equal, of the other holes are not copied
        with pytest.raises(ImageInUse):
            ImageFile(paths[1], writable=True)
    with VolumeGroup.open(paths[:2], writable=True) as whole:
        assert whole.complete and not whole.split_off


def test_a_disk_joins_once(mirrored: Any, origin: SeededOrigin) -> None:
    group, devices = mirrored
    split_group(group, [list(group.physical_volumes)[1]], origin=origin)
    again = VolumeGroup.open(devices[:1])
    before = [device.read(0, device.size).tobytes() for device in devices]
    with pytest.raises(OperationRefused, match="given twice"):
        join_group(again, [devices[1], devices[1]], origin=origin)
    assert [device.read(0, device.size).tobytes() for device in devices] == before
