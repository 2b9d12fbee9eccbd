"""A group of each kind through what can happen to it: failing disks, power failure, another identity, split and join.

What is expected are the bytes that were written, and that the checker finds nothing; sector numbers are of
[lvm 1.1, 10].
"""

from typing import Any

import numpy as np
import pytest

from lvmfmt.lvm import LvPolicy, VgKind, VolumeGroup, join_group, migrate, reidentify, split_group, varyon
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.online import mwc as records
from lvmfmt.origin import SeededOrigin

MACHINE, MIB, SECTOR = "00F7B72A4C00", 1 << 20, 512
KINDS = [VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE]
DATA = np.random.default_rng(1).integers(0, 256, 4 * MIB - SECTOR, np.uint8)

pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def group(kind: VgKind, disks: Any, origin: SeededOrigin) -> tuple[VolumeGroup, list[Any]]:
    """Three disks without quorum checking; m is mirrored on two of them, s striped over two, l on the first."""
    devices = disks(3, 72 * MIB)
    group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB, kind=kind)
    first, second, _ = group.physical_volumes
    with group.change(origin) as change:
        change.add_lv("m", "jfs2", 4, 2, [first, second], label="/m")
        change.add_lv("s", "jfs2", 4, policy=LvPolicy(strip_size=65536), disks=[first, second])
        change.add_lv("l", "jfs2", 4, disks=[first])
        change.set_options(quorum=False)
    for name in ("m", "s", "l"):
        group.logical_volumes[name].device.write(SECTOR, DATA)
    return group, devices


def holds(devices: list[Any], *names: str) -> None:
    """The group is sound, and these LVs hold the bytes."""
    assert check(devices) == []
    found = VolumeGroup.open(devices).logical_volumes
    for name in names:
        assert np.array_equal(found[name].device.read(SECTOR, len(DATA)), DATA), name


def test_power_failure(kind: VgKind, group: Any, origin: SeededOrigin) -> None:
    _, devices = group
    volume = varyon(devices, origin=origin).open_lv("m")
    volume.write(SECTOR, DATA)
    _, named, psn = records.read(devices[0], kind)
    assert len(named) == 4 * MIB >> 17 and psn in (range(100, 120) if kind is VgKind.SCALABLE else range(2, 4))
    online = varyon(devices, origin=origin)
    assert online.repaired == [("m", number << 17, 1 << 17) for number in range(4 * MIB >> 17)]
    online.varyoff()
    holds(devices, "m", "s", "l")


def test_a_disk_that_was_away(kind: VgKind, group: Any, origin: SeededOrigin) -> None:
    _, devices = group
    online = varyon(devices[1:], origin=origin, force=True)
    volume = online.open_lv("m")
    volume.write(SECTOR, DATA[::-1].copy())
    assert online.group.logical_volumes["m"].stale_pps == 4
    volume.write(SECTOR, DATA)
    volume.close()
    online.varyoff()
    varyon(devices, origin=origin).varyoff()
    holds(devices, "m", "s", "l")
    assert not any(lv.stale_pps for lv in VolumeGroup.open(devices).logical_volumes.values())


def test_migration(kind: VgKind, group: Any, origin: SeededOrigin) -> None:
    opened, devices = group
    first, _, third = opened.physical_volumes
    migrate(opened, [first], [third], origin=origin)
    assert not VolumeGroup.open(devices).physical_volumes[first].used.any()
    holds(devices, "m", "s", "l")


@pytest.mark.parametrize("factor", [1, 2])
def test_another_identity(kind: VgKind, factor: int, group: Any, origin: SeededOrigin) -> None:
    opened, devices = group
    if kind is not VgKind.SCALABLE and factor > 1:
        with opened.change(origin) as change:
            change.set_options(factor=factor)
    new = reidentify(devices, origin=origin, machine_id=MACHINE)
    assert new.vgid != opened.vgid and not set(new.physical_volumes) & set(opened.physical_volumes)
    assert new.logical_volumes["fsm"].label == "/fs/m" and new.logical_volumes["fss"].type == "jfs2"
    holds(devices, "fsm", "fss", "fsl")


def test_split_and_join(kind: VgKind, group: Any, origin: SeededOrigin) -> None:
    opened, devices = group
    second = list(opened.physical_volumes)[1]
    with opened.change(origin) as change:
        change.remove_lv("s")
        change.remove_lv("l")
    rest = [devices[0], devices[2]]
    split_group(opened, [second], origin=origin)
    holds(rest, "m")
    holds([devices[1]], "fsm")
    opened = VolumeGroup.open(rest)
    join_group(opened, [devices[1]], origin=origin)
    opened.sync(origin=origin)
    holds(devices, "m")
    assert np.array_equal(opened.logical_volumes["m"].copy_device(2).read(SECTOR, len(DATA)), DATA)
