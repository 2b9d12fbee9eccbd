"""reducevg: disks leave a group [commands 2.2]."""

from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.host.commands.groups import reducevg

from ...stub import Stub, run, volume_group

QUESTION = "rmlv: Do you wish to continue? y(es) n(o)?"


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """datavg on three disks: one of nothing, mirrored on 0 and 1, alone on 1."""
    machine = Stub()
    group = volume_group(tmp_path, disks=3)
    pvids = list(group.physical_volumes)
    with group.change() as change:
        change.add_lv("mirrored", "raw", 2, 2, disks=pvids[:2])
        change.add_lv("alone", "raw", 1, 1, disks=pvids[1:2])
    machine.define("datavg", group)
    return machine


def disks(machine: Stub) -> list[str]:
    return machine.disk_names(list(machine.varied["datavg"].physical_volumes))


def test_an_empty_disk_goes_and_keeps_its_pvid(machine: Stub) -> None:
    pvid = lvm.read_pvid(machine.images["hdisk2"])
    assert run(machine, reducevg, "reducevg datavg hdisk2") == (0, [], [])
    assert disks(machine) == ["hdisk0", "hdisk1"] and lvm.read_pvid(machine.images["hdisk2"]) == pvid
    assert len(machine.odm.get("CuAt", name="datavg", attribute="pv")) == 2
    assert lvm.scan([machine.images["hdisk2"]])[0].vgid is None


def test_one_in_use_stays_with_the_others(machine: Stub) -> None:
    result = run(machine, reducevg, "reducevg datavg hdisk2 hdisk0")
    assert result.status == 1 and len(disks(machine)) == 3
    assert result.err[0] == "0516-016 ldeletepv: Cannot delete physical volume with allocated"
    assert result.err[-1] == "0516-884 reducevg: Unable to remove physical volume hdisk0."


def test_with_d_copies_go_and_what_is_not_whole_without_them(machine: Stub) -> None:
    result = run(machine, reducevg, "reducevg -d datavg hdisk1", stdin="y\ny\n")
    assert result.status == 0 and result.out == ["rmlv: Logical volume alone is removed."]
    assert sum(QUESTION in line for line in result.err) == 2
    volumes = machine.varied["datavg"].logical_volumes
    assert list(volumes) == ["mirrored"] and volumes["mirrored"].copies == 1 and disks(machine) == ["hdisk0", "hdisk2"]


def test_a_no_changes_nothing(machine: Stub) -> None:
    assert run(machine, reducevg, "reducevg -d datavg hdisk1", stdin="y\nn\n").status == 1
    assert len(disks(machine)) == 3 and machine.varied["datavg"].logical_volumes["mirrored"].copies == 2


def test_f_asks_nothing(machine: Stub) -> None:
    result = run(machine, reducevg, "reducevg -df datavg hdisk1")
    assert result.status == 0 and result.err == [] and disks(machine) == ["hdisk0", "hdisk2"]


def test_what_is_open_stays(machine: Stub) -> None:
    machine.running.mount("/dev/alone", "/x")
    result = run(machine, reducevg, "reducevg -df datavg hdisk1")
    assert result.status == 1 and "alone" in result.err[0] and len(disks(machine)) == 3


@pytest.mark.parametrize("line", ["reducevg datavg", "reducevg", "reducevg datavg hdisk2 hdisk2"])
def test_usage(machine: Stub, line: str) -> None:
    assert run(machine, reducevg, line).status == 2
