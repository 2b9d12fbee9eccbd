"""What becomes of an ODM on the disk that it was copied to."""

from pathlib import Path

import pytest

from lvmfmt.host.alternate import clonedodm
from lvmfmt.host.odm import devices

from ..stub import Stub, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """rootvg on hdisk0, its clone awake on hdisk1, datavg on hdisk2."""
    machine = Stub()
    devices.define_machine(machine.odm)
    for name, prefix in (("rootvg", ""), ("altinst_rootvg", "alt_"), ("datavg", "d")):
        (tmp_path / name).mkdir()
        group = volume_group(tmp_path / name, disks=1)
        with group.change() as change:
            change.add_lv(f"{prefix}hd4", "jfs2", 1, 1, label="/alt_inst" if prefix == "alt_" else "/")
        machine.define(name, group)
    return machine


def test_its_own_group_is_rootvg_and_the_other_one_old(machine: Stub) -> None:
    source, clone = machine.varied["rootvg"], machine.varied["altinst_rootvg"]
    odm = clonedodm.cloned(machine.odm, source, clone)
    groups = {group.name: group for group in devices.groups(odm)}
    assert set(groups) == {"rootvg", "datavg", "old_rootvg"}
    assert groups["rootvg"].vgid == clone.vgid and groups["rootvg"].pvids == tuple(clone.physical_volumes)
    assert groups["old_rootvg"].vgid == source.vgid and not groups["old_rootvg"].auto_on
    assert devices.volumes(odm, "rootvg") == ["hd4"] and odm.attribute("hd4", "label") == "/"
    assert odm.attribute("hd4", "lvserial_id") == clone.logical_volumes["alt_hd4"].lvid
    assert devices.volumes(odm, "old_rootvg") == []
    # the running ODM is as it was
    assert {group.name for group in devices.groups(machine.odm)} == {"rootvg", "altinst_rootvg", "datavg"}


def test_for_another_machine(machine: Stub) -> None:
    odm = machine.odm.copy()
    clonedodm.adapt(odm)
    assert len(devices.disks(odm)) == 3 and odm.attribute("sys0", "syscons") is None
    clonedodm.adapt(odm, reset_devices=True, console="/dev/vty0")
    assert devices.disks(odm) == [] and [group.name for group in devices.groups(odm)] == ["rootvg"]
    assert odm.attribute("sys0", "syscons") == "/dev/vty0"
