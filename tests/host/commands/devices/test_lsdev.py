"""lsdev, lsattr, lscfg: devices of the ODM [commands 3.2]."""

import pytest

from lvmfmt.host.commands.devices import lsdev
from lvmfmt.host.odm import configure, devices
from lvmfmt.host.odm.predefined import kinds

from ...stub import Stub, run

PVID = "0041a97b0622ef7f"


@pytest.fixture
def machine() -> Stub:
    machine = Stub()
    devices.define_machine(machine.odm)
    for name, pvid in (("hdisk10", None), ("hdisk2", PVID)):
        devices.define_disk(machine.odm, name, name, pvid)
    configure.set_status(machine.odm, "hdisk10", configure.DEFINED)
    return machine


def test_customised_devices_by_name_and_state(machine: Stub) -> None:
    rows = [line.split()[:2] for line in run(machine, lsdev, "lsdev -Cc disk").out]
    assert rows == [["hdisk2", "Available"], ["hdisk10", "Defined"]]
    assert [line.split()[0] for line in run(machine, lsdev, "lsdev -C -S a -c disk").out] == ["hdisk2"]
    assert [line.split()[0] for line in run(machine, lsdev, "lsdev -C -S 0").out] == ["hdisk10"]
    assert run(machine, lsdev, "lsdev -l hdisk2 -F name:status").out == ["hdisk2:Available"]
    assert run(machine, lsdev, "lsdev -C -l hdisk2 -F parent").out == ["vscsi0"]
    assert run(machine, lsdev, "lsdev -Cp vscsi0 -r name").out == ["hdisk10", "hdisk2"]
    head = run(machine, lsdev, "lsdev -CH -l hdisk2").out[0]
    assert head.split() == ["name", "status", "location", "description"]


def test_predefined_devices(machine: Stub) -> None:
    rows = run(machine, lsdev, "lsdev -P -c disk -F class:subclass:type").out
    assert rows == [":".join(link.split("/", 2)) for link in kinds() if link.startswith("disk/")]
    assert run(machine, lsdev, "lsdev -P -H").out[0].split() == ["class", "type", "subclass", "description"]


def test_attributes_in_effect_and_by_default(machine: Stub) -> None:
    assert run(machine, lsdev, "lsattr -E -l hdisk2 -a pvid").out[0].split()[:2] == ["pvid", PVID + "0" * 16]
    assert run(machine, lsdev, "lsattr -D -l hdisk2 -a pvid").out[0].split()[:2] == ["pvid", "none"]
    all_names = [line.split()[0] for line in run(machine, lsdev, "lsattr -E -l hdisk2").out]
    assert all_names == sorted(all_names) and "queue_depth" in all_names
    machine.odm.set_attribute("hdisk2", "queue_depth", "17")
    assert run(machine, lsdev, "lsattr -El hdisk2 -a queue_depth -F value").out == ["17"]
    assert run(machine, lsdev, "lsattr -HEl hdisk2").out[0].split() == [
        "attribute", "value", "description", "user_settable"
    ]  # fmt: skip
    values = kinds()[devices.DISK_LINK].attributes["queue_depth"].values
    assert run(machine, lsdev, "lsattr -Rl hdisk2 -a queue_depth").out == [values.replace("-", "...", 1)]


def test_places(machine: Stub) -> None:
    line = run(machine, lsdev, "lscfg -l hdisk2").out[0].split()
    assert line[:2] == ["hdisk2", "hdisk2"]
    assert [row.split()[0] for row in run(machine, lsdev, "lscfg").out] == ["hdisk2", "hdisk10", "sys0", "vscsi0"]
    assert len(run(machine, lsdev, "lscfg -vl hdisk2").out) == 4


def test_one_attribute_with_colons(machine: Stub) -> None:
    machine.odm.set_attribute("hdisk2", "pvid", "00f7b72a" + "0" * 24)
    found = run(machine, lsdev, "lsattr -EO -l hdisk2 -a pvid").out
    assert found == ["#pvid", "00f7b72a" + "0" * 24]  # [commands, Corrections]


@pytest.mark.parametrize(
    "line",
    ["lsdev -CP", "lsdev x", "lsattr -E", "lsattr -l hdisk2", "lsattr -EDl hdisk2", "lscfg -p", "lsdev -C -F no:name",
     "lsdev -C -F ::"],
)  # fmt: skip
def test_usage(machine: Stub, line: str) -> None:
    assert run(machine, lsdev, line).status == 2


def test_unknown(machine: Stub) -> None:
    for line in ("lsattr -El hdisk7", "lscfg -l hdisk7", "lsattr -El hdisk2 -a colour"):
        assert run(machine, lsdev, line).status == 1
