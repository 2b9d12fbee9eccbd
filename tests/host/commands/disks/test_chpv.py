"""chpv: whether a disk gives partitions, and its boot record [commands 2.5]."""

from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.host.commands.disks import chpv
from lvmfmt.host.odm import devices

from ...stub import Stub, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub()
    machine.define("datavg", volume_group(tmp_path))
    return machine


def state(machine: Stub, number: int) -> int:
    return list(machine.varied["datavg"].physical_volumes.values())[number].state


def test_no_allocation(machine: Stub) -> None:
    assert run(machine, chpv, "chpv -a n hdisk1").status == 0
    assert (state(machine, 0) & 8, state(machine, 1) & 8) == (0, 8)  # [lvm 8.3]
    assert run(machine, chpv, "chpv -a y hdisk1").status == 0
    assert state(machine, 1) & 8 == 0


def test_the_boot_record_goes(machine: Stub) -> None:
    lvm.write_boot_record(machine.images["hdisk0"], boot_prg_start=7, boot_code_length=3)
    assert run(machine, chpv, "chpv -c hdisk0").status == 0
    assert lvm.read_boot_record(machine.images["hdisk0"]).boot_prg_start == 0


def test_refused(machine: Stub) -> None:
    devices.define_disk(machine.odm, "hdisk9", "z", None)
    for line in ("chpv -a n hdisk9", "chpv -a n hdisk7", "chpv -h y hdisk0", "chpv -P x hdisk0"):
        result = run(machine, chpv, line)
        assert result.status == 1 and result.err, line
    for line in ("chpv", "chpv hdisk0", "chpv -a x hdisk0"):
        assert run(machine, chpv, line).status == 2, line
    assert state(machine, 0) == state(machine, 1)
