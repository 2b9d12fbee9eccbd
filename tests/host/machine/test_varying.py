"""Which disks may belong to a group that the ODM knows: its PVIDs, and its VGID or no LVM record on the disk."""

from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import ImageIOError
from lvmfmt.host.machine import varying
from lvmfmt.host.odm import devices
from lvmfmt.lvm import VolumeGroup, free_group_metadata, scan
from lvmfmt.origin import SeededOrigin

from ..stub import Stub, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub()
    machine.define("datavg", volume_group(tmp_path))
    return machine


def known(machine: Stub) -> devices.Group:
    found = devices.group(machine.odm, "datavg")
    assert found is not None
    return found


def test_disks_with_the_pvid_and_the_group(machine: Stub) -> None:
    assert list(varying.members(machine, known(machine))) == ["hdisk0", "hdisk1"]
    free_group_metadata(machine.images["hdisk1"])  # its PVID stays
    assert lvm.read_pvid(machine.images["hdisk1"]) is not None
    assert list(varying.members(machine, known(machine))) == ["hdisk0", "hdisk1"]  # it joined as the power failed
    devices.set_pvid(machine.odm, "hdisk0", None)
    assert varying.members(machine, known(machine)) == {}  # nothing says that hdisk1 is one


def test_a_disk_that_only_the_vgda_names(machine: Stub) -> None:
    first, second = known(machine).pvids
    devices.set_members(machine.odm, "datavg", [first])  # power failed before the ODM was told of the second
    assert list(varying.members(machine, known(machine))) == ["hdisk0", "hdisk1"]
    devices.define_group(machine.odm, "othervg", "0" * 32, [second], auto_on=True)
    assert list(varying.members(machine, known(machine))) == ["hdisk0"]


def test_a_disk_of_another_group_by_now(machine: Stub) -> None:
    free_group_metadata(machine.images["hdisk1"])
    VolumeGroup.create([machine.images["hdisk1"]], origin=SeededOrigin(6))  # storage has copied another one over it
    assert list(varying.members(machine, known(machine))) == ["hdisk0"]


def test_a_disk_that_has_died_is_none(machine: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> None:
        raise ImageIOError("the disk does not answer")

    machine.images["hdisk1"] = dead = Overlay(machine.images["hdisk1"])
    monkeypatch.setattr(dead, "read_into", fails)
    assert scan([dead])[0].record is None  # as of a disk without a record, and it is not one
    assert list(varying.members(machine, known(machine))) == ["hdisk0"]


def test_a_disk_that_is_gone_is_none(machine: Stub) -> None:
    disk = machine.disk("/dev/hdisk1")
    assert disk is not None and varying.readable(machine, disk) is machine.images["hdisk1"]
    del machine.images["hdisk1"]
    assert varying.readable(machine, disk) is None
    assert list(varying.members(machine, known(machine))) == ["hdisk0"]


def test_disks_through_which_a_group_is_used(machine: Stub, tmp_path: Path) -> None:
    devices.define_disk(machine.odm, "hdisk5", "hdisk5", known(machine).pvids[0])  # storage has copied the first
    machine.images["hdisk5"] = ImageFile.create(tmp_path / "copy.img", 96 << 20)
    assert varying.in_use(machine, known(machine)) == {"hdisk0", "hdisk1"}


def test_varying_on_tells_which_disks_are_there(machine: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[lvm.OnlineGroup] = []
    monkeypatch.setattr(machine, "forget", lambda: None)
    monkeypatch.setattr(machine, "varied_on", taken.append)
    pvids = known(machine).pvids
    both = varying.vary_on(machine, known(machine))
    assert [(s.number, s.pvid, s.state) for s in both] == [
        (1, pvids[0], lvm.PvState.ACTIVE), (2, pvids[1], lvm.PvState.ACTIVE),
    ]  # fmt: skip
    second = machine.images.pop("hdisk1")
    one = varying.vary_on(machine, known(machine), force=True)
    assert [s.state for s in one] == [lvm.PvState.ACTIVE, lvm.PvState.NOT_FOUND] and len(taken) == 2
    assert [s.pvid for s in one] == list(pvids)
    machine.images.clear()
    with pytest.raises(lvm.NoQuorum):
        varying.vary_on(machine, known(machine), force=True)
    assert len(taken) == 2 and second.size == 96 << 20
