"""chlv: policies, type, label and name of logical volumes [commands 2.4]."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.volumes import chlv
from lvmfmt.host.odm.filesystems import PATH

from ...stub import Stub, file_system, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/etc", now=1)
    machine.root.write_file(PATH, b"/data:\n\tdev = /dev/fslv00\n", now=1)
    group = volume_group(tmp_path)
    with group.change() as change:
        change.add_lv("lv00", "raw", 2, 1)
        change.add_lv("fslv00", "jfs2", 2, 1, label="/data")
    machine.define("datavg", group)
    return machine


def test_policies(machine: Stub) -> None:
    assert run(machine, chlv, "chlv -a e -e x -x 600 -u 7 -w n -p r -t fun -L /x lv00 fslv00").status == 0
    for name in ("lv00", "fslv00"):
        volume = machine.varied["datavg"].logical_volumes[name]
        policy = volume.policy
        assert (policy.intra, policy.inter, policy.max_lps, policy.upper_bound) == ("e", "x", 600, 7)
        assert (policy.mwc, policy.read_only, volume.type, volume.label) == ("n", True, "fun", "/x")
        assert machine.odm.attribute(name, "type") == "fun"
    assert run(machine, chlv, "chlv -p w lv00").status == 0
    assert machine.varied["datavg"].logical_volumes["lv00"].policy.read_only is False


def test_another_name(machine: Stub) -> None:
    assert run(machine, chlv, "chlv -n other fslv00").status == 0
    assert list(machine.varied["datavg"].logical_volumes) == ["lv00", "other"]
    assert machine.odm.get("CuDv", name="other") and not machine.odm.get("CuDv", name="fslv00")
    assert machine.root.read(PATH) == b"/data:\n\tdev = /dev/other\n"
    machine.running.mount("/dev/other", "/data")
    result = run(machine, chlv, "chlv -n more other")
    assert result.status == 1 and "other" in "".join(result.err)
    assert run(machine, chlv, "chlv -n lv00 lv00").status == 1  # the name is used
    assert list(machine.varied["datavg"].logical_volumes) == ["lv00", "other"]


@pytest.mark.parametrize(
    "line", ["chlv lv00", "chlv -a e", "chlv -n x lv00 fslv00", "chlv -p x lv00", "chlv -a q lv00"]
)
def test_wrong_calls_change_nothing(machine: Stub, line: str) -> None:
    before = machine.varied["datavg"].stamp
    assert run(machine, chlv, line).status in (1, 2)
    assert machine.varied["datavg"].stamp == before
