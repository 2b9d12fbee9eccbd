"""bootinfo, ipl_varyon: what was booted, and what could be [commands 5]."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host.boot.content import PROTO, compose
from lvmfmt.host.boot.volume import install
from lvmfmt.host.commands.boot import bootinfo
from lvmfmt.host.odm import devices
from lvmfmt.origin import SeededOrigin

from ...stub import Stub, run, volume_group


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """rootvg on hdisk0, which boots, and hdisk1, which does not; hdisk2 is empty, hdisk3 is gone."""
    machine = Stub()
    group = volume_group(tmp_path, size=32 << 20, pp_size=1 << 20)
    with group.change() as change:
        change.add_lv("hd5", "boot", 2, 1)
    machine.define("rootvg", group)
    install(group.logical_volumes["hd5"], compose({PROTO: b""}.get, {}, SeededOrigin(1)))
    for name in ("hdisk2", "hdisk3"):
        devices.define_disk(machine.odm, name, name, None)
    machine.images["hdisk2"] = ImageFile.create(tmp_path / "empty.img", 5 << 20)
    machine.nvram = machine.nvram._replace(last_boot="hdisk1")
    return machine


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("bootinfo -b", "hdisk1"), ("bootinfo -v", "rootvg"), ("bootinfo -K", "64"), ("bootinfo -s hdisk0", "32"),
        ("bootinfo -s hdisk2", "5"), ("bootinfo -B hdisk0", "1"), ("bootinfo -B hdisk1", "0"),
        ("bootinfo -B hdisk2", "0"),
    ],
)  # fmt: skip
def test_answers(machine: Stub, line: str, answer: str) -> None:
    assert run(machine, bootinfo, line) == (0, [answer], [])


def test_disks_of_groups(machine: Stub) -> None:
    lines = run(machine, bootinfo, "ipl_varyon -i").lines
    assert lines[0].split() == ["PVNAME", "BOOT", "DEVICE", "PVID", "VOLUME", "GROUP", "ID"]
    group = machine.varied["rootvg"]
    first, second = group.physical_volumes
    assert [line.split() for line in lines[1:]] == [
        ["hdisk0", "YES", first + "0" * 16, group.vgid], ["hdisk1", "NO", second + "0" * 16, group.vgid],
    ]  # fmt: skip


def test_nothing_booted_by_that_name(machine: Stub) -> None:
    machine.nvram = machine.nvram._replace(last_boot="gone")
    assert run(machine, bootinfo, "bootinfo -b").out == [""]


def test_wrong_calls(machine: Stub) -> None:
    for line in ("bootinfo", "bootinfo -bv", "bootinfo -b x", "ipl_varyon", "ipl_varyon -i x"):
        assert run(machine, bootinfo, line).status == 2, line
    assert run(machine, bootinfo, "bootinfo -s hdisk7").status == 1
