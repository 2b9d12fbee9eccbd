"""Groups, volumes and disks by their names on command lines; messages of [commands 0.3, 2]."""

import io
from pathlib import Path

import numpy as np
import pytest

from lvmfmt.host.commands import operands
from lvmfmt.host.messages import CommandFailed

from ..stub import Stub, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub()
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("fslv00", "jfs2", 2, 1, label="/data")
        change.add_lv("lv00", "raw", 1, 1)
    machine.define("datavg", group)
    return machine


def test_groups_and_volumes_by_name(machine: Stub) -> None:
    group = machine.varied["datavg"]
    assert operands.varied_on_group(machine, "datavg", "lsvg") is group
    assert operands.group_of_volume(machine, "lv00", "lslv") == ("datavg", group)
    with pytest.raises(CommandFailed, match="0516-306 lsvg: Unable to find volume group nosuch"):
        operands.varied_on_group(machine, "nosuch", "lsvg")
    with pytest.raises(CommandFailed, match="0516-306 lslv: Unable to find  nosuch"):
        operands.group_of_volume(machine, "nosuch", "lslv")
    machine.running.vary_off(group.vgid)
    with pytest.raises(CommandFailed, match="0516-010 lsvg: Volume group must be varied on"):
        operands.varied_on_group(machine, "datavg", "lsvg")


def test_members_by_disk_name_or_pvid(machine: Stub) -> None:
    group = machine.varied["datavg"]
    first, second = group.physical_volumes
    assert operands.member(machine, group, "hdisk1", "chvg") == second
    assert operands.member(machine, group, first, "chvg") == first
    assert operands.members(machine, group, ["hdisk1", "hdisk0", "hdisk1"], "chvg") == [second, first]
    with pytest.raises(CommandFailed):
        operands.disk_called(machine, "hdisk7", "chvg")
    with pytest.raises(CommandFailed):
        operands.member(machine, group, "f" * 16, "chvg")
    del machine.varied["datavg"]
    from lvmfmt.host.odm import devices

    devices.define_disk(machine.odm, "hdisk8", "c", "00" * 7 + "11")
    devices.define_disk(machine.odm, "hdisk9", "d", None)
    for name in ("hdisk8", "hdisk9"):
        with pytest.raises(CommandFailed):
            operands.member(machine, group, name, "chvg")


def test_mount_points_and_states_in_listings(machine: Stub) -> None:
    volumes = machine.varied["datavg"].logical_volumes
    assert operands.mount_point(volumes["fslv00"]) == "/data"
    assert operands.mount_point(volumes["lv00"]) == "N/A"
    pv = next(iter(machine.varied["datavg"].physical_volumes.values()))
    assert operands.pv_state(pv) == "active"
    for state, word in ((2, "missing"), (4, "removed"), (6, "removed"), (8, "active")):
        changed = type(pv)(**{**vars(pv), "state": state}) if hasattr(pv, "__dict__") else pv._replace(state=state)
        assert operands.pv_state(changed) == word


def test_pps_by_region(machine: Stub) -> None:
    # a fifth of 23 PPs is 4.6: the regions have 5, 5, 4, 4 and 5 of them ([commands 1.1], `FREE DISTRIBUTION`)
    pv = next(iter(machine.varied["datavg"].physical_volumes.values()))
    counts = operands.by_region(pv, np.ones(23, bool))
    assert sum(counts) == 23 and len(counts) == 5 and set(counts) <= {4, 5}
    only = np.zeros(23, bool)
    only[0] = True
    assert operands.by_region(pv, only) == [1, 0, 0, 0, 0]


def test_names_that_aix_makes(machine: Stub) -> None:
    assert operands.new_name(machine, "lv") == "lv01"  # lv00 is there
    assert operands.new_name(machine, "vg") == "vg00"
    prefixes = [operands.default_prefix(kind) for kind in ("jfs2", "jfs2log", "jfslog", "paging", "boot", "raw")]
    assert prefixes == ["fslv", "loglv", "loglv", "paging", "lv", "lv"]
    operands.check_free_name(machine, "a" * 15)
    for name in ("lv00", "datavg", "1st", "a" * 16, "a/b", ""):
        with pytest.raises(CommandFailed):
            operands.check_free_name(machine, name)


@pytest.mark.parametrize(
    ("typed", "answer"), [("y\n", True), ("YES\n", True), ("n\n", False), ("", False), ("y", True)]
)
def test_a_question(machine: Stub, typed: str, answer: bool) -> None:
    machine.stdin, err = io.StringIO(typed), io.StringIO()
    assert operands.ask(machine, err, "Really?", "[y/n]") is answer
    assert err.getvalue() == "Really?\n[y/n] " + ("" if typed.endswith("\n") else "\n")


def test_a_changed_group_is_told_to_the_odm(machine: Stub) -> None:
    group = machine.varied["datavg"]
    with group.change() as change:
        change.rename_lv("lv00", "other")
    operands.finish(machine, "datavg", group)
    assert [o["name"] for o in machine.odm.get("CuDv", parent="datavg")] == ["fslv00", "other"] and machine.saved == 1
