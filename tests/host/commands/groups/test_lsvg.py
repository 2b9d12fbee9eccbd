"""lsvg: groups and what is in one, in the formats of [commands 1.2]."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.groups import lsvg
from lvmfmt.host.odm import devices

from ...stub import Stub, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """datavg: two disks of 23 PPs of 4 MiB; lv00 with two copies of 3 LPs, fslv00 with 2 LPs."""
    machine = Stub()
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("lv00", "raw", 3, 2)
        change.add_lv("fslv00", "jfs2", 2, 1, label="/data")
    machine.define("datavg", group)
    devices.define_group(machine.odm, "oldvg", "0" * 32, [], auto_on=False)
    return machine


def test_names(machine: Stub) -> None:
    assert run(machine, lsvg, "lsvg").out == ["datavg", "oldvg"]
    assert run(machine, lsvg, "lsvg -o").out == ["datavg"]
    machine.running.vary_on("0" * 32)
    assert run(machine, lsvg, "lsvg -o").out == ["oldvg", "datavg"]  # the newest first


def test_volumes_of_a_group(machine: Stub) -> None:
    assert run(machine, lsvg, "lsvg -l datavg").lines == [
        "datavg:",
        "LV NAME             TYPE       LPs   PPs   PVs  LV STATE      MOUNT POINT",
        "lv00                raw        3     6     2    closed/syncd  N/A",
        "fslv00              jfs2       2     2     1    closed/syncd  /data",
    ]
    machine.running.mount("/dev/fslv00", "/data")
    assert run(machine, lsvg, "lsvg -l datavg").lines[-1].split()[5] == "open/syncd"


def test_disks_of_a_group(machine: Stub) -> None:
    rows = [line.split() for line in run(machine, lsvg, "lsvg -p datavg").lines]
    assert rows[0] == ["datavg:"]
    assert [row[:4] for row in rows[2:]] == [["hdisk0", "active", "23", "18"], ["hdisk1", "active", "23", "20"]]
    assert [sum(map(int, row[4].split(".."))) for row in rows[2:]] == [18, 20]
    machine.odm.delete("CuDv", name="hdisk1")
    result = run(machine, lsvg, "lsvg -p datavg")  # a disk that has lost its name goes by its PVID
    pvid = list(machine.varied["datavg"].physical_volumes)[1]
    assert result.lines[-1].split()[:2] == [pvid, "active"]
    assert result.err[0] == f"0516-304 : Unable to find device id {pvid} in the Device"


def test_facts(machine: Stub) -> None:
    text = run(machine, lsvg, "lsvg datavg").out
    facts = {}
    for line in text:
        for part in (line[:45], line[45:]):
            name, _, value = part.partition(":")
            facts[name.strip()] = value.strip()
    assert facts["VOLUME GROUP"] == "datavg" and facts["VG IDENTIFIER"] == machine.varied["datavg"].vgid
    wanted = {
        "PP SIZE": "4 megabyte(s)", "TOTAL PPs": "46 (184 megabytes)", "FREE PPs": "38 (152 megabytes)",
        "USED PPs": "8 (32 megabytes)", "LVs": "2", "OPEN LVs": "0", "TOTAL PVs": "2", "STALE PVs": "0",
        "STALE PPs": "0", "ACTIVE PVs": "2", "AUTO ON": "yes", "VG DESCRIPTORS": "3", "MAX PVs": "32",
        "MAX LVs": "256", "MAX PPs per PV": "1016",
    }  # fmt: skip
    assert {name: facts.get(name) for name in wanted} == wanted
    assert facts["QUORUM"].startswith("2")  # more than half of three descriptors


def test_partitions(machine: Stub) -> None:
    rows = run(machine, lsvg, "lsvg -M datavg").lines
    first = [row for row in rows if row.startswith("hdisk0:") and "\t" in row]
    assert {row.split("\t")[1] for row in first} == {"lv00:1:1", "lv00:2:1", "lv00:3:1", "fslv00:1", "fslv00:2"}
    assert sum("\tlv00:" in row for row in rows) == 6


def test_several_groups_and_those_from_a_pipe(machine: Stub) -> None:
    result = run(machine, lsvg, "lsvg -il", stdin="datavg\n")
    assert result.status == 0 and result.out[0] == "datavg:"
    result = run(machine, lsvg, "lsvg -l oldvg datavg")
    assert result.status == 1 and result.err == ["0516-010 : Volume group must be varied on; use varyonvg command."]
    assert result.out[0] == "datavg:"
    assert run(machine, lsvg, "lsvg -i", stdin="").out == []
    assert lsvg.COMMANDS["lsvg"].listens(["lsvg", "-i"])


@pytest.mark.parametrize("line", ["lsvg -lp datavg", "lsvg -l", "lsvg -o datavg", "lsvg -ol", "lsvg -x"])
def test_usage(machine: Stub, line: str) -> None:
    result = run(machine, lsvg, line)
    assert result.status == 2 and result.err[0].startswith("Usage: lsvg") and result.out == []
