"""getlvcb, putlvcb: the control block of a logical volume [commands 3.3]."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.volumes import getlvcb

from ...stub import Stub, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub()
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("fslv00", "jfs2", 2, 1, label="/data", fs="vfs=jfs2:log=INLINE")
    machine.define("datavg", group)
    return machine


def test_members_that_are_asked_for(machine: Stub) -> None:
    lvid = machine.varied["datavg"].logical_volumes["fslv00"].lvid
    assert run(machine, getlvcb, "getlvcb -aceiy /dev/fslv00").out == ["m", "1", "m", lvid, "fslv00"]
    assert run(machine, getlvcb, "getlvcb -Lnrstuf fslv00").out == [
        "/data", "2", "y", "y", "jfs2", "32", "vfs=jfs2:log=INLINE"
    ]  # fmt: skip
    assert run(machine, getlvcb, "getlvcb -tT fslv00").out == ["\t type = jfs2"]


def test_all_with_tags(machine: Stub) -> None:
    lines = run(machine, getlvcb, "getlvcb -AT fslv00").out
    assert lines[0] == "\t AIX LVCB" and lines[-1] == ""
    tags = [line.split(" = ")[0].strip() for line in lines[1:-1]]
    assert tags == [
        "intrapolicy", "copies", "interpolicy", "lvid", "lvname", "label", "machine id", "number lps", "relocatable",
        "strict", "stripe width", "stripe size in exponent", "type", "upperbound", "fs", "time created",
        "time modified",
    ]  # fmt: skip
    assert len(run(machine, getlvcb, "getlvcb -A fslv00").out) == 18


def test_members_are_written(machine: Stub) -> None:
    assert run(machine, getlvcb, "putlvcb -a c -u 5 -t jfs2log -L none -f vfs=x fslv00").status == 0
    volume = machine.varied["datavg"].logical_volumes["fslv00"]
    assert volume.lvcb is not None
    block = volume.lvcb
    assert (block.intra, block.upper_bound, block.type, block.label, block.fs) == ("c", 5, "jfs2log", "none", "vfs=x")
    assert volume.policy.intra == "c" and machine.odm.attribute("fslv00", "type") == "jfs2log"
    assert run(machine, getlvcb, "putlvcb -L /only fslv00").status == 0
    assert machine.varied["datavg"].logical_volumes["fslv00"].label == "/only"


def test_usage(machine: Stub) -> None:
    for line in ("getlvcb fslv00", "getlvcb -T fslv00", "getlvcb -A", "putlvcb fslv00", "putlvcb -a c"):
        assert run(machine, getlvcb, line).status == 2, line
    assert run(machine, getlvcb, "getlvcb -A nosuch").status == 1
