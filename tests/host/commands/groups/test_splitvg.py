"""splitvg, joinvg: one copy of a mirrored group as a group of its own [commands 4.5]."""

from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.host import Host
from lvmfmt.host.commands.groups import splitvg
from lvmfmt.host.messages import CommandFailed
from lvmfmt.host.odm import devices

from ...power import PowerCut
from ...stub import Stub, run, volume_group
from ..conftest import Lab


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub()
    group = volume_group(tmp_path, disks=3)
    pvids = list(group.physical_volumes)
    with group.change() as change:
        change.add_lv("lv00", "raw", 2, 2, disks=pvids[:2])
    machine.define("datavg", group)
    return machine


def test_the_disks_of_a_copy(machine: Stub) -> None:
    group = machine.varied["datavg"]
    pvids = list(group.physical_volumes)
    assert splitvg._holders(group, 1) == [pvids[0]] and splitvg._holders(group, 2) == [pvids[1]]
    with pytest.raises(CommandFailed, match="lv00"):
        splitvg._holders(group, 3)


def test_refused(machine: Stub) -> None:
    for line in ("splitvg -i datavg", "splitvg -c 3 datavg", "splitvg -y datavg datavg", "splitvg nosuch",
                 "joinvg datavg", "joinvg nosuch"):  # fmt: skip
        assert run(machine, splitvg, line).status == 1, line
    for line in ("splitvg", "splitvg -c 4 datavg", "splitvg a b", "joinvg", "joinvg a b"):
        assert run(machine, splitvg, line).status == 2, line
    machine.odm.add("CuDv", name="fslv00", PdDvLn=devices.VOLUME_LINK)  # what lv00 would be called
    assert run(machine, splitvg, "splitvg datavg").status == 1
    assert list(machine.varied) == ["datavg"] and machine.saved == 0


def test_paging_space_in_use_is_not_split(tmp_path: Path) -> None:
    machine = Stub()
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("paging00", "paging", 2, 2)
    machine.define("datavg", group)  # as the oldest group it is the one that pages
    assert run(machine, splitvg, "splitvg datavg").status == 1


def test_there_and_back(lab: Lab) -> None:
    lab.good("mkvg -s 4 -y datavg hdisk2 hdisk3")
    lab.good("mklv -y lv00 -c 2 datavg 3")
    assert lab.good("splitvg -y snapvg datavg") == ["snapvg"]
    assert lab.good("lsvg -o")[:2] == ["snapvg", "datavg"]
    assert lab.listing("lsvg -l snapvg")["fslv00"][1:3] == ["3", "3"]
    lab.good("joinvg datavg")
    assert "snapvg" not in lab.good("lsvg")
    assert lab.listing("lsvg -l datavg")["lv00"][1:5] == ["3", "6", "2", "closed/syncd"]


@pytest.mark.parametrize("off", ["", "varyoffvg snapvg", "chvg -a n snapvg"])
@pytest.mark.parametrize("joined", [False, True])
def test_power_fails_while_disks_come_back(lab: Lab, off: str, joined: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in ("mkvg -s 4 -y datavg hdisk2 hdisk3", "mklv -y lv00 -c 2 datavg 3", "splitvg -y snapvg datavg", off):
        assert not line or lab.type(line).status == 0
    real = lvm.join_group

    def fails(*args: object, **more: object) -> None:
        if joined:
            real(*args, **more)  # type: ignore[arg-type]
        raise PowerCut

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(lvm, "join_group", fails)
        lab.type("joinvg datavg")
    notes = Host.open(lab.path).boot()
    assert not any("cannot be varied on" in note for note in notes), notes
    assert lab.good("lsvg") == ["rootvg", "datavg"]  # no group is known whose disks are away
    if not joined:
        lab.good("joinvg datavg")
    lab.good("syncvg -v datavg")
    assert lab.listing("lsvg -l datavg")["lv00"][1:5] == ["3", "6", "2", "closed/syncd"]
