"""lslv: facts, disks, map of a volume, and its place on a disk, in the formats of [commands 1.3]."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.volumes import lslv
from lvmfmt.host.odm import devices
from lvmfmt.lvm import LvPolicy

from ...stub import Stub, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """datavg: two disks of 23 PPs of 4 MiB; lv00 with two copies of 3 LPs in the outer edge, fslv00 with 2 LPs."""
    machine = Stub()
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("lv00", "raw", 3, 2, policy=LvPolicy(intra="e", mwc="n"))
        change.add_lv("fslv00", "jfs2", 2, 1, label="/data")
    machine.define("datavg", group)
    return machine


def facts(machine: Stub, line: str) -> dict[str, str]:
    found = {}
    for row in run(machine, lslv, line).out:
        for part in (row[:39], row[39:]) if row.count(":") > 1 else (row,):
            name, _, value = part.partition(":")
            found[name.strip()] = value.strip()
    return found


def test_facts(machine: Stub) -> None:
    found = facts(machine, "lslv lv00")
    wanted = {
        "LOGICAL VOLUME": "lv00", "VOLUME GROUP": "datavg", "TYPE": "raw", "COPIES": "2", "LPs": "3", "PPs": "6",
        "STALE PPs": "0", "INTRA-POLICY": "edge", "INTER-POLICY": "minimum", "MOUNT POINT": "N/A", "LABEL": "None",
        "MIRROR WRITE CONSISTENCY": "off", "EACH LP COPY ON A SEPARATE PV ?": "yes", "LV STATE": "closed/syncd",
        "PP SIZE": "4 megabyte(s)", "MAX LPs": "512", "VG STATE": "active/complete", "RELOCATABLE": "yes",
        "BB POLICY": "relocatable", "WRITE VERIFY": "off", "SCHED POLICY": "parallel",
    }  # fmt: skip
    assert {name: found.get(name) for name in wanted} == wanted
    machine.running.mount("/dev/fslv00", "/data")
    found = facts(machine, "lslv /dev/fslv00")
    assert (found["LV STATE"], found["MOUNT POINT"], found["LABEL"]) == ("opened/syncd", "/data", "/data")
    assert found["MIRROR WRITE CONSISTENCY"] == "on/ACTIVE" and found["INTRA-POLICY"] == "middle"


def test_disks(machine: Stub) -> None:
    lines = run(machine, lslv, "lslv -l lv00").lines
    assert lines[:2] == ["lv00:N/A", "PV                COPIES        IN BAND       DISTRIBUTION"]
    # each copy is on a disk of its own, and all of it in the outer edge, which has 4 or 5 of 23 PPs
    rows = [line.split() for line in lines[2:]]
    assert rows[0] == ["hdisk0", "003:000:000", "100%", "003:000:000:000:000"]
    assert rows[1][0] == "hdisk1" and rows[1][2:] == ["100%", "003:000:000:000:000"] and len(rows) == 2


def test_map(machine: Stub) -> None:
    lines = run(machine, lslv, "lslv -m lv00").lines
    assert lines[0] == "lv00:N/A" and lines[1].split()[:5] == ["LP", "PP1", "PV1", "PP2", "PV2"]
    volume = machine.varied["datavg"].logical_volumes["lv00"]
    for n, line in enumerate(lines[2:]):
        lp, pp1, pv1, pp2, pv2 = line.split()
        assert (int(lp), pv1, pv2) == (n + 1, "hdisk0", "hdisk1")
        assert (int(pp1), int(pp2)) == (int(volume.map.pp[0, n]), int(volume.map.pp[1, n]))
    assert len(lines) == 5


def test_place_on_a_disk(machine: Stub) -> None:
    words = " ".join(run(machine, lslv, "lslv -p hdisk0").out).split()
    assert words[0] == "hdisk0::" and words.count("USED") == 5 and words.count("FREE") == 18
    words = " ".join(run(machine, lslv, "lslv -p hdisk0 lv00").out).split()
    assert words[0] == "hdisk0:lv00:N/A" and [w for w in words if w.isdigit() and len(w) == 4] == [
        "0001",
        "0002",
        "0003",
    ]
    assert words.count("USED") == 2


def test_refused(machine: Stub) -> None:
    devices.define_disk(machine.odm, "hdisk9", "z", None)
    for line, text in (
        ("lslv hd99", "0516-306 lslv: Unable to find  hd99 in the Device"),
        ("lslv -p hdisk9", "0516-320 lslv: Physical volume hdisk9 is not assigned to"),
        ("lslv -p hdisk0 hd99", "0516-306 lslv: Unable to find  hd99 in the Device"),
        ("lslv -n hdisk7 lv00", "0516-1396 lslv: The physical volume hdisk7, was not found in the"),
    ):
        result = run(machine, lslv, line)
        assert result.status == 1 and result.err[0] == text, line
    for line in ("lslv", "lslv a b", "lslv -lm lv00", "lslv -p hdisk0 a b"):
        assert run(machine, lslv, line).status == 2, line
