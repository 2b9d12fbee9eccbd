"""Copies of logical volumes and where they are [commands 2.4]."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.volumes import mklvcopy
from lvmfmt.lvm import LogicalVolume

from ...stub import Stub, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub()
    group = volume_group(tmp_path, disks=3)
    with group.change() as change:
        change.add_lv("lv00", "raw", 2, 1)
    machine.define("datavg", group)
    return machine


def volume(machine: Stub, name: str = "lv00") -> LogicalVolume:
    return machine.varied["datavg"].logical_volumes[name]


def disks(machine: Stub, name: str = "lv00") -> list[list[int]]:
    return [sorted(set(copy)) for copy in volume(machine, name).map.pv.tolist()]


def test_a_copy_comes_and_goes(machine: Stub) -> None:
    assert run(machine, mklvcopy, "mklvcopy -k lv00 2 hdisk2").status == 0
    assert volume(machine).copies == 2 and disks(machine) == [[1], [3]] and volume(machine).stale_pps == 0
    assert machine.odm.attribute("lv00", "copies") == "2"
    assert run(machine, mklvcopy, "mklvcopy lv00 2").status == 1  # there are two
    assert run(machine, mklvcopy, "rmlvcopy lv00 1 hdisk0").status == 0
    assert volume(machine).copies == 1 and disks(machine) == [[3]]
    assert run(machine, mklvcopy, "rmlvcopy lv00 1").status == 1


def test_a_copy_that_is_not_filled_is_stale(machine: Stub) -> None:
    assert run(machine, mklvcopy, "mklvcopy lv00 3").status == 0
    assert volume(machine).copies == 3 and volume(machine).stale_pps == 4


def test_partitions_move(machine: Stub) -> None:
    assert run(machine, mklvcopy, "migratepv hdisk0 hdisk1").status == 0
    assert disks(machine) == [[2]]
    assert run(machine, mklvcopy, "migratelp lv00/2 hdisk2/5").status == 0
    assert volume(machine).map.pv.tolist() == [[2, 3]] and int(volume(machine).map.pp[0, 1]) == 5
    assert run(machine, mklvcopy, "migratepv -l lv00 hdisk2 hdisk0").status == 0
    assert volume(machine).map.pv.tolist() == [[2, 1]]


def test_a_copy_as_a_volume_of_its_own(machine: Stub) -> None:
    volume(machine).device.write(0, b"content")
    result = run(machine, mklvcopy, "cplv -y copy lv00")
    assert result.status == 0 and "copy" in "".join(result.out)
    assert bytes(volume(machine, "copy").device.read(0, 7)) == b"content"
    assert volume(machine, "copy").lps == 2


@pytest.mark.parametrize(
    "line",
    ["mklvcopy lv00", "mklvcopy lv00 1", "mklvcopy lv00 4", "rmlvcopy lv00 3", "rmlvcopy lv00", "rmlvcopy", "cplv",
     "cplv a b", "migratelp lv00", "migratelp lv00 hdisk1", "migratelp lv00/x hdisk1", "migratepv"],
)  # fmt: skip
def test_usage(machine: Stub, line: str) -> None:
    assert run(machine, mklvcopy, line).status == 2
